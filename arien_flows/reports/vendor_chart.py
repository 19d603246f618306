"""Revenue of a vendor's wallet by month, as a chart for a report: PNG or SVG.

Bars are stacked by source and market, the same in every month. What counts as revenue is filled;
what was received beside stands hatched on top, so that the chart can be read on a black-and-white
print and nobody takes one for the other. Months without receipts keep their place.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from arien_flows.answers.vendor_shapes import RevenueMonth, VendorProfile
from arien_flows.errors import InputError
from arien_flows.reports.chart_style import FILLS, bare_axes, save_figure
from arien_flows.shapes import shown_time
from arien_flows.tracing.graph_text import shortened

_HATCHES = ("", "//", "..", "xx", "\\\\", "++", "oo", "--")
_BESIDE = "#ffffff"
_BESIDE_HATCHES = ("\\\\\\\\", "---", "oo", "**")
_MOST_PARTS = 7
"""Markets and sources with a colour of their own; the rest is told together."""

_MOST_TICKS = 18
_REST = "other markets"

Part = tuple[str, str]
"""Source and market, as they stand in the legend."""


def chart_path(path: Path) -> Path:
    """Return the path; `InputError` unless its suffix says what to draw."""
    if path.suffix not in (".png", ".svg"):
        raise InputError(f"{path.name} ends in neither .png nor .svg")
    return path


def draw_revenue(answer: VendorProfile, path: Path) -> None:
    """Write the chart; the file's suffix decides: `.png` or `.svg`."""
    salt = f"{answer.wallets.entity} {answer.as_of.block_hash}"
    save_figure(lambda: _figure(answer), path, salt)


def _figure(answer: VendorProfile) -> Figure:
    figure = Figure(figsize=(11.0, 5.8), facecolor="#ffffff")
    axes = figure.add_axes((0.09, 0.26, 0.89, 0.54))
    months = answer.revenue.months
    earned = _parts([each for each in months if each.is_revenue])
    beside = _parts([each for each in months if not each.is_revenue])
    at = _calendar(months)
    below = dict.fromkeys(at, 0)
    scale = 10**answer.decimals
    for number, (part, sums) in enumerate([*earned.items(), *beside.items()]):
        counts = part in earned
        shown = [sums.get(month, 0) for month in at]
        # Heights are for the eye; the exact amounts stand in the answer.
        axes.bar(
            range(len(at)),
            [amount / scale for amount in shown],
            bottom=[below[month] / scale for month in at],
            width=0.8,
            color=FILLS[number % len(FILLS)] if counts else _BESIDE,
            hatch=_hatch(number, len(earned)),
            edgecolor="#333333",
            linewidth=0.6,
            label=" ".join(part) if counts else f"{part[0]} (not revenue)",
        )
        for month, amount in zip(at, shown, strict=True):
            below[month] += amount
    _set_axes(axes, answer, at)
    _write_frame(figure, answer)
    return figure


def _hatch(number: int, earned: int) -> str:
    """Return the hatching of a part, given how many parts are earned and stand before."""
    if number < earned:
        return _HATCHES[number % len(_HATCHES)]
    return _BESIDE_HATCHES[(number - earned) % len(_BESIDE_HATCHES)]


def _parts(months: Sequence[RevenueMonth]) -> dict[Part, dict[str, int]]:
    """Return sums by month of each source and market, the largest first."""
    totals: dict[Part, int] = {}
    for each in months:
        part = (each.source.replace("_", " "), each.market or "")
        totals[part] = totals.get(part, 0) + int(each.value)
    kept = sorted(totals, key=lambda part: (-totals[part], part))[:_MOST_PARTS]
    sums: dict[Part, dict[str, int]] = {part: {} for part in kept}
    for each in months:
        part = (each.source.replace("_", " "), each.market or "")
        mine = sums.setdefault(part if part in kept else (_REST, ""), {})
        mine[each.month] = mine.get(each.month, 0) + int(each.value)
    return sums


def _calendar(months: Sequence[RevenueMonth]) -> list[str]:
    """Return all months from the first to the last."""
    if not months:
        return []
    first, last = (_number(pick(each.month for each in months)) for pick in (min, max))
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(first, last + 1)]


def _number(month: str) -> int:
    year, of_year = month.split("-")
    return 12 * int(year) + int(of_year) - 1


def _set_axes(axes: Any, answer: VendorProfile, at: list[str]) -> None:
    axes.set_ylabel(f"{answer.asset} per month", fontsize=9)
    if at:
        step = max(1, -(-len(at) // _MOST_TICKS))
        places = list(range(0, len(at), step))
        axes.set_xlim(-0.8, len(at) - 0.2)
        axes.set_xticks(
            places, [at[place] for place in places], rotation=35, ha="right", fontsize=8
        )
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, fontsize=8, frameon=False)
    else:
        axes.text(0.5, 0.5, "Nothing was received", transform=axes.transAxes, ha="center")
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.tick_params(axis="y", labelsize=8)
    bare_axes(axes, grid="y")


def _write_frame(figure: Figure, answer: VendorProfile) -> None:
    """Write the title and what the chart rests on."""
    wallets, score, as_of = answer.wallets, answer.score, answer.as_of
    linked = f" and {wallets.linked_count:,} linked by escrow key" * (wallets.linked_count > 0)
    title = f"What entity {shortened(wallets.entity)}{linked} received, by month"
    figure.text(0.02, 0.945, title, fontsize=13, weight="bold", parse_math=False)
    cuts = ", ".join(dict.fromkeys(cut.reason.replace("_", " ") for cut in answer.truncations))
    lines = [
        f"Vendor score {score.score} ({score.standing}; {score.policy} {score.policy_sha256[:16]}) "
        "· an inference; names of markets are attribution",
        "Change, moves inside and CoinJoins are not counted · UTC, header times as miners stated "
        "them",
        f"{as_of.network} up to block {as_of.height:,} ({shown_time(as_of.time)}) · entities "
        f"{wallets.clustering} · tags {answer.tags_revision[:16]}",
        f"Left out or cut: {cuts}" if cuts else "Nothing was left out",
    ]
    for i, text in enumerate(lines):
        figure.text(0.02, 0.115 - 0.032 * i, text, fontsize=7, color="#555555", parse_math=False)
