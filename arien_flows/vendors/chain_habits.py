"""Habits: the hours of the day in which somebody is active, and how he gathers his coins.

**Hours.** Two activities are compared by the overlap of their shares by hour of the day (UTC). Even
activities overlap whoever they are of, so the one is also turned around the clock: only where it
fits markedly better as it is (or turned by one hour) than turned otherwise do the hours say
anything.

**Gathering.** A move inside that spends two coins and more gathers. How many coins at a time, and
how many days after the last, are told in steps that double; two stretches of time are alike where
both distributions overlap.
"""

from dataclasses import dataclass

import numpy as np

from chains.types import Int64Array
from heuristics.role_features import DAY_SECONDS, Activity, Sides

HOURS = 24
EVEN_PERCENT = 10
"""Where the best and the worst turn differ by less, the hours are too even to tell anything."""

STEPS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class HourMatch:
    """How two activities overlap by hour of the day."""

    overlap_percent: int
    """Rounded down."""

    best_turn: int
    """By how many hours the second has to be turned to overlap most, -11 to 12; the smallest."""

    is_telling: bool
    """Whether turning matters at all."""


def hour_counts(times: Int64Array) -> Int64Array:
    """Return how many times lie in each hour of the day, UTC."""
    return np.bincount(times % DAY_SECONDS // 3_600, minlength=HOURS).astype(np.int64)


def overlap_percent(one: Int64Array, other: Int64Array) -> int:
    """Return the overlap of two distributions, given by counts, in percent rounded down."""
    left, right = int(one.sum()), int(other.sum())
    if left == 0 or right == 0:
        return 0
    common = sum(
        min(a * right, b * left) for a, b in zip(one.tolist(), other.tolist(), strict=True)
    )
    return int(100 * common // (left * right))


def hours_match(one: Int64Array, other: Int64Array) -> HourMatch:
    """Compare the counts by hour of two activities, neither of them empty."""
    by_turn = {
        turn: overlap_percent(one, np.roll(other, turn))
        for turn in sorted(range(-11, 13), key=lambda turn: (abs(turn), turn))
    }
    best = max(by_turn.values())
    return HourMatch(
        overlap_percent=by_turn[0],
        best_turn=next(turn for turn, value in by_turn.items() if value == best),
        is_telling=best - min(by_turn.values()) >= EVEN_PERCENT,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gatherings:
    """The moves inside that gather coins, in chain order."""

    place: Int64Array
    """Of each transaction in the activity."""

    time: Int64Array
    inputs: Int64Array


def gatherings(activity: Activity, sides: Sides) -> Gatherings:
    """Return the moves inside that spend two coins and more."""
    place = np.flatnonzero(sides.is_inside & (sides.own_inputs >= 2))
    return Gatherings(place=place, time=activity.clock[place], inputs=sides.own_inputs[place])


def same_gathering(one: Gatherings, other: Gatherings) -> int:
    """Return how far two stretches are alike, in percent: the smaller of two overlaps."""
    coins = overlap_percent(_steps(one.inputs), _steps(other.inputs))
    days = overlap_percent(_apart(one.time), _apart(other.time))
    return min(coins, days)


def split_at(found: Gatherings, moment: int) -> tuple[Gatherings, Gatherings]:
    """Return what was gathered before a moment, and from it on."""
    early = found.time < moment

    def part(chosen: Int64Array) -> Gatherings:
        return Gatherings(
            place=found.place[chosen], time=found.time[chosen], inputs=found.inputs[chosen]
        )

    return part(np.flatnonzero(early)), part(np.flatnonzero(~early))


def _apart(times: Int64Array) -> Int64Array:
    """Return counts of the whole days between neighbours, in steps that double."""
    return _steps(np.diff(times) // DAY_SECONDS + 1)


def _steps(numbers: Int64Array) -> Int64Array:
    """Return counts of positive numbers in steps that double."""
    edges = 1 << np.arange(STEPS, dtype=np.int64)
    step = np.searchsorted(edges, numbers, side="right") - 1
    return np.bincount(np.clip(step, 0, STEPS - 1), minlength=STEPS).astype(np.int64)
