"""From the records of many block files to one chain: which block of which height stands where.

Blocks of the initial download come shuffled, stale blocks stay in the files for ever, and a block
may be there twice. All records are put together in file order, repeated blocks are dropped, and
the rest is linked to the chain of most work that starts at the genesis block.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chains.bitcoin.blockrecords import FileNote, FileRecords
from chains.bitcoin.headers import hash_keys, header_bits, link_headers, previous_hashes
from chains.bitcoin.networks import Network
from chains.errors import SourceUnavailableError
from chains.types import Int64Array, UInt8Array, UInt32Array, shown_txid


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPlace:
    """Where a block stands."""

    file: int
    """Position of the file in the list of files."""

    offset: int
    """Where the block starts in its file, behind its frame."""

    length: int
    """Bytes of the block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockIndex:
    """The best chain in a set of block files; the columns have one row a height."""

    file: Int64Array
    """Position of the block's file in the list of files."""

    offset: Int64Array
    """Where the block starts in its file, behind its frame."""

    length: Int64Array
    """Bytes of the block."""

    hash: UInt8Array
    """Block hashes as stored, shape (heights, 32)."""

    bits: UInt32Array
    """Compact targets."""

    notes: tuple[FileNote, ...]
    """The places of the files that hold no usable block, in file order."""

    copies: dict[bytes, list[BlockPlace]]
    """Where blocks stand once more, by their hash as stored, in file order."""

    duplicate_count: int
    """Records that repeat an earlier block."""

    stale_count: int
    """Blocks that reach the genesis block but are not of the best chain."""

    unconnected_count: int
    """Blocks whose ancestors are not all there: nothing tells their height."""


def index_blocks(
    files: Sequence[Path], scanned: Sequence[FileRecords], network: Network
) -> BlockIndex:
    """Find the best chain among the records of block files given by number.

    Raises `SourceUnavailableError` where they do not start at the genesis block. Files without
    any block give an index without heights.
    """
    headers = np.concatenate([records.header for records in scanned])
    hashes = np.concatenate([records.hash for records in scanned])
    _, first_seen = np.unique(hash_keys(hashes), return_index=True)
    kept = np.sort(first_seen)
    linked = link_headers(headers[kept], hashes[kept], network.genesis_hash)
    if len(kept) and not len(linked.best):
        _refuse_missing_genesis(headers, hashes, files[0], network)
    unconnected_count = int(np.count_nonzero(linked.height < 0))
    chain = kept[linked.best]
    file = np.repeat(np.arange(len(scanned)), [len(records.offset) for records in scanned])
    offset = np.concatenate([records.offset for records in scanned])
    length = np.concatenate([records.length for records in scanned])
    copies: dict[bytes, list[BlockPlace]] = {}
    for row in np.setdiff1d(np.arange(len(hashes)), kept).tolist():
        place = BlockPlace(file=int(file[row]), offset=int(offset[row]), length=int(length[row]))
        copies.setdefault(hashes[row].tobytes(), []).append(place)
    return BlockIndex(
        file=file[chain],
        offset=offset[chain],
        length=length[chain],
        hash=hashes[chain],
        bits=header_bits(headers[chain]),
        notes=tuple(note for records in scanned for note in records.notes),
        copies=copies,
        duplicate_count=len(headers) - len(kept),
        stale_count=len(kept) - unconnected_count - len(linked.best),
        unconnected_count=unconnected_count,
    )


def _refuse_missing_genesis(
    headers: UInt8Array, hashes: UInt8Array, first_file: Path, network: Network
) -> None:
    parentless = np.flatnonzero(~previous_hashes(headers).any(axis=1))
    if len(parentless):
        other = shown_txid(hashes[parentless[0]].tobytes())
        raise SourceUnavailableError(
            f"the block files start at block {other}, which is not the genesis block of "
            f"{network.name}"
        )
    raise SourceUnavailableError(
        f"the block files must start at the genesis block of {network.name}, but {first_file} "
        "and the files after it do not hold it; a pruned node has deleted its first files and "
        "cannot serve as a source"
    )
