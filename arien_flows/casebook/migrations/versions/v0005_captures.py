"""Collected documents, when and where each was captured, and what was found in them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_BIG_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TABLES = (
    "derived_imports",
    "document_withdrawals",
    "capture_refusals",
    "found_secrets",
    "findings",
    "extractions",
    "captures",
    "capture_parts",
    "capture_batches",
)


def upgrade() -> None:
    """Make the tables."""
    _make_batches()
    _make_captures()
    _make_extractions()
    _make_others()


def downgrade() -> None:
    """Remove the tables; the documents and the tags that were made of them stay."""
    for table in _TABLES:
        op.drop_table(table)


def _make(table: str, *columns: sa.Column[object], **keys: str) -> None:
    """Make a table with a key and foreign keys, and an index for each name that is given."""
    first = columns[0].name
    links = [
        sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")
        for column, target in keys.items()
    ]
    op.create_table(table, *columns, sa.PrimaryKeyConstraint(first, name=f"pk_{table}"), *links)


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _make_batches() -> None:
    _make(
        "capture_batches",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("collector", sa.Text),
        sa.Column("market", sa.Text),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by", sa.Text, nullable=False),
    )
    _make(
        "capture_parts",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("batch_id", sa.Integer, nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_by", sa.Text, nullable=False),
        batch_id="capture_batches.id",
    )
    _index("capture_parts", "batch_id")


def _make_captures() -> None:
    _make(
        "captures",
        sa.Column("id", _BIG_NUMBER, autoincrement=False),
        sa.Column("part_id", sa.Integer, nullable=False),
        sa.Column("document_id", sa.Integer, nullable=False),
        sa.Column("first_byte", sa.BigInteger, nullable=False),
        sa.Column("end_byte", sa.BigInteger, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("listing", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("market", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        part_id="capture_parts.id",
        document_id="documents.id",
    )
    _index("captures", "part_id")
    _index("captures", "document_id", "first_byte")
    _index("captures", "listing")


def _make_extractions() -> None:
    _make(
        "extractions",
        sa.Column("id", _BIG_NUMBER, autoincrement=False),
        sa.Column("part_id", sa.Integer, nullable=False),
        sa.Column("capture_id", _BIG_NUMBER, nullable=False),
        sa.Column("extractor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("cut", sa.Text, nullable=False),
        part_id="capture_parts.id",
        capture_id="captures.id",
    )
    _index("extractions", "part_id")
    _index("extractions", "capture_id")
    _make(
        "findings",
        sa.Column("id", _BIG_NUMBER, autoincrement=False),
        sa.Column("part_id", sa.Integer, nullable=False),
        sa.Column("extraction_id", _BIG_NUMBER, nullable=False),
        sa.Column("network", sa.Text),
        sa.Column("networks", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("first_byte", sa.BigInteger, nullable=False),
        sa.Column("end_byte", sa.BigInteger, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("factor", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("role_rule", sa.Text, nullable=False),
        sa.Column("role_first_byte", sa.BigInteger, nullable=False),
        sa.Column("role_end_byte", sa.BigInteger, nullable=False),
        sa.Column("attributes", sa.Boolean, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("confidence", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        part_id="capture_parts.id",
        extraction_id="extractions.id",
    )
    _index("findings", "part_id")
    _index("findings", "extraction_id")
    _index("findings", "address")
    _make(
        "found_secrets",
        sa.Column("id", _BIG_NUMBER, autoincrement=False),
        sa.Column("part_id", sa.Integer, nullable=False),
        sa.Column("extraction_id", _BIG_NUMBER, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("first_byte", sa.BigInteger, nullable=False),
        sa.Column("end_byte", sa.BigInteger, nullable=False),
        part_id="capture_parts.id",
        extraction_id="extractions.id",
    )
    _index("found_secrets", "part_id")
    _index("found_secrets", "extraction_id")


def _make_others() -> None:
    _make(
        "capture_refusals",
        sa.Column("id", _BIG_NUMBER, autoincrement=False),
        sa.Column("part_id", sa.Integer, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        part_id="capture_parts.id",
    )
    _index("capture_refusals", "part_id")
    _make(
        "document_withdrawals",
        sa.Column("document_id", sa.Integer, autoincrement=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_by", sa.Text, nullable=False),
        document_id="documents.id",
    )
    _make(
        "derived_imports",
        sa.Column("import_id", sa.Integer, autoincrement=False),
        sa.Column("document_id", sa.Integer, nullable=False),
        import_id="tag_imports.id",
        document_id="documents.id",
    )
    _index("derived_imports", "document_id")
