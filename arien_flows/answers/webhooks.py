"""Receivers of events, and what was delivered to them, as answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from arien_flows.access.tlp import Tlp
from arien_flows.casebook.webhook_records import Attempt, Delivery, StoredWebhook
from arien_flows.shapes import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswer(Shape):
    """A receiver of events."""

    id: str
    """`hook_…`"""

    owner: str
    """Who made it; it is told of what he or she may see."""

    url: str
    """Where messages are sent."""

    description: str
    """In the owner's words."""

    events: tuple[str, ...]
    """Kinds of events that it is told of; none means all."""

    clearance: Tlp
    """Events of cases with a stricter label are kept from it."""

    enabled: bool
    """Whether it is told of anything."""

    disabled_at: datetime | None
    """Since when it is not."""

    disabled_why: str | None
    """Why not."""

    failing_since: datetime | None
    """The first attempt that failed after the last one that did not; after three days of that it
    is disabled."""

    earlier_secret_until: datetime | None
    """Until when messages are signed with the secret before the last rotation, too."""

    created_at: datetime
    """When it was made."""

    version: int
    """Raised by each change; the `ETag` says it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecret(Shape):
    """A receiver with its new secret, which is shown this once."""

    webhook: WebhookAnswer
    """The receiver."""

    secret: str
    """`whsec_…`: check messages with it, as the Standard Webhooks say. It is never shown again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPage(Shape):
    """A page of receivers."""

    items: tuple[WebhookAnswer, ...]
    """Receivers, the newest first."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptAnswer(Shape):
    """One attempt to deliver. What the receiver answered is not kept."""

    number: int
    """From 1."""

    begun_at: datetime
    """When the message was about to be sent."""

    ended_at: datetime | None
    """Nothing while it goes on, or where the sender was killed: the message may have arrived."""

    status: int | None
    """HTTP status of the answer."""

    failure: str | None
    """Why there was no usable answer: `target_refused`, `not_reached`, `tls`, `timed_out`,
    `no_http`, `redirect` or `secret_lost`."""

    milliseconds: int | None
    """How long it took."""

    answer_bytes: int | None
    """How much of the answer's body was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAnswer(Shape):
    """An event on its way to a receiver."""

    id: str
    """`delivery_…`"""

    event_id: str
    """The event, and the `webhook-id` of every attempt."""

    event: str
    """Kind of the event."""

    state: Literal["pending", "delivered", "failed", "withheld"]
    """`withheld`: the owner may not see any more what it is about."""

    next_attempt_at: datetime | None
    """When it is tried next."""

    created_at: datetime
    """When it was found that the receiver is to be told."""

    finished_at: datetime | None
    """When it was delivered or given up."""

    attempts: tuple[AttemptAnswer, ...]
    """All attempts so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage(Shape):
    """A page of deliveries."""

    items: tuple[DeliveryAnswer, ...]
    """Deliveries, the newest first."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


def webhook_answer(webhook: StoredWebhook) -> WebhookAnswer:
    """Return a receiver as answers show it."""
    return WebhookAnswer(
        id=webhook.id,
        owner=webhook.owner,
        url=webhook.url,
        description=webhook.description,
        events=webhook.kinds,
        clearance=webhook.clearance,
        enabled=webhook.disabled_at is None,
        disabled_at=webhook.disabled_at,
        disabled_why=webhook.disabled_why,
        failing_since=webhook.failing_since,
        earlier_secret_until=webhook.earlier_until,
        created_at=webhook.created_at,
        version=webhook.version,
    )


def webhook_page(found: Sequence[StoredWebhook], limit: int) -> WebhookPage:
    """Return a page of receivers; one more than the limit was looked for."""
    shown = found[:limit]
    more = len(found) > limit
    return WebhookPage(
        items=tuple(webhook_answer(it) for it in shown), next_cursor=shown[-1].id if more else None
    )


def delivery_answer(delivery: Delivery) -> DeliveryAnswer:
    """Return a delivery as answers show it."""
    return DeliveryAnswer(
        id=delivery.id,
        event_id=delivery.event_id,
        event=delivery.kind,
        state=delivery.state.value,
        next_attempt_at=delivery.next_at,
        created_at=delivery.created_at,
        finished_at=delivery.finished_at,
        attempts=tuple(_attempt(it) for it in delivery.attempts),
    )


def _attempt(attempt: Attempt) -> AttemptAnswer:
    return AttemptAnswer(
        number=attempt.number,
        begun_at=attempt.begun_at,
        ended_at=attempt.ended_at,
        status=attempt.status,
        failure=attempt.failure,
        milliseconds=attempt.milliseconds,
        answer_bytes=attempt.answer_bytes,
    )


def delivery_page(found: Sequence[Delivery], limit: int) -> DeliveryPage:
    """Return a page of deliveries; one more than the limit was looked for."""
    shown = found[:limit]
    more = len(found) > limit
    return DeliveryPage(
        items=tuple(delivery_answer(it) for it in shown),
        next_cursor=shown[-1].id if more else None,
    )
