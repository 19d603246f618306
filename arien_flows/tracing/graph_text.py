"""The nodes and edges of a graph in words.

Identifiers say what a node is and nothing about the picture that it is in: an address, a
transaction id, `txid:vout`, or a kind with what tells the node apart. So a node is called the same
however much of the graph is shown.
"""

from datetime import datetime
from functools import cached_property

import numpy as np

from arien_flows.attribution.ownership import roots_of
from arien_flows.attribution.snapshot import Attributed, service_stop
from arien_flows.shapes import Certainty
from arien_flows.tracing.engine import Ground
from arien_flows.tracing.flow_graph import KIND_SHIFT, NO_ANCHOR, FlowGraph, NodeKind
from arien_flows.tracing.graph_answer import GraphEdge, GraphNode, PathPayment, PathStep
from arien_flows.tracing.texts import address_texts, block_times, txid_texts
from chains.types import Int64Array
from heuristics.taint import Stop

MAX_TXIDS = 20
"""Transaction ids that an edge lists; it states how many there are."""

MAX_PATH = 50
"""Transactions that a chain lists; it states how many there are, and opening it shows them."""

_REF = (1 << KIND_SHIFT) - 1

_KIND_NAMES = {
    NodeKind.TRANSACTION: "transaction",
    NodeKind.COINJOIN: "coinjoin",
    NodeKind.SMALL: "small",
    NodeKind.DESTROYED: "destroyed",
    NodeKind.OUTSIDE: "outside",
    NodeKind.CHAIN: "chain",
    NodeKind.FOLD: "fold",
    NodeKind.COIN: "coin",
}
_OF_TRANSACTION = (NodeKind.TRANSACTION, NodeKind.COINJOIN, NodeKind.CHAIN)
_OF_SERVICE = (NodeKind.SERVICE, NodeKind.DEPOSIT)
_STOP_KINDS: dict[Stop | None, str] = {
    Stop.SERVICE_REACHED: "service",
    Stop.MIXER: "mixer",
    Stop.BRIDGE: "bridge",
}

_STOP_NAMES = {int(stop): stop.name.lower() for stop in Stop}


def node_ids(ground: Ground, graph: FlowGraph) -> list[str]:
    """Return what each node is called."""
    return _Names(ground, graph.keys[graph.kind != NodeKind.FOLD], graph).ids


class GraphWriter:
    """Turns the numbers of one graph into text; `full` is the graph with nothing left out."""

    def __init__(self, ground: Ground, graph: FlowGraph, full: FlowGraph, level: str) -> None:
        self.ground, self.graph, self.level = ground, graph, level
        self.view = ground.view
        self.names = _Names(ground, graph.keys, graph)
        self.ids = self.names.ids
        # A full graph may have hundreds of thousands of nodes: one by one, what NumPy gives from
        # an array takes longer than all else here.
        self.kinds, self.refs = [NodeKind(kind) for kind in graph.kind.tolist()], graph.ref.tolist()
        self.amounts = _lists_of(
            graph.throughput(), graph.entry, graph.fee, graph.returned,
            graph.transactions, graph.members,
        )  # fmt: skip
        self.ends = _ends_by_node(graph)
        self.edges = _lists_of(
            graph.edge_from, graph.edge_to, graph.edge_amount, graph.edge_fee, graph.edge_coins
        )
        self.by_policy = graph.edge_by_policy.tolist()
        self.inherited = graph.edge_inherited.tolist()
        self.via_rows, self.via_transactions = _via_by_edge(graph)
        self.paths = _Paths(ground, graph, full)
        has_txid = np.isin(graph.kind, _OF_TRANSACTION)
        named = np.concatenate([graph.ref[has_txid], graph.via_transaction])
        self.times = transaction_times(ground, named)
        self.via_texts = txid_texts(self.view, graph.via_transaction)

    def node(self, i: int, x: int, y: int) -> GraphNode:
        """Return one node."""
        kind, ref = self.kinds[i], self.refs[i]
        tag = self._tag(kind, ref)
        members = self._members(kind, ref)
        through, entry, fee, returned, transactions, stands_for = self.amounts[i]
        return GraphNode(
            id=self.ids[i],
            kind=self._kind(i, kind, ref, members),
            label=self._label(i, kind, tag),
            address=self.names.address(kind, ref),
            txid=self.names.txids[ref] if kind in _OF_TRANSACTION else None,
            tag=tag,
            x=x,
            y=y,
            amount=str(through),
            entry=str(entry),
            fees=str(fee),
            returned=str(returned),
            transactions=transactions,
            members=stands_for,
            ends={_STOP_NAMES[reason]: str(amount) for reason, amount, _ in self.ends.get(i, ())},
            time=self.times[ref] if kind in _OF_TRANSACTION else None,
            path=self.paths.of(i) if kind == NodeKind.CHAIN else (),
            certainty=_certainty(kind, members),
        )

    def edge(self, i: int) -> GraphEdge:
        """Return one edge."""
        start, end, amount, fee, coins = self.edges[i]
        listed = self.via_transactions[slice(*self.via_rows[i])]
        times = [self.times[transaction] for transaction in listed]
        if not times:
            near = [(self.kinds[n], self.refs[n]) for n in (start, end)]
            times = [self.times[ref] for kind, ref in near if kind == NodeKind.TRANSACTION]
        return GraphEdge(
            source=self.ids[start],
            target=self.ids[end],
            amount=str(amount),
            fees=str(fee),
            coins=coins,
            transactions=len(listed),
            txids=tuple(self.via_texts[t] for t in listed[:MAX_TXIDS]),
            first_time=min(times) if times else None,
            last_time=max(times) if times else None,
            depends_on_policy=self.by_policy[i],
            certainty=self._edge_certainty(i, start, end),
        )

    def _edge_certainty(self, i: int, start: int, end: int) -> Certainty:
        if self.by_policy[i] or self.inherited[i]:
            return "inference"
        ends = [(self.kinds[n], self.refs[n]) for n in (start, end)]
        if any(self._members(*each) > 1 for each in ends):
            return "inference"
        return "attribution" if any(kind in _OF_SERVICE for kind, _ in ends) else "fact"

    def _members(self, kind: NodeKind, ref: int) -> int:
        """Return how many addresses a holder has."""
        if kind != NodeKind.HOLDER or self.level != "entity":
            return 1
        return self._sizes[ref]

    @cached_property
    def _sizes(self) -> dict[int, int]:
        roots = self.graph.ref[self.graph.kind == NodeKind.HOLDER].tolist()
        return {root: len(self.ground.entities.members(root)) for root in roots}

    def _kind(self, i: int, kind: NodeKind, ref: int, members: int) -> str:
        if kind == NodeKind.SERVICE:
            known = self.ground.attribution
            return _STOP_KINDS[service_stop(known.tag(ref), known.service_confidence)]
        if kind == NodeKind.DEPOSIT:
            return self._deposit_kind(ref)
        if self.graph.is_source[i] and kind in (NodeKind.HOLDER, NodeKind.COIN):
            return "source"
        if kind != NodeKind.HOLDER:
            return _KIND_NAMES[kind]
        return "entity" if members > 1 else "address"

    def _deposit_kind(self, address: int) -> str:
        known = self.ground.attribution
        named = self._deposits[address]
        if named is None:
            return "service"
        return _STOP_KINDS[service_stop(named.tag, known.service_confidence)]

    @cached_property
    def _deposits(self) -> dict[int, Attributed | None]:
        """The service at each address of a service that the graph shows."""
        refs = self.graph.ref[self.graph.kind == NodeKind.DEPOSIT]
        found = self.ground.attribution.services_at(refs, roots_of(self.ground.entities, refs))
        return {address: found.at(place) for place, address in enumerate(refs.tolist())}

    def _root(self, address: int) -> int:
        return int(self.ground.entities.root_of(address))

    def _tag(self, kind: NodeKind, ref: int) -> str | None:
        attribution = self.ground.attribution
        if kind == NodeKind.SERVICE:
            return attribution.tag(ref).label
        if kind == NodeKind.DEPOSIT:
            named = self._deposits[ref]
        elif kind == NodeKind.HOLDER:
            named = attribution.at(ref, self._root(ref))
        else:
            return None
        return named.tag.label if named else None

    def _label(self, i: int, kind: NodeKind, tag: str | None) -> str:
        graph = self.graph
        if tag:
            return tag
        match kind:
            case NodeKind.CHAIN:
                return f"{int(graph.transactions[i]):,} transactions in a row"
            case NodeKind.FOLD:
                what = "smaller sources and branches" if graph.is_source[i] else "smaller branches"
                return f"{int(graph.members[i]):,} {what}"
            case NodeKind.SMALL:
                coins = sum(coins for _, _, coins in self.ends.get(i, ()))
                return f"{coins:,} small outputs" if coins > 1 else "1 small output"
            case NodeKind.DESTROYED:
                return "unspendable"
            case NodeKind.OUTSIDE:
                return "outside the ledger"
            case NodeKind.COIN:
                txid, _, place = self.ids[i].rpartition(":")
                return self.names.short_address(int(graph.ref[i])) or f"{shortened(txid)}:{place}"
            case _:
                return shortened(self.ids[i].removeprefix("coinjoin:"))


class _Names:
    """What nodes are called, by key; the texts of all of them are made at once."""

    def __init__(self, ground: Ground, keys: Int64Array, graph: FlowGraph) -> None:
        self.ground, self.view, self.graph = ground, ground.view, graph
        # A fold is called after the node that it hangs on.
        hung = graph.ref[(graph.kind == NodeKind.FOLD) & (graph.ref != NO_ANCHOR)]
        wanted = np.concatenate([keys, hung])
        kind, ref = wanted >> KIND_SHIFT, wanted & _REF
        coins = ref[kind == NodeKind.COIN]
        self.coin_transaction = dict(
            zip(coins.tolist(), self.view.transactions_of_outputs(coins).tolist(), strict=True)
        )
        self.coin_address = dict(
            zip(coins.tolist(), self.view.output_address[coins].tolist(), strict=True)
        )
        held = np.concatenate(
            [
                ref[np.isin(kind, (NodeKind.HOLDER, NodeKind.DEPOSIT))],
                np.array(list(self.coin_address.values()), np.int64),
            ]
        )
        self.addresses = address_texts(self.view, held)
        of_transaction = np.isin(kind, (*_OF_TRANSACTION, NodeKind.SMALL))
        made = np.array(list(self.coin_transaction.values()), np.int64)
        self.txids = txid_texts(self.view, np.concatenate([ref[of_transaction], made]))

    @cached_property
    def ids(self) -> list[str]:
        """The name of each node of the graph."""
        graph = self.graph
        return [
            self.name(NodeKind(kind), ref)
            for kind, ref in zip(graph.kind.tolist(), graph.ref.tolist(), strict=True)
        ]

    def name(self, kind: NodeKind, ref: int) -> str:
        """Return what a node of the graph, or one that a fold hangs on, is called."""
        match kind:
            case NodeKind.HOLDER:
                return self.addresses[ref] or f"script:{ref}"
            case NodeKind.DEPOSIT:
                return f"service:{self.addresses[ref]}"
            case NodeKind.SERVICE:
                return f"service:{self.ground.attribution.tag(ref).label}"
            case NodeKind.TRANSACTION:
                return self.txids[ref]
            case NodeKind.OUTSIDE:
                return f"outside:{input_text(self.ground, ref)}"
            case NodeKind.DESTROYED:
                return "destroyed"
            case NodeKind.COIN:
                transaction = self.coin_transaction[ref]
                place = ref - int(self.view.first_output[transaction])
                return f"{self.txids[transaction]}:{place}"
            case NodeKind.FOLD:
                if ref == NO_ANCHOR:
                    return "fold"
                return f"fold:{self.name(NodeKind(ref >> KIND_SHIFT), ref & _REF)}"
            case _:
                return f"{_KIND_NAMES[kind]}:{self.txids[ref]}"

    def address(self, kind: NodeKind, ref: int) -> str | None:
        """Return the address of a node that has one."""
        if kind in (NodeKind.HOLDER, NodeKind.DEPOSIT):
            return self.addresses[ref]
        return self.addresses[self.coin_address[ref]] if kind == NodeKind.COIN else None

    def short_address(self, coin: int) -> str | None:
        """Return the address of a coin as a person recognises it."""
        text = self.addresses[self.coin_address[coin]]
        return None if text is None else shortened(text)


class _Paths:
    """What the chains of a graph stand for, transaction by transaction."""

    def __init__(self, ground: Ground, graph: FlowGraph, full: FlowGraph) -> None:
        self.ground, self.full, self.graph = ground, full, graph
        self.rows = rows_by(graph.row_node, graph.node_count) if len(graph.row_node) else []
        if not self.rows:
            return
        self.first_edge = np.argsort(full.edge_from, kind="stable")
        self.edge_starts = np.searchsorted(
            full.edge_from[self.first_edge], np.arange(full.node_count + 1)
        )
        self.full_keys = full.keys
        order = np.argsort(self.full_keys)
        self.sorted_keys, self.node_of_key = self.full_keys[order], order
        self.inflow = full.inflow()

    def of(self, i: int) -> tuple[PathStep, ...]:
        """Return the first transactions of a chain, in chain order."""
        row = self.graph.row_key[self.rows[i]]
        is_transaction = row >> KIND_SHIFT == NodeKind.TRANSACTION
        steps = row[is_transaction][:MAX_PATH]
        nodes = self.node_of_key[np.searchsorted(self.sorted_keys, steps)].tolist()
        inside = set(row.tolist())
        paid = [self._payments(node, inside) for node in nodes]
        keys = np.array([key for payments in paid for key, _ in payments], np.int64)
        names = _Names(self.ground, keys, self.full)
        refs = steps & _REF
        txids, times = txid_texts(self.ground.view, refs), transaction_times(self.ground, refs)
        return tuple(
            PathStep(
                txid=txids[ref],
                time=times[ref],
                amount=str(int(self.inflow[node])),
                fees=str(int(self.full.fee[node])),
                paid=tuple(
                    PathPayment(
                        to=names.name(NodeKind(key >> KIND_SHIFT), key & _REF), amount=str(amount)
                    )
                    for key, amount in payments
                ),
            )
            for ref, node, payments in zip(refs.tolist(), nodes, paid, strict=True)
        )

    def _payments(self, node: int, inside: set[int]) -> list[tuple[int, int]]:
        """Return key and amount of what a transaction paid to others than the next one."""
        rows = self.first_edge[self.edge_starts[node] : self.edge_starts[node + 1]]
        payees, amounts = self.full.edge_to[rows], self.full.edge_amount[rows]
        order = np.lexsort((payees, -amounts))
        keys = self.full_keys[payees[order]].tolist()
        found = zip(keys, amounts[order].tolist(), strict=True)
        return [payment for payment in found if payment[0] not in inside]


def _lists_of(*columns: Int64Array) -> list[tuple[int, ...]]:
    """Return the rows of columns as Python numbers."""
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _ends_by_node(graph: FlowGraph) -> dict[int, list[tuple[int, int, int]]]:
    """Return reason, amount and coins of each end, by node."""
    ends: dict[int, list[tuple[int, int, int]]] = {}
    rows = (graph.end_node, graph.end_reason, graph.end_amount, graph.end_coins)
    for node, *end in zip(*(column.tolist() for column in rows), strict=True):
        ends.setdefault(node, []).append((end[0], end[1], end[2]))
    return ends


def _via_by_edge(graph: FlowGraph) -> tuple[list[tuple[int, int]], list[int]]:
    """Return where each edge's transactions start and stop in a list of them, and that list."""
    count = max(graph.node_count, 1)
    via = graph.via_from * count + graph.via_to
    by_edge = np.lexsort((graph.via_transaction, via))
    via, transaction = via[by_edge], graph.via_transaction[by_edge]
    is_new = np.ones(len(via), np.bool_)
    is_new[1:] = (via[1:] != via[:-1]) | (transaction[1:] != transaction[:-1])
    via, transaction = via[is_new], transaction[is_new]
    edge = graph.edge_from * count + graph.edge_to
    starts, stops = np.searchsorted(via, edge), np.searchsorted(via, edge, side="right")
    return list(zip(starts.tolist(), stops.tolist(), strict=True)), transaction.tolist()


def _certainty(kind: NodeKind, members: int) -> Certainty:
    if kind in _OF_SERVICE:
        return "attribution"
    is_inferred = kind in (NodeKind.COINJOIN, NodeKind.SMALL, NodeKind.FOLD)
    return "inference" if members > 1 or is_inferred else "fact"


def shortened(text: str) -> str:
    """Return an address or transaction id as a person recognises it."""
    return text if len(text) <= 16 else f"{text[:8]}…{text[-6:]}"


def input_text(ground: Ground, row: int) -> str:
    """Return an input as `txid:vin`."""
    transaction = int(ground.view.transactions_of_inputs(np.array([row]))[0])
    vin = row - int(ground.view.first_input[transaction])
    return f"{ground.view.txid_text(transaction)}:{vin}"


def transaction_times(ground: Ground, transactions: Int64Array) -> dict[int, datetime]:
    """Return the header time of the block of each transaction."""
    wanted = np.unique(transactions)
    blocks = ground.view.blocks_of(wanted)
    times = block_times(ground.view, blocks)
    return {
        transaction: times[block]
        for transaction, block in zip(wanted.tolist(), blocks.tolist(), strict=True)
    }


def rows_by(owner: Int64Array, count: int) -> list[Int64Array]:
    """Return the rows of each owner, in their order."""
    order = np.argsort(owner, kind="stable")
    return np.split(order, np.searchsorted(owner[order], np.arange(1, count)))
