"""What makes it more likely that two accounts have one owner, and never proves it.

Each rule gives at most `MOST_EACH`, and all together, by noisy-or, at most `MOST_TOGETHER`: so no
sum of likenesses joins accounts. Vendors who sell the same wares from the same country are many.

| rule | what is compared | most |
|---|---|---|
| `same-origin` | one and the same country of origin, not "worldwide" | 5 |
| `product-mix` | words of the titles: cosine of their weights | 15 |
| `price-list` | prices of like titles: how many agree within 5 % | 20 |
| `active-hours` | hours of dated sales over the day: one minus the distance | 15 |
| `market-move` | the last sale on one market within 14 days before the first on another | 20 |

The most of each is this program's own choice: the design gives the ceiling only, and no rule was
measured on vendors whose owners are known. The hours are those of the markets' clocks.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

MOST_EACH = 20
MOST_TOGETHER = 50
LEAST_TITLES = 5
"""Titles that each account must have for its mix to be compared."""

LEAST_PRICES = 3
"""Like titles with prices in one currency that both must have."""

LEAST_SALES = 20
"""Dated sales that each account must have for its hours to be compared."""

LIKE_TITLE = 0.8
"""Cosine from which two titles are taken to name the same thing."""

SAME_PRICE = Decimal("0.05")
MOVE = timedelta(days=14)
MOST_TITLES = 400
_ANYWHERE = frozenset(
    {"", "worldwide", "world wide", "international", "unknown", "undeclared", "torland", "internet"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """One likeness of two accounts."""

    rule: str
    confidence: int
    """0 to `MOST_EACH`."""

    note: str
    """What was found, in a sentence's part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What is compared of an account."""

    market: str
    origins: frozenset[str]
    titles: tuple[str, ...]
    prices: Mapping[str, Mapping[str, Decimal]]
    """By title and currency, the last one."""

    sales: tuple[datetime, ...]
    """By the market's clock, where it shows the hour."""

    days: tuple[datetime, ...]
    """Of all sales, as closely as they are dated; ascending."""


def likenesses(first: Habits, second: Habits) -> list[Likeness]:
    """Return what is alike, the strongest first; the order of the two means nothing."""
    first, second = sorted((first, second), key=_key)
    found = [
        _origin(first, second),
        _mix(first, second),
        _prices(first, second),
        _hours(first, second),
        _move(first, second),
    ]
    held = [each for each in found if each is not None and each.confidence > 0]
    return sorted(held, key=lambda each: (-each.confidence, each.rule))


def _key(side: Habits) -> tuple[object, ...]:
    prices = sorted((title, sorted(each.items())) for title, each in side.prices.items())
    return side.market, side.titles, side.days, side.sales, sorted(side.origins), prices


def together(confidences: Iterable[int]) -> int:
    """Return what likenesses come to: noisy-or, rounded down, at most `MOST_TOGETHER`."""
    left = Decimal(1)
    for each in confidences:
        left *= 1 - Decimal(each) / 100
    return min(MOST_TOGETHER, int((1 - left) * 100))


def _origin(first: Habits, second: Habits) -> Likeness | None:
    mine, theirs = (
        {each.casefold().strip() for each in side.origins} - _ANYWHERE for side in (first, second)
    )
    shared = sorted(mine & theirs)
    if not shared:
        return None
    return Likeness(rule="same-origin", confidence=5, note=f"both send from {shared[0]}")


def _words(title: str) -> Counter[str]:
    plain = "".join(each if each.isalnum() else " " for each in title.casefold())
    return Counter(plain.split())


def _cosine(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    small, large = sorted((first, second), key=len)
    product = sum(weight * large[word] for word, weight in sorted(small.items()) if word in large)
    norm = math.sqrt(sum(w * w for w in first.values()) * sum(w * w for w in second.values()))
    return product / norm if norm else 0.0


def _mix(first: Habits, second: Habits) -> Likeness | None:
    mine, theirs = (side.titles[:MOST_TITLES] for side in (first, second))
    if min(len(mine), len(theirs)) < LEAST_TITLES:
        return None
    weights = []
    for titles in (mine, theirs):
        counted: Counter[str] = Counter()
        for title in titles:
            counted.update(set(_words(title)))
        weights.append({word: math.log1p(count) for word, count in counted.items()})
    alike = _cosine(*weights)
    confidence = int(15 * max(0.0, (alike - 0.5) / 0.5))
    return Likeness(
        rule="product-mix",
        confidence=confidence,
        note=f"words of {len(mine)} and {len(theirs)} titles, cosine {alike:.2f}",
    )


def _prices(first: Habits, second: Habits) -> Likeness | None:
    compared = agreeing = 0
    theirs = {title: _words(title) for title in sorted(second.prices)[:MOST_TITLES]}
    for title in sorted(first.prices)[:MOST_TITLES]:
        words = _words(title)
        like = [each for each, other in theirs.items() if _cosine(words, other) >= LIKE_TITLE]
        pairs = [
            (first.prices[title][currency], second.prices[each][currency])
            for each in like
            for currency in sorted(first.prices[title].keys() & second.prices[each].keys())
        ]
        if pairs:
            compared += 1
            agreeing += any(_agree(one, other) for one, other in pairs)
    if compared < LEAST_PRICES:
        return None
    share = agreeing / compared
    return Likeness(
        rule="price-list",
        confidence=int(20 * max(0.0, (share - 0.5) / 0.5)),
        note=f"{agreeing} of {compared} like titles at the same price within 5 %",
    )


def _agree(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) <= SAME_PRICE * max(one, other)


def _hours(first: Habits, second: Habits) -> Likeness | None:
    if min(len(first.sales), len(second.sales)) < LEAST_SALES:
        return None
    shares = []
    for side in (first, second):
        counted = Counter(moment.hour for moment in side.sales)
        # Three hours together: a quarter past and a quarter to are not different habits.
        smooth = [sum(counted[(hour + step) % 24] for step in (-1, 0, 1)) for hour in range(24)]
        shares.append([each / sum(smooth) for each in smooth])
    apart = sum(abs(one - other) for one, other in zip(*shares, strict=True)) / 2
    return Likeness(
        rule="active-hours",
        confidence=int(15 * max(0.0, (0.3 - apart) / 0.3)),
        note=f"hours of {len(first.sales)} and {len(second.sales)} sales, {1 - apart:.0%} alike",
    )


def _move(first: Habits, second: Habits) -> Likeness | None:
    if first.market == second.market or not first.days or not second.days:
        return None
    earlier, later = sorted((first, second), key=lambda side: (side.days[-1], side.market))
    gap = later.days[0] - earlier.days[-1]
    if not timedelta() <= gap <= MOVE:
        return None
    return Likeness(
        rule="market-move",
        confidence=20 if gap <= MOVE / 2 else 10,
        note=f"the first sale on {later.market} came {gap.days} days after the last on "
        f"{earlier.market}",
    )


def hour_times(intervals: Sequence[tuple[datetime, datetime]]) -> list[datetime]:
    """Return the moments, by the market's clock, of sales that are dated with an hour.

    Such an interval is as wide as zones differ (26 hours); a mere day is wider.
    """
    from arien_flows.vendors.moments import AHEAD, BEHIND

    widest = AHEAD + BEHIND + timedelta(minutes=1)
    found = []
    for earliest, latest in intervals:
        width = latest - earliest
        if width <= timedelta(minutes=1):
            found.append(earliest)
        elif AHEAD + BEHIND <= width <= widest:
            found.append(earliest + AHEAD)
    return found
