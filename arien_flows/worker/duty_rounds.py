"""Doing duties: a thread of a worker that takes whatever is due and free.

Jobs may take hours, and duties must not wait for them.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from threading import Event, Lock, Thread

from arien_flows.errors import ArienError
from arien_flows.worker.duties import Duty
from arien_flows.worker.pace import Clock, Pace
from arien_flows.workspace import Workspace

log = logging.getLogger("arien_flows.worker")


class DutyRounds:
    """What a worker does with duties."""

    def __init__(
        self, workspace: Workspace, duties: Sequence[Duty], *, worker: str, pace: Pace, clock: Clock
    ) -> None:
        self._workspace = workspace
        self._duties = duties
        self._worker = worker
        self._pace = pace
        self._clock = clock
        self._stop = Event()
        self._lock = Lock()
        self._held: tuple[str, str] | None = None
        self._thread = Thread(target=self._run, name="duties", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """Take no more of them; return whether the last one has ended within so many seconds."""
        self._stop.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def renew(self) -> None:
        """Hold the one that is being done for longer."""
        with self._lock:
            held = self._held
        if held is None:
            return
        try:
            self._workspace.casebook.jobs.queue.renew_duty(*held, self._clock(), self._pace.lease)
        except ArienError as error:
            log.warning("the duty %s cannot be held for longer: %s", held[0], error)

    def do_due(self) -> None:
        """Do each duty once that is due and that nobody else has."""
        for duty in self._duties:
            if self._stop.is_set():
                return
            try:
                self._do(duty)
            except ArienError as error:
                log.warning("the duty %s could not be done: %s", duty.name, error)
            except Exception:
                # The others still have to be done.
                log.exception("the duty %s failed by a bug", duty.name)

    def _run(self) -> None:
        while not self._stop.wait(self._pace.duty):
            self.do_due()

    def _do(self, duty: Duty) -> None:
        queue = self._workspace.casebook.jobs.queue
        token = queue.take_duty(duty.name, self._worker, self._clock(), self._pace.lease)
        if token is None:
            return
        with self._lock:
            self._held = duty.name, token
        try:
            duty.run(self._workspace, self._clock())
        finally:
            with self._lock:
                self._held = None
            due_at = self._clock() + timedelta(seconds=duty.every_seconds)
            queue.leave_duty(duty.name, token, due_at)
