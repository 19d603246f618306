"""Tell which phase of an ingest the processor's time goes to, on every thread.

A profiling hook sees each call of a Python function and of a compiled kernel. Each function of the
program belongs to a phase, most by their module; what NumPy and the system do counts for the
function that called them. The time of a thread is its own processor time, so that a thread which
waits (for a disk, for another thread, for a core) costs nothing; the clock on the wall runs beside.
The hook slows an ingest down: it is for telling how the time is shared out, not for rates. `events`
tells how often it was called.
"""

import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from types import CodeType, FrameType

PHASES = (
    "read", "parse", "hash", "resolve", "address_ids", "history", "index", "rows", "checksum",
    "write", "fsync", "other", "waiting",
)  # fmt: skip
"""`index` is sorting and merging of the lookup tables, `rows` the forming of columns; the threads
that wait for single files count as `fsync_workers` beside them."""

MODULES = {
    "chains/ahead.py": "read",
    "chains/bitcoin/blockfiles.py": "read",
    "chains/bitcoin/blockscan.py": "read",
    "chains/bitcoin/decode.py": "parse",
    "chains/bitcoin/fill.py": "parse",
    "chains/bitcoin/headers.py": "parse",
    "chains/bitcoin/parse.py": "parse",
    "chains/bitcoin/script.py": "parse",
    "chains/bitcoin/spends.py": "parse",
    "chains/room.py": "parse",
    "chains/bitcoin/hashing.py": "hash",
    "chains/bitcoin/merkle.py": "hash",
    "chains/bitcoin/sha256_lanes.py": "hash",
    "chains/bitcoin/sha256_rounds.py": "hash",
    "heuristics/bits.py": "resolve",
    "arien_flows/ledger/new_spends.py": "resolve",
    "arien_flows/ledger/rebuilding.py": "resolve",
    "arien_flows/ledger/resident.py": "resolve",
    "arien_flows/ledger/spent_inside.py": "resolve",
    "arien_flows/ledger/unspent.py": "resolve",
    "arien_flows/ledger/unspent_table.py": "resolve",
    "arien_flows/ledger/key_filter.py": "address_ids",
    "arien_flows/ledger/key_search.py": "address_ids",
    "arien_flows/ledger/links.py": "address_ids",
    "arien_flows/ledger/lock_memory.py": "address_ids",
    "arien_flows/ledger/locks.py": "address_ids",
    "arien_flows/ledger/new_addresses.py": "address_ids",
    "arien_flows/ledger/numbering.py": "address_ids",
    "arien_flows/ledger/preparing.py": "address_ids",
    "arien_flows/ledger/recent_rows.py": "address_ids",
    "arien_flows/ledger/history.py": "history",
    "arien_flows/ledger/history_merging.py": "history",
    "arien_flows/ledger/history_runs.py": "history",
    "arien_flows/ledger/merging.py": "index",
    "arien_flows/ledger/run_files.py": "index",
    "arien_flows/ledger/run_merging.py": "index",
    "arien_flows/ledger/sorted_runs.py": "index",
    "arien_flows/ledger/append.py": "rows",
    "arien_flows/ledger/rows.py": "rows",
    "arien_flows/ledger/seals.py": "checksum",
    "arien_flows/ledger/disk.py": "write",
    "arien_flows/ledger/spend_links.py": "write",
    "arien_flows/ledger/staging.py": "write",
}
"""The phase of each module's functions; other modules of the ledger count as `other`."""

FUNCTIONS = {
    ("decode.py", "check_merkle_roots"): "hash",
    ("decode.py", "copy_headers"): "hash",
    ("decode.py", "hash_headers"): "hash",
    ("decode.py", "header_hashes"): "hash",
    ("decode.py", "hash_piece"): "hash",
    ("decode.py", "hash_transactions"): "hash",
    ("append.py", "NewRows.history"): "history",
    ("run_files.py", "RunWriter.write_history"): "history",
    ("run_merging.py", "_merge_history"): "history",
    ("numbering.py", "gather_bytes"): "rows",
    ("numbering.py", "_gather_bytes"): "rows",
    ("disk.py", "Disk.sync"): "fsync",
    ("disk.py", "Disk.replace"): "fsync",
    ("disk.py", "Disk._flush"): "fsync",
    ("disk.py", "_flush_one"): "fsync_workers",
}
"""Functions whose phase is not that of their module."""

WAITING = ("/threading.py", "/queue.py", "/concurrent/futures/thread.py")


@dataclass(slots=True)
class Spent:
    """What one function took for itself, and what it called outside the program."""

    phase: str
    name: str
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0


@dataclass(slots=True)
class _Thread:
    """One thread's open calls; the last names what it is at."""

    stack: list[Spent]
    spent: dict[CodeType, Spent] = field(default_factory=dict)
    cpu: float = field(default_factory=time.thread_time)
    wall: float = field(default_factory=time.perf_counter)

    def settle(self) -> None:
        """Charge the time since the last call of this to what the thread was at."""
        cpu, wall = time.thread_time(), time.perf_counter()
        current = self.stack[-1]
        current.cpu_seconds += cpu - self.cpu
        current.wall_seconds += wall - self.wall
        self.cpu, self.wall = cpu, wall


class PhaseClock:
    """Measures between entering and leaving, on this thread and all that start meanwhile."""

    def __init__(self) -> None:
        self.events = 0
        self._phases: dict[CodeType, str | None] = {}
        self._threads: list[_Thread] = []
        self._local = threading.local()

    def __enter__(self) -> "PhaseClock":
        threading.setprofile(self._hook)
        sys.setprofile(self._hook)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        # The standard library takes nothing for "no hook" here; its types do not say so.
        threading.setprofile(None)  # type: ignore[arg-type]

    def by_phase(self) -> dict[str, dict[str, float]]:
        """Return the seconds of each phase, summed over the threads."""
        sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for phase in PHASES:
            sums[phase] = [0.0, 0.0]
        for spent in self._spent():
            sums[spent.phase][0] += spent.cpu_seconds
            sums[spent.phase][1] += spent.wall_seconds
        return {
            phase: {"cpu_seconds": round(cpu, 3), "wall_seconds": round(wall, 3)}
            for phase, (cpu, wall) in sums.items()
        }

    def heaviest(self, count: int = 25) -> list[dict[str, object]]:
        """Return the functions that took most processor time, the heaviest first."""
        sums: dict[tuple[str, str], float] = defaultdict(float)
        for spent in self._spent():
            sums[spent.phase, spent.name] += spent.cpu_seconds
        ranked = sorted(sums.items(), key=lambda item: -item[1])[:count]
        return [
            {"phase": phase, "function": name, "cpu_seconds": round(seconds, 3)}
            for (phase, name), seconds in ranked
        ]

    def _spent(self) -> list[Spent]:
        return [
            spent for thread in self._threads for spent in (thread.stack[0], *thread.spent.values())
        ]

    def _hook(self, frame: FrameType, event: str, _: object) -> None:
        if event.startswith("c_"):
            return
        self.events += 1
        thread: _Thread | None = getattr(self._local, "thread", None)
        if thread is None:
            thread = self._local.thread = _Thread([Spent("other", "before any function")])
            self._threads.append(thread)
        stack = thread.stack
        if event == "call":
            entered = self._entered(thread, frame.f_code)
            if entered is not stack[-1]:
                thread.settle()
            stack.append(entered)
        elif len(stack) > 1:
            if stack[-1] is not stack[-2]:
                thread.settle()
            stack.pop()

    def _entered(self, thread: _Thread, code: CodeType) -> Spent:
        """Return what a call of `code` is charged to."""
        if code not in self._phases:
            self._phases[code] = phase_of(code)
        phase, caller = self._phases[code], thread.stack[-1]
        if phase is None or (phase == "waiting" and caller.phase == "fsync"):
            return caller
        if code not in thread.spent:
            file = code.co_filename.rsplit("/", 1)[-1]
            thread.spent[code] = Spent(phase, f"{file}:{code.co_qualname}")
        return thread.spent[code]


def phase_of(code: CodeType) -> str | None:
    """Return the phase of a function; nothing for one that works for whoever calls it."""
    path = code.co_filename.replace("\\", "/")
    special = FUNCTIONS.get((path.rsplit("/", 1)[-1], code.co_qualname))
    if special is not None:
        return special
    for module, phase in MODULES.items():
        if path.endswith(module):
            return phase
    if path.endswith(WAITING):
        return "waiting"
    return "other" if "/arien_flows/ledger/" in path else None
