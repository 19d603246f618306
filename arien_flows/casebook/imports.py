"""Taking documents into the casebook, and taking them out of effect again.

A document is imported whole or not at all, and once: the same bytes read for the same network
are recognised. Rows that cannot be used are listed beside the others, so that nothing is lost.
Of tags that say the same of one address (network, address, label, source and creator) the one
that was last confirmed speaks, and among those the one that was imported last; the others are
kept.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    func,
    insert,
    select,
    update,
)

from arien_flows.attribution.pack import TagPack
from arien_flows.attribution.terms import NO_TERMS, Terms
from arien_flows.casebook.current import choose_among_new, choose_current
from arien_flows.casebook.documents import keep_document
from arien_flows.casebook.evidence_acts import tags_imported, tags_withdrawn
from arien_flows.casebook.indexes import made_afterwards
from arien_flows.casebook.models import (
    documents,
    faulty_tags,
    tag_imports,
    tag_sets,
    tags,
    withdrawals,
)
from arien_flows.casebook.pack_rows import Report, UsableRow, usable_rows, write_tags
from arien_flows.casebook.records import (
    FaultyTag,
    ImportOutcome,
    TagImport,
    Withdrawal,
)
from arien_flows.casebook.rows import next_number, withdrawal_in, write_rows
from arien_flows.casebook.verdicts import count_rejected_before, state_of_import
from arien_flows.errors import InputError, NotFoundError

LAST_NUMBER = 2**31 - 1
"""Of an import, in either database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who imports, when, and what is assumed."""

    name: str
    """Name of the file."""

    network: str
    """What `BTC` means."""

    imported_at: datetime
    imported_by: str
    form: str = "tagpack"
    """How the document was read: one of `attribution.formats`."""

    terms: Terms = NO_TERMS
    """What was said of the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A document that shall be taken in."""

    raw: bytes
    pack: TagPack
    origin: Origin


def import_pack(
    connection: Connection,
    raw: bytes,
    pack: TagPack,
    origin: Origin,
    report: Report = lambda _done, _total: None,
) -> ImportOutcome:
    """Take a pack in; the same document for the same network is recognised, and left alone."""
    offer = Offer(raw=raw, pack=pack, origin=origin)
    (outcome,) = import_packs(connection, [offer], lambda _name, done, total: report(done, total))
    return outcome


def import_packs(
    connection: Connection,
    offers: Sequence[Offer],
    report: Callable[[str, int, int], None] = lambda _name, _done, _total: None,
) -> list[ImportOutcome]:
    """Take packs in, one after the other, and decide at the end which of their tags speak."""
    with made_afterwards(connection, sum(len(offer.pack.numbers) for offer in offers)):
        taken = [_take(connection, offer, partial(report, offer.origin.name)) for offer in offers]
    new = [each.number for each in taken if each.written is not None]
    choose_among_new(connection, {it.number: it.written for it in taken if it.written is not None})
    outcomes = []
    for each in taken:
        made = read_import(connection, each.number)
        if each.number in new:
            new.remove(each.number)
            tags_imported(connection, made)
            outcomes.append(
                ImportOutcome(
                    record=made,
                    is_new=True,
                    faults=each.faults,
                    rejected_before=count_rejected_before(connection, made.id),
                )
            )
        else:
            faults = tuple(faults_of(connection, each.number))
            outcomes.append(ImportOutcome(record=made, is_new=False, faults=faults))
    return outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    number: int
    written: Sequence[UsableRow] | None
    """Nothing where the document was imported before."""

    faults: tuple[FaultyTag, ...] = ()


def _take(connection: Connection, offer: Offer, report: Report) -> _Taken:
    """Write a pack's tags and faults, unless the document was imported before."""
    pack, origin = offer.pack, offer.origin
    known = find_import(connection, pack.sha256, origin.network)
    if known is not None:
        return _Taken(number=known.id, written=None)
    number = next_number(connection, tag_imports)
    usable = usable_rows(pack, origin.network, origin.imported_at.date())
    connection.execute(
        insert(tag_imports).values(
            id=number,
            document_id=keep_document(
                connection,
                offer.raw,
                pack.sha256,
                name=origin.name,
                media_type=pack.media_type,
                imported_at=origin.imported_at,
                imported_by=origin.imported_by,
            ),
            title=pack.title,
            creator=pack.creator,
            network=origin.network,
            repeated=usable.repeated,
            imported_at=origin.imported_at,
            imported_by=origin.imported_by,
            format=origin.form,
            source=origin.terms.source,
            licence=origin.terms.licence,
            as_of=origin.terms.as_of,
        )
    )
    write_tags(connection, number, pack, usable.rows, report)
    write_rows(
        connection,
        faulty_tags,
        [
            {
                "import_id": number,
                "row": fault.row,
                "subject": fault.subject,
                "fault": fault.fault,
            }
            for fault in usable.faults
        ],
    )
    return _Taken(number=number, written=usable.rows, faults=tuple(usable.faults))


def withdraw(connection: Connection, number: int, withdrawal: Withdrawal) -> TagImport:
    """Take an import out of effect; what it superseded speaks again."""
    record = read_import(connection, number)
    if record.withdrawal is not None:
        raise InputError(f"import {number} was withdrawn before: {record.withdrawal.reason}")
    connection.execute(
        insert(withdrawals).values(
            import_id=number,
            reason=withdrawal.reason,
            withdrawn_at=withdrawal.withdrawn_at,
            withdrawn_by=withdrawal.withdrawn_by,
        )
    )
    connection.execute(
        update(tags).where(tags.c.import_id == number, tags.c.is_current).values(is_current=False)
    )
    choose_current(connection, number)
    tags_withdrawn(connection, record, withdrawal)
    return read_import(connection, number)


def read_import(connection: Connection, number: int) -> TagImport:
    """Return one import; `NotFoundError` where there is none of that number."""
    row = None
    if number <= LAST_NUMBER:
        row = connection.execute(_imports().where(tag_imports.c.id == number)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no import {number}: `arien-flows tags list` lists them")
    return _record(row)


def read_document(connection: Connection, sha256: str) -> bytes:
    """Return the bytes of a document; `NotFoundError` where there is none of that hash."""
    wanted = select(documents.c.content).where(documents.c.sha256 == sha256)
    content = connection.execute(wanted).scalar()
    if content is None:
        raise NotFoundError(f"the casebook holds no document with the SHA-256 {sha256}")
    return bytes(content)


def list_imports(connection: Connection, after: int, limit: int) -> list[TagImport]:
    """Return imports in the order in which they were made, beginning after a number."""
    beyond = tag_imports.c.id > min(after, LAST_NUMBER)
    wanted = _imports().where(beyond).order_by(tag_imports.c.id).limit(limit)
    return [_record(row) for row in connection.execute(wanted)]


def find_import(connection: Connection, sha256: str, network: str) -> TagImport | None:
    """Return the import of a document for a network that is in effect."""
    wanted = _imports().where(
        documents.c.sha256 == sha256,
        tag_imports.c.network == network,
        withdrawals.c.import_id.is_(None),
    )
    row = connection.execute(wanted).one_or_none()
    return None if row is None else _record(row)


def faults_of(connection: Connection, number: int) -> Iterator[FaultyTag]:
    """Yield the rows of an import that could not be used, in the document's order."""
    wanted = (
        select(faulty_tags.c.row, faulty_tags.c.subject, faulty_tags.c.fault)
        .where(faulty_tags.c.import_id == number)
        .order_by(faulty_tags.c.row)
    )
    for row in connection.execute(wanted):
        yield FaultyTag(row=row.row, subject=row.subject, fault=row.fault)


def _imports() -> Select[tuple[object, ...]]:
    def count(of: Table) -> ColumnElement[int]:
        return (
            select(func.count())
            .select_from(of)
            .where(of.c.import_id == tag_imports.c.id)
            .scalar_subquery()
        )

    current = (
        select(func.coalesce(func.sum(tag_sets.c.tag_count), 0))
        .where(tag_sets.c.import_id == tag_imports.c.id)
        .scalar_subquery()
    )
    return (
        select(
            *(column for column in tag_imports.c if column.name != "source"),
            tag_imports.c.source.label("told_source"),
            documents.c.sha256,
            documents.c.name,
            documents.c.size,
            withdrawals.c.reason,
            withdrawals.c.withdrawn_at,
            withdrawals.c.withdrawn_by,
            count(tags).label("tags"),
            current.label("current"),
            count(faulty_tags).label("faulty"),
            state_of_import().label("state"),
        )
        .join(documents, documents.c.id == tag_imports.c.document_id)
        .outerjoin(withdrawals, withdrawals.c.import_id == tag_imports.c.id)
    )


def _record(row: Row[tuple[object, ...]]) -> TagImport:
    found = row._mapping
    return TagImport(
        id=found["id"],
        document_sha256=found["sha256"],
        document_name=found["name"],
        document_bytes=found["size"],
        title=found["title"],
        creator=found["creator"],
        network=found["network"],
        imported_at=found["imported_at"],
        imported_by=found["imported_by"],
        tags=int(found["tags"]),
        current=int(found["current"]),
        repeated=found["repeated"],
        faulty=int(found["faulty"]),
        withdrawal=withdrawal_in(found),
        form=found["format"],
        terms=Terms(source=found["told_source"], licence=found["licence"], as_of=found["as_of"]),
        state=found["state"],
    )
