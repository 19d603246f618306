"""Notes of a case. Every version is kept, with who wrote it; the last one is what the note says."""

from datetime import datetime

from sqlalchemy import Connection, RowMapping, Select, and_, delete, insert, select, update

from arien_flows.access.ids import new_id
from arien_flows.casebook.case_acts import record_act
from arien_flows.casebook.case_folders import require_open, written_in
from arien_flows.casebook.case_records import ActKind, CaseNote, Certainty, NoteVersion
from arien_flows.casebook.case_tables import case_note_versions, case_notes
from arien_flows.errors import LostUpdateError, NotFoundError


def write_note(
    connection: Connection,
    case_id: str,
    *,
    text: str,
    certainty: Certainty,
    now: datetime,
    by: str,
) -> CaseNote:
    """Keep a new note."""
    require_open(connection, case_id)
    name = new_id("note", now)
    connection.execute(
        insert(case_notes).values(
            id=name,
            case_id=case_id,
            version=1,
            made_at=now,
            made_by=by,
            changed_at=now,
            changed_by=by,
        )
    )
    _keep_version(connection, name, 1, text=text, certainty=certainty, now=now, by=by)
    record_act(connection, case_id, ActKind.NOTE_WRITTEN, now=now, by=by, subject=name)
    return read_note(connection, case_id, name)


def change_note(
    connection: Connection,
    case_id: str,
    note_id: str,
    *,
    text: str,
    certainty: Certainty,
    version: int,
    now: datetime,
    by: str,
) -> CaseNote:
    """Let a note that stands at a version say something else."""
    require_open(connection, case_id)
    present = read_note(connection, case_id, note_id)
    if present.written.version != version:
        raise LostUpdateError(f"{note_id} was changed by {present.written.changed_by}: read it")
    if (present.text, present.certainty) == (text, certainty):
        return present
    values = {"version": version + 1, "changed_at": now, "changed_by": by}
    connection.execute(update(case_notes).where(case_notes.c.id == note_id).values(values))
    _keep_version(connection, note_id, version + 1, text=text, certainty=certainty, now=now, by=by)
    record_act(connection, case_id, ActKind.NOTE_CHANGED, now=now, by=by, subject=note_id)
    return read_note(connection, case_id, note_id)


def remove_note(
    connection: Connection, case_id: str, note_id: str, *, now: datetime, by: str
) -> None:
    """Take a note away with all its versions: for what should never have been written."""
    require_open(connection, case_id)
    read_note(connection, case_id, note_id)
    versions = case_note_versions.c.note_id == note_id
    connection.execute(delete(case_note_versions).where(versions))
    connection.execute(delete(case_notes).where(case_notes.c.id == note_id))
    record_act(connection, case_id, ActKind.NOTE_REMOVED, now=now, by=by, subject=note_id)


def read_note(connection: Connection, case_id: str, note_id: str) -> CaseNote:
    """Return a note of a case; `NotFoundError` where the case holds none of that name."""
    query = _notes(case_id).where(case_notes.c.id == note_id)
    found = connection.execute(query).mappings().first()
    if found is None:
        raise NotFoundError(f"{case_id} holds no {note_id}")
    return _note(found)


def notes_page(
    connection: Connection, case_id: str, *, before: str | None, limit: int
) -> list[CaseNote]:
    """Return at most `limit` notes of a case, the newest first."""
    query = _notes(case_id)
    if before is not None:
        query = query.where(case_notes.c.id < before)
    found = connection.execute(query.order_by(case_notes.c.id.desc()).limit(limit))
    return [_note(row) for row in found.mappings()]


def note_versions(
    connection: Connection, case_id: str, note_id: str, *, after: int, limit: int
) -> list[NoteVersion]:
    """Return what a note said, from its first version on, beginning after one of them."""
    read_note(connection, case_id, note_id)
    query = (
        select(case_note_versions)
        .where(case_note_versions.c.note_id == note_id, case_note_versions.c.version > after)
        .order_by(case_note_versions.c.version)
        .limit(limit)
    )
    return [
        NoteVersion(
            version=row["version"],
            text=row["text"],
            certainty=Certainty(row["certainty"]),
            made_at=row["made_at"],
            made_by=row["made_by"],
        )
        for row in connection.execute(query).mappings()
    ]


def _notes(case_id: str) -> Select[tuple[object, ...]]:
    last = and_(
        case_note_versions.c.note_id == case_notes.c.id,
        case_note_versions.c.version == case_notes.c.version,
    )
    return (
        select(case_notes, case_note_versions.c.text, case_note_versions.c.certainty)
        .select_from(case_notes.join(case_note_versions, last))
        .where(case_notes.c.case_id == case_id)
    )


def _note(row: RowMapping) -> CaseNote:
    return CaseNote(
        id=row["id"],
        case_id=row["case_id"],
        text=row["text"],
        certainty=Certainty(row["certainty"]),
        written=written_in(row),
    )


def _keep_version(
    connection: Connection,
    note_id: str,
    version: int,
    *,
    text: str,
    certainty: Certainty,
    now: datetime,
    by: str,
) -> None:
    connection.execute(
        insert(case_note_versions).values(
            note_id=note_id,
            version=version,
            text=text,
            certainty=certainty.value,
            made_at=now,
            made_by=by,
        )
    )
