"""Which transactions spend which outputs, waiting to be written into the column of spenders.

Spends hit outputs of every age. Written as they come they would touch nearly a page each; gathered
over many batches and sorted, they are written in one sweep that touches each page once.

A pair packs into one word of 64 bits, which is all that it takes while it waits: the output's
number, then the spender's distance from the first transaction since the last sweep. Words sort
several times faster than an order of indices. Each batch's words are sorted when they come; a sweep
gathers from all of them one stretch of the column after another, so it needs no second copy.
"""

from collections.abc import Iterator

import numpy as np

from chains.types import Int64Array, UInt32Array

SPENDER_BITS = 30
OUTPUT_LIMIT = 1 << (63 - SPENDER_BITS)
"""8.6 billion outputs: twice those of the main chain in 2026."""

PIECE = 1 << 22
"""Pairs of a stretch, at most, where not more of them spend a single output."""


class SpendLinks:
    """Pairs (output, spender) that were gathered since the last sweep."""

    def __init__(self, first_transaction: int) -> None:
        """Begin with nothing; no spender comes before `first_transaction`."""
        self._first = first_transaction
        self._parts: list[Int64Array] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, outputs: Int64Array, spenders: UInt32Array) -> None:
        """Take in the pairs of a batch, in any order."""
        if not len(outputs):
            return
        distance = spenders - np.int64(self._first)
        if int(outputs.max()) >= OUTPUT_LIMIT or int(distance.max()) >= 1 << SPENDER_BITS:
            raise ValueError("an output or a spender is out of the range of one sweep")
        packed = outputs << SPENDER_BITS
        packed |= distance
        packed.sort()
        self._parts.append(packed)
        self._count += len(packed)

    def in_order(self) -> Iterator[tuple[Int64Array, UInt32Array]]:
        """Yield all pairs in ascending order of output, then of spender, a stretch at a time."""
        stretches = [(0, OUTPUT_LIMIT)]
        while stretches:
            first, stop = stretches.pop()
            slices = self._between(first, stop)
            count = sum(len(part) for part in slices)
            if count > PIECE and stop - first > 1:
                middle = (first + stop) // 2
                stretches += [(middle, stop), (first, middle)]
            elif count:
                packed = np.concatenate(slices)
                packed.sort()
                spenders = (packed & ((1 << SPENDER_BITS) - 1)) + self._first
                packed >>= SPENDER_BITS
                yield packed, spenders.astype(np.uint32)

    def _between(self, first: int, stop: int) -> list[Int64Array]:
        """Return the words of outputs `[first, stop)`, part by part."""
        # The limit itself, as a word, would be one bit too long.
        last = ((stop - 1) << SPENDER_BITS) | ((1 << SPENDER_BITS) - 1)
        return [
            part[
                np.searchsorted(part, first << SPENDER_BITS) : np.searchsorted(part, last, "right")
            ]
            for part in self._parts
        ]
