"""Which of several tables speaks, and prices that are derived from two."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.prices.rates import DERIVED_DIGITS, PriceBook, Rate
from arien_flows.prices.table import DAY, PriceTable
from tests.arien_flows.prices.tables import daily, seconds, table_of
from tests.arien_flows.prices.test_table import in_force

prices = st.decimals(min_value="0.0001", max_value=10**6, places=4).map(str)
tables = st.builds(
    lambda points, pair: table_of(points, *pair),
    st.dictionaries(st.integers(0, 20).map(lambda i: 1_699_920_000 + i * DAY), prices, min_size=1),
    st.sampled_from(
        [("BTC", "EUR"), ("BTC", "USD"), ("BTC", "GBP"), ("EUR", "USD"), ("USD", "EUR"),
         ("EUR", "GBP"), ("EUR", "BTC"), ("tBTC", "EUR")]
    ),
)  # fmt: skip


def the_rate(book: PriceBook, moment: int) -> Rate | None:
    found = book.rates(np.array([moment], np.int64))
    return found.rates[0] if found.place[0] >= 0 else None


def plain_rate(known: list[PriceTable], moment: int) -> Fraction | None:
    """Return BTC in EUR by asking table after table."""
    stating = [table for table in known if table.asset == "BTC"]
    for table in stating:
        point = in_force(table, moment)
        if table.currency == "EUR" and point >= 0:
            return Fraction(table.prices[point])
    for table in known:
        point = in_force(table, moment)
        if (table.asset, table.currency) == ("EUR", "BTC") and point >= 0:
            return 1 / Fraction(table.prices[point])
    for table in stating:
        for rate in known:
            point, other = in_force(table, moment), in_force(rate, moment)
            if table.currency == "EUR" or point < 0 or other < 0:
                continue
            price, factor = Fraction(table.prices[point]), Fraction(rate.prices[other])
            if (rate.asset, rate.currency) == (table.currency, "EUR"):
                return price * factor
            if (rate.asset, rate.currency) == ("EUR", table.currency):
                return price / factor
    return None


@given(st.lists(tables, max_size=6), st.lists(st.integers(1_699_900_000, 1_702_000_000)))
def test_rates__are_those_of_a_search_through_all_tables(known, moments):
    book = PriceBook("BTC", "EUR", known)
    found = book.rates(np.array(moments, np.int64))
    assert len(found.place) == len(moments)
    for moment, place in zip(moments, found.place.tolist(), strict=True):
        expected = plain_rate(known, moment)
        if expected is None:
            assert place == -1
            continue
        rate = found.rates[place]
        if [step.is_divisor for step in rate.steps] == [False]:
            assert Fraction(rate.price) == expected
        else:
            # Half a unit of the last of 18 digits at most.
            assert abs(Fraction(rate.price) / expected - 1) <= Fraction(5, 10**DERIVED_DIGITS)
        assert Decimal(rate.text) == rate.price
    assert len(set(found.place.tolist()) - {-1}) == len(found.rates)


@given(st.lists(tables, max_size=6), st.lists(st.integers(1_699_900_000, 1_702_000_000)))
def test_rates__of_the_tables_that_were_used_alone_are_the_same(known, moments):
    asked = np.array(moments, np.int64)
    all_found = PriceBook("BTC", "EUR", known).rates(asked)
    again = PriceBook("BTC", "EUR", all_found.tables).rates(asked)
    assert again.rates == all_found.rates
    assert again.place.tolist() == all_found.place.tolist()
    assert again.tables == all_found.tables


def test_rates__an_earlier_table_speaks_where_the_later_one_is_silent():
    newer = daily("2024-03-01", ["", "20", ""])
    older = daily("2024-03-01", ["1", "2", "3"])
    book = PriceBook("BTC", "EUR", [newer, older])
    days = [seconds(day) for day in ("2024-03-01", "2024-03-02", "2024-03-04T11:59:59")]
    found = book.rates(np.array(days, np.int64))
    assert [found.rates[place].text for place in found.place] == ["1", "20", "3"]
    assert found.tables == (newer, older)


def test_rates__a_stated_price_comes_before_a_derived_one():
    dollars = daily("2024-03-01", ["110", "110"], currency="USD")
    euro = daily("2024-03-01", ["1.1", "1.1"], "EUR", "USD")
    stated = daily("2024-03-02", ["90"])
    book = PriceBook("BTC", "EUR", [dollars, euro, stated])
    derived, direct = (the_rate(book, seconds(day)) for day in ("2024-03-01", "2024-03-02"))
    assert derived is not None
    assert direct is not None
    assert (direct.text, len(direct.steps)) == ("90", 1)
    assert derived.text == "100"
    assert [(step.table, step.is_divisor) for step in derived.steps] == [
        (dollars, False),
        (euro, True),
    ]


def test_rates__are_derived_in_either_direction_and_rounded_once():
    dollars = daily("2024-03-01", ["1"], currency="USD")
    for rate, text in ((("EUR", "USD"), "0.333333333333333333"), (("USD", "EUR"), "3")):
        book = PriceBook("BTC", "EUR", [dollars, daily("2024-03-01", ["3"], *rate)])
        found = the_rate(book, seconds("2024-03-01"))
        assert found is not None
        assert found.text == text


def test_book__that_could_never_find_a_price_says_so():
    euro = daily("2024-03-01", ["1.1"], "EUR", "USD")
    assert PriceBook("BTC", "EUR", []).is_empty
    assert PriceBook("BTC", "EUR", [euro]).is_empty
    assert PriceBook("tBTC", "EUR", [daily("2024-03-01", ["1"])]).is_empty
    assert not PriceBook("EUR", "USD", [euro]).is_empty
    assert not PriceBook(
        "USD",
        "GBP",
        [daily("2024-03-01", ["1"], "USD", "EUR"), daily("2024-03-01", ["1"], "EUR", "GBP")],
    ).is_empty
    found = PriceBook("BTC", "EUR", []).rates(np.array([0, 1], np.int64))
    assert (found.rates, found.place.tolist(), found.tables) == ((), [-1, -1], ())
