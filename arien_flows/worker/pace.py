"""How often workers look, and how long they hold what they took."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Intervals of a worker, in seconds."""

    idle: float = 0.25
    """Between two looks for work, where there was none."""

    lease: float = 30.0
    """How long a silent worker keeps its job."""

    renew: float = 3.0
    """Between two renewals; whether a job was cancelled is learnt then, too."""

    duty: float = 1.0
    """Between two looks for duties."""

    report: float = 0.5
    """Least time between two reports of progress."""

    grace: float = 20.0
    """How long a job may go on after the worker was told to stop."""

    last: float = 1.0
    """How long after that its code may take to notice."""

    retry: float = 10.0
    """Before the second attempt at a job that failed for a passing reason; the third waits four
    times as long."""

    held: float = 2.0
    """Before a job is tried again whose folder an earlier attempt still holds."""


PACE = Pace()
"""The intervals of ordinary work."""
