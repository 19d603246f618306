"""When a message is sent again: the schedule of the Standard Webhooks, with some randomness.

Ten attempts over three days. A delay counts from the attempt before. To it up to a tenth is added
at random, so that receivers that were away are not all called in one moment. A receiver that says
`Retry-After` (RFC 9110 §10.2.3) is given that time, up to a day, and never less than its place in
the schedule.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

DELAYS_SECONDS = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Before each attempt, the first included."""

JITTER = 0.1
MOST_WAIT = timedelta(days=1)

GIVE_UP = timedelta(days=3)
"""A receiver to which every attempt of so long failed is not called any more."""


def next_try(tries: int, now: datetime, retry_after: str, chance: float) -> datetime | None:
    """Return when to try again after `tries` attempts that failed; nothing after the last one.

    `chance` is a random number from 0 to 1.
    """
    if tries >= len(DELAYS_SECONDS):
        return None
    planned = timedelta(seconds=DELAYS_SECONDS[tries] * (1 + JITTER * chance))
    return now + max(planned, min(_asked_for(retry_after, now), MOST_WAIT))


def _asked_for(text: str, now: datetime) -> timedelta:
    """Return how long a receiver wants to be left alone; nothing for what cannot be read."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), int(MOST_WAIT.total_seconds())))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return timedelta(0)
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return moment - now
