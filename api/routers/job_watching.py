"""Waiting for jobs: one question to the casebook for everybody who waits.

Each process has one task that reads the jobs which somebody waits for, twice a second, and wakes
those whose job has changed. It runs as long as there is anybody; no listener has a thread.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from api.deps import workspace_of
from arien_flows.casebook.job_records import DONE, Job
from arien_flows.casebook.jobs import Jobs
from arien_flows.errors import ArienError
from arien_flows.worker.answering import STOPPING

LOOK_SECONDS = 0.5


class _Listener:
    """Somebody who waits for a job to change."""

    def __init__(self, job_id: str, revision: int) -> None:
        self.job_id = job_id
        self.revision = revision
        self.changed: asyncio.Future[Job] = asyncio.get_running_loop().create_future()


class JobWatch:
    """Those who wait in one process."""

    def __init__(self, look_seconds: float = LOOK_SECONDS) -> None:
        self._look_seconds = look_seconds
        self._listeners: set[_Listener] = set()
        self._task: asyncio.Task[None] | None = None

    async def change(self, jobs: Jobs, job: Job, seconds: float) -> Job | None:
        """Return the job as soon as it is not as given any more; nothing after so many seconds."""
        listener = _Listener(job.id, job.revision)
        self._listeners.add(listener)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look(jobs))
        try:
            with suppress(TimeoutError):
                return await asyncio.wait_for(listener.changed, seconds)
            return None
        finally:
            self._listeners.discard(listener)

    async def end(self, jobs: Jobs, job: Job, seconds: float) -> Job:
        """Return the job once it has ended, or as it stands after so many seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while job.state not in DONE and (left := deadline - loop.time()) > 0:
            job = await self.change(jobs, job, left) or job
        return job

    async def _look(self, jobs: Jobs) -> None:
        while self._listeners:
            await asyncio.sleep(self._look_seconds)
            names = {listener.job_id for listener in self._listeners}
            # That the casebook is away for a while is no reason to leave those who wait.
            with suppress(ArienError):
                found = await run_in_threadpool(jobs.named, names)
                self._wake(found)

    def _wake(self, found: dict[str, Job]) -> None:
        for listener in self._listeners:
            job = found.get(listener.job_id)
            is_news = job is not None and job.revision != listener.revision
            if job is not None and is_news and not listener.changed.done():
                listener.changed.set_result(job)


def watch_of(request: Request) -> JobWatch:
    """Return the process' watch over jobs."""
    state = request.app.state
    if not hasattr(state, "job_watch"):
        state.job_watch = JobWatch()
    watch: JobWatch = state.job_watch
    return watch


def is_stopping(request: Request) -> bool:
    """Tell whether the process is to end, and long answers with it."""
    event: Any = request.scope.get("state", {}).get(STOPPING)
    return event is not None and bool(event.is_set())


async def changes(
    request: Request, job: Job, *, pause: float, longest: float
) -> AsyncIterator[Job | None]:
    """Yield a job whenever it has changed, and nothing where it has not for a pause.

    Ends with the job, with the process, or after the longest time.
    """
    jobs, watch = workspace_of(request).casebook.jobs, watch_of(request)
    loop = asyncio.get_running_loop()
    deadline, quiet_since = loop.time() + longest, loop.time()
    while job.state not in DONE and loop.time() < deadline and not is_stopping(request):
        found = await watch.change(jobs, job, min(1.0, pause))
        if found is not None:
            job, quiet_since = found, loop.time()
            yield job
        elif loop.time() - quiet_since >= pause:
            quiet_since = loop.time()
            yield None
