"""The charts of a batch: exposure, risk, when money came to where it ended, and at whom.

Each is written as PNG and as SVG, the same bytes for the same answers. What nobody is known for,
and what has no score, has a bar of its own, hatched: a chart without it would show a part as the
whole. Shares are of exact sums; heights are for the eye, and the amounts stand in the tables.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from arien_flows.amounts import Asset, bare_amount, counted
from arien_flows.batch.chart_sums import AT_SERVICES, ChartSums, Part
from arien_flows.batch.results import RunFacts
from arien_flows.reports.chart_style import (
    EDGE,
    FILLS,
    UNKNOWN_FILL,
    UNKNOWN_HATCH,
    bare_axes,
    drawable,
    save_figure,
    titled,
)

MOST_BARS = 14
MOST_REASONS = 7
_MOST_TICKS = 18
_SIDES = (("in", "came in", FILLS[0], ""), ("out", "went out", FILLS[3], ".."))
_BIN = 5
"""Points of a score that one bar covers."""

_LONGEST_NAME = 34
_LONGEST_ASSET = 12


def draw_charts(sums: ChartSums, facts: RunFacts, folder: Path) -> tuple[Path, ...]:
    """Write every chart that there is something to show in; return the files, by name."""
    drawn: list[tuple[str, Callable[[], Figure]]] = []
    for asset in sorted(sums.exposures):
        drawn.append((f"exposure-{_plain(asset)}", _later(_exposure, sums, facts, asset)))
    if sums.rows:
        drawn.append(("risk", lambda: _risk(sums, facts)))
    for asset in sorted(sums.ends):
        drawn.append((f"timeline-{_plain(asset)}", _later(_timeline, sums, facts, asset)))
    for asset in sorted(sums.services):
        drawn.append((f"services-{_plain(asset)}", _later(_services, sums, facts, asset)))
    written = []
    used: Counter[str] = Counter()
    for plain, make in drawn:
        used[plain] += 1
        name = plain if used[plain] == 1 else f"{plain}-{used[plain]}"
        for suffix in (".png", ".svg"):
            path = folder / f"{name}{suffix}"
            save_figure(make, path, f"{facts.run_id} {name}")
            written.append(path)
    return tuple(sorted(written))


def _later(
    draw: Callable[[ChartSums, RunFacts, str], Figure],
    sums: ChartSums,
    facts: RunFacts,
    asset: str,
) -> Callable[[], Figure]:
    return lambda: draw(sums, facts, asset)


def _plain(asset: str) -> str:
    """Return the name of an asset as a part of a file's name: tokens choose their own."""
    kept = "".join(letter for letter in asset.lower() if letter.isascii() and letter.isalnum())
    return kept[:20] or asset.encode().hex()[:20]


def _exposure(sums: ChartSums, facts: RunFacts, asset: str) -> Figure:
    sides = sums.exposures[asset]
    totals = {side: sum(parts.values()) for side, parts in sides.items()}
    everything: Counter[Part] = Counter()
    for parts in sides.values():
        everything.update(parts)
    known = _largest([part for part in everything if part[1]], everything)
    unknown = _largest([part for part in everything if not part[1]], everything)
    bars = [*known[: MOST_BARS - 1], *unknown[:MOST_BARS]]
    rest = [part for part in everything if part not in bars]
    labels = [_label(part) for part in bars] + ["all others"] * bool(rest)
    figure = Figure(figsize=(11.0, 2.05 + 0.42 * max(len(labels), 4)), facecolor="#ffffff")
    axes = figure.add_axes(_box(figure, left=0.27))
    widest = 1.0
    for offset, (side, told, color, hatch) in zip((-0.2, 0.2), _SIDES, strict=True):
        parts = sides.get(side, Counter())
        total = totals.get(side, 0)
        sums_ = [parts[part] for part in bars] + [sum(parts[part] for part in rest)] * bool(rest)
        shares = [100 * value / total if total else 0.0 for value in sums_]
        widest = max(widest, *shares)
        is_known = [part[1] for part in bars] + [any(part[1] for part in rest)] * bool(rest)
        drawn = axes.barh(
            [place + offset for place in range(len(labels))],
            shares,
            height=0.36,
            color=[color if each else UNKNOWN_FILL for each in is_known],
            edgecolor=[EDGE if each else color for each in is_known],
            linewidth=0.8,
            label=f"{told}: {_amount(total, asset, sums)}",
        )
        for bar, each in zip(drawn, is_known, strict=True):
            bar.set_hatch(hatch if each else UNKNOWN_HATCH)
        for place, (share, value) in enumerate(zip(shares, sums_, strict=True)):
            if value:
                text = f"{share:.1f} %" if share >= 0.1 else "under 0.1 %"
                axes.text(share, place + offset, f" {text}", va="center", fontsize=7)
    _name_bars(axes, labels)
    axes.set_xlim(0, min(widest * 1.12, 112))
    axes.set_xlabel(f"percent of all {_named(asset)} that came in, and that went out", fontsize=8)
    bare_axes(axes, grid="x")
    _legend(axes)
    count = len(sums.entities[asset])
    whose = counted(count, "entity", "entities")
    titled(figure, f"Exposure of {whose}, {_named(asset)}", [
        "Hatched and not filled: nobody is known. That is not clean, it is not known.",
        "Names and categories are attributions; amounts are inferences. Each entity counts once.",
        *_basis(facts),
    ])  # fmt: skip
    return figure


def _risk(sums: ChartSums, facts: RunFacts) -> Figure:
    figure = Figure(figsize=(11.0, 5.0), facecolor="#ffffff")
    left = figure.add_axes((0.07, 0.28, 0.42, 0.56))
    counts = Counter(score // _BIN for score in sums.scores.elements())
    places = range(100 // _BIN)
    left.bar(
        [_BIN * (place + 0.5) for place in places],
        [counts[place] for place in places],
        width=0.9 * _BIN,
        color=FILLS[0],
        edgecolor=EDGE,
        linewidth=0.6,
    )
    left.set_xlim(0, 100)
    left.set_xlabel("score", fontsize=8)
    left.set_ylabel("rows", fontsize=8)
    right = figure.add_axes((0.63, 0.28, 0.34, 0.56))
    bands = sorted(sums.bands, key=lambda band: (sums.lowest_of_band[band], band))
    # A score that too little is known for is none of the bands, whatever it is.
    bands = ["undetermined", *(band for band in bands if band != "undetermined")]
    names = ["not scored", *(band.replace("_", " ") for band in bands)]
    values = [sums.not_scored, *(sums.bands[band] for band in bands)]
    drawn = right.barh(range(len(names)), values, height=0.62, edgecolor=EDGE, linewidth=0.8)
    for place, bar in enumerate(drawn):
        bar.set_facecolor(UNKNOWN_FILL if place < 2 else FILLS[(0, 1, 3, 5)[min(place - 2, 3)]])
        bar.set_hatch((UNKNOWN_HATCH, "....")[place] if place < 2 else "")
        right.text(values[place], place, f" {values[place]:,}", va="center", fontsize=8)
    _name_bars(right, names, upside_down=False)
    right.set_xlim(0, max(*values, 1) * 1.2)
    right.set_xlabel("rows", fontsize=8)
    for axes, along in ((left, "y"), (right, "x")):
        axes.tick_params(axis="both", labelsize=8)
        bare_axes(axes, grid="y" if along == "y" else "x")
    left.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    right.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    scored = sums.rows - sums.not_scored
    titled(figure, f"Risk of {sums.rows:,} rows: {scored:,} with a score", [
        "Advice by a policy, never a finding. Undetermined: the score is low, and of too much of "
        "the money nobody is known. Rows that ask the same count once.",
        *_basis(facts),
    ])  # fmt: skip
    return figure


def _timeline(sums: ChartSums, facts: RunFacts, asset: str) -> Figure:
    months = sums.ends[asset]
    at = _calendar(min(months), max(months))
    totals: Counter[str] = Counter()
    for by_reason in months.values():
        totals.update(by_reason)
    # Those that name somebody have a bar of their own, however small.
    reasons = sorted(
        totals, key=lambda reason: (reason not in AT_SERVICES, -totals[reason], reason)
    )
    kept, rest = reasons[:MOST_REASONS], reasons[MOST_REASONS:]
    scale = 10 ** sums.decimals[asset]
    figure = Figure(figsize=(11.0, 5.2), facecolor="#ffffff")
    axes = figure.add_axes((0.09, 0.29, 0.89, 0.52))
    below = [0] * len(at)
    for number, reason in enumerate([*kept, *(["all others"] * bool(rest))]):
        named = rest if number == len(kept) else [reason]
        values = [
            sum(months[month][each] for each in named) if month in months else 0 for month in at
        ]
        axes.bar(
            range(len(at)),
            [value / scale for value in values],
            bottom=[under / scale for under in below],
            width=0.8,
            color=FILLS[number],
            hatch=("", "//", "..", "xx", "\\\\", "++", "oo", "--")[number],
            edgecolor=EDGE,
            linewidth=0.6,
            label=reason.replace("_", " "),
        )
        below = [under + value for under, value in zip(below, values, strict=True)]
    step = max(1, -(-len(at) // _MOST_TICKS))
    places = list(range(0, len(at), step))
    axes.set_xlim(-0.8, len(at) - 0.2)
    axes.set_xticks(places, [at[place] for place in places], rotation=35, ha="right", fontsize=8)
    axes.set_ylabel(f"{_named(asset)} per month", fontsize=9)
    axes.tick_params(axis="y", labelsize=8)
    bare_axes(axes, grid="y")
    _legend(axes)
    titled(figure, f"When traced {_named(asset)} came to where it ended", [
        "Traced forward; an inference. UTC, header times as miners stated them. Money that passed "
        "several of the addresses counts for each of them.",
        *_basis(facts),
    ])  # fmt: skip
    return figure


def _services(sums: ChartSums, facts: RunFacts, asset: str) -> Figure:
    found = sums.services[asset]
    names = sorted(found, key=lambda name: (-found[name], name))
    kept, rest = names[:MOST_BARS], names[MOST_BARS:]
    values = [found[name] for name in kept] + [sum(found[name] for name in rest)] * bool(rest)
    labels = [drawable(name, _LONGEST_NAME) for name in kept] + [f"{len(rest):,} others"] * bool(
        rest
    )
    figure = Figure(figsize=(11.0, 2.05 + 0.32 * max(len(labels), 4)), facecolor="#ffffff")
    axes = figure.add_axes(_box(figure, left=0.27))
    scale = 10 ** sums.decimals[asset]
    drawn = axes.barh(
        range(len(labels)),
        [value / scale for value in values],
        height=0.66,
        color=FILLS[2],
        edgecolor=EDGE,
        linewidth=0.6,
    )
    if rest:
        drawn[-1].set_facecolor("#d9d9d9")
    for place, value in enumerate(values):
        axes.text(value / scale, place, f" {_amount(value, asset, sums)}", va="center", fontsize=7)
    _name_bars(axes, labels)
    axes.set_xlim(0, max(max(values) / scale * 1.22, 1e-9))
    axes.set_xlabel(_named(asset), fontsize=8)
    bare_axes(axes, grid="x")
    titled(figure, f"Services that traced {_named(asset)} reached", [
        "Traced forward; the amounts are inferences, the names attributions. Money that passed "
        "several of the addresses counts for each of them.",
        *_basis(facts),
    ])  # fmt: skip
    return figure


def _largest(parts: Sequence[Part], sums: Counter[Part]) -> list[Part]:
    return sorted(parts, key=lambda part: (-sums[part], part))


def _label(part: Part) -> str:
    name = part[0].replace("_", " ") + ("" if part[1] else " (not known)")
    return drawable(name, _LONGEST_NAME)


def _amount(value: int, asset: str, sums: ChartSums) -> str:
    known = Asset(name=asset, decimals=sums.decimals[asset])
    return f"{bare_amount(value, known)} {_named(asset)}"


def _named(asset: str) -> str:
    return drawable(asset, _LONGEST_ASSET)


def _calendar(first: str, last: str) -> list[str]:
    """Return all months from the first to the last."""
    begin, end = (12 * int(month[:4]) + int(month[5:]) - 1 for month in (first, last))
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(begin, end + 1)]


def _box(figure: Figure, *, left: float) -> tuple[float, float, float, float]:
    """Return the place of axes with as much room for text above and below on every figure."""
    height = figure.get_figheight()
    return left, 1.3 / height, 0.97 - left, (height - 1.3 - 0.75) / height


def _name_bars(axes: Any, names: Sequence[str], *, upside_down: bool = True) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=8)
    if upside_down:
        axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0)


def _legend(axes: Any) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, fontsize=8, frameon=False)


def _basis(facts: RunFacts) -> list[str]:
    return [" · ".join(facts.as_of), f"Run {facts.run_id} · input SHA-256 {facts.input_sha256}"]
