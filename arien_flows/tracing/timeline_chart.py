"""The timeline of a trace as a chart for a report: PNG or SVG.

Bars are stacked by where the money ended, the same in every bar. Each kind of end has a colour
and a hatching of its own, so that the chart can be read on a black-and-white print. Every bar
has its place in the time that the calendar gives it, so that gaps are seen as gaps.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from arien_flows.shapes import shown_time
from arien_flows.tracing.answer import TraceAnswer
from arien_flows.tracing.graph_text import shortened
from arien_flows.tracing.timeline_answer import TimelineSlot

_STYLES: dict[str, tuple[str, str]] = {
    "service_reached": ("#0072b2", ""),
    "mixer": ("#cc79a7", "xx"),
    "bridge": ("#009e73", "++"),
    "coinjoin": ("#f0e442", "oo"),
    "unspent": ("#ffffff", "//"),
    "dormant": ("#ffffff", "\\\\"),
    "newly_mined": ("#e69f00", ""),
    "before_ledger": ("#d9d9d9", ".."),
    "converted": ("#56b4e9", "//"),
    "contract": ("#cccccc", "oo"),
    "exchanged": ("#cccccc", "//"),
    "retainted": ("#d55e00", ""),
    "fees": ("#4d4d4d", ""),
    "destroyed": ("#000000", ""),
}
_LIMIT = ("#d9d9d9", "--")
"""Of ends that a limit of the question made."""

_MOST_TICKS = 16
_FORMATS = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}


def draw_timeline(answer: TraceAnswer, path: Path) -> None:
    """Write the chart; the file's suffix decides: `.png` or `.svg`."""
    metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
    with mpl.rc_context({
        "svg.hashsalt": answer.manifest.result_sha256,
        "svg.fonttype": "path",
        "hatch.linewidth": 0.6,
    }):  # fmt: skip
        _figure(answer).savefig(path, dpi=150, metadata=metadata)


def _figure(answer: TraceAnswer) -> Figure:
    figure = Figure(figsize=(11.0, 5.4), facecolor="#ffffff")
    axes = figure.add_axes((0.09, 0.26, 0.89, 0.58))
    line = answer.timeline
    at = [_number(slot.start, line.unit) for slot in line.slots]
    below = [0] * len(at)
    scale = 10**answer.decimals
    for reason in _reasons(line.slots):
        color, hatch = _STYLES.get(reason, _LIMIT)
        amounts = [int(slot.by_reason.get(reason, "0")) for slot in line.slots]
        # Heights are for the eye; the exact amounts stand in the answer.
        axes.bar(
            at,
            [amount / scale for amount in amounts],
            bottom=[under / scale for under in below],
            width=0.8,
            color=color,
            hatch=hatch,
            edgecolor="#333333",
            linewidth=0.6,
            label=reason.replace("_", " "),
        )
        below = [under + amount for under, amount in zip(below, amounts, strict=True)]
    _set_axes(axes, answer, at)
    _write_frame(figure, answer)
    return figure


def _set_axes(axes: Any, answer: TraceAnswer, at: list[int]) -> None:
    line = answer.timeline
    axes.set_ylabel(f"{answer.asset} per {line.unit}", fontsize=9)
    if at:
        first, last = min(at), max(at)
        step = max(1, -(-(last - first + 1) // _MOST_TICKS))
        ticks = list(range(first, last + 1, step))
        axes.set_xlim(first - 0.8, last + 0.8)
        axes.set_xticks(
            ticks,
            [_start(tick, line.unit).strftime(_FORMATS[line.unit]) for tick in ticks],
            rotation=35,
            ha="right",
            fontsize=8,
        )
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=7, fontsize=8, frameon=False)
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.tick_params(axis="y", labelsize=8)
    axes.grid(axis="y", linewidth=0.4, color="#cccccc")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _write_frame(figure: Figure, answer: TraceAnswer) -> None:
    """Write the title and what the chart rests on."""
    request, as_of = answer.request, answer.as_of
    forward = request.direction == "forward"
    named = ", ".join(
        ":".join(shortened(part) for part in source.split(":")) for source in request.sources[:2]
    )
    more = f" and {len(request.sources) - 2} more" if len(request.sources) > 2 else ""
    verb = "when the money came to where it ended" if forward else "when its money was paid"
    figure.text(0.02, 0.94, f"{named}{more}: {verb}", fontsize=13, weight="bold", parse_math=False)
    cuts = ", ".join(dict.fromkeys(cut.reason.replace("_", " ") for cut in answer.truncations))
    lines = [
        f"Policy {request.policy} (an inference; others give other amounts) · UTC, header times as "
        "miners stated them · a coin counts when the block that pays it was made",
        f"{as_of.network} up to block {as_of.height:,} ({shown_time(as_of.time)}) · "
        f"result {answer.manifest.result_sha256}",
        f"Left out or cut: {cuts}" if cuts else "Nothing was left out",
    ]
    for i, text in enumerate(lines):
        figure.text(0.02, 0.085 - 0.032 * i, text, fontsize=7, color="#555555", parse_math=False)


def _reasons(slots: tuple[TimelineSlot, ...]) -> list[str]:
    """Return the reasons that occur, those that name somebody first."""
    found = {reason for slot in slots for reason in slot.by_reason}
    known = [reason for reason in _STYLES if reason in found]
    return known + sorted(found - set(known))


def _number(start: date, unit: str) -> int:
    """Return the place of a day, month or year on the calendar."""
    if unit == "day":
        return start.toordinal()
    return start.year if unit == "year" else 12 * start.year + start.month - 1


def _start(number: int, unit: str) -> date:
    if unit == "day":
        return date.min + timedelta(days=number - 1)
    return date(number, 1, 1) if unit == "year" else date(number // 12, number % 12 + 1, 1)
