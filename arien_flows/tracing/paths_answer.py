"""What a question for connections answers, in the shape in which it leaves the program.

That coins follow one another is a fact; how much of one end's money went over them is an
inference under a policy; who owns a coin is an attribution.
"""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.shapes import Certainty, ChainAnswer, Shape
from arien_flows.tracing.manifest_answer import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRequestShape(Shape):
    """The question as it was understood, with every default filled in."""

    origin: str
    """Where the money starts, as asked."""

    destination: str
    """Where it arrives, as asked."""

    by: str
    """What comes first: `value` (the larger carried value) or `hops` (fewer transactions)."""

    limit: int
    """Most connections listed."""

    max_hops: int
    """Most transactions of a connection."""

    min_value: str
    """Smallest coin of a connection, in base units."""

    since: datetime | None
    """Transactions before this are not passed, and an address or entity as origin means nothing
    that it received before; compared with the block's median time past."""

    until: datetime | None
    """The same of what comes after this."""

    budget: int
    """Most transactions looked at, by both searches together."""

    through: tuple[str, ...]
    """What connections may run through that they otherwise end at: `services`, `coinjoins`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched(Shape):
    """How far the two searches went."""

    forward_transactions: int
    """Transactions looked at from the origin."""

    backward_transactions: int
    """Transactions looked at from the destination."""

    origin_coins: int | None
    """Coins that the search began at; none where that end was only recognised when met."""

    destination_coins: int | None
    """The same of the destination, without coins that are older than all of these."""

    ended: str
    """`origin_done` or `destination_done` (one search saw everything within the limits), `met`
    (together they did), `budget` (neither did), or `time_order` (nothing had to be searched)."""

    exhaustive: bool
    """Whether every connection within the limits was found."""

    certain_from: str | None
    """Where not: every connection that carries at least this, in base units, was found; none
    where nothing can be said by value."""

    certain_hops: int | None
    """Where not: every connection of at most so many transactions was found; none where nothing
    can be said by hops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathCoin(Shape):
    """A coin of a connection."""

    outpoint: str
    """`txid:vout`."""

    txid: str
    """Of the transaction that made it."""

    height: int
    """Of its block."""

    time: datetime
    """The time that the header of that block states."""

    address: str | None
    """Canonical text; none where the script has no address."""

    entity: str | None
    """First-seen address of the entity; the address itself where no rule joined it."""

    value: str
    """The whole coin, in base units."""

    tag: str | None
    """Name that a source gives the holder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathShape(Shape):
    """One connection: a row of coins, each spent by the transaction that makes the next."""

    hops: int
    """Transactions from the first coin to the last."""

    carried: str
    """Its smallest coin, in base units: no more can have come all the way this way."""

    coins: tuple[PathCoin, ...]
    """From the origin's to the destination's."""

    policies: dict[str, str]
    """Units of the first coin that a policy sends through exactly these coins, for the policies
    that can say it of one connection; an inference each."""

    certainty: Certainty = "fact"
    """That the coins follow one another; not the amounts by policy, nor names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived(Shape):
    """Where the origin's money went by one policy; the sum of all is what its coins hold."""

    arrived: str
    """At the destination, in base units, over all connections found, in any combination."""

    elsewhere: str
    """It was spent, and went to coins that are on none of these connections."""

    unspent: str
    """In coins of the origin that were not spent."""

    returned: str
    """Back to the origin."""

    fees: str
    """To miners, in transactions of these connections."""

    destroyed: str
    """In outputs that nobody can ever spend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathTotals(Shape):
    """What all connections together carried."""

    source: str
    """The origin's coins together, in base units; of a category only those on a connection."""

    by_policy: dict[str, Arrived]
    """By policy. Poison counts what it touched, and may exceed the source."""

    least: str
    """That arrived over the connections found, by the policies that conserve amounts. What came
    by other connections is not in it."""

    most: str
    """Over the same. It bounds what arrived at all only where no connection is missing."""

    certainty: Certainty = "inference"
    """Of all these amounts: they follow from the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedAt(Shape):
    """Coins at which a search went no further, because connections do not run through there."""

    side: str
    """`forward`: money of the origin came there. `backward`: money of the destination came from
    there."""

    reason: str
    """`service_reached`, `mixer`, `bridge` or `coinjoin`."""

    label: str | None
    """Name that a source gives the service; none for a CoinJoin, and where the services are too
    many to be named."""

    coins: int
    """Coins."""

    value: str
    """Their whole values together, in base units; that all of it is the end's is not said."""

    largest: str
    """The largest of them, as `txid:vout`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathAnswer(ChainAnswer):
    """The answer to a question for connections."""

    request: PathRequestShape
    """The question."""

    statement: str
    """The answer in a sentence, with the limits that it holds within."""

    asset: str
    """What the amounts count."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    searched: Searched
    """How far the searches went."""

    count: str
    """Number of all connections found, a decimal string; the list may hold fewer."""

    count_is_exact: bool
    """If not, there are at least so many."""

    by_hops: dict[str, str]
    """The same by number of transactions."""

    connections: tuple[PathShape, ...]
    """The first of them in the order of the request; ties by the other measure, then by age."""

    totals: PathTotals
    """What they carried together, by policy."""

    ended_at: tuple[EndedAt, ...]
    """Where searches went no further, most valuable first."""

    manifest: Manifest
    """What is needed to repeat the run."""

    manifest_sha256: str
    """Over the request and the manifest, as in a manifest's file."""
