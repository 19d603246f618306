"""A worker whose database goes and comes back: it waits, and then ends what it had done."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arien_flows.casebook.job_records import JobState
from arien_flows.jobs.folder import write_file
from arien_flows.jobs.run import JobRun, MadeFile
from arien_flows.settings import Settings
from arien_flows.worker.loop import Worker
from arien_flows.worker.pace import Pace
from arien_flows.workspace import Workspace
from tests.postgres import PASSWORD, Server

QUICK = Pace(idle=0.02, lease=30, renew=0.05, report=0.05)
SECONDS = 30


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@contextmanager
def away(server: Server, name: str) -> Iterator[None]:
    """Let nobody into a database, and throw everybody out of it."""
    with server._connect("postgres") as administrator:
        administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        yield
        administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())


def test_worker__ends_its_job_when_the_database_is_back(
    postgresql_server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    address = postgresql_server.make_database("away")
    settings = Settings(data=tmp_path, casebook=address)
    workspace, own = Workspace(settings), Workspace(settings)
    jobs, is_away = workspace.casebook.jobs, threading.Event()

    def put(name: str) -> str:
        asked = {"kind": "trace", "request": {}, "owner": "a", "case_id": None}
        return jobs.submit(subject=name, now=datetime.now(UTC), **asked).id

    def work(run: JobRun) -> tuple[MadeFile, ...]:
        assert is_away.wait(SECONDS)
        return (write_file(run.folder, "a.txt", "text/plain", b"done"),)

    worker = Worker(own, name="w", handlers={"trace": work}, pace=QUICK)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        first = put("trace_1")
        wait_for(lambda: jobs.read(first).state is JobState.RUNNING)
        with away(postgresql_server, "away"):
            is_away.set()
            wait_for(lambda: f"{first} cannot be ended yet" in caplog.text)
        wait_for(lambda: jobs.read(first).state is JobState.SUCCEEDED)
        with away(postgresql_server, "away"):
            wait_for(lambda: "no job can be taken for now" in caplog.text)
        second = put("trace_2")
        wait_for(lambda: jobs.read(second).state is JobState.SUCCEEDED)
        assert "jobs are taken again" in caplog.text
        assert PASSWORD not in caplog.text
    finally:
        worker.stop()
        thread.join(SECONDS)
        for each in (own, workspace):
            each.casebook.close()
        postgresql_server.drop_database("away")
