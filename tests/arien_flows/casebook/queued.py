"""Jobs in the queue of a casebook, made briefly."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from arien_flows.access.ids import new_id
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import reading
from arien_flows.casebook.event_tables import events
from arien_flows.casebook.job_records import Job, JobFile

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LEASE = 30.0
FILE = JobFile(name="trace.json", media_type="application/json", size=2, sha256="0" * 64)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def put(
    casebook: Casebook, owner: str = "ann", *, at: float = 0, case_id: str | None = None
) -> Job:
    """Put a job into the queue; those that are put later have later names."""
    return casebook.jobs.submit(
        kind="trace",
        subject=new_id("trace", after(at)),
        request={"owner": owner},
        owner=owner,
        case_id=case_id,
        now=after(at),
    )


def told(casebook: Casebook) -> list[tuple[str, str]]:
    """Return the kinds and subjects of all events, in their order."""
    with reading(casebook._engine) as connection:
        rows = connection.execute(select(events.c.kind, events.c.subject).order_by(events.c.kind))
        return [(kind, subject) for kind, subject in rows]
