"""Writing captures and what was found in them, in bulk, and never twice.

The same bytes are one document; the same part of it, met at the same address and the same time, is
one capture. A capture that the same rules read before is left alone; newer rules add a reading that
speaks in the place of the older one, which stays.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Table, func, insert, select

from arien_flows.casebook import capture_evidence as evidence
from arien_flows.casebook.capture_evidence import Sighted
from arien_flows.casebook.capture_records import (
    Capture,
    Finding,
    FoundSecret,
    NewBatch,
    NewCapture,
    NewDocument,
    NewRefusal,
    Reading,
)
from arien_flows.casebook.capture_tables import (
    capture_batches,
    capture_parts,
    capture_refusals,
    captures,
    document_withdrawals,
    extractions,
    findings,
    found_secrets,
)
from arien_flows.casebook.documents import keep_document
from arien_flows.casebook.models import documents
from arien_flows.casebook.records import Withdrawal
from arien_flows.casebook.rows import next_number, write_rows
from arien_flows.errors import InputError, NotFoundError

Fate = Literal["new", "read_anew", "known", "withdrawn"]
"""What became of a capture that was offered: `known` where nothing was written."""

CaptureKey = tuple[int, str, datetime, str | None]
"""What tells captures of one document apart: first byte, listing, time, address."""


class PartWriter:
    """Collects the rows of one transaction, and writes them together."""

    def __init__(self, connection: Connection, batch: int, now: datetime, by: str) -> None:
        self._connection = connection
        self._batch, self._now, self._by = batch, now, by
        self._collector = connection.execute(
            select(capture_batches.c.collector).where(capture_batches.c.id == batch)
        ).scalar_one()
        self.number = next_number(connection, capture_parts)
        connection.execute(
            insert(capture_parts).values(
                id=self.number, batch_id=batch, written_at=now, written_by=by
            )
        )
        self._next = {
            table.name: next_number(connection, table)
            for table in (captures, extractions, findings, found_secrets, capture_refusals)
        }
        self._rows: dict[str, list[dict[str, object]]] = {}
        self._found: list[tuple[Sighted, Sequence[Finding], Sequence[FoundSecret]]] = []

    def document(self, document: NewDocument) -> list[Fate]:
        """Take a document with its captures; return what became of each."""
        number = keep_document(
            self._connection,
            document.raw,
            document.sha256,
            name=document.name,
            media_type=document.media_type,
            imported_at=self._now,
            imported_by=self._by,
        )
        if is_withdrawn(self._connection, number):
            return ["withdrawn"] * len(document.captures)
        begins = [each.begin for each in document.captures]
        known = known_captures(self._connection, number, min(begins), max(begins))
        return [self._capture(number, document, each, known) for each in document.captures]

    def read_again(self, capture: Capture, reading: Reading) -> None:
        """Take another reading of a capture that is kept."""
        sighted = Sighted(
            capture=capture.id,
            document_sha256=capture.document_sha256,
            media_type=capture.media_type,
            url=capture.url,
            captured_at=capture.captured_at,
            clock=capture.clock,
            collector=capture.collector,
            extractor=reading.extractor,
        )
        self._reading(capture.id, sighted, reading)

    def _reading(self, capture: int, sighted: Sighted, reading: Reading) -> None:
        if reading.findings or reading.secrets:
            self._found.append((sighted, reading.findings, reading.secrets))
        extraction = self._take(extractions)
        self._add(
            extractions.name,
            id=extraction,
            part_id=self.number,
            capture_id=capture,
            extractor=reading.extractor,
            reason=reading.reason,
            cut="\n".join(reading.cut),
        )
        for found in reading.findings:
            self._add(
                findings.name,
                id=self._take(findings),
                part_id=self.number,
                extraction_id=extraction,
                network=found.network,
                networks=" ".join(found.networks),
                address=found.address,
                form=found.form,
                first_byte=found.begin,
                end_byte=found.end,
                rules=" ".join(found.rules),
                factor=found.factor,
                role=found.role,
                role_rule=found.role_rule,
                role_first_byte=found.role_begin,
                role_end_byte=found.role_end,
                attributes=found.attributes,
                owner=found.owner,
                confidence=found.confidence,
                note=found.note,
            )
        for secret in reading.secrets:
            self._add(
                found_secrets.name,
                id=self._take(found_secrets),
                part_id=self.number,
                extraction_id=extraction,
                kind=secret.kind,
                first_byte=secret.begin,
                end_byte=secret.end,
            )

    def refusal(self, refusal: NewRefusal) -> None:
        """Take down what was not read."""
        self._add(
            capture_refusals.name,
            id=self._take(capture_refusals),
            part_id=self.number,
            path=refusal.path,
            reason=refusal.reason,
        )

    def write(self) -> None:
        """Write everything that was taken."""
        for table in (captures, extractions, findings, found_secrets, capture_refusals):
            write_rows(self._connection, table, self._rows.get(table.name, []))
        evidence.found(self._connection, self._found, at=self._now, by=self._by)
        counts = {name: len(rows) for name, rows in self._rows.items()}
        evidence.part_written(
            self._connection, self.number, self._batch, counts, self._now, self._by
        )

    def _capture(
        self,
        number: int,
        document: NewDocument,
        capture: NewCapture,
        known: dict[CaptureKey, tuple[int, str]],
    ) -> Fate:
        before = known.get(capture.key)
        if before is not None:
            if capture.reading is None or before[1] == capture.reading.extractor:
                return "known"
            self._reading(before[0], self._sighted(before[0], document, capture), capture.reading)
            known[capture.key] = before[0], capture.reading.extractor
            return "read_anew"
        made = self._take(captures)
        self._add(
            captures.name,
            id=made,
            part_id=self.number,
            document_id=number,
            first_byte=capture.begin,
            end_byte=capture.end,
            path=capture.path,
            listing=capture.listing,
            site=capture.site,
            market=capture.market,
            url=capture.url,
            captured_at=capture.captured_at,
            clock=capture.clock,
            note=capture.note,
        )
        if capture.reading is not None:
            self._reading(made, self._sighted(made, document, capture), capture.reading)
            known[capture.key] = made, capture.reading.extractor
        return "new"

    def _sighted(self, number: int, document: NewDocument, capture: NewCapture) -> Sighted:
        return Sighted(
            capture=number,
            document_sha256=document.sha256,
            media_type=document.media_type,
            url=capture.url,
            captured_at=capture.captured_at,
            clock=capture.clock,
            collector=self._collector,
            extractor="" if capture.reading is None else capture.reading.extractor,
        )

    def _take(self, table: Table) -> int:
        number = self._next[table.name]
        self._next[table.name] = number + 1
        return number

    def _add(self, name: str, **row: object) -> None:
        self._rows.setdefault(name, []).append(row)


def begin_batch(connection: Connection, batch: NewBatch) -> int:
    """Write down a batch, and return its number."""
    number = next_number(connection, capture_batches)
    connection.execute(
        insert(capture_batches).values(
            id=number,
            name=batch.name,
            collector=batch.collector,
            market=batch.market,
            network=batch.network,
            options=batch.options,
            imported_at=batch.imported_at,
            imported_by=batch.imported_by,
        )
    )
    evidence.batch_begun(connection, number, batch)
    return number


def known_captures(
    connection: Connection, document: int, first: int, last: int
) -> dict[CaptureKey, tuple[int, str]]:
    """Return the captures of a document's parts that begin at bytes `first` to `last`.

    Each with its number and which rules read it last.
    """
    meant = (captures.c.document_id == document, captures.c.first_byte.between(first, last))
    latest = (
        select(extractions.c.capture_id, func.max(extractions.c.id).label("id"))
        .join(captures, captures.c.id == extractions.c.capture_id)
        .where(*meant)
        .group_by(extractions.c.capture_id)
        .subquery()
    )
    wanted = (
        select(
            captures.c.id,
            captures.c.first_byte,
            captures.c.listing,
            captures.c.captured_at,
            captures.c.url,
            extractions.c.extractor,
        )
        .join(latest, latest.c.capture_id == captures.c.id)
        .join(extractions, extractions.c.id == latest.c.id)
        .where(*meant)
    )
    return {
        (row.first_byte, row.listing, row.captured_at, row.url): (row.id, row.extractor)
        for row in connection.execute(wanted)
    }


def document_number(connection: Connection, sha256: str) -> int | None:
    """Return the row of a document; nothing where the casebook does not hold it."""
    return connection.execute(select(documents.c.id).where(documents.c.sha256 == sha256)).scalar()


def is_withdrawn(connection: Connection, document: int) -> bool:
    """Tell whether a document was taken out of effect."""
    wanted = select(document_withdrawals.c.document_id).where(
        document_withdrawals.c.document_id == document
    )
    return connection.execute(wanted).scalar() is not None


def withdraw_document(connection: Connection, sha256: str, withdrawal: Withdrawal) -> int:
    """Take a document out of effect; return its row. Its bytes and findings are kept."""
    number = document_number(connection, sha256)
    wanted = select(captures.c.id).where(captures.c.document_id == number).limit(1)
    if number is None or connection.execute(wanted).scalar() is None:
        raise NotFoundError(
            f"no listing has the SHA-256 {sha256}: `arien-flows listings list` lists them"
        )
    if is_withdrawn(connection, number):
        raise InputError(f"the document {sha256} was withdrawn before")
    connection.execute(
        insert(document_withdrawals).values(
            document_id=number,
            reason=withdrawal.reason,
            withdrawn_at=withdrawal.withdrawn_at,
            withdrawn_by=withdrawal.withdrawn_by,
        )
    )
    evidence.document_withdrawn(connection, number, sha256, withdrawal)
    return number
