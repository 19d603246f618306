"""Documents, and the tags that were imported from them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_BIG_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "documents",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.UniqueConstraint("sha256", name="uq_documents_sha256"),
    )
    op.create_table(
        "tag_imports",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("document_id", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("creator", sa.Text, nullable=False),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("repeated", sa.Integer, nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tag_imports"),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name="fk_tag_imports_document_id"
        ),
    )
    op.create_index("ix_tag_imports_document_id", "tag_imports", ["document_id"])
    op.create_table(
        "withdrawals",
        sa.Column("import_id", sa.Integer, autoincrement=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("import_id", name="pk_withdrawals"),
        sa.ForeignKeyConstraint(["import_id"], ["tag_imports.id"], name="fk_withdrawals_import_id"),
    )
    op.create_table(
        "statements",
        sa.Column("id", _BIG_NUMBER, autoincrement=False),
        sa.Column("import_id", sa.Integer, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("confidence", sa.Text, nullable=False),
        sa.Column("concepts", sa.Text, nullable=False),
        sa.Column("tag_type", sa.Text),
        sa.Column("actor", sa.Text),
        sa.Column("is_cluster_definer", sa.Boolean, nullable=False),
        sa.Column("context", sa.Text),
        sa.Column("lastmod", sa.Date),
        sa.Column("creator", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_statements"),
        sa.ForeignKeyConstraint(["import_id"], ["tag_imports.id"], name="fk_statements_import_id"),
    )
    op.create_index("ix_statements_import_id", "statements", ["import_id"])
    op.create_table(
        "tags",
        sa.Column("id", _BIG_NUMBER, autoincrement=False),
        sa.Column("import_id", sa.Integer, nullable=False),
        sa.Column("row", sa.Integer, nullable=False),
        sa.Column("statement_id", _BIG_NUMBER, nullable=False),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("is_transaction", sa.Boolean, nullable=False),
        sa.Column("script_type", sa.SmallInteger),
        sa.Column("payload", sa.LargeBinary),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("is_current", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tags"),
        sa.ForeignKeyConstraint(["import_id"], ["tag_imports.id"], name="fk_tags_import_id"),
        sa.ForeignKeyConstraint(["statement_id"], ["statements.id"], name="fk_tags_statement_id"),
        sa.UniqueConstraint("import_id", "row", name="uq_tags_import_id_row"),
    )
    op.create_index("ix_tags_network_subject", "tags", ["network", "subject"])
    op.create_index("ix_tags_key", "tags", ["key"])
    op.create_index("ix_tags_statement_id", "tags", ["statement_id"])
    op.create_table(
        "faulty_tags",
        sa.Column("import_id", sa.Integer, autoincrement=False),
        sa.Column("row", sa.Integer, autoincrement=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("fault", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("import_id", "row", name="pk_faulty_tags"),
        sa.ForeignKeyConstraint(["import_id"], ["tag_imports.id"], name="fk_faulty_tags_import_id"),
    )


def downgrade() -> None:
    """Remove the tables, and with them all documents."""
    for table in ("faulty_tags", "tags", "statements", "withdrawals", "tag_imports", "documents"):
        op.drop_table(table)
