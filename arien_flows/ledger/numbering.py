"""Giving scripts their address numbers: one number per script, in order of first appearance.

A batch's scripts are first told apart among themselves, then looked up in the ledger's index;
what is left is new and gets the next numbers. Every candidate of the index is compared byte by
byte with the ledger's own columns, so equal 64-bit keys never join two scripts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from arien_flows.ledger.locks import class_key, same_bytes, same_class
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.sorted_runs import KeyRun, lower_bound
from chains.tables import ScriptType
from chains.types import Int64Array, UInt8Array, UInt32Array
from heuristics.jit import kernel

NONE = -1
OP_RETURN = int(ScriptType.OP_RETURN)
MAX_ADDRESSES = NO_ADDRESS


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
) -> None:
    scratch = np.empty(20, dtype=np.uint8)
    for i in range(len(script_type)):
        keys[i] = class_key(source, script_type[i], start[i], length[i], scratch)


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
        np.full(capacity, NONE, dtype=np.int64),
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
    mask = len(table) - 1
    found = 0
    for i in range(len(keys)):
        if script_type[i] == OP_RETURN:
            member[i] = NONE
            continue
        slot = (keys[i] ^ (keys[i] >> 32)) & mask
        while True:
            other = table[slot]
            if other == NONE:
                table[slot] = found
                firsts[found] = i
                member[i] = found
                found += 1
                break
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
    order = np.argsort(keys, kind="stable")
    for run in known.runs:
        with np.errstate(over="ignore"):
            _find_known(
                locks.source,
                locks.script_type,
                locks.start,
                locks.length,
                keys,
                order,
                known.source,
                known.script_type,
                known.first,
                run.key,
                run.number,
                min(run.limit, len(known.script_type)),
                same,
                related,
            )
    return same, related


@kernel
def _find_known(
    source: UInt8Array,
    script_type: UInt8Array,
    start: Int64Array,
    length: Int64Array,
    keys: Int64Array,
    order: Int64Array,
    known_source: UInt8Array,
    known_type: UInt8Array,
    known_first: Int64Array,
    run_key: Int64Array,
    run_number: UInt32Array,
    limit: int,
    same: Int64Array,
    related: Int64Array,
) -> None:
    """Search one run for all locks, in the order of their keys so that neighbours share pages."""
    scratch = np.empty(40, dtype=np.uint8)
    for i in order:
        position = lower_bound(run_key, keys[i])
        while position < len(run_key) and run_key[position] == keys[i]:
            number = np.int64(run_number[position])
            position += 1
            if number >= limit:
                continue
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
                continue
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
    filled = 0
    for i in range(len(start)):
        for k in range(length[i]):
            out[filled + k] = source[start[i] + k]
        filled += length[i]
