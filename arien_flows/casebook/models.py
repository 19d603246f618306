"""The tables of the casebook, as the newest migration leaves them. Private to this package.

Documents are the evidence: the very bytes of what was imported. Everything else can be derived
from a document again, and says which document and which row of it that is. Nothing is changed or
deleted: an import that was wrong is withdrawn by a row of its own, a newer version of a tag makes
the older one silent (`is_current`) and leaves it where it is.

Prices are kept like tags: a file is the document of a price table, its rows are written beside it,
and which of several tables speaks at a moment is decided when somebody asks.

Tags name networks, addresses and transactions in canonical text, never by numbers of a ledger.
The script that an address stands for is kept beside the text (`script_type`, `payload`), so that
all tags of a network can be looked up in a ledger at once.

Numbers of rows are given by the writer, of which there is one at a time.

Rows of evidence bind all that to the acts that made it. A table whose `info` says `recorded_by`
holds no row that the chain does not know: acts hand over their rows by that column's value.
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

SCHEMA = "0012"
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


class Words(TypeDecorator[str]):
    """Text from outside. What no database can hold is written as it would be in a program.

    PostgreSQL refuses NUL, and both refuse a name that is no valid Unicode (a file's, for one).
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 SQLAlchemy's signature
        """Return what is stored, or compared with what is."""
        return None if value is None else Words.stored(value)

    @staticmethod
    def stored(value: str) -> str:
        """Return text as a database holds it."""
        held = value.replace("\0", "\\0")
        return held if held.isascii() else held.encode(errors="backslashreplace").decode()


documents = Table(
    "documents",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("name", Words, nullable=False),
    Column("media_type", Words, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False, info={"hashed": "sha256"}),
    Column("imported_at", UtcDateTime, nullable=False),
    Column("imported_by", Words, nullable=False),
    info={"recorded_by": "id"},
)

tag_imports = Table(
    "tag_imports",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("document_id", Integer, ForeignKey("documents.id"), nullable=False, index=True),
    Column("title", Words, nullable=False),
    Column("creator", Words, nullable=False),
    Column("network", Words, nullable=False),  # what BTC was taken to mean
    Column("repeated", Integer, nullable=False),  # rows that say what another row says
    Column("imported_at", UtcDateTime, nullable=False),
    Column("imported_by", Words, nullable=False),
    # How the document was read, and what was said of it when it was offered.
    Column("format", Words, nullable=False, server_default="tagpack"),
    Column("source", Words),
    Column("licence", Words),
    Column("as_of", Date),
    info={"recorded_by": "id"},
)

withdrawals = Table(
    "withdrawals",
    metadata,
    Column(
        "import_id", Integer, ForeignKey("tag_imports.id"), primary_key=True, autoincrement=False
    ),
    Column("reason", Words, nullable=False),
    Column("withdrawn_at", UtcDateTime, nullable=False),
    Column("withdrawn_by", Words, nullable=False),
    info={"recorded_by": "import_id"},
)

statements = Table(
    "statements",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    Column("import_id", Integer, ForeignKey("tag_imports.id"), nullable=False, index=True),
    Column("label", Words, nullable=False),
    Column("source", Words, nullable=False),
    Column("currency", Words, nullable=False),
    Column("confidence", Words, nullable=False),
    Column("concepts", Words, nullable=False),  # separated by spaces
    Column("tag_type", Words),
    Column("actor", Words),
    Column("is_cluster_definer", Boolean, nullable=False),
    Column("context", Words),
    Column("lastmod", Date),
    Column("creator", Words, nullable=False),
    info={"recorded_by": "import_id"},
)

tags = Table(
    "tags",
    metadata,
    Column("id", BIG_NUMBER, primary_key=True, autoincrement=False),
    Column("import_id", Integer, ForeignKey("tag_imports.id"), nullable=False),
    Column("row", Integer, nullable=False),  # place in the document's list, from 1
    Column("statement_id", BIG_NUMBER, ForeignKey("statements.id"), nullable=False),
    Column("network", Words, nullable=False),
    Column("subject", Words, nullable=False),  # canonical address, or transaction id
    Column("is_transaction", Boolean, nullable=False),
    Column("script_type", SmallInteger),
    Column("payload", LargeBinary),
    # Tags with one key (network, subject, label, source, creator) are versions of one another.
    Column("key", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of everything that the tag says
    Column("is_current", Boolean, nullable=False, info={"changes": True}),
    UniqueConstraint("import_id", "row"),
    Index(None, "network", "subject"),
    Index(None, "key"),
    Index(None, "statement_id"),
    info={"recorded_by": "import_id", "order": ("import_id", "row")},
)

faulty_tags = Table(
    "faulty_tags",
    metadata,
    Column(
        "import_id", Integer, ForeignKey("tag_imports.id"), primary_key=True, autoincrement=False
    ),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("subject", Words, nullable=False),  # as the document writes it
    Column("fault", Words, nullable=False),
    info={"recorded_by": "import_id"},
)

tag_reviews = Table(
    "tag_reviews",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("import_id", Integer, ForeignKey("tag_imports.id"), nullable=False),
    Column("row", Integer),  # nothing: the whole import
    Column("verdict", Words, nullable=False),  # approved, or rejected
    Column("reason", Words, nullable=False),
    Column("after_import", Integer, nullable=False),  # the last import at that time
    Column("reviewed_at", UtcDateTime, nullable=False),
    Column("reviewed_by", Words, nullable=False),
    Index(None, "import_id", "row"),
    info={"recorded_by": "id"},
)

tag_policies = Table(
    "tag_policies",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("counts_proposed", Boolean, nullable=False),
    Column("reason", Words, nullable=False),
    Column("after_import", Integer, nullable=False),  # the last import at that time
    Column("set_at", UtcDateTime, nullable=False),
    Column("set_by", Words, nullable=False),
    info={"recorded_by": "id"},
)

actor_lists = Table(
    "actor_lists",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("document_id", Integer, ForeignKey("documents.id"), nullable=False, index=True),
    Column("title", Words, nullable=False),
    Column("creator", Words, nullable=False),
    Column("description", Words),
    Column("faults", Words, nullable=False),  # JSON: place, id and fault of each
    Column("imported_at", UtcDateTime, nullable=False),
    Column("imported_by", Words, nullable=False),
    info={"recorded_by": "id"},
)

actors = Table(
    "actors",
    metadata,
    Column("list_id", Integer, ForeignKey("actor_lists.id"), primary_key=True, autoincrement=False),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("actor", Words, nullable=False, index=True),  # its id
    Column("label", Words, nullable=False),
    Column("told", Words, nullable=False),  # all that the list says, as JSON
    info={"recorded_by": "list_id"},
)

tag_sets = Table(
    "tag_sets",
    metadata,
    Column(
        "import_id", Integer, ForeignKey("tag_imports.id"), primary_key=True, autoincrement=False
    ),
    Column("network", Words, primary_key=True),
    Column("tag_count", Integer, nullable=False),  # current tags
    Column("digest", String(64), nullable=False),  # over theirs, whatever their order
)

price_tables = Table(
    "price_tables",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("document_id", Integer, ForeignKey("documents.id"), nullable=False, index=True),
    Column("asset", Words, nullable=False),
    Column("currency", Words, nullable=False),
    Column("source", Words, nullable=False),  # who states the prices
    Column("licence", Words),
    Column("price_column", Words, nullable=False),
    Column("granularity", Words, nullable=False),
    Column("points", Integer, nullable=False),
    Column("first_time", UtcDateTime, nullable=False),
    Column("last_time", UtcDateTime, nullable=False),
    Column("missing", Integer, nullable=False),  # points that are absent between these two
    Column("longest_gap", BigInteger, nullable=False),  # seconds between two neighbours
    Column("absent", Integer, nullable=False),  # rows that state no price
    Column("repeated", Integer, nullable=False),  # rows that say what another row says
    Column("points_sha256", String(64), nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
    Column("imported_by", Words, nullable=False),
    Index(None, "asset", "currency"),
    info={"recorded_by": "id"},
)

price_points = Table(
    "price_points",
    metadata,
    Column(
        "table_id", Integer, ForeignKey("price_tables.id"), primary_key=True, autoincrement=False
    ),
    Column("time", BigInteger, primary_key=True, autoincrement=False),  # seconds since 1970
    Column("price", Words, nullable=False),  # a plain decimal number
    info={"recorded_by": "table_id"},
)

faulty_prices = Table(
    "faulty_prices",
    metadata,
    Column(
        "table_id", Integer, ForeignKey("price_tables.id"), primary_key=True, autoincrement=False
    ),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("text", Words, nullable=False),  # as the document writes it, shortened
    Column("fault", Words, nullable=False),
    info={"recorded_by": "table_id"},
)

price_withdrawals = Table(
    "price_withdrawals",
    metadata,
    Column(
        "table_id", Integer, ForeignKey("price_tables.id"), primary_key=True, autoincrement=False
    ),
    Column("reason", Words, nullable=False),
    Column("withdrawn_at", UtcDateTime, nullable=False),
    Column("withdrawn_by", Words, nullable=False),
    info={"recorded_by": "table_id"},
)

evidence = Table(
    "evidence",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),  # from 1, without gaps
    Column("kind", String(40), nullable=False),
    Column("payload", Text, nullable=False),  # canonical JSON
    Column("prev_hash", String(64), nullable=False),
    Column("row_hash", String(64), nullable=False, unique=True),
    Column("recorded_at", String(27), nullable=False),  # as text, since it is hashed
    Column("recorded_by", Text, nullable=False),
    Index(None, "kind"),
)
