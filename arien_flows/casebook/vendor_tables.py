"""The tables of vendors' accounts, as the newest migration leaves them. Private to this package.

An observation is what one document, or one row of it, said of one account at one time of capture;
all values hang on observations, so that they go with the document. Who has which accounts is not
kept: it is worked out from the observations in effect whenever somebody asks. Of two observations
of the same bytes at the same time the later one speaks, because newer rules made it.

What one transaction writes has the same `reading_id`, so that the evidence chain can name it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from arien_flows.casebook.models import BIG_NUMBER, UtcDateTime, Words, metadata

_RECORDED = {"recorded_by": "reading_id"}


def _reading() -> Column[int]:
    return Column(
        "reading_id", Integer, ForeignKey("vendor_readings.id"), nullable=False, index=True
    )


def _observation() -> Column[int]:
    return Column(
        "observation_id",
        BIG_NUMBER,
        ForeignKey("vendor_observations.id"),
        nullable=False,
        index=True,
    )


def _shown() -> tuple[Column[int], Column[int], Column[str]]:
    return (
        Column("first_byte", BigInteger, nullable=False),
        Column("end_byte", BigInteger, nullable=False),
        Column("rule", Words, nullable=False),
    )


vendor_readings = Table(
    "vendor_readings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("reader", Words, nullable=False),
    Column("written_at", UtcDateTime, nullable=False),
    Column("written_by", Words, nullable=False),
    info={"recorded_by": "id"},
)

vendor_accounts = Table(
    "vendor_accounts",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    _reading(),
    Column("market", Words, nullable=False),
    Column("handle", Words, nullable=False),
    Column("folded", Words, nullable=False),  # to find it by, whatever its case
    UniqueConstraint("market", "handle"),
    Index(None, "folded"),
    info=_RECORDED,
)

vendor_observations = Table(
    "vendor_observations",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    _reading(),
    Column("account_id", BIG_NUMBER, ForeignKey("vendor_accounts.id"), nullable=False, index=True),
    Column("document_id", Integer, ForeignKey("documents.id"), nullable=False),
    Column("captured_at", UtcDateTime),  # none where nobody knows
    Column("layout", Words, nullable=False),
    Column("reader", Words, nullable=False),
    Column("first_byte", BigInteger, nullable=False),  # of the document: a row of a table
    Column("end_byte", BigInteger, nullable=False),
    Column("handle_first_byte", BigInteger, nullable=False),
    Column("handle_end_byte", BigInteger, nullable=False),
    Index(None, "document_id", "first_byte"),
    info=_RECORDED,
)

vendor_fields = Table(
    "vendor_fields",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    _reading(),
    _observation(),
    Column("name", String(40), nullable=False),
    Column("text", Words, nullable=False),  # empty for long texts: only their bytes are named
    Column("earliest", UtcDateTime),
    Column("latest", UtcDateTime),
    *_shown(),
    info=_RECORDED,
)

vendor_keys = Table(
    "vendor_keys",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    _reading(),
    Column("version", Integer, nullable=False),
    Column("algorithm", Words, nullable=False),
    Column("created_at", UtcDateTime),
    Column("expires_at", UtcDateTime),
    Column("is_revoked", Boolean, nullable=False),
    Column("user_ids", Words, nullable=False),  # one a line
    Column("subkeys", Words, nullable=False),  # full fingerprints, separated by spaces
    Column("note", Words),
    Column("raw", LargeBinary, nullable=False),
    info=_RECORDED,
)

vendor_key_sightings = Table(
    "vendor_key_sightings",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    _reading(),
    _observation(),
    Column("fingerprint", String(64), nullable=False, index=True),
    *_shown(),
    info=_RECORDED,
)

vendor_contacts = Table(
    "vendor_contacts",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    _reading(),
    _observation(),
    Column("kind", String(40), nullable=False),
    Column("handle", Words, nullable=False),
    *_shown(),
    Index(None, "kind", "handle"),
    info=_RECORDED,
)

vendor_listings = Table(
    "vendor_listings",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    _reading(),
    _observation(),
    Column("title", Words, nullable=False),
    Column("category", Words),
    *_shown(),
    info=_RECORDED,
)

vendor_quotes = Table(
    "vendor_quotes",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    _reading(),
    Column("listing_id", BIG_NUMBER, ForeignKey("vendor_listings.id"), nullable=False, index=True),
    Column("amount", Words, nullable=False),  # a plain decimal number
    Column("currency", Words, nullable=False),
    Column("unit", Words),
    info=_RECORDED,
)

vendor_sales = Table(
    "vendor_sales",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    _reading(),
    _observation(),
    Column("title", Words),
    Column("earliest", UtcDateTime),
    Column("latest", UtcDateTime),
    Column("amount", Words),  # a plain decimal number
    Column("currency", Words),
    Column("unit", Words),
    Column("buyer", Words),
    Column("rating", Words),
    *_shown(),
    info=_RECORDED,
)

vendor_faults = Table(
    "vendor_faults",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    _reading(),
    _observation(),
    Column("what", Words, nullable=False),
    Column("first_byte", BigInteger, nullable=False),
    Column("end_byte", BigInteger, nullable=False),
    Column("reason", Words, nullable=False),
    info=_RECORDED,
)

vendor_statements = Table(
    "vendor_statements",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    _reading(),
    Column("document_id", Integer, ForeignKey("documents.id"), nullable=False, index=True),
    Column("first_byte", BigInteger, nullable=False),
    Column("end_byte", BigInteger, nullable=False),
    Column("encoding", Words, nullable=False),  # to read the bytes by when keys become known
    info=_RECORDED,
)
