"""What a trace answers, in the shape in which it leaves the program.

Amounts are decimal strings of base units, times are UTC, and nothing holds a ledger number. Three
kinds of statement stand side by side and say which they are: that a coin was paid and spent is a
*fact*; how much of it is traced is an *inference* under the policy that the answer names; who
owns it is an *attribution* with its source.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from arien_flows.shapes import AsOf, Certainty, Shape, Truncation, plain
from arien_flows.tracing.graph_answer import Graph
from arien_flows.tracing.inferences import Inferences
from arien_flows.tracing.manifest_answer import Manifest
from arien_flows.tracing.points import ServicePoint
from arien_flows.tracing.timeline_answer import Timeline
from arien_flows.tracing.values import Value, ValueSum, ValueTotals

VERSION = 1
"""Of how an answer is put together: what sources mean, the ends and their sums, the coins to ask
services about, the timeline, how the graph is condensed and folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestShape(Shape):
    """The question as it was understood, with every default filled in."""

    sources: tuple[str, ...]
    """As asked: addresses, `txid:vout`, or `entity:ADDRESS`."""

    direction: str
    """`forward` (where it went) or `backward` (where it came from)."""

    policy: str
    """The accounting convention, such as `fifo`."""

    max_hops: int
    """Most transactions between a source and the end of a path."""

    min_value: str
    """Amounts below this, in base units, are not followed."""

    since: datetime | None
    """Transactions before this are not followed; compared with the block's median time past."""

    until: datetime | None
    """Transactions after this are not followed."""

    horizon_days: int | None
    """Days after (backward: before) each source that money is followed; none: without end."""

    budget: int
    """Most transactions looked at; where a time limit ended the search, how many were."""

    fan_out_outputs: int
    """A transaction with more outputs than this is a batch payout, ..."""

    fan_out_percent: int
    """... and is not followed when less than this percentage of its money is traced."""

    dormant_days: int
    """Coins unspent for longer than this many days are dormant."""

    min_confidence: int
    """Confidence, of 100, from which a tag that names a service ends paths there."""

    fee_mode: str
    """`track` (traced fees are listed), `drop` (their sum is told) or `track_coinbase` (followed
    into the coinbase of their block)."""

    subsidy_order: str | None
    """Where fees are followed: whether a coinbase's new money comes `first` or `last`."""

    graph_nodes: int
    """Most nodes of the graph in the answer before any was opened."""

    level: str
    """What the graph's nodes are: `entity`, `address` or `transaction`."""

    expanded: tuple[str, ...]
    """Nodes of the graph that were opened, in turn."""

    pins: dict[str, tuple[int, int]]
    """Where nodes had to stand, by id."""

    fiat: str | None = None
    """Currency in which money is valued at the time at which it was paid; none without values."""

    demix: str
    """`stop`, or `candidates`: `inferences` lists what may be the money behind CoinJoins."""

    demix_depth: int
    """CoinJoins in a row that candidates are followed through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTotals(Shape):
    """Where the money of one of several sources went; `traced` is the sum of the rest.

    Money that passed through another of the sources stands under both.
    """

    source: str
    """As asked."""

    traced: str
    """What the source received, in base units."""

    by_reason: dict[str, str]
    """Where its paths ended, in base units by reason."""

    fees: str
    """Its money that went to miners, in base units."""

    destroyed: str
    """In outputs that nobody can ever spend, in base units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePart(Shape):
    """The part of an amount that came from the same sources."""

    sources: tuple[int, ...]
    """Places among the sources of the request, from 0: one, or several where money of one source
    passed through coins of another."""

    traced: str
    """In base units; the parts of an amount add up to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals(Shape):
    """Where all of it went; `source` is the sum of the rest for every policy but poison."""

    source: str
    """What was traced, in base units."""

    by_reason: dict[str, str]
    """Where paths ended, in base units by reason."""

    fees: str
    """Traced money that went to miners, in base units."""

    destroyed: str
    """In outputs that nobody can ever spend, in base units; unclaimed rewards too."""

    by_source: tuple[SourceTotals, ...] = ()
    """The same for each of several sources; nothing where they are not told apart."""

    certainty: Certainty = "inference"
    """Of all these amounts: they follow from the policy."""

    fiat: ValueTotals | None = None
    """What they were worth when they were paid, where a currency was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(Shape):
    """What a source says about the holder of a coin."""

    label: str
    """Name that the source gives."""

    concepts: tuple[str, ...]
    """Categories and abuse types of the tag, such as `exchange`."""

    confidence: int
    """0 to 100, as the tag states it."""

    source: str
    """Who says so."""

    is_inherited: bool
    """The tag was written for another address of the same entity; that both are one entity is an
    inference."""

    certainty: Certainty = "attribution"
    """The chain names nobody: a source does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf(Shape):
    """A coin at which a path ended."""

    outpoint: str | None
    """`txid:vout`; none for a coin from outside a ledger of whole blocks."""

    spent_by: str | None
    """`txid:vin` of the input that spends a coin from outside the ledger."""

    address: str | None
    """Canonical text; none where the script has no address."""

    entity: str | None
    """First-seen address of the entity; the address itself where no rule joined it."""

    value: str
    """The whole coin, in base units."""

    traced: str
    """The part of it that is traced, in base units."""

    reason: str
    """Why the path ended, in a word that programs may rely on."""

    hops: int
    """Transactions from the nearest source."""

    height: int
    """Of the transaction that pays the coin, or spends it where it is from outside."""

    time: datetime
    """The time that the header of that block states."""

    service: Service | None
    """Who holds the coin, where the path ended because of that."""

    by_source: tuple[SourcePart, ...] = ()
    """Which of several sources the traced part came from; nothing for a single source."""

    certainty: Certainty = "inference"
    """Of the traced part: it follows from the policy."""

    fiat: Value | None = None
    """What the traced part was worth when the coin was paid; nothing without a price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee(Shape):
    """Traced money that went to a miner, or came from one; it is in no coin."""

    txid: str
    """Transaction that paid the fee; the coinbase for a subsidy or an unclaimed reward."""

    kind: str
    """`fee`, `subsidy` (backward: new money of a block) or `unclaimed` (reward left by a miner)."""

    value: str
    """The whole of it, in base units."""

    traced: str
    """The part of it that is traced, in base units."""

    reason: str
    """`fee` where fees are not followed; else why the path ended here."""

    height: int
    """Of the transaction's block."""

    time: datetime
    """The time that the header of that block states."""

    by_source: tuple[SourcePart, ...] = ()
    """Which of several sources the traced part came from; nothing for a single source."""

    certainty: Certainty = "inference"
    """Of the traced part: it follows from the policy."""

    fiat: Value | None = None
    """What the traced part was worth at that time; nothing without a price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTotal(Shape):
    """All paths that ended at one named service."""

    label: str
    """Name that the source gives."""

    concepts: tuple[str, ...]
    """Categories and abuse types of the tag, such as `exchange`."""

    reason: str
    """Why paths ended there: `service_reached`, `mixer` or `bridge`."""

    traced: str
    """Sum of the traced parts, in base units."""

    coins: int
    """Coins at which paths ended."""

    addresses: int
    """Different addresses of these coins."""

    first_time: datetime
    """Header time of the first of these coins' blocks."""

    last_time: datetime
    """Header time of the last."""

    certainty: Certainty = "attribution"
    """The name is a source's; the amount is an inference."""

    fiat: ValueSum | None = None
    """What the traced parts were worth when they were paid, where a currency was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSum(Shape):
    """Ends of one reason that are not listed one by one, as they are too many."""

    reason: str
    """Why paths ended."""

    coins: int
    """How many they are."""

    value: str
    """The whole coins, in base units."""

    traced: str
    """The part of them that is traced, in base units."""

    by_source: tuple[SourcePart, ...] = ()
    """Which of several sources the traced part came from; nothing for a single source."""

    certainty: Certainty = "inference"
    """Of the traced part: it follows from the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket(Shape):
    """The coins of one transaction that were too small to follow, as one sum."""

    txid: str
    """The transaction that paid them; backward, that spent them."""

    positions: str
    """Their places among its outputs (backward: its inputs), as `0-3,7`."""

    coins: int
    """How many they are."""

    value: str
    """The whole coins, in base units."""

    traced: str
    """The part of them that is traced, in base units."""

    reason: str
    """Why paths ended here: `below_min`."""

    hops: int
    """Transactions from the nearest source."""

    height: int
    """Of the transaction."""

    time: datetime
    """The time that the header of its block states."""

    by_source: tuple[SourcePart, ...] = ()
    """Which of several sources the traced part came from; nothing for a single source."""

    certainty: Certainty = "inference"
    """Of the traced part: it follows from the policy."""

    fiat: ValueSum | None = None
    """What the traced parts were worth when they were paid, where a currency was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceAnswer(Shape):
    """The answer to a trace."""

    request: RequestShape
    """The question."""

    as_of: AsOf
    """The state of the chain that is described."""

    complete: bool
    """Whether no path was cut by a limit or by the edge of the ledger."""

    truncations: tuple[Truncation, ...]
    """What is left out, and why."""

    asset: str
    """What the amounts count."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    totals: Totals
    """Where all of it went, in sums."""

    services: tuple[ServiceTotal, ...]
    """Sums by named service, largest first."""

    service_points: tuple[ServicePoint, ...]
    """The coins at services to ask about, by address, the largest traced sum first."""

    leaves: tuple[Leaf, ...]
    """Every coin at which a path ended, largest first, ties in chain order; but for those that
    `further` and `buckets` sum up."""

    further: tuple[EndSum, ...]
    """Ends past the 20,000 largest that are at no service, summed by reason."""

    buckets: tuple[Bucket, ...]
    """Coins too small to follow, summed by transaction, largest first, ties in chain order."""

    destroyed: tuple[Leaf, ...]
    """Traced coins that nobody can spend, in the same order."""

    inferences: Inferences | None
    """Candidates behind the CoinJoins at which paths ended, if the request asks for them. No
    total, leaf or node rests on them."""

    timeline: Timeline
    """When the money came to where its paths ended."""

    fees: tuple[Fee, ...]
    """Every traced fee that was not followed, in chain order; nothing in fee mode `drop`."""

    graph: Graph
    """The flow, simplified to the nodes that the request allows."""

    manifest: Manifest
    """What is needed to repeat the run."""

    manifest_sha256: str
    """Over the request and the manifest, as in the manifest's file."""


def canonical_json(value: object) -> bytes:
    """Return the one spelling of a shape over which hashes are taken."""
    return json.dumps(
        plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode()
