"""Room for new nodes in a picture whose other nodes must not move.

Who has looked at a picture for a while knows where things are in it. So when a node is opened,
every node that was there keeps its place exactly, and each new one goes beside the node that its
money comes from (backward: goes to), one column further, at the free height nearest to it.
Starting over without pins tidies up.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping

import numpy as np

from arien_flows.tracing.flow_graph import FlowGraph
from arien_flows.tracing.layout import GAP
from chains.types import Int64Array

Place = tuple[int, int]


def beside_pins(
    graph: FlowGraph, column: Int64Array, ids: list[str], pins: Mapping[str, Place]
) -> tuple[Int64Array, Int64Array]:
    """Return x and y of each node; those that `pins` names are where it says.

    `column` is where nodes would stand without pins, and orders the new ones. At least one node
    is pinned.
    """
    places = {i: pins[name] for i, name in enumerate(ids) if name in pins}
    taken: dict[int, list[int]] = {}
    for x, y in places.values():
        insort(taken.setdefault(x, []), y)
    near = _neighbours(graph)
    ahead = -1 if graph.is_backward else 1
    new = [i for i in range(graph.node_count) if i not in places]
    new.sort(key=lambda i: (abs(int(column[i])), i))
    waiting = new
    while waiting:
        left_over = []
        for i in waiting:
            parent = _placed_parent(i, near, column, places)
            if parent is None:
                left_over.append(i)
                continue
            x, y = places[parent]
            is_behind = abs(int(column[parent])) > abs(int(column[i]))
            places[i] = _settle(taken, x + (-ahead if is_behind else ahead), y)
        if len(left_over) == len(waiting):
            # A part of the graph that nothing pinned leads to starts below all the rest.
            lowest = max(heights[-1] for heights in taken.values())
            places[left_over[0]] = _settle(taken, min(taken), lowest + GAP)
            left_over = left_over[1:]
        waiting = left_over
    x, y = np.array([places[i] for i in range(graph.node_count)], np.int64).T
    return x.copy(), y.copy()


def _neighbours(graph: FlowGraph) -> list[list[tuple[int, int]]]:
    """Return for each node its neighbours, each with the amount between them, negated."""
    near: list[list[tuple[int, int]]] = [[] for _ in range(graph.node_count)]
    for start, end, amount in zip(
        graph.edge_from.tolist(), graph.edge_to.tolist(), graph.edge_amount.tolist(), strict=True
    ):
        near[start].append((-amount, end))
        near[end].append((-amount, start))
    return near


def _placed_parent(
    node: int, near: list[list[tuple[int, int]]], column: Int64Array, places: dict[int, Place]
) -> int | None:
    """Return the neighbour to stand beside: one nearer to a source, then the largest amount."""
    own = abs(int(column[node]))
    found = [
        (abs(int(column[other])) >= own, amount, other)
        for amount, other in near[node]
        if other in places
    ]
    return min(found)[2] if found else None


def _settle(taken: dict[int, list[int]], x: int, wanted: int) -> Place:
    """Return and take the free height of a column that is nearest to the wanted one."""
    heights = taken.setdefault(x, [])
    at = bisect_left(heights, wanted)
    # Going away from the wanted height, the first gap on each side that is wide enough.
    down, i = wanted, at
    if i > 0 and down - heights[i - 1] < GAP:
        down = heights[i - 1] + GAP
    while i < len(heights) and heights[i] - down < GAP:
        down = max(down, heights[i] + GAP)
        i += 1
    up, i = wanted, at - 1
    if at < len(heights) and heights[at] - up < GAP:
        up = heights[at] - GAP
    while i >= 0 and up - heights[i] < GAP:
        up = min(up, heights[i] - GAP)
        i -= 1
    y = down if down - wanted <= wanted - up else up
    insort(heights, y)
    return x, y
