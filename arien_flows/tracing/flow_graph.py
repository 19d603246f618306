"""The flow as a graph of holders and transactions, exact to the satoshi at every node.

A *holder* is whoever a coin is locked to: an address, or its entity where a clustering joined it
with others, or the service that a tag names. Money runs from holder to transaction to holder, in
the direction of time in both directions of tracing. At each node what comes in, declared source
money included, equals what goes out, what ended there and what was lost to fees; backward the
same holds in the mirror. Simplifying for display only ever *contracts* nodes (`contract`), which
keeps that equation, so no picture can lose money.

Nodes and edges are arrays, because a trace may have millions of them; text comes last, for those
that are shown.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from arien_flows.attribution.ownership import EntityMap, roots_of
from arien_flows.attribution.snapshot import Attribution
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from chains.types import BoolArray, Int64Array, UInt8Array
from heuristics.follow import Trail
from heuristics.taint import Stop


class NodeKind(IntEnum):
    """What a node stands for, and so what its `ref` means."""

    HOLDER = 0
    """`ref`: number of the entity's first-seen address."""

    SERVICE = 1
    """`ref`: place of the best service tag with its label."""

    TRANSACTION = 2
    """`ref`: transaction number."""

    COINJOIN = 3
    """A CoinJoin where paths end. `ref`: transaction number."""

    SMALL = 4
    """Amounts of one transaction that were too small to follow. `ref`: transaction number."""

    DESTROYED = 5
    """Outputs that nobody can spend. `ref`: 0."""

    OUTSIDE = 6
    """A coin from outside the ledger whose script is unknown. `ref`: input number."""

    CHAIN = 7
    """Transactions in a row, shown as one. `ref`: number of the first."""

    FOLD = 8
    """Smaller branches, shown as one. `ref` means nothing."""


_KIND_SHIFT = 40
_FIRST = -(2**40)
"""Rank of sources: no transaction number is as large."""

SERVICE_REASONS = (Stop.SERVICE_REACHED, Stop.MIXER, Stop.BRIDGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowGraph:
    """Nodes and edges as arrays; amounts in satoshi."""

    kind: UInt8Array
    ref: Int64Array
    column: Int64Array
    """Left to right: holders stand at even numbers, transactions between; sources at 0, with
    positive columns forward and negative ones backward."""

    rank: Int64Array
    """When the trace first came here: the transaction's number, negated backward; sources come
    before everything."""

    moment: Int64Array
    """First transaction, in chain order, that brought traced money here."""

    is_source: BoolArray
    is_named: BoolArray
    """A tag speaks for the holder."""

    entry: Int64Array
    """Declared source money that starts here."""

    fee: Int64Array
    """Traced money that was lost to fees inside the node."""

    returned: Int64Array
    """Traced money that the holder paid and got back in the same transaction (its change)."""

    transactions: Int64Array
    """Transactions that the node stands for."""

    members: Int64Array
    """Nodes of the full graph that the node stands for."""

    end_node: Int64Array
    end_reason: UInt8Array
    end_amount: Int64Array
    end_coins: Int64Array
    """Coins that the end stands for."""

    edge_from: Int64Array
    edge_to: Int64Array
    edge_amount: Int64Array
    """What arrives at the edge's end."""

    edge_fee: Int64Array
    """Traced money lost on the way, so that amount and fee together left the edge's start."""

    edge_coins: Int64Array
    """Coins that the edge carried."""

    via_from: Int64Array
    via_to: Int64Array
    via_transaction: Int64Array
    """Transactions that an edge between two holders stands for."""

    @property
    def node_count(self) -> int:
        """Return the number of nodes."""
        return len(self.kind)

    def inflow(self) -> Int64Array:
        """Return what arrives at each node over edges."""
        return _sums(self.edge_to, self.edge_amount, self.node_count)

    def outflow(self) -> Int64Array:
        """Return what leaves each node over edges, fees on the way included."""
        return _sums(self.edge_from, self.edge_amount + self.edge_fee, self.node_count)

    def ends(self) -> Int64Array:
        """Return what ended at each node."""
        return _sums(self.end_node, self.end_amount, self.node_count)

    @property
    def is_backward(self) -> bool:
        """Whether the graph says where money came from."""
        return bool(np.any(self.column < 0))

    def balance(self) -> tuple[Int64Array, Int64Array]:
        """Return what comes to each node and what becomes of it; equal unless the policy is poison.

        Forward money enters at the sources and ends at the leaves, backward the reverse.
        """
        came, went = self.inflow(), self.outflow() + self.fee
        if self.is_backward:
            return came + self.ends(), went + self.entry
        return came + self.entry, went + self.ends()

    def throughput(self) -> Int64Array:
        """Return the larger of what comes to each node and what becomes of it."""
        return np.maximum(*self.balance())


def build_graph(
    view: View,
    trail: Trail,
    attribution: Attribution,
    entities: EntityMap,
    *,
    is_forward: bool,
) -> FlowGraph:
    """Return the graph of all coins that a trace found; `tracing.fees` adds what is no coin."""
    slots = np.flatnonzero(trail.flow.amount > 0)
    source_count = len(trail.arrays.source_value)
    reason, hops = trail.flow.reason[slots], trail.flow.hops[slots]
    amount, entered = trail.flow.amount[slots], trail.entered[slots]
    is_source = slots < source_count
    steps = np.searchsorted(trail.arrays.given_first, slots - source_count, side="right") - 1
    giver = np.full(len(slots), -1, np.int64)
    giver[~is_source] = trail.transactions[steps[~is_source]]
    holder = _holder_keys(view, trail, attribution, entities, slots, giver, is_forward=is_forward)
    goes_on = (reason == Stop.FOLLOWED) | (reason == Stop.COINJOIN)
    entered_kind = np.where(reason == Stop.COINJOIN, NodeKind.COINJOIN, NodeKind.TRANSACTION)
    entered_key = _key(entered_kind, entered)
    giver_key = _key(np.full(len(slots), NodeKind.TRANSACTION), giver)
    near = np.flatnonzero(~is_source)
    far = np.flatnonzero(goes_on)
    end_key = np.where(reason == Stop.COINJOIN, entered_key, holder)
    ended = np.flatnonzero(reason != Stop.FOLLOWED)

    sorted_keys, first, place = np.unique(
        np.concatenate([holder, giver_key[near], entered_key[far]]),
        return_index=True,
        return_inverse=True,
    )
    order = _node_order(sorted_keys, first)
    keys, number = sorted_keys[order], np.argsort(order)
    index = number[place]
    holder_node = index[: len(slots)]
    giver_node, entered_node = np.split(index[len(slots) :], [len(near)])
    sign = 1 if is_forward else -1
    touched = np.concatenate([holder_node, giver_node, entered_node])
    distance = np.concatenate([2 * hops, 2 * hops[near] - 1, 2 * hops[far] + 1])
    column = _least(touched, distance, len(keys))
    paid_by = _makers(view, trail, slots, giver, is_forward=is_forward)
    met = np.concatenate([np.where(is_source, _FIRST, sign * giver), sign * giver[near],
                          sign * entered[far]])  # fmt: skip
    rank = _least(touched, met, len(keys))
    moment = _least(touched, np.concatenate([paid_by, giver[near], entered[far]]), len(keys))
    node_source = np.zeros(len(keys), np.bool_)
    node_source[holder_node[is_source]] = True
    kind, refs = (keys >> _KIND_SHIFT).astype(np.uint8), keys & ((1 << _KIND_SHIFT) - 1)
    inward = (holder_node[near], giver_node, amount[near])
    onward = (holder_node[far], entered_node, amount[far])
    paid_in, paid_out = (onward, inward) if is_forward else (inward, onward)
    graph = FlowGraph(
        kind=kind,
        ref=refs,
        column=sign * column,
        rank=rank,
        moment=moment,
        is_source=node_source,
        is_named=(kind == NodeKind.SERVICE)
        | ((kind == NodeKind.HOLDER) & np.isin(refs, attribution.root)),
        entry=_sums(holder_node[is_source], amount[is_source], len(keys)),
        fee=np.zeros(len(keys), np.int64),
        returned=np.zeros(len(keys), np.int64),
        transactions=(kind == NodeKind.TRANSACTION).astype(np.int64),
        members=np.ones(len(keys), np.int64),
        end_node=number[np.searchsorted(sorted_keys, end_key[ended])],
        end_reason=reason[ended],
        end_amount=amount[ended],
        end_coins=np.ones(len(ended), np.int64),
        edge_from=np.concatenate([paid_in[0], paid_out[1]]),
        edge_to=np.concatenate([paid_in[1], paid_out[0]]),
        edge_amount=np.concatenate([paid_in[2], paid_out[2]]),
        edge_fee=np.zeros(len(near) + len(far), np.int64),
        edge_coins=np.ones(len(near) + len(far), np.int64),
        via_from=np.empty(0, np.int64),
        via_to=np.empty(0, np.int64),
        via_transaction=np.empty(0, np.int64),
    )
    return contract(graph, np.arange(len(keys)))


def _node_order(keys: Int64Array, first: Int64Array) -> Int64Array:
    """Return the order of nodes: by kind, then as the trace came to them.

    The numbers of addresses and tags do not order their nodes, because they depend on what else a
    ledger holds, and the same trace shall give the same graph whatever that is.
    """
    kind = keys >> _KIND_SHIFT
    is_met = (kind == NodeKind.HOLDER) | (kind == NodeKind.SERVICE)
    return np.lexsort((np.where(is_met, first, keys), kind))


def contract(graph: FlowGraph, leader: Int64Array, kind: UInt8Array | None = None) -> FlowGraph:
    """Merge each node with its leader, a node that leads itself.

    The leader gives the merged node its `ref`, and its kind unless `kind` (of every node of
    `graph`) says otherwise. Edges inside a group disappear, and what they lost to fees becomes
    the node's. Parallel edges and equal ends are added up.
    """
    leaders, group = np.unique(leader, return_inverse=True)
    count = len(leaders)
    nearest = _least(group, np.abs(graph.column), count)
    sign = -1 if graph.is_backward else 1

    edge_from, edge_to = group[graph.edge_from], group[graph.edge_to]
    inner = edge_from == edge_to
    fee = _sums(group, graph.fee, count) + _sums(edge_from[inner], graph.edge_fee[inner], count)
    via_from, via_to = group[graph.via_from], group[graph.via_to]
    via_inner = via_from == via_to
    swallowed = np.bincount(via_from[via_inner], minlength=count)
    pairs, places = np.unique(edge_from[~inner] * count + edge_to[~inner], return_inverse=True)
    ends, end_places = np.unique(
        group[graph.end_node] * 256 + graph.end_reason, return_inverse=True
    )
    return FlowGraph(
        kind=(graph.kind if kind is None else kind)[leaders],
        ref=graph.ref[leaders],
        column=sign * nearest,
        rank=_least(group, graph.rank, count),
        moment=_least(group, graph.moment, count),
        is_source=_any(group, graph.is_source, count),
        is_named=_any(group, graph.is_named, count),
        entry=_sums(group, graph.entry, count),
        fee=fee,
        returned=_sums(group, graph.returned, count),
        transactions=_sums(group, graph.transactions, count) + swallowed,
        members=_sums(group, graph.members, count) + swallowed,
        end_node=ends // 256,
        end_reason=(ends % 256).astype(np.uint8),
        end_amount=_sums(end_places, graph.end_amount, len(ends)),
        end_coins=_sums(end_places, graph.end_coins, len(ends)),
        edge_from=pairs // max(count, 1),
        edge_to=pairs % max(count, 1),
        edge_amount=_sums(places, graph.edge_amount[~inner], len(pairs)),
        edge_fee=_sums(places, graph.edge_fee[~inner], len(pairs)),
        edge_coins=_sums(places, graph.edge_coins[~inner], len(pairs)),
        via_from=via_from[~via_inner],
        via_to=via_to[~via_inner],
        via_transaction=graph.via_transaction[~via_inner],
    )


def _least(group: Int64Array, values: Int64Array, count: int) -> Int64Array:
    least = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(least, group, values)
    return least


def _any(group: Int64Array, flags: BoolArray, count: int) -> BoolArray:
    found = np.zeros(count, np.bool_)
    found[group[flags]] = True
    return found


def _holder_keys(
    view: View,
    trail: Trail,
    attribution: Attribution,
    entities: EntityMap,
    slots: Int64Array,
    giver: Int64Array,
    *,
    is_forward: bool,
) -> Int64Array:
    """Return the node key of whoever holds the coin of each slot."""
    reason = trail.flow.reason[slots]
    address = slot_addresses(view, trail, slots, is_forward=is_forward)
    known = address != NO_ADDRESS
    root = roots_of(entities, address)
    kind = np.where(known, NodeKind.HOLDER, NodeKind.OUTSIDE)
    ref = root
    rowless = len(trail.arrays.source_value)
    outside = np.flatnonzero(~known & (slots >= rowless))
    ref[outside] = trail.given_row[slots[outside] - rowless]
    kind[reason == Stop.DESTROYED] = NodeKind.DESTROYED
    ref[reason == Stop.DESTROYED] = 0
    small = reason == Stop.BELOW_MIN
    kind[small], ref[small] = NodeKind.SMALL, giver[small]
    for place in np.flatnonzero(np.isin(reason, SERVICE_REASONS)).tolist():
        named = attribution.service_at(int(address[place]), int(root[place]))
        if named is not None:
            kind[place] = NodeKind.SERVICE
            ref[place] = attribution.first_service_of_label[named.tag.label]
    return _key(kind, ref)


def _makers(
    view: View, trail: Trail, slots: Int64Array, giver: Int64Array, *, is_forward: bool
) -> Int64Array:
    """Return the transaction that made each slot's coin; one that spends it if none is known."""
    coins = trail.coins[slots]
    inside = coins >= 0
    makers = giver.copy()
    if not is_forward:
        makers[inside] = view.transactions_of_outputs(coins[inside])
    sources = slots < len(trail.arrays.source_value)
    makers[sources] = view.transactions_of_outputs(coins[sources])
    return makers


def slot_addresses(view: View, trail: Trail, slots: Int64Array, *, is_forward: bool) -> Int64Array:
    """Return the address number of each slot's coin, `NO_ADDRESS` where it has none."""
    coins = trail.coins[slots]
    if is_forward:
        return view.output_address[coins].astype(np.int64)
    source_count = len(trail.arrays.source_value)
    is_source = slots < source_count
    address = np.empty(len(slots), np.int64)
    address[is_source] = view.output_address[coins[is_source]]
    address[~is_source] = view.input_address[trail.given_row[slots[~is_source] - source_count]]
    return address


def _key(kind: Int64Array | np.uint8, ref: Int64Array) -> Int64Array:
    return (np.asarray(kind, np.int64) << _KIND_SHIFT) | np.asarray(ref, np.int64)


def _sums(places: Int64Array, amounts: Int64Array, count: int) -> Int64Array:
    """Return the exact sum of the amounts at each place; `bincount` would go through floats."""
    sums = np.zeros(count, np.int64)
    np.add.at(sums, places, amounts)
    return sums
