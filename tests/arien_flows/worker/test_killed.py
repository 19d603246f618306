"""Workers that are killed as the kernel kills: nothing is lost, and nothing is done twice."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arien_flows.casebook.job_records import Job, JobState
from arien_flows.jobs.folder import folder_of, write_file
from arien_flows.jobs.run import Handler, JobRun, MadeFile
from arien_flows.settings import Settings
from arien_flows.worker.loop import Worker
from arien_flows.worker.pace import Pace
from arien_flows.workspace import Workspace
from tests.arien_flows.casebook.queued import told

QUICK = Pace(idle=0.01, lease=0.5, renew=0.1, report=0.0, grace=0.1)
SECONDS = 30
MANY = 60


@pytest.fixture
def settings(tmp_path: Path, address: str) -> Settings:
    return Settings(data=tmp_path, casebook=address)


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    made = Workspace(settings)
    yield made
    made.casebook.close()


def put(workspace: Workspace, number: int = 0) -> Job:
    now = datetime.now(UTC)
    return workspace.casebook.jobs.submit(
        kind="trace",
        subject=f"trace_{number}",
        request={"number": number},
        owner=f"owner {number % 4}",
        case_id=None,
        now=now,
    )


def fork_worker(settings: Settings, handler: Handler, name: str = "child") -> int:
    """Run a worker in a process of its own until nothing waits; return its id."""
    process = os.fork()
    if process:
        return process
    try:
        worker = Worker(Workspace(settings), name=name, handlers={"trace": handler}, pace=QUICK)
        worker.run_waiting()
        os._exit(0)
    finally:
        os._exit(1)


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(SECONDS)


def write(run: JobRun) -> tuple[MadeFile, ...]:
    # Every attempt says that it was here.
    with (run.folder / "attempts").open("a") as stream:
        stream.write("x")
    return (write_file(run.folder, "a.txt", "text/plain", run.job.id.encode()),)


def die_before_the_file(run: JobRun) -> tuple[MadeFile, ...]:
    (run.folder / "a.txt.part").write_bytes(b"half a li")
    kill_self()
    return ()


def die_between_file_and_end(run: JobRun) -> tuple[MadeFile, ...]:
    write(run)
    kill_self()
    return ()


def finish_elsewhere(workspace: Workspace) -> list[Job]:
    """Do here what is left, leases that have yet to expire included; return all jobs."""
    worker = Worker(workspace, name="other", handlers={"trace": write}, pace=QUICK)
    deadline = time.monotonic() + SECONDS
    while True:
        worker.run_waiting()
        jobs = workspace.casebook.jobs.page(owner=None, cases=None, before=None, limit=100)
        if all(job.state is JobState.SUCCEEDED for job in jobs):
            return jobs
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("handler", [die_before_the_file, die_between_file_and_end])
def test_job__of_a_killed_worker_is_taken_over_and_has_one_result(
    settings: Settings, workspace: Workspace, handler: Callable[[JobRun], tuple[MadeFile, ...]]
):
    job = put(workspace)
    assert os.waitstatus_to_exitcode(os.waitpid(fork_worker(settings, handler), 0)[1]) == -9
    assert workspace.casebook.jobs.read(job.id).state is JobState.RUNNING
    (ended,) = finish_elsewhere(workspace)
    assert (ended.attempts, [file.name for file in ended.files]) == (2, ["a.txt"])
    folder = folder_of(settings.data, job.id)
    assert (folder / "a.txt").read_bytes() == job.id.encode()
    assert not list(folder.glob("*.part"))
    assert told(workspace.casebook) == [("job.succeeded", job.id), ("trace.completed", job.subject)]


def test_jobs__of_two_processes_are_each_done_once(settings: Settings, workspace: Workspace):
    for number in range(MANY):
        put(workspace, number)
    # One of them is killed on its way.
    children = [fork_worker(settings, write, name) for name in ("one", "two")]
    deadline = time.monotonic() + SECONDS
    while len(list(settings.data.glob("jobs/*/a.txt"))) < 5:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(children[0], signal.SIGKILL)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes[0] in (0, -9)
    assert codes[1] == 0
    done = finish_elsewhere(workspace)
    assert len(done) == MANY
    assert sum(job.attempts > 1 for job in done) <= 1
    for job in done:
        attempts = folder_of(settings.data, job.id) / "attempts"
        assert len(attempts.read_text()) <= job.attempts
    assert len(told(workspace.casebook)) == 2 * MANY
