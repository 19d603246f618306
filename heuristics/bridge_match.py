"""Money that went into a bridge here and came out of one there: candidates by amount and time.

Where neither side names the other, what is left is that a bridge pays out the same kind of asset,
a little less than it took, a little later. Every payment that fits is a candidate; the more there
are, the less each is worth.

Assumes: the bridge pays in one sum, and its fee is at most 3 %.
Fails when: a payment is parted or gathered, waits longer than the window, or many pay like amounts.
Source: this program's own policy: 70 percent for the only candidate, shared out among several; a
    candidate that is paid to the very address that paid in counts five times. Not measured.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

RULE = "bridge-candidate"
VERSION = 1

ONLY_ONE = 70
"""Percent for a candidate that is the only one."""

SAME_RECIPIENT = 5
MOST_FEE = Fraction(3, 100)
WINDOW_SECONDS = 3_600
OPTIMISTIC_SECONDS = 8 * 86_400
"""Exits from an optimistic rollup wait for a week in which they can be disputed."""

FRACTION_DIGITS = 36


class Side(NamedTuple):
    """One payment into or out of a bridge."""

    number: int
    family: str
    """The asset, by one name on all chains."""

    amount: int
    """In parts of 10**-36 of the whole unit, so that decimals do not matter."""

    time: int
    """Seconds."""

    party: str
    """Who paid in, or who was paid; compared as text, empty where it says nothing there."""


class Match(NamedTuple):
    """One candidate."""

    departure: int
    arrival: int
    percent: Fraction
    candidates: int
    """How many arrivals fit the departure."""

    is_same_party: bool


def scaled(amount: int, decimals: int) -> int:
    """Return an amount of base units as `Side` counts it; `ValueError` for absurd decimals."""
    if not 0 <= decimals <= FRACTION_DIGITS:
        raise ValueError(f"decimals must be from 0 to {FRACTION_DIGITS}, not {decimals}")
    return amount * int(10 ** (FRACTION_DIGITS - decimals))


def match(
    departures: Sequence[Side], arrivals: Sequence[Side], window: int = WINDOW_SECONDS
) -> list[Match]:
    """Return the arrivals that fit each departure, by departure and then by arrival.

    `window` is how many seconds later an arrival may be, inclusive.
    """
    by_family: dict[str, list[Side]] = defaultdict(list)
    for arrival in arrivals:
        by_family[arrival.family].append(arrival)
    times = {}
    for family, listed in by_family.items():
        listed.sort(key=lambda it: (it.time, it.number))
        times[family] = [it.time for it in listed]
    found: list[Match] = []
    for departure in sorted(departures, key=lambda it: it.number):
        listed, seen = by_family.get(departure.family, []), times.get(departure.family, [])
        first = bisect_left(seen, departure.time)
        last = bisect_right(seen, departure.time + window)
        found += _shared_out(departure, [it for it in listed[first:last] if _fits(departure, it)])
    return found


def _fits(departure: Side, arrival: Side) -> bool:
    kept = departure.amount - arrival.amount
    return 0 <= kept <= MOST_FEE * departure.amount


def _shared_out(departure: Side, fitting: list[Side]) -> list[Match]:
    same = [bool(departure.party) and it.party == departure.party for it in fitting]
    weights = [SAME_RECIPIENT if it else 1 for it in same]
    return [
        Match(
            departure.number,
            arrival.number,
            Fraction(ONLY_ONE * weight, sum(weights)),
            len(fitting),
            is_same,
        )
        for arrival, weight, is_same in sorted(
            zip(fitting, weights, same, strict=True), key=lambda it: it[0].number
        )
    ]
