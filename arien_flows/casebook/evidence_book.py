"""The evidence chain as the rest of the program uses it: `casebook.evidence`."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import Connection

from arien_flows.casebook import evidence
from arien_flows.casebook.evidence import EvidenceKind, EvidenceRow, Head
from arien_flows.casebook.evidence_verify import EvidenceVerification, Report, verify

Connect = Callable[[], AbstractContextManager[Connection]]


class EvidenceBook:
    """The chain of one casebook. `NotFoundError` where there is no casebook yet."""

    def __init__(self, name: str, reading: Connect, writing: Connect) -> None:
        self._name = name
        self._reading = reading
        self._writing = writing

    def head(self, before: datetime | None = None) -> Head:
        """Return the last row, or the last one that was recorded before a moment."""
        with self._reading() as connection:
            return evidence.head(connection, before)

    def page(
        self, *, after: int = 0, limit: int, kind: EvidenceKind | None = None
    ) -> list[EvidenceRow]:
        """Return rows in their order, beginning after a number."""
        with self._reading() as connection:
            return evidence.page(connection, after=after, limit=limit, kind=kind)

    def record(
        self, kind: EvidenceKind, payload: Mapping[str, object], *, at: datetime, by: str
    ) -> Head:
        """Append a row in a transaction of its own, for acts that write nothing else."""
        with self._writing() as connection:
            return evidence.record(connection, kind, payload, at=at, by=by)

    def secret_viewed(
        self, *, document_sha256: str, begin: int, end: int, reason: str, at: datetime, by: str
    ) -> Head:
        """Record that somebody is about to look at a document where it holds keys or the like.

        `begin` and `end` are the bytes from the first of them to the last; `reason` says how and
        why he looks. To be called before anything is shown.
        """
        place = {"document_sha256": document_sha256, "begin": begin, "length": end - begin}
        return self.record(EvidenceKind.SECRET_VIEWED, place | {"reason": reason}, at=at, by=by)

    def verify(
        self,
        *,
        expected: tuple[int, str] | None = None,
        report: Report = lambda _what, _done, _total: None,
    ) -> EvidenceVerification:
        """Check the chain, all documents, and the rows of today against what was recorded."""
        with self._reading() as connection:
            return verify(connection, self._name, expected=expected, report=report)
