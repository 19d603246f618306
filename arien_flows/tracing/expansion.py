"""Showing more of a graph at one node, while all that is shown already stays.

A picture is opened step by step: each step names a node of the picture before it.

- A *fold* shows the largest nodes in it; what is left stays folded.
- A *chain* shows its transactions, at most so many at a time; the rest stays a chain.
- *Small amounts* of a transaction are shown coin by coin, the largest first.
- Any other node shows its neighbours, those that money came from as well as those that it went
  to, the largest amounts first.

Nothing that was shown disappears but the node that was opened, and what a picture shows depends
on the question and on the steps alone, so it can be made again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from arien_flows.errors import InputError
from arien_flows.tracing.engine import Ground, Traced
from arien_flows.tracing.fees import with_fees
from arien_flows.tracing.flow_build import build_graph
from arien_flows.tracing.flow_graph import KIND_SHIFT, FlowGraph, NodeKind, key_of
from arien_flows.tracing.graph_text import node_ids
from arien_flows.tracing.request import LevelName
from arien_flows.tracing.simplify import (
    SHORTEST_CHAIN,
    Folded,
    chains_of,
    condensed,
    folded,
    largest,
    weight_rank,
)
from chains.types import Int64Array

FOLD_STEP = 25
"""Nodes that opening a fold shows."""

CHAIN_STEP = 200
"""Transactions that opening a chain shows."""

NEIGHBOUR_STEP = 50
"""Coins, or neighbours, that opening another node shows."""

MOST_SHOWN = 5_000
"""Nodes of a picture, however often it is opened."""

_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A graph that is shown, and the one with nothing left out."""

    full: FlowGraph
    shown: FlowGraph


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What is open, and which nodes are shown by themselves."""

    transactions: Int64Array
    """Shown as nodes by themselves, out of their chains."""

    buckets: Int64Array
    """Transactions whose small amounts are shown coin by coin."""

    kept: Int64Array
    """Keys of nodes."""


def full_graph(
    ground: Ground, traced: Traced, level: LevelName, opened: Int64Array = _NONE
) -> FlowGraph:
    """Return the graph of a trace with nothing left out."""
    is_forward = traced.request.is_forward
    coins = build_graph(
        ground.view,
        traced.trail,
        ground.attribution,
        ground.entities,
        is_forward=is_forward,
        level=level,
        opened=opened,
    )
    return with_fees(coins, traced.trail, is_forward=is_forward)


def picture(
    ground: Ground, traced: Traced, full: FlowGraph, limit: int, expanded: Sequence[str] = ()
) -> Picture:
    """Return a trace's full graph with at most `limit` nodes, opened at each of `expanded` in turn.

    Raises `InputError` where a step names a node that the picture before it does not hold, or
    would show too many.
    """
    level = traced.request.level
    chains = chains_of(ground.view, full)
    state = _State(transactions=_NONE, buckets=_NONE, kept=_NONE)

    def condense() -> FlowGraph:
        return condensed(
            full,
            chains,
            by_transaction=level == "transaction",
            opened=state.transactions,
            apart=state.buckets,
        )

    before = condense()
    found = folded(before, largest(before, limit))
    for step in expanded:
        node = _node_named(ground, found.graph, step)
        state = _opened(found, node, replace(state, kept=_shown_keys(found)))
        if found.graph.kind[node] == NodeKind.SMALL:
            full = full_graph(ground, traced, level, state.buckets)
            coins = _coins_of(full, int(found.graph.ref[node]))
            state = replace(state, kept=np.concatenate([state.kept, coins]))
        before = condense()
        found = folded(before, np.isin(before.keys, state.kept))
        if found.graph.node_count > MOST_SHOWN:
            raise InputError(
                f"opening {step} would show {found.graph.node_count:,} nodes, and a picture holds "
                f"{MOST_SHOWN:,}: trace from that node on, or with a larger smallest amount"
            )
    return Picture(full=full, shown=found.graph)


def _node_named(ground: Ground, graph: FlowGraph, name: str) -> int:
    ids = node_ids(ground, graph)
    if name not in ids:
        raise InputError(f"the graph shows no node {name} that could be opened")
    return ids.index(name)


def _shown_keys(found: Folded) -> Int64Array:
    """Return the keys of the nodes that are shown by themselves."""
    keys: Int64Array = found.graph.keys[found.graph.kind != NodeKind.FOLD]
    return keys


def _opened(found: Folded, node: int, state: _State) -> _State:
    """Return the state after a node was opened; the coins of small amounts are still missing."""
    graph, ref = found.graph, int(found.graph.ref[node])
    match NodeKind(int(graph.kind[node])):
        case NodeKind.FOLD:
            inside = np.flatnonzero(found.group == node)
            first = inside[np.argsort(weight_rank(found.before)[inside])][:FOLD_STEP]
            return replace(state, kept=np.concatenate([state.kept, found.before.keys[first]]))
        case NodeKind.CHAIN:
            row = graph.row_key[graph.row_node == node]
            is_transaction = row >> KIND_SHIFT == NodeKind.TRANSACTION
            nearest = is_transaction[::-1] if graph.is_backward else is_transaction
            shown = np.cumsum(nearest) <= CHAIN_STEP
            if np.count_nonzero(is_transaction) < CHAIN_STEP + SHORTEST_CHAIN:
                shown = np.ones(len(row), np.bool_)
            shown = shown[::-1] if graph.is_backward else shown
            opened = row[shown & is_transaction] & ((1 << KIND_SHIFT) - 1)
            # What is left of the chain is one again, and stays in sight.
            rest = row[~shown & is_transaction][:1]
            return replace(
                state,
                transactions=np.concatenate([state.transactions, opened]),
                kept=np.concatenate([state.kept, row[shown], rest, _as_chain(rest)]),
            )
        case NodeKind.SMALL:
            transaction = np.array([ref], np.int64)
            key = key_of(np.uint8(NodeKind.TRANSACTION), transaction)
            return replace(
                state,
                buckets=np.concatenate([state.buckets, transaction]),
                kept=np.concatenate([state.kept, key]),
            )
        case _:
            return replace(state, kept=np.concatenate([state.kept, _neighbours(found, node)]))


def _as_chain(transactions: Int64Array) -> Int64Array:
    """Return the keys of the chains that begin with transactions."""
    return key_of(np.uint8(NodeKind.CHAIN), transactions & ((1 << KIND_SHIFT) - 1))


def _neighbours(found: Folded, node: int) -> Int64Array:
    """Return the keys of a node's neighbours before folding, those with the most money first."""
    graph = found.before
    (here,) = np.flatnonzero(found.group == node)
    there = np.concatenate([graph.edge_to[graph.edge_from == here],
                            graph.edge_from[graph.edge_to == here]])  # fmt: skip
    amount = np.concatenate([graph.edge_amount[graph.edge_from == here],
                             graph.edge_amount[graph.edge_to == here]])  # fmt: skip
    hidden = found.graph.kind[found.group[there]] == NodeKind.FOLD
    there, amount = there[hidden], amount[hidden]
    keys: Int64Array = graph.keys[there[np.lexsort((there, -amount))][:NEIGHBOUR_STEP]]
    return keys


def _coins_of(full: FlowGraph, transaction: int) -> Int64Array:
    """Return the keys of the largest of a transaction's small coins."""
    (here,) = np.flatnonzero((full.kind == NodeKind.TRANSACTION) & (full.ref == transaction))
    there = np.concatenate([full.edge_to[full.edge_from == here],
                            full.edge_from[full.edge_to == here]])  # fmt: skip
    is_coin = np.isin(full.kind[there], (NodeKind.COIN, NodeKind.OUTSIDE))
    there = there[is_coin]
    amount = full.throughput()[there]
    keys: Int64Array = full.keys[there[np.lexsort((there, -amount))][:NEIGHBOUR_STEP]]
    return keys
