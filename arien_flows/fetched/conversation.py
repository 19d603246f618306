"""One run's conversation with its source: how much it may ask, and where the answers go."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from arien_flows.fetched.archive import Archive
from chains.errors import RequestBudgetError
from chains.exchange import Exchange

RESERVE = 4
"""Requests held back to see, at the end, that the chain is still the one that was described."""


class Conversation:
    """Counts the requests of a run and keeps the answers. Safe to share between threads."""

    def __init__(self, archive: Archive, budget: int) -> None:
        """Allow `budget` requests."""
        self.budget = budget
        self._archive = archive
        self._lock = Lock()
        self._made = 0
        self._reserve = RESERVE

    @property
    def made(self) -> int:
        """How many requests were made so far."""
        with self._lock:
            return self._made

    @property
    def left(self) -> int:
        """How many more may be made."""
        with self._lock:
            return max(0, self.budget - self._reserve - self._made)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Release the reserve while the final check is made."""
        with self._lock:
            self._reserve = 0
        try:
            yield
        finally:
            with self._lock:
                self._reserve = RESERVE

    def allow(self) -> None:
        """Count one request; `RequestBudgetError` where no more may be made."""
        with self._lock:
            if self._made >= self.budget - self._reserve:
                raise RequestBudgetError(
                    f"the budget of {self.budget:,} requests is used up; what was fetched is kept"
                )
            self._made += 1

    def keep(self, exchange: Exchange) -> None:
        """Keep an answer in the archive."""
        self._archive.keep(exchange)
