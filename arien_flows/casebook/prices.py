"""Price tables in the casebook: taken in whole, withdrawn by a row of their own, never changed."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import Connection, Row, Select, and_, func, insert, or_, select

from arien_flows.casebook.documents import keep_document
from arien_flows.casebook.evidence_acts import prices_imported, prices_withdrawn
from arien_flows.casebook.imports import LAST_NUMBER
from arien_flows.casebook.models import (
    documents,
    faulty_prices,
    price_points,
    price_tables,
    price_withdrawals,
)
from arien_flows.casebook.records import (
    PriceImport,
    PriceOffer,
    PriceTableName,
    PriceTableRecord,
    Withdrawal,
)
from arien_flows.casebook.rows import next_number, withdrawal_in, write_rows
from arien_flows.errors import CasebookError, InputError, NotFoundError
from arien_flows.prices.reading import FaultyRow, PriceDocument
from arien_flows.prices.table import PriceOrigin, PriceTable


def import_table(
    connection: Connection, raw: bytes, document: PriceDocument, offer: PriceOffer
) -> PriceImport:
    """Take a table in; the same prices of the same file and source are recognised."""
    known = _find(connection, document, offer)
    if known is not None:
        return PriceImport(
            record=known, is_new=False, faults=tuple(faults_of(connection, known.id))
        )
    number = next_number(connection, price_tables)
    table = PriceTable(
        asset=offer.asset,
        currency=offer.currency,
        origin=PriceOrigin(
            source=offer.source,
            licence=offer.licence,
            file=offer.name,
            sha256=document.sha256,
            column=document.column,
        ),
        times=np.array(document.times, np.int64),
        prices=document.prices,
    )
    kept = keep_document(
        connection,
        raw,
        document.sha256,
        name=offer.name,
        media_type=document.media_type,
        imported_at=offer.imported_at,
        imported_by=offer.imported_by,
    )
    connection.execute(
        insert(price_tables).values(
            id=number,
            document_id=kept,
            asset=table.asset,
            currency=table.currency,
            source=offer.source,
            licence=offer.licence,
            price_column=document.column,
            granularity=table.granularity.name,
            points=len(document.times),
            first_time=_moment(document.times[0]),
            last_time=_moment(document.times[-1]),
            missing=table.missing,
            longest_gap=table.longest_gap,
            absent=document.absent,
            repeated=document.repeated,
            points_sha256=table.points_sha256,
            imported_at=offer.imported_at,
            imported_by=offer.imported_by,
        )
    )
    points = zip(document.times, document.prices, strict=True)
    write_rows(
        connection,
        price_points,
        [{"table_id": number, "time": time, "price": price} for time, price in points],
    )
    write_rows(
        connection,
        faulty_prices,
        [
            {"table_id": number, "line": row.line, "text": row.text, "fault": row.fault}
            for row in document.faults
        ],
    )
    made = read_record(connection, number)
    prices_imported(connection, made)
    return PriceImport(record=made, is_new=True, faults=document.faults)


def withdraw(connection: Connection, number: int, withdrawal: Withdrawal) -> PriceTableRecord:
    """Take a table out of effect; the others speak in its place."""
    record = read_record(connection, number)
    if record.withdrawal is not None:
        raise InputError(f"price table {number} was withdrawn before: {record.withdrawal.reason}")
    connection.execute(
        insert(price_withdrawals).values(
            table_id=number,
            reason=withdrawal.reason,
            withdrawn_at=withdrawal.withdrawn_at,
            withdrawn_by=withdrawal.withdrawn_by,
        )
    )
    prices_withdrawn(connection, record, withdrawal)
    return read_record(connection, number)


def read_record(connection: Connection, number: int) -> PriceTableRecord:
    """Return one table's record; `NotFoundError` where there is none of that number."""
    row = None
    if number <= LAST_NUMBER:
        row = connection.execute(_records().where(price_tables.c.id == number)).one_or_none()
    if row is None:
        raise NotFoundError(
            f"there is no price table {number}: `arien-flows prices list` lists them"
        )
    return _record(row)


def list_records(connection: Connection) -> list[PriceTableRecord]:
    """Return all tables in the order of their import, withdrawn ones included."""
    return [_record(row) for row in connection.execute(_records().order_by(price_tables.c.id))]


def bearing_on(connection: Connection, asset: str, currency: str) -> list[PriceTableRecord]:
    """Return tables in effect that may help to price an asset in a currency."""
    helps = or_(
        price_tables.c.asset == asset,
        price_tables.c.asset == currency,
        price_tables.c.currency == currency,
    )
    wanted = _records().where(helps, price_withdrawals.c.table_id.is_(None))
    return [_record(row) for row in connection.execute(wanted.order_by(price_tables.c.id))]


def named(connection: Connection, name: PriceTableName) -> PriceTableRecord | None:
    """Return the table of a name, the last one imported; also one that was withdrawn."""
    wanted = _records().where(
        price_tables.c.source == name.source,
        documents.c.sha256 == name.sha256,
        price_tables.c.points_sha256 == name.points_sha256,
    )
    row = connection.execute(wanted.order_by(price_tables.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _record(row)


def read_table(connection: Connection, record: PriceTableRecord) -> PriceTable:
    """Return a table with all its points; `CasebookError` where they are not the imported ones."""
    wanted = select(price_points.c.time, price_points.c.price).where(
        price_points.c.table_id == record.id
    )
    rows = connection.execute(wanted.order_by(price_points.c.time)).all()
    table = PriceTable(
        asset=record.asset,
        currency=record.currency,
        origin=record.origin,
        times=np.array([row.time for row in rows], np.int64),
        prices=tuple(row.price for row in rows),
    )
    if table.points_sha256 != record.points_sha256:
        raise CasebookError(
            f"price table {record.id} does not hold the points that were imported: withdraw it, "
            "and import its file again"
        )
    return table


def faults_of(connection: Connection, number: int) -> Iterator[FaultyRow]:
    """Yield the rows of a table's file that could not be used, in its order."""
    wanted = (
        select(faulty_prices.c.line, faulty_prices.c.text, faulty_prices.c.fault)
        .where(faulty_prices.c.table_id == number)
        .order_by(faulty_prices.c.line)
    )
    for row in connection.execute(wanted):
        yield FaultyRow(line=row.line, text=row.text, fault=row.fault)


def _find(
    connection: Connection, document: PriceDocument, offer: PriceOffer
) -> PriceTableRecord | None:
    """Return the table in effect that was read from a document in the same way."""
    same = and_(
        documents.c.sha256 == document.sha256,
        price_tables.c.asset == offer.asset,
        price_tables.c.currency == offer.currency,
        price_tables.c.source == offer.source,
        price_tables.c.licence.is_not_distinct_from(offer.licence),
        price_tables.c.price_column == document.column,
        price_withdrawals.c.table_id.is_(None),
    )
    row = connection.execute(_records().where(same)).one_or_none()
    return None if row is None else _record(row)


def _records() -> Select[tuple[object, ...]]:
    faulty = (
        select(func.count())
        .select_from(faulty_prices)
        .where(faulty_prices.c.table_id == price_tables.c.id)
        .scalar_subquery()
    )
    return (
        select(
            price_tables,
            documents.c.sha256,
            documents.c.name,
            price_withdrawals.c.reason,
            price_withdrawals.c.withdrawn_at,
            price_withdrawals.c.withdrawn_by,
            faulty.label("faulty"),
        )
        .join(documents, documents.c.id == price_tables.c.document_id)
        .outerjoin(price_withdrawals, price_withdrawals.c.table_id == price_tables.c.id)
    )


def _record(row: Row[tuple[object, ...]]) -> PriceTableRecord:
    found = row._mapping
    return PriceTableRecord(
        id=found["id"],
        asset=found["asset"],
        currency=found["currency"],
        origin=PriceOrigin(
            source=found["source"],
            licence=found["licence"],
            file=found["name"],
            sha256=found["sha256"],
            column=found["price_column"],
        ),
        granularity=found["granularity"],
        points=found["points"],
        first_time=found["first_time"],
        last_time=found["last_time"],
        missing=found["missing"],
        longest_gap=found["longest_gap"],
        absent=found["absent"],
        repeated=found["repeated"],
        faulty=int(found["faulty"]),
        points_sha256=found["points_sha256"],
        imported_at=found["imported_at"],
        imported_by=found["imported_by"],
        withdrawal=withdrawal_in(found),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
