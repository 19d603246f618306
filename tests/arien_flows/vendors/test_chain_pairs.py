"""Chance in a week and over weeks, exactly."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.vendors.chain_pairs import chance_in_a_week, tail_probability
from tests.reference import vendors as reference

NEAR = Fraction(1, 10**45)


@given(total=st.integers(1, 60), data=st.data())
def test_chance_in_a_week__is_that_of_two_random_subsets(total, data):
    sent = data.draw(st.integers(0, total))
    received = data.draw(st.integers(0, total))
    exact = reference.chance_in_a_week(total, sent, received)
    found = chance_in_a_week(total, sent, received)
    assert abs(Fraction(found) - exact) < NEAR
    assert found == chance_in_a_week(total, received, sent)


@given(
    chances=st.lists(st.fractions(0, 1, max_denominator=50), max_size=8), at_least=st.integers(0, 9)
)
def test_tail_probability__is_that_of_all_outcomes(chances, at_least):
    decimals = [Decimal(it.numerator) / Decimal(it.denominator) for it in chances]
    exact = reference.tail_probability([Fraction(it) for it in decimals], at_least)
    assert abs(Fraction(tail_probability(decimals, at_least)) - exact) < NEAR


@given(chances=st.lists(st.decimals(0, 1, places=6), min_size=1, max_size=20))
def test_tail_probability__falls_with_each_week_and_ignores_their_order(chances):
    tails = [tail_probability(chances, weeks) for weeks in range(len(chances) + 2)]
    assert tails == sorted(tails, reverse=True)
    assert tails[-1] == 0
    turned = tail_probability(chances[::-1], 1)
    assert abs(turned - tails[1]) < Decimal("1E-45")


def test_tail_probability__keeps_its_digits_where_it_is_tiny():
    tail = tail_probability([Decimal("1E-9")] * 10, 10)
    assert tail == Decimal("1E-90")


@pytest.mark.parametrize(("sent", "received", "chance"), [(0, 9, 0), (5, 6, 1), (10, 1, 1)])
def test_chance_in_a_week__of_the_ends(sent, received, chance):
    assert chance_in_a_week(10, sent, received) == chance
