"""How the worth of traced money leaves the program: decimal strings, each with its rate.

A value is an *attribution*: a source states the price, and which price holds for a transaction is
a convention (`arien_flows.prices.table`). It is what the amount was worth when it was paid, not
what it is worth today.
"""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.shapes import Certainty, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class RateStep(Shape):
    """A price that a table states, as it enters a rate."""

    asset: str
    """One unit of this ..."""

    currency: str
    """... was worth so much of this."""

    price: str
    """As the source wrote it, without needless zeros."""

    time: datetime
    """Time that the table gives the price; it is used from there on. A closing price was fixed
    later: see `ahead_seconds` of the table."""

    source: str
    """Who states it."""

    table: str
    """Hash of the table's points, as in the manifest's `prices`."""

    is_divisor: bool
    """Whether the rate is divided by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value(Shape):
    """What an amount was worth when it was paid."""

    currency: str
    """Three-letter code."""

    amount: str
    """In whole units of the currency and its parts, rounded once, half to even."""

    rate: str
    """What one whole coin was worth: exactly as stated, or derived to 18 digits."""

    rate_time: datetime
    """Time that the table gives the coin's price."""

    steps: tuple[RateStep, ...]
    """Where the rate is from: one price, or two where it is converted from another currency."""

    certainty: Certainty = "attribution"
    """The chain knows no prices: a source states them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSum(Shape):
    """What several amounts were worth, each when it was paid."""

    amount: str | None
    """Sum of the unrounded values, rounded once; nothing where no part has a price."""

    unpriced: str
    """What has no price and is not in the sum, in base units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueTotals(Shape):
    """What the totals of a trace were worth.

    Each part is valued at its own time, so the parts do not add up to what the source was worth
    at its.
    """

    currency: str
    """Three-letter code."""

    source: ValueSum
    """The sources' coins at the times of the transactions that paid them."""

    by_reason: dict[str, ValueSum]
    """The ends by reason, each coin at the time of the transaction that paid it."""

    fees: ValueSum
    """Fees at the times of their transactions."""

    destroyed: ValueSum
    """Coins that nobody can spend, at the times of the transactions that made them."""

    ends: ValueSum
    """The last three together."""

    certainty: Certainty = "attribution"
    """Prices are a source's; the amounts are inferences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSpan(Shape):
    """What one service received was worth under each policy."""

    currency: str
    """Three-letter code."""

    by_policy: dict[str, ValueSum]
    """By policy."""

    least: str | None
    """Over the policies that conserve amounts; nothing where one of them has unpriced parts."""

    most: str | None
    """Over the same policies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTableUsed(Shape):
    """A price table that values were made from."""

    asset: str
    """One unit of this ..."""

    currency: str
    """... in units of this."""

    source: str
    """Who states the prices, in the words of whoever imported them."""

    licence: str | None
    """Terms on which they were given."""

    file: str
    """Name of the file."""

    sha256: str
    """Hash of the file's bytes, which the casebook keeps."""

    column: str
    """Column of the file that was read; `value` where it has none."""

    points_sha256: str
    """Hash of the points that were read: equal hashes give equal values."""

    points: int
    """Prices in the table."""

    granularity: str
    """How far apart they are: `hour`, `day`, `business_day`, or seconds as `900 s`."""

    ahead_seconds: int
    """For how long after a payment its price may have been fixed: one interval for closing prices
    and averages, as the column's name says it, else 0."""

    max_age_seconds: int
    """For how long a price is used where the next one is missing."""

    first_time: datetime
    """Of the first point."""

    last_time: datetime
    """Of the last."""

    missing: int
    """Points that are absent between these two."""
