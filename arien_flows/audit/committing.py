"""Group commit: requests wait for their rows, and rows that wait together are committed together.

A commit with full durability takes as long as the disk needs, whether it holds one row or hundreds.
So one thread of each process takes whatever waits, appends it in one transaction, and tells those
who waited. Under load the groups grow by themselves. There is no delay that would collect more.

The queue is bounded: where the database is gone or full, requests are refused at once instead of
waiting behind thousands of others. Each group tries anew, so that the service recovers by itself.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import perf_counter

from arien_flows.audit.chain import AuditEntry
from arien_flows.errors import ArienError, AuditUnavailableError

CAPACITY = 5_000
"""Most rows that wait in a process."""

GROUP = 500
"""Most rows of one commit."""

PATIENCE_SECONDS = 10.0
"""How long a request waits for its row."""

log = logging.getLogger("arien_flows.audit")

Append = Callable[[Sequence[AuditEntry]], object]
Watch = Callable[[float, int], None]
"""Is told how many seconds each commit took, and how many rows it held."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    entry: AuditEntry
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[None]"


class Committer:
    """Appends in groups what requests of one process hand over. Its thread starts when needed."""

    def __init__(
        self,
        append: Append,
        *,
        capacity: int = CAPACITY,
        patience_seconds: float = PATIENCE_SECONDS,
        watch: Watch = lambda _seconds, _rows: None,
    ) -> None:
        self.watch = watch
        self._append = append
        self._capacity = capacity
        self._patience_seconds = patience_seconds
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._lock = Lock()
        self._thread: Thread | None = None

    @property
    def waiting(self) -> int:
        """How many rows wait; about, since it changes all the time."""
        return self._queue.qsize()

    async def record(self, entry: AuditEntry) -> None:
        """Return when an entry is durable.

        `AuditUnavailableError` where it cannot be written, or not in time. A row that was late may
        still be written: the log then holds a request that was refused.
        """
        if self.waiting >= self._capacity:
            raise AuditUnavailableError(
                f"{self._capacity:,} requests wait to be recorded already: try again later"
            )
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._queue.put(_Waiting(entry, loop, done))
        if self._thread is None:
            self._start()
        timer = loop.call_later(self._patience_seconds, _give_up, done, self._patience_seconds)
        try:
            await done
        finally:
            timer.cancel()

    def stop(self) -> None:
        """Append what waits and end the thread; the next row starts another one."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                # What it leaves undone when the process ends was never answered.
                self._thread = Thread(target=self._run, name="audit", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        is_ending = False
        while not is_ending:
            group = [self._queue.get()]
            while len(group) < GROUP:
                try:
                    group.append(self._queue.get_nowait())
                except Empty:
                    break
            is_ending = None in group
            # Whoever has given up was refused.
            rows = [each for each in group if each is not None and not each.done.done()]
            if rows:
                self._commit(rows)

    def _commit(self, rows: Sequence[_Waiting]) -> None:
        began, failure = perf_counter(), None
        try:
            self._append([each.entry for each in rows])
        except (ArienError, OSError) as error:
            log.warning("%d requests cannot be recorded: %s", len(rows), error)
            failure = str(error)
        except Exception as error:
            # A bug here would leave every later request waiting for a thread that has ended.
            log.exception("the audit log failed")
            failure = type(error).__name__
        else:
            self.watch(perf_counter() - began, len(rows))
        for loop in {each.loop for each in rows}:
            own = [each.done for each in rows if each.loop is loop]
            try:
                loop.call_soon_threadsafe(_tell, own, failure)
            except RuntimeError:
                continue  # The loop has ended, and nobody waits any more.


def _tell(waiting: Iterable["asyncio.Future[None]"], failure: str | None) -> None:
    for done in waiting:
        if done.done():
            continue
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(AuditUnavailableError(f"this cannot be recorded: {failure}"))


def _give_up(done: "asyncio.Future[None]", seconds: float) -> None:
    if not done.done():
        done.set_exception(
            AuditUnavailableError(
                f"this could not be recorded within {seconds:g} seconds: try again later"
            )
        )
