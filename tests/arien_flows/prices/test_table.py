"""Which point of a table holds at a moment: compared with the plain rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.prices.table import DAY, HOUR, PriceTable, fixed, granularity_of
from tests.arien_flows.prices.tables import daily, seconds, table_of

times_of_points = st.lists(
    st.integers(0, 400).map(lambda step: 1_700_000_000 + step * 1_800), min_size=1, max_size=40
).map(lambda times: sorted(set(times)))


def in_force(table: PriceTable, moment: int) -> int:
    """Return the point in force by looking at every one of them, or -1."""
    found = -1
    for i, time in enumerate(table.times.tolist()):
        if time <= moment < time + table.granularity.max_age:
            found = i
    return found


@given(times_of_points, st.lists(st.integers(1_699_900_000, 1_701_000_000), max_size=30))
def test_find__is_the_last_point_that_is_young_enough(times: list[int], moments: list[int]):
    table = table_of(dict.fromkeys(times, "1"))
    moments += times
    found = table.find(np.array(moments, np.int64))
    assert found.tolist() == [in_force(table, moment) for moment in moments]


def test_find__takes_the_day_that_contains_the_moment():
    table = daily("2024-03-01", ["1", "2", "", "4", "", "", "7"])
    moments = {
        "2024-02-29T23:59:59": -1,
        "2024-03-01T00:00:00": 0,
        "2024-03-01T23:59:59": 0,
        "2024-03-02T00:00:00": 1,
        "2024-03-03T11:59:59": 1,
        "2024-03-03T12:00:00": -1,
        "2024-03-04T00:00:00": 2,
        "2024-03-06T12:00:00": -1,
        "2024-03-08T11:59:59": 3,
        "2024-03-08T12:00:00": -1,
    }
    found = table.find(np.array([seconds(text) for text in moments], np.int64))
    assert found.tolist() == list(moments.values())


def test_find__takes_the_hour_that_contains_the_moment_for_at_most_three():
    start = seconds("2024-03-01")
    table = table_of({start + HOUR * i: str(i + 1) for i in (0, 1, 2, 9)})
    moments = [start - 1, start + 3_599, start + 3_600, start + 5 * HOUR - 1, start + 5 * HOUR]
    assert table.find(np.array(moments, np.int64)).tolist() == [-1, 0, 1, 2, -1]


def test_find__uses_the_rate_of_a_friday_until_the_holidays_are_over():
    days = [seconds(day) for day in (
        "2024-03-18", "2024-03-19", "2024-03-20", "2024-03-21", "2024-03-22", "2024-03-25",
        "2024-03-26", "2024-03-27", "2024-03-28", "2024-04-02", "2024-04-03",
    )]  # fmt: skip
    table = table_of(dict.fromkeys(days, "1.08"), "EUR", "USD")
    assert table.granularity.name == "business_day"
    easter = np.array([seconds("2024-04-01T23:59:59"), seconds("2024-04-10")], np.int64)
    assert table.find(easter).tolist() == [8, -1]
    assert table.missing == 2  # Good Friday and Easter Monday
    assert table.longest_gap == 5 * DAY


@pytest.mark.parametrize(
    ("times", "name", "max_age"),
    [
        ([0], "day", 129_600),
        ([3_600], "hour", 10_800),
        ([0, DAY, 2 * DAY], "day", 129_600),
        ([HOUR, DAY + HOUR], "day", 129_600),
        ([0, HOUR, DAY], "hour", 10_800),
        ([0, 900, 1_800], "900 s", 2_700),
        ([0, 7 * DAY, 14 * DAY], "604800 s", 907_200),
    ],
)
def test_granularity__is_what_most_neighbours_are_apart(times, name, max_age):
    found = granularity_of(np.array(times, np.int64))
    assert (found.name, found.max_age) == (name, max_age)


def test_missing__counts_points_and_not_gaps():
    assert daily("2024-03-01", ["1", "2", "", "", "5", "", "7"]).missing == 3
    assert daily("2024-03-01", ["1", "2", "3"]).missing == 0


def test_points_sha256__names_what_is_said_and_not_where():
    one, other = (daily("2024-03-01", ["1", "2"], source=name) for name in ("a", "b"))
    assert one.points_sha256 == other.points_sha256
    changed = (
        daily("2024-03-01", ["1", "3"]),
        daily("2024-03-02", ["1", "2"]),
        daily("2024-03-01", ["1", "2"], currency="USD"),
        daily("2024-03-01", ["1", "2"], asset="tBTC"),
    )
    assert len({one.points_sha256, *(each.points_sha256 for each in changed)}) == 5


@pytest.mark.parametrize(
    ("column", "granularity", "clock", "when"),
    [
        ("Close", "day", 0, "closing"),
        ("close (EUR)", "hour", 0, "closing"),
        ("closing price", "business_day", 0, "closing"),
        ("Weighted Price", "day", 0, "average"),
        ("vwap", "hour", 0, "average"),
        ("price", "day", 0, "then"),
        ("USD", "business_day", 0, "then"),
        ("close", "day", DAY - 1, "day_before"),
        ("close", "day", DAY - 60, "day_before"),
        ("close", "hour", DAY - 1, "closing"),
        ("close", "day", DAY - 3600, "closing"),
    ],
)
def test_fixed__says_when_a_price_was_known(column, granularity, clock, when):
    assert fixed(column, granularity, 20_000 * DAY + clock) == when
