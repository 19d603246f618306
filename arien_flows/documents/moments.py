"""Moments as documents write them, where they can be those of a capture."""

import re
from datetime import UTC, datetime

EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
"""Before Bitcoin's first block nothing was captured that matters here: a clock was wrong."""

_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d{1,9})?\s*(Z|UTC|[+-]\d\d:?\d\d)?)?",
    re.IGNORECASE,
)


def moment_of(text: str) -> datetime | None:
    """Return a moment written in ISO 8601, UTC where no zone is named.

    Nothing for other text, and for moments before `EARLIEST`.
    """
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return None
    day, time, zone = found.groups()
    offset = "+00:00" if zone is None or zone.upper() in ("Z", "UTC") else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{time or '00:00'}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment >= EARLIEST else None
