"""The tables of the casebook, as the newest migration leaves them. Private to this package.

Documents are the evidence: the very bytes of what was imported. Everything else can be derived
from a document again, and says which document and which row of it that is. Nothing is changed or
deleted: an import that was wrong is withdrawn by a row of its own, a newer version of a tag makes
the older one silent (`is_current`) and leaves it where it is.

Tags name networks, addresses and transactions in canonical text, never by numbers of a ledger.
The script that an address stands for is kept beside the text (`script_type`, `payload`), so that
all tags of a network can be looked up in a ledger at once.

Numbers of rows are given by the writer, of which there is one at a time.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

SCHEMA = "0002"
"""The newest migration, which these tables agree with."""

BIG_NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""SQLite's own row numbers are of 64 bits, and are only called `INTEGER`."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with its zone; SQLite, which knows none, holds it in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn a moment into what the database holds."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 SQLAlchemy's signature
    ) -> datetime | None:
        """Turn what the database holds into a moment."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


documents = Table(
    "documents",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
    Column("imported_by", Text, nullable=False),
)

tag_imports = Table(
    "tag_imports",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("document_id", Integer, ForeignKey("documents.id"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("creator", Text, nullable=False),
    Column("network", Text, nullable=False),  # what BTC was taken to mean
    Column("repeated", Integer, nullable=False),  # rows that say what another row says
    Column("imported_at", UtcDateTime, nullable=False),
    Column("imported_by", Text, nullable=False),
)

withdrawals = Table(
    "withdrawals",
    metadata,
    Column(
        "import_id", Integer, ForeignKey("tag_imports.id"), primary_key=True, autoincrement=False
    ),
    Column("reason", Text, nullable=False),
    Column("withdrawn_at", UtcDateTime, nullable=False),
    Column("withdrawn_by", Text, nullable=False),
)

statements = Table(
    "statements",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    Column("import_id", Integer, ForeignKey("tag_imports.id"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("confidence", Text, nullable=False),
    Column("concepts", Text, nullable=False),  # separated by spaces
    Column("tag_type", Text),
    Column("actor", Text),
    Column("is_cluster_definer", Boolean, nullable=False),
    Column("context", Text),
    Column("lastmod", Date),
    Column("creator", Text, nullable=False),
)

tags = Table(
    "tags",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    Column("import_id", Integer, ForeignKey("tag_imports.id"), nullable=False),
    Column("row", Integer, nullable=False),  # place in the document's list, from 1
    Column("statement_id", BIG_NUMBER, ForeignKey("statements.id"), nullable=False),
    Column("network", Text, nullable=False),
    Column("subject", Text, nullable=False),  # canonical address, or transaction id
    Column("is_transaction", Boolean, nullable=False),
    Column("script_type", SmallInteger),
    Column("payload", LargeBinary),
    # Tags with one key (network, subject, label, source) are versions of one another.
    Column("key", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of everything that the tag says
    Column("is_current", Boolean, nullable=False),
    UniqueConstraint("import_id", "row"),
    Index(None, "network", "subject"),
    Index(None, "key"),
    Index(None, "statement_id"),
)

faulty_tags = Table(
    "faulty_tags",
    metadata,
    Column(
        "import_id", Integer, ForeignKey("tag_imports.id"), primary_key=True, autoincrement=False
    ),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("subject", Text, nullable=False),  # as the document writes it
    Column("fault", Text, nullable=False),
)

tag_sets = Table(
    "tag_sets",
    metadata,
    Column(
        "import_id", Integer, ForeignKey("tag_imports.id"), primary_key=True, autoincrement=False
    ),
    Column("network", Text, primary_key=True),
    Column("tag_count", Integer, nullable=False),  # current tags
    Column("digest", String(64), nullable=False),  # over theirs, whatever their order
)
