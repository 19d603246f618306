"""Receivers of events as rows: made, found, changed, disabled, deleted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, select, update

from arien_flows.access.tlp import Tlp
from arien_flows.casebook.webhook_records import NewWebhook, StoredWebhook, WebhookChange
from arien_flows.casebook.webhook_tables import deliveries, delivery_attempts, webhooks
from arien_flows.errors import LostUpdateError, NotFoundError

COLUMNS = (
    webhooks.c.id,
    webhooks.c.owner,
    webhooks.c.url,
    webhooks.c.description,
    webhooks.c.kinds,
    webhooks.c.clearance,
    webhooks.c.failing_since,
    webhooks.c.disabled_at,
    webhooks.c.disabled_why,
    webhooks.c.earlier_until,
    webhooks.c.created_at,
    webhooks.c.version,
)
"""What is told of a receiver; never its secrets."""


def record_of(row: Row[*tuple[Any, ...]]) -> StoredWebhook:
    """Return a receiver from its columns."""
    return StoredWebhook(
        id=row.id,
        owner=row.owner,
        url=row.url,
        description=row.description,
        kinds=tuple(row.kinds.split()),
        clearance=Tlp(row.clearance),
        failing_since=row.failing_since,
        disabled_at=row.disabled_at,
        disabled_why=row.disabled_why,
        earlier_until=row.earlier_until,
        created_at=row.created_at,
        version=row.version,
    )


def add(connection: Connection, new: NewWebhook, now: datetime) -> StoredWebhook:
    """Make a receiver."""
    connection.execute(
        insert(webhooks).values(
            id=new.id,
            owner=new.owner,
            url=new.url,
            description=new.description,
            kinds=" ".join(new.kinds),
            clearance=new.clearance.value,
            secret=new.sealed_secret,
            created_at=now,
            version=1,
        )
    )
    return read(connection, new.id)


def read(connection: Connection, name: str) -> StoredWebhook:
    """Return a receiver; `NotFoundError` where there is none, or none any more."""
    query = select(*COLUMNS).where(webhooks.c.id == name, webhooks.c.deleted_at.is_(None))
    row = connection.execute(query).first()
    if row is None:
        raise NotFoundError(f"there is no {name}, or it is not yours to see")
    return record_of(row)


def page(
    connection: Connection, owner: str | None, before: str | None, limit: int
) -> list[StoredWebhook]:
    """Return receivers of an owner, or of all, the newest first."""
    query = select(*COLUMNS).where(webhooks.c.deleted_at.is_(None))
    if owner is not None:
        query = query.where(webhooks.c.owner == owner)
    if before is not None:
        query = query.where(webhooks.c.id < before)
    query = query.order_by(webhooks.c.id.desc()).limit(limit)
    return [record_of(row) for row in connection.execute(query)]


def active(connection: Connection) -> list[StoredWebhook]:
    """Return all receivers that are told of events."""
    query = select(*COLUMNS).where(
        webhooks.c.deleted_at.is_(None), webhooks.c.disabled_at.is_(None)
    )
    return [record_of(row) for row in connection.execute(query.order_by(webhooks.c.id))]


def count(connection: Connection, owner: str) -> int:
    """Return how many receivers an owner has."""
    mine = (webhooks.c.owner == owner) & webhooks.c.deleted_at.is_(None)
    query = select(func.count()).select_from(webhooks).where(mine)
    return int(connection.execute(query).scalar_one())


def change(
    connection: Connection, name: str, version: int, wanted: WebhookChange, now: datetime
) -> StoredWebhook:
    """Change a receiver that is still of a version; `LostUpdateError` where it is not."""
    values: dict[str, object] = {"version": version + 1}
    if wanted.url is not None:
        values["url"] = wanted.url
    if wanted.description is not None:
        values["description"] = wanted.description
    if wanted.kinds is not None:
        values["kinds"] = " ".join(wanted.kinds)
    if wanted.clearance is not None:
        values["clearance"] = wanted.clearance.value
    if wanted.enabled is True:
        values |= {"disabled_at": None, "disabled_why": None, "failing_since": None}
    if wanted.enabled is False:
        values |= {"disabled_at": now, "disabled_why": "its owner disabled it"}
    same = and_(webhooks.c.id == name, webhooks.c.version == version)
    read(connection, name)
    if not connection.execute(update(webhooks).where(same).values(values)).rowcount:
        raise LostUpdateError("somebody else changed it meanwhile: read it again")
    return read(connection, name)


def rotate(
    connection: Connection, name: str, sealed: bytes, earlier_until: datetime
) -> StoredWebhook:
    """Give a receiver a new secret; the one before stays in force beside it for a while."""
    read(connection, name)
    connection.execute(
        update(webhooks)
        .where(webhooks.c.id == name)
        .values(
            earlier_secret=webhooks.c.secret,
            secret=sealed,
            earlier_until=earlier_until,
            version=webhooks.c.version + 1,
        )
    )
    return read(connection, name)


def forget(connection: Connection, name: str, now: datetime) -> None:
    """Delete a receiver with its URL and secrets; the log of what it was told stays."""
    read(connection, name)
    connection.execute(
        update(webhooks)
        .where(webhooks.c.id == name)
        .values(url="", secret=b"", earlier_secret=None, earlier_until=None, deleted_at=now)
    )
    connection.execute(
        update(deliveries)
        .where(deliveries.c.webhook_id == name, deliveries.c.state == "pending")
        .values(state="failed", next_at=None, lease=None, leased_until=None, finished_at=now)
    )


def disable(connection: Connection, name: str, why: str, now: datetime) -> str | None:
    """Stop telling a receiver; what is pending waits until somebody enables it again.

    Returns its owner; nothing where it was disabled or deleted before.
    """
    active_one = and_(
        webhooks.c.id == name, webhooks.c.disabled_at.is_(None), webhooks.c.deleted_at.is_(None)
    )
    changed = connection.execute(
        update(webhooks)
        .where(active_one)
        .values(disabled_at=now, disabled_why=why, version=webhooks.c.version + 1)
    )
    if not changed.rowcount:
        return None
    query = select(webhooks.c.owner).where(webhooks.c.id == name)
    return str(connection.execute(query).scalar_one())


def erase_events(connection: Connection, event_ids: Sequence[str]) -> None:
    """Delete deliveries of events that are erased, and their attempts."""
    found = select(deliveries.c.id).where(deliveries.c.event_id.in_(event_ids))
    connection.execute(delete(delivery_attempts).where(delivery_attempts.c.delivery_id.in_(found)))
    connection.execute(delete(deliveries).where(deliveries.c.event_id.in_(event_ids)))
