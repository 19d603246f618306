"""Hours of the day, and gatherings of coins."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.vendors.chain_habits import (
    Gatherings,
    hour_counts,
    hours_match,
    overlap_percent,
    same_gathering,
    split_at,
)

COUNTS = st.lists(st.integers(0, 50), min_size=24, max_size=24).map(np.array)


@given(one=COUNTS, other=COUNTS)
def test_overlap_percent__is_symmetric_and_full_only_with_itself(one, other):
    assert overlap_percent(one, other) == overlap_percent(other, one)
    assert 0 <= overlap_percent(one, other) <= 100
    assert overlap_percent(one, 3 * one) == (100 if one.sum() else 0)


def test_hours_match__finds_by_how_much_a_day_is_turned():
    day = np.zeros(24, dtype=np.int64)
    day[8:18] = 10
    same, later = hours_match(day, day), hours_match(np.roll(day, 5), day)
    assert (same.overlap_percent, same.best_turn, same.is_telling) == (100, 0, True)
    assert (later.overlap_percent, later.best_turn) == (50, 5)


def test_hours_match__of_even_days_tells_nothing():
    even = np.full(24, 7)
    assert not hours_match(even, even).is_telling


def test_hour_counts__are_in_utc():
    assert hour_counts(np.array([3_599, 3_600, 86_400 + 3_600])).tolist()[:3] == [1, 2, 0]


def gathered(times: list[int], inputs: list[int]) -> Gatherings:
    return Gatherings(
        place=np.arange(len(times)),
        time=np.array(times, dtype=np.int64) * 86_400,
        inputs=np.array(inputs, dtype=np.int64),
    )


def test_same_gathering__looks_at_coins_and_days():
    weekly = gathered(list(range(0, 70, 7)), [10] * 10)
    before, after = split_at(weekly, 35 * 86_400)
    assert (len(before.time), len(after.time)) == (5, 5)
    assert same_gathering(before, after) == 100
    many = gathered(list(range(0, 70, 7)), [100] * 10)
    assert same_gathering(weekly, many) == 0
    daily = gathered(list(range(10)), [10] * 10)
    assert same_gathering(weekly, daily) == 0
