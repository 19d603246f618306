from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.amounts import asset_of, plain_amount
from arien_flows.batch.values import MOST_BASE_UNITS, BadValue, amount, hops, moment


@given(st.integers(0, MOST_BASE_UNITS))
def test_amount__keeps_every_digit_of_base_units(value):
    assert amount(str(value), "ethereum") == value


@given(st.integers(0, 10**40), st.sampled_from(["bitcoin", "ethereum", "bitcoin-regtest"]))
def test_amount__reads_coins_as_they_are_written(value, network):
    asset = asset_of(network)
    assert amount(f"{plain_amount(value, asset)} {asset.name.lower()}", network) == value


@pytest.mark.parametrize(
    "text", ["0.01", "1,5BTC", "-1", "1e8", "1BTC2", "0.000000001BTC", "1ETH", "", "9" * 79]
)
def test_amount__refuses_what_may_mean_something_else(text):
    assert isinstance(amount(text, "bitcoin"), BadValue)


def test_moment__of_a_bare_date_is_its_beginning_or_its_end():
    assert moment("2026-03-01", end_of_day=False) == datetime(2026, 3, 1, tzinfo=UTC)
    assert moment("2026-03-01", end_of_day=True) == datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
    assert moment("2026-03-01T12:00:00+02:00", end_of_day=True) == datetime(
        2026, 3, 1, 10, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("31.12.2024", "2024-12-31"),
        ("31.02.2024", ""),
        ("03/04/2024", ""),
        ("2024-03-01T10:00:00", "2024-03-01T10:00:00Z"),
        ("0001-01-01T00:00:00+14:00", ""),
        ("yesterday", ""),
    ],
)
def test_moment__refuses_and_suggests(text, suggestion):
    found = moment(text, end_of_day=False)
    assert isinstance(found, BadValue)
    assert found.suggestion == suggestion


@pytest.mark.parametrize(("text", "expected"), [("1", 1), ("1000", 1000)])
def test_hops__are_a_number(text, expected):
    assert hops(text) == expected


@pytest.mark.parametrize("text", ["0", "1001", "-1", "two", "1.0", "\u0663"])
def test_hops__refuses_what_is_none(text):
    assert isinstance(hops(text), BadValue)
