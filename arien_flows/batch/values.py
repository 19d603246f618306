"""What the cells of a row say beside the address: amounts, moments, limits and choices.

Amounts are written as `--min-value` takes them: a whole number is base units (`150000` satoshi), a
number with a unit is coins (`0.0015BTC`, `0.2ETH`). Neither is read through a float, so both are
exact; a number with a point and without a unit is refused, because it may mean either. Moments are
dates, or have a time zone; a bare date in `to` means its last second.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from arien_flows.amounts import asset_of
from arien_flows.batch.rows import Direction, Method

MOST_HOPS = 1_000
MOST_BASE_UNITS = 2**256 - 1
"""No token can have more."""

DIRECTIONS: Mapping[str, Direction] = {
    **dict.fromkeys(("forward", "forwards", "out", "vorwarts", "vorwaerts", "adelante", "avant",
                     "enavant", "haciaadelante"), "forward"),
    **dict.fromkeys(("backward", "backwards", "in", "back", "ruckwarts", "rueckwaerts", "zuruck",
                     "zurueck", "atras", "haciaatras", "arriere", "enarriere"), "backward"),
    **dict.fromkeys(("both", "beide", "beides", "lesdeux", "deux", "ambos", "ambas"), "both"),
}  # fmt: skip
METHODS: Mapping[str, Method] = {
    "fifo": "fifo", "lifo": "lifo", "haircut": "haircut", "poison": "poison", "tiho": "tiho",
    "seniority": "seniority",
}  # fmt: skip

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DOTTED_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_WHOLE = re.compile(r"[0-9]{1,78}")
_COINS = re.compile(r"([0-9]{1,60})(?:\.([0-9]{1,18}))?\s*([a-z]{3,4})", re.IGNORECASE)


class BadValue(NamedTuple):
    """Why a cell cannot be understood, and what may have been meant."""

    detail: str
    suggestion: str = ""


def moment(text: str, *, end_of_day: bool) -> datetime | BadValue:
    """Return the moment that a cell names, in UTC."""
    try:
        if _DATE.fullmatch(text):
            clock = time(23, 59, 59) if end_of_day else time()
            return datetime.combine(date.fromisoformat(text), clock, tzinfo=UTC)
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            return BadValue("the time lacks a time zone: Z is UTC", f"{text}Z")
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        detail = "this is not a time: write 2026-03-01 or 2026-03-01T14:30:00Z"
        return BadValue(detail, _dotted(text))


def _dotted(text: str) -> str:
    found = _DOTTED_DATE.fullmatch(text)
    if found is None:
        return ""
    try:
        return date(int(found[3]), int(found[2]), int(found[1])).isoformat()
    except ValueError:
        return ""


def amount(text: str, network: str) -> int | BadValue:
    """Return an amount in base units of a network's coin, or as it stands where it has no unit."""
    asset = asset_of(network)
    if _WHOLE.fullmatch(text):
        value = int(text)
    else:
        found = _COINS.fullmatch(text)
        if found is None:
            return BadValue(
                "this is not an amount: write whole base units (150000), or coins "
                f"(0.01{asset.name})"
            )
        whole, fraction, unit = found[1], found[2] or "", found[3]
        if unit.casefold() not in (asset.name.casefold(), asset.name.casefold().lstrip("t")):
            return BadValue(f"the amount is not one of {asset.name}, the coin of {network}")
        if len(fraction) > asset.decimals:
            return BadValue(f"{asset.name} has {asset.decimals} digits after the point, not more")
        value = int(whole) * 10**asset.decimals + int(fraction.ljust(asset.decimals, "0") or "0")
    return value if value <= MOST_BASE_UNITS else BadValue("no asset has so many base units")


def hops(text: str) -> int | BadValue:
    """Return how many transactions a trace may go."""
    if re.fullmatch(r"[0-9]{1,4}", text) and 1 <= int(text) <= MOST_HOPS:
        return int(text)
    return BadValue(f"this is not a number of hops: write one from 1 to {MOST_HOPS:,}")
