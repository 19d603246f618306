"""Do payments match a price list? Single orders, valued at the time of the order.

A receipt of a single order, the commission added back, is compared with one, two, ... pieces of
every line of the list, in the list's own currency, at the price of the coin when the order was
paid. It matches where it is within a few permille of one of them. Lists in coins need no price.

A long list has a price near any amount, so the same receipts are also compared with the list as it
would be if all its prices were other by a common factor. The mean share of matches over such lists
is what chance gives; where it is high the list tells nothing, and the item stays undecided.

Fails where buyers pay fees or shipping on top, where lists were others at the time, and for
payouts of balances, which are sums over orders and must be left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np

from arien_flows.prices.rates import PriceBook
from arien_flows.vendors.chain_policy import VendorPolicy
from chains.bitcoin.networks import COIN_SAT
from chains.types import BoolArray, Int64Array

UNITS = 100_000_000
"""Values are whole numbers of this part of a currency's unit, or of a coin."""

SHIFTS = (70, 74, 78, 82, 86, 90, 94, 106, 110, 114, 118, 122, 126, 130)
"""Percent to which lists are shifted to see what chance gives."""

MOST_RECEIPTS = 20_000
MOST_LINES = 2_000
LARGEST_VALUE = 10**10
"""Of one line, in the currency's units."""

_LARGEST_EXPECTED = 2 * LARGEST_VALUE * UNITS
"""Beyond it an expected value is left out: shifted lines stay below, several of the largest do not.
"""

_LARGEST_WORTH = 2 * _LARGEST_EXPECTED
"""A receipt of more is taken for one of so much, which is near to nothing that is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPrice:
    """A line of a price list."""

    amount: Decimal
    """For one piece; positive."""

    currency: str
    """Three letters, or the coin's name."""

    document: str
    """SHA-256 of the document that shows it."""


@dataclass(frozen=True, kw_only=True)
class OrderReceipts:
    """What a seller received for single orders; arrays in chain order."""

    output: Int64Array
    value_sat: Int64Array
    commission_ppm: Int64Array
    """What the market kept of each order, in millionths."""

    order_time: Int64Array
    """When the buyer paid, in seconds since 1970."""

    def __len__(self) -> int:
        return len(self.output)


@dataclass(frozen=True, kw_only=True)
class PriceMatch:
    """How many receipts match a list."""

    receipts: int
    """Those that could be compared."""

    matched: BoolArray
    """Of the receipts that were given."""

    compared: BoolArray
    by_chance_percent: int
    """Mean share of matches with shifted lists, rounded up."""

    unpriced: int
    """Receipts without a price of the coin at their time."""

    cut: int
    """Receipts and lines that were not looked at."""

    @property
    def matches(self) -> int:
        """Receipts that match."""
        return int(np.count_nonzero(self.matched))


def match_prices(
    receipts: OrderReceipts,
    prices: Sequence[ListedPrice],
    coin: str,
    books: Mapping[str, PriceBook],
    policy: VendorPolicy,
) -> PriceMatch:
    """Compare receipts with a list; `books` hold the coin's price by currency."""
    kept = min(len(receipts), MOST_RECEIPTS)
    first = len(receipts) - kept
    lines = sorted({(line.currency, line.amount) for line in prices})
    matched = np.zeros(len(receipts), dtype=np.bool_)
    compared = np.zeros(len(receipts), dtype=np.bool_)
    by_shift = {shift: matched.copy() for shift in SHIFTS}
    for currency in sorted({currency for currency, _ in lines}):
        wanted = np.array(
            [_units(amount) for name, amount in lines[:MOST_LINES] if name == currency], np.int64
        )
        values = _values(receipts, currency, coin, books)
        values[:first] = -1
        known = values >= 0
        compared |= known
        matched |= known & _near(values, wanted, policy)
        for shift in SHIFTS:
            by_shift[shift] |= known & _near(values, _times(wanted, shift, 100), policy)
    count = int(np.count_nonzero(compared))
    chance = sum(int(np.count_nonzero(each)) for each in by_shift.values())
    return PriceMatch(
        receipts=count,
        matched=matched,
        compared=compared,
        by_chance_percent=-(-100 * chance // (count * len(SHIFTS))) if count else 0,
        unpriced=kept - count,
        cut=first + max(0, len(lines) - MOST_LINES),
    )


def _units(amount: Decimal) -> int:
    if not 0 < amount <= LARGEST_VALUE:
        raise ValueError("a listed price is positive and no larger than 10,000,000,000")
    return max(1, int((amount * UNITS).to_integral_value(ROUND_HALF_EVEN)))


def _values(
    receipts: OrderReceipts, currency: str, coin: str, books: Mapping[str, PriceBook]
) -> Int64Array:
    """Return what each order was worth before commission; -1 where no price is known."""
    left = 1_000_000 - receipts.commission_ppm
    gross = [
        value * 1_000_000 // part
        for value, part in zip(receipts.value_sat.tolist(), left.tolist(), strict=True)
    ]
    if currency == coin:
        return np.array([min(sat * (UNITS // COIN_SAT), _LARGEST_WORTH) for sat in gross], np.int64)
    if currency not in books:
        return np.full(len(receipts), -1, np.int64)
    rates = books[currency].rates(receipts.order_time)
    found = np.full(len(receipts), -1, np.int64)
    for row, (sat, place) in enumerate(zip(gross, rates.place.tolist(), strict=True)):
        if place >= 0:
            worth = Decimal(sat) * rates.rates[place].price * (UNITS // COIN_SAT)
            found[row] = min(int(worth), _LARGEST_WORTH)
    return found


def _near(values: Int64Array, wanted: Int64Array, policy: VendorPolicy) -> BoolArray:
    """Return which values are near some pieces of a price."""
    ordered = np.unique(
        np.concatenate(
            [
                wanted[wanted <= _LARGEST_EXPECTED // pieces] * pieces
                for pieces in range(1, policy.least("most_pieces") + 1)
            ]
        )
    )
    permille = policy.least("price_tolerance_permille")
    # An expected value e is near v where |v - e| * 1000 <= permille * e.
    low = -_times(-values, 1_000, 1_000 + permille)
    high = _times(values, 1_000, 1_000 - permille)
    near: BoolArray = np.searchsorted(ordered, low, side="left") < np.searchsorted(
        ordered, high, side="right"
    )
    return near


def _times(values: Int64Array, factor: int, divisor: int) -> Int64Array:
    """Return values * factor // divisor, which overflows only where the quotient itself would."""
    whole, rest = np.divmod(values, divisor)
    product: Int64Array = whole * factor + rest * factor // divisor
    return product
