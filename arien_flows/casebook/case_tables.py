"""The tables of cases, as the newest migration leaves them. Private to this package.

A case is a row whose words can be taken away: erasure empties its columns and leaves its id, the
hash of its number and its dates. Everything that was put into it hangs on it by `case_id`, so that
erasure finds it; the same holds for the tables of other areas that have such a column.

Acts say who did what and when, never what it said. Triggers keep them from being changed, and they
outlive the case.

`doomed_paths` names files that no row speaks of any more and that have yet to be removed from the
data folder: written in the transaction that took the row away, so that no kill leaves them behind.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from arien_flows.casebook.models import UtcDateTime, Words, metadata


def _case() -> Column[str]:
    return Column("case_id", String(40), ForeignKey("cases.id"), nullable=False)


def _made() -> tuple[Column[object], ...]:
    """Return the columns that say who wrote an item, and who changed it last."""
    return (
        Column("version", Integer, nullable=False),
        Column("made_at", UtcDateTime, nullable=False),
        Column("made_by", Words, nullable=False),
        Column("changed_at", UtcDateTime, nullable=False),
        Column("changed_by", Words, nullable=False),
    )


cases = Table(
    "cases",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("number", Words, unique=True),
    Column("number_sha256", String(64), nullable=False, index=True),
    Column("title", Words),
    Column("legal_basis", Words),
    Column("authority", Words),
    Column("purpose", Words),
    Column("tlp", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("review_by", Date, nullable=False),
    Column("erase_after", Date),
    Column("told_due", Date),  # the day of review that its members were told of
    *_made(),
    Column("erasure_reason", Words),
    Column("erased_at", UtcDateTime),
)

case_members = Table(
    "case_members",
    metadata,
    Column("case_id", String(40), ForeignKey("cases.id"), primary_key=True),
    Column("person", Words, primary_key=True),
    Column("role", String(10), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", Words, nullable=False),
    Index(None, "person"),
)

case_acts = Table(
    "case_acts",
    metadata,
    Column("id", String(40), primary_key=True),
    _case(),
    Column("kind", String(40), nullable=False),
    Column("subject", Words),  # the id of an item, or the name of a person
    Column("what", Words),  # names of fields, or a role; never what they say
    Column("at", UtcDateTime, nullable=False),
    Column("by", Words, nullable=False),
    Index(None, "case_id"),
)

case_reviews = Table(
    "case_reviews",
    metadata,
    Column("id", String(40), primary_key=True),
    _case(),
    Column("finding", Words, nullable=False),
    Column("next_review_by", Date, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", Words, nullable=False),
    Index(None, "case_id"),
)

case_subjects = Table(
    "case_subjects",
    metadata,
    Column("id", String(40), primary_key=True),
    _case(),
    Column("kind", String(20), nullable=False),
    Column("network", String(40), nullable=False),
    Column("text", Words, nullable=False),
    Column("person_role", String(20), nullable=False),
    Column("certainty", String(20), nullable=False),
    Column("note", Words, nullable=False),
    *_made(),
    UniqueConstraint("case_id", "kind", "network", "text"),
    Index(None, "network", "text"),
)

case_notes = Table(
    "case_notes",
    metadata,
    Column("id", String(40), primary_key=True),
    _case(),
    *_made(),
    Index(None, "case_id"),
)

case_note_versions = Table(
    "case_note_versions",
    metadata,
    Column("note_id", String(40), ForeignKey("case_notes.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Words, nullable=False),
    Column("certainty", String(20), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", Words, nullable=False),
)

case_results = Table(
    "case_results",
    metadata,
    Column("id", String(40), primary_key=True),
    _case(),
    Column("subject", String(40), nullable=False),  # trace_… or batch_…
    Column("job_id", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("request", Words, nullable=False),  # JSON
    Column("certainty", String(20), nullable=False),
    Column("note", Words, nullable=False),
    *_made(),
    UniqueConstraint("case_id", "subject"),
)

case_files = Table(
    "case_files",
    metadata,
    Column("id", String(40), primary_key=True),
    _case(),
    Column("result_id", String(40), ForeignKey("case_results.id")),  # of a trace or batch
    Column("name", Words, nullable=False),
    Column("media_type", Words, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False, index=True),
    Column("certainty", String(20), nullable=False),
    Column("note", Words, nullable=False),
    *_made(),
    Index(None, "case_id"),
    Index(None, "result_id"),
)

case_signals = Table(
    "case_signals",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("first_case", String(40), ForeignKey("cases.id"), nullable=False),
    Column("second_case", String(40), ForeignKey("cases.id"), nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    Column("introduced_at", UtcDateTime),
    Column("introduced_by", Words),
    UniqueConstraint("first_case", "second_case"),
)

doomed_paths = Table(
    "doomed_paths",
    metadata,
    Column("path", String(200), primary_key=True),
    Column("case_id", String(40)),
    Column("doomed_at", UtcDateTime, nullable=False),
)
