"""The tables of watches and alerts, as the newest migration leaves them. Private to this package.

A *lane* is what is judged together: the watched addresses of a network (`address`), or its
watched entities under one profile (the profile's name). A lane knows the last blocks that were
judged by their hashes, so that a reorganisation is noticed whenever it comes.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from arien_flows.casebook.models import UtcDateTime, Words, metadata

watches = Table(
    "watches",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("network", String(40), nullable=False),
    Column("lane", String(10), nullable=False),
    Column("subject", Words, nullable=False),
    Column("direction", String(4), nullable=False),
    Column("min_value", Words, nullable=False),  # base units; wei need more than 64 bits
    Column("asset", Words),
    Column("list_name", Words),
    Column("owner", Words, nullable=False, index=True),
    Column("case_id", String(40), index=True),
    Column("begins_at", BigInteger, nullable=False),
    Column("behind_from", BigInteger),  # the next height, where it has yet to meet its lane
    Column("until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_by", Words),
    Column("version", Integer, nullable=False),
    Index("ix_watches_lane", "network", "lane", "ended_at"),
)

watch_lanes = Table(
    "watch_lanes",
    metadata,
    Column("network", String(40), primary_key=True),
    Column("lane", String(10), primary_key=True),
    Column("clustering", Words),  # the run that entities were judged by
    Column("settled_height", BigInteger),  # up to which that run knew all joins
)

watch_blocks = Table(
    "watch_blocks",
    metadata,
    Column("network", String(40), primary_key=True),
    Column("lane", String(10), primary_key=True),
    Column("height", BigInteger, primary_key=True, autoincrement=False),
    Column("block_hash", String(80), nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("watch_id", String(40), ForeignKey("watches.id"), nullable=False),
    Column("txid", String(80), nullable=False),
    Column("height", BigInteger, nullable=False, index=True),
    Column("block_hash", String(80), nullable=False),
    Column("block_time", UtcDateTime, nullable=False),
    Column("direction", String(4), nullable=False),
    Column("certainty", String(12), nullable=False),
    Column("detail", Words, nullable=False),  # JSON: what moved, and who was on the other side
    Column("created_at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", Words),
    UniqueConstraint("watch_id", "txid"),
)

alert_acts = Table(
    "alert_acts",
    metadata,
    Column("alert_id", String(40), ForeignKey("alerts.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", Words),  # nobody where the chain did it
    Column("height", BigInteger, nullable=False),
    Column("block_hash", String(80), nullable=False),
    Column("why", Words, nullable=False),
)
