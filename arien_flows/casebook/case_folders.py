"""Cases as folders: made, read, listed and changed.

Who sees a case is decided by `access.cases.case_role` and nowhere else: a list is read case by
case, newest first, and each is put to that rule. So a page costs more where most cases are not the
caller's; those who see only their own are looked up by their memberships.

The number of a case is the authority's own. That one is taken is told to whoever tries to take it
again, for two cases of one number would be worse; nothing else of that case is told.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import fields
from datetime import date, datetime
from enum import Enum

from sqlalchemy import Connection, RowMapping, Select, and_, insert, or_, select, update

from arien_flows.access.callers import Caller
from arien_flows.access.cases import CaseAccess, CaseRole, case_role, needs_membership
from arien_flows.access.ids import new_id
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.case_acts import record_act
from arien_flows.casebook.case_records import (
    GONE,
    ActKind,
    Case,
    CaseChange,
    CaseFilter,
    CaseState,
    NewCase,
    Review,
    Written,
)
from arien_flows.casebook.case_tables import case_members, case_reviews, case_subjects, cases
from arien_flows.errors import ConflictError, InputError, LostUpdateError, NotFoundError

ROWS_AT_ONCE = 500
_GONE = [state.value for state in GONE]
_STATE_ACTS = {
    CaseState.CLOSED: ActKind.CASE_CLOSED,
    CaseState.OPEN: ActKind.CASE_REOPENED,
}


def create(connection: Connection, new: NewCase, *, lead: str, now: datetime, by: str) -> Case:
    """Keep a new case with its lead; `ConflictError` where another one bears its number."""
    _check_deadlines(new.review_by, new.erase_after, now)
    _require_free(connection, new.number)
    name = new_id("case", now)
    connection.execute(
        insert(cases).values(
            id=name,
            **_stored(new),
            number_sha256=_digest(new.number),
            state=CaseState.OPEN.value,
            version=1,
            made_at=now,
            made_by=by,
            changed_at=now,
            changed_by=by,
        )
    )
    record_act(connection, name, ActKind.CASE_MADE, now=now, by=by)
    connection.execute(
        insert(case_members).values(
            case_id=name, person=lead, role=CaseRole.LEAD.value, made_at=now, made_by=by
        )
    )
    what = CaseRole.LEAD.value
    record_act(connection, name, ActKind.MEMBER_SET, now=now, by=by, subject=lead, what=what)
    return read(connection, name)


def read(connection: Connection, case_id: str) -> Case:
    """Return a case in whatever state; `NotFoundError` where there is none of that name."""
    found = connection.execute(select(cases).where(cases.c.id == case_id)).mappings().first()
    if found is None:
        raise NotFoundError(f"there is no case {case_id}")
    return _case(found)


def require_open(connection: Connection, case_id: str) -> Case:
    """Return a case that may be added to; `ConflictError` where it is closed or gone."""
    found = read(connection, case_id)
    if found.state in GONE:
        raise ConflictError(f"{case_id} was erased: nothing can be put into it")
    if found.state is CaseState.CLOSED:
        raise ConflictError(f"{case_id} is closed: its lead has to open it again first")
    return found


def access(connection: Connection, case_id: str) -> CaseAccess | None:
    """Return what decides who sees a case; nothing where there is none of that name.

    A case that is being erased has no members any more.
    """
    query = (
        select(cases.c.tlp, cases.c.state, case_members.c.person, case_members.c.role)
        .select_from(cases)
        .outerjoin(case_members, case_members.c.case_id == cases.c.id)
        .where(cases.c.id == case_id)
    )
    found = connection.execute(query).all()
    if not found:
        return None
    members = {
        person: CaseRole(role)
        for _, state, person, role in found
        if person is not None and state not in _GONE
    }
    return CaseAccess(id=case_id, tlp=Tlp(found[0].tlp), members=members)


def seen_by(connection: Connection, caller: Caller) -> list[str]:
    """Return the ids of all cases that a caller sees, the newest first."""
    return [case.id for case, _ in _seen(connection, caller, CaseFilter(), None)]


def page(
    connection: Connection, caller: Caller, wanted: CaseFilter, *, before: str | None, limit: int
) -> list[tuple[Case, CaseRole]]:
    """Return at most `limit` cases that a caller sees, with his or her part, newest first."""
    found: list[tuple[Case, CaseRole]] = []
    for seen in _seen(connection, caller, wanted, before):
        if len(found) == limit:
            break
        found.append(seen)
    return found


def change(
    connection: Connection,
    case_id: str,
    wanted: CaseChange,
    *,
    version: int,
    now: datetime,
    by: str,
) -> Case:
    """Change a case that stands at a version; `LostUpdateError` where it does not any more."""
    present = read(connection, case_id)
    if present.state in GONE:
        raise ConflictError(f"{case_id} was erased: nothing about it can be changed")
    if present.written.version != version:
        raise LostUpdateError(f"{case_id} was changed by {present.written.changed_by}: read it")
    changed = {
        name: value
        for name, value in _stored(wanted).items()
        if value is not None and value != _plain(getattr(present, name))
    }
    if not changed:
        return present
    _check_change(connection, present, wanted, changed, now)
    values = changed | {"version": version + 1, "changed_at": now, "changed_by": by}
    if wanted.number is not None:
        values["number_sha256"] = _digest(wanted.number)
    connection.execute(update(cases).where(cases.c.id == case_id).values(values))
    state = changed.pop("state", None)
    if state is not None:
        kind = _STATE_ACTS[CaseState(str(state))]
        record_act(connection, case_id, kind, now=now, by=by)
    if changed:
        told = ", ".join(sorted(changed))
        record_act(connection, case_id, ActKind.CASE_CHANGED, now=now, by=by, what=told)
    return read(connection, case_id)


def review(
    connection: Connection,
    case_id: str,
    *,
    finding: str,
    next_review_by: date,
    now: datetime,
    by: str,
) -> Review:
    """Keep a finding that a case is still needed, and set the day of its next review."""
    present = read(connection, case_id)
    if present.state in GONE:
        raise ConflictError(f"{case_id} was erased: there is nothing to review")
    _check_deadlines(next_review_by, None, now)
    made = Review(
        id=new_id("review", now),
        finding=finding,
        next_review_by=next_review_by,
        made_at=now,
        made_by=by,
    )
    values = {field.name: getattr(made, field.name) for field in fields(made)}
    connection.execute(insert(case_reviews).values(case_id=case_id, **values))
    touch(connection, case_id, now=now, by=by, review_by=next_review_by)
    record_act(connection, case_id, ActKind.REVIEWED, now=now, by=by, subject=made.id)
    return made


def reviews_page(
    connection: Connection, case_id: str, *, before: str | None, limit: int
) -> list[Review]:
    """Return at most `limit` reviews of a case, the newest first."""
    query = select(case_reviews).where(case_reviews.c.case_id == case_id)
    if before is not None:
        query = query.where(case_reviews.c.id < before)
    found = connection.execute(query.order_by(case_reviews.c.id.desc()).limit(limit)).mappings()
    return [Review(**{field.name: row[field.name] for field in fields(Review)}) for row in found]


def touch(
    connection: Connection, case_id: str, *, now: datetime, by: str, **values: object
) -> None:
    """Write columns of a case as part of another act, and count its version up."""
    changed = {"version": cases.c.version + 1, "changed_at": now, "changed_by": by, **values}
    connection.execute(update(cases).where(cases.c.id == case_id).values(changed))


def overdue(connection: Connection, on: date) -> list[str]:
    """Return the cases whose time to be erased has come, and those whose erasure was begun."""
    query = select(cases.c.id).where(
        or_(
            cases.c.state == CaseState.ERASING.value,
            and_(cases.c.state.not_in(_GONE), cases.c.erase_after < on),
        )
    )
    return list(connection.execute(query.order_by(cases.c.id)).scalars())


def untold(connection: Connection, on: date) -> list[Case]:
    """Return the cases whose review is due, and whose members were not told of that day."""
    query = select(cases).where(
        cases.c.state.not_in(_GONE),
        cases.c.review_by < on,
        or_(cases.c.told_due.is_(None), cases.c.told_due != cases.c.review_by),
    )
    return [_case(row) for row in connection.execute(query.order_by(cases.c.id)).mappings()]


def keep_told_due(connection: Connection, case: Case) -> None:
    """Note that the members of a case were told of its day of review."""
    row = cases.c.id == case.id
    connection.execute(update(cases).where(row).values(told_due=case.review_by))


def _seen(
    connection: Connection, caller: Caller, wanted: CaseFilter, before: str | None
) -> Iterator[tuple[Case, CaseRole]]:
    """Yield the cases that a caller sees and a filter lets pass, newest first."""
    query = _wanted(caller, wanted)
    while True:
        part = query if before is None else query.where(cases.c.id < before)
        rows = connection.execute(part.limit(ROWS_AT_ONCE)).mappings().all()
        for row in rows:
            before = row["id"]
            role = case_role(caller, _own_access(caller, row))
            if role is not None:
                yield _case(row), role
        if len(rows) < ROWS_AT_ONCE:
            return


def _wanted(caller: Caller, wanted: CaseFilter) -> Select[tuple[object, ...]]:
    own = and_(
        case_members.c.case_id == cases.c.id,
        case_members.c.person == caller.name,
        cases.c.state.not_in(_GONE),
    )
    query = select(cases, case_members.c.role.label("own_role")).select_from(
        cases.join(case_members, own, isouter=not needs_membership(caller))
    )
    if wanted.state is not None:
        query = query.where(cases.c.state == wanted.state.value)
    if wanted.due_on is not None:
        is_due = or_(cases.c.review_by < wanted.due_on, cases.c.erase_after < wanted.due_on)
        query = query.where(is_due, cases.c.state.not_in(_GONE))
    if wanted.number is not None:
        query = query.where(cases.c.number_sha256 == _digest(wanted.number))
    if wanted.subject is not None:
        holding = select(case_subjects.c.case_id).where(
            case_subjects.c.network == wanted.network, case_subjects.c.text == wanted.subject
        )
        query = query.where(cases.c.id.in_(holding))
    return query.order_by(cases.c.id.desc())


def _own_access(caller: Caller, row: RowMapping) -> CaseAccess:
    own = row["own_role"]
    members = {} if own is None else {caller.name: CaseRole(own)}
    return CaseAccess(id=row["id"], tlp=Tlp(row["tlp"]), members=members)


def _case(row: RowMapping) -> Case:
    return Case(
        id=row["id"],
        number=row["number"],
        number_sha256=row["number_sha256"],
        title=row["title"],
        legal_basis=row["legal_basis"],
        authority=row["authority"],
        purpose=row["purpose"],
        tlp=Tlp(row["tlp"]),
        state=CaseState(row["state"]),
        review_by=row["review_by"],
        erase_after=row["erase_after"],
        written=written_in(row),
        erasure_reason=row["erasure_reason"],
        erased_at=row["erased_at"],
    )


def written_in(row: RowMapping) -> Written:
    """Return who wrote an item, of its row."""
    return Written(**{field.name: row[field.name] for field in fields(Written)})


def _stored(given: NewCase | CaseChange) -> dict[str, object]:
    return {field.name: _plain(getattr(given, field.name)) for field in fields(given)}


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


def _digest(number: str) -> str:
    return hashlib.sha256(number.encode(errors="backslashreplace")).hexdigest()


def _require_free(connection: Connection, number: str) -> None:
    query = select(cases.c.id).where(cases.c.number == number)
    if connection.execute(query).first() is not None:
        raise ConflictError(
            f"the number {number} is taken by another case: ask a supervisor where you do not know "
            "which"
        )


def _check_change(
    connection: Connection,
    present: Case,
    wanted: CaseChange,
    changed: dict[str, object],
    now: datetime,
) -> None:
    """Raise where a change may not be made."""
    if "state" in changed and wanted.state not in _STATE_ACTS:
        raise InputError("a case is opened or closed here; it is erased by DELETE")
    if present.state is CaseState.CLOSED and not changed.keys() <= {
        "state",
        "review_by",
        "erase_after",
    }:
        raise ConflictError(f"{present.id} is closed: open it again first")
    if "number" in changed:
        _require_free(connection, str(changed["number"]))
    if changed.keys() & {"review_by", "erase_after"}:
        review_by = wanted.review_by if "review_by" in changed else None
        _check_deadlines(review_by, wanted.erase_after, now)


def _check_deadlines(review_by: date | None, erase_after: date | None, now: datetime) -> None:
    for name, day in (("review_by", review_by), ("erase_after", erase_after)):
        if day is not None and day < now.date():
            raise InputError(f"{name} is {day}, which has passed: name a day to come")
