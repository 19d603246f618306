"""The queue of jobs: who does what, and that each job ends once.

A worker claims a job for a while, and says again and again that it still works on it. Where it
falls silent the lease expires, the job goes back to the queue, and whoever claims it next begins
it again. Each attempt has a token, and every write of an attempt names it: a worker that was only
slow, and lost its job meanwhile, can neither report nor end it. The end of a job, its files and
the events that tell of it are one transaction.

Turns are taken by owners, not by jobs. The first waiting job of somebody for whom nothing runs goes
before the second one of anybody else; among equals, whoever was served longest ago.

Clocks are those of the workers. A clock that is wrong by more than a lease lets another worker
begin a job too early; the token decides then, too, and the job has one result still.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Update, and_, func, insert, select, text, update

from arien_flows.casebook.case_folders import require_open
from arien_flows.casebook.events import EventType, emit
from arien_flows.casebook.job_reading import count_waiting, is_waiting, read_job
from arien_flows.casebook.job_records import (
    DONE,
    RESULT_PLACES,
    Holding,
    Job,
    JobFailure,
    JobFile,
    JobProgress,
    JobState,
    Lease,
)
from arien_flows.casebook.job_tables import job_files, jobs
from arien_flows.casebook.rows import write_rows
from arien_flows.errors import ConflictError, QueueFullError

MOST_ATTEMPTS = 3
"""How often a job is begun. One that takes its worker with it (memory) would do so for ever."""

WAITING_PER_OWNER = 100
"""How many jobs of one owner may wait where nothing else is said."""

_CANDIDATES = 20
"""Jobs that a worker tries to lock before it looks again; others may be claiming the first."""

_COMPLETED: Mapping[str, EventType] = {
    "trace": EventType.TRACE_COMPLETED,
    "batch": EventType.BATCH_COMPLETED,
}
_LOST = JobFailure(
    code="worker_lost",
    title="The workers that did it were lost",
    detail=f"{MOST_ATTEMPTS} workers began it and ended before it was done, as they do where "
    "memory does not suffice: ask for less at once, or give the workers more",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job that shall be done."""

    id: str
    kind: str
    subject: str
    request: Mapping[str, object]
    owner: str
    case_id: str | None


def submit(connection: Connection, job: NewJob, most_waiting: int, now: datetime) -> Job:
    """Put a job into the queue; `QueueFullError` where its owner has too many there.

    A case that is closed or erased takes none (`ConflictError`).
    """
    if job.case_id is not None:
        require_open(connection, job.case_id)
    if connection.dialect.name == "postgresql":
        # Two submissions of one owner at once would each count without the other.
        lock = text("SELECT pg_advisory_xact_lock(hashtext('arien-flows jobs'), hashtext(:owner))")
        connection.execute(lock, {"owner": job.owner})
    waiting = count_waiting(connection, job.owner)
    if waiting >= most_waiting:
        raise QueueFullError(
            f"{waiting:,} jobs of {job.owner} wait already, and that is as many as may "
            "(ARIEN_JOBS_PER_OWNER): wait for one to end, or cancel some"
        )
    connection.execute(
        insert(jobs).values(
            id=job.id,
            kind=job.kind,
            subject=job.subject,
            request=json.dumps(job.request),
            owner=job.owner,
            case_id=job.case_id,
            state=JobState.QUEUED.value,
            revision=1,
            created_at=now,
            attempts=0,
            is_cancelling=False,
            done=0,
            unit="",
        )
    )
    return read_job(connection, job.id)


def cancel(connection: Connection, job_id: str, now: datetime) -> Job:
    """End a job that waits, or ask for the end of one that runs.

    `NotFoundError` where there is none, `ConflictError` where it has ended.
    """
    connection.execute(select(jobs.c.id).where(jobs.c.id == job_id).with_for_update())
    job = read_job(connection, job_id)
    if job.state in DONE:
        raise ConflictError(f"{job_id} has ended: it {job.state.value} and cannot be cancelled")
    if job.state is JobState.QUEUED:
        _set(connection, job_id, **_ended(JobState.CANCELLED, now))
        _tell(connection, job, EventType.JOB_CANCELLED, now)
    elif not job.is_cancelling:
        _set(connection, job_id, is_cancelling=True)
    return read_job(connection, job_id)


def claim(connection: Connection, worker: str, now: datetime, seconds: float) -> Lease | None:
    """Take the job whose turn it is, for so many seconds; nothing where none waits.

    `now` is when the worker asked, not when its turn came: a lease that expired while everybody
    waited for one writer may yet be renewed.
    """
    return_lost(connection, now)
    for job_id in _next_jobs(connection, now):
        is_free = and_(jobs.c.id == job_id, jobs.c.state == JobState.QUEUED.value)
        lock = select(jobs.c.id).where(is_free).with_for_update(skip_locked=True)
        if connection.execute(lock).first() is None:
            continue
        token = secrets.token_hex(16)
        _set(
            connection,
            job_id,
            state=JobState.RUNNING.value,
            started_at=now,
            attempts=jobs.c.attempts + 1,
            done=0,
            total=None,
            unit="",
            worker=worker,
            token=token,
            leased_until=now + timedelta(seconds=seconds),
        )
        return Lease(job=read_job(connection, job_id), token=token)
    return None


def renew(connection: Connection, lease: Lease, now: datetime, seconds: float) -> Holding:
    """Hold a job for longer, also where the lease has expired and nobody has noticed."""
    until = now + timedelta(seconds=seconds)
    if not connection.execute(_of(lease).values(leased_until=until)).rowcount:
        return Holding.LOST
    return _holding(connection, lease)


def report(
    connection: Connection, lease: Lease, progress: JobProgress, now: datetime, seconds: float
) -> Holding:
    """Say how far a job is, and hold it for longer."""
    change = _of(lease).values(
        done=progress.done,
        total=progress.total,
        unit=progress.unit,
        revision=jobs.c.revision + 1,
        leased_until=now + timedelta(seconds=seconds),
    )
    return _holding(connection, lease) if connection.execute(change).rowcount else Holding.LOST


def give_back(connection: Connection, lease: Lease, now: datetime, seconds: float = 0) -> bool:
    """Put a job back that is not to be finished here; the attempt does not count."""
    due_at = now + timedelta(seconds=seconds) if seconds else None
    return _requeue(connection, lease, now, due_at=due_at, attempts=jobs.c.attempts - 1)


def postpone(connection: Connection, lease: Lease, now: datetime, seconds: float) -> bool:
    """Put a job back that failed for a reason that may pass; it waits, and the attempt counts."""
    return _requeue(connection, lease, now, due_at=now + timedelta(seconds=seconds))


def finish(
    connection: Connection,
    lease: Lease,
    files: Sequence[JobFile],
    progress: JobProgress,
    now: datetime,
) -> bool:
    """End a job with what it made; false where it is not this worker's any more."""
    told = {"done": progress.done, "total": progress.total, "unit": progress.unit}
    ended = _of(lease).values({**_ended(JobState.SUCCEEDED, now), **told})
    if not connection.execute(ended).rowcount:
        return False
    job = lease.job
    rows = [
        {
            "job_id": job.id,
            "position": position,
            "name": file.name,
            "media_type": file.media_type,
            "size": file.size,
            "sha256": file.sha256,
        }
        for position, file in enumerate(files)
    ]
    write_rows(connection, job_files, rows)
    _tell(connection, job, EventType.JOB_SUCCEEDED, now)
    completed = _COMPLETED.get(job.kind)
    if completed is not None:
        emit(
            connection,
            completed,
            subject=job.subject,
            path=f"{RESULT_PLACES[job.kind]}/{job.subject}",
            owner=job.owner,
            case_id=job.case_id,
            now=now,
        )
    return True


def fail(connection: Connection, lease: Lease, failure: JobFailure, now: datetime) -> bool:
    """End a job that cannot be done; false where it is not this worker's any more."""
    ended = _of(lease).values(_ended(JobState.FAILED, now, failure))
    if not connection.execute(ended).rowcount:
        return False
    _tell(connection, lease.job, EventType.JOB_FAILED, now)
    return True


def stop(connection: Connection, lease: Lease, now: datetime) -> bool:
    """End a job that was cancelled; false where it is not this worker's any more."""
    return _stopped(connection, lease, _of(lease), now)


def release(connection: Connection, worker: str, now: datetime) -> None:
    """Let the leases of a worker expire that is known to be dead."""
    is_its = and_(jobs.c.worker == worker, jobs.c.state == JobState.RUNNING.value)
    connection.execute(update(jobs).where(is_its).values(leased_until=now))


def return_lost(connection: Connection, now: datetime) -> None:
    """Put jobs back whose workers fell silent; one that was begun too often fails."""
    is_lost = and_(jobs.c.state == JobState.RUNNING.value, jobs.c.leased_until <= now)
    lost = select(jobs).where(is_lost).order_by(jobs.c.id).with_for_update(skip_locked=True)
    for row in connection.execute(lost).mappings().all():
        if row["is_cancelling"]:
            _set(connection, row["id"], **_ended(JobState.CANCELLED, now))
            _tell(connection, read_job(connection, row["id"]), EventType.JOB_CANCELLED, now)
        elif row["attempts"] >= MOST_ATTEMPTS:
            _set(connection, row["id"], **_ended(JobState.FAILED, now, _LOST))
            _tell(connection, read_job(connection, row["id"]), EventType.JOB_FAILED, now)
        else:
            _set(connection, row["id"], **_waiting())


def _next_jobs(connection: Connection, now: datetime) -> list[str]:
    """Return waiting jobs in the order of their turns."""
    is_due = is_waiting(now)
    place = func.row_number().over(partition_by=jobs.c.owner, order_by=jobs.c.id)
    waiting = select(jobs.c.id, jobs.c.owner, place.label("place")).where(is_due).subquery()
    others = jobs.alias()
    is_theirs = others.c.owner == waiting.c.owner
    running = (
        select(func.count())
        .where(is_theirs, others.c.state == JobState.RUNNING.value)
        .scalar_subquery()
    )
    served_at = select(func.max(others.c.started_at)).where(is_theirs).scalar_subquery()
    turns = (
        select(waiting.c.id)
        .order_by(waiting.c.place + running, served_at.is_not(None), served_at, waiting.c.id)
        .limit(_CANDIDATES)
    )
    return list(connection.execute(turns).scalars())


def _of(lease: Lease) -> Update:
    """Return a change of a job that happens only where the attempt still holds it."""
    is_held = and_(
        jobs.c.id == lease.job.id,
        jobs.c.token == lease.token,
        jobs.c.state == JobState.RUNNING.value,
    )
    return update(jobs).where(is_held)


def _holding(connection: Connection, lease: Lease) -> Holding:
    query = select(jobs.c.is_cancelling).where(jobs.c.id == lease.job.id)
    return Holding.CANCELLING if connection.execute(query).scalar_one() else Holding.KEPT


def _requeue(connection: Connection, lease: Lease, now: datetime, **changed: object) -> bool:
    """Put a job back; one whose end was asked for ends instead."""
    if _stopped(connection, lease, _of(lease).where(jobs.c.is_cancelling), now):
        return True
    return bool(connection.execute(_of(lease).values({**_waiting(), **changed})).rowcount)


def _stopped(connection: Connection, lease: Lease, held: Update, now: datetime) -> bool:
    """End a job as cancelled where it is still held; tell whether it was."""
    if not connection.execute(held.values(_ended(JobState.CANCELLED, now))).rowcount:
        return False
    _tell(connection, lease.job, EventType.JOB_CANCELLED, now)
    return True


def _waiting() -> dict[str, object]:
    return {
        "state": JobState.QUEUED.value,
        "revision": jobs.c.revision + 1,
        "due_at": None,
        **_UNHELD,
    }


_UNHELD: Mapping[str, object] = {"worker": None, "token": None, "leased_until": None}


def _ended(state: JobState, now: datetime, failure: JobFailure | None = None) -> dict[str, object]:
    told: dict[str, object] = {}
    if failure is not None:
        told = {
            "failure_code": failure.code,
            "failure_title": failure.title,
            "failure_detail": failure.detail,
        }
    return {
        "state": state.value,
        "revision": jobs.c.revision + 1,
        "finished_at": now,
        "is_cancelling": False,
        **_UNHELD,
        **told,
    }


def _set(connection: Connection, job_id: str, **changed: object) -> None:
    changed.setdefault("revision", jobs.c.revision + 1)
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(changed))


def _tell(connection: Connection, job: Job, kind: EventType, now: datetime) -> None:
    emit(
        connection,
        kind,
        subject=job.id,
        path=f"/v1/jobs/{job.id}",
        owner=job.owner,
        case_id=job.case_id,
        now=now,
    )
