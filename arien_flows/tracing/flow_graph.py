"""The flow as a graph of holders and transactions, exact to the satoshi at every node.

A *holder* is whoever a coin is locked to: an address, or its entity where a clustering joined it
with others, or the service that a tag names. Money runs from holder to transaction to holder, in
the direction of time in both directions of tracing. At each node what comes in, declared source
money included, equals what goes out, what ended there and what was lost to fees; backward the
same holds in the mirror. Simplifying for display only ever *contracts* nodes (`contract`), which
keeps that equation, so no picture can lose money.

A node is known by its *key*, its kind and what it stands for. Keys do not depend on how much of
the graph is shown, so a node of one picture can be found again in the next.

Nodes and edges are arrays, because a trace may have millions of them; text comes last, for those
that are shown.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from chains.types import BoolArray, Int64Array, UInt8Array
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
    """Smaller branches, shown as one. `ref`: key of the node that they hang on, or `NO_ANCHOR`."""

    DEPOSIT = 9
    """An address of a service where paths end, where every address stands for itself. `ref`: its
    number."""

    COIN = 10
    """A coin that is shown by itself. `ref`: output number."""


KIND_SHIFT = 40
NO_ANCHOR = (1 << KIND_SHIFT) - 1
"""`ref` of a fold that hangs on no node that is shown."""

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

    edge_by_policy: BoolArray
    """Whether another policy may lead another amount here: somewhere before, clean money had
    been mixed in."""

    edge_inherited: BoolArray
    """Whether a coin that it carried lies at a service only by a tag of another address of its
    entity."""

    via_from: Int64Array
    via_to: Int64Array
    via_transaction: Int64Array
    """Transactions that an edge between two holders stands for."""

    row_node: Int64Array
    row_key: Int64Array
    """Keys of what a `CHAIN` stands for: transactions, and holders between them, in order."""

    @property
    def node_count(self) -> int:
        """Return the number of nodes."""
        return len(self.kind)

    @property
    def keys(self) -> Int64Array:
        """Return what each node is known by, whatever else the graph shows."""
        return key_of(self.kind, self.ref)

    def inflow(self) -> Int64Array:
        """Return what arrives at each node over edges."""
        return sums_of(self.edge_to, self.edge_amount, self.node_count)

    def outflow(self) -> Int64Array:
        """Return what leaves each node over edges, fees on the way included."""
        return sums_of(self.edge_from, self.edge_amount + self.edge_fee, self.node_count)

    def ends(self) -> Int64Array:
        """Return what ended at each node."""
        return sums_of(self.end_node, self.end_amount, self.node_count)

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


def contract(
    graph: FlowGraph,
    leader: Int64Array,
    kind: UInt8Array | None = None,
    ref: Int64Array | None = None,
) -> FlowGraph:
    """Merge each node with its leader, a node that leads itself.

    The leader gives the merged node its kind and `ref`, unless `kind` and `ref` (of every node of
    `graph`) say otherwise. Edges inside a group disappear, and what they lost to fees becomes
    the node's. Parallel edges and equal ends are added up.
    """
    leaders, group = np.unique(leader, return_inverse=True)
    count = len(leaders)
    nearest = least_of(group, np.abs(graph.column), count)
    sign = -1 if graph.is_backward else 1

    edge_from, edge_to = group[graph.edge_from], group[graph.edge_to]
    inner = edge_from == edge_to
    fee = sums_of(group, graph.fee, count) + sums_of(edge_from[inner], graph.edge_fee[inner], count)
    via_from, via_to = group[graph.via_from], group[graph.via_to]
    via_inner = via_from == via_to
    swallowed = np.bincount(via_from[via_inner], minlength=count)
    pairs, places = np.unique(edge_from[~inner] * count + edge_to[~inner], return_inverse=True)
    ends, end_places = np.unique(
        group[graph.end_node] * 256 + graph.end_reason, return_inverse=True
    )
    return FlowGraph(
        kind=(graph.kind if kind is None else kind)[leaders],
        ref=(graph.ref if ref is None else ref)[leaders],
        column=sign * nearest,
        rank=least_of(group, graph.rank, count),
        moment=least_of(group, graph.moment, count),
        is_source=_any(group, graph.is_source, count),
        is_named=_any(group, graph.is_named, count),
        entry=sums_of(group, graph.entry, count),
        fee=fee,
        returned=sums_of(group, graph.returned, count),
        transactions=sums_of(group, graph.transactions, count) + swallowed,
        members=sums_of(group, graph.members, count) + swallowed,
        end_node=ends // 256,
        end_reason=(ends % 256).astype(np.uint8),
        end_amount=sums_of(end_places, graph.end_amount, len(ends)),
        end_coins=sums_of(end_places, graph.end_coins, len(ends)),
        edge_from=pairs // max(count, 1),
        edge_to=pairs % max(count, 1),
        edge_amount=sums_of(places, graph.edge_amount[~inner], len(pairs)),
        edge_fee=sums_of(places, graph.edge_fee[~inner], len(pairs)),
        edge_coins=sums_of(places, graph.edge_coins[~inner], len(pairs)),
        edge_by_policy=_any(places, graph.edge_by_policy[~inner], len(pairs)),
        edge_inherited=_any(places, graph.edge_inherited[~inner], len(pairs)),
        via_from=via_from[~via_inner],
        via_to=via_to[~via_inner],
        via_transaction=graph.via_transaction[~via_inner],
        row_node=group[graph.row_node],
        row_key=graph.row_key,
    )


def least_of(group: Int64Array, values: Int64Array, count: int) -> Int64Array:
    """Return the least value of each group."""
    least = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(least, group, values)
    return least


def _any(group: Int64Array, flags: BoolArray, count: int) -> BoolArray:
    found = np.zeros(count, np.bool_)
    found[group[flags]] = True
    return found


def key_of(kind: Int64Array | UInt8Array | np.uint8, ref: Int64Array) -> Int64Array:
    """Return what nodes are known by."""
    return (np.asarray(kind, np.int64) << KIND_SHIFT) | np.asarray(ref, np.int64)


def sums_of(places: Int64Array, amounts: Int64Array, count: int) -> Int64Array:
    """Return the exact sum of the amounts at each place; `bincount` would go through floats."""
    sums = np.zeros(count, np.int64)
    np.add.at(sums, places, amounts)
    return sums
