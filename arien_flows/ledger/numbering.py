"""Giving scripts their address numbers: one number per script, in order of first appearance.

A batch's scripts are first told apart among themselves, then looked up in the ledger's index;
what is left is new and gets the next numbers. Every candidate of the index is compared byte by
byte with the ledger's own columns, so equal 64-bit keys never join two scripts.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from arien_flows.ledger.key_search import NO_SAMPLES, seek
from arien_flows.ledger.locks import (
    class_key,
    eight_bytes_at,
    put_eight_bytes,
    same_bytes,
    same_class,
)
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.sorted_runs import KeyRun
from chains.tables import ScriptType
from chains.types import Int64Array, UInt8Array, UInt32Array
from heuristics.jit import kernel, kernel_part

NONE = -1
OP_RETURN = int(ScriptType.OP_RETURN)
MAX_ADDRESSES = NO_ADDRESS

UPPER_HALF, LOWER_HALF = -1 << 32, (1 << 32) - 1
"""Of a 64-bit word."""

TOUCHED_AHEAD = 64
"""Locks whose payloads are asked for at once, so that the waits for memory overlap."""

SEARCH_THREADS = 16
ROWS_PER_THREAD = 1024
"""Threads that wait for a disk side by side, and from how many rows on one more is worth it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locks:
    """Locks whose payloads stand in one byte array."""

    source: UInt8Array
    script_type: UInt8Array
    start: Int64Array
    length: Int64Array

    def __len__(self) -> int:
        return len(self.script_type)

    def take(self, rows: Int64Array) -> "Locks":
        """Return some of the locks, in the order of `rows`."""
        return Locks(
            source=self.source,
            script_type=self.script_type[rows],
            start=self.start[rows],
            length=self.length[rows],
        )

    def keys(self) -> Int64Array:
        """Return the key under which each lock is filed."""
        keys = np.empty(len(self), dtype=np.int64)
        with np.errstate(over="ignore"):
            _class_keys(self.source, self.script_type, self.start, self.length, keys)
        return keys


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLocks:
    """Locks that stand in the columns of a ledger, and the index that finds them."""

    source: UInt8Array
    script_type: UInt8Array
    first: Int64Array
    """Payload of lock `i` is `source[first[i]:first[i + 1]]`."""

    runs: Sequence[KeyRun]


@kernel
def _class_keys(
    source: UInt8Array,
    script_type: UInt8Array,
    start: Int64Array,
    length: Int64Array,
    keys: Int64Array,
) -> int:
    """Fill `keys`; returns a number without meaning.

    The payloads of some locks are touched ahead, so that the waits for memory overlap; the number
    is the sum of what was touched, without which the compiler would leave the touching out.
    """
    scratch = np.empty(20, dtype=np.uint8)
    touched = 0
    for begin in range(0, len(script_type), TOUCHED_AHEAD):
        end = min(begin + TOUCHED_AHEAD, len(script_type))
        for i in range(begin, end):
            if start[i] < len(source):
                touched ^= int(np.int64(source[start[i]]))
        for i in range(begin, end):
            keys[i] = class_key(source, script_type[i], start[i], length[i], scratch)
    return touched


def distinct(locks: Locks, keys: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Tell the locks of a batch apart.

    Returns
    -------
    For each lock the position of its script among the distinct ones (-1 for OP_RETURN), and for
    each distinct script, in order of first appearance, the first lock that has it.
    """
    capacity = 16
    while capacity < 2 * len(locks):
        capacity *= 2
    member = np.empty(len(locks), dtype=np.int64)
    firsts = np.empty(len(locks), dtype=np.int64)
    found = _distinct(
        locks.source,
        locks.script_type,
        locks.start,
        locks.length,
        keys,
        np.zeros(capacity, dtype=np.int64),
        member,
        firsts,
    )
    return member, firsts[:found]


@kernel
def _distinct(
    source: UInt8Array,
    script_type: UInt8Array,
    start: Int64Array,
    length: Int64Array,
    keys: Int64Array,
    table: Int64Array,
    member: Int64Array,
    firsts: Int64Array,
) -> int:
    """Fill `member` and `firsts`; a slot of `table` is half a key above a position plus one."""
    mask = len(table) - 1
    found = 0
    for i in range(len(keys)):
        if script_type[i] == OP_RETURN:
            member[i] = NONE
            continue
        slot = keys[i] & mask
        while True:
            entry = table[slot]
            if entry == 0:
                firsts[found] = i
                member[i] = found
                found += 1
                table[slot] = (keys[i] & UPPER_HALF) | found
                break
            if (entry ^ keys[i]) >> 32 == 0:
                other = (entry & LOWER_HALF) - 1
                first = firsts[other]
                if (
                    keys[first] == keys[i]
                    and script_type[first] == script_type[i]
                    and length[first] == length[i]
                    and same_bytes(source, start[first], source, start[i], length[i])
                ):
                    member[i] = other
                    break
            slot = (slot + 1) & mask
    return found


def find_known(locks: Locks, keys: Int64Array, known: KnownLocks) -> tuple[Int64Array, Int64Array]:
    """Look locks up in a ledger.

    Returns
    -------
    For each lock the number of the very same lock, and the lowest number of a lock of its class;
    -1 where there is none.
    """
    same = np.full(len(locks), NONE, dtype=np.int64)
    related = np.full(len(locks), NONE, dtype=np.int64)
    rows = np.argsort(keys, kind="stable")
    search_runs(locks, keys, rows, known, same, related, needs_related=True)
    return same, related


def search_runs(
    locks: Locks,
    keys: Int64Array,
    rows: Int64Array,
    known: KnownLocks,
    same: Int64Array,
    related: Int64Array,
    *,
    needs_related: bool,
    samples: Callable[[KeyRun], Int64Array] = lambda _: NO_SAMPLES,
) -> None:
    """Search the index for the locks in some rows, several at a time so that disk reads overlap.

    `rows` stand in ascending order of their keys, so that neighbours share pages. What is found
    goes to `same` and `related`; the latter may hold numbers found elsewhere, and keeps them where
    they are lower. Unless `needs_related`, a lock is looked for no longer once it is found itself.
    """
    # The largest run is the oldest, where most of what memory has forgotten is found.
    if not len(rows):
        return
    ordered = sorted(known.runs, key=lambda run: len(run.key), reverse=True)
    runs = [(run, samples(run)) for run in ordered]

    def search(part: Int64Array) -> None:
        for run, run_samples in runs:
            with np.errstate(over="ignore"):
                _search_run(
                    locks.source,
                    locks.script_type,
                    locks.start,
                    locks.length,
                    keys,
                    part,
                    known.source,
                    known.script_type,
                    known.first,
                    run.key,
                    run_samples,
                    run.number,
                    min(run.limit, len(known.script_type)),
                    same,
                    related,
                )
            if not needs_related:
                part = part[same[part] == NONE]

    search_in_threads(search, rows)


def search_in_threads(search: Callable[[Int64Array], None], rows: Int64Array) -> None:
    """Run a search over stretches of rows in threads, where there are enough rows for it."""
    threads = min(SEARCH_THREADS, len(rows) // ROWS_PER_THREAD)
    if threads < 2:
        search(rows)
        return
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="search") as pool:
        list(pool.map(search, np.array_split(rows, threads)))


@kernel
def _search_run(
    source: UInt8Array,
    script_type: UInt8Array,
    start: Int64Array,
    length: Int64Array,
    keys: Int64Array,
    rows: Int64Array,
    known_source: UInt8Array,
    known_type: UInt8Array,
    known_first: Int64Array,
    run_key: Int64Array,
    run_samples: Int64Array,
    run_number: UInt32Array,
    limit: int,
    same: Int64Array,
    related: Int64Array,
) -> None:
    scratch = np.empty(40, dtype=np.uint8)
    for i in rows:
        position = seek(run_key, run_samples, keys[i])
        while position < len(run_key) and run_key[position] == keys[i]:
            number = int(np.int64(run_number[position]))
            position += 1
            if number < limit:
                compare(
                    source,
                    script_type,
                    start,
                    length,
                    i,
                    known_source,
                    known_type,
                    known_first,
                    number,
                    same,
                    related,
                    scratch,
                )


@kernel_part
def compare(
    source: UInt8Array,
    script_type: UInt8Array,
    start: Int64Array,
    length: Int64Array,
    i: int,
    known_source: UInt8Array,
    known_type: UInt8Array,
    known_first: Int64Array,
    number: int,
    same: Int64Array,
    related: Int64Array,
    scratch: UInt8Array,
) -> None:
    """Compare lock `i` with known lock `number`, and note whether it is the same, or related.

    As a rule it is the very lock, so that is asked first. `scratch` has 40 bytes.
    """
    begin = known_first[number]
    size = known_first[number + 1] - begin
    if (
        known_type[number] == script_type[i]
        and size == length[i]
        and same_bytes(known_source, begin, source, start[i], size)
    ):
        same[i] = number
    elif not same_class(
        known_source,
        known_type[number],
        begin,
        size,
        source,
        script_type[i],
        start[i],
        length[i],
        scratch,
    ):
        return
    if related[i] == NONE or number < related[i]:
        related[i] = number


def gather_bytes(source: UInt8Array, start: Int64Array, length: Int64Array) -> UInt8Array:
    """Return the stretches of `source`, one after another."""
    out = np.empty(int(length.sum()), dtype=np.uint8)
    _gather_bytes(source, start, length, out)
    return out


@kernel
def _gather_bytes(
    source: UInt8Array, start: Int64Array, length: Int64Array, out: UInt8Array
) -> None:
    """Copy in whole words, over the end of a stretch: the next one overwrites what is too much."""
    filled = 0
    for i in range(len(start)):
        if filled + length[i] + 8 <= len(out) and start[i] + length[i] + 8 <= len(source):
            for k in range(0, length[i], 8):
                put_eight_bytes(out, filled + k, eight_bytes_at(source, start[i] + k))
        else:
            for k in range(length[i]):
                out[filled + k] = source[start[i] + k]
        filled += length[i]
