"""Sorted runs: an index that is only ever appended to and never rebuilt as a whole.

Every batch writes one *run*, a file of its new entries sorted by key. When `FAN_IN` runs of one
level have gathered they are merged into one of the next level, so an entry is rewritten once a
level: the work per entry grows with the logarithm of the ledger, and a search looks into at most
`FAN_IN - 1` runs a level. Runs are immutable files: a reader keeps the ones that its manifest
names, and a crash leaves at worst a file that no manifest names.

A roll-back does not rewrite runs. It lowers a run's `limit`: entries whose number is at or past
it are void, now and after their numbers have been given to other rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chains.types import AnyArray, Int64Array, UInt32Array
from heuristics.jit import kernel

FAN_IN = 8
"""Runs of one level that are merged into one. Measured trade: fewer rewrites per entry against
more runs to search; 8 rewrites an entry about four times on the way to a full chain."""

STEP = 1 << 22
"""Entries that a merge writes between two pauses, in which it may be stopped."""

LAST_KEY = 0x7FFF_FFFF_FFFF_FFFF
"""No key is greater: where a merge has come to the end of a run."""


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


def merges_due(runs: Sequence[RunName]) -> list[slice]:
    """Return which consecutive runs are to be merged into one: at most one stretch a level.

    Runs stand in ascending order of rows, so their levels fall; the first `FAN_IN` of equal level
    are due. Whether merges come at once or late, and in whatever order those of different levels
    come, the same runs come out.
    """
    levels = [run.level for run in runs]
    starts = [levels.index(level) for level in dict.fromkeys(levels)]
    return [
        slice(start, start + FAN_IN)
        for start in starts
        if levels[start : start + FAN_IN] == [levels[start]] * FAN_IN
    ]


def cut_runs(runs: Sequence[RunName], limit: int) -> tuple[RunName, ...]:
    """Return the runs after a roll-back to `limit` rows; runs left without entries are dropped."""
    return tuple(replace(run, limit=min(run.limit, limit)) for run in runs if run.start < limit)


def sort_entries(key: Int64Array, number: UInt32Array) -> tuple[Int64Array, UInt32Array]:
    """Return the entries in a run's order."""
    once = np.empty_like(key), np.empty_like(number)
    twice = np.empty_like(key), np.empty_like(number)
    _sort(key, number, *once, *twice)
    return twice


@kernel
def _sort(
    key: Int64Array,
    number: UInt32Array,
    once_key: Int64Array,
    once_number: UInt32Array,
    sorted_key: Int64Array,
    sorted_number: UInt32Array,
) -> None:
    """Sort by the first 22 bits of the keys in two passes of 11, then put right what is equal.

    Keys are hashes, so hardly any two of a batch share so many bits, unless somebody ground them;
    then `_sort_group` still takes no more than n log n steps.
    """
    low = np.zeros(2049, dtype=np.int64)
    high = np.zeros(2049, dtype=np.int64)
    for i in range(len(key)):
        top = (key[i] >> 42) + (1 << 21)
        low[(top & 2047) + 1] += 1
        high[(top >> 11) + 1] += 1
    low = np.cumsum(low)
    high = np.cumsum(high)
    for i in range(len(key)):
        digit = ((key[i] >> 42) + (1 << 21)) & 2047
        at = low[digit]
        low[digit] = at + 1
        once_key[at] = key[i]
        once_number[at] = number[i]
    for i in range(len(key)):
        digit = ((once_key[i] >> 42) + (1 << 21)) >> 11
        at = high[digit]
        high[digit] = at + 1
        sorted_key[at] = once_key[i]
        sorted_number[at] = once_number[i]
    start = 0
    while start < len(key):
        stop = start + 1
        while stop < len(key) and sorted_key[stop] >> 42 == sorted_key[start] >> 42:
            stop += 1
        if stop - start > 1:
            _sort_group(sorted_key[start:stop], sorted_number[start:stop])
        start = stop


@kernel
def _comes_before(key: int, number: int, other_key: int, other_number: int) -> bool:
    return key < other_key or (key == other_key and number < other_number)


@kernel
def _sort_group(key: Int64Array, number: UInt32Array) -> None:
    """Sort entries in place: by insertion, or as a heap where they are many."""
    if len(key) > 32:
        for root in range(len(key) // 2 - 1, -1, -1):
            _sink(key, number, root, len(key))
        for end in range(len(key) - 1, 0, -1):
            key[0], key[end] = key[end], key[0]
            number[0], number[end] = number[end], number[0]
            _sink(key, number, 0, end)
        return
    for i in range(1, len(key)):
        moved_key, moved_number = key[i], number[i]
        at = i
        while at > 0 and _comes_before(moved_key, moved_number, key[at - 1], number[at - 1]):
            key[at] = key[at - 1]
            number[at] = number[at - 1]
            at -= 1
        key[at] = moved_key
        number[at] = moved_number


@kernel
def _sink(key: Int64Array, number: UInt32Array, root: int, count: int) -> None:
    """Let the entry at `root` of a heap of `count` sink to its place."""
    moved_key, moved_number = key[root], number[root]
    while 2 * root + 1 < count:
        child = 2 * root + 1
        if child + 1 < count and _comes_before(
            key[child], number[child], key[child + 1], number[child + 1]
        ):
            child += 1
        if not _comes_before(moved_key, moved_number, key[child], number[child]):
            break
        key[root] = key[child]
        number[root] = number[child]
        root = child
    key[root] = moved_key
    number[root] = moved_number


def live_entries(run: KeyRun) -> int:
    """Return how many entries of the run are not void."""
    return int(np.count_nonzero(run.number < run.limit))


def merge_key_runs(
    runs: Sequence[KeyRun], key: Int64Array, number: UInt32Array, pause: Callable[[], None]
) -> None:
    """Merge runs of consecutive rows into `key` and `number`, which have room for live entries.

    Entries are streamed, so the outputs may be maps of files larger than memory. `pause` is called
    after every `STEP` entries, and may raise to end the merge.
    """
    keys, numbers = tuple(run.key for run in runs), tuple(run.number for run in runs)
    limits = np.array([run.limit for run in runs], dtype=np.int64)
    position = np.zeros(len(runs), dtype=np.int64)
    left, filled = sum(len(run.key) for run in runs), 0
    while left:
        most = min(left, STEP)
        filled = _merge(keys, numbers, limits, position, most, key, number, filled)
        left -= most
        pause()


@kernel
def _merge(
    keys: tuple[Int64Array, ...],
    numbers: tuple[UInt32Array, ...],
    limits: Int64Array,
    position: Int64Array,
    most: int,
    key: Int64Array,
    number: UInt32Array,
    filled: int,
) -> int:
    """Merge the next `most` entries of ascending runs, of which there are so many.

    Of equal keys the earlier run comes first. `position` is moved on in each run; returns how many
    entries are filled in, where `filled` were before.
    """
    head = np.full(len(keys), LAST_KEY, dtype=np.int64)
    for run in range(len(keys)):
        if position[run] < len(keys[run]):
            head[run] = keys[run][position[run]]
    for _ in range(most):
        best = 0
        for run in range(1, len(head)):
            if head[run] < head[best]:
                best = run
        while position[best] == len(keys[best]):
            # Only keys equal to the mark of an exhausted run are left.
            best += 1
        run_keys, run_numbers = keys[best], numbers[best]
        at = position[best]
        if run_numbers[at] < limits[best]:
            key[filled] = run_keys[at]
            number[filled] = run_numbers[at]
            filled += 1
        position[best] = at + 1
        head[best] = run_keys[at + 1] if at + 1 < len(run_keys) else LAST_KEY
    return filled


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
