"""The tables of people, keys and sessions, as the newest migration leaves them. Private here.

No secret stands in them: of a key and of a session there is a digest only. A sign-in that has
begun holds what the browser's return is checked with, for ten minutes at most, and once.

Nobody is ever deleted, only disabled: a name in a record from years ago still says who it was.
"""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    UniqueConstraint,
)

from arien_flows.casebook.models import UtcDateTime, Words, metadata

people = Table(
    "people",
    metadata,
    Column("name", Words, primary_key=True),
    # No two names that differ in case or form of letters only.
    Column("folded", Words, nullable=False, unique=True),
    Column("role", String(40), nullable=False),
    Column("clearance", String(20), nullable=False),
    # Whom the sign-in service means; nothing for those who use keys only.
    Column("issuer", Words),
    Column("subject", Words),
    # Whether the role is what the sign-in service says, each time anew.
    Column("has_claimed_role", Boolean, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", Words, nullable=False),
    Column("disabled_at", UtcDateTime),
    Column("disabled_by", Words),
    UniqueConstraint("issuer", "subject", name="uq_people_issuer_subject"),
)

keys = Table(
    "keys",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("secret_sha256", String(64), nullable=False),
    Column("owner", Words, ForeignKey("people.name"), nullable=False),
    Column("scopes", Words),  # separated by spaces; nothing: all that the role may
    Column("clearance", String(20), nullable=False),
    Column("networks", Words, nullable=False),  # separated by spaces; empty: from anywhere
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", Words, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("revoked_by", Words),
    Column("last_used_at", UtcDateTime),
    Index(None, "owner"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("person", Words, ForeignKey("people.name"), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index(None, "person"),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("state_sha256", String(64), primary_key=True),
    Column("nonce", String(100), nullable=False),
    Column("verifier", String(200), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)
