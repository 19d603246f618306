"""Many arrays from one allocation.

Memory that a process touches for the first time comes from the system page by page, and for small
pages that costs more than to fill them: of columns with 260 bytes for each transaction, a third
of the time to write them. NumPy asks the system for large pages only for allocations of at least
4 MiB, and the C library gives large arrays back as soon as they are freed. So columns that live
and end together are cut from one piece.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 64
"""Arrays start at multiples of this: a line of the cache."""

Number = TypeVar("Number", bound=np.generic)


class Room:
    """One allocation, which lives as long as any array that was cut from it."""

    def __init__(self, size: int, *, arrays: int) -> None:
        """Make room for `arrays` arrays of `size` bytes together."""
        self._bytes = np.empty(size + arrays * ALIGNMENT, np.uint8)
        self._used = 0

    def take(self, dtype: type[Number], count: int) -> NDArray[Number]:
        """Return an array of `count` elements, whatever stands in them.

        Raises ValueError where there is not enough room left.
        """
        start = self._used
        stop = start + count * np.dtype(dtype).itemsize
        if stop > len(self._bytes):
            raise ValueError(f"no room for {count} elements of {np.dtype(dtype)}")
        self._used = -(-stop // ALIGNMENT) * ALIGNMENT
        return self._bytes[start:stop].view(dtype)
