"""What the system tells of this process: its memory, and what it has sent to the disk."""

import resource
import sys
import threading
from pathlib import Path


def status_bytes(name: str) -> int | None:
    """Return a memory figure of this process, where Linux tells it."""
    file = Path("/proc/self/status")
    if not file.exists():
        return None
    lines = dict(line.split(":", 1) for line in file.read_text().splitlines())
    return int(lines[name].split()[0]) * 1024


def written_bytes() -> int | None:
    """Return how many bytes this process has sent towards the disk, where Linux tells it."""
    file = Path("/proc/self/io")
    if not file.exists():
        return None
    lines = dict(line.split(": ") for line in file.read_text().splitlines())
    return int(lines["write_bytes"])


class MemoryWatch:
    """Follows the memory that is this process's own: what no page cache could give back."""

    def __init__(self) -> None:
        self.peak_anonymous_bytes: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            now = status_bytes("RssAnon")
            if now is not None:
                self.peak_anonymous_bytes = max(self.peak_anonymous_bytes or 0, now)
            if self._stop.wait(0.02):
                return


def peak_resident_bytes() -> int:
    """Return the most memory that this process ever had, mapped files counted."""
    peak = status_bytes("VmHWM")
    if peak is not None:
        return peak
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )
