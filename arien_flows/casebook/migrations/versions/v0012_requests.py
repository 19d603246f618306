"""Answers to requests that may be repeated under an idempotency key."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "requests",
        sa.Column("id", sa.String(64)),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("claim", sa.String(32), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operation", sa.String(64)),
        sa.Column("permission", sa.String(64)),
        sa.Column("case_id", sa.String(40)),
        sa.Column("status", sa.SmallInteger),
        sa.Column("headers", sa.Text),
        sa.Column("body", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
    )
    op.create_index("ix_requests_claimed_at", "requests", ["claimed_at"])


def downgrade() -> None:
    """Remove the table: within the day before, requests could be repeated without harm."""
    op.drop_table("requests")
