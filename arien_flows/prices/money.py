"""Exact values: an amount in base units times a rate, in a currency's smallest unit.

Products are whole numbers times a power of ten and are never cut. A value is rounded once, half to
even. **A sum is rounded once too**: it is the rounded sum of unrounded products, not the sum of
rounded values, so it may differ from what adding the shown values gives by half a cent for each of
them, and a hundred thousand coins of a tenth of a cent are a hundred euro and not nothing.

What has no price is counted beside, in base units. It is never valued at zero.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from arien_flows.amounts import Asset
from arien_flows.prices.currencies import minor_digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """The value of several amounts."""

    amount: str | None
    """Of those that have a price; nothing where there are some and none has one."""

    unpriced: int
    """Base units that have no price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """How amounts of an asset become amounts of a currency."""

    asset: Asset
    currency: str

    def value(self, base_units: int, rate: Decimal) -> str:
        """Return what an amount is worth at a rate, which is the price of one whole coin."""
        digits, power = _integer(rate)
        return self._shown(base_units * digits, power)

    def total(self, parts: Iterable[tuple[int, Decimal | None]]) -> Sum:
        """Return what amounts are worth together, each at its own rate or without one."""
        sums: dict[int, int] = {}
        unpriced, has_price = 0, False
        for base_units, rate in parts:
            if rate is None:
                unpriced += base_units
                continue
            has_price = has_price or base_units > 0
            digits, power = _integer(rate)
            sums[power] = sums.get(power, 0) + base_units * digits
        finest = min(sums, default=0)
        exact = sum(part * 10 ** (power - finest) for power, part in sums.items())
        is_unknown = unpriced > 0 and not has_price
        return Sum(amount=None if is_unknown else self._shown(exact, finest), unpriced=unpriced)

    def _shown(self, digits: int, power: int) -> str:
        """Return `digits * 10**power` base units' worth as text, rounded half to even."""
        minor = minor_digits(self.currency)
        shift = power - self.asset.decimals + minor
        whole = digits * 10**shift if shift >= 0 else _half_even(digits, 10**-shift)
        units, rest = divmod(whole, 10**minor)
        return f"{units}.{rest:0{minor}d}" if minor else str(units)


def _integer(price: Decimal) -> tuple[int, int]:
    """Return a price as a whole number and the power of ten that it is multiplied by."""
    _, digits, exponent = price.as_tuple()
    if not isinstance(exponent, int):
        raise TypeError("a price is a finite number")
    return int("".join(map(str, digits))), exponent


def _half_even(number: int, divisor: int) -> int:
    whole, rest = divmod(number, divisor)
    is_more = 2 * rest > divisor or (2 * rest == divisor and whole % 2 == 1)
    return whole + is_more
