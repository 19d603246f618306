"""Positions for a graph that is read from left to right, computed once and never moved.

Nodes stand in columns. Inside a column they are ordered so that edges cross little: each node
moves to the mean place of its neighbours (the barycentre heuristic), sweep after sweep, ties by
the place before and then by the node's number. Then, the order kept, each node moves as close to
the mean height of its neighbours as the distance between nodes allows. Everything is done in
integers, so the same graph gets the same positions on every machine.

The work grows with the number of edges, not with that of columns times edges: a peeling chain has
ten thousand columns of one node each.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.tracing.flow_graph import FlowGraph, NodeKind
from chains.types import Int64Array

VERSION = 2
"""Raised whenever a graph can get other positions."""

GAP = 1000
"""Least distance between two nodes of a column."""

SWEEPS = 8
"""Even, so that the last one goes from left to right."""

_LARGE = 20_000
"""Nodes from which on, in files for other programs, fewer sweeps have to do."""

_FEW_SWEEPS = 2


def layers(graph: FlowGraph) -> Int64Array:
    """Return columns by the longest way from a source, so that edges run to the right.

    Transactions stand in columns of their own. A payment to an address that had traced money
    before runs back to it and is left out of account, but not where everything ends: such nodes
    stand to the right (backward: to the left) of all that they deal with, and services, where a
    legal request can go, at the outer edge.
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
    # Edges in the order of where they start: when one is looked at, its start has its place.
    turn = np.argsort(order[near], kind="stable")
    layer = [0] * graph.node_count
    for start, end, width in zip(
        near[turn].tolist(), far[turn].tolist(), step[turn].tolist(), strict=True
    ):
        layer[end] = max(layer[end], layer[start] + width)
    placed = np.array(layer, np.int64)
    is_service = np.isin(graph.kind, (NodeKind.SERVICE, NodeKind.DEPOSIT)) & ~goes_on
    if is_service.any():
        # Transactions keep their columns to themselves.
        last = placed == placed.max()
        placed[is_service] = placed.max() + int(is_transaction[last].any())
    return -placed if graph.is_backward else placed


def positions(graph: FlowGraph, column: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Return x and y of each node for the given columns, which need not be dense.

    x counts the columns that are used from 0; y is in thousandths of the distance between nodes.
    """
    columns, x = np.unique(column, return_inverse=True)
    by_column = np.lexsort((np.arange(len(x)), -graph.throughput(), x))
    rows = [row.tolist() for row in np.split(by_column, np.searchsorted(x[by_column],
            np.arange(1, len(columns))))]  # fmt: skip
    left, right, both = _sides(graph, x)
    y = [0] * graph.node_count
    for row in rows:
        _stack(row, y)
    sweeps = SWEEPS if graph.node_count < _LARGE else _FEW_SWEEPS
    for sweep in range(sweeps):
        near = left if sweep % 2 else right
        for row in rows if sweep % 2 else reversed(rows):
            if len(row) > 1:
                means = {node: near.mean(node, y) for node in row}
                row.sort(key=lambda node: (means[node], y[node], node))
                _stack(row, y)
    for sweep in range(sweeps):
        for row in rows if sweep % 2 else reversed(rows):
            wanted = [both.mean(node, y) for node in row]
            for node, height in zip(row, _spread(wanted), strict=True):
                y[node] = height
    return x.astype(np.int64), np.array(y, np.int64)


@dataclass(frozen=True, slots=True)
class _Neighbours:
    """The neighbours of each node in one list, as one list a node would weigh on the collector."""

    starts: list[int]
    nodes: list[int]

    def mean(self, node: int, y: list[int]) -> int:
        """Return the mean height of a node's neighbours; its own where it has none."""
        first, past = self.starts[node], self.starts[node + 1]
        if first == past:
            return y[node]
        return sum([y[near] for near in self.nodes[first:past]]) // (past - first)


def _sides(graph: FlowGraph, x: Int64Array) -> tuple[_Neighbours, _Neighbours, _Neighbours]:
    """Return the neighbours of each node in columns to the left, to the right, and in both."""
    used = x[graph.edge_from] != x[graph.edge_to]
    start, end = graph.edge_from[used], graph.edge_to[used]
    ahead = x[start] < x[end]
    first, last = np.where(ahead, start, end), np.where(ahead, end, start)
    count = graph.node_count
    return (
        _neighbours(last, first, count),
        _neighbours(first, last, count),
        _neighbours(np.concatenate([last, first]), np.concatenate([first, last]), count),
    )


def _neighbours(node: Int64Array, neighbour: Int64Array, count: int) -> _Neighbours:
    order = np.argsort(node, kind="stable")
    starts = np.searchsorted(node[order], np.arange(count + 1))
    return _Neighbours(starts.tolist(), neighbour[order].tolist())


def _stack(row: list[int], y: list[int]) -> None:
    """Place the nodes of a column one below the other around the middle."""
    top = -((len(row) - 1) * GAP // 2)
    for place, node in enumerate(row):
        y[node] = top + place * GAP


def _spread(wanted: list[int]) -> list[int]:
    """Return places in the same order, at least `GAP` apart, as near to the wanted ones as can be.

    Least squares under an order is solved by pooling neighbours that violate it (isotonic
    regression); subtracting the gaps first makes the distance part of the order.
    """
    pools: list[tuple[int, int]] = []
    for place, value in enumerate(wanted):
        total, count = value - place * GAP, 1
        while pools and pools[-1][0] * count > total * pools[-1][1]:
            total, count = total + pools[-1][0], count + pools[-1][1]
            pools.pop()
        pools.append((total, count))
    placed = [total // count for total, count in pools for _ in range(count)]
    return [height + place * GAP for place, height in enumerate(placed)]
