"""The process that looks after others: starts them again, stops them, and gives up on none but one.

The children are tiny scripts, so that what is tested is the looking after.
"""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from arien_flows.worker.supervising import (
    USELESS,
    Role,
    Supervisor,
    child_command,
    child_environment,
)

SECONDS = 20

PATIENT = """
import sys
open(sys.argv[1], "a").write(f"{sys.argv[2]} {sys.argv[3]} {__import__('os').getpid()}\\n")
sys.stdin.read()
"""
"""Says that it has begun, and ends when its standard input does."""


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def begun(log: Path) -> list[list[str]]:
    """Return the name, the name before and the process id of each child that has begun."""
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    return [line.split() for line in lines if line.endswith("\n")]


def supervisor(code: str, log: Path, told: list[str], *, grace: float = 5) -> Supervisor:
    role = Role(
        title="Worker 1",
        command=lambda name, before: [sys.executable, "-c", code, str(log), name, str(before)],
    )
    return Supervisor(roles=[role], environment=os.environ, grace_seconds=grace, tell=told.append)


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # A child of this process that has ended stays until it is asked about.
    state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


def test_child__that_is_killed_is_started_again_and_told_whom_it_follows(tmp_path: Path):
    told: list[str] = []
    made = supervisor(PATIENT, tmp_path / "log", told)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        wait_for(lambda: len(begun(tmp_path / "log")) == 1)
        ((first, before, process),) = begun(tmp_path / "log")
        assert before == "None"
        os.kill(int(process), signal.SIGKILL)
        wait_for(lambda: len(begun(tmp_path / "log")) == 2)
        second, before, _ = begun(tmp_path / "log")[1]
        assert before == first != second
        assert told == ["Worker 1 ended (signal 9); it is started again in 0.2 s"]
    finally:
        made.stop()
        thread.join(SECONDS)
    assert not thread.is_alive()
    assert not is_there(int(begun(tmp_path / "log")[1][2]))


def test_child__that_does_not_heed_the_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("arien_flows.worker.supervising._KILL_SECONDS", 0.1)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + PATIENT
    made = supervisor(deaf, tmp_path / "log", [], grace=0.1)
    threads = [threading.Thread(target=made.run)]
    threads[0].start()
    wait_for(lambda: len(begun(tmp_path / "log")) == 1)
    made.stop()
    threads[0].join(SECONDS)
    assert not is_there(int(begun(tmp_path / "log")[0][2]))


def test_child__whose_settings_are_wrong_ends_everything(tmp_path: Path):
    told: list[str] = []
    assert supervisor(f"raise SystemExit({USELESS})", tmp_path / "log", told).run() == USELESS
    assert told == []


def test_child__ends_when_the_process_that_looks_after_it_is_killed(tmp_path: Path):
    code = textwrap.dedent(
        """
        import os, sys
        from arien_flows.worker.supervising import Role, Supervisor
        command = [sys.executable, "-c", sys.argv[1], sys.argv[2]]
        Supervisor(
            roles=[Role(title="", command=lambda name, before: [*command, name, str(before)])],
            environment=os.environ, grace_seconds=5, tell=print,
        ).run()
        """
    )
    log = tmp_path / "log"
    parent = subprocess.Popen([sys.executable, "-c", code, PATIENT, str(log)])
    wait_for(lambda: len(begun(log)) == 1)
    parent.kill()
    parent.wait()
    wait_for(lambda: not is_there(int(begun(log)[0][2])))


def test_children__find_these_modules_and_none_of_the_folder_they_start_in(tmp_path: Path):
    (tmp_path / "json.py").write_text("raise SystemExit('this was in the folder')")
    command = child_command("arien_flows.worker.supervising")
    environment = child_environment({"PATH": os.environ["PATH"], "PYTHONPATH": ""}, ARIEN_DATA="d")
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
