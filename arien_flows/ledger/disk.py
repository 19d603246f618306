"""The few things that a ledger does to its files, so that a test can take their place.

A write reaches the disk only when it is synced; until then a power cut may lose it, and may keep a
later one. Everything here either says so (`write`, `write_words`) or is durable and all-or-nothing
when it returns (`replace`). Files are never shortened: a reader that has mapped the lost part would
be killed.
"""

import errno
import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np

from arien_flows.errors import StorageFullError
from chains.types import AnyArray, Int64Array, UInt8Array, UInt32Array
from heuristics.jit import kernel

PAGE_WORDS = 1 << 10
"""4-byte words of a 4 KiB page; where pages are larger, only the counts of them are too high."""

PIECE = 1 << 18
"""Words that are set between two requests to read ahead."""

MOST_DIRTY = 1 << 14
"""Pages, 64 MiB, that a sweep dirties before it waits for the device."""

NEAR_PAGES = 8
"""Pages so few apart are read in one go."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def _reporting_full(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError(
                f"no space is left on the device of {path}: make room and run the same "
                "command again; what was committed before is intact"
            ) from error
        raise


class Disk:
    """Files below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, offset: int, content: AnyArray) -> None:
        """Write an array at a byte offset; not durable until `sync`."""
        target = self.root / path
        view = np.ascontiguousarray(content).reshape(-1).data.cast("B")
        with _reporting_full(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(target, os.O_WRONLY | os.O_CREAT, 0o644)
            try:
                while view:
                    written = os.pwrite(handle, view, offset)
                    view, offset = view[written:], offset + written
            finally:
                os.close(handle)

    def allocate(self, path: str, size: int) -> UInt8Array:
        """Return a map of a new file of `size` bytes to write into; not durable until `sync`.

        The space is reserved first: running out of it while writing to a map kills the process.
        """
        target = self.root / path
        with _reporting_full(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            with target.open("wb") as file:
                _reserve(file.fileno(), size)
        return np.memmap(target, dtype=np.uint8, mode="r+", shape=(size,))

    def read_words(self, path: str, rows: Int64Array) -> UInt32Array:
        """Return 4-byte words of a file, of ascending rows; pages are read ahead."""
        words: UInt32Array = np.empty(len(rows), dtype=np.uint32)
        with (self.root / path).open("r+b") as file:
            for piece, following in _with_following(_pieces(rows)):
                _read_ahead(file.fileno(), rows[following])
                if piece.stop:
                    words[piece] = _get(file.fileno(), rows[piece])
        return words

    def write_words(self, path: str, rows: Int64Array, words: UInt32Array) -> None:
        """Set aligned 4-byte words of a file that already has them; not durable until `sync`.

        Rows stand in ascending order, so each page is read and written once. What is to be touched
        is read ahead; in a long sweep pages are flushed as it goes and then dropped, so that a
        column larger than memory drives nothing else out of it.
        """
        with _reporting_full(self.root / path), (self.root / path).open("r+b") as file:
            dirty = 0
            for piece, following in _with_following(_pieces(rows)):
                _read_ahead(file.fileno(), rows[following])
                if piece.stop == 0:
                    continue
                _set(file.fileno(), rows[piece], words[piece])
                dirty += _page_count(rows[piece])
                if dirty >= MOST_DIRTY and following.stop:
                    os.fsync(file.fileno())
                    _drop(file.fileno(), 4 * int(rows[piece.stop - 1]))
                    dirty = 0

    def sync(self, paths: Iterable[str]) -> None:
        """Make everything that was written to these files durable."""
        targets = [self.root / path for path in paths]
        with _reporting_full(self.root):
            self._flush([*targets, *sorted({target.parent for target in targets})])

    def replace(self, path: str, content: bytes) -> None:
        """Give a file new content, durably and at one stroke."""
        target = self.root / path
        temporary = target.with_name(target.name + ".new")
        with _reporting_full(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
            self._flush([temporary])
            temporary.replace(target)
            self._flush([target.parent])

    def _flush(self, targets: Sequence[Path]) -> None:
        """Wait until files and folders are on the device.

        All at once: a journalling file system then writes its journal a few times instead of
        once for each.
        """
        with ThreadPoolExecutor(max_workers=16) as pool:
            list(pool.map(_flush_one, targets))

    def remove(self, path: str) -> None:
        """Remove a file if it is there; readers that have it mapped keep their map."""
        (self.root / path).unlink(missing_ok=True)


def _flush_one(target: Path) -> None:
    handle = os.open(target, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _pieces(rows: Int64Array) -> list[slice]:
    """Cut ascending rows into pieces of limited length that touch a limited number of pages."""
    pieces, start = [], 0
    while start < len(rows):
        stop = min(start + PIECE, len(rows))
        while _page_count(rows[start:stop]) > MOST_DIRTY:
            stop = start + (stop - start) // 2
        pieces.append(slice(start, stop))
        start = stop
    return pieces


def _with_following(pieces: list[slice]) -> Iterator[tuple[slice, slice]]:
    """Yield each piece with the next; an empty one stands before the first and behind the last."""
    return pairwise([slice(0, 0), *pieces, slice(0, 0)])


def _page_count(rows: Int64Array) -> int:
    return int(np.count_nonzero(np.diff(rows // PAGE_WORDS))) + 1


def _read_ahead(handle: int, rows: Int64Array) -> None:
    """Ask for the pages of ascending rows without waiting for them."""
    if not len(rows) or not hasattr(os, "posix_fadvise"):
        return
    pages = rows // PAGE_WORDS
    gaps = np.flatnonzero(np.diff(pages) > NEAR_PAGES)
    first = pages[np.concatenate([[0], gaps + 1])] * 4 * PAGE_WORDS
    stop = (pages[np.concatenate([gaps, [len(pages) - 1]])] + 1) * 4 * PAGE_WORDS
    for begin, end in zip(first.tolist(), stop.tolist(), strict=True):
        os.posix_fadvise(handle, begin, end - begin, os.POSIX_FADV_WILLNEED)


def _drop(handle: int, stop: int) -> None:
    """Give up the cached pages of a file up to a byte; what is not flushed yet stays."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(handle, 0, stop, os.POSIX_FADV_DONTNEED)


def _get(handle: int, rows: Int64Array) -> UInt32Array:
    """Return words through a map that ends with this call."""
    column, first = _window(handle, rows)
    words: UInt32Array = column[rows - first]
    return words


def _set(handle: int, rows: Int64Array, words: UInt32Array) -> None:
    """Set words through a map, so that a reader sees each as it was or as it is."""
    column, first = _window(handle, rows)
    _set_words(column, rows, first, words)


def _window(handle: int, rows: Int64Array) -> tuple[UInt32Array, int]:
    """Map the stretch of a column that holds ascending rows; return also its first row."""
    unit = mmap.ALLOCATIONGRANULARITY
    begin = 4 * int(rows[0]) // unit * unit
    mapped = mmap.mmap(handle, 4 * int(rows[-1]) + 4 - begin, offset=begin)
    return np.frombuffer(mapped, dtype="<u4"), begin // 4


@kernel
def _set_words(column: UInt32Array, rows: Int64Array, first: int, words: UInt32Array) -> None:
    for i in range(len(rows)):
        column[rows[i] - first] = words[i]


def _reserve(handle: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
        return
    zeros = bytes(1 << 20)
    for offset in range(0, size, len(zeros)):
        os.pwrite(handle, zeros[: size - offset], offset)
