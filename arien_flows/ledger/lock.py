"""One writer at a time, held by the operating system and not by a file's existence.

A lock that a killed process leaves behind is released by the kernel at once.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from arien_flows.errors import LedgerLockedError

LOCK = "writer.lock"


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the right to write below `folder`, or raise `LedgerLockedError`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a+") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise LedgerLockedError(
                f"process {holder} is writing to {folder}: wait until it ends, or stop it"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
