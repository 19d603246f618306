"""Which keys were certainly never filed: a Bloom filter in blocks of one cache line.

Most scripts of a batch are new. To know that from the runs on disk would cost a page of each run;
to know it from memory costs one cache line. The filter never denies a key that was filed. Of keys
that were not, it lets a few through, and these are looked up in vain: 27 in 1,000 at eight bits a
key, 7 at twelve, 2 at sixteen.

A block is chosen by the top bits of the key, so keys that come in ascending order, as they stand
in runs, fill the filter from front to back: building it costs a few nanoseconds a key. Putze,
Sanders and Singler (2007), "Cache-, hash- and space-efficient Bloom filters".
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from chains.types import BoolArray, Int64Array, UInt64Array
from heuristics.jit import kernel

BLOCK_BITS = 512
BLOCK_WORDS = BLOCK_BITS // 64

PROBES = 6
"""Bits that a key sets in its block; best at the eight to nine bits a key of a whole chain."""

FULL_AT = 12
"""Bits a key at which a filter counts as full."""

SMALLEST_BLOCKS = 1 << 8
MOST_BLOCKS = 1 << 25
"""2 GiB. With more than 1.4 billion keys more of them are let through."""

PARTS = 8
"""Stretches of the filter that are filled side by side; fewer than the blocks it has."""

SPREAD = np.uint64(0x9E3779B97F4A7C15)
FIRST_PROBE = np.uint64(10)
PROBE_STEP = np.uint64(9)
IN_BLOCK = np.uint64(BLOCK_BITS - 1)
IN_WORD = np.uint64(63)
WORD_SHIFT = np.uint64(6)
BLOCK_WORD_SHIFT = np.uint64(3)
ONE = np.uint64(1)


class KeyFilter:
    """A set of keys that may say yes too often."""

    def __init__(self, keys: int) -> None:
        """Make an empty filter with room for so many keys."""
        blocks = SMALLEST_BLOCKS
        while blocks < MOST_BLOCKS and blocks * BLOCK_BITS < FULL_AT * keys:
            blocks *= 2
        self.words: UInt64Array = np.zeros(blocks * BLOCK_WORDS, dtype=np.uint64)
        self.count = 0
        """Keys added that were not there already."""

    @classmethod
    def of(cls, sorted_keys: Sequence[Int64Array], keys: int) -> "KeyFilter":
        """Return a filter of all keys in some ascending arrays, with room for `keys` in all."""
        made = cls(keys)
        bounds = [-(1 << 63) + (1 << 64) // PARTS * part for part in range(1, PARTS)]
        cuts = [[0, *np.searchsorted(run, bounds).tolist(), len(run)] for run in sorted_keys]

        def fill(part: int) -> int:
            with np.errstate(over="ignore"):
                return sum(
                    _add_sorted(made.words, _shift(made.words), run[cut[part] : cut[part + 1]])
                    for run, cut in zip(sorted_keys, cuts, strict=True)
                )

        # Each part fills blocks of its own, so the threads never meet.
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            made.count = sum(pool.map(fill, range(PARTS)))
        return made

    def has_room_for(self, keys: int) -> bool:
        """Return whether so many more keys leave the filter as good as it should be."""
        room = len(self.words) // BLOCK_WORDS
        return room >= MOST_BLOCKS or FULL_AT * (self.count + keys) <= room * BLOCK_BITS

    def add(self, keys: Int64Array) -> BoolArray:
        """Add keys, and return which of them may have been there; false is certain."""
        before: BoolArray = np.empty(len(keys), dtype=np.bool_)
        with np.errstate(over="ignore"):
            new = _add(self.words, _shift(self.words), keys, before)
        self.count += new
        return before


def _shift(words: UInt64Array) -> int:
    """Return by how many bits a key is shifted to leave the number of its block."""
    return 64 - (len(words) // BLOCK_WORDS).bit_length() + 1


@kernel
def _add(words: UInt64Array, shift: int, keys: Int64Array, before: BoolArray) -> int:
    """Add keys; sets `before` where all bits of a key were set, and returns how often not."""
    half = 1 << (63 - shift)
    new = 0
    for i in range(len(keys)):
        first = np.uint64((keys[i] >> shift) + half) << BLOCK_WORD_SHIFT
        mixed = (np.uint64(keys[i]) * SPREAD) >> FIRST_PROBE
        held = ONE
        for _ in range(PROBES):
            bit = mixed & IN_BLOCK
            held &= words[first + (bit >> WORD_SHIFT)] >> (bit & IN_WORD)
            mixed >>= PROBE_STEP
        before[i] = held != 0
        if held == 0:
            new += 1
            mixed = (np.uint64(keys[i]) * SPREAD) >> FIRST_PROBE
            for _ in range(PROBES):
                bit = mixed & IN_BLOCK
                words[first + (bit >> WORD_SHIFT)] |= ONE << (bit & IN_WORD)
                mixed >>= PROBE_STEP
    return new


@kernel
def _add_sorted(words: UInt64Array, shift: int, keys: Int64Array) -> int:
    """Add keys without a question asked first; returns how many set a bit."""
    half = 1 << (63 - shift)
    new = 0
    for i in range(len(keys)):
        first = np.uint64((keys[i] >> shift) + half) << BLOCK_WORD_SHIFT
        mixed = (np.uint64(keys[i]) * SPREAD) >> FIRST_PROBE
        held = ONE
        for _ in range(PROBES):
            bit = mixed & IN_BLOCK
            at = first + (bit >> WORD_SHIFT)
            held &= words[at] >> (bit & IN_WORD)
            words[at] |= ONE << (bit & IN_WORD)
            mixed >>= PROBE_STEP
        if held == 0:
            new += 1
    return new
