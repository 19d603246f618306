"""How a child process notices that the process which looks after it has died.

Its standard input is a pipe that nobody writes to. When it ends, whoever held the other end is
gone, however it went.
"""

import os
import sys
from collections.abc import Callable
from threading import Thread


def on_end_of_input(act: Callable[[], None]) -> None:
    """Call something, from another thread, when standard input ends."""
    Thread(target=_wait, args=(act,), name="lifeline", daemon=True).start()


def _wait(act: Callable[[], None]) -> None:
    # Past Python's buffer, whose lock would be in the way when the interpreter ends.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    act()
