"""Receivers of events in the casebook: offered by it as `casebook.hooks`.

Every method is one transaction. Secrets come and go sealed.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from arien_flows.casebook import outbox
from arien_flows.casebook import webhook_rows as rows
from arien_flows.casebook.event_tables import events
from arien_flows.casebook.events import EventType, emit
from arien_flows.casebook.tag_lists import Read
from arien_flows.casebook.webhook_records import (
    AttemptResult,
    Claim,
    Delivery,
    DueDelivery,
    NewWebhook,
    StoredEvent,
    StoredWebhook,
    WebhookChange,
)
from arien_flows.errors import ConflictError, NotFoundError

MOST_OF_OWNER = 20
"""Receivers that one caller may have; each event may become as many messages."""


class Hooks:
    """The receivers of one casebook, and what they are still to be told."""

    def __init__(
        self, read: Read, writing: Callable[[], AbstractContextManager[Connection]]
    ) -> None:
        self._read = read
        self._writing = writing

    # --- receivers

    def add(self, new: NewWebhook, now: datetime) -> StoredWebhook:
        """Make a receiver; `ConflictError` where its owner has too many."""
        with self._writing() as connection:
            if rows.count(connection, new.owner) >= MOST_OF_OWNER:
                raise ConflictError(
                    f"{new.owner} has {MOST_OF_OWNER} webhooks already: delete one first"
                )
            return rows.add(connection, new, now)

    def read(self, name: str) -> StoredWebhook:
        """Return a receiver; `NotFoundError` where there is none."""
        found = self._read(lambda connection: rows.read(connection, name), None)
        if found is None:
            raise NotFoundError(f"there is no {name}, or it is not yours to see")
        return found

    def page(self, *, owner: str | None, before: str | None, limit: int) -> list[StoredWebhook]:
        """Return receivers of an owner, or of all, the newest first."""
        return self._read(lambda connection: rows.page(connection, owner, before, limit), [])

    def active(self) -> list[StoredWebhook]:
        """Return all receivers that are told of events."""
        return self._read(rows.active, [])

    def change(
        self, name: str, version: int, wanted: WebhookChange, now: datetime
    ) -> StoredWebhook:
        """Change a receiver that is still of a version; `LostUpdateError` where it is not."""
        with self._writing() as connection:
            return rows.change(connection, name, version, wanted, now)

    def rotate(self, name: str, sealed: bytes, earlier_until: datetime) -> StoredWebhook:
        """Give a receiver a new secret; the one before stays in force beside it for a while."""
        with self._writing() as connection:
            return rows.rotate(connection, name, sealed, earlier_until)

    def forget(self, name: str, now: datetime) -> None:
        """Delete a receiver with its URL and secrets; the log of what it was told stays."""
        with self._writing() as connection:
            rows.forget(connection, name, now)

    # --- deliveries

    def deliveries(self, name: str, *, before: str | None, limit: int) -> list[Delivery]:
        """Return the deliveries to a receiver, the newest first, with their attempts."""
        return self._read(
            lambda connection: outbox.page_of_deliveries(connection, name, before, limit), []
        )

    def delivery(self, name: str, delivery_id: str) -> Delivery:
        """Return one delivery to a receiver; `NotFoundError` where it has none such."""
        found = self._read(lambda it: outbox.read_delivery(it, name, delivery_id), None)
        if found is None:
            raise NotFoundError(f"there is no {delivery_id}, or it is not yours to see")
        return found

    def ping(self, webhook: StoredWebhook, now: datetime) -> Delivery:
        """Put a message for one receiver into the outbox, to try whether it hears."""
        with self._writing() as connection:
            made = outbox.ping(connection, webhook.id, webhook.owner, now)
            return outbox.read_delivery(connection, webhook.id, made)

    def resend(self, name: str, delivery_id: str, now: datetime) -> Delivery:
        """Begin the schedule of a delivery anew; `ConflictError` while it is pending anyway."""
        with self._writing() as connection:
            outbox.resend(connection, name, delivery_id, now)
            return outbox.read_delivery(connection, name, delivery_id)

    # --- the outbox, for those who deliver

    def new_events(self, limit: int) -> list[StoredEvent]:
        """Return events whose receivers were not found yet, the oldest first."""
        return self._read(lambda connection: outbox.new_events(connection, limit), [])

    def fan_out(
        self, receivers: Mapping[str, Sequence[str]], kinds: Mapping[str, str], now: datetime
    ) -> int:
        """Write deliveries of events to their receivers; return how many are new."""
        with self._writing() as connection:
            return outbox.fan_out(connection, receivers, kinds, now)

    def due(self, now: datetime, busy: Collection[str], limit: int) -> list[DueDelivery]:
        """Return the oldest delivery of each receiver whose time has come, but for busy ones."""
        return self._read(lambda connection: outbox.due(connection, now, busy, limit), [])

    def claim(self, delivery_id: str, now: datetime, lasting: timedelta) -> Claim | None:
        """Take the lease of a delivery and begin an attempt; nothing where it is taken."""
        with self._writing() as connection:
            return outbox.claim(connection, delivery_id, now, lasting)

    def finish(self, claimed: Claim, result: AttemptResult, *, disable_why: str | None) -> None:
        """Write what came of an attempt; with a reason, disable the receiver and say so."""
        with self._writing() as connection:
            outbox.finish(connection, claimed, result)
            if disable_why is None:
                return
            name, now = claimed.webhook_id, result.ended_at
            owner = rows.disable(connection, name, disable_why, now)
            if owner is not None:
                emit(
                    connection,
                    EventType.WEBHOOK_DISABLED,
                    subject=name,
                    path=f"/v1/webhooks/{name}",
                    owner=owner,
                    case_id=None,
                    now=now,
                )

    def withhold(self, delivery_id: str, now: datetime) -> None:
        """Keep a delivery from its receiver for good."""
        with self._writing() as connection:
            outbox.withhold(connection, delivery_id, now)

    @staticmethod
    def erase(connection: Connection, case_id: str) -> None:
        """Delete the events of a case and what was delivered of them, in the caller's act."""
        of_case = select(events.c.id).where(events.c.case_id == case_id)
        names = connection.execute(of_case).scalars().all()
        for first in range(0, len(names), 500):
            rows.erase_events(connection, names[first : first + 500])
        connection.execute(delete(events).where(events.c.case_id == case_id))
