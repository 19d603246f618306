"""`serve` with its workers, killed one after the other while traces wait: each is made once."""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from arien_flows.casebook.job_queue import MOST_ATTEMPTS
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from tests.arien_flows.casebook.queued import told
from tests.served import served
from tests.small_case import NETWORK, SmallCase

SECONDS = 120
TRACES = 8


def wait_for(what: str, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.05)


def children(process: int) -> dict[str, int]:
    """Return the processes that a service looks after: by the module that each runs."""
    listed = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    found = {}
    for child in listed:
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        module = next((word for word in words if word.startswith(b"arien_flows.worker.")), b"")
        found[module.decode()] = int(child)
    return found


def child(process: int, module: str) -> int:
    wait_for(module, lambda: module in children(process))
    return children(process)[module]


@dataclass(frozen=True)
class Asking:
    """Puts questions to a service."""

    base: str

    def ask(self, path: str, body: object = None, **headers: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(self.base + path, data, sent)  # noqa: S310 our own service
        with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310
            return json.load(response)

    def states(self) -> list[str]:
        return [job["state"] for job in self.ask("/v1/jobs?limit=100")["items"]]


@pytest.mark.slow
def test_jobs__outlive_every_process_that_does_them(small_case: SmallCase, tmp_path: Path):
    for path in small_case.data.iterdir():
        if path.is_dir():
            (tmp_path / path.name).symlink_to(path)
    body = {"network": NETWORK, "sources": [small_case.address("alice")]}
    data = ("--data", str(tmp_path))
    with served(*data) as service:
        first, process = Asking(service.base), service.process
        at_once = first.ask("/v1/traces", body)
        for _ in range(TRACES):
            first.ask("/v1/traces", body, Prefer="respond-async")
        os.kill(child(process.pid, "arien_flows.worker.running"), signal.SIGKILL)
        wait_for("a job's end", lambda: "succeeded" in first.states())
        left = children(process.pid)
        os.kill(left["arien_flows.worker.answering"], signal.SIGKILL)
        process.kill()
        process.wait()
        wait_for("the children's end", lambda: not any(map(is_there, left.values())))
    with served(*data) as service:
        second = Asking(service.base)
        wait_for("every job's end", lambda: set(second.states()) == {"succeeded"})
        jobs = second.ask("/v1/jobs?limit=100")["items"]
        assert all(second.ask(job["result"]) == at_once for job in jobs[:2])
        assert service.end() == (0, [])
    assert len(jobs) == TRACES
    assert len({job["files"][0]["sha256"] for job in jobs}) == 1
    assert max(job["attempts"] for job in jobs) <= MOST_ATTEMPTS
    casebook = Workspace(Settings(data=tmp_path)).casebook
    events = told(casebook)
    casebook.close()
    assert len(events) == len(set(events)) == 2 * TRACES


def is_there(process: int) -> bool:
    return Path(f"/proc/{process}").exists()
