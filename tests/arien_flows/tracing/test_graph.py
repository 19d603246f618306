"""The flow graph: nothing is lost at any node, however much is folded away."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.amounts import Asset
from arien_flows.errors import InputError
from arien_flows.tracing.flow_build import policy_decides
from arien_flows.tracing.flow_graph import NodeKind
from arien_flows.tracing.graph_answer import Graph
from arien_flows.tracing.graphml import write_graphml
from arien_flows.tracing.layout import GAP, positions
from arien_flows.tracing.picture import amount_text, draw
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.simplify import simplify
from arien_flows.tracing.trace import TraceResult, trace
from heuristics.follow import Trail
from heuristics.stops import Direction
from heuristics.taint import Policy
from tests.arien_flows.tracing.chains import COIN, attribution_of, busy_chain
from tests.heuristics.flow_cases import mined_case, open_case, ruled_case, run, seeded
from tests.ledgers import Tx, build_view, text_of_name
from tests.reference.taint import Case, Transaction

SERVICES = {"exchange": "exchange", "mixer": "mixer"}


def busy_trace(seed: int, direction: str = "forward", policy: str = "haircut") -> TraceResult:
    view = build_view(busy_chain(seed))
    source = "thief" if direction == "forward" else "exchange"
    request = TraceRequest(
        sources=(text_of_name(source),),
        direction=direction,  # type: ignore[arg-type]  # drawn from the two names
        policy=policy,  # type: ignore[arg-type]
        min_value_sat=COIN // 100,
        max_hops=40,
    )
    return trace(view, request, attribution=attribution_of(view, SERVICES))


def sums(graph: Graph) -> tuple[int, int, int]:
    """Return source money, ended money and fees over all nodes and edges."""
    entry = sum(int(node.entry) for node in graph.nodes)
    ended = sum(int(sat) for node in graph.nodes for sat in node.ends.values())
    fees = sum(int(node.fees) for node in graph.nodes)
    return entry, ended, fees + sum(int(edge.fees) for edge in graph.edges)


@pytest.mark.slow
@settings(max_examples=40)  # each builds a chain of real blocks
@given(
    st.integers(0, 10**6),
    st.sampled_from(["forward", "backward"]),
    st.sampled_from(["fifo", "haircut"]),
    st.integers(10, 90),
)
def test_graph__balances_at_every_node_at_every_size(seed, direction, policy, limit):
    result = busy_trace(seed, direction, policy)
    full = result.flow_graph
    shown = simplify(result.ground.view, full, limit)
    assert shown.node_count <= limit
    for graph in (full, shown):
        came, went = graph.balance()
        assert came.tolist() == went.tolist()
    totals = result.answer.totals
    ended = sum(map(int, totals.by_reason.values())) + int(totals.destroyed)
    for limit_or_none in (None, limit):
        expected = (int(totals.source), ended, int(totals.fees))
        assert sums(result.graph(limit_or_none)) == expected


@pytest.mark.slow
@settings(max_examples=40)  # each builds a chain of real blocks
@given(st.integers(0, 10**6), st.integers(10, 90))
def test_simplify__accounts_for_every_node_and_transaction(seed, limit):
    result = busy_trace(seed)
    full = result.flow_graph
    shown = simplify(result.ground.view, full, limit)
    relations = len(np.unique(shown.via_transaction))
    assert int(shown.members.sum()) + relations == full.node_count
    assert int(shown.transactions.sum()) + relations == int(full.transactions.sum())


def test_graph__keeps_the_largest_and_folds_the_rest():
    result = busy_trace(3)
    graph = result.graph(12)
    assert len(graph.nodes) <= 12
    assert graph.full_nodes == result.flow_graph.node_count
    folds = [node for node in graph.nodes if node.kind == "fold"]
    assert sum(node.members for node in folds) == graph.folded_nodes > 0
    assert any(node.kind == "source" for node in graph.nodes)
    assert all("smaller branches" in node.label for node in folds)
    with pytest.raises(InputError, match="at least 10"):
        result.graph(9)


def test_graph__shows_a_peeling_chain_as_one_node():
    chain = [Tx(name="t0", outputs=[("thief", 50 * COIN)])]
    for i in range(5):
        rest = (49 - i) * COIN
        chain.append(Tx(name=f"t{i + 1}", inputs=[f"t{i}:0"],
                        outputs=[(f"p{i}", rest), (f"side{i}", COIN)]))  # fmt: skip
    view = build_view(chain)
    result = trace(view, TraceRequest(sources=(text_of_name("thief"),), policy="haircut"))
    (row,) = [node for node in result.answer.graph.nodes if node.kind == "chain"]
    assert (row.transactions, row.members) == (5, 9)
    assert row.label == "5 transactions in a row"
    assert row.txid == view.txid_text(1)
    targets = {edge.target: edge.amount for edge in result.answer.graph.edges}
    assert targets[text_of_name("side3")] == str(COIN)


def test_graph__nets_change_and_joins_payer_and_payee():
    chain = [
        Tx(name="m", outputs=[("thief", 50 * COIN)]),
        Tx(name="pay", inputs=["m:0"], outputs=[("shop", 20 * COIN), ("thief", 30 * COIN - 500)]),
    ]
    view = build_view(chain)
    result = trace(view, TraceRequest(sources=(text_of_name("thief"),), policy="haircut"))
    (edge,) = result.answer.graph.edges
    assert (edge.source, edge.target) == (text_of_name("thief"), text_of_name("shop"))
    assert (edge.amount, edge.fees, edge.txids) == (str(20 * COIN), "500", (view.txid_text(1),))
    thief = next(node for node in result.answer.graph.nodes if node.kind == "source")
    assert thief.returned == str(30 * COIN - 500)
    assert thief.ends == {"unspent": str(30 * COIN - 500)}


def test_graph__collects_small_outputs_by_transaction():
    outputs = [("big", 40 * COIN), ("s1", 1000), ("s2", 2000), ("s3", 3000)]
    chain = [
        Tx(name="m", outputs=[("thief", 50 * COIN)]),
        Tx(name="pay", inputs=["m:0"], outputs=outputs),
        *[Tx(name=f"x{j}", inputs=[f"pay:{j}"], outputs=[(f"y{j}", value)])
          for j, (_, value) in enumerate(outputs)],
    ]  # fmt: skip
    view = build_view(chain)
    result = trace(view, TraceRequest(sources=(text_of_name("thief"),), policy="haircut"))
    (bucket,) = [node for node in result.answer.graph.nodes if node.kind == "small"]
    assert bucket.label == "3 small outputs"
    assert bucket.ends == {"below_min": "6000"}
    assert "below_min" not in {leaf.reason for leaf in result.answer.leaves}
    (told,) = result.answer.buckets
    assert (told.txid, told.positions, told.coins) == (view.txid_text(1), "1-3", 3)
    assert (told.traced, told.value, told.reason) == ("6000", "6000", "below_min")


@pytest.mark.slow
@settings(max_examples=40)  # each builds a chain of real blocks
@given(st.integers(0, 10**6), st.sampled_from(["forward", "backward"]))
def test_layout__keeps_nodes_apart_and_sources_at_the_edge(seed, direction):
    graph = busy_trace(seed, direction).answer.graph
    columns: dict[int, list[int]] = {}
    for node in graph.nodes:
        columns.setdefault(node.x, []).append(node.y)
    for heights in columns.values():
        heights.sort()
        assert all(b - a >= GAP for a, b in pairwise(heights))
    places = {node.id: node.x for node in graph.nodes}
    assert sorted(columns) == list(range(len(columns)))
    edge = 0 if direction == "forward" else len(columns) - 1
    assert any(node.kind == "source" and node.x == edge for node in graph.nodes)
    # Nodes where everything ends stand beyond all that pays them.
    paying = {e.source if direction == "forward" else e.target for e in graph.edges}
    for e in graph.edges:
        last = e.target if direction == "forward" else e.source
        if last not in paying:
            assert places[e.source] < places[e.target]


def test_layout__does_not_depend_on_chance():
    graph = busy_trace(7).flow_graph
    first = positions(graph, graph.column)
    second = positions(graph, graph.column)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_graph__by_time_never_runs_backwards_in_time():
    result = busy_trace(5)
    graph = result.graph(60, by_time=True)
    moments = sorted(
        (node.x, node.time) for node in graph.nodes if node.kind == "transaction" and node.time
    )
    assert [time for _, time in moments] == sorted(time for _, time in moments)


def test_graphml__carries_exact_amounts(tmp_path: Path):
    result = busy_trace(11)
    graph = result.graph(40)
    write_graphml(graph, result.answer, tmp_path / "a.graphml")
    write_graphml(graph, result.answer, tmp_path / "b.graphml")
    assert (tmp_path / "a.graphml").read_bytes() == (tmp_path / "b.graphml").read_bytes()
    read = nx.read_graphml(tmp_path / "a.graphml", force_multigraph=True)
    assert read.graph["result_sha256"] == result.answer.manifest.result_sha256
    for node in graph.nodes:
        assert read.nodes[node.id]["amount_sat"] == int(node.amount)
        assert read.nodes[node.id]["kind"] == node.kind
    total = sum(amount for _, _, amount in read.edges(data="amount_sat"))
    assert total == sum(int(edge.amount) for edge in graph.edges)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_picture__is_the_same_file_every_time(tmp_path: Path, suffix: str):
    result = busy_trace(2)
    files = [tmp_path / f"{name}{suffix}" for name in ("a", "b")]
    for file in files:
        draw(result.graph(60), result.answer, file)
    first, second = (file.read_bytes() for file in files)
    assert first == second
    assert first.startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")
    assert b"202" not in first[:200] or suffix == ".png"


def test_picture__draws_every_kind_of_node(tmp_path: Path):
    view = build_view(busy_chain(2))
    marks = np.zeros(view.counts.transactions, np.uint8)
    marks[40] = 1
    request = TraceRequest(
        sources=(text_of_name("thief"),), policy="haircut", min_value_sat=COIN // 2
    )
    result = trace(view, request, attribution=attribution_of(view, SERVICES), coinjoin_marks=marks)
    for limit in (12, 60):
        draw(result.graph(limit), result.answer, tmp_path / f"{limit}.png")
        assert (tmp_path / f"{limit}.png").stat().st_size > 10_000
    assert NodeKind.FOLD in simplify(view, result.flow_graph, 12).kind


@pytest.mark.parametrize(
    ("sat", "text"),
    [
        ("0", "0 BTC"),
        ("1", "0.00000001 BTC"),
        ("150000000", "1.5 BTC"),
        ("2100000000000000", "21,000,000 BTC"),
        ("100000000001", "1,000.00000001 BTC"),
    ],
)
def test_amount_text__is_exact(sat, text):
    assert amount_text(sat, Asset(name="BTC", decimals=8)) == text


CONSERVING = [policy for policy in Policy if policy != Policy.POISON]


def carried(trail: Trail) -> dict[tuple[int, int], int]:
    """Return the traced amount of each slot, by what it is in the ledger."""
    sources = len(trail.arrays.source_value)
    rows = np.concatenate([np.arange(sources), trail.given_row]).tolist()
    return {
        (int(place >= sources), row): amount
        for place, (row, amount) in enumerate(zip(rows, trail.flow.amount.tolist(), strict=True))
    }


def check_what_policies_agree_on(seed: int, direction: Direction) -> None:
    random = seeded(seed)
    case = random.choice((open_case, ruled_case, mined_case))(random)
    joining = [
        [(number, j) for j, (value, _) in enumerate(transaction.outputs) if value]
        for number, transaction in enumerate(case.chain)
        if len(transaction.inputs) > 1
    ]
    whole = [coins for coins in joining if coins]
    if whole and random.random() < 0.5:
        # All that a transaction of several inputs pays: there policies agree the longest.
        case = replace(case, sources=random.choice(whole), colours={})
    policies = [p for p in CONSERVING if direction == Direction.FORWARD or p.has_inverse]
    trails = [run(case, direction, policy) for policy in policies]
    found = [carried(trail) for trail in trails]
    for trail, amounts in zip(trails, found, strict=True):
        agreed = ~policy_decides(trail)
        for key, is_agreed in zip(amounts, agreed.tolist(), strict=True):
            if is_agreed and amounts[key]:
                assert {other.get(key, 0) for other in found} == {amounts[key]}, seed


@given(st.integers(0, 2**32), st.sampled_from(list(Direction)))
def test_policy_decides__leaves_unmarked_only_what_all_policies_agree_on(seed, direction):
    check_what_policies_agree_on(seed, direction)


@pytest.mark.slow
@pytest.mark.parametrize("direction", list(Direction))
def test_policy_decides__leaves_unmarked_only_what_all_policies_agree_on_in_many_cases(direction):
    for seed in range(3_000):
        check_what_policies_agree_on(seed, direction)


def test_policy_decides__backward_where_a_fee_comes_in_beside_several_inputs():
    chain = [
        Transaction(inputs=[], outputs=[(60, 0)]),
        Transaction(inputs=[], outputs=[(50, 0)]),
        Transaction(inputs=[((0, 0), 60, 0), ((1, 0), 50, 0)], outputs=[(100, 0)]),
        Transaction(inputs=[((2, 0), 100, 0)], outputs=[(90, 0)]),
    ]
    for policy in (Policy.FIFO, Policy.LIFO, Policy.HAIRCUT):
        # Of one input alone all policies say the same, and of two they do not.
        trail = run(Case(chain=chain, sources=[(3, 0)], labels=[0]), Direction.BACKWARD, policy)
        assert policy_decides(trail).tolist() == [False, False, True, True]
        joined = Case(chain=chain[:3], sources=[(2, 0)], labels=[0])
        trail = run(joined, Direction.BACKWARD, policy)
        assert policy_decides(trail).tolist() == [False, True, True]
    trail = run(Case(chain=chain, sources=[(3, 0)], labels=[0]), Direction.BACKWARD, Policy.POISON)
    assert policy_decides(trail).tolist() == [False, True, True, True]
