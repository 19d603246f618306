"""The second of two passes over serialised blocks: write the columns.

It reads only what `parse` has checked, so it checks nothing. Columns come in named tuples of
arrays, one for each kind of row; their meanings are those of `chains.tables.BlockBatch`. Rows are
appended, so each function takes the row to write and returns the next.
"""

from typing import NamedTuple

import numpy as np

from chains.bitcoin.hashing import byte_at
from chains.bitcoin.parse import HEADER_SIZE, is_null_outpoint, read_i64, read_u32
from chains.bitcoin.script import classify
from chains.types import Int32Array, Int64Array, UInt8Array, UInt32Array
from heuristics.jit import kernel


class BlockColumns(NamedTuple):
    """Facts of blocks, filled by `fill_block` (meanings: `chains.tables.BlockBatch`)."""

    coinbase_script_start: Int64Array
    coinbase_script_length: Int64Array
    coinbase_sequence: UInt32Array


class TransactionColumns(NamedTuple):
    """Facts of transactions, and where each starts in `raw`."""

    start: Int64Array
    version: Int32Array
    locktime: UInt32Array
    stripped_size: UInt32Array
    witness_size: UInt32Array
    first_input: Int64Array
    first_output: Int64Array


class InputColumns(NamedTuple):
    """Facts of inputs, without those of coinbases."""

    spent_txid: UInt8Array
    spent_vout: UInt32Array
    sequence: UInt32Array
    script_start: Int64Array
    script_length: Int64Array
    witness_start: Int64Array
    witness_length: Int64Array


class OutputColumns(NamedTuple):
    """Facts of outputs."""

    value: Int64Array
    script_type: UInt8Array
    payload_start: Int64Array
    payload_length: Int64Array


@kernel
def read_size(raw: UInt8Array, at: int) -> tuple[int, int]:
    """Return the compact size at `at`, which was checked before, and where it ends."""
    first = byte_at(raw, at)
    if first < 0xFD:
        return first, at + 1
    if first == 0xFD:
        return byte_at(raw, at + 1) | byte_at(raw, at + 2) << 8, at + 3
    return read_u32(raw, at + 1), at + 5


@kernel
def skip_witness(raw: UInt8Array, at: int) -> int:
    """Return where the witness stack at `at` ends."""
    items, at = read_size(raw, at)
    for _ in range(items):
        size, at = read_size(raw, at)
        at += size
    return at


@kernel
def fill_outputs(raw: UInt8Array, at: int, columns: OutputColumns, row: int) -> tuple[int, int]:
    """Write an output list from `row` on; return where it ends and the next row."""
    outputs, at = read_size(raw, at)
    for _ in range(outputs):
        columns.value[row] = read_i64(raw, at)
        size, at = read_size(raw, at + 8)
        kind, start, length = classify(raw, at, size)
        columns.script_type[row] = kind
        columns.payload_start[row] = start
        columns.payload_length[row] = length
        at += size
        row += 1
    return at, row


@kernel
def fill_inputs(
    raw: UInt8Array, at: int, inputs: int, columns: InputColumns, row: int
) -> tuple[int, int]:
    """Write `inputs` inputs, without a witness, from `row` on; return their end and next row."""
    for _ in range(inputs):
        for k in range(32):
            columns.spent_txid[row, k] = raw[at + k]
        columns.spent_vout[row] = read_u32(raw, at + 32)
        size, at = read_size(raw, at + 36)
        columns.script_start[row] = at
        columns.script_length[row] = size
        at += size
        columns.sequence[row] = read_u32(raw, at)
        columns.witness_start[row] = at + 4
        columns.witness_length[row] = 0
        at += 4
        row += 1
    return at, row


@kernel
def fill_transaction(
    raw: UInt8Array,
    at: int,
    transactions: TransactionColumns,
    inputs: InputColumns,
    outputs: OutputColumns,
    row: int,
) -> int:
    """Write one transaction and its rows; return where it ends.

    The rows of inputs and outputs start where `first_input[row]` and `first_output[row]` say;
    the next entries of both are written.
    """
    start = at
    transactions.start[row] = start
    version = read_u32(raw, at)
    transactions.version[row] = version - (1 << 32) if version >= 1 << 31 else version
    at += 4
    witness = raw[at] == 0
    if witness:
        at += 2
    count, at = read_size(raw, at)
    first_input = int(transactions.first_input[row])
    next_input = first_input
    if count == 1 and is_null_outpoint(raw, at):
        size, at = read_size(raw, at + 36)
        at += size + 4
    else:
        at, next_input = fill_inputs(raw, at, count, inputs, first_input)
    transactions.first_input[row + 1] = next_input
    at, next_output = fill_outputs(raw, at, outputs, int(transactions.first_output[row]))
    transactions.first_output[row + 1] = next_output
    added = 0
    if witness:
        stacks = at
        for i in range(first_input, next_input):
            inputs.witness_start[i] = at
            at = skip_witness(raw, at)
            inputs.witness_length[i] = at - inputs.witness_start[i]
        if first_input == next_input:
            at = skip_witness(raw, at)
        added = at - stacks + 2
    transactions.locktime[row] = read_u32(raw, at)
    at += 4
    transactions.witness_size[row] = added
    transactions.stripped_size[row] = at - start - added
    return at


@kernel
def fill_blocks(
    raw: UInt8Array,
    starts: Int64Array,
    first_transaction: Int64Array,
    blocks: BlockColumns,
    transactions: TransactionColumns,
    inputs: InputColumns,
    outputs: OutputColumns,
) -> None:
    """Write all rows of blocks that `check_blocks` has accepted, and `first_transaction`."""
    row = 0
    for block in range(len(starts)):
        first_transaction[block] = row
        count, at = read_size(raw, int(starts[block]) + HEADER_SIZE)
        coinbase = at + 6 if raw[at + 4] == 0 else at + 4
        size, script = read_size(raw, coinbase + 37)
        blocks.coinbase_script_start[block] = script
        blocks.coinbase_script_length[block] = size
        blocks.coinbase_sequence[block] = read_u32(raw, script + size)
        for _ in range(count):
            at = fill_transaction(raw, at, transactions, inputs, outputs, row)
            row += 1
    first_transaction[len(starts)] = row


@kernel
def fill_transactions(
    raw: UInt8Array,
    starts: Int64Array,
    transactions: TransactionColumns,
    inputs: InputColumns,
    outputs: OutputColumns,
) -> None:
    """Write all rows of transactions that `check_transactions` has accepted."""
    for row in range(len(starts)):
        fill_transaction(raw, int(starts[row]), transactions, inputs, outputs, row)


def new_columns(
    transactions: int, inputs: int, outputs: int
) -> tuple[TransactionColumns, InputColumns, OutputColumns]:
    """Return empty columns of these sizes; the first child offsets are 0."""
    columns = TransactionColumns(
        start=np.empty(transactions, np.int64),
        version=np.empty(transactions, np.int32),
        locktime=np.empty(transactions, np.uint32),
        stripped_size=np.empty(transactions, np.uint32),
        witness_size=np.empty(transactions, np.uint32),
        first_input=np.empty(transactions + 1, np.int64),
        first_output=np.empty(transactions + 1, np.int64),
    )
    columns.first_input[0] = 0
    columns.first_output[0] = 0
    return (
        columns,
        InputColumns(
            spent_txid=np.empty((inputs, 32), np.uint8),
            spent_vout=np.empty(inputs, np.uint32),
            sequence=np.empty(inputs, np.uint32),
            script_start=np.empty(inputs, np.int64),
            script_length=np.empty(inputs, np.int64),
            witness_start=np.empty(inputs, np.int64),
            witness_length=np.empty(inputs, np.int64),
        ),
        OutputColumns(
            value=np.empty(outputs, np.int64),
            script_type=np.empty(outputs, np.uint8),
            payload_start=np.empty(outputs, np.int64),
            payload_length=np.empty(outputs, np.int64),
        ),
    )
