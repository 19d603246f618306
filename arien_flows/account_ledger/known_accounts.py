"""From addresses to account numbers, exactly, for batch after batch.

An address is looked for among those met lately, which are kept in a bounded piece of memory, and
else in the sorted runs of the ledger. Both are sorted by a hash of 64 bits; what stands in the
column decides.
"""

from collections.abc import Sequence

import numpy as np

from arien_flows.account_ledger.columns import NULL_ACCOUNT
from arien_flows.errors import LedgerError
from arien_flows.ledger.sorted_runs import KeyRun
from chains.ethereum.tables import NO_ACCOUNT, NULL_ADDRESS
from chains.types import BoolArray, Int64Array, UInt8Array, UInt32Array

MOST_RECENT = 1 << 20
"""Addresses met lately that are kept: 12 MB, and as much again of those met before them."""

_FIRST = np.uint64(0x9E37_79B9_7F4A_7C15)
_SECOND = np.uint64(0xC2B2_AE3D_27D4_EB4F)
_SHIFT = np.uint64(29)
_NOBODY = -1


def address_keys(address: UInt8Array) -> Int64Array:
    """Return the index keys of addresses, shape (rows, 20).

    All bytes take part, because people grind addresses for their first and last digits. Products
    wrap around, as they are meant to in a hash.
    """
    words = np.zeros((len(address), 24), np.uint8)
    words[:, :20] = address
    low, middle, high = words.view("<u8").T
    mixed = (low ^ (middle >> _SHIFT)) * _FIRST
    mixed = (mixed ^ (mixed >> _SHIFT) ^ middle ^ (high << _SHIFT)) * _SECOND
    mixed ^= mixed >> _SHIFT
    keys: Int64Array = mixed.view(np.int64)
    return keys


class KnownAccounts:
    """Finds the numbers of addresses in the ledger that a writer writes."""

    def __init__(self) -> None:
        none: tuple[Int64Array, UInt32Array] = np.empty(0, np.int64), np.empty(0, np.uint32)
        self._young = self._old = none

    def find(
        self, address: UInt8Array, column: UInt8Array, runs: Sequence[KeyRun]
    ) -> tuple[UInt32Array, Int64Array]:
        """Return account numbers, `NO_ACCOUNT` where the ledger has none, and the index keys.

        `column` holds the addresses of all accounts so far.
        """
        keys = address_keys(address)
        found = np.full(len(address), _NOBODY, np.int64)
        found[(address == 0).all(axis=1)] = NULL_ACCOUNT
        doubtful = np.zeros(len(address), np.bool_)
        for key, number, limit in [
            (*self._young, len(column)),
            (*self._old, len(column)),
            *((run.key, run.number, min(run.limit, len(column))) for run in reversed(runs)),
        ]:
            open_ = np.flatnonzero(found == _NOBODY)
            if not len(open_):
                break
            _look(address, keys, open_, column, (key, number, limit), found, doubtful)
        for place in np.flatnonzero(doubtful & (found == _NOBODY)).tolist():
            found[place] = _searched(address[place], int(keys[place]), column, runs)
        numbers: UInt32Array = np.where(found == _NOBODY, NO_ACCOUNT, found).astype(np.uint32)
        return numbers, keys

    def met(self, keys: Int64Array, numbers: UInt32Array) -> None:
        """Keep addresses that a batch met, new ones and others."""
        key, number = self._young
        new, first = np.unique(keys, return_index=True)
        place = np.searchsorted(key, new)
        absent = np.ones(len(new), np.bool_)
        inside = place < len(key)
        absent[inside] = key[place[inside]] != new[inside]
        key = np.insert(key, place[absent], new[absent])
        number = np.insert(number, place[absent], numbers[first[absent]])
        self._young = key, number
        if len(key) > MOST_RECENT:
            self._old = self._young
            self._young = key[:0], number[:0]


def _look(
    address: UInt8Array,
    keys: Int64Array,
    open_: Int64Array,
    column: UInt8Array,
    run: tuple[Int64Array, UInt32Array, int],
    found: Int64Array,
    doubtful: BoolArray,
) -> None:
    """Fill in what the first entry of each key says; a second one of the same key is doubt."""
    key, number, limit = run
    if not len(key):
        return
    place = np.minimum(np.searchsorted(key, keys[open_]), len(key) - 1)
    hit = key[place] == keys[open_]
    open_, candidate = open_[hit], number[place[hit]].astype(np.int64)
    doubtful[open_] = True
    counts = candidate < limit
    open_, candidate = open_[counts], candidate[counts]
    same = (column[candidate] == address[open_]).all(axis=1)
    found[open_[same]] = candidate[same]


def _searched(address: UInt8Array, key: int, column: UInt8Array, runs: Sequence[KeyRun]) -> int:
    """Return the number of an address whose key others have, or nobody's."""
    for number in candidates(key, runs, len(column)):
        if column[number].tobytes() == address.tobytes():
            return number
    return _NOBODY


def candidates(key: int, runs: Sequence[KeyRun], rows: int) -> list[int]:
    """Return the rows filed under a key, ascending, of those that a view of so many rows has."""
    found: list[int] = []
    for run in runs:
        start = int(np.searchsorted(run.key, np.int64(key), side="left"))
        stop = int(np.searchsorted(run.key, np.int64(key), side="right"))
        numbers = run.number[start:stop]
        found += numbers[numbers < min(run.limit, rows)].tolist()
    return found


def check_room(accounts: int) -> None:
    """Raise `LedgerError` where no number is left."""
    if accounts >= int(NO_ACCOUNT):
        raise LedgerError("the ledger is full: account numbers end at 2^32 - 2")


NULL_ROW: UInt8Array = np.frombuffer(NULL_ADDRESS, np.uint8).reshape(1, 20)
"""The address of account 0."""
