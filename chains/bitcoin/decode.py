"""Decoding serialised blocks and transactions into the canonical tables; pure, no input or output.

Every block is checked against its own header: the merkle root computed from the decoded
transactions must be the header's, and no part of the tree may be doubled (`merkle`). A batch that
comes out of here is therefore what its headers commit to, apart from witnesses, which the merkle
root does not cover. Proof of work and the links between headers are the block source's matter.

Memory beyond the raw bytes: 72 bytes for each transaction, 72 for each input and 25 for each
output; the hashes are made in pieces.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from chains.bitcoin.fill import (
    BlockColumns,
    InputColumns,
    OutputColumns,
    TransactionColumns,
    fill_blocks,
    fill_transactions,
    new_columns,
)
from chains.bitcoin.hashing import double_sha256_into
from chains.bitcoin.merkle import merkle_roots
from chains.bitcoin.parse import HEADER_SIZE, REASONS, check_blocks, check_transactions
from chains.bitcoin.sha256_lanes import STRETCH, double_sha256_many, order_by_blocks
from chains.errors import MalformedBlockError
from chains.tables import BlockBatch
from chains.types import Int64Array, UInt8Array, UInt32Array, shown_txid
from heuristics.jit import kernel

MERKLE_ROOT_AT = 36
"""Where the merkle root stands in a header; it has 32 bytes."""


PIECE_BYTES = 2 << 20
"""Bytes of blocks whose columns are filled and ids made in one go: what the cache holds."""


class LaidOut(NamedTuple):
    """Blocks that are well formed, and the columns that they fill exactly."""

    raw: UInt8Array
    starts: Int64Array
    lengths: Int64Array
    first_transaction: Int64Array

    body_start: Int64Array
    """Where in `raw` the transactions of each block begin."""

    txid: UInt8Array
    blocks: BlockColumns
    transactions: TransactionColumns
    inputs: InputColumns
    outputs: OutputColumns


def decode_blocks(raw: UInt8Array, starts: Int64Array, lengths: Int64Array) -> BlockBatch:
    """Decode the blocks at slices of `raw`, in the order given.

    The batch keeps `raw` and points into it: the bytes must not change afterwards.

    Raises
    ------
    MalformedBlockError
        A slice is not exactly one well-formed block, or its transactions are not those that its
        header commits to. The message names the block's index, the offset in it and the reason.
    """
    laid_out = lay_out(raw, starts, lengths)
    for first, last in pieces(lengths):
        fill_piece(laid_out, first, last)
        hash_piece(laid_out, first, last)
    return check_against_headers(laid_out)


def lay_out(raw: UInt8Array, starts: Int64Array, lengths: Int64Array) -> LaidOut:
    """Do the first step of `decode_blocks`: check the form of the blocks, and make room."""
    check_slices(raw, starts, lengths)
    counts = np.zeros(3, np.int64)
    reason, block, offset = check_blocks(raw, starts, lengths, counts)
    if reason:
        raise MalformedBlockError(f"block {block} of the batch, byte {offset}: {REASONS[reason]}")
    blocks = BlockColumns(
        coinbase_script_start=np.empty(len(starts), np.int64),
        coinbase_script_length=np.empty(len(starts), np.int64),
        coinbase_sequence=np.empty(len(starts), np.uint32),
    )
    first_transaction = np.empty(len(starts) + 1, np.int64)
    body_start = np.empty(len(starts), np.int64)
    fill_blocks(raw, starts, first_transaction, body_start, blocks)
    transactions, inputs, outputs = new_columns(*(int(count) for count in counts))
    return LaidOut(
        raw=raw,
        starts=starts,
        lengths=lengths,
        first_transaction=first_transaction,
        body_start=body_start,
        txid=np.empty((len(transactions.start), 32), np.uint8),
        blocks=blocks,
        transactions=transactions,
        inputs=inputs,
        outputs=outputs,
    )


def pieces(lengths: Int64Array) -> Iterator[tuple[int, int]]:
    """Yield the first and last (exclusive) block of stretches of about `PIECE_BYTES`."""
    first = 0
    number = np.cumsum(lengths) // PIECE_BYTES
    for last in [*(np.flatnonzero(np.diff(number)) + 1).tolist(), len(lengths)]:
        if first < last:
            yield first, last
        first = last


def fill_piece(laid_out: LaidOut, first: int, last: int) -> None:
    """Write the columns of blocks `[first, last)`; those before must be written already."""
    fill_transactions(
        laid_out.raw,
        laid_out.body_start[first:last],
        np.diff(laid_out.first_transaction[first : last + 1]),
        laid_out.transactions,
        laid_out.inputs,
        laid_out.outputs,
        int(laid_out.first_transaction[first]),
    )


def hash_piece(laid_out: LaidOut, first: int, last: int) -> None:
    """Write the ids of the transactions of blocks `[first, last)`, whose columns are written."""
    rows = slice(*laid_out.first_transaction[[first, last]].tolist())
    hash_transactions(
        laid_out.raw,
        laid_out.transactions.start[rows],
        laid_out.transactions.stripped_size[rows],
        laid_out.transactions.witness_size[rows],
        laid_out.txid[rows],
    )


def check_against_headers(laid_out: LaidOut) -> BlockBatch:
    """Do the last step of `decode_blocks`: return the batch if its headers commit to its ids."""
    raw, first_transaction, txid = laid_out.raw, laid_out.first_transaction, laid_out.txid
    header, block_hash = hash_headers(raw, laid_out.starts)
    check_merkle_roots(txid, first_transaction, header, block_hash)
    return batch_of(
        raw,
        header,
        block_hash,
        first_transaction,
        laid_out.blocks,
        txid,
        laid_out.transactions,
        laid_out.inputs,
        laid_out.outputs,
    )


def compressions_needed(stripped_size: UInt32Array, first_transaction: Int64Array) -> int:
    """Return how many blocks SHA-256 makes of what decoding blocks hashes.

    Two hashes of each transaction, header and inner node of a merkle tree; a second hash is one
    block. The benchmark of an ingest holds the time of hashing against it.

    Parameters
    ----------
    stripped_size
        Bytes of each transaction without its witness.
    first_transaction
        The first transaction of each block, and one entry more.
    """
    of_ids = int(((stripped_size.astype(np.int64) + 72) // 64 + 1).sum())
    nodes = np.diff(first_transaction)
    pairs = 0
    while (nodes > 1).any():
        nodes = np.where(nodes > 1, (nodes + 1) // 2, 0)
        pairs += int(nodes.sum())
    return of_ids + 3 * (pairs + len(first_transaction) - 1)


def decode_transactions(raw: UInt8Array, starts: Int64Array, lengths: Int64Array) -> BlockBatch:
    """Decode single transactions into a batch without blocks.

    A coinbase has no input row here either; it is told apart by that, since every other
    transaction has at least one input. Its script is not kept.

    Raises
    ------
    MalformedBlockError
        A slice is not exactly one well-formed transaction.
    """
    check_slices(raw, starts, lengths)
    counts = np.zeros(3, np.int64)
    reason, row, offset = check_transactions(raw, starts, lengths, counts)
    if reason:
        raise MalformedBlockError(f"transaction {row}, byte {offset}: {REASONS[reason]}")
    transactions, inputs, outputs = new_columns(*(int(count) for count in counts))
    fill_transactions(raw, starts, np.ones_like(starts), transactions, inputs, outputs, 0)
    blocks = BlockColumns(
        coinbase_script_start=np.empty(0, np.int64),
        coinbase_script_length=np.empty(0, np.int64),
        coinbase_sequence=np.empty(0, np.uint32),
    )
    txid = np.empty((len(starts), 32), np.uint8)
    hash_transactions(
        raw, transactions.start, transactions.stripped_size, transactions.witness_size, txid
    )
    header = np.empty((0, HEADER_SIZE), np.uint8)
    block_hash = np.empty((0, 32), np.uint8)
    first_transaction = np.zeros(1, np.int64)
    return batch_of(
        raw, header, block_hash, first_transaction, blocks, txid, transactions, inputs, outputs
    )


def check_slices(raw: UInt8Array, starts: Int64Array, lengths: Int64Array) -> None:
    """Raise ValueError unless every slice lies inside `raw`; kernels rely on it."""
    if raw.dtype != np.uint8 or starts.dtype != np.int64 or lengths.dtype != np.int64:
        raise ValueError("raw must be uint8, starts and lengths int64")
    if len(starts) != len(lengths):
        raise ValueError("starts and lengths differ in length")
    inside = (starts >= 0) & (lengths >= 0) & (lengths <= len(raw)) & (starts <= len(raw) - lengths)
    if not inside.all():
        raise ValueError(f"slice {int(np.argmin(inside))} reaches outside the buffer")


@kernel
def hash_transactions(
    raw: UInt8Array,
    starts: Int64Array,
    stripped_size: UInt32Array,
    witness_size: UInt32Array,
    out: UInt8Array,
) -> None:
    """Write ids, a stretch of transactions at a time, so that all but `raw` stays in the cache."""
    for first in range(0, len(starts), STRETCH):
        stop = min(first + STRETCH, len(starts))
        length = stripped_size[first:stop].astype(np.int64)
        tail_skip = witness_size[first:stop].astype(np.int64)
        middle_skip = np.minimum(tail_skip, 2)
        order = order_by_blocks(length)
        double_sha256_many(
            raw, starts[first:stop], length, middle_skip, tail_skip, order, out[first:stop]
        )


@kernel
def copy_headers(
    raw: UInt8Array, starts: Int64Array, header: UInt8Array, block_hash: UInt8Array
) -> None:
    """Write headers and their double SHA-256."""
    for block in range(len(starts)):
        start = int(starts[block])
        header[block] = raw[start : start + HEADER_SIZE]
        double_sha256_into(raw, start, HEADER_SIZE, block_hash[block], 0)


def hash_headers(raw: UInt8Array, starts: Int64Array) -> tuple[UInt8Array, UInt8Array]:
    """Return the headers and hashes of blocks."""
    header = np.empty((len(starts), HEADER_SIZE), np.uint8)
    block_hash = np.empty((len(starts), 32), np.uint8)
    copy_headers(raw, starts, header, block_hash)
    return header, block_hash


def header_hashes(header: UInt8Array) -> UInt8Array:
    """Return the block hashes, as stored, of headers of shape (n, 80)."""
    starts = np.arange(len(header), dtype=np.int64) * HEADER_SIZE
    return hash_headers(np.ascontiguousarray(header).reshape(-1), starts)[1]


def check_merkle_roots(
    txid: UInt8Array, first_transaction: Int64Array, header: UInt8Array, block_hash: UInt8Array
) -> None:
    """Raise MalformedBlockError unless every header commits to its block's transactions."""
    roots = np.empty((len(header), 32), np.uint8)
    mutated = np.empty(len(header), np.bool_)
    merkle_roots(txid, first_transaction, roots, mutated)
    stated = header[:, MERKLE_ROOT_AT : MERKLE_ROOT_AT + 32]
    wrong = (roots != stated).any(axis=1)
    bad = wrong | mutated
    if not bad.any():
        return
    block = int(np.argmax(bad))
    fault = (
        f"its header states the merkle root {shown_txid(stated[block].tobytes())}, "
        f"its transactions give {shown_txid(roots[block].tobytes())}"
        if wrong[block]
        else "part of its transaction list is doubled (CVE-2012-2459)"
    )
    name = shown_txid(block_hash[block].tobytes())
    raise MalformedBlockError(
        f"block {block} of the batch, byte {MERKLE_ROOT_AT} (hash {name}): {fault}"
    )


def batch_of(
    raw: UInt8Array,
    header: UInt8Array,
    block_hash: UInt8Array,
    first_transaction: Int64Array,
    blocks: BlockColumns,
    txid: UInt8Array,
    transactions: TransactionColumns,
    inputs: InputColumns,
    outputs: OutputColumns,
) -> BlockBatch:
    """Gather filled columns into a batch."""
    return BlockBatch(
        raw=raw,
        header=header,
        block_hash=block_hash,
        first_transaction=first_transaction,
        coinbase_script_start=blocks.coinbase_script_start,
        coinbase_script_length=blocks.coinbase_script_length,
        coinbase_sequence=blocks.coinbase_sequence,
        txid=txid,
        version=transactions.version,
        locktime=transactions.locktime,
        stripped_size=transactions.stripped_size,
        witness_size=transactions.witness_size,
        first_input=transactions.first_input,
        first_output=transactions.first_output,
        spent_txid=inputs.spent_txid.view(np.uint8),
        spent_vout=inputs.spent_vout,
        sequence=inputs.sequence,
        input_script_start=inputs.script_start,
        input_script_length=inputs.script_length,
        witness_start=inputs.witness_start,
        witness_length=inputs.witness_length,
        value=outputs.value,
        script_type=outputs.script_type,
        payload_start=outputs.payload_start,
        payload_length=outputs.payload_length,
    )
