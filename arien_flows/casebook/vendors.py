"""Vendors' accounts in the casebook: what documents say of them, read and written.

Offered by a casebook as `casebook.vendors`. A document that is withdrawn says nothing any more.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from arien_flows.casebook import vendor_reading as reading
from arien_flows.casebook import vendor_writing as writing
from arien_flows.casebook.vendor_records import (
    AccountName,
    AccountSummary,
    NewObservation,
    NewStatement,
    StoredAccount,
    StoredStatement,
)
from arien_flows.vendors.keys import PgpKey
from arien_flows.vendors.sightings import KeyFacts, Sighting

Answer = TypeVar("Answer")


class Asking(Protocol):
    """Asks a casebook; of one that does not exist yet the other answer is returned."""

    def __call__(self, question: Callable[[Connection], Answer], otherwise: Answer, /) -> Answer:
        """Return what the question says of the casebook."""


class Vendors:
    """The accounts that one casebook knows."""

    def __init__(self, read: Asking) -> None:
        self._read = read

    def observe(
        self,
        connection: Connection,
        observations: Sequence[NewObservation],
        statements: Sequence[NewStatement] = (),
        *,
        now: datetime,
        by: str,
    ) -> int:
        """Write what documents say, inside a writer's transaction that kept the documents.

        Returns how many observations are new; what was observed before is recognised.
        """
        return writing.observe(connection, observations, statements, now=now, by=by)

    def names(self) -> list[AccountName]:
        """Return all accounts of which documents in effect speak, by market and handle."""
        return self._read(reading.names, [])

    def summaries(self, market: str | None = None) -> list[AccountSummary]:
        """Return a line for each account, of one market or all, by market and handle."""
        return self._read(lambda it: reading.summaries(it, market), [])

    def account(self, number: int) -> StoredAccount | None:
        """Return all that documents in effect say of an account."""
        return self._read(lambda it: reading.account(it, number), None)

    def sightings(self) -> list[Sighting]:
        """Return the keys, contacts and pictures of all accounts."""
        return self._read(reading.sightings, [])

    def key_facts(self) -> dict[str, KeyFacts]:
        """Return what is known of each key, by fingerprint."""
        return self._read(reading.key_facts, {})

    def keys(self, sha256s: Iterable[str] | None = None) -> list[PgpKey]:
        """Return the keys that documents in effect show: those documents, or all."""
        return self._read(lambda it: reading.keys(it, sha256s), [])

    def activity(self) -> dict[str, list[datetime]]:
        """Return when each account was seen to be in use."""
        return self._read(reading.activity, {})

    def statements(self) -> list[StoredStatement]:
        """Return the clear-signed messages of documents in effect, verified or not."""
        return self._read(reading.statements, [])
