"""What was done with a case, written in the transaction of the deed.

An act names an item, a person, a role or fields, and repeats nothing that stood there: it outlives
the case. Nobody changes it (the table's triggers), so there is nothing here that could.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, RowMapping, insert, or_, select

from arien_flows.access.ids import new_id
from arien_flows.casebook.case_records import ActKind, CaseAct
from arien_flows.casebook.case_tables import case_acts


def record_act(
    connection: Connection,
    case_id: str,
    kind: ActKind,
    *,
    now: datetime,
    by: str,
    subject: str | None = None,
    what: str | None = None,
) -> None:
    """Write an act inside the caller's transaction."""
    connection.execute(
        insert(case_acts).values(
            id=new_id("act", now),
            case_id=case_id,
            kind=kind.value,
            subject=subject,
            what=what,
            at=now,
            by=by,
        )
    )


def acts_page(
    connection: Connection,
    case_id: str,
    *,
    introductions: Collection[str] | None,
    before: str | None,
    limit: int,
) -> list[CaseAct]:
    """Return at most `limit` acts, the newest first.

    Of introductions only those by the named signals; nothing stands for all of them.
    """
    query = select(case_acts).where(case_acts.c.case_id == case_id)
    if before is not None:
        query = query.where(case_acts.c.id < before)
    if introductions is not None:
        is_other = case_acts.c.kind != ActKind.INTRODUCED.value
        query = query.where(or_(is_other, case_acts.c.subject.in_(introductions)))
    found = connection.execute(query.order_by(case_acts.c.id.desc()).limit(limit))
    return [_act(row) for row in found.mappings()]


def _act(row: RowMapping) -> CaseAct:
    return CaseAct(
        id=row["id"],
        kind=ActKind(row["kind"]),
        subject=row["subject"],
        what=row["what"],
        at=row["at"],
        by=row["by"],
    )
