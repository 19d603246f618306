"""Jobs in the casebook, as those who ask for them see them, and as workers do.

Offered by a casebook as `casebook.jobs`; what workers do stands apart, in `casebook.jobs.queue`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from arien_flows.access.ids import new_id
from arien_flows.casebook import duty_leases, job_queue
from arien_flows.casebook.job_queue import WAITING_PER_OWNER, NewJob
from arien_flows.casebook.job_reading import (
    JobFilter,
    is_any_to_do,
    job_of_subject,
    jobs_named,
    page_of_jobs,
    read_job,
)
from arien_flows.casebook.job_records import (
    Holding,
    Job,
    JobFailure,
    JobFile,
    JobProgress,
    JobState,
    Lease,
)
from arien_flows.errors import NotFoundError

Answer = TypeVar("Answer")
Changing = Callable[[], AbstractContextManager[Connection]]


class Read(Protocol):
    """How a casebook lets its parts read."""

    def __call__(self, question: Callable[[Connection], Answer], otherwise: Answer, /) -> Answer:
        """Ask a question, or answer otherwise where there is no casebook."""


class Jobs:
    """The jobs of one casebook."""

    def __init__(self, read: Read, changing: Changing) -> None:
        self._read = read
        self._changing = changing

    @property
    def queue(self) -> "Queue":
        """What workers do with them."""
        return Queue(self._read, self._changing)

    def submit(
        self,
        *,
        kind: str,
        subject: str,
        request: Mapping[str, object],
        owner: str,
        case_id: str | None,
        now: datetime,
        job_id: str | None = None,
        most_waiting: int = WAITING_PER_OWNER,
    ) -> Job:
        """Put a job into the queue; `QueueFullError` where its owner has `most_waiting` there.

        Whoever has to lay files into the job's folder first names the job.
        """
        name = job_id or new_id("job", now)
        new = NewJob(
            id=name, kind=kind, subject=subject, request=request, owner=owner, case_id=case_id
        )
        with self._changing() as connection:
            return job_queue.submit(connection, new, most_waiting, now)

    def read(self, job_id: str) -> Job:
        """Return a job; `NotFoundError` where there is none of that name."""
        job = self._read(lambda connection: read_job(connection, job_id), None)
        if job is None:
            raise NotFoundError(f"there is no job {job_id}")
        return job

    def of_subject(self, subject: str) -> Job:
        """Return the job that makes something; `NotFoundError` where none does."""
        job = self._read(lambda connection: job_of_subject(connection, subject), None)
        if job is None:
            raise NotFoundError(f"there is no {subject}")
        return job

    def named(self, names: Collection[str]) -> dict[str, Job]:
        """Return those of the named jobs that there are."""
        return self._read(lambda connection: jobs_named(connection, names), {})

    def page(
        self,
        *,
        owner: str | None,
        cases: Collection[str] | None,
        before: str | None,
        limit: int,
        kind: str | None = None,
        state: JobState | None = None,
    ) -> list[Job]:
        """Return at most `limit` jobs, the newest first, that were made before the named one.

        Those of the owner outside cases, and those of the cases; with neither, all.
        """
        wanted = JobFilter(owner=owner, cases=cases, kind=kind, state=state)
        return self._read(lambda it: page_of_jobs(it, wanted, before, limit), [])

    def cancel(self, job_id: str, now: datetime) -> Job:
        """End a job that waits, or ask for the end of one that runs.

        `NotFoundError` where there is none, `ConflictError` where it has ended.
        """
        self.read(job_id)
        with self._changing() as connection:
            return job_queue.cancel(connection, job_id, now)


class Queue:
    """What workers do with the jobs and duties of one casebook."""

    def __init__(self, read: Read, changing: Changing) -> None:
        self._read = read
        self._changing = changing

    def claim(self, worker: str, now: datetime, seconds: float) -> Lease | None:
        """Take the job whose turn it is, for so many seconds; nothing where none waits."""
        # Looking takes no lock, and an idle worker looks often.
        if not self._read(lambda connection: is_any_to_do(connection, now), False):
            return None
        with self._changing() as connection:
            return job_queue.claim(connection, worker, now, seconds)

    def renew(self, lease: Lease, now: datetime, seconds: float) -> Holding:
        """Hold a job for longer, also where the lease has expired and nobody has noticed."""
        with self._changing() as connection:
            return job_queue.renew(connection, lease, now, seconds)

    def report(self, lease: Lease, progress: JobProgress, now: datetime, seconds: float) -> Holding:
        """Say how far a job is, and hold it for longer."""
        with self._changing() as connection:
            return job_queue.report(connection, lease, progress, now, seconds)

    def give_back(self, lease: Lease, now: datetime, seconds: float = 0) -> bool:
        """Put a job back that is not to be finished here; the attempt does not count."""
        with self._changing() as connection:
            return job_queue.give_back(connection, lease, now, seconds)

    def postpone(self, lease: Lease, now: datetime, seconds: float) -> bool:
        """Put a job back that failed for a reason that may pass; the attempt counts."""
        with self._changing() as connection:
            return job_queue.postpone(connection, lease, now, seconds)

    def finish(
        self, lease: Lease, files: Sequence[JobFile], progress: JobProgress, now: datetime
    ) -> bool:
        """End a job with what it made; false where it is not this worker's any more."""
        with self._changing() as connection:
            return job_queue.finish(connection, lease, files, progress, now)

    def fail(self, lease: Lease, failure: JobFailure, now: datetime) -> bool:
        """End a job that cannot be done; false where it is not this worker's any more."""
        with self._changing() as connection:
            return job_queue.fail(connection, lease, failure, now)

    def stop(self, lease: Lease, now: datetime) -> bool:
        """End a job that was cancelled; false where it is not this worker's any more."""
        with self._changing() as connection:
            return job_queue.stop(connection, lease, now)

    def release(self, worker: str, now: datetime) -> None:
        """Let everything go that a worker holds who is known to be dead."""
        if not self._read(lambda _: True, False):
            return
        with self._changing() as connection:
            job_queue.release(connection, worker, now)
            duty_leases.release_duties(connection, worker, now)

    def take_duty(self, name: str, worker: str, now: datetime, seconds: float) -> str | None:
        """Take a duty that is due, for so many seconds; return the token, or nothing."""
        if not self._read(lambda it: duty_leases.is_duty_due(it, name, now), False):
            return None
        with self._changing() as connection:
            return duty_leases.take_duty(connection, name, worker, now, seconds)

    def renew_duty(self, name: str, token: str, now: datetime, seconds: float) -> bool:
        """Keep a duty for longer; false where another worker has it."""
        with self._changing() as connection:
            return duty_leases.renew_duty(connection, name, token, now, seconds)

    def leave_duty(self, name: str, token: str, due_at: datetime) -> None:
        """Say when a duty is due again, unless another worker has it by now."""
        with self._changing() as connection:
            duty_leases.leave_duty(connection, name, token, due_at)
