"""The flow graph in words: from arrays to the nodes and edges of an answer."""

from datetime import UTC, datetime

import numpy as np

from arien_flows.attribution.snapshot import service_stop
from arien_flows.shapes import Certainty
from arien_flows.tracing.answer import Graph, GraphEdge, GraphNode
from arien_flows.tracing.engine import Ground, Traced
from arien_flows.tracing.fees import with_fees
from arien_flows.tracing.flow_graph import FlowGraph, NodeKind, build_graph
from arien_flows.tracing.layout import layers, positions
from arien_flows.tracing.simplify import simplify
from chains.types import Int64Array
from heuristics.taint import Stop

TIME_SLICES = 24

MAX_TXIDS = 20
"""Transaction ids that an edge lists; it states how many there are."""

_KIND_NAMES = {
    NodeKind.TRANSACTION: "transaction",
    NodeKind.COINJOIN: "coinjoin",
    NodeKind.SMALL: "small",
    NodeKind.DESTROYED: "destroyed",
    NodeKind.OUTSIDE: "outside",
    NodeKind.CHAIN: "chain",
    NodeKind.FOLD: "fold",
}
_STOP_KINDS: dict[Stop | None, str] = {
    Stop.SERVICE_REACHED: "service",
    Stop.MIXER: "mixer",
    Stop.BRIDGE: "bridge",
}


def full_graph(ground: Ground, traced: Traced) -> FlowGraph:
    """Return the graph with nothing left out."""
    is_forward = traced.request.is_forward
    coins = build_graph(
        ground.view, traced.trail, ground.attribution, ground.entities, is_forward=is_forward
    )
    return with_fees(coins, traced.trail, is_forward=is_forward)


def describe_graph(
    ground: Ground, full: FlowGraph, limit: int | None, *, by_time: bool = False
) -> Graph:
    """Return the graph simplified to at most `limit` nodes, or in full, with positions and text.

    Columns are hops from the source, or equal slices of time if `by_time`.
    """
    shown = full if limit is None else simplify(ground.view, full, limit)
    column = _time_columns(ground, shown) if by_time else layers(shown)
    x, y = positions(shown, column)
    writer = _Writer(ground, shown)
    nodes = [writer.node(i, int(x[i]), int(y[i])) for i in range(shown.node_count)]
    order = np.lexsort((shown.edge_to, shown.edge_from))
    return Graph(
        nodes=tuple(nodes),
        edges=tuple(writer.edge(int(i)) for i in order),
        full_nodes=full.node_count,
        folded_nodes=int(shown.members[shown.kind == NodeKind.FOLD].sum()),
    )


class _Writer:
    """Turns the numbers of one graph into text."""

    def __init__(self, ground: Ground, graph: FlowGraph) -> None:
        self.view = ground.view
        self.ground = ground
        self.graph = graph
        self.through = graph.throughput().tolist()
        self.end_rows = _rows_by(graph.end_node, graph.node_count)
        via = graph.via_from * max(graph.node_count, 1) + graph.via_to
        order = np.lexsort((graph.via_transaction, via))
        self.via_key, self.via_transaction = via[order], graph.via_transaction[order]
        self.folds = (np.cumsum(graph.kind == NodeKind.FOLD)).tolist()
        self.ids = [self._id(i) for i in range(graph.node_count)]

    def node(self, i: int, x: int, y: int) -> GraphNode:
        graph = self.graph
        kind = NodeKind(int(graph.kind[i]))
        ref = int(graph.ref[i])
        has_txid = kind in (NodeKind.TRANSACTION, NodeKind.COINJOIN, NodeKind.CHAIN)
        tag = self._tag(kind, ref)
        return GraphNode(
            id=self.ids[i],
            kind=self._kind(i, kind, ref),
            label=self._label(i, kind, tag),
            address=self.view.address_text(ref) if kind == NodeKind.HOLDER else None,
            txid=self.view.txid_text(ref) if has_txid else None,
            tag=tag,
            x=x,
            y=y,
            amount=str(self.through[i]),
            entry=str(int(graph.entry[i])),
            fees=str(int(graph.fee[i])),
            returned=str(int(graph.returned[i])),
            transactions=int(graph.transactions[i]),
            members=int(graph.members[i]),
            ends={
                Stop(int(graph.end_reason[row])).name.lower(): str(int(graph.end_amount[row]))
                for row in self.end_rows[i].tolist()
            },
            time=self._time(ref) if has_txid else None,
            certainty=self._certainty(kind, ref),
        )

    def edge(self, i: int) -> GraphEdge:
        graph = self.graph
        start, end = int(graph.edge_from[i]), int(graph.edge_to[i])
        key = start * max(graph.node_count, 1) + end
        first, past = np.searchsorted(self.via_key, [key, key + 1])
        listed = np.unique(self.via_transaction[first:past])
        return GraphEdge(
            source=self.ids[start],
            target=self.ids[end],
            amount=str(int(graph.edge_amount[i])),
            fees=str(int(graph.edge_fee[i])),
            coins=int(graph.edge_coins[i]),
            transactions=len(listed),
            txids=tuple(self.view.txid_text(int(t)) for t in listed[:MAX_TXIDS]),
        )

    def _id(self, i: int) -> str:
        kind, ref = NodeKind(int(self.graph.kind[i])), int(self.graph.ref[i])
        match kind:
            case NodeKind.HOLDER:
                return self.view.address_text(ref) or f"script:{i}"
            case NodeKind.SERVICE:
                return f"service:{self.ground.attribution.tag(ref).label}"
            case NodeKind.TRANSACTION:
                return self.view.txid_text(ref)
            case NodeKind.OUTSIDE:
                return f"outside:{input_text(self.ground, ref)}"
            case NodeKind.DESTROYED:
                return "destroyed"
            case NodeKind.FOLD:
                return f"fold:{self.folds[i]}"
            case _:
                return f"{_KIND_NAMES[kind]}:{self.view.txid_text(ref)}"

    def _kind(self, i: int, kind: NodeKind, ref: int) -> str:
        if kind == NodeKind.SERVICE:
            known = self.ground.attribution
            return _STOP_KINDS[service_stop(known.tag(ref), known.service_confidence)]
        if kind != NodeKind.HOLDER:
            return _KIND_NAMES[kind]
        if self.graph.is_source[i]:
            return "source"
        return "entity" if len(self.ground.entities.members(ref)) > 1 else "address"

    def _tag(self, kind: NodeKind, ref: int) -> str | None:
        if kind == NodeKind.SERVICE:
            return self.ground.attribution.tag(ref).label
        if kind != NodeKind.HOLDER:
            return None
        named = self.ground.attribution.at(ref, ref)
        return named.tag.label if named else None

    def _certainty(self, kind: NodeKind, ref: int) -> Certainty:
        if kind == NodeKind.SERVICE:
            return "attribution"
        if kind == NodeKind.HOLDER:
            return "inference" if len(self.ground.entities.members(ref)) > 1 else "fact"
        return "inference" if kind == NodeKind.COINJOIN else "fact"

    def _label(self, i: int, kind: NodeKind, tag: str | None) -> str:
        graph = self.graph
        if tag:
            return tag
        match kind:
            case NodeKind.CHAIN:
                return f"{int(graph.transactions[i]):,} transactions in a row"
            case NodeKind.FOLD:
                return f"{int(graph.members[i]):,} smaller branches"
            case NodeKind.SMALL:
                coins = int(graph.end_coins[self.end_rows[i]].sum())
                return f"{coins:,} small outputs" if coins > 1 else "1 small output"
            case NodeKind.DESTROYED:
                return "unspendable"
            case NodeKind.OUTSIDE:
                return "outside the ledger"
            case _:
                return shortened(self.ids[i].removeprefix("coinjoin:"))

    def _time(self, transaction: int) -> datetime:
        return transaction_times(self.ground, np.array([transaction]))[0]


def shortened(text: str) -> str:
    """Return an address or transaction id as a person recognises it."""
    return text if len(text) <= 16 else f"{text[:8]}…{text[-6:]}"


def input_text(ground: Ground, row: int) -> str:
    """Return an input as `txid:vin`."""
    transaction = int(ground.view.transactions_of_inputs(np.array([row]))[0])
    vin = row - int(ground.view.first_input[transaction])
    return f"{ground.view.txid_text(transaction)}:{vin}"


def transaction_times(ground: Ground, transactions: Int64Array) -> list[datetime]:
    """Return the header time of the block of each transaction."""
    blocks = ground.view.blocks_of(transactions)
    return [datetime.fromtimestamp(s, UTC) for s in ground.view.times_of_blocks(blocks).tolist()]


def _time_columns(ground: Ground, graph: FlowGraph) -> Int64Array:
    """Return columns that follow the clock; nodes of one slice of time keep the order of hops."""
    blocks = ground.view.blocks_of(graph.moment)
    seconds = ground.view.median_times[blocks]
    span = max(int(seconds.max() - seconds.min()), 1)
    time_slice = np.minimum((seconds - seconds.min()) * TIME_SLICES // span, TIME_SLICES - 1)
    width = int(np.abs(graph.column).max()) + 1
    column: Int64Array = time_slice * (2 * width) + graph.column + width
    return column


def _rows_by(owner: Int64Array, count: int) -> list[Int64Array]:
    order = np.argsort(owner, kind="stable")
    return np.split(order, np.searchsorted(owner[order], np.arange(1, count)))
