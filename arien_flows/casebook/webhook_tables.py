"""The tables of webhooks, as the newest migration leaves them. Private to this package.

`deliveries` is the outbox: a row for each event and receiver. `delivery_attempts` gets its row
before anything is sent, so that an attempt whose sender was killed shows as one without an end.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from arien_flows.casebook.models import UtcDateTime, Words, metadata

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("owner", Words, nullable=False, index=True),
    Column("url", Words, nullable=False),
    Column("description", Words, nullable=False),
    Column("kinds", Words, nullable=False),  # separated by spaces; none means all
    Column("clearance", String(12), nullable=False),
    Column("secret", LargeBinary, nullable=False),  # sealed; empty once it is deleted
    Column("earlier_secret", LargeBinary),
    Column("earlier_until", UtcDateTime),
    Column("failing_since", UtcDateTime),
    Column("disabled_at", UtcDateTime),
    Column("disabled_why", Words),
    Column("created_at", UtcDateTime, nullable=False),
    Column("deleted_at", UtcDateTime),
    Column("version", Integer, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("webhook_id", String(40), ForeignKey("webhooks.id"), nullable=False),
    Column("event_id", String(40), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("tries", Integer, nullable=False),  # place in the schedule; a resend begins anew
    Column("next_at", UtcDateTime),
    Column("lease", String(40)),
    Column("leased_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    UniqueConstraint("event_id", "webhook_id"),
    Index("ix_deliveries_due", "state", "next_at"),
    Index("ix_deliveries_webhook", "webhook_id", "id"),
)

delivery_attempts = Table(
    "delivery_attempts",
    metadata,
    Column("delivery_id", String(40), ForeignKey("deliveries.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("status", Integer),
    Column("failure", String(40)),
    Column("milliseconds", Integer),
    Column("answer_bytes", BigInteger),
)
