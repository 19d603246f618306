"""Jobs, their leases and their files, and what workers do from time to time."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("case_id", sa.String(40)),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("due_at", _MOMENT),
        sa.Column("started_at", _MOMENT),
        sa.Column("finished_at", _MOMENT),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("is_cancelling", sa.Boolean, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("token", sa.String(40)),
        sa.Column("leased_until", _MOMENT),
        sa.Column("failure_code", sa.Text),
        sa.Column("failure_title", sa.Text),
        sa.Column("failure_detail", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.UniqueConstraint("subject", name="uq_jobs_subject"),
    )
    op.create_index("ix_jobs_state_leased_until", "jobs", ["state", "leased_until"])
    op.create_index("ix_jobs_owner_started_at", "jobs", ["owner", "started_at"])
    op.create_index("ix_jobs_case_id", "jobs", ["case_id"])
    op.create_table(
        "job_files",
        sa.Column("job_id", sa.String(40), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "position", name="pk_job_files"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_job_files_job_id"),
    )
    op.create_table(
        "duties",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("token", sa.String(40)),
        sa.Column("leased_until", _MOMENT),
        sa.PrimaryKeyConstraint("name", name="pk_duties"),
    )


def downgrade() -> None:
    """Remove the tables; the files of jobs stay where they lie."""
    op.drop_table("duties")
    op.drop_table("job_files")
    op.drop_table("jobs")
