"""Addresses, entities and transactions of interest in a case, and who is thought to be behind them.

What is added twice stays as it is. Nothing here looks beyond one case, so that no answer and no
time that it takes tells of another; where an address stands in several cases is asked for
elsewhere, by those who may know (`case_matches`).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, and_, delete, insert, select, update

from arien_flows.access.ids import new_id
from arien_flows.casebook.case_acts import record_act
from arien_flows.casebook.case_folders import require_open, written_in
from arien_flows.casebook.case_records import (
    ActKind,
    CaseSubject,
    Certainty,
    NewSubject,
    PersonRole,
    Subject,
    SubjectKind,
)
from arien_flows.casebook.case_tables import case_subjects
from arien_flows.errors import LostUpdateError, NotFoundError


def add_subjects(
    connection: Connection,
    case_id: str,
    wanted: Sequence[NewSubject],
    *,
    now: datetime,
    by: str,
) -> list[tuple[CaseSubject, bool]]:
    """Keep what is of interest, all or nothing; tell of each, in this order, whether it is new."""
    require_open(connection, case_id)
    made = []
    for new in wanted:
        present = _find(connection, case_id, new.subject)
        if present is None:
            made.append((_add(connection, case_id, new, now=now, by=by), True))
        else:
            made.append((present, False))
    return made


def read_subject(connection: Connection, case_id: str, item_id: str) -> CaseSubject:
    """Return an item of a case; `NotFoundError` where the case holds none of that name."""
    query = select(case_subjects).where(
        case_subjects.c.id == item_id, case_subjects.c.case_id == case_id
    )
    found = connection.execute(query).mappings().first()
    if found is None:
        raise NotFoundError(f"{case_id} holds no {item_id}")
    return subject_in(found)


def subjects_page(
    connection: Connection, case_id: str, *, before: str | None, limit: int
) -> list[CaseSubject]:
    """Return at most `limit` items of a case, the newest first."""
    query = select(case_subjects).where(case_subjects.c.case_id == case_id)
    if before is not None:
        query = query.where(case_subjects.c.id < before)
    found = connection.execute(query.order_by(case_subjects.c.id.desc()).limit(limit))
    return [subject_in(row) for row in found.mappings()]


def change_subject(
    connection: Connection,
    case_id: str,
    item_id: str,
    *,
    person_role: PersonRole | None,
    certainty: Certainty | None,
    note: str | None,
    version: int,
    now: datetime,
    by: str,
) -> CaseSubject:
    """Say something else of an item; nothing leaves a field as it is."""
    require_open(connection, case_id)
    present = read_subject(connection, case_id, item_id)
    if present.written.version != version:
        raise LostUpdateError(f"{item_id} was changed by {present.written.changed_by}: read it")
    told = {
        "person_role": person_role and person_role.value,
        "certainty": certainty and certainty.value,
        "note": note,
    }
    changed = {name: value for name, value in told.items() if value is not None}
    if not changed:
        return present
    values = changed | {"version": version + 1, "changed_at": now, "changed_by": by}
    connection.execute(update(case_subjects).where(case_subjects.c.id == item_id).values(values))
    kind, what = ActKind.SUBJECT_CHANGED, ", ".join(sorted(changed))
    record_act(connection, case_id, kind, now=now, by=by, subject=item_id, what=what)
    return read_subject(connection, case_id, item_id)


def remove_subject(
    connection: Connection, case_id: str, item_id: str, *, now: datetime, by: str
) -> None:
    """Take an item out of a case."""
    require_open(connection, case_id)
    read_subject(connection, case_id, item_id)
    connection.execute(delete(case_subjects).where(case_subjects.c.id == item_id))
    record_act(connection, case_id, ActKind.SUBJECT_REMOVED, now=now, by=by, subject=item_id)


def subject_in(row: RowMapping) -> CaseSubject:
    """Return the item in a row of the table."""
    return CaseSubject(
        id=row["id"],
        case_id=row["case_id"],
        subject=Subject(kind=SubjectKind(row["kind"]), network=row["network"], text=row["text"]),
        person_role=PersonRole(row["person_role"]),
        certainty=Certainty(row["certainty"]),
        note=row["note"],
        written=written_in(row),
    )


def _find(connection: Connection, case_id: str, wanted: Subject) -> CaseSubject | None:
    query = select(case_subjects).where(
        and_(
            case_subjects.c.case_id == case_id,
            case_subjects.c.kind == wanted.kind.value,
            case_subjects.c.network == wanted.network,
            case_subjects.c.text == wanted.text,
        )
    )
    found = connection.execute(query).mappings().first()
    return None if found is None else subject_in(found)


def _add(
    connection: Connection, case_id: str, new: NewSubject, *, now: datetime, by: str
) -> CaseSubject:
    name = new_id("item", now)
    connection.execute(
        insert(case_subjects).values(
            id=name,
            case_id=case_id,
            kind=new.subject.kind.value,
            network=new.subject.network,
            text=new.subject.text,
            person_role=new.person_role.value,
            certainty=new.certainty.value,
            note=new.note,
            version=1,
            made_at=now,
            made_by=by,
            changed_at=now,
            changed_by=by,
        )
    )
    record_act(connection, case_id, ActKind.SUBJECT_ADDED, now=now, by=by, subject=name)
    return read_subject(connection, case_id, name)
