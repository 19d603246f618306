"""One attempt at a job: what its code sees, and what becomes of it.

The code runs in a thread of its own, while the worker renews the lease and listens to signals. It
learns that it is not wanted any more when it reports or checks. Whatever it ends with is written
once, under the attempt's token, while the job's folder is still held.
"""

import logging
import time
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path

from arien_flows.casebook.job_queue import MOST_ATTEMPTS
from arien_flows.casebook.job_records import Holding, Job, JobFailure, JobProgress, Lease
from arien_flows.casebook.jobs import Queue
from arien_flows.errors import ArienError, CasebookError, CasebookVersionError
from arien_flows.failures import failure_of
from arien_flows.jobs.folder import FolderInUseError, folder_of, locked, make_folder, measured
from arien_flows.jobs.run import Handler, JobCancelledError
from arien_flows.worker.pace import Clock, Pace
from arien_flows.workspace import Workspace

PASSING = frozenset({503, 507})
"""HTTP statuses of failures that may be over soon: something is busy, or a disk is full."""

_LONGEST_WAIT = 5.0

log = logging.getLogger("arien_flows.worker")


class Ending(Enum):
    """Why an attempt is to end before its job is done."""

    CANCELLED = "cancelled"
    LOST = "lost"
    STOPPING = "stopping"


class Attempt:
    """A `JobRun`: one attempt of this worker."""

    def __init__(self, workspace: Workspace, lease: Lease, *, pace: Pace, clock: Clock) -> None:
        self._workspace = workspace
        self._lease = lease
        self._pace = pace
        self._clock = clock
        self._folder = folder_of(workspace.settings.data, lease.job.id)
        self._progress = self._told = JobProgress()
        self._told_at = float("-inf")
        self._ending: Ending | None = None

    @property
    def job(self) -> Job:
        """What is to be done."""
        return self._lease.job

    @property
    def workspace(self) -> Workspace:
        """The ledgers and the casebook."""
        return self._workspace

    @property
    def folder(self) -> Path:
        """Where the job's files lie; the same for each attempt."""
        return self._folder

    def progress(self, done: int, total: int | None, unit: str) -> None:
        """Say how far it is, as often as one likes; raises `JobCancelledError`."""
        self._progress = JobProgress(done=done, total=total, unit=unit)
        self.check()

    def check(self) -> None:
        """Raise `JobCancelledError` where the work is not wanted any more."""
        waited = time.monotonic() - self._told_at
        if self._progress != self._told and waited >= self._pace.report:
            self._tell()
        if self._ending is not None:
            raise JobCancelledError(self._ending.value)

    # --- what the worker does with it

    def renew(self) -> None:
        """Hold the job for longer, and learn whether it is still wanted."""
        self._heed(
            lambda: self._queue.renew(self._lease, self._clock(), self._pace.lease), "renewed"
        )

    def end(self, ending: Ending) -> None:
        """Have the job's code end when it looks up next; the first reason stands."""
        if self._ending is None:
            self._ending = ending

    def give_back(self) -> None:
        """Put the job back, whatever its code still does; where that fails the lease expires."""
        try:
            self._queue.give_back(self._lease, self._clock())
        except ArienError as error:
            log.warning("%s cannot be given back: %s", self.job.id, error)

    def run(self, handlers: Mapping[str, Handler]) -> None:
        """Do the job, and write what came of it."""
        try:
            make_folder(self._workspace.settings.data, self.job.id)
            with locked(self._folder):
                self._run_held(handlers)
        except FolderInUseError:
            self._settle(lambda: self._queue.give_back(self._lease, self._clock(), self._pace.held))
        except Exception as error:  # noqa: BLE001 the outer edge of a job
            self._settle_failure(error)

    def _run_held(self, handlers: Mapping[str, Handler]) -> None:
        handler = handlers.get(self.job.kind)
        if handler is None:
            self._fail(
                JobFailure(
                    code="unknown_kind",
                    title="No worker knows this kind of job",
                    detail=f"this worker does no jobs of the kind {self.job.kind}: it may be of "
                    "another version than the service",
                )
            )
            return
        try:
            made = handler(self)
            files = [measured(self._folder, each, self.check) for each in made]
        except JobCancelledError:
            self._settle_ending()
            return
        except Exception as error:  # noqa: BLE001 the outer edge of a job
            self._settle_failure(error)
            return
        if not self._settle(
            lambda: self._queue.finish(self._lease, files, self._progress, self._clock())
        ):
            log.warning("%s was done and is another worker's: its result counts", self.job.id)

    def _settle_ending(self) -> None:
        if self._ending is Ending.CANCELLED:
            self._settle(lambda: self._queue.stop(self._lease, self._clock()))
        elif self._ending is Ending.STOPPING:
            self.give_back()

    def _settle_failure(self, error: Exception) -> None:
        failure = failure_of(error)
        may_pass = failure is not None and (
            failure.status in PASSING
            or (isinstance(error, CasebookError) and not isinstance(error, CasebookVersionError))
        )
        if may_pass and self.job.attempts < MOST_ATTEMPTS:
            seconds = self._pace.retry * self.job.attempts**2
            self._settle(lambda: self._queue.postpone(self._lease, self._clock(), seconds))
        elif failure is not None:
            self._fail(JobFailure(code=failure.code, title=failure.title, detail=failure.detail))
        elif isinstance(error, MemoryError):
            self._fail(
                JobFailure(
                    code="memory",
                    title="Memory did not suffice",
                    detail="the worker has too little memory for this: ask for less at once, or "
                    "give it more",
                )
            )
        else:
            log.error("%s failed by a bug", self.job.id, exc_info=error)
            self._fail(
                JobFailure(
                    code="bug",
                    title="The service failed",
                    detail="this is a bug; the log of the worker holds it under the job's id",
                )
            )

    def _fail(self, failure: JobFailure) -> None:
        self._settle(lambda: self._queue.fail(self._lease, failure, self._clock()))

    def _settle(self, write: Callable[[], bool]) -> bool:
        """Write how the attempt ended, however long the casebook cannot be written to.

        Returns whether it was this worker's to write. It gives up where the process ends: then the
        lease expires, and another worker does the job again.
        """
        wait = self._pace.report
        while True:
            try:
                return write()
            except ArienError as error:
                log.warning("%s cannot be ended yet: %s", self.job.id, error)
            if self._ending is Ending.LOST:
                return False
            time.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    # --- the lease

    @property
    def _queue(self) -> Queue:
        return self._workspace.casebook.jobs.queue

    def _tell(self) -> None:
        progress, self._told_at = self._progress, time.monotonic()
        self._heed(
            lambda: self._queue.report(self._lease, progress, self._clock(), self._pace.lease),
            "reported",
        )
        self._told = progress

    def _heed(self, say: Callable[[], Holding], what: str) -> None:
        """Say something to the casebook, and heed its answer; that it is away is no reason to end.

        The lease may expire meanwhile, and another worker begin. The answer will tell.
        """
        try:
            holding = say()
        except ArienError as error:
            log.warning("%s cannot be %s: %s", self.job.id, what, error)
            return
        if holding is Holding.LOST:
            self.end(Ending.LOST)
        elif holding is Holding.CANCELLING:
            self.end(Ending.CANCELLED)
