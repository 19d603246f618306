"""From the records of many block files to one chain: which block of which height stands where.

Blocks of the initial download come shuffled, stale blocks stay in the files for ever, and a block
may be there twice. All records are put together in file order, repeated blocks are dropped, and
the rest is linked to the chain of most work that starts at the genesis block.
"""

import os
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
    scan_file,
)
from chains.bitcoin.decode import decode_blocks
from chains.bitcoin.headers import hash_keys, header_bits, link_headers, previous_hashes
from chains.bitcoin.networks import NETWORKS, Network
from chains.errors import MalformedBlockError, SourceUnavailableError
from chains.types import Int64Array, UInt8Array, UInt32Array, shown_txid

SCAN_THREADS = 4
"""Files scanned at a time: enough to keep a solid-state disk busy with small reads."""


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

    duplicate_count: int
    """Records that repeat an earlier block."""

    stale_count: int
    """Blocks that reach the genesis block but are not of the best chain."""

    unconnected_count: int
    """Blocks whose ancestors are not all there: nothing tells their height."""


def index_blocks(files: list[Path], network: Network, obfuscation: Obfuscation) -> BlockIndex:
    """Find the best chain in block files given by number.

    Raises `SourceUnavailableError` where the files can't be read, belong to another network, or
    do not start at the genesis block. Files without any block give an index without heights.
    """
    try:
        _refuse_foreign_files(files, network, obfuscation)
        with ThreadPoolExecutor(max_workers=SCAN_THREADS) as pool:
            scanned = list(
                pool.map(lambda file: scan_file(file, network.magic, obfuscation), files)
            )
        finished = [
            _without_unfinished(file, records, obfuscation, newest=file == files[-1])
            for file, records in zip(files, scanned, strict=True)
        ]
    except OSError as error:
        raise SourceUnavailableError(f"cannot read block files: {error}") from error
    return _link(finished, files, network)


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


def _refuse_foreign_files(files: list[Path], network: Network, obfuscation: Obfuscation) -> None:
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


def _without_unfinished(
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


def _link(scanned: list[FileRecords], files: list[Path], network: Network) -> BlockIndex:
    headers = np.concatenate([records.header for records in scanned])
    hashes = np.concatenate([records.hash for records in scanned])
    _, first_seen = np.unique(hash_keys(hashes), return_index=True)
    kept = np.sort(first_seen)
    linked = link_headers(headers[kept], hashes[kept], network.genesis_hash)
    if len(kept) and not len(linked.best):
        _refuse_missing_genesis(headers, hashes, files[0], network)
    unconnected_count = int(np.count_nonzero(linked.height < 0))
    chain = kept[linked.best]
    record_counts = [len(records.offset) for records in scanned]
    return BlockIndex(
        file=np.repeat(np.arange(len(scanned)), record_counts)[chain],
        offset=np.concatenate([records.offset for records in scanned])[chain],
        length=np.concatenate([records.length for records in scanned])[chain],
        hash=hashes[chain],
        bits=header_bits(headers[chain]),
        notes=tuple(note for records in scanned for note in records.notes),
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
