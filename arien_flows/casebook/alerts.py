"""Alerts as rows: raised once for each watch and transaction, and never deleted.

A reorganisation may take a transaction away, put it into another block, or bring it back. The
alert then says so, and a row of acts is added; whoever was told of the alert is told again.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, and_, func, insert, select, update

from arien_flows.access.ids import new_id
from arien_flows.casebook.events import EventType, emit
from arien_flows.casebook.watch_records import (
    Alert,
    AlertAct,
    AlertActKind,
    Found,
    Lane,
    Raised,
    Watch,
)
from arien_flows.casebook.watch_rows import no_such, seen, watch_of
from arien_flows.casebook.watch_tables import alert_acts, alerts, watches
from arien_flows.errors import ConflictError

_TOGETHER = 500
"""Values of one statement: databases allow some thousands."""

_Item = TypeVar("_Item")


def write(connection: Connection, found: Sequence[Found], now: datetime) -> int:
    """Raise alerts of what was found, each once however often it is found; return how many are new.

    What stands in another block than before is entered as moved, and what was withdrawn as
    confirmed again.
    """
    known = _known(connection, found)
    made = 0
    for each in found:
        before = known.get((each.watch.id, each.txid))
        if before is None:
            _raise(connection, each, now)
            made += 1
        elif before.block_hash != each.block_hash or before.withdrawn_at is not None:
            _move(connection, before, each, now)
    return made


def _known(connection: Connection, found: Sequence[Found]) -> dict[tuple[str, str], Row[Any]]:
    txids = sorted({each.txid for each in found})
    wanted = {each.watch.id for each in found}
    rows: dict[tuple[str, str], Row[Any]] = {}
    for part in _parts(txids):
        for row in connection.execute(select(alerts).where(alerts.c.txid.in_(part))):
            if row.watch_id in wanted:
                rows[row.watch_id, row.txid] = row
    return rows


def _raise(connection: Connection, found: Found, now: datetime) -> None:
    name = new_id("alert", now)
    connection.execute(
        insert(alerts).values(
            id=name,
            watch_id=found.watch.id,
            txid=found.txid,
            created_at=now,
            **_content(found),
        )
    )
    _tell(connection, EventType.WATCH_HIT, name, found.watch, now)
    _act(connection, name, AlertActKind.RAISED, now, found.height, found.block_hash, "it moved")


def _move(connection: Connection, before: Row[Any], found: Found, now: datetime) -> None:
    came_back = before.withdrawn_at is not None
    content = {**_content(found), "withdrawn_at": None}
    connection.execute(update(alerts).where(alerts.c.id == before.id).values(content))
    kind = AlertActKind.CONFIRMED_AGAIN if came_back else AlertActKind.MOVED
    why = f"a reorganisation put the transaction into block {found.block_hash}"
    _act(connection, before.id, kind, now, found.height, found.block_hash, why)
    if came_back:
        _tell(connection, EventType.WATCH_HIT, before.id, found.watch, now)


def _content(found: Found) -> dict[str, object]:
    return {
        "height": found.height,
        "block_hash": found.block_hash,
        "block_time": found.block_time,
        "direction": found.direction,
        "certainty": found.certainty,
        "detail": found.detail,
    }


def _tell(connection: Connection, kind: EventType, name: str, watch: Watch, now: datetime) -> None:
    emit(
        connection,
        kind,
        subject=name,
        path=f"/v1/alerts/{name}",
        owner=watch.owner,
        case_id=watch.case_id,
        now=now,
    )


def _act(
    connection: Connection,
    name: str,
    kind: AlertActKind,
    now: datetime,
    height: int,
    block_hash: str,
    why: str,
    by: str | None = None,
) -> None:
    last = select(func.max(alert_acts.c.number)).where(alert_acts.c.alert_id == name)
    number = (connection.execute(last).scalar() or 0) + 1
    connection.execute(
        insert(alert_acts).values(
            alert_id=name,
            number=number,
            kind=kind.value,
            at=now,
            by=by,
            height=height,
            block_hash=block_hash,
            why=why,
        )
    )


def standing(connection: Connection, lane: Lane, above: int) -> list[Raised]:
    """Return alerts of a lane in blocks above a height that were not withdrawn."""
    query = (
        select(alerts)
        .join(watches, watches.c.id == alerts.c.watch_id)
        .where(
            watches.c.network == lane.network,
            watches.c.lane == lane.name,
            alerts.c.height > above,
            alerts.c.withdrawn_at.is_(None),
        )
        .order_by(alerts.c.id)
    )
    return [
        Raised(
            id=row.id,
            watch_id=row.watch_id,
            txid=row.txid,
            height=row.height,
            block_hash=row.block_hash,
        )
        for row in connection.execute(query)
    ]


def withdraw(connection: Connection, gone: Sequence[Raised], now: datetime) -> None:
    """Mark alerts whose transactions a reorganisation removed."""
    for each in gone:
        still = and_(alerts.c.id == each.id, alerts.c.withdrawn_at.is_(None))
        changed = connection.execute(update(alerts).where(still).values(withdrawn_at=now))
        if not changed.rowcount:
            continue
        why = f"a reorganisation removed block {each.block_hash} with the transaction"
        kind = AlertActKind.WITHDRAWN
        _act(connection, each.id, kind, now, each.height, each.block_hash, why)
        query = select(watches).where(watches.c.id == each.watch_id)
        watch = watch_of(connection.execute(query).one())
        _tell(connection, EventType.WATCH_WITHDRAWN, each.id, watch, now)


def acknowledge(connection: Connection, name: str, by: str, note: str, now: datetime) -> Alert:
    """Note that somebody has seen an alert; `ConflictError` where somebody else did before."""
    found = read(connection, name)
    if found.acknowledged_at is not None:
        raise ConflictError(f"{found.acknowledged_by} has acknowledged {name} already")
    values = {"acknowledged_at": now, "acknowledged_by": by}
    connection.execute(update(alerts).where(alerts.c.id == name).values(values))
    kind = AlertActKind.ACKNOWLEDGED
    _act(connection, name, kind, now, found.height, found.block_hash, note, by)
    return read(connection, name)


def read(connection: Connection, name: str) -> Alert:
    """Return an alert with all that happened to it; `NotFoundError` where there is none."""
    found = _described(connection, select(alerts).where(alerts.c.id == name))
    if not found:
        raise no_such(name)
    return found[0]


def page(
    connection: Connection,
    *,
    owner: str | None,
    cases: Collection[str] | None,
    watch_id: str | None,
    before: str | None,
    limit: int,
    unseen_only: bool,
) -> list[Alert]:
    """Return alerts of watches that somebody sees, the newest first."""
    query = select(alerts).join(watches, watches.c.id == alerts.c.watch_id)
    whose = seen(owner, cases)
    if whose is not None:
        query = query.where(whose)
    if watch_id is not None:
        query = query.where(alerts.c.watch_id == watch_id)
    if before is not None:
        query = query.where(alerts.c.id < before)
    if unseen_only:
        query = query.where(alerts.c.acknowledged_at.is_(None))
    return _described(connection, query.order_by(alerts.c.id.desc()).limit(limit))


def _described(connection: Connection, query: Select[Any]) -> list[Alert]:
    rows = connection.execute(query).all()
    acts: dict[str, list[AlertAct]] = {row.id: [] for row in rows}
    known: dict[str, Watch] = {}
    for part in _parts(list(acts)):
        told = select(alert_acts).where(alert_acts.c.alert_id.in_(part))
        order = (alert_acts.c.alert_id, alert_acts.c.number)
        for row in connection.execute(told.order_by(*order)):
            acts[row.alert_id].append(_act_of(row))
    for part in _parts(sorted({row.watch_id for row in rows})):
        for row in connection.execute(select(watches).where(watches.c.id.in_(part))):
            known[row.id] = watch_of(row)
    names = [name for name in Alert.__slots__ if name not in ("watch", "acts")]
    return [
        Alert(
            **{name: getattr(row, name) for name in names},
            watch=known[row.watch_id],
            acts=tuple(acts[row.id]),
        )
        for row in rows
    ]


def _act_of(row: Row[Any]) -> AlertAct:
    return AlertAct(
        kind=AlertActKind(row.kind),
        at=row.at,
        by=row.by,
        height=row.height,
        block_hash=row.block_hash,
        why=row.why,
    )


def _parts(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for first in range(0, len(items), _TOGETHER):
        yield items[first : first + _TOGETHER]
