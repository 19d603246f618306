"""The outbox: which receiver is still to be told of which event, and what came of each attempt.

An event becomes one delivery for each receiver, once. A sender takes a lease on a delivery before
it sends, and writes the attempt's row with it. Whoever is killed in between leaves an attempt
without an end and a lease that runs out; the message is then sent again under the same id. So a
message is sent at least once, never by two at one time, and whoever receives it twice can tell.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select, update

from arien_flows.access.ids import new_id
from arien_flows.casebook.event_tables import events
from arien_flows.casebook.events import EventType, emit
from arien_flows.casebook.webhook_records import (
    Attempt,
    AttemptResult,
    Claim,
    Delivery,
    DeliveryState,
    DueDelivery,
    StoredEvent,
)
from arien_flows.casebook.webhook_rows import COLUMNS, record_of
from arien_flows.casebook.webhook_tables import deliveries, delivery_attempts, webhooks
from arien_flows.errors import ConflictError, NotFoundError

_EVENT = (
    events.c.id,
    events.c.kind,
    events.c.subject,
    events.c.path,
    events.c.owner,
    events.c.case_id,
    events.c.created_at,
)


def new_events(connection: Connection, limit: int) -> list[StoredEvent]:
    """Return events whose receivers were not found yet, the oldest first."""
    query = select(*_EVENT).where(events.c.fanned_out_at.is_(None))
    rows = connection.execute(query.order_by(events.c.id).limit(limit)).all()
    return [StoredEvent(**row._mapping) for row in rows]


def fan_out(
    connection: Connection,
    receivers: Mapping[str, Sequence[str]],
    kinds: Mapping[str, str],
    now: datetime,
) -> int:
    """Write deliveries of events to their receivers; return how many.

    `receivers` and `kinds` are by event. An event that another process took is left alone.
    """
    made = 0
    for event_id, webhook_ids in receivers.items():
        untaken = and_(events.c.id == event_id, events.c.fanned_out_at.is_(None))
        taken = connection.execute(update(events).where(untaken).values(fanned_out_at=now))
        if not taken.rowcount:
            continue
        for webhook_id in webhook_ids:
            add_delivery(connection, event_id, kinds[event_id], webhook_id, now)
            made += 1
    return made


def add_delivery(
    connection: Connection, event_id: str, kind: str, webhook_id: str, now: datetime
) -> str:
    """Write a delivery that is due at once; return its id."""
    name = new_id("delivery", now)
    connection.execute(
        insert(deliveries).values(
            id=name,
            webhook_id=webhook_id,
            event_id=event_id,
            kind=kind,
            state=DeliveryState.PENDING.value,
            attempts=0,
            tries=0,
            next_at=now,
            created_at=now,
        )
    )
    return name


def ping(connection: Connection, webhook_id: str, owner: str, now: datetime) -> str:
    """Write an event for one receiver, and its delivery; return the delivery's id."""
    kind = EventType.WEBHOOK_PING
    event_id = emit(
        connection,
        kind,
        subject=webhook_id,
        path=f"/v1/webhooks/{webhook_id}",
        owner=owner,
        case_id=None,
        now=now,
    )
    connection.execute(update(events).where(events.c.id == event_id).values(fanned_out_at=now))
    return add_delivery(connection, event_id, kind.value, webhook_id, now)


def due(
    connection: Connection, now: datetime, busy: Collection[str], limit: int
) -> list[DueDelivery]:
    """Return the oldest delivery of each receiver whose time has come.

    `busy` are receivers that are being called already: each is called by one at a time, so that
    a slow one holds up nobody else.
    """
    is_due = and_(_is_free(now), webhooks.c.disabled_at.is_(None), webhooks.c.deleted_at.is_(None))
    oldest = (
        select(func.min(deliveries.c.id))
        .join(webhooks, webhooks.c.id == deliveries.c.webhook_id)
        .where(is_due, deliveries.c.webhook_id.not_in(list(busy)))
        .group_by(deliveries.c.webhook_id)
        .order_by(func.min(deliveries.c.next_at))
        .limit(limit)
    )
    query = (
        select(
            deliveries.c.id.label("delivery_id"),
            webhooks.c.secret,
            webhooks.c.earlier_secret,
            *COLUMNS,
            *(column.label(f"event_{column.name}") for column in _EVENT),
        )
        .join(webhooks, webhooks.c.id == deliveries.c.webhook_id)
        .outerjoin(events, events.c.id == deliveries.c.event_id)
        .where(deliveries.c.id.in_(oldest))
        .order_by(deliveries.c.id)
    )
    return [_due(row) for row in connection.execute(query)]


def _is_free(now: datetime) -> ColumnElement[bool]:
    return and_(
        deliveries.c.state == DeliveryState.PENDING.value,
        deliveries.c.next_at <= now,
        or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until <= now),
    )


def _due(row: Row[*tuple[Any, ...]]) -> DueDelivery:
    told = {column.name: getattr(row, f"event_{column.name}") for column in _EVENT}
    return DueDelivery(
        id=row.delivery_id,
        event=None if told["id"] is None else StoredEvent(**told),
        webhook=record_of(row),
        sealed_secret=row.secret,
        earlier_secret=row.earlier_secret,
    )


def claim(
    connection: Connection, delivery_id: str, now: datetime, lasting: timedelta
) -> Claim | None:
    """Take the lease of a delivery and begin an attempt; nothing where another one was faster."""
    lease = new_id("lease", now)
    taken = connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, _is_free(now))
        .values(
            lease=lease,
            leased_until=now + lasting,
            attempts=deliveries.c.attempts + 1,
            tries=deliveries.c.tries + 1,
        )
    )
    if not taken.rowcount:
        return None
    row = connection.execute(select(deliveries).where(deliveries.c.id == delivery_id)).one()
    connection.execute(
        insert(delivery_attempts).values(delivery_id=delivery_id, number=row.attempts, begun_at=now)
    )
    return Claim(
        delivery_id=delivery_id,
        webhook_id=row.webhook_id,
        number=row.attempts,
        tries=row.tries,
        lease=lease,
    )


def finish(connection: Connection, claimed: Claim, result: AttemptResult) -> bool:
    """Write what came of an attempt; tell whether the delivery was still the claimant's.

    Where the lease ran out and somebody else goes on, only the attempt's own row is written.
    """
    connection.execute(
        update(delivery_attempts)
        .where(
            delivery_attempts.c.delivery_id == claimed.delivery_id,
            delivery_attempts.c.number == claimed.number,
        )
        .values(
            ended_at=result.ended_at,
            status=result.status,
            failure=result.failure,
            milliseconds=result.milliseconds,
            answer_bytes=result.answer_bytes,
        )
    )
    if result.is_delivered:
        state = DeliveryState.DELIVERED
    else:
        state = DeliveryState.FAILED if result.next_at is None else DeliveryState.PENDING
    is_done = state is not DeliveryState.PENDING
    mine = and_(deliveries.c.id == claimed.delivery_id, deliveries.c.lease == claimed.lease)
    written = connection.execute(
        update(deliveries)
        .where(mine)
        .values(
            state=state.value,
            next_at=result.next_at,
            lease=None,
            leased_until=None,
            finished_at=result.ended_at if is_done else None,
        )
    )
    since = (
        None if result.is_delivered else func.coalesce(webhooks.c.failing_since, result.ended_at)
    )
    connection.execute(
        update(webhooks).where(webhooks.c.id == claimed.webhook_id).values(failing_since=since)
    )
    return bool(written.rowcount)


def withhold(connection: Connection, delivery_id: str, now: datetime) -> None:
    """Keep a delivery from its receiver for good."""
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, _is_free(now))
        .values(state=DeliveryState.WITHHELD.value, next_at=None, finished_at=now)
    )


def resend(connection: Connection, webhook_id: str, delivery_id: str, now: datetime) -> None:
    """Begin the schedule of a delivery anew; `ConflictError` while it is pending anyway."""
    found = read_delivery(connection, webhook_id, delivery_id)
    if found.state is DeliveryState.PENDING:
        raise ConflictError(f"{delivery_id} is pending: it is sent when its time comes")
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id)
        .values(state=DeliveryState.PENDING.value, tries=0, next_at=now, finished_at=None)
    )


def read_delivery(connection: Connection, webhook_id: str, delivery_id: str) -> Delivery:
    """Return a delivery with its attempts; `NotFoundError` where the receiver has none such."""
    same = and_(deliveries.c.id == delivery_id, deliveries.c.webhook_id == webhook_id)
    found = _described(connection, select(deliveries).where(same))
    if not found:
        raise NotFoundError(f"there is no {delivery_id}, or it is not yours to see")
    return found[0]


def page_of_deliveries(
    connection: Connection, webhook_id: str, before: str | None, limit: int
) -> list[Delivery]:
    """Return the deliveries to a receiver, the newest first."""
    query = select(deliveries).where(deliveries.c.webhook_id == webhook_id)
    if before is not None:
        query = query.where(deliveries.c.id < before)
    return _described(connection, query.order_by(deliveries.c.id.desc()).limit(limit))


def _described(connection: Connection, query: Any) -> list[Delivery]:
    rows = connection.execute(query).all()
    names = [row.id for row in rows]
    attempts: dict[str, list[Attempt]] = {name: [] for name in names}
    told = select(delivery_attempts).where(delivery_attempts.c.delivery_id.in_(names))
    order = (delivery_attempts.c.delivery_id, delivery_attempts.c.number)
    for row in connection.execute(told.order_by(*order)):
        values = {name: value for name, value in row._mapping.items() if name != "delivery_id"}
        attempts[row.delivery_id].append(Attempt(**values))
    return [
        Delivery(
            id=row.id,
            webhook_id=row.webhook_id,
            event_id=row.event_id,
            kind=row.kind,
            state=DeliveryState(row.state),
            next_at=row.next_at,
            created_at=row.created_at,
            finished_at=row.finished_at,
            attempts=tuple(attempts[row.id]),
        )
        for row in rows
    ]
