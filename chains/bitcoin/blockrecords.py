"""Records of one block file: where the blocks are, found without reading them.

A node appends each block that it receives to `blk*.dat` as a record: the network's magic, the
block's length as four bytes, the block. Since Bitcoin Core 28 everything is XORed with a key of
eight bytes that repeats from the start of the file (`xor.dat` holds it). Files are allocated
ahead, so the tail of a file is raw zero bytes; a crash can leave half a record and, after it,
whatever stood there.

Finding the records takes 88 bytes of each: the frame and the header. They are read with `pread`
and not through a memory map: a node cuts its file to size when it begins the next one, and
touching a mapped page that is cut off kills the process.
"""

import os
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import numpy as np

from chains.bitcoin.decode import header_hashes
from chains.bitcoin.headers import HEADER_LENGTH, meets_target
from chains.types import Int64Array, UInt8Array

FRAME_LENGTH = 8
"""Magic and length in front of each block."""

LONGEST_BLOCK = 4_000_000
"""Bytes that a serialised block can have at most (Bitcoin Core's `MAX_BLOCK_SERIALIZED_SIZE`)."""

SHORTEST_BLOCK = HEADER_LENGTH + 1

_CHUNK = 1 << 20
"""Bytes searched at a time for the next record."""

_WALK = 1 << 16
"""Records walked before their headers are hashed."""

_WINDOW = 1 << 18
_SMALL_BLOCK = 1 << 14
"""Blocks shorter than this are read a window at a time."""


class Damage(Enum):
    """What stands in a block file where a record should."""

    TRUNCATED = "the last block is incomplete"
    GARBAGE = "bytes that are no block were skipped"
    GAP = "zero bytes between blocks were skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileNote:
    """One place of a block file that was not used, and why."""

    file: Path

    offset: int
    """Bytes from the start of the file."""

    byte_count: int

    damage: Damage

    def __str__(self) -> str:
        return (
            f"{self.file.name}: {self.damage.value} ({self.byte_count} bytes at offset "
            f"{self.offset})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecords:
    """The complete records of one file, in file order."""

    offset: Int64Array
    """Where each block starts, behind its frame."""

    length: Int64Array
    """Bytes of each block."""

    header: UInt8Array
    """Headers in the clear, shape (n, 80)."""

    hash: UInt8Array
    """Block hashes as stored, shape (n, 32)."""

    notes: tuple[FileNote, ...]

    size: int
    """Bytes of the file when it was scanned."""


class Obfuscation:
    """The XOR key of a directory of block files; a key of zeros changes nothing."""

    LENGTH = 8

    def __init__(self, key: bytes) -> None:
        """Take the content of `xor.dat`; `ValueError` if it is not 8 bytes."""
        if len(key) != self.LENGTH:
            raise ValueError(f"a key has {self.LENGTH} bytes, not {len(key)}")
        self.key = key

    def clear(self, raw: bytes, offset: int) -> bytes:
        """Return bytes that stand at `offset` of their file, in the clear."""
        phase = offset % self.LENGTH
        keys = (self.key * (len(raw) // self.LENGTH + 2))[phase : phase + len(raw)]
        value = int.from_bytes(raw, "little") ^ int.from_bytes(keys, "little")
        return value.to_bytes(len(raw), "little")

    def clear_headers(self, raw: UInt8Array, offsets: Int64Array) -> UInt8Array:
        """Return headers, of shape (n, 80), that stand at `offsets` of their file, in the clear."""
        phases = np.arange(self.LENGTH)[:, None] + np.arange(HEADER_LENGTH)[None, :]
        keys = np.frombuffer(self.key, dtype=np.uint8)[phases % self.LENGTH]
        cleared: UInt8Array = raw ^ keys[offsets % self.LENGTH]
        return cleared

    def frame_keys(self) -> list[int]:
        """Return what a frame is XORed with, as a little-endian number, by its offset modulo 8."""
        doubled = self.key * 2
        return [
            int.from_bytes(doubled[phase : phase + FRAME_LENGTH], "little")
            for phase in range(self.LENGTH)
        ]


def scan_file(
    file: Path, magic: bytes, obfuscation: Obfuscation, known: FileRecords | None = None
) -> FileRecords:
    """Find every complete record of a block file; what is none becomes a note.

    `known` holds what an earlier scan found at the file's beginning, which is not read again.
    Raises `OSError` if the file cannot be read.
    """
    descriptor = os.open(file, os.O_RDONLY)
    try:
        return _Scan(file, descriptor, magic, obfuscation).run(known)
    finally:
        os.close(descriptor)


def records_until(records: FileRecords) -> FileRecords:
    """Return records without the notes behind the last block: that place may be filled by now."""
    end = _end_of(records)
    return replace(records, notes=tuple(note for note in records.notes if note.offset < end))


def _end_of(records: FileRecords) -> int:
    return int(records.offset[-1] + records.length[-1]) if len(records.offset) else 0


class _Scan:
    """One pass over one open file."""

    def __init__(self, file: Path, descriptor: int, magic: bytes, obfuscation: Obfuscation) -> None:
        self.file = file
        self.descriptor = descriptor
        self.size = os.fstat(descriptor).st_size
        self.magic = magic
        self.obfuscation = obfuscation
        self.window = b""
        self.window_start = 0

    def run(self, known: FileRecords | None) -> FileRecords:
        """Walk from record to record, over what is none, behind those that are known."""
        found = [known or self._empty()]
        notes: list[FileNote] = list(found[0].notes)
        position = _end_of(found[0])
        while position < self.size:
            records = self._walk(position, _WALK)
            if len(records.offset):
                found.append(records)
                position = _end_of(records)
                continue
            begun = self._clear(len(self.magic), position) == self.magic
            following, blank = self._next_record(position)
            at_end = following == self.size
            if not (blank and at_end):  # else it is space that the node allocated ahead
                damage = Damage.TRUNCATED if begun and at_end else Damage.GARBAGE
                notes.append(
                    FileNote(
                        file=self.file,
                        offset=position,
                        byte_count=following - position,
                        damage=Damage.GAP if blank else damage,
                    )
                )
            position = following
        return FileRecords(
            offset=np.concatenate([records.offset for records in found]),
            length=np.concatenate([records.length for records in found]),
            header=np.concatenate([records.header for records in found]),
            hash=np.concatenate([records.hash for records in found]),
            notes=tuple(notes),
            size=self.size,
        )

    def _walk(self, position: int, most: int) -> FileRecords:
        """Return up to `most` complete records that follow one another from `position` on.

        The walk stops before a header that does not do the work that it claims. Nothing else
        tells a block from garbage behind a magic, whose length would lead anywhere.
        """
        offsets: list[int] = []
        lengths: list[int] = []
        headers: list[bytes] = []
        frame_keys = self.obfuscation.frame_keys()
        magic = int.from_bytes(self.magic, "little")
        length = LONGEST_BLOCK
        while len(offsets) < most:
            raw = self._raw(position, dense=length < _SMALL_BLOCK)
            if len(raw) < FRAME_LENGTH + HEADER_LENGTH:
                break
            frame = int.from_bytes(raw[:FRAME_LENGTH], "little") ^ frame_keys[position % 8]
            length = frame >> 32
            position += FRAME_LENGTH
            if frame & 0xFFFFFFFF != magic or not SHORTEST_BLOCK <= length <= LONGEST_BLOCK:
                break
            if position + length > self.size:
                break
            offsets.append(position)
            lengths.append(length)
            headers.append(raw[FRAME_LENGTH:])
            position += length
        return self._working(offsets, lengths, headers)

    def _working(self, offsets: list[int], lengths: list[int], headers: list[bytes]) -> FileRecords:
        """Return the records up to the first one that does no work."""
        offset = np.array(offsets, dtype=np.int64)
        raw = np.frombuffer(b"".join(headers), dtype=np.uint8).reshape(-1, HEADER_LENGTH)
        header = self.obfuscation.clear_headers(raw, offset)
        hashes = header_hashes(header)
        idle = np.flatnonzero(~meets_target(header, hashes))
        count = int(idle[0]) if len(idle) else len(offset)
        return FileRecords(
            offset=offset[:count],
            length=np.array(lengths, dtype=np.int64)[:count],
            header=header[:count],
            hash=hashes[:count],
            notes=(),
            size=self.size,
        )

    def _empty(self) -> FileRecords:
        return self._working([], [], [])

    def _next_record(self, position: int) -> tuple[int, bool]:
        """Return the first place from `position` on where a record stands, or `size`.

        The second value says whether all bytes in between are raw zeros.
        """
        blank = True
        while position < self.size:
            # Overlap, so that a magic across the border of two chunks is seen.
            raw = os.pread(self.descriptor, _CHUNK + len(self.magic) - 1, position)
            if raw.count(0) != len(raw):
                clear = self.obfuscation.clear(raw, position)
                place = clear.find(self.magic)
                while place != -1:
                    if len(self._walk(position + place, 1).offset):
                        return position + place, blank and raw.count(0, 0, place) == place
                    place = clear.find(self.magic, place + 1)
                blank = False
            position += _CHUNK
        return self.size, blank

    def _raw(self, position: int, *, dense: bool) -> bytes:
        """Return the raw bytes of frame and header at `position`, fewer at the end of the file.

        Where blocks are small, as in the first years, many are read at once.
        """
        length = FRAME_LENGTH + HEADER_LENGTH
        if not dense:
            return os.pread(self.descriptor, length, position)
        place = position - self.window_start
        if not 0 <= place <= len(self.window) - length:
            self.window = os.pread(self.descriptor, _WINDOW, position)
            self.window_start, place = position, 0
        return self.window[place : place + length]

    def _clear(self, length: int, position: int) -> bytes:
        return self.obfuscation.clear(os.pread(self.descriptor, length, position), position)
