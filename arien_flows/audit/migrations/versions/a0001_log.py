"""The log, and triggers that let rows be appended and nothing else."""

import sqlalchemy as sa
from alembic import op

revision = "a0001"
down_revision = None

_WHY = "the audit log is only ever appended"


def upgrade() -> None:
    """Make the table and the triggers."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "audit_log",
        sa.Column("seq", number, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("caller", sa.Text),
        sa.Column("role", sa.String(20)),
        sa.Column("means", sa.String(20)),
        sa.Column("key_id", sa.Text),
        sa.Column("ip", sa.Text),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("operation", sa.Text),
        sa.Column("permission", sa.String(40)),
        sa.Column("case_id", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("subjects", sa.Text, nullable=False),
        sa.Column("body_sha256", sa.String(64)),
        sa.Column("outcome", sa.Integer),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("row_hash", sa.String(64), nullable=False),
    )
    op.create_index("ix_audit_log_at", "audit_log", ["at"])
    op.create_index("ix_audit_log_caller", "audit_log", ["caller", "seq"])
    op.create_index("ix_audit_log_case_id", "audit_log", ["case_id", "seq"])
    for statement in _MAKE[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Remove the triggers and the table, and with it everything that was recorded."""
    for statement in _REMOVE[op.get_bind().dialect.name]:
        op.execute(statement)
    op.drop_table("audit_log")


_MAKE = {
    "sqlite": [
        *(
            f"CREATE TRIGGER audit_log_no_{act.lower()} BEFORE {act} ON audit_log "
            f"BEGIN SELECT RAISE(ABORT, '{_WHY}'); END"
            for act in ("UPDATE", "DELETE")
        ),
        # `INSERT OR REPLACE` deletes without asking the trigger that refuses deletions.
        "CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log "
        "WHEN EXISTS (SELECT 1 FROM audit_log WHERE seq = NEW.seq) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is only ever appended'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION arien_flows_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$",
        "CREATE TRIGGER audit_log_no_change BEFORE UPDATE OR DELETE ON audit_log "
        f"FOR EACH ROW EXECUTE FUNCTION arien_flows_audit_refuse('{_WHY}')",
        "CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log "
        f"FOR EACH STATEMENT EXECUTE FUNCTION arien_flows_audit_refuse('{_WHY}')",
    ],
}
_REMOVE = {
    "sqlite": [f"DROP TRIGGER audit_log_no_{act}" for act in ("update", "delete", "replace")],
    "postgresql": [
        "DROP TRIGGER audit_log_no_change ON audit_log",
        "DROP TRIGGER audit_log_no_truncate ON audit_log",
        "DROP FUNCTION arien_flows_audit_refuse()",
    ],
}
