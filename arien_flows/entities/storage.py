"""Derived sets: results of rules, kept beside the ledger in folders of their own.

A set is a few named arrays and a manifest that says what they are: which rules in which versions
made them, with which parameters, from the chain up to which block. A set is inference, not fact;
it can be deleted and made again at any time.

Arrays that only ever grow (marks of transactions, the merge log) are kept as *segments*: files
that are written once and never changed. A run adds a segment, a reorganisation drops the last
ones or cuts one short by copying its beginning. Small neighbours are merged so that their number
stays logarithmic. Everything else is written anew by each run.

Nothing is visible before it is complete: files that the manifest does not name do not exist, and
the manifest is replaced in one step after all of them are on the disk. Replaced files are
unlinked, not shortened, so whoever has them mapped reads on undisturbed. One process writes at a
time, held by a lock of the operating system. Without a folder a set lives in memory and is gone
with the process.
"""

import errno
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from arien_flows.errors import (
    LedgerDamagedError,
    LedgerVersionError,
    StorageFullError,
)
from chains.types import AnyArray, Int64Array

FORMAT_VERSION = 2
"""Raised when a program could misread a set of another one; earlier sets are made anew."""

MANIFEST = "manifest.json"
COPY_BYTES = 1 << 24
_READ_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One file of an array."""

    file: str
    rows: int
    checksum: str
    """XXH3, 128 bits, of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayEntry:
    """One array of a set, as the manifest names it."""

    dtype: str
    width: int
    """Elements of one row; an array of width 1 has one dimension."""

    segments: tuple[Segment, ...]

    @property
    def row_bytes(self) -> int:
        """Return the bytes of one row."""
        return np.dtype(self.dtype).itemsize * self.width


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a set is, and which files hold it."""

    kind: str
    rules: dict[str, int]
    """Version of each rule that made the set."""

    parameters: dict[str, str]
    network: str
    height: int
    block_hash: str
    """The last block that the set covers, as people read it."""

    counts: dict[str, int]
    generation: int = 0
    """Raised by each run; part of the names of the files that it wrote."""

    arrays: dict[str, ArrayEntry] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the file's text."""
        return json.dumps({"format": FORMAT_VERSION, **asdict(self)}, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, path: Path) -> "Manifest | None":
        """Read the file's text, or nothing where its format is an earlier one.

        `path` is only named in errors.
        """
        try:
            content: dict[str, Any] = json.loads(text)
            version = content.pop("format")
            if version < FORMAT_VERSION:
                return None
            if version > FORMAT_VERSION:
                raise LedgerVersionError(
                    f"{path} was written by a newer version of this program (format {version}); "
                    "update the program"
                )
            arrays = {
                name: ArrayEntry(
                    dtype=entry["dtype"],
                    width=entry["width"],
                    segments=tuple(Segment(**segment) for segment in entry["segments"]),
                )
                for name, entry in content.pop("arrays").items()
            }
            return cls(**content, arrays=arrays)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LedgerDamagedError(
                f"{path} cannot be read ({error}); delete its folder and run the command again: "
                "nothing in it is lost for good"
            ) from error


@dataclass(frozen=True, slots=True)
class Rows:
    """An array in one or several parts."""

    parts: tuple[AnyArray, ...]
    """At least one, all of one element type and width."""

    starts: Int64Array
    """First row of each part, and the total."""

    @classmethod
    def of(cls, *parts: AnyArray) -> "Rows":
        """Join parts."""
        lengths = [len(part) for part in parts]
        return cls(parts, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    def __len__(self) -> int:
        return int(self.starts[-1])

    def slice(self, start: int, stop: int) -> AnyArray:
        """Return rows `[start, stop)` as one array; copied only where they span parts."""
        pieces = [
            part[max(start - int(first), 0) : max(stop - int(first), 0)]
            for part, first in zip(self.parts, self.starts[:-1], strict=True)
        ]
        filled = [piece for piece in pieces if len(piece)]
        if not filled:
            return self.parts[0][:0]
        return filled[0] if len(filled) == 1 else np.concatenate(filled)

    def first(self, stop: int) -> "Rows":
        """Return the rows before `stop`; nothing is copied."""
        ends = np.clip(stop - self.starts[:-1], 0, None).tolist()
        return Rows.of(*(part[:end] for part, end in zip(self.parts, ends, strict=True)))

    def take(self, rows: Int64Array) -> AnyArray:
        """Return the rows of these numbers, in their order."""
        taken = np.empty((len(rows), *self.parts[0].shape[1:]), dtype=self.parts[0].dtype)
        owner = np.searchsorted(self.starts, rows, side="right") - 1
        for number, part in enumerate(self.parts):
            mine = owner == number
            taken[mine] = part[rows[mine] - self.starts[number]]
        return taken

    def chunks(self, rows: int, stop: int | None = None) -> Iterator[AnyArray]:
        """Yield the array up to `stop`, in order, at most `rows` rows at a time."""
        end = len(self) if stop is None else stop
        for start in range(0, end, rows):
            yield self.slice(start, min(start + rows, end))

    def whole(self) -> AnyArray:
        """Return the array in one piece."""
        return self.slice(0, len(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedSet:
    """A complete set, in memory or mapped from its files."""

    manifest: Manifest
    arrays: Mapping[str, Rows]

    def whole(self, name: str) -> AnyArray:
        """Return an array in one piece."""
        return self.arrays[name].whole()


def open_set(folder: Path) -> DerivedSet | None:
    """Map a set from its folder, or nothing where there is none, or only one of an earlier format.

    A writer may replace the set while it is being opened; then it is opened again.
    """
    for attempt in range(_READ_ATTEMPTS):
        path = folder / MANIFEST
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        manifest = Manifest.from_json(text, path)
        if manifest is None:
            return None
        try:
            arrays = {
                name: Rows.of(*map_segments(folder, entry, entry.segments))
                for name, entry in manifest.arrays.items()
            }
            return DerivedSet(manifest=manifest, arrays=arrays)
        except FileNotFoundError as error:
            if attempt == _READ_ATTEMPTS - 1:
                raise LedgerDamagedError(
                    f"{folder} lacks {error.filename}; delete the folder and run the command again"
                ) from error
    raise AssertionError("the last attempt returns or raises")


def map_segments(folder: Path, entry: ArrayEntry, segments: Sequence[Segment]) -> list[AnyArray]:
    """Map the files of an array that hold rows; one empty part where none does."""
    shape = (-1,) if entry.width == 1 else (-1, entry.width)
    parts = [_map(folder / part.file, entry, part.rows) for part in segments if part.rows]
    return [part.reshape(shape) for part in parts or [np.empty(0, dtype=entry.dtype)]]


def _map(path: Path, entry: ArrayEntry, rows: int) -> AnyArray:
    size = path.stat().st_size
    if size != rows * entry.row_bytes:
        raise LedgerDamagedError(
            f"{path} holds {size} bytes instead of {rows * entry.row_bytes}; "
            "delete its folder and run the command again"
        )
    return np.memmap(path, dtype=entry.dtype, mode="r")


def false_checksums(folder: Path, manifest: Manifest) -> list[str]:
    """Return the files of a set whose contents are not what its manifest says."""
    segments = (part for entry in manifest.arrays.values() for part in entry.segments)
    return [part.file for part in segments if checksum(folder / part.file) != part.checksum]


def checksum(path: Path) -> str:
    """Return the XXH3 of a file, 128 bits in hexadecimal digits."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(COPY_BYTES):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def space_is_checked(folder: Path) -> Iterator[None]:
    """Turn a full device into `StorageFullError`."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StorageFullError(
            f"no space is left for {folder}; the earlier result is intact. Free some and repeat"
        ) from error
