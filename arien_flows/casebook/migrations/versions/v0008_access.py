"""People, keys and sessions; and four eyes on tags, kept by the database itself.

Whoever brought an import in cannot approve it, and of one that nobody in particular brought in
nobody can tell who that was. The program checks it; a trigger does for whoever writes past it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_TABLES = ("sign_ins", "sessions", "keys", "people")

_WHY = "whoever made an import cannot approve it (four eyes)"
_SAME_PERSON = (
    "NEW.verdict = 'approved' AND EXISTS (SELECT 1 FROM tag_imports WHERE id = NEW.import_id "
    "AND (imported_by = NEW.reviewed_by OR imported_by IN ('service', 'unknown')))"
)

_MAKE = {
    "sqlite": [
        f"CREATE TRIGGER tag_reviews_four_eyes_{act.lower()} BEFORE {act} ON tag_reviews "
        f"WHEN {_SAME_PERSON} BEGIN SELECT RAISE(ABORT, '{_WHY}'); END"
        for act in ("INSERT", "UPDATE")
    ],
    "postgresql": [
        "CREATE FUNCTION arien_flows_four_eyes() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {_SAME_PERSON} THEN RAISE EXCEPTION '{_WHY}'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER tag_reviews_four_eyes BEFORE INSERT OR UPDATE ON tag_reviews "
        "FOR EACH ROW EXECUTE FUNCTION arien_flows_four_eyes()",
    ],
}
_REMOVE = {
    "sqlite": [f"DROP TRIGGER tag_reviews_four_eyes_{act}" for act in ("insert", "update")],
    "postgresql": [
        "DROP TRIGGER tag_reviews_four_eyes ON tag_reviews",
        "DROP FUNCTION arien_flows_four_eyes()",
    ],
}


def upgrade() -> None:
    """Make the tables and the triggers."""
    _make_people()
    _make_keys()
    _make_sessions()
    for statement in _MAKE[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Remove the triggers and the tables, and with them all accounts."""
    for statement in _REMOVE[op.get_bind().dialect.name]:
        op.execute(statement)
    for table in _TABLES:
        op.drop_table(table)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _make_people() -> None:
    op.create_table(
        "people",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("clearance", sa.String(20), nullable=False),
        sa.Column("issuer", sa.Text),
        sa.Column("subject", sa.Text),
        sa.Column("has_claimed_role", sa.Boolean, nullable=False),
        _moment("made_at"),
        sa.Column("made_by", sa.Text, nullable=False),
        _moment("disabled_at", nullable=True),
        sa.Column("disabled_by", sa.Text),
        sa.PrimaryKeyConstraint("name", name="pk_people"),
        sa.UniqueConstraint("folded", name="uq_people_folded"),
        sa.UniqueConstraint("issuer", "subject", name="uq_people_issuer_subject"),
    )


def _make_keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text),
        sa.Column("clearance", sa.String(20), nullable=False),
        sa.Column("networks", sa.Text, nullable=False),
        _moment("made_at"),
        sa.Column("made_by", sa.Text, nullable=False),
        _moment("expires_at", nullable=True),
        _moment("revoked_at", nullable=True),
        sa.Column("revoked_by", sa.Text),
        _moment("last_used_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_keys"),
        sa.ForeignKeyConstraint(["owner"], ["people.name"], name="fk_keys_owner"),
    )
    op.create_index("ix_keys_owner", "keys", ["owner"])


def _make_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        _moment("made_at"),
        _moment("expires_at"),
        _moment("seen_at"),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_sessions"),
        sa.ForeignKeyConstraint(["person"], ["people.name"], name="fk_sessions_person"),
    )
    op.create_index("ix_sessions_person", "sessions", ["person"])
    op.create_table(
        "sign_ins",
        sa.Column("state_sha256", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(100), nullable=False),
        sa.Column("verifier", sa.String(200), nullable=False),
        _moment("expires_at"),
        sa.PrimaryKeyConstraint("state_sha256", name="pk_sign_ins"),
    )
