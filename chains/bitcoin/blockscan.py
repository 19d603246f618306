"""The records of many block files, found once and after that only where files have changed.

A node appends to its newest file and leaves the others alone, so whoever follows it must not read
hundreds of thousands of headers anew for each block. A file that looks as it did is not touched;
one that changed is searched from the end of its last known block on. If that block is no longer
there the file is another one, and is searched from its beginning.

What a file looks like is its number, its size and the time of its last change. A node allocates
space ahead, so the size alone tells little, and the time is only as fine as the system's clock
ticks: a file that was changed just now may change again without showing it, and is looked at
once more.
"""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from bitcoin.core import CBlock, Hash

from chains.bitcoin.blockrecords import (
    FRAME_LENGTH,
    Damage,
    FileNote,
    FileRecords,
    Obfuscation,
    records_until,
    scan_file,
)
from chains.bitcoin.decode import decode_blocks
from chains.bitcoin.headers import HEADER_LENGTH
from chains.bitcoin.networks import NETWORKS, Network
from chains.errors import MalformedBlockError, SourceUnavailableError
from chains.types import UInt8Array

SCAN_THREADS = 4
"""Files scanned at a time: enough to keep a solid-state disk busy with small reads."""

SETTLED_SECONDS = 3.0
"""A file that was last changed so long before it was scanned shows every later change. File
systems keep times to 2 seconds at worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looks:
    """What tells whether a file is still as it was."""

    number: int
    size: int
    changed_ns: int
    settled: bool
    """Whether any later change will show."""

    @classmethod
    def of(cls, file: Path) -> "_Looks":
        status = file.stat()
        age_seconds = time.time() - status.st_mtime_ns / 1e9
        return cls(
            number=status.st_ino,
            size=status.st_size,
            changed_ns=status.st_mtime_ns,
            settled=age_seconds > SETTLED_SECONDS,
        )

    def still(self, now: "_Looks") -> bool:
        same = (self.number, self.size, self.changed_ns) == (now.number, now.size, now.changed_ns)
        return same and self.settled


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A file that was scanned."""

    looks: _Looks
    """Before the scan, so that what is written meanwhile is found the next time."""

    newest: bool
    """Whether it was the last file, whose last block may be unfinished."""

    records: FileRecords


class ScannedFiles:
    """The complete records of a directory's block files. Kept between scans; not thread-safe."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._key = b""
        self._known: dict[Path, _Known] = {}

    def scan(self, files: Sequence[Path], obfuscation: Obfuscation) -> bool:
        """Bring the records up to date; returns whether there are others than before.

        Raises `SourceUnavailableError` where the files can't be read or belong to another network.
        """
        if obfuscation.key != self._key:
            self._known, self._key = {}, obfuscation.key
        gone = self._known.keys() - set(files)
        try:
            looks = {file: _Looks.of(file) for file in files}
            changed = [file for file in files if not self._is_known(file, looks[file], files[-1])]
            if not any(len(known.records.offset) for known in self._known.values()):
                _refuse_foreign_files(changed, self.network, obfuscation)
            with ThreadPoolExecutor(max_workers=SCAN_THREADS) as pool:
                scanned = list(
                    pool.map(
                        lambda file: self._scan_one(file, looks[file], files[-1], obfuscation),
                        changed,
                    )
                )
        except OSError as error:
            raise SourceUnavailableError(f"cannot read block files: {error}") from error
        before = self._known
        self._known = {file: known for file, known in before.items() if file not in gone}
        self._known.update(zip(changed, scanned, strict=True))
        return bool(gone) or any(
            file not in before or not _same(before[file].records, known.records)
            for file, known in zip(changed, scanned, strict=True)
        )

    def records_of(self, file: Path) -> FileRecords:
        """Return what the last scan found in a file."""
        return self._known[file].records

    def _is_known(self, file: Path, looks: _Looks, newest: Path) -> bool:
        known = self._known.get(file)
        return known is not None and known.looks.still(looks) and known.newest == (file == newest)

    def _scan_one(
        self, file: Path, looks: _Looks, newest: Path, obfuscation: Obfuscation
    ) -> _Known:
        before = self._known.get(file)
        kept = None
        if before is not None and _begins_as_before(file, looks, before, obfuscation):
            kept = records_until(before.records)
        records = scan_file(file, self.network.magic, obfuscation, kept)
        if kept is None or len(records.offset) > len(kept.offset):
            records = without_unfinished(file, records, obfuscation, newest=file == newest)
        return _Known(looks=looks, newest=file == newest, records=records)


def _same(before: FileRecords, now: FileRecords) -> bool:
    return (
        np.array_equal(before.offset, now.offset)
        and np.array_equal(before.hash, now.hash)
        and before.notes == now.notes
    )


def _begins_as_before(file: Path, looks: _Looks, before: _Known, obfuscation: Obfuscation) -> bool:
    """Return whether the last known block of a file still stands where it stood."""
    records = before.records
    if before.looks.number != looks.number or not len(records.offset):
        return False
    offset, length = int(records.offset[-1]), int(records.length[-1])
    if looks.size < offset + length:
        return False
    header = np.zeros(HEADER_LENGTH, dtype=np.uint8)
    read_into(file, offset, header)
    found = obfuscation.clear(header.tobytes(), offset)
    return found == bytes(records.header[-1].tobytes())


def read_into(file: Path, offset: int, target: UInt8Array) -> None:
    """Fill `target` from the bytes of `file` at `offset`; `OSError` if there are not enough."""
    view = memoryview(target.data)
    descriptor = os.open(file, os.O_RDONLY)
    try:
        while view:
            count = os.preadv(descriptor, [view], offset)
            if count == 0:
                raise OSError(f"{file} has become shorter since its blocks were found")
            view, offset = view[count:], offset + count
    finally:
        os.close(descriptor)


def decode_one(block: UInt8Array) -> None:
    """Raise `MalformedBlockError` unless these bytes are one whole block."""
    decode_blocks(block, np.zeros(1, dtype=np.int64), np.array([len(block)], dtype=np.int64))


def _refuse_foreign_files(
    files: Sequence[Path], network: Network, obfuscation: Obfuscation
) -> None:
    """Say whose files these are, where none begins with a block of the network.

    Looking for blocks anywhere else in them could mean to search hundreds of gigabytes in vain.
    """
    begun: dict[bytes, Path] = {}
    for file in files:
        with file.open("rb") as stream:
            head = stream.read(len(network.magic))
        if any(head):
            begun.setdefault(obfuscation.clear(head, 0), file)
    if not begun or network.magic in begun:
        return
    for other in NETWORKS:
        if other.magic in begun:
            raise SourceUnavailableError(
                f"{begun[other.magic]} holds blocks of {other.name}, not of {network.name}"
            )
    raise SourceUnavailableError(
        f"{files[0]} does not begin with a block of any known network; if a node of Bitcoin Core "
        "28 or later wrote it, its xor.dat must lie beside it"
    )


def without_unfinished(
    file: Path, records: FileRecords, obfuscation: Obfuscation, *, newest: bool
) -> FileRecords:
    """Drop the last block of a file that is still being filled, if it is not all there.

    A node writes a block into space that it allocated ahead, so a block may have its full length
    and still lack its end. A file that a node has left behind is cut where its last block ends.
    """
    if not len(records.offset):
        return records
    offset, length = int(records.offset[-1]), int(records.length[-1])
    if not newest and offset + length == records.size:
        return records
    raw = np.zeros(length, dtype=np.uint8)
    read_into(file, offset, raw)
    if is_whole_block(obfuscation.clear(raw.tobytes(), offset)):
        return records
    note = FileNote(
        file=file,
        offset=offset - FRAME_LENGTH,
        byte_count=FRAME_LENGTH + length,
        damage=Damage.TRUNCATED,
    )
    return replace(
        records,
        offset=records.offset[:-1],
        length=records.length[:-1],
        header=records.header[:-1],
        hash=records.hash[:-1],
        notes=(*records.notes, note),
    )


def is_whole_block(raw: bytes) -> bool:
    """Return whether these bytes are what the block's header commits to, witnesses included.

    The merkle root leaves witnesses out; the coinbase commits to them since BIP-141.
    """
    try:
        decode_one(np.frombuffer(raw, dtype=np.uint8))
    except MalformedBlockError:
        return False
    block = CBlock.deserialize(raw)
    if not any(transaction.has_witness() for transaction in block.vtx):
        return True
    output = block.get_witness_commitment_index()
    stack = block.vtx[0].wit.vtxinwit[0].scriptWitness.stack
    if output is None or not stack:
        return False
    root = CBlock.calc_witness_merkle_root(block)
    committed = bytes(block.vtx[0].vout[output].scriptPubKey)[6:38]
    return bool(Hash(root + stack[0]) == committed)
