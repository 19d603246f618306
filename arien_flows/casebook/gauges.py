"""How much work waits in the casebook, for whoever watches the service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select

from arien_flows.casebook.job_records import JobState
from arien_flows.casebook.job_tables import jobs
from arien_flows.casebook.webhook_records import DeliveryState
from arien_flows.casebook.webhook_tables import deliveries


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Jobs and deliveries at one moment."""

    jobs: Mapping[str, int] = field(default_factory=dict)
    """How many there are in each state."""

    waiting_since: datetime | None = None
    """When the queued job that waits longest was made."""

    pending_deliveries: int = 0
    """Deliveries that were not accepted yet, and will be tried again."""


def work(connection: Connection) -> Work:
    """Count what there is."""
    counted = select(jobs.c.state, func.count()).group_by(jobs.c.state)
    oldest = select(func.min(jobs.c.created_at)).where(jobs.c.state == JobState.QUEUED.value)
    pending = select(func.count()).where(deliveries.c.state == DeliveryState.PENDING.value)
    return Work(
        jobs={state: int(count) for state, count in connection.execute(counted)},
        waiting_since=connection.execute(oldest).scalar(),
        pending_deliveries=int(connection.execute(pending).scalar_one()),
    )
