"""Real files of prices: what they say, whole, and how two sources agree."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from arien_flows.prices.rates import PriceBook
from arien_flows.prices.reading import PriceDocument, read_prices
from arien_flows.prices.table import PriceOrigin, PriceTable
from tests.arien_flows.prices.tables import seconds

NOW = datetime(2026, 11, 23, tzinfo=UTC)

ECB = ("ecb_eurofxref-hist.csv", "EUR", "USD")
HOURS = ("cryptocompare_BTC-USD_hours.csv", "BTC", "USD")
BITFINEX = ("electrum_BitFinex_BTC_EUR.json", "BTC", "EUR")


@pytest.fixture
def folder(shared_data: Path) -> Path:
    found = shared_data / "prices"
    if not found.is_dir():
        pytest.skip("the real prices are absent")
    return found


def read(folder: Path, what: tuple[str, str, str]) -> PriceDocument:
    name, asset, currency = what
    raw = (folder / name).read_bytes()
    return read_prices(raw, name, asset=asset, currency=currency, now=NOW)


def table(folder: Path, what: tuple[str, str, str]) -> PriceTable:
    document = read(folder, what)
    return PriceTable(
        asset=what[1],
        currency=what[2],
        origin=PriceOrigin(
            source=what[0],
            licence=None,
            file=what[0],
            sha256=document.sha256,
            column=document.column,
        ),
        times=np.array(document.times, np.int64),
        prices=document.prices,
    )


def test_ecb__every_currency_is_read_with_its_gaps(folder: Path):
    with (folder / ECB[0]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    for currency in ("USD", "GBP", "CHF", "RUB", "ISK"):
        document = read(folder, (ECB[0], "EUR", currency))
        stated = {seconds(row["Date"]): row[currency] for row in rows if row[currency] != "N/A"}
        assert document.absent == len(rows) - len(stated)
        assert document.faults == ()
        assert dict(zip(document.times, map(float, document.prices), strict=True)) == {
            time: float(text) for time, text in stated.items()
        }


def test_ecb__rates_bridge_every_weekend_and_holiday(folder: Path):
    rates = table(folder, ECB)
    assert (rates.granularity.name, rates.longest_gap) == ("business_day", 5 * 86_400)
    days = np.arange(rates.times[0], rates.times[-1], 86_400) + 86_399
    assert (rates.find(days) >= 0).all()


def test_cryptocompare__is_whole_and_exact(folder: Path):
    with (folder / HOURS[0]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    hours = table(folder, HOURS)
    assert hours.origin.column == "close"
    assert (hours.granularity.name, hours.missing, len(hours.times)) == ("hour", 0, 6_171)
    assert hours.times.tolist() == [int(row["timestamp"]) for row in rows]
    assert list(hours.prices) == [row["close"].rstrip("0").rstrip(".") for row in rows]


def test_electrum__has_ten_days_without_a_price(folder: Path):
    days = table(folder, BITFINEX)
    stated = json.loads((folder / BITFINEX[0]).read_text())
    assert len(days.times) == len(stated) == 3_000
    assert (days.granularity.name, days.missing, days.longest_gap) == ("day", 10, 3 * 86_400)
    place = days.find(
        np.array([seconds("2017-05-19T23:00"), seconds("2017-05-20T12:00")], np.int64)
    )
    assert place.tolist() == [0, -1]
    assert days.prices[0] == stated["2017-05-19"]


def test_rates__of_2011_in_euro_are_derived_hour_by_hour(folder: Path):
    hours, euro = table(folder, HOURS), table(folder, ECB)
    book = PriceBook("BTC", "EUR", [hours, euro, table(folder, BITFINEX)])
    found = book.rates(hours.times)
    assert (found.place >= 0).all()
    for place, dollars in zip(found.place.tolist(), hours.prices, strict=True):
        rate = found.rates[place]
        assert [step.is_divisor for step in rate.steps] == [False, True]
        assert rate.steps[0].price == dollars
        assert float(rate.price) == pytest.approx(float(dollars) / float(rate.steps[1].price))
    # On a Sunday the dollar is that of the Friday before.
    sunday = book.rates(np.array([seconds("2011-01-02T12:00")], np.int64)).rates[0]
    assert sunday.steps[1].time == seconds("2010-12-31")
