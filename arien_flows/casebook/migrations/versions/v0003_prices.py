"""Price tables, the points that were read from each, and the rows that could not be used."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "price_tables",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("document_id", sa.Integer, nullable=False),
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("licence", sa.Text),
        sa.Column("price_column", sa.Text, nullable=False),
        sa.Column("granularity", sa.Text, nullable=False),
        sa.Column("points", sa.Integer, nullable=False),
        sa.Column("first_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("missing", sa.Integer, nullable=False),
        sa.Column("longest_gap", sa.BigInteger, nullable=False),
        sa.Column("absent", sa.Integer, nullable=False),
        sa.Column("repeated", sa.Integer, nullable=False),
        sa.Column("points_sha256", sa.String(64), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_price_tables"),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name="fk_price_tables_document_id"
        ),
    )
    op.create_index("ix_price_tables_document_id", "price_tables", ["document_id"])
    op.create_index("ix_price_tables_asset_currency", "price_tables", ["asset", "currency"])
    op.create_table(
        "price_points",
        sa.Column("table_id", sa.Integer, autoincrement=False),
        sa.Column("time", sa.BigInteger, autoincrement=False),
        sa.Column("price", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("table_id", "time", name="pk_price_points"),
        sa.ForeignKeyConstraint(["table_id"], ["price_tables.id"], name="fk_price_points_table_id"),
    )
    op.create_table(
        "faulty_prices",
        sa.Column("table_id", sa.Integer, autoincrement=False),
        sa.Column("line", sa.Integer, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("fault", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("table_id", "line", name="pk_faulty_prices"),
        sa.ForeignKeyConstraint(
            ["table_id"], ["price_tables.id"], name="fk_faulty_prices_table_id"
        ),
    )
    op.create_table(
        "price_withdrawals",
        sa.Column("table_id", sa.Integer, autoincrement=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("table_id", name="pk_price_withdrawals"),
        sa.ForeignKeyConstraint(
            ["table_id"], ["price_tables.id"], name="fk_price_withdrawals_table_id"
        ),
    )


def downgrade() -> None:
    """Remove the tables; the documents stay."""
    for table in ("price_withdrawals", "faulty_prices", "price_points", "price_tables"):
        op.drop_table(table)
