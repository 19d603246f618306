"""The system's cache of a ledger's pages, dropped so that a question finds everything cold."""

import mmap
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from arien_flows.workspace import Reading


def maps_of(values: Iterable[object]) -> Iterator[mmap.mmap]:
    """Yield the maps of files that arrays stand on, wherever in these values they are."""
    for value in values:
        if isinstance(value, np.ndarray):
            base: object = value
            while isinstance(base, np.ndarray):
                base = base.base
            if isinstance(base, memoryview):
                base = base.obj
            if isinstance(base, mmap.mmap):
                yield base
        elif isinstance(value, list | tuple):
            yield from maps_of(value)
        elif isinstance(value, dict):
            yield from maps_of(value.values())
        elif hasattr(value, "__dataclass_fields__"):
            yield from maps_of(getattr(value, name) for name in value.__dataclass_fields__)


class PageCache:
    """Lets go of everything that a reading has in memory of its files."""

    def __init__(self, root: Path, reading: Reading) -> None:
        self.can_drop = hasattr(os, "posix_fadvise") and hasattr(mmap, "MADV_DONTNEED")
        clustering = reading.clustering
        parts: list[object] = [reading.view]
        if clustering is not None:
            parts += [clustering.derived, clustering.coinjoins.derived]
        self._maps = list({id(map_): map_ for map_ in maps_of(parts)}.values())
        self._files = [
            Path(folder) / name
            for folder, _, names in os.walk(root, followlinks=True)
            for name in names
        ]

    def drop(self) -> None:
        """Unmap all pages and drop them from the system's cache."""
        for map_ in self._maps:
            map_.madvise(mmap.MADV_DONTNEED)
        for file in self._files:
            handle = os.open(file, os.O_RDONLY)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)
