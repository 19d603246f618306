"""Candidates over a bridge by amount and time."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.bridge_match import OPTIMISTIC_SECONDS, Side, match, scaled

UNIT = scaled(1, 0)


def test_match__shares_seventy_percent_out():
    gone = [Side(0, "USDC", 100 * UNIT, 1_000, "0xa")]
    one = Side(1, "USDC", 99 * UNIT, 1_500, "0xb")
    (only,) = match(gone, [one])
    assert (only.percent, only.candidates) == (70, 1)
    pair = match(gone, [one, one._replace(number=2, party="0xc")])
    assert [it.percent for it in pair] == [35, 35]
    mine = match(gone, [one, one._replace(number=2, party="0xa")])
    assert [it.percent for it in mine] == [Fraction(70, 6), Fraction(350, 6)]
    assert [it.is_same_party for it in mine] == [False, True]


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({"amount": 97 * UNIT}, True),
        ({"amount": 97 * UNIT - 1}, False),
        ({"amount": 100 * UNIT + 1}, False),
        ({"time": 1_000}, True),
        ({"time": 999}, False),
        ({"time": 4_600}, True),
        ({"time": 4_601}, False),
        ({"family": "DAI"}, False),
    ],
)
def test_match__has_inclusive_limits(change, fits):
    gone = [Side(0, "USDC", 100 * UNIT, 1_000, "")]
    arrived = Side(1, "USDC", 100 * UNIT, 1_000, "")._replace(**change)
    assert bool(match(gone, [arrived])) is fits


def test_match__waits_for_optimistic_exits_and_ignores_decimals():
    gone = [Side(0, "USDC", scaled(5_000_000, 6), 0, "")]
    late = [Side(1, "USDC", scaled(5 * 10**18, 18), OPTIMISTIC_SECONDS, "")]
    assert match(gone, late) == []
    assert len(match(gone, late, OPTIMISTIC_SECONDS)) == 1
    with pytest.raises(ValueError, match="decimals"):
        scaled(1, 99)


sides = st.lists(
    st.tuples(
        st.sampled_from("ab"), st.integers(90, 110), st.integers(0, 9_000), st.sampled_from("xy")
    ),
    max_size=8,
)


@given(sides, sides)
def test_match__is_every_pair_that_fits_and_sums_to_seventy(gone, arrived):
    departures = [Side(n, *it) for n, it in enumerate(gone)]
    arrivals = [Side(n, *it) for n, it in enumerate(arrived)]
    found = match(departures, arrivals)
    expected = [
        (a.number, b.number)
        for a in departures
        for b in arrivals
        if a.family == b.family
        and 0 <= b.time - a.time <= 3_600
        and a.amount - b.amount >= 0
        and 100 * (a.amount - b.amount) <= 3 * a.amount
    ]
    assert [(it.departure, it.arrival) for it in found] == expected
    for number in {it.departure for it in found}:
        assert sum(it.percent for it in found if it.departure == number) == 70
