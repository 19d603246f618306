"""The flow as a picture for a report: PNG or SVG, left to right, wider lines for more money.

Colours come from a palette that people with common colour blindness can tell apart, and no
meaning rests on colour alone: shapes and labels say the same. The picture names the policy, the
sources, the state of the chain and the hash of the answer, because pictures travel alone. The
same answer gives the same file.
"""

from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve

from arien_flows.tracing.answer import Graph, GraphEdge, GraphNode, TraceAnswer, plain
from arien_flows.tracing.graph import shortened
from arien_flows.tracing.layout import GAP
from chains.bitcoin.networks import COIN_SAT

PICTURE_NODES = 60
"""Nodes that a page still shows legibly."""


@dataclass(frozen=True, slots=True)
class _Style:
    name: str
    fill: str
    text: str = "#1a1a1a"


_STYLES = {
    "source": _Style("source", "#d55e00", "#ffffff"),
    "address": _Style("address", "#ffffff"),
    "entity": _Style("entity (several addresses)", "#cfe3f2"),
    "service": _Style("service", "#0072b2", "#ffffff"),
    "mixer": _Style("mixer", "#cc79a7"),
    "bridge": _Style("bridge", "#009e73", "#ffffff"),
    "coinjoin": _Style("CoinJoin", "#f0e442"),
    "transaction": _Style("transaction", "#4d4d4d"),
    "chain": _Style("transactions in a row", "#e69f00"),
    "fold": _Style("smaller branches, folded", "#d9d9d9"),
    "small": _Style("too small to follow", "#ededed"),
    "destroyed": _Style("unspendable", "#bdbdbd"),
    "outside": _Style("outside the ledger", "#ededed"),
}
"""After Okabe and Ito (2008)."""

_BOX_WIDTH = 1.42
_BOX_HEIGHT = 0.7
_BOX_COLUMN = 1.9
_DOT_COLUMN = 0.72
_ROW = 0.86
_WIDEST = 18.0
_NARROWEST = 0.7


def draw(graph: Graph, answer: TraceAnswer, path: Path) -> None:
    """Write the picture of a graph; the file's suffix decides: `.png` or `.svg`."""
    figure = _figure(graph, answer)
    # Without these, files of equal content differ: a date, and random ids.
    metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": answer.manifest.result_sha256, "svg.fonttype": "path"}):
        figure.savefig(path, dpi=150, metadata=metadata)


def _figure(graph: Graph, answer: TraceAnswer) -> Figure:
    across = _column_places(graph)
    places = {node.id: (across[node.x], node.y * _ROW / GAP) for node in graph.nodes}
    lowest = min(y for _, y in places.values())
    highest = max(y for _, y in places.values())
    right = max(across) + _BOX_WIDTH
    kinds = [kind for kind in _STYLES if any(node.kind == kind for node in graph.nodes)]
    width = max(right + 0.8, 11.0)
    height = highest - lowest + 3.15
    figure = Figure(figsize=(width, height), facecolor="#ffffff")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    left = -_BOX_WIDTH / 2 - 0.5
    axes.set_xlim(left, left + width)
    axes.set_ylim(highest + 1.6, lowest - 1.55)
    by_id = {node.id: node for node in graph.nodes}
    most = max((int(edge.amount) for edge in graph.edges), default=1)
    for edge in sorted(graph.edges, key=lambda e: -int(e.amount)):
        _draw_edge(axes, edge, by_id, places, most)
    for node in graph.nodes:
        _draw_node(axes, node, places[node.id], answer)
    _draw_title(axes, answer, left, lowest)
    _draw_legend(axes, kinds, left, highest)
    _draw_footer(axes, answer, left, highest)
    return figure


def _column_places(graph: Graph) -> list[float]:
    """Return the middle of each column; columns of transactions alone are narrow."""
    wide = {node.x for node in graph.nodes if node.kind != "transaction"}
    places: list[float] = []
    at = 0.0
    for x in range(max(node.x for node in graph.nodes) + 1):
        if x:
            before = _BOX_COLUMN if x - 1 in wide else _DOT_COLUMN
            at += (before + (_BOX_COLUMN if x in wide else _DOT_COLUMN)) / 2
        places.append(at)
    return places


def _draw_edge(
    axes: Any,
    edge: GraphEdge,
    by_id: dict[str, GraphNode],
    places: dict[str, tuple[float, float]],
    most: int,
) -> None:
    start, end = by_id[edge.source], by_id[edge.target]
    (x0, y0), (x1, y1) = places[edge.source], places[edge.target]
    x0 += _half_width(start)
    x1 -= _half_width(end)
    bend = max(0.35, abs(x1 - x0) * 0.5)
    if x1 <= x0:
        # Money that runs back to the left swings out below.
        bend, low = 0.9, max(y0, y1) + 0.75
        vertices = [(x0, y0), (x0 + bend, y0), (x0 + bend, low), ((x0 + x1) / 2, low),
                    (x1 - bend, low), (x1 - bend, y1), (x1, y1)]  # fmt: skip
        codes = [Curve.MOVETO] + [Curve.CURVE4] * 6
    else:
        vertices = [(x0, y0), (x0 + bend, y0), (x1 - bend, y1), (x1, y1)]
        codes = [Curve.MOVETO] + [Curve.CURVE4] * 3
    share = int(edge.amount) / most
    ends_at_service = end.kind in ("service", "mixer", "bridge")
    axes.add_patch(
        PathPatch(
            Curve(vertices, codes),
            facecolor="none",
            edgecolor=_STYLES[end.kind].fill if ends_at_service else "#7f8c8d",
            alpha=0.55,
            linewidth=_NARROWEST + (_WIDEST - _NARROWEST) * share,
            capstyle="butt",
            zorder=1,
        )
    )


def _half_width(node: GraphNode) -> float:
    return 0.0 if node.kind == "transaction" else _BOX_WIDTH / 2


def _draw_node(axes: Any, node: GraphNode, place: tuple[float, float], answer: TraceAnswer) -> None:
    x, y = place
    style = _STYLES[node.kind]
    if node.kind == "transaction":
        axes.plot([x], [y], marker="D", markersize=6, color=style.fill, zorder=3)
        if node.time is not None:
            day = node.time.strftime("%Y-%m-%d")
            axes.text(x, y - 0.2, day, ha="center", va="bottom", fontsize=6.2, color="#333333",
                      zorder=4, bbox={"facecolor": "#ffffff", "alpha": 0.75, "linewidth": 0,
                                      "pad": 0.6})  # fmt: skip
        return
    axes.add_patch(
        FancyBboxPatch(
            (x - _BOX_WIDTH / 2, y - _BOX_HEIGHT / 2),
            _BOX_WIDTH,
            _BOX_HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.09",
            facecolor=style.fill,
            edgecolor="#333333",
            linewidth=1.6 if node.kind == "source" else 0.8,
            linestyle="--" if node.kind in ("fold", "small", "outside") else "-",
            zorder=2,
        )
    )
    lines = [shorten(node.label, 26, placeholder="…"), amount_text(node.amount, answer.asset)]
    if node.ends:
        lines.append(shorten(" · ".join(r.replace("_", " ") for r in node.ends), 30))
    for i, line in enumerate(lines):
        axes.text(
            x,
            y + (i - (len(lines) - 1) / 2) * 0.2,
            line,
            ha="center",
            va="center",
            fontsize=8.0 if i == 0 else 7.6 if i == 1 else 7.0,
            fontweight="bold" if i == 1 else "normal",
            style="italic" if i == 2 else "normal",
            color=style.text,
            zorder=4,
        )


def amount_text(base_units: str, asset: str) -> str:
    """Return an amount in whole coins, exactly, without zeros that say nothing."""
    whole, rest = divmod(int(base_units), COIN_SAT)
    decimals = f"{rest:08d}".rstrip("0")
    return f"{whole:,}{'.' + decimals if decimals else ''} {asset}"


def _draw_title(axes: Any, answer: TraceAnswer, left: float, lowest: float) -> None:
    request = answer.request
    way = "where the money went" if request.direction == "forward" else "where it came from"
    named = ", ".join(shortened(source) for source in request.sources[:3])
    if len(request.sources) > 3:
        named += f" and {len(request.sources) - 3} more"
    axes.text(left + 0.3, lowest - 1.25, f"{named}: {way}", fontsize=13, fontweight="bold",
              ha="left", va="center")  # fmt: skip
    totals = answer.totals
    reasons = [
        f"{reason.replace('_', ' ')} {amount_text(sat, answer.asset)}"
        for reason, sat in sorted(totals.by_reason.items(), key=lambda item: -int(item[1]))
    ]
    reasons.append(f"fees {amount_text(totals.fees, answer.asset)}")
    if totals.destroyed != "0":
        reasons.append(f"unspendable {amount_text(totals.destroyed, answer.asset)}")
    line = f"Policy {request.policy} · traced {amount_text(totals.source, answer.asset)} = "
    line += " + ".join(reasons)
    if request.policy == "poison":
        line = (
            "Policy poison: all money that the source touched, not what it held · source "
            + amount_text(totals.source, answer.asset)
        )
    axes.text(left + 0.3, lowest - 0.95, line, fontsize=9, ha="left", va="center",
              color="#333333")  # fmt: skip


def _draw_legend(axes: Any, kinds: list[str], left: float, highest: float) -> None:
    x = left + 0.3
    y = highest + 0.85
    for kind in kinds:
        style = _STYLES[kind]
        if kind == "transaction":
            axes.plot([x + 0.09], [y], marker="D", markersize=5, color=style.fill)
        else:
            axes.add_patch(
                FancyBboxPatch((x, y - 0.07), 0.18, 0.14, facecolor=style.fill, linewidth=0.7,
                               edgecolor="#333333", boxstyle="round,pad=0,rounding_size=0.03")
            )  # fmt: skip
        axes.text(x + 0.25, y, style.name, fontsize=7.5, ha="left", va="center")
        x += 0.45 + 0.07 * len(style.name)
    axes.text(x, y, "line width: amount", fontsize=7.5, ha="left", va="center",
              color="#555555")  # fmt: skip


def _draw_footer(axes: Any, answer: TraceAnswer, left: float, highest: float) -> None:
    as_of = answer.as_of
    lines = (
        f"{as_of.network} up to block {as_of.height:,} ({plain(as_of.time)}) {as_of.block_hash}",
        f"result {answer.manifest.result_sha256} · payments are facts of the chain; which of the "
        "money is traced is an inference under the policy named",
    )
    for i, line in enumerate(lines):
        axes.text(left + 0.3, highest + 1.15 + 0.17 * i, line, fontsize=6.5, ha="left",
                  va="center", color="#555555")  # fmt: skip
