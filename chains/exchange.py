"""What is kept of every conversation with a source: the question, the answer's bytes, the time.

An answer of an upstream server is evidence: an expert of the other side may want to see the very
bytes, and from whom and when they came. So sources hand every exchange to a recorder. The same
object says beforehand whether another request may be made, which is how a budget of requests is
kept exactly, whatever runs in parallel.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One answered request."""

    source: str
    """Name of the source, without secrets."""

    request: str
    """What was asked, in the protocol's own words and without secrets: `GET /tx/…`."""

    answer: bytes
    """The answer as it arrived."""

    received_at: datetime
    """By this machine's clock, UTC."""


class Recorder(Protocol):
    """Counts and keeps exchanges. Called from several threads at once."""

    def allow(self) -> None:
        """Count one request; `RequestBudgetError` where no more may be made.

        Called before each request is sent, repetitions after a failure included.
        """
        ...

    def keep(self, exchange: Exchange) -> None:
        """Keep an answered request."""
        ...


class NoRecorder:
    """Keeps nothing and allows everything: for sources whose answers are stored as a ledger."""

    def allow(self) -> None:
        """Do nothing."""

    def keep(self, exchange: Exchange) -> None:
        """Do nothing."""
