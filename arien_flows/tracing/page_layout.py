"""Where everything stands on the page of a flow picture, in inches, y downwards.

Most pictures end up on a sheet of A4 across, scaled to fit. So two forms of box are tried, high and
narrow or low and wide, and the one that prints larger is taken; what room is left over goes
between columns or rows. Lines run around the boxes of holders that they have nothing to do with: a
line behind a box would look as if the money passed through it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from arien_flows.tracing.graph_answer import Graph, GraphEdge, GraphNode
from arien_flows.tracing.layout import GAP

POINTS = 72
"""Of type, per inch."""

LABEL_SIZE = 8.5
LETTER_ROOM = 0.2
"""Of a box's width, for the letter in its corner, on both sides of the label."""

REASON_SIZE = 7.5

WIDEST = 18.0
NARROWEST = 0.7
"""Lines for the largest amount and for none, in points."""

_PAPER_WIDTH, _PAPER_HEIGHT = 11.69, 8.27
_FURNITURE = 0.16
"""Part of the page's height that title, legend and footer take, roughly."""

_PADDING = 0.2
_DATE_WIDTH = 0.5
_CLEARANCE = 0.025
_MOST_COLUMN_STRETCH = 5.0
_MOST_ROW_STRETCH = 1.4

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A shape of the boxes."""

    is_low: bool
    """Amount and reason share a line."""

    least_width: float
    most_width: float
    height: float
    row: float
    """Least distance between the middles of two boxes of a column."""

    label_lines: int
    """Lines that a label may take."""


HIGH = Form(is_low=False, least_width=1.3, most_width=1.6, height=0.66, row=0.78, label_lines=2)
LOW = Form(is_low=True, least_width=1.6, most_width=2.5, height=0.4, row=0.5, label_lines=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where nodes and lines are."""

    form: Form
    box_width: float
    places: dict[str, Point]
    """Middle of each node."""

    routes: tuple[tuple[GraphEdge, tuple[Point, ...], float], ...]
    """Each edge with the points of its cubic curves and its width in points, widest first."""

    left: float
    right: float
    top: float
    bottom: float
    """What the nodes and lines take up."""


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line of text in inches; `size` is in points."""
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / POINTS


def wrapped(words: Iterable[str], size: float, width: float, *, bold: bool = False) -> list[str]:
    """Return lines of words that are at most `width` inches long, if no word is longer."""
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]} {word}" if lines else ""
        if longer and text_width(longer, size, bold=bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def fitted(text: str, size: float, width: float, lines: int = 1) -> list[str]:
    """Return text in at most that many lines, with an ellipsis where it does not fit."""
    found = wrapped(text.split(), size, width)
    found[lines - 1 :] = [" ".join(found[lines - 1 :])] if len(found) >= lines else []
    return [_cut(line, size, width) for line in found]


def _cut(line: str, size: float, width: float) -> str:
    if text_width(line, size) <= width:
        return line
    kept = line
    while kept and text_width(kept + "…", size) > width:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def arranged(
    graph: Graph, amounts: dict[str, str], weight_of: Callable[[GraphEdge], int]
) -> Layout:
    """Return the arrangement that prints largest on A4 across.

    `amounts` are the texts of the nodes' amounts by node, and `weight_of` says how wide an edge is
    beside others.
    """
    drafts = [_draft(graph, form, amounts) for form in (HIGH, LOW)]
    _, form, box_width, across, row = max(drafts, key=lambda draft: draft[0])
    places = {node.id: (across[node.x], node.y * row / GAP) for node in graph.nodes}
    routes = _Router(graph, places, box_width, form.height).routes(weight_of)
    half, high = box_width / 2, form.height / 2
    xs = [x + side * half for x, _ in places.values() for side in (-1, 1)]
    ys = [y + side * high for _, y in places.values() for side in (-1, 1)]
    for _, points, width in routes:
        # A Bezier curve stays inside the hull of its points.
        xs += [x for x, _ in points]
        ys += [y + side * width / POINTS / 2 for _, y in points for side in (-1, 1)]
    return Layout(
        form=form, box_width=box_width, places=places, routes=routes,
        left=min(xs), right=max(xs), top=min(ys), bottom=max(ys),
    )  # fmt: skip


def end_words(node: GraphNode) -> str:
    """Return the reasons for which paths ended at a node, as people read them."""
    return " · ".join(reason.replace("_", " ") for reason in node.ends)


def _draft(
    graph: Graph, form: Form, amounts: dict[str, str]
) -> tuple[float, Form, float, list[float], float]:
    """Return the scale in print, the form, the width of boxes, columns, and distance of rows."""
    box_width = _box_width(graph, form, amounts)
    rows = (max(n.y for n in graph.nodes) - min(n.y for n in graph.nodes)) / GAP
    boxed = {node.x for node in graph.nodes if node.kind != "transaction"}
    columns = max(node.x for node in graph.nodes) + 1
    gaps = [_gap(x in boxed, x + 1 in boxed) for x in range(columns - 1)]
    boxes = len(boxed) * box_width
    height = (rows * form.row + form.height) / (1 - _FURNITURE)
    width = boxes + sum(gaps)
    scale = min(_PAPER_WIDTH / width, _PAPER_HEIGHT / height)
    wanted = height * _PAPER_WIDTH / _PAPER_HEIGHT
    stretch = min(max((wanted - boxes) / max(sum(gaps), 0.1), 1.0), _MOST_COLUMN_STRETCH)
    spread = min(max(width / wanted, 1.0), _MOST_ROW_STRETCH)
    at = 0.0
    across = [at]
    for x, gap in enumerate(gaps):
        at += gap * stretch + sum(box_width / 2 for side in (x, x + 1) if side in boxed)
        across.append(at)
    return scale, form, box_width, across, form.row * spread


def _gap(is_boxed: bool, next_is_boxed: bool) -> float:
    """Return the least room between two neighbouring columns."""
    if is_boxed and next_is_boxed:
        return 0.55
    return 0.42 if is_boxed or next_is_boxed else _DATE_WIDTH + 0.2


def _box_width(graph: Graph, form: Form, amounts: dict[str, str]) -> float:
    widths = []
    for node in graph.nodes:
        if node.kind == "transaction":
            continue
        label = text_width(node.label, LABEL_SIZE) / form.label_lines + LETTER_ROOM
        amount = text_width(amounts[node.id], LABEL_SIZE, bold=True)
        ends = text_width(end_words(node), REASON_SIZE) if node.ends else 0.0
        widths += [label, amount + ends + 0.1] if form.is_low else [label, amount, ends]
    return min(max([*widths, form.least_width]) + _PADDING, form.most_width)


class _Router:
    """Finds ways for the lines, the widest first, each around boxes and earlier lines."""

    def __init__(
        self, graph: Graph, places: dict[str, Point], box_width: float, box_height: float
    ) -> None:
        self.graph, self.places = graph, places
        self.half = box_width / 2
        self.nodes = {node.id: node for node in graph.nodes}
        self.taken: dict[int, list[tuple[float, float]]] = {}
        self.middle: dict[int, float] = {}
        for node in graph.nodes:
            x, y = places[node.id]
            if node.kind != "transaction":
                self.middle[node.x] = x
                span = (y - box_height / 2, y + box_height / 2)
                self.taken.setdefault(node.x, []).append(span)

    def routes(
        self, weight_of: Callable[[GraphEdge], int]
    ) -> tuple[tuple[GraphEdge, tuple[Point, ...], float], ...]:
        most = max(map(weight_of, self.graph.edges), default=1) or 1
        found = []
        for edge in sorted(self.graph.edges, key=lambda e: -weight_of(e)):
            width = NARROWEST + (WIDEST - NARROWEST) * weight_of(edge) / most
            found.append((edge, self._route(edge, width / POINTS), width))
        return tuple(found)

    def _route(self, edge: GraphEdge, width: float) -> tuple[Point, ...]:
        start, end = self.nodes[edge.source], self.nodes[edge.target]
        x0, y0 = self.places[edge.source]
        x1, y1 = self.places[edge.target]
        x0 += 0.0 if start.kind == "transaction" else self.half
        x1 -= 0.0 if end.kind == "transaction" else self.half
        if start.x >= end.x:
            return self._back((x0, y0), (x1, y1), (end.x, start.x), width)
        way = [(x0, y0)]
        for column in range(start.x + 1, end.x):
            if column in self.middle:
                middle = self.middle[column]
                y = self._free((column,), y0 + (y1 - y0) * (middle - x0) / (x1 - x0), width)
                way += [(middle - self.half, y), (middle + self.half, y)]
        way.append((x1, y1))
        return _through(way)

    def _back(
        self, start: Point, end: Point, columns: tuple[int, int], width: float
    ) -> tuple[Point, ...]:
        """Return a way for money that runs back to the left."""
        (x0, y0), (x1, y1) = start, end
        crossed = [x for x in range(columns[0], columns[1] + 1) if x in self.middle]
        y = self._free(crossed, (y0 + y1) / 2, width)
        bend = 0.35
        return (
            (x0, y0), (x0 + bend, y0), (x0 + bend, y), (x0, y),
            (x0, y), (x1, y), (x1, y),
            (x1 - bend, y), (x1 - bend, y1), (x1, y1),
        )  # fmt: skip

    def _free(self, columns: Iterable[int], wanted: float, width: float) -> float:
        """Return and take the height nearest to the wanted one that is free in all columns."""
        columns = tuple(columns)
        room = width / 2 + _CLEARANCE
        spans = sorted(span for column in columns for span in self.taken[column])
        merged: list[tuple[float, float]] = []
        for low, high in spans:
            if merged and low - room < merged[-1][1] + room:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        blocked = [span for span in merged if span[0] - room < wanted < span[1] + room]
        if blocked:
            low, high = blocked[0][0] - room, blocked[0][1] + room
            wanted = low if wanted - low <= high - wanted else high
        for column in columns:
            self.taken[column].append((wanted - width / 2, wanted + width / 2))
        return wanted


def _through(way: list[Point]) -> tuple[Point, ...]:
    """Return cubic curves through all points that are level in each of them."""
    points = [way[0]]
    for (x0, y0), (x1, y1) in pairwise(way):
        middle = (x0 + x1) / 2
        points += [(middle, y0), (middle, y1), (x1, y1)]
    return tuple(points)
