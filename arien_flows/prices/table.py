"""A price table: points in time, each with a price that holds from there on, but not for ever.

**The price in force** at a moment is that of the last point at or before it. Tables of days and
hours label an interval by its beginning, so that this is the point of the day (in UTC) or hour
that contains the moment. Where the column is a closing price, it is the one at which that interval
ended: up to one interval *after* the transaction. The close of the interval before would be known
at the time, and is on average further from what was paid; either is a convention, so every value
names its table, its column and the time of its point, and texts say that it was fixed later
(`fixed`).

**A point ages.** Where rows are missing, the last price before them is used for a while (a day and
a half in a table of days, three hours in one of hours, a week in one of business days, whose
longest regular closures are five days) and then there is none. No price is a gap that the answer
states, never zero.

Prices are decimal numbers as the source wrote them. Nothing here is a float.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from chains.types import Int64Array

CLOSING = ("close", "closing")
AVERAGES = ("weighted", "weightedaverage", "vwap", "average")
"""Words in names of columns whose prices are not fixed before their interval ends."""

VERSION = 1
"""Of the rule above and of the arithmetic of values; raised when a value can change."""

MINUTE = 60
HOUR = 3_600
DAY = 86_400

MOST_BUSINESS_DAYS_APART = 7 * DAY
FIRST_WEEKDAY = 3
"""1970-01-01 was a Thursday; Mondays are 0."""


Fixed = Literal["closing", "average", "day_before", "then"]
"""When a table's prices were fixed: at the end of the interval that contains the payment, all over
it, a day before it, or at the time that stands beside them."""


def fixed(column: str, granularity: str, first_time: int) -> Fixed:
    """Return when the prices of a column were fixed, as its name and its times say it.

    A table of days that gives each day by its last minute, as 23:59:59, has its price used for the
    day after the one that it is of.
    """
    words = set(re.findall(r"[a-z]+", column.casefold()))
    if granularity in ("day", "business_day") and first_time % DAY >= DAY - MINUTE:
        return "day_before"
    if not words.isdisjoint(CLOSING):
        return "closing"
    return "then" if words.isdisjoint(AVERAGES) else "average"


@dataclass(frozen=True, slots=True, kw_only=True)
class Granularity:
    """How far apart the points of a table are, and how long each one is used."""

    name: str
    """`hour`, `day`, `business_day`, or seconds as `900 s`."""

    step: int
    """Seconds between neighbours, where none is missing."""

    max_age: int
    """Seconds for which a point is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOrigin:
    """Who says so, and where it is written."""

    source: str
    licence: str | None
    file: str
    sha256: str
    """Of the file."""

    column: str
    """Which of the file's columns the prices are; "value" in a file that has none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PriceTable:
    """The price of one asset in one currency over time. Equal to itself only."""

    asset: str
    """A coin, or a currency whose exchange rate this is."""

    currency: str
    origin: PriceOrigin
    times: Int64Array
    """Seconds since 1970, ascending, each once; at least one."""

    prices: Sequence[str]
    """Of each time, as plain decimal numbers."""

    @cached_property
    def granularity(self) -> Granularity:
        """How far apart the points are."""
        return granularity_of(self.times)

    @property
    def ahead(self) -> int:
        """Seconds after a payment until which its price may have been fixed."""
        when = fixed(self.origin.column, self.granularity.name, int(self.times[0]))
        return self.granularity.step if when in ("closing", "average") else 0

    @cached_property
    def missing(self) -> int:
        """Points that would stand between the first and the last if none were missing."""
        return missing_points(self.times, self.granularity)

    @cached_property
    def longest_gap(self) -> int:
        """The most seconds between two neighbours."""
        return int(np.diff(self.times).max(initial=0))

    @cached_property
    def points_sha256(self) -> str:
        """Hash over the asset, the currency and all points: equal hashes give equal values."""
        told = [self.asset, self.currency, *zip(self.times.tolist(), self.prices, strict=True)]
        return hashlib.sha256(json.dumps(told, separators=(",", ":")).encode()).hexdigest()

    def find(self, moments: Int64Array) -> Int64Array:
        """Return the point in force at each moment, or -1 where there is none."""
        found = np.searchsorted(self.times, moments, side="right") - 1
        is_old = moments - self.times[np.maximum(found, 0)] >= self.granularity.max_age
        return np.where((found < 0) | is_old, -1, found).astype(np.int64)


def granularity_of(times: Int64Array) -> Granularity:
    """Return what most neighbours are apart, of equally common distances the smallest."""
    if len(times) < 2:
        return _steps_of(DAY if times[0] % DAY == 0 else HOUR)
    distances, counts = np.unique(np.diff(times), return_counts=True)
    step = int(distances[np.argmax(counts)])
    days = times // DAY
    is_business = step == DAY and len(times) >= 10 and not np.any((days + FIRST_WEEKDAY) % 7 >= 5)
    if is_business:
        return Granularity(name="business_day", step=DAY, max_age=MOST_BUSINESS_DAYS_APART)
    return _steps_of(step)


def missing_points(times: Int64Array, granularity: Granularity) -> int:
    """Return how many points are missing between the first and the last."""
    if granularity.name == "business_day":
        days = (times // DAY).astype("datetime64[D]")
        return int(np.busday_count(days[:-1], days[1:]).sum()) - (len(days) - 1)
    distances = np.diff(times)
    return int(np.maximum(distances // granularity.step - 1, 0).sum())


def _steps_of(step: int) -> Granularity:
    name = {HOUR: "hour", DAY: "day"}.get(step, f"{step} s")
    return Granularity(name=name, step=step, max_age=step * 3 // 2 if step >= DAY else step * 3)
