"""A derived set in the making.

Arrays are either *grown* (the first rows of the earlier set are kept, new ones appended) or
*allocated* at their full size and filled in place. Nothing is visible until `commit`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import xxhash

from arien_flows.entities.storage import (
    COPY_BYTES,
    MANIFEST,
    ArrayEntry,
    DerivedSet,
    Manifest,
    Rows,
    Segment,
    checksum,
    map_segments,
    open_set,
    space_is_checked,
)
from arien_flows.errors import LedgerDamagedError
from arien_flows.ledger.lock import LOCK, exclusive
from chains.types import AnyArray

Append = Callable[[AnyArray], None]
"""Adds rows after all earlier ones of a growing array."""


class Draft(Protocol):
    """Where a run puts its arrays."""

    @property
    def base(self) -> DerivedSet | None:
        """The earlier set, whose rows can be kept."""

    def grow(self, name: str, dtype: str, *, keep: int = 0, width: int = 1) -> Append:
        """Start an array with the first `keep` rows of the earlier set."""

    def allocate(self, name: str, dtype: str, rows: int, *, width: int = 1) -> AnyArray:
        """Start an array of zeros, to be filled in place."""

    def grown(self, name: str) -> Rows:
        """Return a growing array as it is now; nothing may be appended to it afterwards."""

    def commit(self, manifest: Manifest) -> DerivedSet:
        """Make everything visible at once; the draft must not be used afterwards."""


@contextmanager
def drafting(folder: Path | None, *, aside: bool = False) -> Iterator[Draft]:
    """Start a draft in a set's folder, as its only writer, or in memory.

    One that is made `aside` starts from what the folder holds, and is kept in memory.
    """
    if folder is None or aside:
        yield MemoryDraft(base=None if folder is None else open_set(folder))
        return
    with exclusive(folder), space_is_checked(folder), DiskDraft(folder) as draft:
        yield draft


def _shape(rows: int, width: int) -> tuple[int, ...]:
    return (rows,) if width == 1 else (rows, width)


@dataclass(slots=True)
class MemoryDraft:
    """A draft that lives in memory, and may start from a set on disk."""

    base: DerivedSet | None = None
    _arrays: dict[str, list[AnyArray]] = field(default_factory=dict)

    def grow(self, name: str, dtype: str, *, keep: int = 0, width: int = 1) -> Append:
        """Start an array with the first `keep` rows of the earlier set."""
        kept = np.empty(_shape(0, width), dtype=dtype)
        if keep:
            if self.base is None:
                raise ValueError("there is no earlier set to keep rows of")
            kept = self.base.arrays[name].slice(0, keep)
        self._arrays[name] = [kept]
        return self._arrays[name].append

    def allocate(self, name: str, dtype: str, rows: int, *, width: int = 1) -> AnyArray:
        """Start an array of zeros, to be filled in place."""
        array = np.zeros(_shape(rows, width), dtype=dtype)
        self._arrays[name] = [array]
        return array

    def grown(self, name: str) -> Rows:
        """Return a growing array as it is now."""
        return Rows.of(*self._arrays[name])

    def commit(self, manifest: Manifest) -> DerivedSet:
        """Return the set; its arrays can no longer be written."""
        arrays = {name: np.concatenate(parts) for name, parts in self._arrays.items()}
        for array in arrays.values():
            array.flags.writeable = False
        return DerivedSet(
            manifest=manifest, arrays={name: Rows.of(array) for name, array in arrays.items()}
        )


class _SegmentFile:
    """A new file of rows; knows its checksum when it is complete."""

    def __init__(self, folder: Path, name: str, entry: ArrayEntry) -> None:
        self._folder = folder
        self._name = name
        self._entry = entry
        self._stream = (folder / name).open("wb")
        self._digest = xxhash.xxh3_128()
        self.rows = 0

    def append(self, rows: AnyArray) -> None:
        """Add rows after all earlier ones."""
        plain = np.ascontiguousarray(rows, dtype=self._entry.dtype)
        self._write(plain.reshape(-1).view(np.uint8).data)
        self.rows += len(rows)

    def copy(self, source: str, rows: int) -> None:
        """Add the first rows of another file of the folder."""
        left = rows * self._entry.row_bytes
        with (self._folder / source).open("rb") as file:
            while left:
                block = file.read(min(left, COPY_BYTES))
                if not block:
                    raise LedgerDamagedError(f"{self._folder / source} is shorter than it was")
                self._write(block)
                left -= len(block)
        self.rows += rows

    def _write(self, block: bytes | memoryview) -> None:
        self._stream.write(block)
        self._digest.update(block)

    def sync(self) -> Segment:
        """Put what was added so far on the disk."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        return Segment(file=self._name, rows=self.rows, checksum=self._digest.hexdigest())

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()


@dataclass(slots=True, kw_only=True)
class _Grown:
    """An array that keeps whole segments of the earlier set and goes on in a new one."""

    entry: ArrayEntry
    kept: list[Segment]
    fresh: _SegmentFile


@dataclass(slots=True, kw_only=True)
class _Allocated:
    """An array that is filled in place, in a file of its full size."""

    entry: ArrayEntry
    file: str
    rows: int
    array: AnyArray


class DiskDraft:
    """A draft in a set's folder. Whoever makes it is the sole writer of the folder."""

    def __init__(self, folder: Path) -> None:
        self.base = open_set(folder)
        self._folder = folder
        self._generation = 1 if self.base is None else self.base.manifest.generation + 1
        self._grown: dict[str, _Grown] = {}
        self._allocated: dict[str, _Allocated] = {}
        self._open = ExitStack()
        self._remove_strangers(self.base.manifest if self.base else None)

    def __enter__(self) -> "DiskDraft":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def grow(self, name: str, dtype: str, *, keep: int = 0, width: int = 1) -> Append:
        """Start an array with the first `keep` rows of the earlier set."""
        entry = ArrayEntry(dtype=dtype, width=width, segments=())
        earlier = self.base.manifest.arrays[name].segments if keep and self.base else ()
        fresh = self._new_file(f"{name}.{self._generation}", entry)
        kept = []
        for segment in earlier:
            wanted = min(segment.rows, keep)
            keep -= wanted
            if wanted == segment.rows:
                kept.append(segment)
            elif wanted:
                fresh.copy(segment.file, wanted)
        if keep:
            raise LedgerDamagedError(f"{self._folder} lacks {keep} rows of {name!r}")
        self._grown[name] = _Grown(entry=entry, kept=kept, fresh=fresh)
        return fresh.append

    def allocate(self, name: str, dtype: str, rows: int, *, width: int = 1) -> AnyArray:
        """Start an array of zeros, to be filled in place."""
        entry = ArrayEntry(dtype=dtype, width=width, segments=())
        file = f"{name}.{self._generation}"
        array: AnyArray = np.empty(_shape(0, width), dtype=dtype)
        if rows:
            # Without the blocks reserved, a full device would kill the process at some later
            # store to the mapping, instead of failing here.
            with (self._folder / file).open("wb") as stream:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(stream.fileno(), 0, rows * entry.row_bytes)
            array = np.memmap(self._folder / file, dtype, mode="r+", shape=_shape(rows, width))
        self._allocated[name] = _Allocated(entry=entry, file=file, rows=rows, array=array)
        return array

    def grown(self, name: str) -> Rows:
        """Return a growing array as it is now, mapped from its files."""
        grown = self._grown[name]
        return Rows.of(*map_segments(self._folder, grown.entry, [*grown.kept, grown.fresh.sync()]))

    def commit(self, manifest: Manifest) -> DerivedSet:
        """Put all files on the disk, then replace the manifest, then remove what it replaced."""
        arrays = {name: self._finish_grown(grown) for name, grown in self._grown.items()}
        for name, allocated in self._allocated.items():
            arrays[name] = self._finish_allocated(allocated)
        complete = replace(manifest, generation=self._generation, arrays=arrays)
        self._sync_folder()
        self._replace_manifest(complete)
        self._remove_strangers(complete)
        committed = open_set(self._folder)
        if committed is None:
            raise LedgerDamagedError(f"{self._folder} vanished while it was written")
        return committed

    def _new_file(self, name: str, entry: ArrayEntry) -> _SegmentFile:
        file = _SegmentFile(self._folder, name, entry)
        self._open.callback(file.close)
        return file

    def _finish_grown(self, grown: _Grown) -> ArrayEntry:
        """Complete the new segment, and merge it with small neighbours.

        Neighbours are merged until each segment has at least twice the rows of all later ones, so
        the number of segments grows with the logarithm of the rows, and each row is rewritten
        that often.
        """
        last = grown.fresh.sync()
        small = [last] if last.rows else []
        total = last.rows
        while small and grown.kept and grown.kept[-1].rows < 2 * total:
            small.insert(0, grown.kept.pop())
            total += small[0].rows
        if len(small) > 1:
            merged = self._new_file(f"{last.file}-merged", grown.entry)
            for segment in small:
                merged.copy(segment.file, segment.rows)
            small = [merged.sync()]
        return replace(grown.entry, segments=(*grown.kept, *small))

    def _finish_allocated(self, allocated: _Allocated) -> ArrayEntry:
        if isinstance(allocated.array, np.memmap):
            allocated.array.flush()
            path = self._folder / allocated.file
            segment = Segment(file=allocated.file, rows=allocated.rows, checksum=checksum(path))
            return replace(allocated.entry, segments=(segment,))
        return allocated.entry

    def _replace_manifest(self, manifest: Manifest) -> None:
        temporary = self._folder / f"{MANIFEST}.new"
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(manifest.to_json())
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self._folder / MANIFEST)
        self._sync_folder()

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _remove_strangers(self, manifest: Manifest | None) -> None:
        """Remove files that the manifest does not name: replaced ones, or a crashed run's."""
        entries = manifest.arrays.values() if manifest else ()
        named = {segment.file for entry in entries for segment in entry.segments}
        for path in self._folder.iterdir():
            if path.name not in named | {MANIFEST, LOCK}:
                path.unlink()
