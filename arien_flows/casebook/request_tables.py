"""The table of answered requests, as the newest migration leaves it. Private to this package."""

from sqlalchemy import Column, Index, LargeBinary, SmallInteger, String, Table, Text

from arien_flows.casebook.models import UtcDateTime, metadata

requests = Table(
    "requests",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("claim", String(32), nullable=False),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("operation", String(64)),
    Column("permission", String(64)),
    Column("case_id", String(40)),
    Column("status", SmallInteger),
    Column("headers", Text),
    Column("body", LargeBinary),
    Index("ix_requests_claimed_at", "claimed_at"),
)
