"""`serve` as a process of its own, as users run it.

What it says goes to a file: a pipe that nobody reads is full after some hundred requests, and then
the service waits.
"""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

CLI = (sys.executable, "-c", "from arien_flows.cli.main import main; main()")
SECONDS_TO_START = 240
"""As long as it takes to compile all kernels while other tests run."""
SECONDS_TO_END = 60


@dataclass(frozen=True, kw_only=True)
class Served:
    """A service that runs, or has run."""

    base: str
    process: "subprocess.Popen[str]"
    _log: Path

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, list[str]]:
        """End it; return the exit code and the lines that it said beside those about requests."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS_TO_END), [
            line for line in self._log.read_text().splitlines()[1:] if not _is_request(line)
        ]


def _is_request(line: str) -> bool:
    return line.startswith("{") and json.loads(line)["event"] == "request"


@contextmanager
def served(*options: str, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Serve on a free port of this machine, until the block ends."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("w") as told:
            process = subprocess.Popen(
                [*CLI, "serve", "--port", "0", *options], env=environment, stderr=told, text=True
            )
        try:
            base = _address(process, log)
            _wait_until_ready(process, base)
            yield Served(base=base, process=process, _log=log)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(SECONDS_TO_END)


def _address(process: "subprocess.Popen[str]", log: Path) -> str:
    """Return the base URL, which the first line tells."""
    while "\n" not in log.read_text() and process.poll() is None:
        time.sleep(0.05)
    found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
    assert found, log.read_text()
    return found[0]


def _wait_until_ready(process: "subprocess.Popen[str]", base: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while process.poll() is None:
        try:
            with urlopen(f"{base}/readyz", timeout=30):  # noqa: S310 our own service
                return
        except (URLError, ConnectionError, TimeoutError):
            assert time.monotonic() < deadline, "the service did not become ready"
            time.sleep(0.1)
    raise AssertionError("the service ended")
