"""The table of events, as the newest migration leaves it. Private to this package."""

from sqlalchemy import Column, String, Table

from arien_flows.casebook.models import UtcDateTime, Words, metadata

events = Table(
    "events",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("subject", String(40), nullable=False),
    Column("path", Words, nullable=False),
    Column("owner", Words, nullable=False),
    Column("case_id", String(40)),
    Column("created_at", UtcDateTime, nullable=False),
    # When its receivers were found; none yet for a new one. Ids are no cursor for that: of two
    # writers the one that began first may commit last.
    Column("fanned_out_at", UtcDateTime, index=True),
)
