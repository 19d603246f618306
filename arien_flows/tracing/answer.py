"""What a trace answers, in the shape in which it leaves the program.

Amounts are decimal strings of base units, times are UTC, and nothing holds a ledger number. Three
kinds of statement stand side by side and say which they are: that a coin was paid and spent is a
*fact*; how much of it is traced is an *inference* under the policy that the answer names; who
owns it is an *attribution* with its source.
"""

import json
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from typing import Literal

Certainty = Literal["fact", "inference", "attribution"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """The state of the chain that an answer describes."""

    network: str
    height: int
    block_hash: str
    time: datetime
    """The time that the block's header states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncation:
    """Something that the answer leaves out."""

    where: str
    reason: str
    limit: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestShape:
    """The question as it was understood, with every default filled in."""

    sources: tuple[str, ...]
    direction: str
    policy: str
    max_hops: int
    min_value: str
    since: datetime | None
    until: datetime | None
    horizon_days: int | None
    budget: int
    fan_out_outputs: int
    fan_out_percent: int
    dormant_days: int
    graph_nodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Where all of it went; `source` is the sum of the rest for every policy but poison."""

    source: str
    by_reason: dict[str, str]
    fees: str
    destroyed: str
    """In outputs that nobody can ever spend."""

    certainty: Certainty = "inference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What a source says about the holder of a coin."""

    label: str
    concepts: tuple[str, ...]
    confidence: int
    """0 to 100."""

    source: str
    is_inherited: bool
    """The tag was written for another address of the same entity; that both are one entity is an
    inference."""

    certainty: Certainty = "attribution"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A coin at which a path ended."""

    outpoint: str | None
    """`txid:vout`; none for a coin from outside the ledger."""

    spent_by: str | None
    """`txid:vin` of the input that spends a coin from outside the ledger."""

    address: str | None
    entity: str | None
    """First-seen address of the entity."""

    value: str
    traced: str
    reason: str
    hops: int
    height: int
    """Of the transaction that pays the coin, or spends it where it is from outside."""

    time: datetime
    service: Service | None
    certainty: Certainty = "inference"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTotal:
    """All paths that ended at one named service."""

    label: str
    concepts: tuple[str, ...]
    reason: str
    traced: str
    coins: int
    addresses: int
    first_time: datetime
    last_time: datetime
    certainty: Certainty = "attribution"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """A holder of money, a transaction, or several of them shown as one."""

    id: str
    kind: str
    label: str
    """Short, for people."""

    address: str | None
    txid: str | None
    tag: str | None
    x: int
    """Column from the left, from 0."""

    y: int
    """Height, downwards; nodes of a column are at least 1000 apart."""

    amount: str
    """What passes through or ends here."""

    entry: str
    """Source money that starts (backward: ends) here."""

    fees: str
    """Traced money that was lost to fees inside the node."""

    returned: str
    """Traced money that the holder paid and got back as change."""

    transactions: int
    members: int
    """Nodes of the full graph that this one stands for."""

    ends: dict[str, str]
    """Amounts by reason for which paths ended here."""

    time: datetime | None
    certainty: Certainty


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEdge:
    """Traced money that went from one node to another."""

    source: str
    target: str
    amount: str
    """What arrived."""

    fees: str
    """Traced money lost to fees on the way."""

    coins: int
    transactions: int
    """Transactions that the edge stands for where it joins two holders, else 0."""

    txids: tuple[str, ...]
    """The first of them in chain order, at most 20."""

    certainty: Certainty = "inference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The flow, left to right in the direction of time."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    full_nodes: int
    """Nodes before anything was simplified."""

    folded_nodes: int
    """Nodes of the full graph that disappeared into `fold` nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is needed to make the same answer again and to see that it is the same."""

    program: str
    version: str
    network: str
    tip_height: int
    tip_hash: str
    rules: dict[str, int]
    """Versions of the rules that the answer rests on."""

    tags_sha256: str
    clustering: str
    coinjoin_marks: str
    """`present` or `absent`."""

    transactions_explored: int
    transactions_followed: int
    result_sha256: str
    """Over the answer without this manifest, as canonical JSON: sorted keys, no spaces, UTF-8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceAnswer:
    """The answer to a trace."""

    request: RequestShape
    as_of: AsOf
    complete: bool
    """Whether no path was cut by a limit or by the edge of the ledger."""

    truncations: tuple[Truncation, ...]
    asset: str
    decimals: int
    totals: Totals
    services: tuple[ServiceTotal, ...]
    """Largest first."""

    leaves: tuple[Leaf, ...]
    """Largest first, ties in chain order."""

    destroyed: tuple[Leaf, ...]
    graph: Graph
    manifest: Manifest


def plain(value: object) -> object:
    """Return a shape as the dictionaries, lists, strings and numbers that JSON knows."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"an answer may not hold a {type(value).__name__}")


def canonical_json(value: object) -> bytes:
    """Return the one spelling of a shape over which hashes are taken."""
    return json.dumps(
        plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode()
