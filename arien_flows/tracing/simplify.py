"""From the full flow graph to one that a person can read, without losing a satoshi.

Four steps, each of which says on the node or edge what it did:

1. *Change* that a transaction pays back to its payer is netted (`returned`); a transaction that
   pays nobody else disappears into its payer.
2. Transactions in a row, as in a peeling chain, become one `CHAIN` node: each has one input and
   two outputs (or passes everything on), and nothing else happens at the addresses between them.
3. A transaction with one payer and one payee becomes an edge between the two that names it.
4. What is left above the limit is *folded*: the nodes with the largest flows stay, and every
   other one disappears into the `FOLD` node of the branch that it hangs on.
"""

from dataclasses import replace

import numpy as np

from arien_flows.ledger.view import View
from arien_flows.tracing.flow_graph import FlowGraph, NodeKind, contract
from chains.types import BoolArray, Int64Array

SHORTEST_CHAIN = 3
"""Transactions in a row that are shown as one."""

_NAMED_WEIGHT = 8
"""A holder that a tag names stays visible as if it carried so many times its amount: it is where
a legal request can go."""


def simplify(view: View, graph: FlowGraph, limit: int) -> FlowGraph:
    """Return the graph for display with at most `limit` nodes; `limit` is at least 10."""
    return fold(_as_relations(_join_chains(view, _net_change(graph))), limit)


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
    inner = _is_transaction(graph) & (into + out <= 1)
    netted = replace(
        graph,
        returned=returned,
        edge_from=graph.edge_from[kept],
        edge_to=graph.edge_to[kept],
        edge_amount=(graph.edge_amount - change)[kept],
        edge_fee=graph.edge_fee[kept],
        edge_coins=graph.edge_coins[kept],
    )
    return contract(netted, np.where(inner, neighbour, np.arange(count)))


def _join_chains(view: View, graph: FlowGraph) -> FlowGraph:
    into, out = _degrees(graph)
    transaction = _is_transaction(graph)
    ref = np.where(transaction, graph.ref, 0)
    one_in = view.first_input[ref + 1] - view.first_input[ref] == 1
    two_out = view.first_output[ref + 1] - view.first_output[ref] == 2
    in_row = transaction & (into == 1) & ((one_in & two_out) | (out == 1))
    ended = np.zeros(graph.node_count, np.bool_)
    ended[graph.end_node] = True
    plain = (graph.kind == NodeKind.HOLDER) & ~graph.is_source & ~graph.is_named
    quiet = plain & (into == 1) & (out == 1) & ~ended
    # previous -> holder -> next, for each quiet holder between two transactions in a row.
    before = np.full(graph.node_count, -1, np.int64)
    before[graph.edge_to] = graph.edge_from
    after = np.full(graph.node_count, -1, np.int64)
    after[graph.edge_from] = graph.edge_to
    links = np.flatnonzero(quiet)
    links = links[in_row[before[links]] & in_row[after[links]]]
    onward = np.bincount(before[links], minlength=graph.node_count)
    links = links[onward[before[links]] == 1]
    link_of = dict(zip(before[links].tolist(), links.tolist(), strict=True))
    heads = sorted(set(link_of) - set(after[links].tolist()))
    leader = np.arange(graph.node_count)
    kind = graph.kind.copy()
    for head in heads:
        row = [head]
        while row[-1] in link_of:
            holder = link_of[row[-1]]
            row += [holder, int(after[holder])]
        if len(row) >= 2 * SHORTEST_CHAIN - 1:
            leader[row] = head
            kind[head] = NodeKind.CHAIN
    return contract(graph, leader, kind)


def _as_relations(graph: FlowGraph) -> FlowGraph:
    """Turn each transaction with one payer and one payee into an edge between the two."""
    into, out = _degrees(graph)
    passing = np.flatnonzero(_is_transaction(graph) & (into == 1) & (out == 1))
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
        via_from=start[second_leg],
        via_to=graph.edge_to[second_leg],
        via_transaction=graph.ref[graph.edge_from[second_leg]],
    )
    return _without(graph, gone)


def fold(graph: FlowGraph, limit: int) -> FlowGraph:
    """Merge the smaller branches until at most `limit` nodes are left."""
    if graph.node_count <= limit:
        return graph
    weight = graph.throughput().astype(np.float64)
    weight[graph.is_named] *= _NAMED_WEIGHT
    weight[graph.is_source] = np.inf
    ranked = np.lexsort((np.arange(graph.node_count), np.abs(graph.column), -weight))
    parent = _nearer_neighbours(graph)
    low, high = 1, limit
    while low < high:
        middle = (low + high + 1) // 2
        if len(np.unique(_anchors(graph, ranked, parent, middle))) <= limit:
            low = middle
        else:
            high = middle - 1
    group = _anchors(graph, ranked, parent, low)
    anchors, first, place, sizes = np.unique(
        group, return_index=True, return_inverse=True, return_counts=True
    )
    kind = graph.kind.copy()
    kind[first[(sizes > 1) & (anchors >= graph.node_count)]] = NodeKind.FOLD
    return contract(graph, first[place], kind)


def _anchors(graph: FlowGraph, ranked: Int64Array, parent: Int64Array, kept: int) -> Int64Array:
    """Return a group for each node: a kept one's own number, else that of its branch.

    The groups of branches are numbered from `node_count` on.
    """
    anchor = parent.copy()
    anchor[ranked[:kept]] = ranked[:kept]
    while True:
        # A branch without a kept node on the way to its source ends at -1.
        nearer = np.where(anchor >= 0, anchor[anchor], -1)
        if np.array_equal(nearer, anchor):
            break
        anchor = nearer
    group = graph.node_count + 1 + anchor
    group[ranked[:kept]] = ranked[:kept]
    return group


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
