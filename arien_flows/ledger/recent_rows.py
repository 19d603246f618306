"""Rows that were met lately, by key, in a bounded piece of memory.

Money that moves mostly moves between addresses that moved some lately. This table holds the rows
that were met last, young and old: a row that is met is filed among the young; when these are as
many as the table may hold, the old are dropped and the young become the old. So what is met again
stays, and nothing is ever moved about in search of the least used.

Whatever happens, the rows of the last two batches are held: the sorted runs on disk may lag behind
by one batch, because they are written in the background.

A slot is one word: 32 bits of the key, the *tag*, above the row's number plus one; a free slot is
zero. Other keys may have the same tag, and numbers may have been given to other rows since
(`roll_back`), so a slot is only a hint: what stands in the row decides.
"""

import numpy as np

from chains.types import Int64Array, UInt64Array
from heuristics.jit import kernel

SMALLEST = 1 << 12

CERTAIN_BATCHES = 2

LOW_WORD = np.uint64(0xFFFF_FFFF)
WORD = np.uint64(32)


class RecentRows:
    """Rows met lately; at most three quarters full."""

    def __init__(self, most_slots: int) -> None:
        self.young: UInt64Array = np.zeros(SMALLEST, dtype=np.uint64)
        self.old: UInt64Array = np.zeros(SMALLEST, dtype=np.uint64)
        self.count = 0
        """Of the young."""

        self._most_slots = most_slots
        self._batches = 0

    def begin_batch(self, rows: int) -> None:
        """Make room for as many rows as a batch may add."""
        self._batches += 1
        if self._fits(rows, len(self.young)):
            return
        # Old enough to be the old: the batches before this one are all that must not be lost.
        if len(self.young) >= self._most_slots and self._batches > CERTAIN_BATCHES:
            self.young, self.old = self.old, self.young
            if len(self.young) == len(self.old):
                self.young.fill(0)
            else:
                self.young = np.zeros(len(self.old), dtype=np.uint64)
            self.count = 0
            self._batches = 1
        self._grow(rows)

    def add(self, keys: Int64Array, numbers: Int64Array) -> None:
        """File rows; no more in a batch than `begin_batch` was told."""
        _add(self.young, keys, numbers)
        self.count += len(keys)

    def _fits(self, rows: int, slots: int) -> bool:
        return 4 * (self.count + rows) <= 3 * slots

    def _grow(self, rows: int) -> None:
        slots = len(self.young)
        while not self._fits(rows, slots):
            slots *= 2
        if slots != len(self.young):
            grown: UInt64Array = np.zeros(slots, dtype=np.uint64)
            _rehash(self.young, grown)
            self.young = grown


@kernel
def tag_of(key: int) -> np.uint64:
    """Return the 32 bits of a key that stand in its slot."""
    return np.uint64(key) & LOW_WORD


@kernel
def home_of(tag: np.uint64, slots: int) -> int:
    """Return the slot at which a search begins."""
    return int(np.int64((tag * np.uint64(slots)) >> WORD))


@kernel
def _place(table: UInt64Array, tag: np.uint64, entry: np.uint64) -> None:
    mask = len(table) - 1
    slot = home_of(tag, len(table))
    while table[slot] != 0:
        slot = (slot + 1) & mask
    table[slot] = entry


@kernel
def _add(table: UInt64Array, keys: Int64Array, numbers: Int64Array) -> None:
    for i in range(len(keys)):
        tag = tag_of(keys[i])
        _place(table, tag, tag << WORD | np.uint64(numbers[i] + 1))


@kernel
def _rehash(old: UInt64Array, new: UInt64Array) -> None:
    for slot in range(len(old)):
        if old[slot] != 0:
            _place(new, old[slot] >> WORD, old[slot])
