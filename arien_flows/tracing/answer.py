"""What a trace answers, in the shape in which it leaves the program.

Amounts are decimal strings of base units, times are UTC, and nothing holds a ledger number. Three
kinds of statement stand side by side and say which they are: that a coin was paid and spent is a
*fact*; how much of it is traced is an *inference* under the policy that the answer names; who
owns it is an *attribution* with its source.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from arien_flows.fetched.completeness import Origin
from arien_flows.shapes import AsOf, Certainty, Shape, Truncation, plain
from arien_flows.tracing.graph_answer import Graph
from arien_flows.tracing.timeline_answer import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestShape(Shape):
    """The question as it was understood, with every default filled in."""

    sources: tuple[str, ...]
    """As asked: addresses, `txid:vout`, or `entity:ADDRESS`."""

    direction: str
    """`forward` (where it went) or `backward` (where it came from)."""

    policy: str
    """The accounting convention: `fifo`, `haircut` or `poison`."""

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
    """Most transactions looked at."""

    fan_out_outputs: int
    """A transaction with more outputs than this is a batch payout, ..."""

    fan_out_percent: int
    """... and is not followed when less than this percentage of its money is traced."""

    dormant_days: int
    """Coins unspent for longer than this many days are dormant."""

    graph_nodes: int
    """Most nodes of the graph in the answer before any was opened."""

    level: str
    """What the graph's nodes are: `entity`, `address` or `transaction`."""

    expanded: tuple[str, ...]
    """Nodes of the graph that were opened, in turn."""

    pins: dict[str, tuple[int, int]]
    """Where nodes had to stand, by id."""


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
    """In outputs that nobody can ever spend, in base units."""

    certainty: Certainty = "inference"
    """Of all these amounts: they follow from the policy."""


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

    certainty: Certainty = "inference"
    """Of the traced part: it follows from the policy."""


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

    certainty: Certainty = "inference"
    """Of the traced part: it follows from the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Shape):
    """What is needed to make the same answer again and to see that it is the same."""

    program: str
    """Name of the program."""

    version: str
    """Its version."""

    network: str
    """Name of the network."""

    tip_height: int
    """Height of the last block that the answer knows of."""

    tip_hash: str
    """Hash of that block."""

    rules: dict[str, int]
    """Versions of the rules that the answer rests on."""

    tags_sha256: str
    """Hash over the set of tags, whatever their order."""

    clustering: str
    """Which clustering made the entities; `addresses` without one."""

    coinjoin_marks: str
    """`present` or `absent`: whether CoinJoins could end paths."""

    transactions_explored: int
    """Transactions looked at."""

    transactions_followed: int
    """Those of them that traced money passes through."""

    result_sha256: str
    """Over the answer without this manifest, as canonical JSON: sorted keys, no spaces, UTF-8."""

    fetched: Origin | None = None
    """Where the transactions come from; nothing for a ledger of whole blocks."""


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

    leaves: tuple[Leaf, ...]
    """Every coin at which a path ended, largest first, ties in chain order; but for those that
    `buckets` sums up."""

    buckets: tuple[Bucket, ...]
    """Coins too small to follow, summed by transaction, largest first, ties in chain order."""

    destroyed: tuple[Leaf, ...]
    """Traced coins that nobody can spend, in the same order."""

    timeline: Timeline
    """When the money came to where its paths ended."""

    graph: Graph
    """The flow, simplified to the nodes that the request allows."""

    manifest: Manifest
    """What is needed to repeat the run."""


def canonical_json(value: object) -> bytes:
    """Return the one spelling of a shape over which hashes are taken."""
    return json.dumps(
        plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode()
