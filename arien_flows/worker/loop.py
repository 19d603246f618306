"""A worker: does one job after the other, and its share of the duties, until it is told to stop.

The thread that calls `run` claims jobs and renews their leases; it is the main one of a process, so
that signals are heard at once, whatever the job's code is at. A job's code runs in a second thread,
duties in a third.

Told to stop, a worker takes nothing new, and lets what it does go on for a while. A job that has
not ended by then goes back to the queue, as if it had never been begun.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from threading import Event, Thread

from arien_flows.casebook.job_records import Lease
from arien_flows.errors import ArienError
from arien_flows.jobs.run import Handler
from arien_flows.worker.attempt import Attempt, Ending
from arien_flows.worker.duties import Duty
from arien_flows.worker.duty_rounds import DutyRounds
from arien_flows.worker.pace import PACE, Clock, Pace, utc_now
from arien_flows.workspace import Workspace

_LONGEST_WAIT = 10.0

log = logging.getLogger("arien_flows.worker")


class Worker:
    """One worker of a data folder."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        name: str,
        handlers: Mapping[str, Handler],
        duties: Sequence[Duty] = (),
        pace: Pace = PACE,
        clock: Clock = utc_now,
    ) -> None:
        self._workspace = workspace
        self._name = name
        self._handlers = handlers
        self._pace = pace
        self._clock = clock
        self._duties = DutyRounds(workspace, duties, worker=name, pace=pace, clock=clock)
        self._stop = Event()
        self._stopped_at = 0.0
        self._is_casebook_away = False

    def stop(self) -> None:
        """Have the worker end soon; signal handlers and other threads call this."""
        if not self._stop.is_set():
            self._stopped_at = time.monotonic()
            self._stop.set()

    def run(self) -> bool:
        """Work until told to stop. False where code still runs that did not heed that."""
        self._duties.start()
        wait, renewed_at = self._pace.idle, time.monotonic()
        while not self._stop.is_set():
            if time.monotonic() - renewed_at >= self._pace.renew:
                self._duties.renew()
                renewed_at = time.monotonic()
            lease = self._claim()
            if lease is not None:
                if not self._do(lease):
                    return False
                continue
            wait = min(2 * wait, _LONGEST_WAIT) if self._is_casebook_away else self._pace.idle
            self._stop.wait(wait)
        return self._duties.stop(self._left())

    def run_waiting(self) -> int:
        """Do the duties that are due and the jobs that wait; return how many jobs it began."""
        self._duties.do_due()
        count = 0
        while not self._stop.is_set() and (lease := self._claim()) is not None:
            count += 1
            if not self._do(lease):
                break
        return count

    def take_place_of(self, name: str) -> None:
        """Let the leases of a worker expire that is known to be dead."""
        try:
            self._workspace.casebook.jobs.queue.release(name, self._clock())
        except ArienError as error:
            log.warning("the jobs of %s wait until its leases expire: %s", name, error)

    def _claim(self) -> Lease | None:
        queue = self._workspace.casebook.jobs.queue
        try:
            lease = queue.claim(self._name, self._clock(), self._pace.lease)
        except ArienError as error:
            if not self._is_casebook_away:
                log.warning("no job can be taken for now: %s", error)
            self._is_casebook_away = True
            return None
        if self._is_casebook_away:
            log.warning("jobs are taken again")
        self._is_casebook_away = False
        return lease

    def _do(self, lease: Lease) -> bool:
        """Do one job. False where the worker has to stop and the job's code does not heed it."""
        attempt = Attempt(self._workspace, lease, pace=self._pace, clock=self._clock)
        doer = Thread(target=attempt.run, args=(self._handlers,), name=lease.job.id, daemon=True)
        doer.start()
        while doer.is_alive():
            doer.join(self._next_look())
            if not doer.is_alive():
                break
            self._duties.renew()
            attempt.renew()
            if self._stop.is_set() and self._left() <= 0:
                return self._abandon(attempt, doer)
        return True

    def _abandon(self, attempt: Attempt, doer: Thread) -> bool:
        attempt.end(Ending.STOPPING)
        doer.join(self._pace.last)
        if doer.is_alive():
            attempt.give_back()
        return not doer.is_alive()

    def _left(self) -> float:
        """Return how many seconds are left after a worker was told to stop."""
        return self._stopped_at + self._pace.grace - time.monotonic()

    def _next_look(self) -> float:
        if not self._stop.is_set():
            return self._pace.renew
        return max(0.0, min(self._pace.renew, self._left()))
