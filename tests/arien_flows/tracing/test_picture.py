"""The picture of a flow: nothing is cut, and no line runs behind a box that it does not concern."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import matplotlib.image as mpl_image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.amounts import Asset
from arien_flows.shapes import AsOf
from arien_flows.tracing.answer import RequestShape, Totals, TraceAnswer
from arien_flows.tracing.graph_answer import Graph, GraphEdge, GraphNode
from arien_flows.tracing.layout import GAP
from arien_flows.tracing.manifest_answer import Manifest
from arien_flows.tracing.page_layout import (
    LABEL_SIZE,
    Layout,
    arranged,
    fitted,
    text_width,
    wrapped,
)
from arien_flows.tracing.picture import amount_text, draw
from arien_flows.tracing.timeline_answer import Timeline, TimelineSlot

START = datetime(2026, 3, 1, tzinfo=UTC)
LONG = "Cooperative Exchange of the Very Long Name and Its Many Subsidiaries, hot wallet"


BTC = Asset(name="BTC", decimals=8)


def node(name: str, x: int, y: int, *, kind: str = "address", sat: int = 5 * 10**15) -> GraphNode:
    return GraphNode(
        id=name, kind=kind, label=LONG if kind == "service" else name, address=name, txid=None,
        tag=None, x=x, y=y * GAP, amount=str(sat), entry="0", fees="0", returned="0",
        transactions=1, members=1, ends={"unspent": "1", "below_min": "2", "hop_limit": "3"},
        time=START if kind == "transaction" else None, path=(), certainty="fact",
    )  # fmt: skip


def edge(source: str, target: str, sat: int = 10**8) -> GraphEdge:
    return GraphEdge(
        source=source, target=target, amount=str(sat), fees="0", coins=1, transactions=1, txids=(),
        first_time=START, last_time=START, depends_on_policy=sat % 2 == 0,
        certainty="inference" if sat % 2 == 0 else "fact",
    )  # fmt: skip


def fan(columns: int, rows: int) -> Graph:
    """A source, columns of equal height, lines over one and over several columns, and one back."""
    nodes = [node("source", 0, 0, kind="source")]
    edges = []
    for x in range(1, columns):
        for y in range(rows):
            kind = ("address", "service", "transaction")[(x + y) % 3]
            nodes.append(node(f"{x}-{y}", x, y - rows // 2, kind=kind))
            near = "source" if x == 1 else f"{x - 1}-{y}"
            edges += [edge(near, f"{x}-{y}", 10**9 - y), edge("source", f"{x}-{y}", 10**8 + x + y)]
    edges.append(edge(nodes[-1].id, "source"))
    return Graph(
        level="entity", nodes=tuple(nodes), edges=tuple(edges), full_nodes=len(nodes),
        folded_nodes=0,
    )  # fmt: skip


def answer_of(graph: Graph) -> TraceAnswer:
    reasons = ("unspent", "service_reached", "below_min", "hop_limit", "fan_out", "dormant")
    return TraceAnswer(
        request=RequestShape(
            sources=(f"entity:{'a' * 62}", "b" * 62, f"{'c' * 64}:1", "d"), direction="forward",
            policy="fifo", max_hops=1, min_value="1", since=None, until=None, horizon_days=None,
            budget=1, fan_out_outputs=1, fan_out_percent=1, dormant_days=1, min_confidence=50,
            fee_mode="track", subsidy_order=None, graph_nodes=60,
            demix="stop", demix_depth=3, level="entity", expanded=(), pins={},
        ),
        as_of=AsOf(network="bitcoin", height=900_000, block_hash="0" * 64, time=START),
        complete=True,
        truncations=(),
        asset="BTC",
        decimals=8,
        totals=Totals(
            source="2099999997690000", by_reason=dict.fromkeys(reasons, "2099999997690000"),
            fees="12345678", destroyed="1",
        ),
        services=(),
        service_points=(),
        leaves=(),
        further=(),
        buckets=(),
        destroyed=(),
        inferences=None,
        timeline=Timeline(unit="day", slots=(
            TimelineSlot(start=date(2026, 3, 1), by_reason={"unspent": "150000000", "fees": "1"},
                         by_service={}, coins=1),
            TimelineSlot(start=date(2026, 3, 9), by_reason={"service_reached": "1"},
                         by_service={LONG: "1"}, coins=1),
        )),
        fees=(),
        graph=graph,
        manifest_sha256="",
        manifest=Manifest(
            program="arien-flows", version="1", network="bitcoin", tip_height=900_000,
            tip_hash="0" * 64, rules={}, tags_sha256="", clustering="addresses",
            coinjoin_marks="absent", transactions_explored=1, transactions_followed=1,
            result_sha256="f" * 64,
        ),
    )  # fmt: skip


def arrange(graph: Graph) -> Layout:
    texts = {n.id: amount_text(n.amount, BTC) for n in graph.nodes}
    return arranged(graph, texts, lambda edge: int(edge.amount))


SHAPES = [(2, 1), (3, 20), (12, 5)]
SHAPE_IDS = ["small", "tall", "wide"]


@pytest.mark.parametrize("shape", SHAPES, ids=SHAPE_IDS)
def test_picture__cuts_nothing_at_its_edges(tmp_path: Path, shape: tuple[int, int]):
    graph = fan(*shape)
    draw(graph, answer_of(graph), tmp_path / "flow.png")
    pixels = mpl_image.imread(tmp_path / "flow.png")
    margin = 15
    for border in (pixels[:margin], pixels[-margin:], pixels[:, :margin], pixels[:, -margin:]):
        assert border.min() == 1.0
    assert pixels.min() < 0.5


def test_picture__takes_no_label_for_mathematics(tmp_path: Path):
    graph = fan(2, 1)
    odd = replace(graph, nodes=tuple(replace(n, label=r"$\broken$ {") for n in graph.nodes))
    draw(odd, answer_of(odd), tmp_path / "flow.png")


def test_layout__of_a_tall_graph_of_60_nodes_has_the_shape_of_a4():
    layout = arrange(fan(4, 20))
    width, height = layout.right - layout.left, layout.bottom - layout.top
    # Title, legend and footer take the rest of the height.
    assert 1.2 < width / height < 1.8


@pytest.mark.parametrize("shape", SHAPES, ids=SHAPE_IDS)
def test_routes__pass_no_box_that_they_do_not_end_at(shape: tuple[int, int]):
    graph = fan(*shape)
    layout = arrange(graph)
    half = layout.box_width / 2
    boxes = {n.id: layout.places[n.id] for n in graph.nodes if n.kind != "transaction"}
    for one, points, width in layout.routes:
        # Between two points of equal height the curve is level; elsewhere it is between columns.
        level = [
            (min(a[0], b[0]), max(a[0], b[0]), a[1])
            for a, b in zip(points[:-3:3], points[3::3], strict=True)
            if a[1] == b[1]
        ]
        for name, (x, y) in boxes.items():
            if name in (one.source, one.target):
                continue
            for left, right, at in level:
                if left < x + half and right > x - half:
                    assert abs(at - y) >= (layout.form.height + width / 72) / 2


def test_layout__keeps_boxes_apart():
    layout = arrange(fan(3, 20))
    rows = sorted(y for x, y in layout.places.values() if x == max(layout.places.values())[0])
    assert min(b - a for a, b in pairwise(rows)) > layout.form.height


words = st.lists(st.text("abcWi", min_size=1, max_size=12), min_size=1, max_size=12)


@given(words, st.floats(1.0, 4.0))
def test_wrapped__keeps_every_word_and_the_width(given_words: list[str], width: float):
    lines = wrapped(given_words, LABEL_SIZE, width)
    assert " ".join(lines).split() == given_words
    assert all(text_width(line, LABEL_SIZE) <= width for line in lines if " " in line)


@given(words, st.floats(0.5, 2.0), st.integers(1, 2))
def test_fitted__fits_and_marks_what_it_leaves_out(
    given_words: list[str], width: float, lines: int
):
    text = " ".join(given_words)
    found = fitted(text, LABEL_SIZE, width, lines)
    assert len(found) <= lines
    assert all(text_width(line, LABEL_SIZE) <= width for line in found)
    assert " ".join(found) == text or any(line.endswith("…") for line in found)
