"""Workers: what becomes of jobs that end well, badly, late, or not at all."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arien_flows.casebook.job_records import Job, JobProgress, JobState
from arien_flows.errors import CasebookBusyError, InputError
from arien_flows.jobs.folder import folder_of, locked, make_folder, write_file
from arien_flows.jobs.run import Handler, JobRun, MadeFile
from arien_flows.settings import Settings
from arien_flows.worker.duties import Duty
from arien_flows.worker.loop import Worker
from arien_flows.worker.pace import Pace
from arien_flows.workspace import Workspace

QUICK = Pace(
    idle=0.01, lease=5, renew=0.02, duty=0.01, report=0.0, grace=0.1, last=2, retry=0.01, held=0.05
)
SECONDS = 20


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(Settings(data=tmp_path))
    yield made
    made.casebook.close()


def put(workspace: Workspace, kind: str = "trace") -> Job:
    now = datetime.now(UTC)
    return workspace.casebook.jobs.submit(
        kind=kind, subject=f"{kind}_{now.timestamp()}", request={}, owner="a", case_id=None, now=now
    )


def worker(workspace: Workspace, handler: Handler, *, pace: Pace = QUICK, **more: object) -> Worker:
    return Worker(workspace, name="w", handlers={"trace": handler}, pace=pace, **more)


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def write(run: JobRun) -> tuple[MadeFile, ...]:
    run.progress(1, 2, "steps")
    return (write_file(run.folder, "a.txt", "text/plain", b"result"),)


def now_of(workspace: Workspace, job: Job) -> Job:
    return workspace.casebook.jobs.read(job.id)


def test_worker__does_what_waits(workspace: Workspace):
    jobs = [put(workspace), put(workspace)]
    assert worker(workspace, write).run_waiting() == 2
    for job in jobs:
        ended = now_of(workspace, job)
        assert ended.state is JobState.SUCCEEDED
        assert [(file.name, file.size) for file in ended.files] == [("a.txt", 6)]
        assert ended.progress.done == 1
        path = folder_of(workspace.settings.data, job.id) / "a.txt"
        assert path.read_bytes() == b"result"
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("error", "code", "attempts"),
    [
        (InputError("not so"), "input", 1),
        (CasebookBusyError("later"), "casebook_busy", 3),
        (OSError(28, "No space left on device"), "storage_full", 3),
        (MemoryError(), "memory", 1),
    ],
)
def test_worker__says_why_a_job_failed(
    workspace: Workspace, error: Exception, code: str, attempts: int
):
    def refuse(_run: JobRun) -> tuple[MadeFile, ...]:
        raise error

    job, doing = put(workspace), worker(workspace, refuse)
    wait_for(lambda: doing.run_waiting() == 0 and now_of(workspace, job).state is JobState.FAILED)
    failed = now_of(workspace, job)
    assert failed.failure is not None
    assert (failed.failure.code, failed.attempts) == (code, attempts)


def test_worker__owns_up_to_a_bug_and_logs_it(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
):
    def stumble(_run: JobRun) -> tuple[MadeFile, ...]:
        raise ZeroDivisionError("bc1qsecret")

    job = put(workspace)
    worker(workspace, stumble).run_waiting()
    failure = now_of(workspace, job).failure
    assert failure is not None
    assert failure.code == "bug"
    assert "bc1qsecret" not in failure.detail
    assert job.id in caplog.text


def test_worker__fails_a_kind_that_it_does_not_know(workspace: Workspace):
    job = put(workspace, "other")
    worker(workspace, write).run_waiting()
    failure = now_of(workspace, job).failure
    assert failure is not None
    assert failure.code == "unknown_kind"


def test_worker__goes_on_after_a_passing_failure(workspace: Workspace):
    begun: list[int] = []

    def twice(run: JobRun) -> tuple[MadeFile, ...]:
        begun.append(run.job.attempts)
        if len(begun) == 1:
            raise CasebookBusyError("later")
        return write(run)

    job, doing = put(workspace), worker(workspace, twice)
    wait_for(
        lambda: doing.run_waiting() == 0 and now_of(workspace, job).state is JobState.SUCCEEDED
    )
    assert begun == [1, 2]


@pytest.fixture
def running(workspace: Workspace) -> Iterator[Callable[..., tuple[Worker, threading.Thread]]]:
    """Run workers in threads; all have ended when the test has."""
    threads = []

    def run(handler: Handler, **more: object) -> tuple[Worker, threading.Thread]:
        made = worker(workspace, handler, **more)
        thread = threading.Thread(target=made.run)
        thread.start()
        threads.append((made, thread))
        return made, thread

    yield run
    for made, thread in threads:
        made.stop()
        thread.join(SECONDS)
        assert not thread.is_alive()


def patiently(run: JobRun) -> tuple[MadeFile, ...]:
    """Work until the work is not wanted any more."""
    while True:
        run.check()
        time.sleep(0.005)


def test_worker__notices_that_its_job_is_cancelled(workspace: Workspace, running):
    job = put(workspace)
    running(patiently)
    wait_for(lambda: now_of(workspace, job).state is JobState.RUNNING)
    workspace.casebook.jobs.cancel(job.id, datetime.now(UTC))
    wait_for(lambda: now_of(workspace, job).state is JobState.CANCELLED)


def test_worker__that_stops_puts_its_job_back(workspace: Workspace, running):
    job = put(workspace)
    made, thread = running(patiently)
    wait_for(lambda: now_of(workspace, job).state is JobState.RUNNING)
    made.stop()
    thread.join(SECONDS)
    left = now_of(workspace, job)
    assert (left.state, left.attempts) == (JobState.QUEUED, 0)


def test_worker__that_stops_lets_its_job_end(workspace: Workspace, running):
    may_end = threading.Event()

    def wait(run: JobRun) -> tuple[MadeFile, ...]:
        assert may_end.wait(SECONDS)
        return write(run)

    job = put(workspace)
    made, thread = running(wait, pace=replace(QUICK, grace=SECONDS))
    wait_for(lambda: now_of(workspace, job).state is JobState.RUNNING)
    made.stop()
    may_end.set()
    thread.join(SECONDS)
    assert now_of(workspace, job).state is JobState.SUCCEEDED


def test_worker__puts_back_what_heeds_nothing(workspace: Workspace):
    may_end = threading.Event()

    def deaf(run: JobRun) -> tuple[MadeFile, ...]:
        assert may_end.wait(SECONDS)
        return write(run)

    job = put(workspace)
    made = worker(workspace, deaf, pace=replace(QUICK, last=0.05))
    threading.Timer(0.2, made.stop).start()
    assert not made.run()
    left = now_of(workspace, job)
    assert (left.state, left.attempts) == (JobState.QUEUED, 0)
    may_end.set()
    wait_for(lambda: not any(thread.name == job.id for thread in threading.enumerate()))
    # It came too late: what it made counts for nothing.
    assert now_of(workspace, job) == left


def test_worker__that_lost_its_job_changes_nothing(workspace: Workspace, running):
    left = threading.Event()

    def go(run: JobRun) -> tuple[MadeFile, ...]:
        try:
            return patiently(run)
        finally:
            left.set()

    job, queue = put(workspace), workspace.casebook.jobs.queue
    running(go, pace=replace(QUICK, renew=0.2))
    wait_for(lambda: now_of(workspace, job).state is JobState.RUNNING)
    lease = None
    while lease is None:
        # As if the machine had been asleep; it may renew what has expired until another claims it.
        queue.release("w", datetime.now(UTC))
        lease = queue.claim("other", datetime.now(UTC), 60)
    assert left.wait(SECONDS)
    assert now_of(workspace, job) == lease.job
    assert queue.finish(lease, [], JobProgress(), datetime.now(UTC))


def test_worker__leaves_a_folder_alone_that_an_earlier_attempt_still_holds(workspace: Workspace):
    job, doing = put(workspace), worker(workspace, write)
    with locked(make_folder(workspace.settings.data, job.id)):
        assert doing.run_waiting() == 1
        left = now_of(workspace, job)
        assert (left.state, left.attempts) == (JobState.QUEUED, 0)
    wait_for(lambda: doing.run_waiting() == 1 or now_of(workspace, job).state is JobState.SUCCEEDED)


def test_worker__does_duties_beside_its_jobs(workspace: Workspace, running):
    rounds: list[datetime] = []
    duty = Duty(name="watches", every_seconds=0, run=lambda _, now: rounds.append(now))
    job = put(workspace)
    running(patiently, duties=(duty,))
    wait_for(lambda: len(rounds) >= 2)
    assert now_of(workspace, job).state is JobState.RUNNING


def test_worker__does_the_other_duties_where_one_fails(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
):
    done: list[str] = []

    def fail(_workspace: Workspace, _now: datetime) -> None:
        raise ZeroDivisionError

    duties = (
        Duty(name="broken", every_seconds=60, run=fail),
        Duty(name="sound", every_seconds=60, run=lambda *_: done.append("sound")),
    )
    put(workspace)
    doing = worker(workspace, write, duties=duties)
    doing.run_waiting()
    doing.run_waiting()
    assert done == ["sound"]
    assert "broken" in caplog.text
