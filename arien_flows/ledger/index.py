"""Exact lookup from a 64-bit key to row numbers, over sorted runs.

Keys are only a hint: two things may share one. Every candidate that a lookup yields has to be
compared with the thing itself, which stands in the columns; that makes the lookup exact, and
makes entries that a roll-back left behind harmless.

Keys are hashes, so where one stands in a run can be guessed from its value. Where a run is far
larger than memory this is what a lookup costs: halving 300 million keys reads about nine pages
that are not there, guessing reads one or two (670 and 130 microseconds with a cold cache, 1.0 and
0.3 with a warm one, measured). Whoever grinds hashes can make guesses bad, so that halving takes
over after three of them; a lookup then costs four times as many steps, and no more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from arien_flows.ledger.sorted_runs import KeyRun
from chains.types import Int64Array
from heuristics.jit import kernel

LOWEST_KEY = -float(1 << 63)
HIGHEST_KEY = float(1 << 63)
GUESSES = 3
"""Guesses in a row before the stretch is halved once."""

FEW = 8
"""Keys that are halved rather than guessed among."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyIndex:
    """The runs that a view can see, in chain order."""

    runs: Sequence[KeyRun]
    row_count: int
    """Rows at or past this are not part of the view."""

    def candidates(self, key: int) -> Iterator[int]:
        """Yield the row numbers filed under `key`, ascending."""
        for run in self.runs:
            keys = run.key
            position = int(find_key(keys, key))
            while position < len(keys) and keys[position] == key:
                number = int(run.number[position])
                if number < min(run.limit, self.row_count):
                    yield number
                position += 1


@kernel
def find_key(keys: Int64Array, wanted: int) -> int:
    """Return the first position in ascending hashes whose key is not below `wanted`.

    Only comparisons of whole numbers narrow the stretch; the fractions of a guess say where to
    look, so their rounding can't make the answer wrong.
    """
    low, high = 0, len(keys)
    low_key, high_key = LOWEST_KEY, HIGHEST_KEY
    guesses = 0
    while low < high:
        position = (low + high) >> 1
        if guesses < GUESSES and high - low > FEW and low_key < high_key:
            guesses += 1
            share = (float(wanted) - low_key) / (high_key - low_key)
            position = min(max(low + int(share * (high - low)), low), high - 1)
        else:
            guesses = 0
        if keys[position] < wanted:
            low, low_key = position + 1, float(keys[position])
        else:
            high, high_key = position, float(keys[position])
    return low
