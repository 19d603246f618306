"""Values: exact products, rounded once, half to even."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.amounts import Asset
from arien_flows.errors import InputError
from arien_flows.prices.currencies import asset_named, currency_named, minor_digits
from arien_flows.prices.money import Money, Sum

BTC = Asset(name="BTC", decimals=8)
EURO = Money(asset=BTC, currency="EUR")

amounts = st.integers(0, 21_000_000 * 10**8)
rates = st.decimals(min_value="0.000000000000000001", max_value=10**8, places=18)


def cents(base_units: int, rate: Decimal) -> Fraction:
    return Fraction(rate) * base_units / 10**6


def shown(number_of_cents: int) -> str:
    return f"{number_of_cents // 100}.{number_of_cents % 100:02d}"


@given(amounts, rates)
def test_value__is_the_exact_product_rounded_half_to_even(base_units: int, rate: Decimal):
    assert EURO.value(base_units, rate) == shown(round(cents(base_units, rate)))


@given(st.lists(st.tuples(amounts, st.none() | rates)))
def test_total__is_the_sum_of_exact_products_rounded_once(parts):
    found = EURO.total(parts)
    priced = [(units, rate) for units, rate in parts if rate is not None]
    exact = sum((cents(units, rate) for units, rate in priced), start=Fraction())
    assert found.unpriced == sum(units for units, rate in parts if rate is None)
    if found.unpriced and not any(units for units, _ in priced):
        assert found.amount is None
    else:
        assert found.amount == shown(round(exact))


@pytest.mark.parametrize(
    ("base_units", "rate", "value"),
    [
        (100_000_000, "57643.1", "57643.10"),
        (1, "500000", "0.00"),
        (1, "500000.01", "0.01"),
        (3, "500000", "0.02"),
        (1, "1500000", "0.02"),
        (0, "57643.1", "0.00"),
        (2_100_000_000_000_000, "99999999.9999999", "2099999999999997.90"),
        (123_456_789, "1E+3", "1234.57"),
    ],
)
def test_value__examples(base_units: int, rate: str, value: str):
    assert EURO.value(base_units, Decimal(rate)) == value


def test_value__has_the_digits_of_its_currency():
    for currency, value in (("JPY", "1235"), ("KWD", "1234.567"), ("USD", "1234.57")):
        money = Money(asset=BTC, currency=currency)
        assert money.value(100_000_000, Decimal("1234.567")) == value


def test_total__of_crumbs_is_not_nothing():
    crumbs = [(1, Decimal("100000"))] * 100_000
    assert EURO.value(*crumbs[0]) == "0.00"
    assert EURO.total(crumbs) == Sum(amount="100.00", unpriced=0)


def test_total__of_nothing_is_zero_and_of_what_has_no_price_unknown():
    assert EURO.total([]) == Sum(amount="0.00", unpriced=0)
    assert EURO.total([(0, Decimal(5))]) == Sum(amount="0.00", unpriced=0)
    assert EURO.total([(7, None)]) == Sum(amount=None, unpriced=7)
    assert EURO.total([(7, None), (0, Decimal(5))]) == Sum(amount=None, unpriced=7)
    assert EURO.total([(7, None), (10**8, Decimal(5))]) == Sum(amount="5.00", unpriced=7)


def test_names__of_coins_and_currencies():
    assert [asset_named(text) for text in ("btc", "XBT", " tbtc ", "eth", "eur")] == [
        "BTC", "BTC", "tBTC", "ETH", "EUR",
    ]  # fmt: skip
    assert currency_named(" eur ") == "EUR"
    assert (minor_digits("EUR"), minor_digits("JPY"), minor_digits("KWD")) == (2, 0, 3)
    for text in ("", "EURO", "E1R", "€"):
        with pytest.raises(InputError, match="is not a currency"):
            currency_named(text)
    for text in ("", "B", "B T C", "1INCH", "ßTC"):
        with pytest.raises(InputError, match="is not an asset"):
            asset_named(text)
