"""From the full flow graph to one that a person can read, without losing a satoshi.

Four steps, each of which says on the node or edge what it did:

1. *Change* that a transaction pays back to its payer is netted (`returned`); a transaction that
   pays nobody else disappears into its payer.
2. Transactions in a row, as in a peeling chain, become one `CHAIN` node: each has one input and
   two outputs (or passes everything on), and nothing else happens at the addresses between them.
   The node keeps what it stands for, in order.
3. A transaction with one payer and one payee becomes an edge between the two that names it,
   unless transactions are what the graph is about.
4. What is left above the limit is *folded*: the nodes with the largest flows stay, and every
   other one disappears into the `FOLD` node of the branch that it hangs on.

Which transactions stand in a row is found once, in the graph of which nothing is open; what is
opened later leaves its row, and the rest of it stays together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from arien_flows.ledger.view import View
from arien_flows.tracing.flow_graph import (
    KIND_SHIFT,
    NO_ANCHOR,
    FlowGraph,
    NodeKind,
    contract,
    key_of,
)
from chains.types import BoolArray, Int64Array

SHORTEST_CHAIN = 3
"""Transactions in a row that are shown as one."""

_NAMED_WEIGHT = 8
"""A holder that a tag names stays visible as if it carried so many times its amount: it is where
a legal request can go."""

_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A graph of which only some nodes are shown by themselves."""

    graph: FlowGraph
    """What is shown."""

    before: FlowGraph
    """The graph before anything was folded."""

    group: Int64Array
    """Node of `graph` that each node of `before` is, or is part of."""


def simplify(view: View, graph: FlowGraph, limit: int) -> FlowGraph:
    """Return the graph for display with at most `limit` nodes; `limit` is at least 10."""
    before = condensed(graph, chains_of(view, graph))
    return folded(before, largest(before, limit)).graph


def condensed(
    graph: FlowGraph,
    chains: Sequence[Int64Array],
    *,
    by_transaction: bool = False,
    opened: Int64Array = _NONE,
    apart: Int64Array = _NONE,
) -> FlowGraph:
    """Return the graph after the first three steps.

    `chains` are those of the graph when nothing in it is open. `by_transaction` keeps every
    transaction that is in no chain a node. Transactions that are `opened` leave their chain; those
    that stand `apart` are no edges.
    """
    chained = _join_chains(_net_change(graph), chains, opened)
    return chained if by_transaction else _as_relations(chained, np.concatenate([opened, apart]))


def _net_change(graph: FlowGraph) -> FlowGraph:
    """Subtract what a transaction pays back to its payer from what the payer gave."""
    if len(graph.edge_from) == 0:
        return graph
    count = graph.node_count
    there = graph.edge_from * count + graph.edge_to
    back = graph.edge_to * count + graph.edge_from
    order = np.argsort(there)
    partner = order[np.minimum(np.searchsorted(there[order], back), len(there) - 1)]
    paired = there[partner] == back
    change = np.where(paired, np.minimum(graph.edge_amount, graph.edge_amount[partner]), 0)
    paying = paired & _is_transaction(graph)[graph.edge_to]
    returned = graph.returned.copy()
    np.add.at(returned, graph.edge_from[paying], change[paying])
    kept = graph.edge_amount > change
    into = np.bincount(graph.edge_to[kept], minlength=count)
    out = np.bincount(graph.edge_from[kept], minlength=count)
    # A transaction that pays nobody but its payer belongs to the payer.
    neighbour = np.arange(count)
    neighbour[graph.edge_from] = graph.edge_to
    neighbour[graph.edge_to] = graph.edge_from
    neighbour[graph.edge_from[kept]] = graph.edge_to[kept]
    neighbour[graph.edge_to[kept]] = graph.edge_from[kept]
    inner = _is_transaction(graph) & (into + out <= 1) & ~_is_transaction(graph)[neighbour]
    netted = replace(
        graph,
        returned=returned,
        edge_from=graph.edge_from[kept],
        edge_to=graph.edge_to[kept],
        edge_amount=(graph.edge_amount - change)[kept],
        edge_fee=graph.edge_fee[kept],
        edge_coins=graph.edge_coins[kept],
        edge_by_policy=graph.edge_by_policy[kept],
        edge_inherited=graph.edge_inherited[kept],
    )
    if not inner.any():
        return contract(netted, np.arange(count))
    return contract(netted, np.where(inner, neighbour, np.arange(count)))


def chains_of(view: View, graph: FlowGraph) -> list[Int64Array]:
    """Return the transactions in a row of a full graph, and the holders between them, as keys.

    Each row is in chain order.
    """
    graph = _net_change(graph)
    into, _ = _degrees(graph)
    before, between, after = _links(graph, _in_row(view, graph))
    onward = np.bincount(before, minlength=graph.node_count)
    single = (onward[before] == 1) & (into[after] == 1)
    link_of = {
        earlier: (holder, later)
        for earlier, holder, later in zip(
            before[single].tolist(), between[single].tolist(), after[single].tolist(), strict=True
        )
    }
    keys = graph.keys
    found = []
    for head in sorted(set(link_of) - set(after[single].tolist())):
        row, last, transactions = [head], head, 1
        while last in link_of:
            holder, last = link_of[last]
            row += [last] if holder < 0 else [holder, last]
            transactions += 1
        if transactions >= SHORTEST_CHAIN:
            found.append(keys[np.array(row, np.int64)])
    return found


def _join_chains(graph: FlowGraph, chains: Sequence[Int64Array], opened: Int64Array) -> FlowGraph:
    """Make one node of each chain, or of each part that opened transactions leave of it."""
    keys = graph.keys
    order = np.argsort(keys)
    open_keys = key_of(np.uint8(NodeKind.TRANSACTION), opened)
    parts = [part for chain in chains for part in _closed_parts(chain, open_keys)]
    leader, kind = np.arange(graph.node_count), graph.kind.copy()
    nodes = [order[np.searchsorted(keys[order], part)] for part in parts]
    for row in nodes:
        leader[row] = row[0]
        kind[row[0]] = NodeKind.CHAIN
    marked = replace(
        graph,
        row_node=np.concatenate([_NONE, *(np.full(len(row), row[0]) for row in nodes)]),
        row_key=np.concatenate([_NONE, *parts]),
    )
    return contract(marked, leader, kind)


def _closed_parts(chain: Int64Array, open_keys: Int64Array) -> list[Int64Array]:
    """Return what is left of a chain without open transactions, where it is long enough."""
    is_transaction = chain >> KIND_SHIFT == NodeKind.TRANSACTION
    is_open = is_transaction & np.isin(chain, open_keys)
    if not is_open.any():
        return [chain]
    parts = []
    for part in np.split(np.arange(len(chain)), np.flatnonzero(is_open)):
        # A part begins and ends with a transaction; the holders around it stand by themselves.
        inside = part[np.isin(part, np.flatnonzero(~is_open))]
        whole = inside[is_transaction[inside]]
        if len(whole) >= SHORTEST_CHAIN:
            parts.append(chain[whole[0] : whole[-1] + 1])
    return parts


def _in_row(view: View, graph: FlowGraph) -> BoolArray:
    """Return which nodes are transactions that may stand in a row with others."""
    into, out = _degrees(graph)
    transaction = _is_transaction(graph)
    ref = np.where(transaction, graph.ref, 0)
    inputs = view.first_input[ref + 1] - view.first_input[ref]
    one_in = inputs == 1
    two_out = view.first_output[ref + 1] - view.first_output[ref] == 2
    # Fees lead to coinbases, which are in no row.
    passes_on = (one_in & two_out) | ((out == 1) & (inputs > 0))
    in_row: BoolArray = transaction & (into == 1) & passes_on
    return in_row


def _links(graph: FlowGraph, in_row: BoolArray) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Return earlier transaction, holder between (or -1), and later transaction of each link.

    A link leads over a holder at which nothing else happens, or, where coins are no nodes, over
    an edge.
    """
    into, out = _degrees(graph)
    ended = np.zeros(graph.node_count, np.bool_)
    ended[graph.end_node] = True
    plain = (graph.kind == NodeKind.HOLDER) & ~graph.is_source & ~graph.is_named
    quiet = plain & (into == 1) & (out == 1) & ~ended
    before = np.full(graph.node_count, -1, np.int64)
    before[graph.edge_to] = graph.edge_from
    after = np.full(graph.node_count, -1, np.int64)
    after[graph.edge_from] = graph.edge_to
    over = np.flatnonzero(quiet)
    over = over[in_row[before[over]] & in_row[after[over]]]
    direct = np.flatnonzero(in_row[graph.edge_from] & in_row[graph.edge_to])
    return (
        np.concatenate([before[over], graph.edge_from[direct]]),
        np.concatenate([over, np.full(len(direct), -1, np.int64)]),
        np.concatenate([after[over], graph.edge_to[direct]]),
    )


def _as_relations(graph: FlowGraph, opened: Int64Array) -> FlowGraph:
    """Turn each transaction with one payer and one payee into an edge between the two."""
    into, out = _degrees(graph)
    passing = np.flatnonzero(
        _is_transaction(graph) & (into == 1) & (out == 1) & ~np.isin(graph.ref, opened)
    )
    payer = np.full(graph.node_count, -1, np.int64)
    payer[graph.edge_to] = graph.edge_from
    gone = np.zeros(graph.node_count, np.bool_)
    gone[passing] = True
    first_leg = gone[graph.edge_to]
    second_leg = gone[graph.edge_from]
    start = np.where(second_leg, payer[graph.edge_from], graph.edge_from)
    lost = graph.edge_fee + np.where(second_leg, graph.fee[graph.edge_from], 0)
    kept = ~first_leg
    graph = replace(
        graph,
        fee=np.where(gone, 0, graph.fee),
        edge_from=start[kept],
        edge_to=graph.edge_to[kept],
        edge_amount=graph.edge_amount[kept],
        edge_fee=lost[kept],
        edge_coins=graph.edge_coins[kept],
        edge_by_policy=graph.edge_by_policy[kept],
        edge_inherited=graph.edge_inherited[kept],
        via_from=start[second_leg],
        via_to=graph.edge_to[second_leg],
        via_transaction=graph.ref[graph.edge_from[second_leg]],
    )
    return _without(graph, gone)


def largest(graph: FlowGraph, limit: int) -> BoolArray:
    """Return which nodes stay so that, with the rest folded, at most `limit` are left."""
    kept = np.ones(graph.node_count, np.bool_)
    if graph.node_count <= limit:
        return kept
    # Hundreds of sources would leave no room for what became of their money.
    with_sources = 4 * int(np.count_nonzero(graph.is_source)) <= limit
    ranked = np.argsort(weight_rank(graph, with_sources=with_sources))
    parent = _nearer_neighbours(graph)

    def keeping(most: int) -> BoolArray:
        chosen = np.zeros(graph.node_count, np.bool_)
        chosen[ranked[:most]] = True
        return chosen

    low, high = 1, limit
    while low < high:
        middle = (low + high + 1) // 2
        if len(np.unique(_anchors(parent, keeping(middle)))) <= limit:
            low = middle
        else:
            high = middle - 1
    return keeping(low)


def weight_rank(graph: FlowGraph, *, with_sources: bool = True) -> Int64Array:
    """Return the place of each node in the order of how much it says, the most telling first.

    Sources come before all else, unless `with_sources` says that there are too many.
    """
    # As floats, because eight times all coins there are does not fit in 63 bits under poison.
    weight = graph.throughput().astype(np.float64)
    weight[graph.is_named] *= _NAMED_WEIGHT
    if with_sources:
        weight[graph.is_source] = np.inf
    ranked = np.lexsort((np.arange(graph.node_count), np.abs(graph.column), -weight))
    rank: Int64Array = np.argsort(ranked)
    return rank


def folded(graph: FlowGraph, kept: BoolArray) -> Folded:
    """Merge all but the kept nodes into the branches that they hang on.

    A node that would be alone in its branch stays what it is.
    """
    group = _anchors(_nearer_neighbours(graph), kept)
    anchors, first, place, sizes = np.unique(
        group, return_index=True, return_inverse=True, return_counts=True
    )
    is_fold = (sizes > 1) & (anchors >= graph.node_count)
    kind, ref = graph.kind.copy(), graph.ref.copy()
    kind[first[is_fold]] = NodeKind.FOLD
    hangs_on = anchors[is_fold] - graph.node_count - 1
    ref[first[is_fold]] = np.where(hangs_on < 0, NO_ANCHOR, graph.keys[hangs_on])
    leader = first[place]
    shown = contract(graph, leader, kind, ref)
    return Folded(graph=shown, before=graph, group=np.searchsorted(np.sort(first), leader))


def _anchors(parent: Int64Array, kept: BoolArray) -> Int64Array:
    """Return a group for each node: a kept one's own number, else that of its branch.

    The groups of branches are numbered from the number of nodes on.
    """
    count = len(parent)
    anchor = np.where(kept, np.arange(count), parent)
    while True:
        # A branch without a kept node on the way to its source ends at -1.
        nearer = np.where(anchor >= 0, anchor[anchor], -1)
        if np.array_equal(nearer, anchor):
            break
        anchor = nearer
    return np.where(kept, np.arange(count), count + 1 + anchor)


def _nearer_neighbours(graph: FlowGraph) -> Int64Array:
    """Return for each node the neighbour nearer to a source with the largest flow, or -1."""
    distance = np.abs(graph.column)
    forward = distance[graph.edge_from] < distance[graph.edge_to]
    backward = distance[graph.edge_from] > distance[graph.edge_to]
    child = np.where(forward, graph.edge_to, graph.edge_from)
    near = np.where(forward, graph.edge_from, graph.edge_to)
    usable = np.flatnonzero(forward | backward)
    order = usable[np.lexsort((near[usable], -graph.edge_amount[usable], child[usable]))]
    parent = np.full(graph.node_count, -1, np.int64)
    children, first = np.unique(child[order], return_index=True)
    parent[children] = near[order[first]]
    return parent


def _without(graph: FlowGraph, gone: BoolArray) -> FlowGraph:
    """Remove nodes that no edge and no end names any more."""
    number = np.cumsum(~gone) - 1
    return contract(
        replace(
            graph,
            kind=graph.kind[~gone],
            ref=graph.ref[~gone],
            column=graph.column[~gone],
            rank=graph.rank[~gone],
            moment=graph.moment[~gone],
            is_source=graph.is_source[~gone],
            is_named=graph.is_named[~gone],
            entry=graph.entry[~gone],
            fee=graph.fee[~gone],
            returned=graph.returned[~gone],
            transactions=graph.transactions[~gone],
            members=graph.members[~gone],
            end_node=number[graph.end_node],
            edge_from=number[graph.edge_from],
            edge_to=number[graph.edge_to],
            via_from=number[graph.via_from],
            via_to=number[graph.via_to],
            row_node=number[graph.row_node],
        ),
        np.arange(int(np.count_nonzero(~gone))),
    )


def _is_transaction(graph: FlowGraph) -> BoolArray:
    is_transaction: BoolArray = graph.kind == NodeKind.TRANSACTION
    return is_transaction


def _degrees(graph: FlowGraph) -> tuple[Int64Array, Int64Array]:
    count = graph.node_count
    return (
        np.bincount(graph.edge_to, minlength=count),
        np.bincount(graph.edge_from, minlength=count),
    )
