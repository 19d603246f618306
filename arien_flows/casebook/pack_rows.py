"""From the rows of a TagPack to the rows of the casebook.

What a pack says of a hundred thousand addresses in the same words is written once, as a
statement; a tag is a subject and the statement that is made of it.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import Connection

from arien_flows.attribution.snapshot import tag_digest
from arien_flows.attribution.subjects import Subject, SubjectError, subject_of
from arien_flows.attribution.tag import Statement, Tag
from arien_flows.attribution.tagpack import TagPack
from arien_flows.casebook.models import statements, tags
from arien_flows.casebook.records import FaultyTag
from arien_flows.casebook.rows import ROWS_AT_ONCE, next_number, write_rows

Report = Callable[[int, int], None]
"""Is told how many of how many rows are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsableRow:
    """A row that is taken over."""

    row: int
    tag: Tag
    subject: Subject
    digest: bytes


def usable_rows(
    pack: TagPack, network: str, today: date
) -> tuple[list[UsableRow], list[FaultyTag], int]:
    """Return the rows that can be used, those that cannot, and how many say a thing again.

    `network` is what `BTC` means. A tag that was confirmed after `today` is faulty: it would speak
    before every honest one. A day more is allowed, since days begin at different times.
    """
    faults = [
        FaultyTag(row=fault.number, subject=fault.subject, fault=fault.fault)
        for fault in pack.faults
    ]
    found: dict[bytes, UsableRow] = {}
    repeated = 0
    for row in pack.rows:
        try:
            subject = subject_of(row.tag, network)
        except SubjectError as error:
            written = row.tag.address or row.tag.tx_hash or ""
            faults.append(FaultyTag(row=row.number, subject=written, fault=str(error)))
            continue
        if row.tag.lastmod is not None and row.tag.lastmod > today + timedelta(days=1):
            late = f"lastmod {row.tag.lastmod} lies in the future"
            faults.append(FaultyTag(row=row.number, subject=subject.text, fault=late))
            continue
        tag = replace(
            row.tag,
            network=subject.network,
            address=None if subject.is_transaction else subject.text,
            tx_hash=subject.text if subject.is_transaction else None,
        )
        digest = bytes.fromhex(tag_digest(tag))
        if digest in found:
            repeated += 1
        else:
            found[digest] = UsableRow(row=row.number, tag=tag, subject=subject, digest=digest)
    return list(found.values()), sorted(faults, key=lambda fault: fault.row), repeated


def write_tags(
    connection: Connection, number: int, found: Sequence[UsableRow], report: Report
) -> None:
    """Write the usable rows of an import; all of them count as current until they are compared."""
    said: dict[Statement, int] = {}
    first = next_number(connection, statements)
    made_by = [said.setdefault(row.tag.statement, first + len(said)) for row in found]
    write_rows(
        connection,
        statements,
        [_statement_row(number, place, statement) for statement, place in said.items()],
    )
    first = next_number(connection, tags)
    for start in range(0, len(found), ROWS_AT_ONCE):
        report(start, len(found))
        stretch = range(start, min(start + ROWS_AT_ONCE, len(found)))
        write_rows(
            connection,
            tags,
            [_tag_row(number, first + i, made_by[i], found[i]) for i in stretch],
        )
    report(len(found), len(found))


def _statement_row(number: int, place: int, said: Statement) -> dict[str, object]:
    return {
        "id": place,
        "import_id": number,
        "label": said.label,
        "source": said.source,
        "currency": said.currency,
        "confidence": said.confidence,
        "concepts": " ".join(said.concepts),
        "tag_type": said.tag_type,
        "actor": said.actor,
        "is_cluster_definer": said.is_cluster_definer,
        "context": said.context,
        "lastmod": said.lastmod,
        "creator": said.creator,
    }


def _tag_row(number: int, place: int, statement: int, usable: UsableRow) -> dict[str, object]:
    subject = usable.subject
    return {
        "id": place,
        "import_id": number,
        "row": usable.row,
        "statement_id": statement,
        "network": subject.network,
        "subject": subject.text,
        "is_transaction": subject.is_transaction,
        "script_type": None if subject.script_type is None else int(subject.script_type),
        "payload": subject.payload,
        "key": _key(subject, usable.tag),
        "digest": usable.digest,
        "is_current": True,
    }


def _key(subject: Subject, tag: Tag) -> bytes:
    told = [subject.network, subject.text, tag.label, tag.source, tag.creator]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).digest()[:16]
