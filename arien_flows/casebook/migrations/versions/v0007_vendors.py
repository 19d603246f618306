"""Accounts of vendors on markets, as documents show them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_BIG_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TABLES = (
    "vendor_statements",
    "vendor_faults",
    "vendor_sales",
    "vendor_quotes",
    "vendor_listings",
    "vendor_contacts",
    "vendor_key_sightings",
    "vendor_keys",
    "vendor_fields",
    "vendor_observations",
    "vendor_accounts",
    "vendor_readings",
)


def upgrade() -> None:
    """Make the tables."""
    _make_accounts()
    _make_keys()
    _make_trade()
    _make_others()


def downgrade() -> None:
    """Remove the tables; the documents stay."""
    for table in _TABLES:
        op.drop_table(table)


def _make(table: str, *columns: sa.Column[object], **keys: str) -> None:
    """Make a table with its key, its foreign keys and an index of each number of a reading."""
    links = [
        sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")
        for column, target in keys.items()
    ]
    op.create_table(
        table, *columns, sa.PrimaryKeyConstraint(columns[0].name, name=f"pk_{table}"), *links
    )


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _row(*columns: sa.Column[object]) -> tuple[sa.Column[object], ...]:
    """Return the columns of a row that a reading wrote."""
    return (
        sa.Column("id", _BIG_NUMBER, autoincrement=False),
        sa.Column("reading_id", sa.Integer, nullable=False),
        *columns,
    )


def _shown(*columns: sa.Column[object]) -> tuple[sa.Column[object], ...]:
    """Return the columns of a value that an observation rests on."""
    return _row(
        sa.Column("observation_id", _BIG_NUMBER, nullable=False),
        *columns,
        sa.Column("first_byte", sa.BigInteger, nullable=False),
        sa.Column("end_byte", sa.BigInteger, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
    )


def _make_value(table: str, *columns: sa.Column[object]) -> None:
    """Make a table of values that observations rest on."""
    _make(
        table,
        *_shown(*columns),
        reading_id="vendor_readings.id",
        observation_id="vendor_observations.id",
    )
    _index(table, "reading_id")
    _index(table, "observation_id")


def _make_accounts() -> None:
    _make(
        "vendor_readings",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("reader", sa.Text, nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_by", sa.Text, nullable=False),
    )
    op.create_table(
        "vendor_accounts",
        *_row(
            sa.Column("market", sa.Text, nullable=False),
            sa.Column("handle", sa.Text, nullable=False),
            sa.Column("folded", sa.Text, nullable=False),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_vendor_accounts"),
        sa.ForeignKeyConstraint(
            ["reading_id"], ["vendor_readings.id"], name="fk_vendor_accounts_reading_id"
        ),
        sa.UniqueConstraint("market", "handle", name="uq_vendor_accounts_market_handle"),
    )
    _index("vendor_accounts", "reading_id")
    _index("vendor_accounts", "folded")
    _make(
        "vendor_observations",
        *_row(
            sa.Column("account_id", _BIG_NUMBER, nullable=False),
            sa.Column("document_id", sa.Integer, nullable=False),
            sa.Column("captured_at", sa.DateTime(timezone=True)),
            sa.Column("layout", sa.Text, nullable=False),
            sa.Column("reader", sa.Text, nullable=False),
            sa.Column("first_byte", sa.BigInteger, nullable=False),
            sa.Column("end_byte", sa.BigInteger, nullable=False),
            sa.Column("handle_first_byte", sa.BigInteger, nullable=False),
            sa.Column("handle_end_byte", sa.BigInteger, nullable=False),
        ),
        reading_id="vendor_readings.id",
        account_id="vendor_accounts.id",
        document_id="documents.id",
    )
    _index("vendor_observations", "reading_id")
    _index("vendor_observations", "account_id")
    _index("vendor_observations", "document_id", "first_byte")
    _make_value(
        "vendor_fields",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("earliest", sa.DateTime(timezone=True)),
        sa.Column("latest", sa.DateTime(timezone=True)),
    )


def _make_keys() -> None:
    _make(
        "vendor_keys",
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("reading_id", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("algorithm", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True)),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("is_revoked", sa.Boolean, nullable=False),
        sa.Column("user_ids", sa.Text, nullable=False),
        sa.Column("subkeys", sa.Text, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        reading_id="vendor_readings.id",
    )
    _index("vendor_keys", "reading_id")
    _make_value("vendor_key_sightings", sa.Column("fingerprint", sa.String(64), nullable=False))
    _index("vendor_key_sightings", "fingerprint")
    _make_value(
        "vendor_contacts",
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("handle", sa.Text, nullable=False),
    )
    _index("vendor_contacts", "kind", "handle")


def _make_trade() -> None:
    _make_value(
        "vendor_listings",
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("category", sa.Text),
    )
    _make(
        "vendor_quotes",
        *_row(
            sa.Column("listing_id", _BIG_NUMBER, nullable=False),
            sa.Column("amount", sa.Text, nullable=False),
            sa.Column("currency", sa.Text, nullable=False),
            sa.Column("unit", sa.Text),
        ),
        reading_id="vendor_readings.id",
        listing_id="vendor_listings.id",
    )
    _index("vendor_quotes", "reading_id")
    _index("vendor_quotes", "listing_id")
    _make_value(
        "vendor_sales",
        sa.Column("title", sa.Text),
        sa.Column("earliest", sa.DateTime(timezone=True)),
        sa.Column("latest", sa.DateTime(timezone=True)),
        sa.Column("amount", sa.Text),
        sa.Column("currency", sa.Text),
        sa.Column("unit", sa.Text),
        sa.Column("buyer", sa.Text),
        sa.Column("rating", sa.Text),
    )


def _make_others() -> None:
    _make(
        "vendor_faults",
        *_row(
            sa.Column("observation_id", _BIG_NUMBER, nullable=False),
            sa.Column("what", sa.Text, nullable=False),
            sa.Column("first_byte", sa.BigInteger, nullable=False),
            sa.Column("end_byte", sa.BigInteger, nullable=False),
            sa.Column("reason", sa.Text, nullable=False),
        ),
        reading_id="vendor_readings.id",
        observation_id="vendor_observations.id",
    )
    _index("vendor_faults", "reading_id")
    _index("vendor_faults", "observation_id")
    _make(
        "vendor_statements",
        *_row(
            sa.Column("document_id", sa.Integer, nullable=False),
            sa.Column("first_byte", sa.BigInteger, nullable=False),
            sa.Column("end_byte", sa.BigInteger, nullable=False),
            sa.Column("encoding", sa.Text, nullable=False),
        ),
        reading_id="vendor_readings.id",
        document_id="documents.id",
    )
    _index("vendor_statements", "reading_id")
    _index("vendor_statements", "document_id")
