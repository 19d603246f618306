"""Rows of evidence, each bound to the one before it; documents and evidence refuse changes.

A casebook that holds something already gets a first row with the digests of what stands there: from
then on its content is bound, and nothing is said about the time before.
"""

import getpass
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from arien_flows.casebook.evidence_rows import RowGroup, measure

revision = "0004"
down_revision = "0003"

_ROWS = (
    (
        "documents",
        "id",
        ("id",),
        ("id", "sha256", "name", "media_type", "size", "imported_at", "imported_by"),
    ),
    (
        "tag_imports",
        "id",
        ("id",),
        (
            "id", "document_id", "title", "creator", "network", "repeated", "imported_at",
            "imported_by",
        ),
    ),
    (
        "withdrawals",
        "import_id",
        ("import_id",),
        ("import_id", "reason", "withdrawn_at", "withdrawn_by"),
    ),
    (
        "statements",
        "import_id",
        ("id",),
        (
            "id", "import_id", "label", "source", "currency", "confidence", "concepts", "tag_type",
            "actor", "is_cluster_definer", "context", "lastmod", "creator",
        ),
    ),
    (
        "tags",
        "import_id",
        ("import_id", "row"),
        (
            "id", "import_id", "row", "statement_id", "network", "subject", "is_transaction",
            "script_type", "payload", "key", "digest",
        ),
    ),
    ("faulty_tags", "import_id", ("import_id", "row"), ("import_id", "row", "subject", "fault")),
    (
        "price_tables",
        "id",
        ("id",),
        (
            "id", "document_id", "asset", "currency", "source", "licence", "price_column",
            "granularity", "points", "first_time", "last_time", "missing", "longest_gap", "absent",
            "repeated", "points_sha256", "imported_at", "imported_by",
        ),
    ),
    ("price_points", "table_id", ("table_id", "time"), ("table_id", "time", "price")),
    ("faulty_prices", "table_id", ("table_id", "line"), ("table_id", "line", "text", "fault")),
    (
        "price_withdrawals",
        "table_id",
        ("table_id",),
        ("table_id", "reason", "withdrawn_at", "withdrawn_by"),
    ),
)  # fmt: skip
"""Tables, the column by whose values their rows are bound, their keys and columns."""

_STATE = RowGroup(
    table="tag_sets",
    key=("import_id", "network"),
    columns=("import_id", "network", "tag_count", "digest"),
    where={},
)


def upgrade() -> None:
    """Make the table and the triggers; bind what stands in the casebook."""
    op.create_table(
        "evidence",
        sa.Column("seq", sa.Integer, autoincrement=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("row_hash", sa.String(64), nullable=False),
        sa.Column("recorded_at", sa.String(27), nullable=False),
        sa.Column("recorded_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_evidence"),
        sa.UniqueConstraint("row_hash", name="uq_evidence_row_hash"),
    )
    op.create_index("ix_evidence_kind", "evidence", ["kind"])
    _bind_what_is_there()
    for statement in _MAKE[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Remove the triggers and the table, and with it all evidence."""
    for statement in _REMOVE[op.get_bind().dialect.name]:
        op.execute(statement)
    op.drop_table("evidence")


def _bind_what_is_there() -> None:
    from arien_flows.casebook.evidence import EvidenceKind, record_many

    connection = op.get_bind()
    rows = []
    for table, column, key, columns in _ROWS:
        query = f'SELECT DISTINCT "{column}" FROM "{table}" ORDER BY 1'  # noqa: S608 constants
        for (value,) in connection.execute(sa.text(query)).all():
            group = RowGroup(table=table, key=key, columns=columns, where={column: int(value)})
            rows.append(measure(connection, group).payload())
    if not rows:
        return
    told = {"rows": rows, "state": [measure(connection, _STATE).payload()]}
    kind = EvidenceKind.CASEBOOK_UPGRADED
    record_many(connection, kind, [told], at=datetime.now(UTC), by=_user())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


_TABLES = {
    "documents": "documents are kept as they are: withdraw what was wrong",
    "evidence": "evidence is only ever appended",
}


def _sqlite() -> list[str]:
    """Return triggers; those of inserts keep `INSERT OR REPLACE` from deleting a row."""
    same = {
        "documents": "id = NEW.id OR sha256 = NEW.sha256",
        "evidence": "seq = NEW.seq OR row_hash = NEW.row_hash",
    }
    made = []
    for table, why in _TABLES.items():
        for act in ("UPDATE", "DELETE"):
            made.append(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{why}'); END"
            )
        is_there = f"EXISTS (SELECT 1 FROM {table} WHERE {same[table]})"  # noqa: S608 constants
        made.append(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {is_there} "
            f"BEGIN SELECT RAISE(ABORT, '{why}'); END"
        )
    return made


def _postgresql() -> list[str]:
    made = [
        "CREATE FUNCTION arien_flows_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$"
    ]
    for table, why in _TABLES.items():
        made += [
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION arien_flows_refuse('{why}')",
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION arien_flows_refuse('{why}')",
        ]
    return made


_MAKE = {"sqlite": _sqlite(), "postgresql": _postgresql()}
_REMOVE = {
    "sqlite": [
        f"DROP TRIGGER {table}_no_{act}"
        for table in _TABLES
        for act in ("update", "delete", "replace")
    ],
    "postgresql": [
        *(
            f"DROP TRIGGER {table}_no_{act} ON {table}"
            for table in _TABLES
            for act in ("change", "truncate")
        ),
        "DROP FUNCTION arien_flows_refuse()",
    ],
}
