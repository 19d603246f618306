"""Watches as rows, and how far each lane of them was judged."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from arien_flows.access.ids import new_id
from arien_flows.casebook.watch_records import Lane, LaneStep, NewWatch, Watch, WatchChange
from arien_flows.casebook.watch_tables import watch_blocks, watch_lanes, watches
from arien_flows.errors import LostUpdateError, NotFoundError

BLOCKS_KEPT = 1_000
"""Hashes of judged blocks that a lane keeps. A reorganisation that goes deeper has everything
judged anew from where its watches begin: nothing is lost by it but time."""


def watch_of(row: Row[Any]) -> Watch:
    """Return a watch from its columns."""
    values = {column.name: getattr(row, column.name) for column in watches.columns}
    return Watch(**values | {"min_value": int(row.min_value)})


def add(
    connection: Connection,
    new: Sequence[NewWatch],
    *,
    owner: str,
    case_id: str | None,
    now: datetime,
) -> list[Watch]:
    """Keep watches; each is behind its lane until somebody has looked."""
    rows = [
        {
            "id": new_id("watch", now),
            "network": each.network,
            "lane": each.lane,
            "subject": each.subject,
            "direction": each.direction,
            "min_value": str(each.min_value),
            "asset": each.asset,
            "list_name": each.list_name,
            "owner": owner,
            "case_id": case_id,
            "begins_at": each.begins_at,
            "behind_from": each.begins_at,
            "until": each.until,
            "created_at": now,
            "ended_at": None,
            "ended_by": None,
            "version": 1,
        }
        for each in new
    ]
    connection.execute(insert(watches), rows)
    return [Watch(**row | {"min_value": int(row["min_value"])}) for row in rows]  # type: ignore[arg-type]  # as above


def read(connection: Connection, name: str) -> Watch:
    """Return a watch; `NotFoundError` where there is none."""
    row = connection.execute(select(watches).where(watches.c.id == name)).first()
    if row is None:
        raise no_such(name)
    return watch_of(row)


def no_such(name: str) -> NotFoundError:
    """Return the one error for what is not there and for what must not be known."""
    return NotFoundError(f"there is no {name}, or it is not yours to see")


def seen(owner: str | None, cases: Collection[str] | None) -> ColumnElement[bool] | None:
    """Return the condition under which somebody sees a watch; nothing where all are seen.

    Those without a case are seen by their owner, those of a case by those who see the case.
    """
    if owner is None and cases is None:
        return None
    own = and_(watches.c.owner == owner, watches.c.case_id.is_(None))
    return or_(own, watches.c.case_id.in_(list(cases or ())))


def page(
    connection: Connection,
    *,
    owner: str | None,
    cases: Collection[str] | None,
    before: str | None,
    limit: int,
    list_name: str | None,
    case_id: str | None,
    with_ended: bool,
) -> list[Watch]:
    """Return watches that somebody sees, the newest first."""
    query = select(watches)
    whose = seen(owner, cases)
    if whose is not None:
        query = query.where(whose)
    if before is not None:
        query = query.where(watches.c.id < before)
    if list_name is not None:
        query = query.where(watches.c.list_name == list_name)
    if case_id is not None:
        query = query.where(watches.c.case_id == case_id)
    if not with_ended:
        query = query.where(watches.c.ended_at.is_(None))
    query = query.order_by(watches.c.id.desc()).limit(limit)
    return [watch_of(row) for row in connection.execute(query)]


def cases_named(connection: Connection) -> list[str]:
    """Return the cases that any watch belongs to."""
    query = select(watches.c.case_id).where(watches.c.case_id.is_not(None)).distinct()
    return [str(name) for name in connection.execute(query).scalars()]


def count_open(connection: Connection, owner: str) -> int:
    """Return how many watches of an owner have not ended."""
    mine = and_(watches.c.owner == owner, watches.c.ended_at.is_(None))
    query = select(func.count()).select_from(watches).where(mine)
    return int(connection.execute(query).scalar_one())


def change(connection: Connection, name: str, version: int, wanted: WatchChange) -> Watch:
    """Change a watch that is still of a version; `LostUpdateError` where it is not."""
    read(connection, name)
    same = and_(watches.c.id == name, watches.c.version == version)
    changed = connection.execute(
        update(watches)
        .where(same)
        .values(
            direction=wanted.direction,
            min_value=str(wanted.min_value),
            list_name=wanted.list_name,
            until=wanted.until,
            version=version + 1,
        )
    )
    if not changed.rowcount:
        raise LostUpdateError("somebody else changed it meanwhile: read it again")
    return read(connection, name)


def end(connection: Connection, names: Sequence[str], by: str | None, now: datetime) -> None:
    """End watches; what they raised stays. Those that have ended stay as they are."""
    connection.execute(
        update(watches)
        .where(watches.c.id.in_(names), watches.c.ended_at.is_(None))
        .values(ended_at=now, ended_by=by, version=watches.c.version + 1)
    )


# --- lanes


def open_lanes(connection: Connection) -> list[tuple[str, str]]:
    """Return network and name of each lane with watches that have not ended."""
    query = select(watches.c.network, watches.c.lane).where(watches.c.ended_at.is_(None))
    found = connection.execute(query.distinct().order_by(watches.c.network, watches.c.lane))
    return [(str(network), str(name)) for network, name in found]


def open_watches(
    connection: Connection, network: str, name: str, *, behind: bool, limit: int | None = None
) -> list[Watch]:
    """Return watches of a lane that go with it, or the oldest of those that are behind it."""
    of_lane = and_(
        watches.c.network == network, watches.c.lane == name, watches.c.ended_at.is_(None)
    )
    place = watches.c.behind_from.is_not(None) if behind else watches.c.behind_from.is_(None)
    query = select(watches).where(of_lane, place).order_by(watches.c.id).limit(limit)
    return [watch_of(row) for row in connection.execute(query)]


def read_lane(connection: Connection, network: str, name: str) -> Lane:
    """Return how far a lane was judged."""
    same = and_(watch_lanes.c.network == network, watch_lanes.c.lane == name)
    row = connection.execute(select(watch_lanes).where(same)).first()
    query = (
        select(watch_blocks.c.height, watch_blocks.c.block_hash)
        .where(watch_blocks.c.network == network, watch_blocks.c.lane == name)
        .order_by(watch_blocks.c.height.desc())
    )
    return Lane(
        network=network,
        name=name,
        clustering=None if row is None else row.clustering,
        settled_height=None if row is None else row.settled_height,
        blocks=[(height, block_hash) for height, block_hash in connection.execute(query)],
    )


def is_at(connection: Connection, lane: Lane) -> bool:
    """Tell whether a lane is still where it was when it was read."""
    query = (
        select(watch_blocks.c.height, watch_blocks.c.block_hash)
        .where(watch_blocks.c.network == lane.network, watch_blocks.c.lane == lane.name)
        .order_by(watch_blocks.c.height.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return (None if row is None else tuple(row)) == (lane.blocks[0] if lane.blocks else None)


def move_lane(connection: Connection, lane: Lane, step: LaneStep) -> None:
    """Write how far a lane has come."""
    mine = and_(watch_blocks.c.network == lane.network, watch_blocks.c.lane == lane.name)
    if step.forgotten_above is not None:
        removed = and_(mine, watch_blocks.c.height > step.forgotten_above)
        connection.execute(delete(watch_blocks).where(removed))
    if step.begin_at_latest is not None:
        _begin_earlier(connection, lane, step.begin_at_latest)
    if step.blocks:
        heights = list(step.blocks)
        connection.execute(delete(watch_blocks).where(mine, watch_blocks.c.height.in_(heights)))
        rows = [
            {
                "network": lane.network,
                "lane": lane.name,
                "height": height,
                "block_hash": block_hash,
            }
            for height, block_hash in step.blocks.items()
        ]
        connection.execute(insert(watch_blocks), rows)
        old = max(heights) - BLOCKS_KEPT
        connection.execute(delete(watch_blocks).where(mine, watch_blocks.c.height <= old))
    same = and_(watch_lanes.c.network == lane.network, watch_lanes.c.lane == lane.name)
    values = {"clustering": step.clustering, "settled_height": step.settled_height}
    if not connection.execute(update(watch_lanes).where(same).values(values)).rowcount:
        connection.execute(
            insert(watch_lanes).values(network=lane.network, lane=lane.name, **values)
        )


def _begin_earlier(connection: Connection, lane: Lane, height: int) -> None:
    later = and_(
        watches.c.network == lane.network,
        watches.c.lane == lane.name,
        watches.c.behind_from.is_(None),
        watches.c.begins_at > height,
    )
    connection.execute(update(watches).where(later).values(begins_at=height))


def catch_up(connection: Connection, names: Sequence[str]) -> None:
    """Let watches go with their lane from now on."""
    connection.execute(update(watches).where(watches.c.id.in_(names)).values(behind_from=None))
