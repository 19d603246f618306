"""Cases: members, content, deadlines, and what is signalled between them.

Acts are only ever added: triggers refuse to change them, as they do for evidence.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_WHY = "acts of a case are only ever appended"
_REFUSE = f"BEGIN SELECT RAISE(ABORT, '{_WHY}'); END"
_SAME = "EXISTS (SELECT 1 FROM case_acts WHERE id = NEW.id)"
_SQLITE = (
    "CREATE TRIGGER case_acts_no_update BEFORE UPDATE ON case_acts " + _REFUSE,
    "CREATE TRIGGER case_acts_no_delete BEFORE DELETE ON case_acts " + _REFUSE,
    f"CREATE TRIGGER case_acts_no_replace BEFORE INSERT ON case_acts WHEN {_SAME} {_REFUSE}",
)
_POSTGRESQL = (
    "CREATE TRIGGER case_acts_no_change BEFORE UPDATE OR DELETE ON case_acts "
    f"FOR EACH ROW EXECUTE FUNCTION arien_flows_refuse('{_WHY}')",
    "CREATE TRIGGER case_acts_no_truncate BEFORE TRUNCATE ON case_acts "
    f"FOR EACH STATEMENT EXECUTE FUNCTION arien_flows_refuse('{_WHY}')",
)
_TABLES = (
    "doomed_paths",
    "case_signals",
    "case_files",
    "case_results",
    "case_note_versions",
    "case_notes",
    "case_subjects",
    "case_reviews",
    "case_acts",
    "case_members",
    "cases",
)


def upgrade() -> None:
    """Make the tables and the triggers."""
    _make_cases()
    _make_content()
    _make_signals()
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE if is_sqlite else _POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables, with their triggers and all cases; files in the data folder stay."""
    for table in _TABLES:
        op.drop_table(table)


def _make_cases() -> None:
    """Make what a case is, who works on it, and what was done."""
    op.create_table(
        "cases",
        sa.Column("id", sa.String(40)),
        sa.Column("number", sa.Text),
        sa.Column("number_sha256", sa.String(64), nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("legal_basis", sa.Text),
        sa.Column("authority", sa.Text),
        sa.Column("purpose", sa.Text),
        sa.Column("tlp", sa.String(20), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("review_by", sa.Date, nullable=False),
        sa.Column("erase_after", sa.Date),
        sa.Column("told_due", sa.Date),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("erasure_reason", sa.Text),
        sa.Column("erased_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.UniqueConstraint("number", name="uq_cases_number"),
    )
    op.create_index("ix_cases_number_sha256", "cases", ["number_sha256"])
    op.create_table(
        "case_members",
        sa.Column("case_id", sa.String(40)),
        sa.Column("person", sa.Text),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("case_id", "person", name="pk_case_members"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_members_case_id"),
    )
    op.create_index("ix_case_members_person", "case_members", ["person"])
    op.create_table(
        "case_acts",
        sa.Column("id", sa.String(40)),
        sa.Column("case_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject", sa.Text),
        sa.Column("what", sa.Text),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_acts"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_acts_case_id"),
    )
    op.create_index("ix_case_acts_case_id", "case_acts", ["case_id"])
    op.create_table(
        "case_reviews",
        sa.Column("id", sa.String(40)),
        sa.Column("case_id", sa.String(40), nullable=False),
        sa.Column("finding", sa.Text, nullable=False),
        sa.Column("next_review_by", sa.Date, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_reviews"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_reviews_case_id"),
    )
    op.create_index("ix_case_reviews_case_id", "case_reviews", ["case_id"])


def _make_content() -> None:
    """Make what is put into cases."""
    op.create_table(
        "case_subjects",
        sa.Column("id", sa.String(40)),
        sa.Column("case_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("network", sa.String(40), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("person_role", sa.String(20), nullable=False),
        sa.Column("certainty", sa.String(20), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_subjects"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_subjects_case_id"),
        sa.UniqueConstraint(
            "case_id", "kind", "network", "text", name="uq_case_subjects_case_id_kind_network_text"
        ),
    )
    op.create_index("ix_case_subjects_network_text", "case_subjects", ["network", "text"])
    op.create_table(
        "case_notes",
        sa.Column("id", sa.String(40)),
        sa.Column("case_id", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_notes"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_notes_case_id"),
    )
    op.create_index("ix_case_notes_case_id", "case_notes", ["case_id"])
    op.create_table(
        "case_note_versions",
        sa.Column("note_id", sa.String(40)),
        sa.Column("version", sa.Integer, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("certainty", sa.String(20), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("note_id", "version", name="pk_case_note_versions"),
        sa.ForeignKeyConstraint(
            ["note_id"], ["case_notes.id"], name="fk_case_note_versions_note_id"
        ),
    )
    op.create_table(
        "case_results",
        sa.Column("id", sa.String(40)),
        sa.Column("case_id", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("job_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("certainty", sa.String(20), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_results"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_results_case_id"),
        sa.UniqueConstraint("case_id", "subject", name="uq_case_results_case_id_subject"),
    )
    op.create_table(
        "case_files",
        sa.Column("id", sa.String(40)),
        sa.Column("case_id", sa.String(40), nullable=False),
        sa.Column("result_id", sa.String(40)),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("certainty", sa.String(20), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_files"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_files_case_id"),
        sa.ForeignKeyConstraint(["result_id"], ["case_results.id"], name="fk_case_files_result_id"),
    )
    op.create_index("ix_case_files_case_id", "case_files", ["case_id"])
    op.create_index("ix_case_files_result_id", "case_files", ["result_id"])
    op.create_index("ix_case_files_sha256", "case_files", ["sha256"])


def _make_signals() -> None:
    """Make what is signalled between cases, and what has yet to be removed."""
    op.create_table(
        "case_signals",
        sa.Column("id", sa.String(40)),
        sa.Column("first_case", sa.String(40), nullable=False),
        sa.Column("second_case", sa.String(40), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("introduced_at", sa.DateTime(timezone=True)),
        sa.Column("introduced_by", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_case_signals"),
        sa.ForeignKeyConstraint(["first_case"], ["cases.id"], name="fk_case_signals_first_case"),
        sa.ForeignKeyConstraint(["second_case"], ["cases.id"], name="fk_case_signals_second_case"),
        sa.UniqueConstraint(
            "first_case", "second_case", name="uq_case_signals_first_case_second_case"
        ),
    )
    op.create_table(
        "doomed_paths",
        sa.Column("path", sa.String(200)),
        sa.Column("case_id", sa.String(40)),
        sa.Column("doomed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_doomed_paths"),
    )
