"""What the casebook says of receivers of events and of what was delivered to them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from arien_flows.access.tlp import Tlp


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event that receivers are told of."""

    id: str
    kind: str
    subject: str
    path: str
    owner: str
    case_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook:
    """A receiver that shall be told of events."""

    id: str
    owner: str
    url: str
    description: str
    kinds: tuple[str, ...]
    """Kinds of events; none means all."""

    clearance: Tlp
    """Events of cases with a stricter label are kept from it."""

    sealed_secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWebhook:
    """A receiver of events."""

    id: str
    owner: str
    url: str = field(repr=False)
    """It may hold a secret of the receiver's."""

    description: str
    kinds: tuple[str, ...]
    clearance: Tlp
    failing_since: datetime | None
    """The first attempt that failed after the last one that did not."""

    disabled_at: datetime | None
    disabled_why: str | None
    earlier_until: datetime | None
    """Until when messages are signed with the secret before the last rotation, too."""

    created_at: datetime
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChange:
    """What is to be changed of a receiver; nothing stays as it is."""

    url: str | None = field(default=None, repr=False)
    description: str | None = None
    kinds: tuple[str, ...] | None = None
    clearance: Tlp | None = None
    enabled: bool | None = None


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Every attempt of the schedule failed."""

    WITHHELD = "withheld"
    """The receiver's owner may not see any more what it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to deliver."""

    number: int
    begun_at: datetime
    ended_at: datetime | None
    """Nothing while it goes on, or where its sender was killed: it may have arrived."""

    status: int | None
    failure: str | None
    milliseconds: int | None
    answer_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event on its way to a receiver."""

    id: str
    webhook_id: str
    event_id: str
    kind: str
    state: DeliveryState
    next_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDelivery:
    """A delivery whose time has come, with all that sending it takes."""

    id: str
    event: StoredEvent | None
    """Nothing where it was erased meanwhile."""

    webhook: StoredWebhook
    sealed_secret: bytes = field(repr=False)
    earlier_secret: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to make one attempt."""

    delivery_id: str
    webhook_id: str
    number: int
    """Of the attempt."""

    tries: int
    """Attempts since the delivery was begun or resent, this one included."""

    lease: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """What came of an attempt."""

    ended_at: datetime
    is_delivered: bool
    status: int | None
    failure: str | None
    milliseconds: int
    answer_bytes: int
    next_at: datetime | None
    """When to try again; nothing to give up."""
