"""Stretches of block headers: which to ask for, and whether they are what they should be; pure.

A median time past needs the ten headers below, and headers arrive by stretches, so heights that
are near one another share a stretch. A stretch near the tip is asked for up to the tip: then it
shows by itself whether its blocks are still of the chain that the source saw. Deeper blocks are
taken to stay where they are.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from chains.bitcoin.decode import header_hashes
from chains.bitcoin.headers import (
    HEADER_LENGTH,
    MEDIAN_SPAN,
    header_times,
    median_time_past,
    meets_target,
    previous_hashes,
)
from chains.lookups import BlockHeader
from chains.types import UInt8Array

LINKED_TO_TIP = 100
"""Blocks below the tip whose headers are shown to lead up to it."""

MOST_HEADERS = 2016
"""Headers that a server gives at once."""


class Stretch(NamedTuple):
    """The heights `[start, stop)`."""

    start: int
    stop: int

    def pieces(self) -> list["Stretch"]:
        """Return the stretch in pieces that a server gives at once."""
        cuts = range(self.start, self.stop, MOST_HEADERS)
        return [Stretch(cut, min(cut + MOST_HEADERS, self.stop)) for cut in cuts]


def stretches_for(heights: Sequence[int], tip_height: int) -> list[Stretch]:
    """Return the stretches that headers at `heights` take, ascending, none touching another."""
    joined: list[Stretch] = []
    for height in sorted(set(heights)):
        start = max(0, height - MEDIAN_SPAN + 1)
        stop = tip_height + 1 if tip_height - height < LINKED_TO_TIP else height + 1
        if joined and start <= joined[-1].stop:
            joined[-1] = Stretch(joined[-1].start, max(stop, joined[-1].stop))
        else:
            joined.append(Stretch(start, stop))
    return joined


def as_rows(raw: bytes) -> UInt8Array:
    """Return headers, given one after the other, with the shape (n, 80)."""
    return np.frombuffer(raw, dtype=np.uint8).reshape(-1, HEADER_LENGTH)


def first_without_work(rows: UInt8Array) -> int | None:
    """Return the first row whose header does not meet its own target."""
    meeting = meets_target(rows, header_hashes(rows))
    return None if meeting.all() else int(np.argmin(meeting))


def is_linked(rows: UInt8Array) -> bool:
    """Return whether each header follows the one before it."""
    return bool((previous_hashes(rows)[1:] == header_hashes(rows)[:-1]).all())


def block_headers(rows: UInt8Array, start: int) -> dict[int, BlockHeader]:
    """Return the headers of a stretch by height, as far as their median times are known.

    Those are all at the start of the chain; elsewhere ten headers must come before.
    """
    medians = median_time_past(header_times(rows))
    first = 0 if start == 0 else MEDIAN_SPAN - 1
    return {
        start + row: BlockHeader(
            height=start + row, header=rows[row].tobytes(), median_time=int(medians[row])
        )
        for row in range(first, len(rows))
    }
