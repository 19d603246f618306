"""Exact lookup from a 64-bit key to row numbers, over sorted runs.

Keys are only a hint: two things may share one. Every candidate that a lookup yields has to be
compared with the thing itself, which stands in the columns; that makes the lookup exact, and
makes entries that a roll-back left behind harmless.

Keys are hashes, so where one stands in a run is computed from its value (`key_search`). Halving
hundreds of millions of keys reads about nine pages that are not there, computing reads one or two.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from arien_flows.ledger.key_search import NO_SAMPLES, seek
from arien_flows.ledger.sorted_runs import KeyRun


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
            position = int(seek(keys, NO_SAMPLES, key))
            while position < len(keys) and keys[position] == key:
                number = int(run.number[position])
                if number < min(run.limit, self.row_count):
                    yield number
                position += 1
