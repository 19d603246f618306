"""Which price holds at a moment, from all tables that there are for an asset and a currency.

Tables are asked in a fixed order: the finest first, of equally fine ones the one that was imported
last; where it has no price in force the next one is asked, so that a newer file supersedes an
older one and what only the older one covers stays known.

Where no table states the price in the wanted currency, one in another currency is converted by a
table of exchange rates, read in either direction (a table of dollars per euro is divided by). Such
a price is *derived*: it has 18 digits, rounded half to even, and both of its steps stand beside it.
So every rate is a number with finitely many digits, and a value is the product of the amount and
of the very rate that is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np

from arien_flows.prices.table import PriceTable
from chains.types import Int64Array

DERIVED_DIGITS = 18

_DERIVING = Context(prec=DERIVED_DIGITS, rounding=ROUND_HALF_EVEN)
"""Products and quotients are rounded once."""

_NAMES = 4
"""Columns that name a rate: a table and its point, twice; -1 for no second step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A point of a table, as it enters a rate."""

    table: PriceTable
    time: int
    """Of the point, in seconds since 1970."""

    price: str
    """As the table states it: units of its currency for one of its asset."""

    is_divisor: bool = False
    """The table states the inverse: its price is divided by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What one unit of an asset was worth."""

    price: Decimal
    """In the wanted currency; exactly as stated, or derived."""

    steps: tuple[Step, ...]
    """One, or two where the price is derived."""

    @property
    def text(self) -> str:
        """The price as a plain decimal number."""
        shown = f"{self.price:f}"
        return shown.rstrip("0").rstrip(".") if "." in shown else shown


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rates:
    """The rates of many moments."""

    rates: tuple[Rate, ...]
    """Those that occur, each once."""

    place: Int64Array
    """The rate of each moment in `rates`; -1 where none is in force."""

    tables: tuple[PriceTable, ...]
    """Those that the rates are from, in the order in which they were asked: a book of these alone
    gives the same rates."""


class PriceBook:
    """All that is known of an asset's price in a currency."""

    def __init__(self, asset: str, currency: str, tables: Sequence[PriceTable]) -> None:
        """Take tables in the order in which they are asked; those of other assets are ignored."""
        self.asset = asset
        self.currency = currency
        self.tables = tuple(tables)
        self._ways = tuple(_ways(asset, currency, self.tables))

    @property
    def is_empty(self) -> bool:
        """Whether no price could ever be found."""
        return not self._ways

    def rates(self, moments: Int64Array) -> Rates:
        """Return the rate in force at each moment, in seconds since 1970."""
        found = np.full((len(moments), _NAMES), -1, np.int64)
        waiting = np.arange(len(moments))
        for first, second in self._ways:
            if not len(waiting):
                break
            point = self.tables[first].find(moments[waiting])
            other = np.zeros_like(point)
            if second >= 0:
                other = self.tables[second].find(moments[waiting])
            known = (point >= 0) & (other >= 0)
            rows = waiting[known]
            found[rows, 0], found[rows, 1] = first, point[known]
            if second >= 0:
                found[rows, 2], found[rows, 3] = second, other[known]
            waiting = waiting[~known]
        distinct, place = np.unique(found, axis=0, return_inverse=True)
        place = place.reshape(-1)
        # Rows without a rate are all -1, and sort before all others.
        without = int(len(distinct) > 0 and distinct[0, 0] < 0)
        rates = tuple(self._rate(*row) for row in distinct[without:].tolist())
        used = np.unique(distinct[without:, ::2]).tolist()
        return Rates(
            rates=rates,
            place=place.astype(np.int64) - without,
            tables=tuple(self.tables[number] for number in used if number >= 0),
        )

    def _rate(self, first: int, point: int, second: int, other: int) -> Rate:
        table = self.tables[first]
        start = _step(table, point, is_divisor=table.asset != self.asset)
        if second < 0:
            price = _derived(Decimal(1), start) if start.is_divisor else Decimal(start.price)
            return Rate(price=price, steps=(start,))
        table = self.tables[second]
        end = _step(table, other, is_divisor=table.asset == self.currency)
        return Rate(price=_derived(Decimal(start.price), end), steps=(start, end))


def _ways(asset: str, currency: str, tables: Sequence[PriceTable]) -> list[tuple[int, int]]:
    """Return tables, or pairs of them, that give a price, in the order in which they are asked."""
    stating = [i for i, table in enumerate(tables) if table.asset == asset]
    direct = [(i, -1) for i in stating if tables[i].currency == currency]
    direct += [
        (i, -1)
        for i, table in enumerate(tables)
        if (table.asset, table.currency) == (currency, asset)
    ]
    converted = [
        (i, j)
        for i in stating
        if tables[i].currency not in (currency, asset)
        for j, rate in enumerate(tables)
        if {rate.asset, rate.currency} == {tables[i].currency, currency}
    ]
    return direct + converted


def _step(table: PriceTable, point: int, *, is_divisor: bool) -> Step:
    return Step(
        table=table,
        time=int(table.times[point]),
        price=table.prices[point],
        is_divisor=is_divisor,
    )


def _derived(price: Decimal, step: Step) -> Decimal:
    rate = Decimal(step.price)
    return _DERIVING.divide(price, rate) if step.is_divisor else _DERIVING.multiply(price, rate)
