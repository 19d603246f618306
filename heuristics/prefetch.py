"""Reading ahead: pages of mapped columns that are needed soon, many at once.

A column that is larger than memory is read where it is touched, one page after the other, and each
page that is not cached costs a trip to the disk. A disk does many such trips side by side in the
time of one. So before a search or a description goes through scattered rows in its own order,
threads touch them in any order. What they read is thrown away; no answer depends on it.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from heuristics.columns import Int64Array, UInt8Array, read_only
from heuristics.jit import kernel

Part = TypeVar("Part")

THREADS = 16
"""Trips to the disk at a time; threads that wait for a page take no processor."""

WORTH_THREADS = 64
"""Fewer rows than this are read by the caller itself."""

PAGE = 4096


@cache
def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="reading-ahead")


@kernel
def _touch(raw: UInt8Array, offsets: Int64Array) -> int:
    """Read a byte at each offset; the sum keeps the compiler from leaving it out."""
    total = 0
    for offset in offsets:
        total += raw[offset]
    return total


def read_rows(column: NDArray[Any], rows: Int64Array) -> None:
    """Touch the pages of rows of a column (its first axis), side by side."""
    if len(rows) < WORTH_THREADS:
        return
    offsets = np.unique(rows * column.strides[0] // PAGE) * PAGE
    raw = read_only(column.reshape(-1).view(np.uint8))
    side_by_side(lambda part: _touch(raw, part), [offsets[i::THREADS] for i in range(THREADS)])


def side_by_side(read: Callable[[Part], object], parts: Sequence[Part]) -> None:
    """Call `read` on each part, on threads of their own, and wait; it must release the lock."""
    for _ in _readers().map(read, parts):
        pass
