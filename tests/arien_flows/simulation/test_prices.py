"""Made-up prices: the same for the same seed, of every day, and labelled as what they are."""

from datetime import UTC, datetime
from pathlib import Path

from arien_flows.prices.reading import read_prices
from arien_flows.simulation.parameters import SPAN_SECONDS, START_TIME
from arien_flows.simulation.prices import ASSET, CURRENCY, daily_cents, write_prices


def test_prices__cover_the_simulation_and_are_read_like_any_others(tmp_path: Path):
    file = tmp_path / "prices.csv"
    write_prices(1, file)
    raw = file.read_bytes()
    assert raw.startswith(b"Made-up prices of a simulated coin")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = read_prices(raw, file.name, asset=ASSET, currency=CURRENCY, now=now)
    assert found.faults == ()
    assert found.times[0] == START_TIME
    assert found.times[-1] > START_TIME + SPAN_SECONDS
    assert {b - a for a, b in zip(found.times, found.times[1:], strict=False)} == {86_400}
    assert [round(float(price) * 100) for price in found.prices] == daily_cents(1)


def test_prices__are_those_of_the_seed():
    assert daily_cents(1) == daily_cents(1)
    assert daily_cents(1) != daily_cents(2)
    assert min(daily_cents(3)) > 0
