"""Positions for a graph that is read from left to right, computed once and never moved.

Nodes stand in columns. Inside a column they are ordered so that edges cross little: each node
moves to the mean place of its neighbours (the barycentre heuristic), sweep after sweep, ties by
the place before and then by the node's number. Then, the order kept, each node moves as close to
the mean height of its neighbours as the distance between nodes allows. Everything is done in
integers, so the same graph gets the same positions on every machine.
"""

import numpy as np

from arien_flows.tracing.flow_graph import FlowGraph, NodeKind
from chains.types import Int64Array

GAP = 1000
"""Least distance between two nodes of a column."""

SWEEPS = 8
"""Even, so that the last one goes from left to right."""


def layers(graph: FlowGraph) -> Int64Array:
    """Return columns by the longest way from a source, so that edges run to the right.

    Transactions stand in columns of their own. A payment to an address that had traced money
    before runs back to it and is left out of account, but not where everything ends: such nodes
    stand to the right (backward: to the left) of all that they deal with.
    """
    near, far = graph.edge_from, graph.edge_to
    if graph.is_backward:
        near, far = far, near
    is_transaction = graph.kind == NodeKind.TRANSACTION
    # A transaction comes before the holders that it leads to first.
    order = 2 * graph.rank + np.where(is_transaction, 0, 1)
    goes_on = np.zeros(graph.node_count, np.bool_)
    goes_on[near] = True
    used = (order[near] < order[far]) | ~goes_on[far]
    near, far = near[used], far[used]
    step = np.where(is_transaction[near] | is_transaction[far], 1, 2)
    layer = np.zeros(graph.node_count, np.int64)
    while True:
        further = layer.copy()
        np.maximum.at(further, far, layer[near] + step)
        if np.array_equal(further, layer):
            return -layer if graph.is_backward else layer
        layer = further


def positions(graph: FlowGraph, column: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Return x and y of each node for the given columns, which need not be dense.

    x counts the columns that are used from 0; y is in thousandths of the distance between nodes.
    """
    columns, x = np.unique(column, return_inverse=True)
    rows = [np.flatnonzero(x == place) for place in range(len(columns))]
    through = graph.throughput()
    rows = [row[np.lexsort((row, -through[row]))] for row in rows]
    y = np.zeros(graph.node_count, np.int64)
    for row in rows:
        y[row] = _centred(len(row))
    for sweep in range(SWEEPS):
        order = range(len(rows)) if sweep % 2 else range(len(rows) - 1, -1, -1)
        for place in order:
            row = rows[place]
            mean = _neighbour_mean(graph, x, y, place, left=bool(sweep % 2), right=not sweep % 2)
            rows[place] = row[np.lexsort((row, y[row], mean[row]))]
            y[rows[place]] = _centred(len(row))
    for sweep in range(SWEEPS):
        order = range(len(rows)) if sweep % 2 else range(len(rows) - 1, -1, -1)
        for place in order:
            mean = _neighbour_mean(graph, x, y, place, left=True, right=True)
            y[rows[place]] = _spread(mean[rows[place]])
    return x.astype(np.int64), y


def _centred(count: int) -> Int64Array:
    return np.arange(count, dtype=np.int64) * GAP - (count - 1) * GAP // 2


def _spread(wanted: Int64Array) -> Int64Array:
    """Return places in the same order, at least `GAP` apart, as near to the wanted ones as can be.

    Least squares under an order is solved by pooling neighbours that violate it (isotonic
    regression); subtracting the gaps first makes the distance part of the order.
    """
    offsets = np.arange(len(wanted), dtype=np.int64) * GAP
    pools: list[tuple[int, int]] = []
    for value in (wanted - offsets).tolist():
        total, count = value, 1
        while pools and pools[-1][0] * count > total * pools[-1][1]:
            total, count = total + pools[-1][0], count + pools[-1][1]
            pools.pop()
        pools.append((total, count))
    placed = [total // count for total, count in pools for _ in range(count)]
    return np.array(placed, np.int64) + offsets


def _neighbour_mean(
    graph: FlowGraph, x: Int64Array, y: Int64Array, place: int, *, left: bool, right: bool
) -> Int64Array:
    """Return the mean y of each node's neighbours on the wanted sides, its own without any."""
    total = np.zeros(graph.node_count, np.int64)
    count = np.zeros(graph.node_count, np.int64)
    for here, there in (
        (graph.edge_from, graph.edge_to),
        (graph.edge_to, graph.edge_from),
    ):
        wanted = (left & (x[there] < place)) | (right & (x[there] > place))
        used = (x[here] == place) & wanted
        np.add.at(total, here[used], y[there[used]])
        np.add.at(count, here[used], 1)
    return np.where(count > 0, total // np.maximum(count, 1), y)
