"""The flow as a picture for a report: PNG or SVG, left to right, wider lines for more money.

Colours come from a palette that people with common colour blindness can tell apart, and no
meaning rests on colour alone: letters, shapes and labels say the same. What kind of statement
something is can be seen, too: a line is drawn through where every policy says the same, dashed
where a rule joined the addresses of an end, and dotted where the policy decides the share; boxes
of joined addresses have dashed borders, and those that a source names have heavy ones. The picture
states the policy, its limits, what is left out, the state of the chain and the hash of the answer,
because pictures travel alone. The same answer gives the same file.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path as Curve

from arien_flows.amounts import Asset
from arien_flows.shapes import shown_time
from arien_flows.tracing.answer import TraceAnswer
from arien_flows.tracing.graph_answer import Graph, GraphEdge, GraphNode
from arien_flows.tracing.graph_text import shortened
from arien_flows.tracing.page_layout import (
    LABEL_SIZE,
    LETTER_ROOM,
    REASON_SIZE,
    Layout,
    Point,
    arranged,
    end_words,
    fitted,
    text_width,
    wrapped,
)

PICTURE_NODES = 60
"""Nodes that a page still shows legibly."""


@dataclass(frozen=True, slots=True)
class _Style:
    name: str
    letter: str
    fill: str
    text: str = "#1a1a1a"


_STYLES = {
    "source": _Style("source", "S", "#d55e00", "#ffffff"),
    "address": _Style("address", "A", "#ffffff"),
    "coin": _Style("coin", "C", "#ffffff"),
    "entity": _Style("entity (several addresses, joined by a rule)", "E", "#cfe3f2"),
    "service": _Style("service (named by a source)", "$", "#0072b2", "#ffffff"),
    "mixer": _Style("mixer (named by a source)", "M", "#cc79a7"),
    "bridge": _Style("bridge (named by a source)", "B", "#009e73", "#ffffff"),
    "coinjoin": _Style("CoinJoin", "J", "#f0e442"),
    "transaction": _Style("transaction", "", "#4d4d4d"),
    "chain": _Style("transactions in a row", "R", "#e69f00"),
    "fold": _Style("smaller branches, folded", "+", "#d9d9d9"),
    "small": _Style("too small to follow", "<", "#ededed"),
    "destroyed": _Style("unspendable", "X", "#bdbdbd"),
    "outside": _Style("outside the ledger", "?", "#ededed"),
}
"""After Okabe and Ito (2008)."""

_LINES = {
    "line:solid": "the same by every policy",
    "line:dashed": "inference: an end is a joined entity",
    "line:dotted": "share that the policy decides",
    "line:width": "width: amount",
}
"""What lines mean, by name in the legend."""

_DASHES: dict[str, Any] = {
    "line:solid": "-",
    "line:dashed": (0, (6, 3)),
    "line:dotted": (0, (1.2, 2.2)),
}

_LEGEND_CERTAINTY = {
    "entity": "inference",
    "coinjoin": "inference",
    "service": "attribution",
    "mixer": "attribution",
    "bridge": "attribution",
}

_REACHED = ("service", "mixer", "bridge")
_SUMMED = ("fold", "small", "outside")
_LETTER_SIZE = 6.5

_MARGIN = 0.3
_LEAST_WIDTH = 11.0
_LEAST_REASON = 0.4
"""Inches that a reason beside an amount is left."""

_TYPE_WIDTH = 13.0
"""Width of a page, in inches, up to which title, legend and footer keep their size of type; on
wider pages they grow along, so that they stay legible when the page is printed."""

_GREY = "#555555"
_EDGE_AMOUNTS = 24
"""Lines, the widest first, that may carry their date and amount."""

_EDGE_SIZE = 7.0
_STEPS = 48
"""Into which a curve is cut to see what is in its way."""

_BACKING = {"facecolor": "#ffffff", "alpha": 0.8, "linewidth": 0, "pad": 0.6}

Box = tuple[float, float, float, float]
"""Left, top, right and bottom."""


@dataclass(frozen=True, slots=True)
class Measures:
    """How the amounts of a picture are written and compared."""

    asset_of: Callable[[GraphNode | GraphEdge], Asset]
    weight_of: Callable[[GraphEdge], int]
    """How wide an edge is beside others."""

    terms: tuple[str, ...] = ()
    """Sums that stand below the title beside those of the answer's totals."""

    looked_at: str = "transactions"
    """What the manifest counts as explored."""


def draw(graph: Graph, answer: TraceAnswer, path: Path, measures: Measures | None = None) -> None:
    """Write the picture of a graph; the file's suffix decides: `.png` or `.svg`.

    Without `measures` all amounts are of the answer's asset.
    """
    asset = _asset(answer)
    one = Measures(asset_of=lambda _: asset, weight_of=lambda edge: int(edge.amount))
    figure = _figure(graph, answer, measures or one)
    # Without these, files of equal content differ: a date, and random ids.
    metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": answer.manifest.result_sha256, "svg.fonttype": "path"}):
        figure.savefig(path, dpi=150, metadata=metadata)


def _figure(graph: Graph, answer: TraceAnswer, measures: Measures) -> Figure:
    amounts = {node.id: amount_text(node.amount, measures.asset_of(node)) for node in graph.nodes}
    layout = arranged(graph, amounts, measures.weight_of)
    content = layout.right - layout.left + 2 * _MARGIN
    width = max(content, _LEAST_WIDTH)
    kinds = [kind for kind in _STYLES if any(node.kind == kind for node in graph.nodes)]
    unit = max(width / _TYPE_WIDTH, 1.0)
    room = width - 2 * _MARGIN
    head = _title_lines(answer, unit, room, measures.terms)
    entries = _legend_rows(kinds, unit, room)
    foot = _footer_lines(answer, unit, room, measures.looked_at)
    above = (0.35 + 0.3 * len(head[0]) + 0.2 * len(head[1])) * unit + 0.2
    below = 0.3 + (0.3 + 0.24 * len(entries) + 0.17 * len(foot)) * unit
    height = layout.bottom - layout.top + above + below
    figure = Figure(figsize=(width, height), facecolor="#ffffff")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    left = (layout.left + layout.right - width) / 2
    axes.set_xlim(left, left + width)
    axes.set_ylim(layout.bottom + below, layout.top - above)
    by_id = {node.id: node for node in graph.nodes}
    for edge, points, line_width in layout.routes:
        _draw_edge(axes, edge, by_id[edge.target].kind, points, line_width)
    for node in graph.nodes:
        _draw_node(axes, node, layout, amounts[node.id])
    _draw_amounts(axes, graph, layout, amounts, measures)
    _draw_head(axes, head, (left + _MARGIN, layout.top - above), unit)
    at = (left + _MARGIN, layout.bottom + 0.3 + 0.15 * unit)
    _draw_legend(axes, entries, at, unit)
    _draw_footer(axes, foot, (at[0], at[1] + 0.24 * len(entries) * unit + 0.05 * unit), unit)
    return figure


def _write(axes: Any, place: Point, text: str, size: float, **how: Any) -> None:
    """Write a line of text; what a tag or an address says is never read as mathematics."""
    how = {"ha": "left", "va": "center", "zorder": 4, "color": "#333333"} | how
    axes.text(*place, text, fontsize=size, parse_math=False, **how)


def _draw_edge(
    axes: Any, edge: GraphEdge, end_kind: str, points: tuple[Point, ...], line_width: float
) -> None:
    """Draw a band as wide as the amount, and in it the line that says what it rests on."""
    curve = Curve(points, [Curve.MOVETO] + [Curve.CURVE4] * (len(points) - 1))
    color = _STYLES[end_kind].fill if end_kind in _REACHED else "#7f8c8d"
    axes.add_patch(
        PathPatch(
            curve, facecolor="none", edgecolor=color, alpha=0.42, linewidth=line_width,
            capstyle="butt", zorder=1,
        )
    )  # fmt: skip
    axes.add_patch(
        PathPatch(
            curve, facecolor="none", edgecolor="#333333", linewidth=0.7,
            linestyle=_DASHES[line_style(edge)], capstyle="butt", zorder=1.5,
        )
    )  # fmt: skip
    if end_kind != "transaction":
        x, y = points[-1]
        head = [(x - 0.09, y - 0.04), (x - 0.09, y + 0.04), (x, y)]
        axes.add_patch(Polygon(head, facecolor="#333333", linewidth=0, zorder=2.5))


def line_style(edge: GraphEdge) -> str:
    """Return the name of the line that says what kind of statement an edge is."""
    if edge.depends_on_policy:
        return "line:dotted"
    return "line:dashed" if edge.certainty == "inference" else "line:solid"


def _border(kind: str, certainty: str) -> dict[str, Any]:
    """Return how the border of a box is drawn."""
    if kind in _SUMMED:
        return {"linewidth": 0.8, "linestyle": ":"}
    width = 1.8 if kind == "source" or certainty == "attribution" else 0.8
    return {"linewidth": width, "linestyle": (0, (4, 2)) if certainty == "inference" else "-"}


def _draw_node(axes: Any, node: GraphNode, layout: Layout, amount: str) -> None:
    x, y = layout.places[node.id]
    style = _STYLES[node.kind]
    if node.kind == "transaction":
        axes.plot([x], [y], marker="D", markersize=6, color=style.fill, zorder=3)
        if node.time is not None:
            _write(axes, (x, y - 0.1), node.time.strftime("%Y-%m-%d"), 6.5, ha="center",
                   va="bottom", bbox=_BACKING)  # fmt: skip
        return
    width, height = layout.box_width, layout.form.height
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.07",
            facecolor=style.fill,
            edgecolor="#333333",
            zorder=2,
            **_border(node.kind, node.certainty),
        )
    )
    corner = (x - width / 2 + 0.05, y - height / 2 + 0.075)
    _write(axes, corner, style.letter, _LETTER_SIZE, color=style.text, fontweight="bold")
    _draw_words(axes, node, layout, amount)


def _draw_words(axes: Any, node: GraphNode, layout: Layout, amount: str) -> None:
    """Write label, amount and reasons into a box."""
    x, y = layout.places[node.id]
    form, room, color = layout.form, layout.box_width - 0.12, _STYLES[node.kind].text
    ends = end_words(node)
    lines = fitted(node.label, LABEL_SIZE, room - LETTER_ROOM, form.label_lines)
    beside = form.is_low and ends
    count = len(lines) + (2 if ends and not form.is_low else 1)
    pitch = min(0.165, (form.height - 0.04) / count)
    at = [y + (i - (count - 1) / 2) * pitch for i in range(count)]
    for line, line_y in zip(lines, at, strict=False):
        _write(axes, (x, line_y), line, LABEL_SIZE, ha="center", color=color)
    if not beside:
        _write(axes, (x, at[len(lines)]), amount, _fitting_size(amount, room), ha="center",
               color=color, fontweight="bold")  # fmt: skip
        for line in fitted(ends, REASON_SIZE, room):
            _write(axes, (x, at[-1]), line, REASON_SIZE, ha="center", color=color, style="italic")
        return
    size = _fitting_size(amount, room - _LEAST_REASON)
    taken = text_width(amount, size, bold=True) + 0.1
    (reason,) = fitted(ends, REASON_SIZE, room - taken)
    start = x - (taken + text_width(reason, REASON_SIZE)) / 2
    _write(axes, (start, at[-1]), amount, size, color=color, fontweight="bold")
    _write(axes, (start + taken, at[-1]), reason, REASON_SIZE, color=color, style="italic")


def _fitting_size(amount: str, room: float) -> float:
    """Return the size at which an amount fits: it may have 18 places, and none is left out."""
    return LABEL_SIZE * min(1.0, room / text_width(amount, LABEL_SIZE, bold=True))


def _draw_amounts(
    axes: Any, graph: Graph, layout: Layout, amounts: dict[str, str], measures: Measures
) -> None:
    """Write amounts on wide lines, where no box says the same and nothing else is in the way."""
    kinds = {node.id: node.kind for node in graph.nodes}
    taken = [_extent(layout, node_id, kind) for node_id, kind in kinds.items()]
    lines = [list(_along(points)) for _, points, _ in layout.routes]
    for i, (edge, points, _) in enumerate(layout.routes[:_EDGE_AMOUNTS]):
        text = amount_text(edge.amount, measures.asset_of(edge))
        ends = [end for end in (edge.source, edge.target) if kinds[end] != "transaction"]
        text = "" if text in [amounts[end] for end in ends] else text
        if len(ends) == 2 and edge.first_time is not None:
            # Between two holders no transaction is drawn that could carry the date.
            text = f"{edge.first_time:%Y-%m-%d} {text}".rstrip()
        if not text:
            continue
        half = text_width(text, _EDGE_SIZE) / 2 + 0.03
        others = [spot for j, line in enumerate(lines) if j != i for spot in line]
        for x, y in _spots(points):
            box = (x - half, y - 0.075, x + half, y + 0.075)
            if box[0] < layout.left or box[2] > layout.right:
                continue
            if any(_overlap(box, other) for other in taken):
                continue
            if any(box[0] < at[0] < box[2] and box[1] < at[1] < box[3] for at in others):
                continue
            taken.append(box)
            _write(axes, (x, y), text, _EDGE_SIZE, ha="center", zorder=3, bbox=_BACKING)
            break


def _extent(layout: Layout, node_id: str, kind: str) -> Box:
    x, y = layout.places[node_id]
    if kind == "transaction":
        return x - 0.3, y - 0.25, x + 0.3, y + 0.08
    half, high = layout.box_width / 2, layout.form.height / 2
    return x - half, y - high, x + half, y + high


def _overlap(one: Box, other: Box) -> bool:
    return (
        one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    )  # fmt: skip


def _spots(points: tuple[Point, ...]) -> Iterator[Point]:
    """Yield places on the last curve of a line, then on its first, the middle of each first."""
    for curve in (points[-4:], points[:4]):
        for t in (0.5, 0.6, 0.4, 0.7, 0.3, 0.8, 0.2):
            yield _at(curve, t)


def _along(points: tuple[Point, ...]) -> Iterator[Point]:
    for first in range(0, len(points) - 1, 3):
        for step in range(_STEPS + 1):
            yield _at(points[first : first + 4], step / _STEPS)


def _at(curve: tuple[Point, ...], t: float) -> Point:
    """Return the point of a cubic curve at `t` of its way."""
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    return (
        sum(w * x for w, (x, _) in zip(weights, curve, strict=True)),
        sum(w * y for w, (_, y) in zip(weights, curve, strict=True)),
    )


def amount_text(base_units: str, asset: Asset) -> str:
    """Return an amount in whole coins, exactly, without zeros that say nothing."""
    whole, rest = divmod(int(base_units), 10**asset.decimals)
    decimals = f"{rest:0{asset.decimals}d}".rstrip("0") if asset.decimals else ""
    return f"{whole:,}{'.' + decimals if decimals else ''} {asset.name}"


def _title_lines(
    answer: TraceAnswer, unit: float, room: float, more: tuple[str, ...]
) -> tuple[list[str], list[str]]:
    """Return the lines of the title and those of the sums below it."""
    request, totals, asset = answer.request, answer.totals, _asset(answer)
    way = "where the money went" if request.direction == "forward" else "where it came from"
    named = ", ".join(_source_name(source) for source in request.sources[:3])
    if len(request.sources) > 3:
        named += f" and {len(request.sources) - 3} more"
    title = wrapped(f"{named}: {way}".split(), 13 * unit, room, bold=True)
    source = amount_text(totals.source, asset)
    if request.policy == "poison":
        line = "Policy poison: all money that the source touched, not what it held · source"
        return title, wrapped([*line.split(), source], 9 * unit, room)
    sums = [
        f"{reason.replace('_', ' ')} {amount_text(sat, asset)}"
        for reason, sat in sorted(totals.by_reason.items(), key=lambda item: -int(item[1]))
    ]
    sums.append(f"fees {amount_text(totals.fees, asset)}")
    if totals.destroyed != "0":
        sums.append(f"unspendable {amount_text(totals.destroyed, asset)}")
    # A sum is never torn from its amount.
    terms = [f"Policy {request.policy} · traced {source} = {sums[0]}"]
    terms += [f"+ {term}" for term in sums[1:]]
    terms += more
    return title, wrapped(terms, 9 * unit, room)


def _asset(answer: TraceAnswer) -> Asset:
    return Asset(name=answer.asset, decimals=answer.decimals)


def _source_name(source: str) -> str:
    """Return a source as a person recognises it, `entity:` and `:vout` kept."""
    return ":".join(shortened(part) for part in source.split(":"))


def _draw_head(axes: Any, head: tuple[list[str], list[str]], corner: Point, unit: float) -> None:
    x, y = corner[0], corner[1] + 0.3 * unit
    for line in head[0]:
        _write(axes, (x, y), line, 13 * unit, fontweight="bold", color="#000000")
        y += 0.3 * unit
    for line in head[1]:
        _write(axes, (x, y), line, 9 * unit)
        y += 0.2 * unit


def _legend_rows(kinds: list[str], unit: float, room: float) -> list[list[tuple[str, float]]]:
    """Return the kinds and lines of each row of the legend, with their distances from the left."""
    rows: list[list[tuple[str, float]]] = [[]]
    at = 0.0
    for kind in [*kinds, *_LINES]:
        width = 0.25 * unit + text_width(_meaning(kind), 7.5 * unit)
        if at and at + width > room:
            rows.append([])
            at = 0.0
        rows[-1].append((kind, at))
        at += width + 0.25 * unit
    return rows


def _draw_legend(
    axes: Any, rows: list[list[tuple[str, float]]], corner: Point, unit: float
) -> None:
    for i, row in enumerate(rows):
        y = corner[1] + 0.24 * unit * i
        for kind, distance in row:
            x = corner[0] + distance
            _draw_sample(axes, kind, (x, y), unit)
            _write(axes, (x + 0.25 * unit, y), _meaning(kind), 7.5 * unit)


def _meaning(kind: str) -> str:
    """Return what an entry of the legend says."""
    return _LINES[kind] if kind in _LINES else _STYLES[kind].name


def _draw_sample(axes: Any, kind: str, place: Point, unit: float) -> None:
    x, y = place
    if kind in _DASHES:
        axes.plot([x - 0.04 * unit, x + 0.2 * unit], [y, y], linewidth=0.9 * unit,
                  color="#333333", linestyle=_DASHES[kind])  # fmt: skip
    elif kind in _LINES:
        axes.plot([x, x + 0.18 * unit], [y, y], linewidth=4 * unit, color="#7f8c8d", alpha=0.55)
    elif kind == "transaction":
        axes.plot([x + 0.09 * unit], [y], marker="D", markersize=5 * unit,
                  color=_STYLES[kind].fill)  # fmt: skip
    else:
        axes.add_patch(
            FancyBboxPatch(
                (x, y - 0.07 * unit),
                0.18 * unit,
                0.14 * unit,
                facecolor=_STYLES[kind].fill,
                edgecolor="#333333",
                boxstyle=f"round,pad=0,rounding_size={0.03 * unit}",
                **_border(kind, _LEGEND_CERTAINTY.get(kind, "fact")),
            )
        )
        middle = (x + 0.09 * unit, y)
        _write(axes, middle, _STYLES[kind].letter, 6 * unit, ha="center",
               color=_STYLES[kind].text, fontweight="bold")  # fmt: skip


def _footer_lines(answer: TraceAnswer, unit: float, room: float, looked_at: str) -> list[str]:
    """Return how far the money was followed, what is left out, and what all rests on."""
    as_of, request = answer.as_of, answer.request
    method = (
        f"Method: {request.policy}, {request.direction}, at most {request.max_hops:,} hops, "
        f"amounts from {amount_text(request.min_value, _asset(answer))}, "
        f"{answer.manifest.transactions_explored:,} {looked_at} looked at. Payments are facts of "
        "the chain; which of the money is traced is an inference under the policy named."
    )
    cuts = [
        f"{cut.reason.replace('_', ' ')} ({cut.detail})" if cut.detail else cut.reason
        for cut in answer.truncations
    ]
    left_out = f"Left out: {'; '.join(cuts)}." if cuts else "No path was cut by a limit."
    state = (
        f"{as_of.network} up to block {as_of.height:,} ({shown_time(as_of.time)}) "
        f"{as_of.block_hash} · result {answer.manifest.result_sha256}"
    )
    size = 6.5 * unit
    return [
        line for text in (method, left_out, state) for line in wrapped(text.split(), size, room)
    ]


def _draw_footer(axes: Any, lines: list[str], corner: Point, unit: float) -> None:
    for i, line in enumerate(lines):
        _write(axes, (corner[0], corner[1] + 0.17 * unit * i), line, 6.5 * unit, color=_GREY)
