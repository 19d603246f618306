"""Traced money in fees: each fee as a row of the answer, and its place in the flow graph."""

from dataclasses import replace

import numpy as np

from arien_flows.tracing.answer import Fee
from arien_flows.tracing.by_source import parts_of_each
from arien_flows.tracing.engine import Ground, Traced
from arien_flows.tracing.flow_graph import FlowGraph, NodeKind, contract
from arien_flows.tracing.texts import block_times, txid_texts
from chains.types import Int64Array
from heuristics.follow import Trail
from heuristics.taint import Stop


def fee_rows(ground: Ground, traced: Traced) -> tuple[Fee, ...]:
    """Return every traced fee, subsidy and unclaimed reward at which a path ended."""
    if traced.request.fee_mode == "drop":
        return ()
    view, fees = ground.view, traced.trail.fees
    ended = np.flatnonzero((fees.amount > 0) & (fees.reason != Stop.FOLLOWED))
    ended = ended[np.argsort(fees.transaction[ended], kind="stable")]
    transactions = fees.transaction[ended]
    blocks = view.blocks_of(transactions)
    heights, times = view.block_height[blocks].tolist(), block_times(view, blocks)
    txids, parts = txid_texts(view, transactions), parts_of_each(traced, fees, ended)
    kinds = {int(Stop.DESTROYED): "unclaimed", int(Stop.NEWLY_MINED): "subsidy"}
    rows = zip(
        transactions.tolist(),
        fees.reason[ended].tolist(),
        fees.value[ended].tolist(),
        fees.amount[ended].tolist(),
        heights,
        blocks.tolist(),
        parts,
        strict=True,
    )
    return tuple(
        Fee(
            txid=txids[transaction],
            kind=kinds.get(reason, "fee"),
            value=str(value),
            traced=str(sat),
            reason=Stop(reason).name.lower(),
            height=height,
            time=times[block],
            by_source=from_sources,
        )
        for transaction, reason, value, sat, height, block, from_sources in rows
    )


def with_fees(graph: FlowGraph, trail: Trail, *, is_forward: bool) -> FlowGraph:
    """Return a full graph with the traced fees: lost at a node, ended there, or led on.

    A fee that was followed is an edge from its transaction to the coinbase. What ended where a
    coinbase stands is an end there; other fees are lost at the transaction that paid them.
    """
    fees = trail.fees
    is_traced, leads_on = fees.amount > 0, fees.reason == Stop.FOLLOWED
    is_lost = is_traced & ~leads_on & is_forward & (fees.reason != Stop.DESTROYED)
    is_end = is_traced & ~leads_on & ~is_lost
    on = np.flatnonzero(leads_on & is_traced)
    graph = _with_transactions(graph, trail, on, is_forward=is_forward)
    fee = graph.fee.copy()
    np.add.at(fee, _nodes_of(graph, fees.giver[is_lost]), fees.amount[is_lost])
    payer = fees.giver[on] if is_forward else fees.entered[on]
    coinbase = fees.entered[on] if is_forward else fees.giver[on]
    count = len(on)
    joined = replace(
        graph,
        fee=fee,
        end_node=np.concatenate([graph.end_node, _nodes_of(graph, fees.giver[is_end])]),
        end_reason=np.concatenate([graph.end_reason, fees.reason[is_end]]),
        end_amount=np.concatenate([graph.end_amount, fees.amount[is_end]]),
        end_coins=np.concatenate([graph.end_coins, np.ones(int(is_end.sum()), np.int64)]),
        edge_from=np.concatenate([graph.edge_from, _nodes_of(graph, payer)]),
        edge_to=np.concatenate([graph.edge_to, _nodes_of(graph, coinbase)]),
        edge_amount=np.concatenate([graph.edge_amount, fees.amount[on]]),
        edge_fee=np.concatenate([graph.edge_fee, np.zeros(count, np.int64)]),
        edge_coins=np.concatenate([graph.edge_coins, np.ones(count, np.int64)]),
        edge_by_policy=np.concatenate([graph.edge_by_policy, np.ones(count, np.bool_)]),
        edge_inherited=np.concatenate([graph.edge_inherited, np.zeros(count, np.bool_)]),
    )
    return contract(joined, np.arange(joined.node_count))


def _with_transactions(
    graph: FlowGraph, trail: Trail, on: Int64Array, *, is_forward: bool
) -> FlowGraph:
    """Return the graph with a node for each transaction that only fees lead into."""
    fees = trail.fees
    known = graph.ref[graph.kind == NodeKind.TRANSACTION]
    entered, first = np.unique(fees.entered[on], return_index=True)
    is_new = ~np.isin(entered, known)
    new, hops = entered[is_new], fees.hops[on[first[is_new]]]
    count, sign = len(new), 1 if is_forward else -1
    none = np.zeros(count, np.int64)

    def more(column: Int64Array, values: Int64Array) -> Int64Array:
        return np.concatenate([column, values])

    no = np.zeros(count, np.bool_)
    return replace(
        graph,
        kind=np.concatenate([graph.kind, np.full(count, NodeKind.TRANSACTION, np.uint8)]),
        ref=more(graph.ref, new),
        column=more(graph.column, sign * (2 * hops + 1)),
        rank=more(graph.rank, sign * new),
        moment=more(graph.moment, new),
        is_source=np.concatenate([graph.is_source, no]),
        is_named=np.concatenate([graph.is_named, no]),
        entry=more(graph.entry, none),
        fee=more(graph.fee, none),
        returned=more(graph.returned, none),
        transactions=more(graph.transactions, none + 1),
        members=more(graph.members, none + 1),
    )


def _nodes_of(graph: FlowGraph, transactions: Int64Array) -> Int64Array:
    """Return the node of each transaction in a full graph, which has one for each."""
    nodes = np.flatnonzero(graph.kind == NodeKind.TRANSACTION)
    nodes = nodes[np.argsort(graph.ref[nodes])]
    found: Int64Array = np.append(nodes, 0)[np.searchsorted(graph.ref[nodes], transactions)]
    return found
