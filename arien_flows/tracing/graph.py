"""The graph of an answer: which nodes are shown, where they stand, and what they are called."""

from collections.abc import Mapping

import numpy as np

from arien_flows.tracing.engine import Ground
from arien_flows.tracing.expansion import Picture
from arien_flows.tracing.flow_graph import FlowGraph, NodeKind
from arien_flows.tracing.graph_answer import Graph
from arien_flows.tracing.graph_text import GraphWriter
from arien_flows.tracing.layout import layers, positions
from arien_flows.tracing.pins import Place, beside_pins
from arien_flows.tracing.request import LevelName
from chains.types import Int64Array

TIME_SLICES = 24


def describe_graph(
    ground: Ground,
    picture: Picture,
    level: LevelName,
    *,
    pins: Mapping[str, Place] | None = None,
    by_time: bool = False,
) -> Graph:
    """Return a picture with positions and text.

    Columns are hops from the source, or equal slices of time if `by_time`. A node that `pins`
    names stands where they say, and the others beside those; names of nodes that are not shown
    mean nothing.
    """
    shown = picture.shown
    writer = GraphWriter(ground, shown, picture.full, level)
    column = _time_columns(ground, shown) if by_time else layers(shown)
    if pins and not set(pins).isdisjoint(writer.ids):
        x, y = beside_pins(shown, column, writer.ids, pins)
    else:
        x, y = positions(shown, column)
    places = zip(x.tolist(), y.tolist(), strict=True)
    nodes = [writer.node(i, *place) for i, place in enumerate(places)]
    order = np.lexsort((shown.edge_to, shown.edge_from))
    return Graph(
        level=level,
        nodes=tuple(nodes),
        edges=tuple(writer.edge(int(i)) for i in order),
        full_nodes=picture.full.node_count,
        folded_nodes=int(shown.members[shown.kind == NodeKind.FOLD].sum()),
    )


def _time_columns(ground: Ground, graph: FlowGraph) -> Int64Array:
    """Return columns that follow the clock; nodes of one slice of time keep the order of hops."""
    blocks = ground.view.blocks_of(graph.moment)
    seconds = ground.view.median_times[blocks]
    span = max(int(seconds.max() - seconds.min()), 1)
    time_slice = np.minimum((seconds - seconds.min()) * TIME_SLICES // span, TIME_SLICES - 1)
    width = int(np.abs(graph.column).max()) + 1
    column: Int64Array = time_slice * (2 * width) + graph.column + width
    return column
