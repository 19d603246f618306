"""The members of cases. A case has a lead at all times."""

from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from arien_flows.access.cases import CaseRole
from arien_flows.casebook.case_acts import record_act
from arien_flows.casebook.case_folders import read, touch
from arien_flows.casebook.case_records import GONE, ActKind, Member
from arien_flows.casebook.case_tables import case_members
from arien_flows.errors import ConflictError, NotFoundError


def members_of(connection: Connection, case_id: str) -> list[Member]:
    """Return the members of a case by their names."""
    query = select(case_members).where(case_members.c.case_id == case_id)
    found = connection.execute(query.order_by(case_members.c.person)).mappings()
    return [_member(row) for row in found]


def set_member(
    connection: Connection, case_id: str, person: str, role: CaseRole, *, now: datetime, by: str
) -> Member:
    """Make somebody a member, or give a member another role."""
    _require_kept(connection, case_id)
    present = _find(connection, case_id, person)
    if present is not None and present.role is role:
        return present
    values: dict[str, object] = {"role": role.value, "made_at": now, "made_by": by}
    if present is None:
        new = insert(case_members).values(case_id=case_id, person=person, **values)
        connection.execute(new)
    else:
        _require_another_lead(connection, case_id, present)
        connection.execute(update(case_members).where(_of(case_id, person)).values(values))
    touch(connection, case_id, now=now, by=by)
    what = role.value
    record_act(connection, case_id, ActKind.MEMBER_SET, now=now, by=by, subject=person, what=what)
    return Member(person=person, role=role, made_at=now, made_by=by)


def remove_member(
    connection: Connection, case_id: str, person: str, *, now: datetime, by: str
) -> None:
    """Take somebody off a case; `ConflictError` where it would be left without a lead."""
    _require_kept(connection, case_id)
    present = _find(connection, case_id, person)
    if present is None:
        raise NotFoundError(f"{person} is no member of {case_id}")
    _require_another_lead(connection, case_id, present)
    connection.execute(delete(case_members).where(_of(case_id, person)))
    touch(connection, case_id, now=now, by=by)
    record_act(connection, case_id, ActKind.MEMBER_REMOVED, now=now, by=by, subject=person)


def _of(case_id: str, person: str) -> ColumnElement[bool]:
    return and_(case_members.c.case_id == case_id, case_members.c.person == person)


def _find(connection: Connection, case_id: str, person: str) -> Member | None:
    query = select(case_members).where(_of(case_id, person))
    found = connection.execute(query).mappings().first()
    return None if found is None else _member(found)


def _require_kept(connection: Connection, case_id: str) -> None:
    if read(connection, case_id).state in GONE:
        raise ConflictError(f"{case_id} was erased: it has no members")


def _require_another_lead(connection: Connection, case_id: str, leaving: Member) -> None:
    if leaving.role is not CaseRole.LEAD:
        return
    leads = select(func.count()).where(
        case_members.c.case_id == case_id, case_members.c.role == CaseRole.LEAD.value
    )
    if connection.execute(leads).scalar_one() == 1:
        raise ConflictError(
            f"{leaving.person} is the only lead of {case_id}: name another lead first"
        )


def _member(row: RowMapping) -> Member:
    return Member(
        person=row["person"],
        role=CaseRole(row["role"]),
        made_at=row["made_at"],
        made_by=row["made_by"],
    )
