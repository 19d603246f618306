"""What the casebook's own acts leave in the evidence chain."""

from datetime import datetime

from sqlalchemy import Connection

from arien_flows.casebook.evidence import EvidenceKind, Head, record
from arien_flows.casebook.evidence_rows import rows_of
from arien_flows.casebook.models import (
    documents,
    faulty_prices,
    faulty_tags,
    price_points,
    price_tables,
    price_withdrawals,
    statements,
    tag_imports,
    tag_sets,
    tags,
    withdrawals,
)
from arien_flows.casebook.records import PriceTableRecord, TagImport, Withdrawal

CURRENT_TAGS = rows_of(tag_sets)
"""Which tags speak, by digest. Acts that may change it state it anew."""


def document_kept(
    connection: Connection, number: int, *, sha256: str, name: str, at: datetime, by: str
) -> Head:
    """Record that a document's bytes were kept."""
    return record(
        connection,
        EvidenceKind.DOCUMENT_KEPT,
        {"document_sha256": sha256, "name": name},
        at=at,
        by=by,
        rows=[rows_of(documents, id=number)],
    )


def tags_imported(connection: Connection, made: TagImport) -> Head:
    """Record an import of tags, and every row that it wrote."""
    return record(
        connection,
        EvidenceKind.TAG_IMPORT,
        {
            "import": made.id,
            "document_sha256": made.document_sha256,
            "name": made.document_name,
            "network": made.network,
            "tags": made.tags,
            "faulty": made.faulty,
        },
        at=made.imported_at,
        by=made.imported_by,
        rows=[
            rows_of(tag_imports, id=made.id),
            *(rows_of(table, import_id=made.id) for table in (statements, tags, faulty_tags)),
        ],
        state=[CURRENT_TAGS],
    )


def tags_withdrawn(connection: Connection, made: TagImport, withdrawal: Withdrawal) -> Head:
    """Record that an import of tags was taken out of effect."""
    return record(
        connection,
        EvidenceKind.WITHDRAWAL,
        {
            "import": made.id,
            "document_sha256": made.document_sha256,
            "reason": withdrawal.reason,
        },
        at=withdrawal.withdrawn_at,
        by=withdrawal.withdrawn_by,
        rows=[rows_of(withdrawals, import_id=made.id)],
        state=[CURRENT_TAGS],
    )


def prices_imported(connection: Connection, made: PriceTableRecord) -> Head:
    """Record an import of prices, and every row that it wrote."""
    return record(
        connection,
        EvidenceKind.PRICE_IMPORT,
        {
            "price_table": made.id,
            "document_sha256": made.origin.sha256,
            "asset": made.asset,
            "currency": made.currency,
            "points": made.points,
        },
        at=made.imported_at,
        by=made.imported_by,
        rows=[
            rows_of(price_tables, id=made.id),
            rows_of(price_points, table_id=made.id),
            rows_of(faulty_prices, table_id=made.id),
        ],
    )


def prices_withdrawn(
    connection: Connection, made: PriceTableRecord, withdrawal: Withdrawal
) -> Head:
    """Record that a price table was taken out of effect."""
    return record(
        connection,
        EvidenceKind.WITHDRAWAL,
        {
            "price_table": made.id,
            "document_sha256": made.origin.sha256,
            "reason": withdrawal.reason,
        },
        at=withdrawal.withdrawn_at,
        by=withdrawal.withdrawn_by,
        rows=[rows_of(price_withdrawals, table_id=made.id)],
    )
