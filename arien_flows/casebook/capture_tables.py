"""The tables of collected documents, as the newest migration leaves them. Private to this package.

A document is bytes; a capture says that somebody met it at a place and a time; an extraction is
one reading of a capture by one version of the rules, and findings are what it found. A later
extraction of the same capture speaks in the place of the earlier one, which stays.

What one transaction writes has the same `part_id`, so that the evidence chain can name it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
)

from arien_flows.casebook.models import BIG_NUMBER, UtcDateTime, Words, metadata

capture_batches = Table(
    "capture_batches",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Words, nullable=False),
    Column("collector", Words),
    Column("market", Words),
    Column("network", Words, nullable=False),  # what an address of several networks is taken for
    Column("options", Words, nullable=False),  # JSON: what else was said of the batch
    Column("imported_at", UtcDateTime, nullable=False),
    Column("imported_by", Words, nullable=False),
    info={"recorded_by": "id"},
)

capture_parts = Table(
    "capture_parts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("batch_id", Integer, ForeignKey("capture_batches.id"), nullable=False, index=True),
    Column("written_at", UtcDateTime, nullable=False),
    Column("written_by", Words, nullable=False),
    info={"recorded_by": "id"},
)

captures = Table(
    "captures",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    Column("part_id", Integer, ForeignKey("capture_parts.id"), nullable=False, index=True),
    Column("document_id", Integer, ForeignKey("documents.id"), nullable=False),
    Column("first_byte", BigInteger, nullable=False),  # of the document: a row of a table
    Column("end_byte", BigInteger, nullable=False),
    Column("path", Words, nullable=False),  # where it stood in what was offered
    Column("listing", Words, nullable=False),  # the same for all captures of one listing
    Column("site", Words, nullable=False),  # pages of one site count once; empty where unknown
    Column("market", Words),
    Column("url", Words),
    Column("captured_at", UtcDateTime, nullable=False),
    Column("clock", Words, nullable=False),  # what says when it was captured
    Column("note", Words, nullable=False),  # what of it could not be read
    Index(None, "document_id", "first_byte"),
    Index(None, "listing"),
    info={"recorded_by": "part_id"},
)

extractions = Table(
    "extractions",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    Column("part_id", Integer, ForeignKey("capture_parts.id"), nullable=False, index=True),
    Column("capture_id", BIG_NUMBER, ForeignKey("captures.id"), nullable=False, index=True),
    Column("extractor", Words, nullable=False),
    Column("reason", Words, nullable=False),  # why it was read: first, newer rules, other context
    Column("cut", Words, nullable=False),  # limits that were reached, one a line
    info={"recorded_by": "part_id"},
)

findings = Table(
    "findings",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    Column("part_id", Integer, ForeignKey("capture_parts.id"), nullable=False, index=True),
    Column("extraction_id", BIG_NUMBER, ForeignKey("extractions.id"), nullable=False, index=True),
    Column("network", Words),  # none where it may be of several and nothing decides
    Column("networks", Words, nullable=False),  # separated by spaces
    Column("address", Words, nullable=False, index=True),
    Column("form", Words, nullable=False),
    Column("first_byte", BigInteger, nullable=False),
    Column("end_byte", BigInteger, nullable=False),
    Column("rules", Words, nullable=False),  # by which it was read, separated by spaces
    Column("factor", Words, nullable=False),  # a fraction
    Column("role", Words, nullable=False),
    Column("role_rule", Words, nullable=False),
    Column("role_first_byte", BigInteger, nullable=False),  # what shows the role
    Column("role_end_byte", BigInteger, nullable=False),
    Column("attributes", Boolean, nullable=False),
    Column("owner", Words),  # who is paid there
    Column("confidence", Words, nullable=False),  # GraphSense's id
    Column("note", Words, nullable=False),
    info={"recorded_by": "part_id"},
)

found_secrets = Table(
    "found_secrets",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    Column("part_id", Integer, ForeignKey("capture_parts.id"), nullable=False, index=True),
    Column("extraction_id", BIG_NUMBER, ForeignKey("extractions.id"), nullable=False, index=True),
    Column("kind", String(40), nullable=False),
    Column("first_byte", BigInteger, nullable=False),  # what it says is kept in no column
    Column("end_byte", BigInteger, nullable=False),
    info={"recorded_by": "part_id"},
)

capture_refusals = Table(
    "capture_refusals",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    Column("part_id", Integer, ForeignKey("capture_parts.id"), nullable=False, index=True),
    Column("path", Words, nullable=False),
    Column("reason", Words, nullable=False),
    info={"recorded_by": "part_id"},
)

document_withdrawals = Table(
    "document_withdrawals",
    metadata,
    Column(
        "document_id", Integer, ForeignKey("documents.id"), primary_key=True, autoincrement=False
    ),
    Column("reason", Words, nullable=False),
    Column("withdrawn_at", UtcDateTime, nullable=False),
    Column("withdrawn_by", Words, nullable=False),
    info={"recorded_by": "document_id"},
)

derived_imports = Table(
    "derived_imports",
    metadata,
    Column(
        "import_id", Integer, ForeignKey("tag_imports.id"), primary_key=True, autoincrement=False
    ),
    # The document that the tags were read from.
    Column("document_id", Integer, ForeignKey("documents.id"), nullable=False, index=True),
    info={"recorded_by": "import_id"},
)
