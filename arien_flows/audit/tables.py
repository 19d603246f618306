"""The table of the audit log, as the newest migration leaves it. Private to this package.

A store of its own: whoever writes to the casebook for long must not hold up what is read, since
nothing is answered before it is recorded.

The indexes serve the questions of an auditor (a person, a case, a period) and grow at their ends,
so that they cost little when rows are appended. There is none on hashes or request ids, which lie
anywhere: each row would change a page of its own.
"""

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text

from arien_flows.casebook.models import BIG_NUMBER

SCHEMA = "a0001"
"""The newest migration, which this table agrees with."""

VERSIONS = "audit_version"
"""The table in which Alembic keeps which one a database has."""

metadata = MetaData()

audit_log = Table(
    "audit_log",
    metadata,
    Column("seq", BIG_NUMBER, primary_key=True, autoincrement=False),
    Column("at", String(27), nullable=False),
    Column("caller", Text),
    Column("role", String(20)),
    Column("means", String(20)),
    Column("key_id", Text),
    Column("ip", Text),
    Column("request_id", String(64), nullable=False),
    Column("method", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("operation", Text),
    Column("permission", String(40)),
    Column("case_id", Text),
    Column("reason", Text),
    Column("subjects", Text, nullable=False),
    Column("body_sha256", String(64)),
    Column("outcome", Integer),
    Column("prev_hash", String(64), nullable=False),
    Column("row_hash", String(64), nullable=False),
    Index("ix_audit_log_at", "at"),
    Index("ix_audit_log_caller", "caller", "seq"),
    Index("ix_audit_log_case_id", "case_id", "seq"),
)
