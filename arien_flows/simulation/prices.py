"""Made-up prices of the simulated coin, so that a demonstration has values to show.

A walk of whole cents, one step a day, up or down by at most three percent. Coins of test networks
are worth nothing: the file says in its first line that its prices are made up, and whoever imports
it names it as their source.
"""

from datetime import UTC, datetime
from pathlib import Path

from arien_flows.simulation.parameters import SPAN_SECONDS, START_TIME
from arien_flows.simulation.rng import draw, seeded

SOURCE = "arien-flows simulation, made-up prices"
CURRENCY = "EUR"
ASSET = "tBTC"

FIRST_CENTS = 2_100_000
LEAST_CENTS = 100_000
DAY = 86_400

_NOTE = "Made-up prices of a simulated coin in EUR; nothing here exists."
_LARGEST_STEP = 300
"""Hundredths of a percent."""


def daily_cents(seed: int) -> list[int]:
    """Return a price in cents for each day of the simulation and the two after it."""
    random = seeded(seed, "prices")
    prices = [FIRST_CENTS]
    for _ in range(SPAN_SECONDS // DAY + 2):
        step = int(draw(random, 2 * _LARGEST_STEP + 1)) - _LARGEST_STEP
        prices.append(max(LEAST_CENTS, prices[-1] + prices[-1] * step // 10_000))
    return prices


def write_prices(seed: int, path: Path) -> None:
    """Write the prices as CSV, as sources do."""
    lines = [_NOTE, "date,close"]
    for number, cents in enumerate(daily_cents(seed)):
        day = datetime.fromtimestamp(START_TIME + number * DAY, UTC).date()
        lines.append(f"{day.isoformat()},{cents // 100}.{cents % 100:02d}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
