"""The tables of jobs and duties, as the newest migration leaves them. Private to this package."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from arien_flows.casebook.models import UtcDateTime, Words, metadata

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("subject", String(40), nullable=False, unique=True),
    Column("request", Text, nullable=False),
    Column("owner", Words, nullable=False),
    Column("case_id", String(40)),
    Column("state", String(20), nullable=False),
    # Counts what changed for those who look at the job.
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # Not begun before: a job that failed for a passing reason waits. Others have none, lest a job
    # wait for the clock of a worker to reach that of whoever asked.
    Column("due_at", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    Column("is_cancelling", Boolean, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("unit", Words, nullable=False),
    # The lease. Each attempt has a token of its own, and writes by it only.
    Column("worker", Words),
    Column("token", String(40)),
    Column("leased_until", UtcDateTime),
    Column("failure_code", Text),
    Column("failure_title", Words),
    Column("failure_detail", Words),
    Index(None, "state", "leased_until"),
    Index(None, "owner", "started_at"),
    Index(None, "case_id"),
)

job_files = Table(
    "job_files",
    metadata,
    Column("job_id", ForeignKey("jobs.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Words, nullable=False),
    Column("media_type", Words, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
)

duties = Table(
    "duties",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("due_at", UtcDateTime, nullable=False),
    Column("worker", Words),
    Column("token", String(40)),
    Column("leased_until", UtcDateTime),
)
