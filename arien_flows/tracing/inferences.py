"""What is said of money that entered CoinJoins, in the shape in which it leaves the program.

Everything here is an inference by a named rule. None of it is part of the totals of a trace, of
its leaves or its graph, and nothing that clusters addresses reads it.
"""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.shapes import Certainty, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio(Shape):
    """An exact fraction between 0 and 1."""

    numerator: str
    """Above the line, in lowest terms."""

    denominator: str
    """Below it."""

    millionths: int
    """The same in millionths, rounded down: for reading, not for adding up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing(Shape):
    """A service at which a candidate arrived."""

    label: str
    """Name that the source gives."""

    concepts: tuple[str, ...]
    """Categories and abuse types of the tag, such as `exchange`."""

    confidence: int
    """0 to 100, as the tag states it."""

    source: str
    """Who says so."""

    is_inherited: bool
    """The tag was written for another address of the same entity."""

    outpoint: str | None
    """`txid:vout` of the coin at the service; backward a coin of the service that was spent, none
    where it is from outside the ledger."""

    value: str
    """The whole coin, in base units."""

    address: str | None
    """Where the coin lies."""

    certainty: Certainty = "attribution"
    """The name is a source's; that this is the traced money is an inference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate(Shape):
    """A coin that may be the one that was traced."""

    outpoint: str | None
    """`txid:vout` of an output of the last CoinJoin (backward: of a coin that the first one
    spends); none for a coin from outside the ledger."""

    spent_by: str | None
    """`txid:vin` of the input of the CoinJoin, where money is followed backward."""

    address: str | None
    """Canonical text; none where the script has no address."""

    value: str
    """The whole coin, in base units."""

    rule: str
    """The rule that makes it a candidate."""

    equal_outputs: int
    """Outputs of the same amount in that CoinJoin; 1 for a change."""

    coinjoins: int
    """CoinJoins passed on the shortest way."""

    height: int
    """Of the CoinJoin."""

    time: datetime
    """The time that the header of that block states."""

    chance: Ratio | None
    """That it has the same owner as the traced coin, under the rules; nothing where the rules
    give no chance."""

    mass: Ratio
    """The part of the traced coin's money that it stands for; all masses and the rest are 1."""

    raised: Ratio | None
    """The chance after it was spent together with others (`demix_consolidation`)."""

    fate: str
    """What is known to come next: `unspent`, `spent`, `service`, `depth` or `count` (a further
    CoinJoin that was not entered), `time_window`, `not_fetched`; backward also `made`,
    `before_ledger` and `newly_mined`."""

    next_txid: str | None
    """The transaction that spends it; backward, the one that made it."""

    next_time: datetime | None
    """Header time of that transaction's block."""

    landings: tuple[Landing, ...]
    """Services at its own address, or in the next transaction: its outputs, backward its inputs;
    at most 20."""

    certainty: Certainty = "inference"
    """That it is the traced money: nobody can know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed(Shape):
    """A CoinJoin that candidates were followed through."""

    txid: str
    """The transaction."""

    design: str
    """What the rules take it for."""

    confidence: int | None
    """Of the design's rules, 0 to 100, as their source gives it; nothing where none does."""

    depth: int
    """CoinJoins from the traced coin, the first one being 1."""

    entered: int
    """Candidates that enter it (backward: leave it); 1 for the first one."""

    mass: Ratio
    """What enters it."""

    rest: Ratio
    """The part of that of which nothing is known past it."""

    changes_known: int
    """Changes of which only one set of inputs can have paid for them."""

    changes_unknown: int
    """Other outputs of no agreed amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consolidation(Shape):
    """Candidates of one CoinJoin that were spent together."""

    txid: str
    """The transaction that spends them."""

    height: int
    """Of its block."""

    time: datetime
    """The time that the header of that block states."""

    coinjoin: str
    """The CoinJoin whose outputs they are."""

    coins: tuple[str, ...]
    """The candidates, as `txid:vout`, in the order of the CoinJoin."""

    before: Ratio | None
    """The largest chance that one of them had; nothing where the rules give no chance."""

    raised: Ratio | None
    """The chance of each of them now, with the same exception."""

    rule: str = "demix_consolidation"
    """The rule."""

    certainty: Certainty = "inference"
    """It rests on the co-spend and on the candidates' own chances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference(Shape):
    """Where the money of one traced coin may be, behind the CoinJoin at which its path ended."""

    coin: str | None
    """The traced coin as `txid:vout`."""

    coinjoin: str
    """The CoinJoin that spends it; backward, the one that made it."""

    traced: str
    """The traced part of the coin, in base units."""

    passed: tuple[Passed, ...]
    """The CoinJoins that candidates were followed through, in chain order (backward: reverse)."""

    candidates: tuple[Candidate, ...]
    """Where they were found at the end, the largest mass first, ties in chain order; at most
    200."""

    unlisted: int
    """Candidates past the 200 that are listed; those at services are listed first."""

    unlisted_mass: Ratio
    """What these stand for."""

    rest: Ratio
    """What nothing is known of: change that several could have paid for, or fees."""

    consolidations: tuple[Consolidation, ...]
    """Candidates that were spent together, those that raise chances most first; at most 100."""

    unlisted_consolidations: int
    """Others past these."""

    cut: tuple[str, ...]
    """Limits that stopped candidates before a further CoinJoin: `depth` or `count`."""

    certainty: Certainty = "inference"
    """All of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferences(Shape):
    """What was asked for with `demix`; not part of any total."""

    rules: dict[str, int]
    """The rules that speak here, with their versions."""

    depth: int
    """Most CoinJoins that a candidate is followed through."""

    coinjoins: tuple[Inference, ...]
    """One for each traced coin that ended at a CoinJoin, the largest first, at most 50."""

    unasked: int
    """Traced coins at CoinJoins past these."""

    unasked_traced: str
    """What they hold of the traced money, in base units."""
