"""What a whole-ledger taint answers, in the shape in which it leaves the program."""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.shapes import AsOf, Certainty, Shape, Truncation
from arien_flows.tracing.answer import Totals
from arien_flows.tracing.manifest_answer import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class TaintRequestShape(Shape):
    """The question as it was understood."""

    sources: tuple[str, ...]
    """As asked, the first of them where there are many."""

    source_count: int
    """How many were named."""

    sources_sha256: str
    """Over all of them in their order, one a line; the hash of `sources.txt`, which `-o` writes."""

    policy: str
    """The accounting convention."""

    fee_mode: str
    """`track` (each fee is listed), `drop` (only their sum is kept), or `track_coinbase`."""

    subsidy_order: str | None
    """`first` or `last`: where new coins stand in what a coinbase takes; none where fees are not
    followed."""

    until_height: int | None
    """The last block looked at; nothing for the ledger's last."""

    stops_at_services: bool
    """Whether paths end at tagged services; else money is followed through them."""

    stops_at_coinjoins: bool
    """Whether paths end at CoinJoins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceShare(Shape):
    """What carries the colour of one source; the sum over sources may exceed the whole."""

    source: str
    """As asked."""

    by_reason: dict[str, str]
    """Where it ended, in base units by reason; `fees` among them."""

    certainty: Certainty = "inference"
    """It follows from the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaintedService(Shape):
    """Tainted money that rests with somebody whom a source names."""

    label: str
    """Name that the source gives."""

    concepts: tuple[str, ...]
    """Categories and abuse types of the tag."""

    confidence: int
    """0 to 100, as the tag states it."""

    source: str
    """Who says so."""

    tainted: str
    """In base units."""

    coins: int
    """Coins that hold it."""

    addresses: int
    """Different addresses of these coins."""

    certainty: Certainty = "attribution"
    """The name is a source's; the amount is an inference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder(Shape):
    """An entity in whose coins tainted money rests."""

    entity: str
    """First-seen address; the address itself where no rule joined it."""

    label: str | None
    """Name that a source gives it."""

    tainted: str
    """In base units."""

    value: str
    """All of the coins that hold it, in base units."""

    coins: int
    """How many these are."""

    certainty: Certainty = "inference"
    """Of the amount and of the entity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Month(Shape):
    """What became of tainted money in a month, by the header times of blocks."""

    month: str
    """As `2026-03`, in UTC."""

    came_to_rest: str
    """In coins that were paid in this month and still hold it, in base units."""

    coins: int
    """How many these are."""

    fees: str
    """Paid to miners, in base units."""

    destroyed: str
    """In outputs that nobody can spend, or never claimed by a coinbase, in base units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaintAnswer(Shape):
    """Where the taint of many sources is after one pass over the ledger."""

    request: TaintRequestShape
    """The question."""

    as_of: AsOf
    """The last block that was looked at."""

    complete: bool
    """Whether nothing is left out."""

    truncations: tuple[Truncation, ...]
    """What is left out, and why."""

    asset: str
    """What the amounts count."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    totals: Totals
    """Where all of it is, in sums."""

    source_outputs: int
    """Outputs that were declared tainted."""

    first_source_time: datetime
    """Header time of the first of their blocks."""

    tainted_outputs: int
    """Unspent outputs that hold taint."""

    segments: int
    """Runs of tainted units in them (FIFO and LIFO); the outputs themselves elsewhere."""

    transactions: int
    """Transactions that taint passed through."""

    inputs: int
    """Their inputs."""

    by_source: tuple[SourceShare, ...]
    """By source, where they are told apart."""

    services: tuple[TaintedService, ...]
    """All named holders, largest first."""

    holders: tuple[Holder, ...]
    """The entities that hold most, largest first."""

    holder_count: int
    """All entities that hold any."""

    months: tuple[Month, ...]
    """From the first month with any, without gaps."""

    manifest: Manifest
    """What is needed to repeat the run."""

    manifest_sha256: str
    """Over the question and the manifest, as in the file of the manifest."""
