"""Bitcoin Core's block files as a source of blocks, without a running node.

A node writes blocks in the order in which they arrive, which is not the order of the chain. So
opening a source finds the headers of all blocks and the chain of most work among them
(`blockindex`). Reading goes by height after that, and each batch is checked against the chain that
was found: a block whose bytes changed meanwhile is an error, not a result.

A running node may append to the files while they are read. What was found when the source was
opened is what it serves; the last block of a file that is still being filled counts only if it is
complete, which its merkle root proves.
"""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chains.ahead import made_ahead
from chains.bitcoin.blockindex import index_blocks
from chains.bitcoin.blocklocation import find_block_files, read_obfuscation
from chains.bitcoin.blockrecords import FRAME_LENGTH, FileNote
from chains.bitcoin.blockscan import ScannedFiles, decode_one, read_into
from chains.bitcoin.decode import decode_blocks
from chains.bitcoin.headers import total_work
from chains.bitcoin.networks import Network
from chains.closing import Closing
from chains.errors import MalformedBlockError, SourceUnavailableError
from chains.tables import BlockBatch
from chains.types import Int64Array, UInt8Array

BATCH_BYTES = 64 << 20
"""Block bytes that a batch holds at most, unless a single block is larger."""


_READ_BYTES = 1 << 20
"""Bytes read at a time: they are still in the processor's cache when they are XORed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawBatch:
    """The bytes of consecutive blocks, in the clear, and where each block stands in them."""

    first_height: int

    raw: UInt8Array
    """The blocks, with what stood between them."""

    starts: Int64Array
    """Where in `raw` each block starts."""

    lengths: Int64Array
    """Bytes of each block."""


class BlockFiles(Closing):
    """The blocks in a directory of `blk*.dat` files, or in a single such file.

    Opening reads the header of every block: seconds where they are in the page cache, minutes for
    the whole main network on a cold disk.
    """

    network: Network
    name: str

    duplicate_count: int
    """Records that repeat an earlier block."""

    stale_count: int
    """Blocks that reach the genesis block but are not of the best chain."""

    unconnected_count: int
    """Blocks whose ancestors are not all there; they can't be placed and are not served."""

    def __init__(self, path: Path, network: Network, *, batch_bytes: int = BATCH_BYTES) -> None:
        """Find the blocks under `path`, which may be a node's data directory.

        Raises `SourceUnavailableError` where there is nothing to be read, where the files belong
        to another network, or where they do not start at the genesis block.
        """
        if batch_bytes < 1:
            raise ValueError("batch_bytes must be positive")
        self.network = network
        self.name = f"blockfiles:{path}"
        self._path = path
        self._batch_bytes = batch_bytes
        self._scanned = ScannedFiles(network)
        self._indexed = False
        self.refresh()

    def refresh(self) -> None:
        """Find what the files have gained; files that did not change are not read again."""
        files = find_block_files(self._path, self.network)
        obfuscation = read_obfuscation(files[0].parent)
        if not self._scanned.scan(files, obfuscation) and self._indexed:
            return
        self._indexed = False
        records = [self._scanned.records_of(file) for file in files]
        self._index = index_blocks(files, records, self.network)
        self._files, self._obfuscation, self._indexed = files, obfuscation, True
        self.duplicate_count = self._index.duplicate_count
        self.stale_count = self._index.stale_count
        self.unconnected_count = self._index.unconnected_count

    def notes(self) -> tuple[FileNote, ...]:
        """Return the places of the files that hold no usable block, in file order."""
        return self._index.notes

    def close(self) -> None:
        """Do nothing: files are open only while they are read."""

    def wait(self, seconds: float) -> None:
        """Wait; nothing tells when a file grows."""
        time.sleep(seconds)

    def first_height(self) -> int:
        """Return 0: files that do not begin at the genesis block are refused."""
        return 0

    def tip_height(self) -> int:
        """Return the height of the best chain's last block; -1 where there is no block."""
        return len(self._index.offset) - 1

    def block_hash(self, height: int) -> bytes:
        """Return the hash of the best chain's block at `height`, as stored."""
        if not 0 <= height <= self.tip_height():
            raise ValueError(f"no block at height {height}: the tip is {self.tip_height()}")
        return bytes(self._index.hash[height])

    def work_above(self, height: int) -> int:
        """Return the summed work of the best chain's blocks above `height`; -1 sums them all."""
        if not -1 <= height <= self.tip_height():
            raise ValueError(f"no block at height {height}: the tip is {self.tip_height()}")
        return total_work(self._index.bits[height + 1 :])

    def batches(self, start: int, stop: int) -> Iterator[BlockBatch]:
        """Yield the blocks of heights `[start, stop)` in batches of at most `batch_bytes`.

        The next batch is decoded while the caller works on the one before, and the one after
        that is read, so that the raw bytes of three batches are in memory. What is wrong with a
        block comes up in the place of its batch. A caller that stops early closes the iterator,
        which ends the threads.
        """
        return made_ahead(self._decode, self.raw_batches(start, stop), "decode-ahead")

    def raw_batches(self, start: int, stop: int) -> Generator[RawBatch]:
        """Yield the same batches before they are decoded; the next one is being read."""
        if not 0 <= start <= stop <= self.tip_height() + 1:
            raise ValueError(
                f"heights [{start}, {stop}) are not among the {self.tip_height() + 1} blocks"
            )
        return made_ahead(self._read, self._cuts(start, stop), "read-ahead")

    def _cuts(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Yield the heights of each batch: as many blocks as fit, at least one."""
        ends = np.cumsum(self._index.length[start:stop])
        first = start
        while first < stop:
            used = int(ends[first - start - 1]) if first > start else 0
            fitting = int(np.searchsorted(ends, used + self._batch_bytes, side="right"))
            last = max(start + fitting, first + 1)
            yield first, last
            first = last

    def _read(self, heights: tuple[int, int]) -> RawBatch:
        """Read the blocks of a half-open range of heights into one buffer, in the clear.

        Blocks that follow one another in a file make a stretch, which is read at once, frames
        included; stretches are read in the order of the files. Each stands in the buffer at the
        same place modulo 8 as in its file, so that the whole buffer is XORed with one word.
        """
        first, last = heights
        index, rows = self._index, slice(first, last)
        file, offset, length = index.file[rows], index.offset[rows], index.length[rows]
        order, opening = _stretches(file, offset, length)
        sizes = np.diff(np.append(opening, len(order)))
        begin = offset[order[opening]]
        final = order[opening + sizes - 1]
        extent = offset[final] + length[final] - begin
        place = _aligned_places(begin, extent)
        words = np.empty(-(-int(place[-1] + extent[-1]) // 8), dtype=np.uint64)
        raw: UInt8Array = words.view(np.uint8)
        key = np.frombuffer(self._obfuscation.key, dtype=np.uint64)[0]
        cleared = 0
        try:
            for number, at in enumerate(place.tolist()):
                source = self._files[int(file[final[number]])]
                for skip in range(0, int(extent[number]), _READ_BYTES):
                    upto = at + min(skip + _READ_BYTES, int(extent[number]))
                    read_into(source, int(begin[number]) + skip, raw[at + skip : upto])
                    words[cleared : upto // 8] ^= key
                    cleared = upto // 8
        except OSError as error:
            raise SourceUnavailableError(f"cannot read block files: {error}") from error
        words[cleared:] ^= key
        starts = offset.copy()
        starts[order] += np.repeat(place - begin, sizes)
        return RawBatch(first_height=first, raw=raw, starts=starts, lengths=length)

    def _decode(self, batch: RawBatch) -> BlockBatch:
        try:
            decoded = decode_blocks(batch.raw, batch.starts, batch.lengths)
        except MalformedBlockError as error:
            damaged = self._damage(batch)
            lost = [height for height in damaged if not self._use_copy(height)]
            if lost:
                raise MalformedBlockError(damaged[lost[0]]) from error
            last = batch.first_height + len(batch.starts)
            return self._decode(self._read((batch.first_height, last)))
        expected = self._index.hash[batch.first_height :][: len(batch.starts)]
        if not np.array_equal(decoded.block_hash, expected):
            raise SourceUnavailableError("the block files changed while they were read; run again")
        return decoded

    def _damage(self, batch: RawBatch) -> dict[int, str]:
        """Return the damaged blocks by height: where each stands, what is wrong, what to do."""
        damaged = {}
        for row, (start, length) in enumerate(zip(batch.starts, batch.lengths, strict=True)):
            try:
                decode_one(batch.raw[start : start + length])
            except MalformedBlockError as error:
                height = batch.first_height + row
                file = self._files[int(self._index.file[height])]
                damaged[height] = (
                    f"block {height} in {file} at offset {self._index.offset[height]} is damaged "
                    f"({error}); restore the file or let the node download it again"
                )
        return damaged

    def _use_copy(self, height: int) -> bool:
        """Take a block from the next place where it stands; returns whether there is one."""
        index = self._index
        copies = index.copies.get(index.hash[height].tobytes())
        if not copies:
            return False
        place = copies.pop(0)
        index.file[height], index.offset[height] = place.file, place.offset
        index.length[height] = place.length
        return True


def _stretches(
    file: Int64Array, offset: Int64Array, length: Int64Array
) -> tuple[Int64Array, Int64Array]:
    """Return the blocks in file order, and where in that order each gapless stretch opens."""
    order = np.lexsort((offset, file))
    here, before = order[1:], order[:-1]
    gapless = offset[here] == offset[before] + length[before] + FRAME_LENGTH
    follows = (file[here] == file[before]) & gapless
    return order, np.flatnonzero(np.concatenate([[True], ~follows]))


def _aligned_places(begin: Int64Array, extent: Int64Array) -> Int64Array:
    """Return where stretches go that must keep their place modulo 8, as tightly as that allows."""
    room = (begin % 8 + extent + 7) // 8 * 8
    places: Int64Array = np.cumsum(room) - room + begin % 8
    return places
