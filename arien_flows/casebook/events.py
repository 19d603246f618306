"""Events that receivers of webhooks are told of: written in the transaction of what happened.

So an event is neither lost nor told of something that did not happen. Delivering takes place later
and elsewhere (`arien_flows.webhooks`).
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert

from arien_flows.access.ids import new_id
from arien_flows.casebook.event_tables import events


class EventType(StrEnum):
    """What happened."""

    JOB_SUCCEEDED = "job.succeeded"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    TRACE_COMPLETED = "trace.completed"
    BATCH_COMPLETED = "batch.completed"
    WATCH_HIT = "watch.hit"
    WATCH_WITHDRAWN = "watch.withdrawn"
    """A reorganisation removed the transaction that an alert tells of."""

    WEBHOOK_DISABLED = "webhook.disabled"
    """A receiver is not told of anything any more; its owner's other receivers hear of it."""

    WEBHOOK_PING = "webhook.ping"
    """Somebody tries whether a receiver hears; told to that receiver only."""

    CASE_SIGNALLED = "case.signalled"
    """An address of the case stands in another one, too."""

    CASE_DUE = "case.due"
    """The day has passed on which somebody was to see whether the case is still needed."""


def emit(
    connection: Connection,
    kind: EventType,
    *,
    subject: str,
    path: str,
    owner: str,
    case_id: str | None,
    now: datetime,
) -> str:
    """Write an event inside the caller's transaction; return its id.

    `subject` is the id of what it is about and `path` where the service tells more of it. Those
    who may see the subject (its owner, or the members of its case) may be told.
    """
    name = new_id("evt", now)
    connection.execute(
        insert(events).values(
            id=name,
            kind=kind.value,
            subject=subject,
            path=path,
            owner=owner,
            case_id=case_id,
            created_at=now,
        )
    )
    return name
