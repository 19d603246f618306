"""What a question for connections between accounts answers, in the shape in which it leaves.

That accounts paid each other in this order is a fact. The most that a connection can have carried
follows from it. How much of the origin's money arrived is an inference under a policy, conversions
are inferences of their rules, and who owns an account is an attribution.
"""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.account_tracing.answer import Unit
from arien_flows.shapes import Certainty, ChainAnswer, Shape

VERSION = 1
"""Raised whenever the same ledger and question can give another answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPathRequestShape(Shape):
    """The question as it was understood, with every default filled in."""

    origin: str
    """Where the money starts, as asked."""

    destination: str
    """Where it arrives, as asked."""

    asset: str | None
    """What the origin gave: the coin's name or a contract; none for anything."""

    by: str
    """`value` or `hops`."""

    limit: int
    """Most connections listed."""

    max_hops: int
    """Most transfers of a connection."""

    min_value: str
    """Smallest part of what the origin gave that a connection carries, in base units."""

    since: datetime | None
    """Movements before this are not passed."""

    until: datetime | None
    """Movements after this are not passed."""

    budget: int
    """Most movements looked at."""

    through: tuple[str, ...]
    """What connections may run through that they otherwise end at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSearched(Shape):
    """How far the two searches went."""

    movements: int
    """Movements looked at."""

    origin_balances: int
    """Balances that the search from the origin came to."""

    destination_balances: int
    """The same of the search from the destination."""

    ended: str
    """`origin_done` or `destination_done` (one search saw everything within the limits), `met`
    (together they did), or `budget` (neither did)."""

    exhaustive: bool
    """Whether every connection within the limits was found."""

    certain_hops: int
    """Every connection of at most so many transfers was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathLeg(Shape):
    """All movements from one account to the next, or a conversion in an account's hands."""

    kind: str
    """`transfer` or `conversion`."""

    giver: str
    """Who gave; of a conversion its owner."""

    receiver: str
    """Who received."""

    receiver_entity: str
    """First-seen account of the receiver's entity; itself where no rule joined it."""

    receiver_label: str | None
    """Name that a source gives the receiver; an attribution."""

    gave: Unit
    """What was given."""

    got: Unit
    """What was received: another asset only by conversion."""

    gave_amount: str
    """All of it on this leg, in base units of `gave`."""

    got_amount: str
    """The same of what was received, in base units of `got`."""

    carried: str
    """Most of that which can have come along this connection, in base units of `got`."""

    count: int
    """Movements, or conversions."""

    first: str
    """The first one, as `TXHASH:POSITION`."""

    first_time: datetime
    """Time of its block."""

    last_time: datetime
    """Time of the block of the last one."""

    rules: tuple[str, ...]
    """Of conversions, the rules that tell them."""

    certainty: Certainty
    """`fact` for movements and for wraps by listed contracts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountConnection(Shape):
    """One row of accounts from the origin to the destination."""

    hops: int
    """Transfers."""

    unit: Unit
    """What arrives."""

    carried: str
    """Most that can have come all the way, each movement after the one before, in base units;
    through conversions scaled by what was got for what was given."""

    from_unit: Unit
    """What the origin gave."""

    from_origin: str
    """What of it that stands for, in base units."""

    legs: tuple[PathLeg, ...]
    """From the origin's to the destination's."""

    certainty: Certainty
    """`fact` where every leg is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathShare(Shape):
    """Where the origin's money of one asset went by one policy.

    `source` and `converted_in` are the sum of the rest, for every policy but poison.
    """

    policy: str
    """The accounting convention, such as `fifo`."""

    unit: Unit
    """What the amounts count."""

    source: str
    """What the origin paid into the connections."""

    converted_in: str
    """What came of another asset on the way."""

    arrived: str
    """At the destination, over all connections listed, in any combination."""

    returned: str
    """Back to the origin."""

    elsewhere: str
    """Paid on, but to accounts that are on none of these connections."""

    held: str
    """Still in balances on the way."""

    fees: str
    """In gas."""

    destroyed: str
    """To addresses that nobody has the key of."""

    converted_out: str
    """What became another asset on the way."""

    certainty: Certainty = "inference"
    """The amounts follow from the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathBarred(Shape):
    """An account that the searches came to and did not pass."""

    address: str
    """The account, canonical."""

    reason: str
    """`service`, `mixer`, `bridge`, `many_movements` or `contract`."""

    label: str | None
    """Name that a source gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPathAnswer(ChainAnswer):
    """The connections between two ends."""

    request: AccountPathRequestShape
    """The question, with every default filled in."""

    statement: str
    """The answer in a sentence, with the limits within which it holds."""

    searched: PathSearched
    """How far was looked, from either end."""

    connections: tuple[AccountConnection, ...]
    """In the order that was asked for."""

    more: bool
    """Whether there are other connections within the limits."""

    policies: tuple[PathShare, ...]
    """What each policy says arrived, by asset."""

    barred: tuple[PathBarred, ...]
    """Where the searches ended; at most 100."""

    rules: dict[str, int]
    """The rules that the answer rests on, with their versions."""
