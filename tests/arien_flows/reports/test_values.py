"""What is said of the time at which prices were fixed."""

from datetime import UTC, datetime

from arien_flows.reports.values import basis_lines, cautions
from arien_flows.tracing.fiat import table_used
from tests.arien_flows.prices.tables import daily

START = datetime(2024, 3, 1, tzinfo=UTC)


def test_basis__of_closing_prices_says_that_they_are_fixed_after_the_payment():
    used = table_used(daily("2024-03-01", ["5", "6"]))
    assert used.ahead_seconds == 86_400
    told = "\n".join(basis_lines("EUR", [used]))
    assert "fixed up to one day (UTC) after the payment" in told


def test_cautions__are_for_closing_prices_averages_and_ends_of_days():
    assert not list(cautions("price", "day", START))
    assert "one hour after the payment" in next(iter(cautions("close", "hour", START)))
    assert "An average over the hour" in next(iter(cautions("vwap", "hour", START)))
    last = START.replace(hour=23, minute=59, second=59)
    assert "price of the day before" in next(iter(cautions("close", "day", last)))
