"""Amounts and moments as people type them."""

import re
from datetime import UTC, date, datetime, time

from arien_flows.errors import InputError

_WHOLE = re.compile(r"[0-9]{1,16}")
_COINS = re.compile(r"([0-9]{1,8})(?:\.([0-9]{1,8}))?\s*t?btc", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def satoshi(text: str) -> int:
    """Return an amount in satoshi: `150000` is satoshi, `0.0015BTC` is coins."""
    if _WHOLE.fullmatch(text):
        return int(text)
    coins = _COINS.fullmatch(text)
    if coins is None:
        raise InputError(
            f"{text!r} is not an amount: write whole satoshi (150000), or coins (0.0015BTC)"
        )
    whole, fraction = coins.groups()
    return int(whole) * 100_000_000 + int((fraction or "").ljust(8, "0"))


def moment(text: str, *, end_of_day: bool = False) -> datetime:
    """Return a moment; a bare date means its beginning in UTC, or its last second."""
    try:
        if _DATE.fullmatch(text):
            clock = time(23, 59, 59) if end_of_day else time()
            return datetime.combine(date.fromisoformat(text), clock, tzinfo=UTC)
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"{text!r} is not a time: write 2026-03-01 or 2026-03-01T14:30:00Z"
        ) from error
    if found.tzinfo is None:
        raise InputError(f"{text!r} lacks a time zone: write {text}Z for UTC")
    return found
