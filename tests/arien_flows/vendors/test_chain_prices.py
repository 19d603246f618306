"""Receipts against price lists."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.prices.rates import PriceBook
from arien_flows.prices.table import PriceOrigin, PriceTable
from arien_flows.vendors.chain_policy import standard_policy
from arien_flows.vendors.chain_prices import SHIFTS, ListedPrice, OrderReceipts, match_prices

POLICY = standard_policy()
DAY = 86_400
ORIGIN = PriceOrigin(
    source="the tests", licence=None, file="t.csv", sha256="0" * 64, column="price"
)


def receipts(values: list[int], ppm: int = 0, time: int = 10 * DAY) -> OrderReceipts:
    count = len(values)
    return OrderReceipts(
        output=np.arange(count),
        value_sat=np.array(values, dtype=np.int64),
        commission_ppm=np.full(count, ppm, dtype=np.int64),
        order_time=np.full(count, time, dtype=np.int64),
    )


def listed(*amounts: str, currency: str = "tBTC") -> list[ListedPrice]:
    return [
        ListedPrice(amount=Decimal(amount), currency=currency, document="d" * 64)
        for amount in amounts
    ]


def book(price: str) -> PriceBook:
    table = PriceTable(
        asset="tBTC",
        currency="EUR",
        origin=ORIGIN,
        times=np.arange(20, dtype=np.int64) * DAY,
        prices=[price] * 20,
    )
    return PriceBook("tBTC", "EUR", [table])


@given(
    values=st.lists(st.integers(0, 10**9), max_size=8),
    prices=st.lists(st.integers(1, 10**9), min_size=1, max_size=5),
    ppm=st.integers(0, 200_000),
    random=st.randoms(use_true_random=False),
)
def test_match_prices__is_by_distance_from_the_list_in_any_order(values, prices, ppm, random):
    lines = listed(*(f"{price}E-8" for price in prices))
    found = match_prices(receipts(values, ppm), lines, "tBTC", {}, POLICY)
    for value, matched in zip(values, found.matched.tolist(), strict=True):
        gross = value * 1_000_000 // (1_000_000 - ppm)
        near = any(
            abs(gross - pieces * price) * Fraction(1000, 15) <= pieces * price
            for price in prices
            for pieces in (1, 2, 3)
        )
        assert matched == near
    random.shuffle(lines)
    again = match_prices(receipts(values, ppm), lines, "tBTC", {}, POLICY)
    assert again.matched.tolist() == found.matched.tolist()
    assert again.by_chance_percent == found.by_chance_percent


def test_match_prices__adds_the_commission_back_and_converts_at_the_time_of_the_order():
    # 25 EUR at 50,000 EUR are 0.0005; the seller keeps 96 %.
    paid = receipts([48_000, 52_000], ppm=40_000)
    found = match_prices(paid, listed("25", currency="EUR"), "tBTC", {"EUR": book("50000")}, POLICY)
    assert found.matched.tolist() == [True, False]
    assert (found.receipts, found.unpriced) == (2, 0)


def test_match_prices__counts_receipts_without_a_price():
    paid = receipts([48_000], time=90 * DAY)
    found = match_prices(paid, listed("25", currency="EUR"), "tBTC", {"EUR": book("50000")}, POLICY)
    assert (found.receipts, found.unpriced, found.matches) == (0, 1, 0)
    assert match_prices(paid, listed("25", currency="EUR"), "tBTC", {}, POLICY).unpriced == 1


def test_match_prices__says_that_a_dense_list_matches_by_chance():
    dense = listed(*(f"{100_000 * 1.02**n:.0f}E-8" for n in range(120)))
    values = [int(100_000 * 1.017**n) for n in range(60)]
    found = match_prices(receipts(values), dense, "tBTC", {}, POLICY)
    assert found.by_chance_percent >= POLICY.least("most_by_chance_percent")


@given(
    worth=st.integers(10**6, 9 * 10**9),
    promille=st.integers(-40, 40),
    pieces=st.integers(1, 3),
)
def test_match_prices__is_by_distance_however_large_the_amounts(worth, promille, pieces):
    # One coin is worth what is asked for it, or a little more or less.
    priced = worth * pieces * (1_000 + promille) // 1_000
    lines = listed(str(worth), currency="JPY")
    books = {"JPY": book(str(priced))}
    found = match_prices(receipts([100_000_000]), lines, "tBTC", books, POLICY)
    near = any(abs(priced - each * worth) * 1_000 <= 15 * each * worth for each in (1, 2, 3))
    assert found.matched.tolist() == [near]
    assert (found.by_chance_percent > 0) == any(
        abs(priced - expected) * 1_000 <= 15 * expected
        for shift in SHIFTS
        for each in (1, 2, 3)
        if (expected := each * (worth * 10**8 * shift // 100) / Fraction(10**8))
    )


def test_match_prices__refuses_prices_that_are_none():
    with pytest.raises(ValueError, match="positive"):
        match_prices(receipts([1]), listed("0"), "tBTC", {}, POLICY)
