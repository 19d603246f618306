"""When keys and sessions were last used: written beside the requests, and seldom.

A request does not wait for it, and a key that is used all the time is written to once a minute.
What could not be written is told to the log and forgotten; the next use is written instead.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from queue import Empty, Full, Queue
from threading import Lock, Thread

from arien_flows.errors import ArienError

SECONDS = 60.0
"""Between two notes about one key or session."""

_MOST = 1_000
"""Notes that wait to be written; what comes on top of them is left out."""

_IDLE_SECONDS = 2.0

log = logging.getLogger("arien_flows.accounts")

Note = Callable[[str, datetime], None]


class Uses:
    """Notes of uses, written by a thread of its own, which lives while there are any."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._lock = Lock()
        self._noted: dict[str, float] = {}
        self._waiting: Queue[tuple[str, datetime]] = Queue(_MOST)
        self._thread: Thread | None = None

    def note(self, name: str, last: datetime | None, now: datetime) -> None:
        """Note a use, unless one is known that is less than a minute older."""
        if last is not None and (now - last).total_seconds() < SECONDS:
            return
        with self._lock:
            moment = time.monotonic()
            if moment - self._noted.get(name, -SECONDS) < SECONDS:
                return
            if len(self._noted) > _MOST:
                self._noted.clear()
            self._noted[name] = moment
            try:
                self._waiting.put_nowait((name, now))
            except Full:
                log.warning("the use of a key or a session is not noted: the casebook is busy")
            if self._thread is None:
                self._thread = Thread(target=self._write, name="uses-of-keys", daemon=True)
                self._thread.start()

    def _write(self) -> None:
        while True:
            try:
                name, now = self._waiting.get(timeout=_IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._waiting.empty():
                        self._thread = None
                        return
                continue
            try:
                self._note(name, now.astimezone(UTC))
            except (ArienError, OSError) as error:
                log.warning("the use of a key or a session is not noted: %s", error)
