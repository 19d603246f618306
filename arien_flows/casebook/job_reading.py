"""Jobs as they are read from the casebook."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, exists, false, func, or_, select

from arien_flows.casebook.job_records import Job, JobFailure, JobFile, JobProgress, JobState
from arien_flows.casebook.job_tables import job_files, jobs
from arien_flows.casebook.rows import parts
from arien_flows.errors import NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs a list shows."""

    owner: str | None
    """Whose jobs outside cases; nothing for nobody's."""

    cases: Collection[str] | None
    """Cases whose jobs are shown, too. Without an owner and without cases all jobs are."""

    kind: str | None = None
    state: JobState | None = None


def read_job(connection: Connection, job_id: str) -> Job:
    """Return a job; `NotFoundError` where there is none of that name."""
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no job {job_id}")
    return _job(row, _files(connection, [job_id]).get(job_id, ()))


def job_of_subject(connection: Connection, subject: str) -> Job:
    """Return the job that makes something; `NotFoundError` where none does."""
    found = connection.execute(select(jobs.c.id).where(jobs.c.subject == subject)).scalar()
    if found is None:
        raise NotFoundError(f"there is no {subject}")
    return read_job(connection, found)


def page_of_jobs(
    connection: Connection, wanted: JobFilter, before: str | None, limit: int
) -> list[Job]:
    """Return at most `limit` jobs, the newest first, that were made before the named one."""
    query = select(jobs).order_by(jobs.c.id.desc()).limit(limit)
    if wanted.owner is not None or wanted.cases is not None:
        own = and_(jobs.c.case_id.is_(None), jobs.c.owner == wanted.owner)
        shared = jobs.c.case_id.in_(wanted.cases) if wanted.cases else false()
        query = query.where(or_(own if wanted.owner is not None else false(), shared))
    if before is not None:
        query = query.where(jobs.c.id < before)
    if wanted.kind is not None:
        query = query.where(jobs.c.kind == wanted.kind)
    if wanted.state is not None:
        query = query.where(jobs.c.state == wanted.state.value)
    return _jobs(connection, connection.execute(query).mappings())


def jobs_named(connection: Connection, names: Collection[str]) -> dict[str, Job]:
    """Return those of the named jobs that there are."""
    found: dict[str, Job] = {}
    for part in parts(sorted(names)):
        rows = connection.execute(select(jobs).where(jobs.c.id.in_(part))).mappings()
        found |= {job.id: job for job in _jobs(connection, rows)}
    return found


def count_waiting(connection: Connection, owner: str) -> int:
    """Return how many jobs of an owner nobody has begun."""
    is_theirs = and_(jobs.c.owner == owner, jobs.c.state == JobState.QUEUED.value)
    return connection.execute(select(func.count()).where(is_theirs)).scalar_one()


def is_waiting(now: datetime) -> ColumnElement[bool]:
    """Return the condition of jobs that may be begun."""
    is_due = or_(jobs.c.due_at.is_(None), jobs.c.due_at <= now)
    return and_(jobs.c.state == JobState.QUEUED.value, is_due)


def is_any_to_do(connection: Connection, now: datetime) -> bool:
    """Tell whether a job waits for a worker, or for one in the place of its own."""
    is_lost = and_(jobs.c.state == JobState.RUNNING.value, jobs.c.leased_until <= now)
    return bool(connection.execute(select(exists().where(or_(is_waiting(now), is_lost)))).scalar())


def _jobs(connection: Connection, found: Iterable[RowMapping]) -> list[Job]:
    rows = list(found)
    files = _files(connection, [row["id"] for row in rows])
    return [_job(row, files.get(row["id"], ())) for row in rows]


def _files(connection: Connection, names: list[str]) -> dict[str, tuple[JobFile, ...]]:
    found: dict[str, tuple[JobFile, ...]] = {}
    for part in parts(names):
        query = select(job_files).where(job_files.c.job_id.in_(part))
        for row in connection.execute(query.order_by(job_files.c.position)).mappings():
            file = JobFile(
                name=row["name"],
                media_type=row["media_type"],
                size=row["size"],
                sha256=row["sha256"],
            )
            found[row["job_id"]] = (*found.get(row["job_id"], ()), file)
    return found


def _job(row: RowMapping, files: tuple[JobFile, ...]) -> Job:
    failure = None
    if row["failure_code"] is not None:
        failure = JobFailure(
            code=row["failure_code"], title=row["failure_title"], detail=row["failure_detail"]
        )
    return Job(
        id=row["id"],
        kind=row["kind"],
        subject=row["subject"],
        request=json.loads(row["request"]),
        owner=row["owner"],
        case_id=row["case_id"],
        state=JobState(row["state"]),
        progress=JobProgress(done=row["done"], total=row["total"], unit=row["unit"]),
        attempts=row["attempts"],
        is_cancelling=row["is_cancelling"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        failure=failure,
        files=files,
        revision=row["revision"],
    )
