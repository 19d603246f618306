"""Collected documents in the casebook: when and where each was met, and what was found in it.

Offered by a casebook as `casebook.captures`. Every method is one transaction.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection, select

from arien_flows.casebook import capture_reading as reading
from arien_flows.casebook import capture_writing as writing
from arien_flows.casebook.capture_deriving import derive, derived_from
from arien_flows.casebook.capture_reading import Listed, Payee
from arien_flows.casebook.capture_records import (
    Capture,
    CaptureCounts,
    CaptureFilter,
    Derived,
    NewBatch,
    NewDocument,
    NewRefusal,
    Reading,
    StoredReading,
)
from arien_flows.casebook.capture_tables import captures
from arien_flows.casebook.capture_writing import CaptureKey, Fate, PartWriter
from arien_flows.casebook.records import Withdrawal
from arien_flows.errors import NotFoundError

Answer = TypeVar("Answer")


class Asking(Protocol):
    """Asks a casebook; of one that does not exist yet the other answer is returned."""

    def __call__(self, question: Callable[[Connection], Answer], otherwise: Answer, /) -> Answer:
        """Return what the question says of the casebook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the casebook knows of a document that is offered."""

    is_withdrawn: bool
    captures: dict[CaptureKey, tuple[int, str]]
    """Number of each capture, and which rules read it last."""


_UNKNOWN = Known(is_withdrawn=False, captures={})


class Captures:
    """The collected documents of one casebook."""

    def __init__(
        self, read: Asking, writing: Callable[[], AbstractContextManager[Connection]]
    ) -> None:
        self._read = read
        self._writing = writing

    # --- writing

    def begin(self, batch: NewBatch) -> int:
        """Begin a batch, and return its number."""
        with self._writing() as connection:
            return writing.begin_batch(connection, batch)

    def keep(
        self,
        batch: int,
        documents: Sequence[NewDocument],
        refusals: Sequence[NewRefusal],
        *,
        now: datetime,
        by: str,
        also: Callable[[Connection], None] = lambda _connection: None,
    ) -> list[list[Fate]]:
        """Keep documents, their captures and what was found; return what became of each capture.

        `also` is called in the same transaction, after everything was written.
        """
        with self._writing() as connection:
            part = PartWriter(connection, batch, now, by)
            fates = [part.document(each) for each in documents]
            for refusal in refusals:
                part.refusal(refusal)
            part.write()
            also(connection)
            return fates

    def settle(
        self,
        batch: int | None,
        readings: Sequence[tuple[int, Reading]],
        sha256s: Iterable[str],
        *,
        now: datetime,
        by: str,
        reason: str,
    ) -> list[Derived]:
        """Take other readings of captures into a batch, and make the tags that rest on them.

        The tags of the documents that are named are made as well, where they are not.
        """
        with self._writing() as connection:
            touched = {
                number
                for sha256 in sha256s
                if (number := writing.document_number(connection, sha256)) is not None
            }
            if readings and batch is not None:
                part = PartWriter(connection, batch, now, by)
                numbers = [capture for capture, _ in readings]
                held = {each.id: each for each in reading.captures_numbered(connection, numbers)}
                for capture, made in readings:
                    part.read_again(held[capture], made)
                part.write()
                wanted = select(captures.c.document_id).where(captures.c.id.in_(numbers))
                touched.update(connection.execute(wanted).scalars())
            return derive(connection, touched, now=now, by=by, reason=reason)

    def withdraw(self, sha256: str, *, reason: str, now: datetime, by: str) -> list[Derived]:
        """Take a document out of effect, and with it the tags that rest on it.

        Nothing is deleted. `NotFoundError` where no listing has that hash.
        """
        withdrawal = Withdrawal(reason=reason, withdrawn_at=now, withdrawn_by=by)
        with self._writing() as connection:
            number = writing.withdraw_document(connection, sha256, withdrawal)
            why = f"the document {sha256} was withdrawn: {reason}"
            return derive(connection, [number], now=now, by=by, reason=why)

    # --- reading

    def known(self, sha256: str, first: int, last: int) -> Known:
        """Return what is known of a document that is offered, of parts from `first` to `last`."""

        def ask(connection: Connection) -> Known:
            number = writing.document_number(connection, sha256)
            if number is None:
                return _UNKNOWN
            return Known(
                is_withdrawn=writing.is_withdrawn(connection, number),
                captures=writing.known_captures(connection, number, first, last),
            )

        return self._read(ask, _UNKNOWN)

    def page(
        self, wanted: CaptureFilter, after: int, limit: int
    ) -> list[tuple[Capture, CaptureCounts]]:
        """Return at most `limit` captures with what was found, beginning after a number."""
        return self._read(lambda it: reading.page(it, wanted, after, limit), [])

    def of(self, wanted: CaptureFilter) -> list[Capture]:
        """Return all captures that are wanted, in the order of their time."""
        return self._read(lambda it: reading.captures_of(it, wanted), [])

    def readings(self, capture_ids: Sequence[int]) -> list[StoredReading]:
        """Return all readings of captures."""
        return self._read(lambda it: reading.readings_of(it, capture_ids), [])

    def sites(self, addresses: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return the sites on which addresses stand."""
        return self._read(lambda it: reading.sites_of(it, addresses), {})

    def numbered(self, capture_ids: Sequence[int]) -> list[Capture]:
        """Return captures by their numbers."""
        return self._read(lambda it: reading.captures_numbered(it, capture_ids), [])

    def batch(self, number: int) -> NewBatch:
        """Return what was said of a batch; `NotFoundError` where there is none of that number."""
        found = self._read(lambda it: reading.read_batch(it, number), None)
        if found is None:
            raise NotFoundError(f"there is no batch {number} of listings")
        return found

    def documents_beginning(self, sha256: str) -> list[str]:
        """Return the hashes of collected documents that begin so, at most two."""
        return self._read(lambda it: reading.documents_beginning(it, sha256), [])

    def tag_imports(self, sha256s: Sequence[str]) -> list[int]:
        """Return the imports of tags in effect that rest on documents."""
        return self._read(lambda it: derived_from(it, sha256s), [])

    def refusals(self, batch: int) -> list[NewRefusal]:
        """Return what a batch offered and was not read."""
        return self._read(lambda it: reading.refusals_of(it, batch), [])

    def with_addresses(self, addresses: Iterable[str]) -> list[int]:
        """Return the captures in effect in which one of the addresses stands."""
        return self._read(lambda it: reading.captures_with(it, addresses), [])

    def listed(self, listings: Iterable[str]) -> list[Listed]:
        """Return the captures of listings that were read and are in effect."""
        return self._read(lambda it: reading.listed_of(it, listings), [])

    def holding(self, places: Iterable[tuple[str, int]]) -> list[int]:
        """Return the captures in effect that hold bytes: of which document, and the first one."""
        return self._read(lambda it: reading.captures_holding(it, places), [])

    def payees(self, listings: Iterable[str], roles: Sequence[str]) -> list[Payee]:
        """Return the addresses that captures of listings show in some roles."""
        return self._read(lambda it: reading.payees_of(it, listings, roles), [])
