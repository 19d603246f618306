"""What stands in several cases, and who was told: rows for `arien_flows.cases.signals`.

A signal is between two cases. Its name is worked out of theirs, so that it is the same whoever
looks and whenever, and no row has to be written while somebody reads.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, or_, select, update

from arien_flows.access.ids import LENGTH
from arien_flows.casebook.case_acts import record_act
from arien_flows.casebook.case_records import GONE, ActKind, Subject, SubjectKind
from arien_flows.casebook.case_tables import case_signals, case_subjects, cases
from arien_flows.casebook.rows import parts

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One item of one case, as far as signals need it."""

    item_id: str
    case_id: str
    subject: Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldSignal:
    """A signal that was told of, or that two leads were introduced by."""

    id: str
    cases: tuple[str, str]
    introduced_at: datetime | None
    introduced_by: str | None


def pair_of(one: str, other: str) -> tuple[str, str]:
    """Return two cases in the order in which signals name them."""
    return (one, other) if one < other else (other, one)


def signal_id(pair: tuple[str, str]) -> str:
    """Return the name of what is signalled between two cases."""
    number = int.from_bytes(hashlib.sha256("|".join(pair).encode()).digest(), "big")
    return "signal_" + "".join(_LETTERS[(number >> 5 * i) & 31] for i in range(LENGTH))


def standings(connection: Connection, case_ids: Collection[str] | None) -> list[Standing]:
    """Return what stands in some cases, or in all that are kept; other cases are not looked at."""
    if case_ids is not None:
        found = [
            _standing(row)
            for some in parts(sorted(case_ids))
            for row in connection.execute(_items().where(case_subjects.c.case_id.in_(some)))
        ]
        return sorted(found, key=lambda it: it.item_id)
    gone = [state.value for state in GONE]
    kept = select(cases.c.id).where(cases.c.state.not_in(gone))
    query = _items().where(case_subjects.c.case_id.in_(kept)).order_by(case_subjects.c.id)
    return [_standing(row) for row in connection.execute(query)]


def told_signals(connection: Connection, case_id: str | None = None) -> list[ToldSignal]:
    """Return the signals that were told of, of one case or all, by their names."""
    query = select(case_signals).order_by(case_signals.c.id)
    if case_id is not None:
        is_of = or_(case_signals.c.first_case == case_id, case_signals.c.second_case == case_id)
        query = query.where(is_of)
    return [
        ToldSignal(
            id=row.id,
            cases=(row.first_case, row.second_case),
            introduced_at=row.introduced_at,
            introduced_by=row.introduced_by,
        )
        for row in connection.execute(query)
    ]


def keep_told(connection: Connection, pair: tuple[str, str], *, now: datetime) -> bool:
    """Note that a signal is told of; tell whether it was not before."""
    name = signal_id(pair)
    known = select(case_signals.c.id).where(case_signals.c.id == name)
    if connection.execute(known).first() is not None:
        return False
    first, second = pair
    connection.execute(
        insert(case_signals).values(id=name, first_case=first, second_case=second, found_at=now)
    )
    return True


def introduce(connection: Connection, pair: tuple[str, str], *, now: datetime, by: str) -> None:
    """Let the leads of two cases know of each other; the first time counts."""
    keep_told(connection, pair, now=now)
    row = case_signals.c.id == signal_id(pair)
    is_new = row & case_signals.c.introduced_at.is_(None)
    values = {"introduced_at": now, "introduced_by": by}
    if connection.execute(update(case_signals).where(is_new).values(values)).rowcount:
        for case_id in pair:
            kind = ActKind.INTRODUCED
            record_act(connection, case_id, kind, now=now, by=by, subject=signal_id(pair))


def _items() -> Select[Any]:
    table = case_subjects.c
    return select(table.id, table.case_id, table.kind, table.network, table.text)


def _standing(row: Row[Any]) -> Standing:
    subject = Subject(kind=SubjectKind(row.kind), network=row.network, text=row.text)
    return Standing(item_id=row.id, case_id=row.case_id, subject=subject)
