"""Levels and expansion: exact at every node, and nothing that was shown moves."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.errors import InputError
from arien_flows.tracing.expansion import CHAIN_STEP, picture
from arien_flows.tracing.graph_answer import Graph
from arien_flows.tracing.layout import GAP
from arien_flows.tracing.picture import line_style
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.trace import TraceResult, trace
from tests.arien_flows.tracing.chains import COIN, attribution_of, busy_chain
from tests.arien_flows.tracing.test_trace import JoinedAddresses
from tests.ledgers import Tx, build_view, text_of_name

SERVICES = {"exchange": "exchange", "mixer": "mixer"}
LEVELS = ("entity", "address", "transaction")


def busy_trace(seed: int, level: str, direction: str, policy: str) -> TraceResult:
    view = build_view(busy_chain(seed))
    request = TraceRequest(
        sources=(text_of_name("thief" if direction == "forward" else "exchange"),),
        direction=direction,  # type: ignore[arg-type]  # drawn from the two names
        policy=policy,  # type: ignore[arg-type]
        level=level,  # type: ignore[arg-type]
        min_value_sat=COIN // 2,
        max_hops=40,
    )
    return trace(view, request, attribution=attribution_of(view, SERVICES))


def places(graph: Graph) -> dict[str, tuple[int, int]]:
    return {node.id: (node.x, node.y) for node in graph.nodes}


def sums(graph: Graph) -> tuple[int, int, int]:
    """Return source money, ended money and fees over all nodes and edges."""
    entry = sum(int(node.entry) for node in graph.nodes)
    ended = sum(int(sat) for node in graph.nodes for sat in node.ends.values())
    fees = sum(int(node.fees) for node in graph.nodes)
    return entry, ended, fees + sum(int(edge.fees) for edge in graph.edges)


def expected(result: TraceResult) -> tuple[int, int, int]:
    totals = result.answer.totals
    ended = sum(map(int, totals.by_reason.values())) + int(totals.destroyed)
    return int(totals.source), ended, int(totals.fees)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)  # each builds a chain of real blocks
@given(
    st.integers(0, 10**6),
    st.sampled_from(LEVELS),
    st.sampled_from(["forward", "backward"]),
    st.sampled_from(["fifo", "haircut"]),
    st.integers(10, 60),
)
def test_graph__balances_at_every_level(seed, level, direction, policy, limit):
    result = busy_trace(seed, level, direction, policy)
    shown = picture(result.ground, result.traced, result.flow_graph, limit)
    assert shown.shown.node_count <= limit
    for graph in (shown.full, shown.shown):
        came, went = graph.balance()
        assert came.tolist() == went.tolist()
    for size in (None, limit):
        graph = result.graph(size)
        assert graph.level == level
        assert len({node.id for node in graph.nodes}) == len(graph.nodes)
        assert sums(graph) == expected(result)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)  # each builds a chain of real blocks
@given(
    st.integers(0, 10**6),
    st.sampled_from(LEVELS),
    st.sampled_from(["forward", "backward"]),
    st.integers(10, 30),
    st.data(),
)
def test_expansion__moves_nothing_and_loses_nothing(seed, level, direction, limit, data):
    result = busy_trace(seed, level, direction, "haircut")
    before, expanded = result.graph(limit), []
    for _ in range(3):
        name = data.draw(st.sampled_from(sorted(node.id for node in before.nodes)))
        opened = next(node for node in before.nodes if node.id == name)
        expanded.append(name)
        after = result.graph(limit, expanded=expanded, pins=places(before))
        old, new = places(before), places(after)
        assert all(new[node] == old[node] for node in set(old) & set(new))
        # Only what was opened may be gone, and folds that have nothing left to hold.
        gone = {node.id for node in before.nodes if node.id not in new and node.kind != "fold"}
        assert gone <= ({name} if opened.kind in ("chain", "small") else set())
        if opened.kind in ("chain", "fold", "small"):
            assert len(after.nodes) > len(before.nodes) - 1
        assert sums(after) == expected(result)
        columns: dict[int, list[int]] = {}
        for node in after.nodes:
            columns.setdefault(node.x, []).append(node.y)
        for heights in columns.values():
            assert all(b - a >= GAP for a, b in pairwise(sorted(heights)))
        again = result.graph(limit, expanded=expanded, pins=places(before))
        assert again == after
        tidy = result.graph(limit, expanded=expanded)
        assert {node.id for node in tidy.nodes} == set(new)
        before = after


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(LEVELS))
def test_expansion__opens_everything_in_the_end(seed, level):
    result = busy_trace(seed, level, "forward", "fifo")
    expanded: list[str] = []
    graph = result.graph(10)
    while folds := [node.id for node in graph.nodes if node.kind == "fold"]:
        expanded.append(folds[0])
        graph = result.graph(10, expanded=expanded)
        assert len(expanded) < 60
    shown = picture(result.ground, result.traced, result.flow_graph, 10, expanded).shown
    unfolded = picture(result.ground, result.traced, result.flow_graph, 5_000).shown
    assert sorted(shown.keys.tolist()) == sorted(unfolded.keys.tolist())


def long_chain(length: int) -> TraceResult:
    chain = [Tx(name="t0", outputs=[("thief", 5_000 * COIN)])]
    for i in range(length):
        rest = (5_000 - i - 1) * COIN
        if i % 200 == 199:
            chain.append(Tx(name=f"block{i}", outputs=[("pool", 1)]))
        chain.append(Tx(name=f"t{i + 1}", inputs=[f"t{i}:0"],
                        outputs=[(f"p{i}", rest), (f"side{i}", COIN)]))  # fmt: skip
    request = TraceRequest(sources=(text_of_name("thief"),), policy="fifo", max_hops=9_000)
    return trace(build_view(chain), request)


@pytest.mark.parametrize("level", LEVELS)
def test_chain__keeps_its_whole_path(level: str):
    chain = [Tx(name="t0", outputs=[("thief", 50 * COIN)])]
    for i in range(5):
        rest = (49 - i) * COIN - 100 * (i + 1)
        chain.append(Tx(name=f"t{i + 1}", inputs=[f"t{i}:0"],
                        outputs=[(f"p{i}", rest), (f"side{i}", COIN)]))  # fmt: skip
    view = build_view(chain)
    request = TraceRequest(sources=(text_of_name("thief"),), policy="haircut", level=level)  # type: ignore[arg-type]
    result = trace(view, request)
    (row,) = [node for node in result.answer.graph.nodes if node.kind == "chain"]
    assert [step.txid for step in row.path] == [view.txid_text(i) for i in range(1, 6)]
    assert [int(step.amount) for step in row.path] == [
        50 * COIN, *((50 - i) * COIN - 100 * i for i in range(1, 5))
    ]  # fmt: skip
    assert all(step.fees == "100" for step in row.path)
    first = row.path[0].paid
    if level == "transaction":
        assert [(paid.to, paid.amount) for paid in first] == [(f"{view.txid_text(1)}:1", str(COIN))]
    else:
        assert [(paid.to, paid.amount) for paid in first] == [(text_of_name("side0"), str(COIN))]
    opened = result.graph(100, expanded=[row.id], pins=places(result.answer.graph))
    shown = {node.id for node in opened.nodes}
    assert row.id not in shown
    assert {step.txid for step in row.path} <= shown


@pytest.mark.slow
def test_chain__of_thousands_is_laid_out_at_once():
    result = long_chain(1_500)
    (row,) = [node for node in result.answer.graph.nodes if node.kind == "chain"]
    assert (row.transactions, len(row.path)) == (1_500, 50)
    opened = result.graph(2_000, expanded=[row.id])
    rest = next(node for node in opened.nodes if node.kind == "chain")
    assert rest.transactions == 1_500 - CHAIN_STEP
    full = result.graph()
    assert len({node.x for node in full.nodes}) > 2_000


def test_bucket__opens_coin_by_coin():
    outputs = [("big", 4_000 * COIN), *[(f"s{i}", 1_000 + i) for i in range(70)]]
    chain = [
        Tx(name="m", outputs=[("thief", 5_000 * COIN)]),
        Tx(name="pay", inputs=["m:0"], outputs=outputs),
        *[Tx(name=f"x{j}", inputs=[f"pay:{j}"], outputs=[(f"y{j}", value)])
          for j, (_, value) in enumerate(outputs)],
    ]  # fmt: skip
    view = build_view(chain)
    result = trace(view, TraceRequest(sources=(text_of_name("thief"),), policy="haircut"))
    graph = result.answer.graph
    (bucket,) = [node for node in graph.nodes if node.kind == "small"]
    opened = result.graph(100, expanded=[bucket.id], pins=places(graph))
    coins = [node for node in opened.nodes if node.kind == "coin"]
    assert len(coins) == 50
    assert {f"{view.txid_text(1)}:{70 - i}" for i in range(50)} == {node.id for node in coins}
    assert next(node for node in coins if node.id.endswith(":70")).address == text_of_name("s69")
    (rest,) = [node for node in opened.nodes if node.kind == "fold"]
    assert (rest.id, rest.members) == (f"fold:{view.txid_text(1)}", 20)


def test_expansion__refuses_what_is_not_shown():
    result = busy_trace(1, "entity", "forward", "fifo")
    with pytest.raises(InputError, match="no node nobody"):
        result.graph(20, expanded=["nobody"])


def test_request__takes_its_level_expansion_and_pins_into_the_answer():
    view = build_view(busy_chain(3))
    source = text_of_name("thief")
    plain = trace(view, TraceRequest(sources=(source,), policy="haircut", graph_nodes=10))
    fold = next(node.id for node in plain.answer.graph.nodes if node.kind == "fold")
    pins = tuple((name, x, y) for name, (x, y) in places(plain.answer.graph).items())
    request = TraceRequest(
        sources=(source,), policy="haircut", graph_nodes=10, expanded=(fold,), pins=pins
    )
    opened = trace(view, request)
    assert opened.answer.request.expanded == (fold,)
    assert opened.answer.graph == plain.graph(10, expanded=[fold], pins=places(plain.answer.graph))
    assert opened.answer.manifest.result_sha256 != plain.answer.manifest.result_sha256
    for wrong, what in (
        ({"level": "coin"}, "level 'coin'"),
        ({"expanded": ("x",) * 101}, "at most 100"),
        ({"pins": (("x", 10**12, 0),)}, "pins must be between"),
    ):
        with pytest.raises(InputError, match=what):
            TraceRequest(sources=(source,), **wrong)  # type: ignore[arg-type]


def test_edges__say_what_depends_on_the_policy():
    chain = [
        Tx(name="m1", outputs=[("thief", 50 * COIN)]),
        Tx(name="m2", outputs=[("other", 50 * COIN)]),
        Tx(name="split", inputs=["m1:0"], outputs=[("a", 20 * COIN), ("b", 30 * COIN)]),
        Tx(name="mix", inputs=["split:0", "m2:0"], outputs=[("c", 10 * COIN), ("d", 60 * COIN)]),
        Tx(name="on", inputs=["mix:0"], outputs=[("e", 10 * COIN)]),
    ]
    view = build_view(chain)
    for policy in ("fifo", "haircut", "poison"):
        result = trace(
            view,
            TraceRequest(sources=(text_of_name("thief"),), policy=policy, level="address"),  # type: ignore[arg-type]
        )
        by_target = {edge.target: edge for edge in result.graph().edges}
        assert by_target[text_of_name("b")].certainty == "fact"
        assert not by_target[text_of_name("a")].depends_on_policy
        assert by_target[text_of_name("c")].depends_on_policy
        assert by_target[text_of_name("e")].certainty == "inference"


@pytest.mark.parametrize("level", ["entity", "address"])
def test_edges__to_services_are_no_facts(level):
    chain = [
        Tx(name="m", outputs=[("thief", 50 * COIN)]),
        Tx(
            name="pay",
            inputs=["m:0"],
            outputs=[("till", 10 * COIN), ("safe", 15 * COIN), ("friend", 25 * COIN)],
        ),
    ]
    view = build_view(chain)
    request = TraceRequest(sources=(text_of_name("thief"),), policy="haircut", level=level)

    def certainties(tags: dict[str, str]) -> dict[str, str]:
        entities = JoinedAddresses(view, ["till", "safe"])
        known = attribution_of(view, tags, entities)
        graph = trace(view, request, attribution=known, entities=entities).answer.graph
        kinds = {node.id: node.kind for node in graph.nodes}
        for edge in graph.edges:
            assert (line_style(edge) == "line:dashed") == (edge.certainty == "inference")
        names = {text_of_name("friend"): "friend"}
        return {
            names.get(edge.target, edge.target): edge.certainty
            for edge in graph.edges
            if edge.target in names or kinds[edge.target] == "service"
        }

    both = certainties({"till": "exchange", "safe": "exchange"})
    assert set(both.values()) == {"attribution", "fact"}
    assert both["friend"] == "fact"
    one = certainties({"till": "exchange"})
    assert one.pop("friend") == "fact"
    if level == "entity":
        # One node: a part of what came to it lies at an address that only a rule joined.
        assert one == {"service:The till": "inference"}
    else:
        assert one == {
            f"service:{text_of_name('till')}": "attribution",
            f"service:{text_of_name('safe')}": "inference",
        }


def test_levels__differ_in_who_is_joined():
    view = build_view([
        Tx(name="m", outputs=[("thief", 50 * COIN)]),
        Tx(name="pay", inputs=["m:0"], outputs=[("exchange", 20 * COIN), ("x2", 30 * COIN)]),
    ])  # fmt: skip
    services = attribution_of(view, {"exchange": "exchange"})
    ids = {}
    for level in LEVELS:
        request = TraceRequest(sources=(text_of_name("thief"),), level=level)  # type: ignore[arg-type]
        graph = trace(view, request, attribution=services).answer.graph
        ids[level] = {node.id: node.kind for node in graph.nodes}
    pay, thief = view.txid_text(1), text_of_name("thief")
    x2 = text_of_name("x2")
    assert ids["entity"] == {
        thief: "source", pay: "transaction", "service:The exchange": "service", x2: "address"
    }  # fmt: skip
    assert ids["address"] == {
        thief: "source", pay: "transaction", x2: "address",
        f"service:{text_of_name('exchange')}": "service",
    }  # fmt: skip
    assert ids["transaction"] == {
        f"{view.txid_text(0)}:0": "source", pay: "transaction", f"{pay}:1": "coin",
        "service:The exchange": "service",
    }  # fmt: skip


def test_timeline__adds_up_to_the_source():
    result = busy_trace(4, "entity", "forward", "haircut")
    line = result.answer.timeline
    assert [slot.start for slot in line.slots] == sorted(slot.start for slot in line.slots)
    told: dict[str, int] = {}
    for slot in line.slots:
        for reason, sat in slot.by_reason.items():
            told[reason] = told.get(reason, 0) + int(sat)
    totals = result.answer.totals
    also = {"fees": int(totals.fees), "destroyed": int(totals.destroyed)}
    assert told == {
        reason: sat
        for reason, sat in {**{r: int(s) for r, s in totals.by_reason.items()}, **also}.items()
        if sat
    }
    services = {total.label: int(total.traced) for total in result.answer.services}
    by_service: dict[str, int] = {}
    for slot in line.slots:
        for label, sat in slot.by_service.items():
            by_service[label] = by_service.get(label, 0) + int(sat)
    assert by_service == services
    coins = len(result.answer.leaves) + len(result.answer.destroyed)
    coins += sum(bucket.coins for bucket in result.answer.buckets)
    assert sum(slot.coins for slot in line.slots) == coins


def test_ends__tell_of_every_unit():
    result = busy_trace(9, "entity", "forward", "fifo")
    answer = result.answer
    told = sum(
        int(end.traced)
        for part in (answer.leaves, answer.buckets, answer.destroyed)
        for end in part
    )
    assert told + int(answer.totals.fees) == int(answer.totals.source)
    assert np.all([int(bucket.traced) <= int(bucket.value) for bucket in answer.buckets])
