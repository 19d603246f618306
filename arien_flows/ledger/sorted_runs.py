"""Sorted runs: an index that is only ever appended to and never rebuilt as a whole.

Every batch writes one *run*, a file of its new entries sorted by key. When `FAN_IN` runs of one
level have gathered they are merged into one of the next level, so an entry is rewritten once a
level: the work per entry grows with the logarithm of the ledger, and a search looks into at most
`FAN_IN - 1` runs a level. Runs are immutable files: a reader keeps the ones that its manifest
names, and a crash leaves at worst a file that no manifest names.

A roll-back does not rewrite runs. It lowers a run's `limit`: entries whose number is at or past
it are void, now and after their numbers have been given to other rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chains.types import AnyArray, Int64Array, UInt32Array
from heuristics.jit import kernel

FAN_IN = 8
"""Runs of one level that are merged into one. Measured trade: fewer rewrites per entry against
more runs to search; 8 rewrites an entry about three times on the way to a full chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunName:
    """One run as the manifest names it."""

    level: int
    start: int
    """First row number that the run may hold."""

    end: int
    """One past the last row number that the run was written for."""

    limit: int
    """Entries whose number is at or past this are void."""

    entries: int
    checksum: int

    @property
    def file_name(self) -> str:
        """Return the name of the run's file in the folder of its family."""
        return f"{self.level:02d}-{self.start:012d}-{self.end:012d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRun:
    """Entries (key, number) in ascending order of key, then number."""

    key: Int64Array
    number: UInt32Array
    limit: int


def merge_due(runs: Sequence[RunName]) -> slice | None:
    """Return which consecutive runs are to be merged into one now, or nothing.

    Runs stand in ascending order of rows, so their levels fall; the last `FAN_IN` of equal level
    are due.
    """
    if len(runs) < FAN_IN:
        return None
    tail = runs[-FAN_IN:]
    if tail[0].level == tail[-1].level:
        return slice(len(runs) - FAN_IN, len(runs))
    return None


def cut_runs(runs: Sequence[RunName], limit: int) -> tuple[RunName, ...]:
    """Return the runs after a roll-back to `limit` rows; runs left without entries are dropped."""
    return tuple(replace(run, limit=min(run.limit, limit)) for run in runs if run.start < limit)


def sort_entries(key: Int64Array, number: UInt32Array) -> tuple[Int64Array, UInt32Array]:
    """Return the entries in a run's order; numbers must come in ascending."""
    order = np.argsort(key, kind="stable")
    return key[order], number[order]


def live_entries(run: KeyRun) -> int:
    """Return how many entries of the run are not void."""
    return int(np.count_nonzero(run.number < run.limit))


def merge_key_runs(runs: Sequence[KeyRun], key: Int64Array, number: UInt32Array) -> None:
    """Merge runs of consecutive rows into `key` and `number`, which have room for live entries.

    Entries are streamed, so the outputs may be maps of files larger than memory.
    """
    limits = np.array([run.limit for run in runs], dtype=np.int64)
    _merge(tuple(run.key for run in runs), tuple(run.number for run in runs), limits, key, number)


@kernel
def _merge(
    keys: tuple[Int64Array, ...],
    numbers: tuple[UInt32Array, ...],
    limits: Int64Array,
    key: Int64Array,
    number: UInt32Array,
) -> None:
    """Merge ascending runs; of equal keys the earlier run comes first."""
    position = np.zeros(len(keys), dtype=np.int64)
    filled = 0
    while True:
        best = -1
        for run in range(len(keys)):
            at = position[run]
            while at < len(keys[run]) and numbers[run][at] >= limits[run]:
                at += 1
            position[run] = at
            if at < len(keys[run]) and (best < 0 or keys[run][at] < keys[best][position[best]]):
                best = run
        if best < 0:
            return
        key[filled] = keys[best][position[best]]
        number[filled] = numbers[best][position[best]]
        position[best] += 1
        filled += 1


@kernel
def lower_bound(keys: AnyArray, wanted: int) -> int:
    """Return the first position in ascending `keys` whose key is not below `wanted`."""
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low
