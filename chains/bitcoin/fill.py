"""The second of two passes over serialised blocks: write the columns.

It reads only what `parse` has checked, so it checks nothing. Columns come in named tuples of
arrays, one for each kind of row; their meanings are those of `chains.tables.BlockBatch`.
"""

from typing import NamedTuple

import numpy as np

from chains.bitcoin.hashing import byte_at
from chains.bitcoin.parse import HEADER_SIZE, is_null_outpoint, read_i64, read_u32
from chains.bitcoin.script import MULTISIG, NONSTANDARD, classify_by_shape, is_multisig
from chains.room import Room
from chains.types import Int32Array, Int64Array, UInt8Array, UInt32Array
from heuristics.jit import kernel, kernel_part


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

    spent_txid: Int64Array
    """As four little-endian numbers: bytes are not copied one by one."""

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


@kernel_part
def read_size(raw: UInt8Array, at: int) -> tuple[int, int]:
    """Return the compact size at `at`, which was checked before, and where it ends."""
    first = byte_at(raw, at)
    if first < 0xFD:
        return first, at + 1
    if first == 0xFD:
        return byte_at(raw, at + 1) | byte_at(raw, at + 2) << 8, at + 3
    return read_u32(raw, at + 1), at + 5


@kernel
def fill_transactions(
    raw: UInt8Array,
    starts: Int64Array,
    counts: Int64Array,
    transactions: TransactionColumns,
    inputs: InputColumns,
    outputs: OutputColumns,
    row: int,
) -> None:
    """Write all rows of checked transactions: at each of `starts`, `counts` in sequence.

    The first is transaction `row`; its inputs and outputs go where `first_input[row]` and
    `first_output[row]` say, and the next entries of both are written.

    This is one function on purpose. In functions of their own its loops would cost more than
    their work: the many arrays are counted as used before, and released after each.
    """
    spent_txid, spent_vout, sequence = inputs.spent_txid, inputs.spent_vout, inputs.sequence
    script_start, script_length = inputs.script_start, inputs.script_length
    witness_start, witness_length = inputs.witness_start, inputs.witness_length
    value, script_type = outputs.value, outputs.script_type
    payload_start, payload_length = outputs.payload_start, outputs.payload_length
    next_input = int(transactions.first_input[row])
    next_output = int(transactions.first_output[row])
    for run in range(len(starts)):
        at = int(starts[run])
        for _ in range(counts[run]):
            start = at
            transactions.start[row] = start
            version = read_u32(raw, at)
            transactions.version[row] = version - (1 << 32) if version >= 1 << 31 else version
            at += 4
            witness = byte_at(raw, at) == 0
            if witness:
                at += 2
            first_input = next_input
            count, at = read_size(raw, at)
            if count == 1 and is_null_outpoint(raw, at):
                size, at = read_size(raw, at + 36)
                at += size + 4
            else:
                for _input in range(count):
                    spent_txid[next_input, 0] = read_i64(raw, at)
                    spent_txid[next_input, 1] = read_i64(raw, at + 8)
                    spent_txid[next_input, 2] = read_i64(raw, at + 16)
                    spent_txid[next_input, 3] = read_i64(raw, at + 24)
                    spent_vout[next_input] = read_u32(raw, at + 32)
                    size, at = read_size(raw, at + 36)
                    script_start[next_input] = at
                    script_length[next_input] = size
                    at += size
                    sequence[next_input] = read_u32(raw, at)
                    at += 4
                    witness_start[next_input] = at
                    witness_length[next_input] = 0
                    next_input += 1
            count, at = read_size(raw, at)
            for _output in range(count):
                value[next_output] = read_i64(raw, at)
                size, at = read_size(raw, at + 8)
                kind, payload, length = classify_by_shape(raw, at, size)
                if kind == NONSTANDARD and is_multisig(raw, at, size):
                    kind = MULTISIG
                script_type[next_output] = kind
                payload_start[next_output] = payload
                payload_length[next_output] = length
                at += size
                next_output += 1
            added = 0
            if witness:
                stacks = at
                # A coinbase has a witness too, but no row.
                for i in range(first_input, max(next_input, first_input + 1)):
                    stack = at
                    count, at = read_size(raw, at)
                    for _item in range(count):
                        size, at = read_size(raw, at)
                        at += size
                    if i < next_input:
                        witness_start[i] = stack
                        witness_length[i] = at - stack
                added = at - stacks + 2
            transactions.locktime[row] = read_u32(raw, at)
            at += 4
            transactions.witness_size[row] = added
            transactions.stripped_size[row] = at - start - added
            row += 1
            transactions.first_input[row] = next_input
            transactions.first_output[row] = next_output


@kernel
def fill_blocks(
    raw: UInt8Array,
    starts: Int64Array,
    first_transaction: Int64Array,
    body_start: Int64Array,
    blocks: BlockColumns,
) -> None:
    """Write the rows of blocks that `check_blocks` has accepted, and where transactions begin.

    `first_transaction` and `body_start` are written: the first row, and the place in `raw`, of
    the transactions of each block.
    """
    row = 0
    for block in range(len(starts)):
        first_transaction[block] = row
        count, at = read_size(raw, int(starts[block]) + HEADER_SIZE)
        row += count
        body_start[block] = at
        coinbase = at + 6 if byte_at(raw, at + 4) == 0 else at + 4
        size, script = read_size(raw, coinbase + 37)
        blocks.coinbase_script_start[block] = script
        blocks.coinbase_script_length[block] = size
        blocks.coinbase_sequence[block] = read_u32(raw, script + size)
    first_transaction[len(starts)] = row


def new_columns(
    transactions: int, inputs: int, outputs: int
) -> tuple[TransactionColumns, InputColumns, OutputColumns]:
    """Return empty columns of these sizes; the first child offsets are 0.

    They are cut from one allocation (see `Room`).
    """
    room = Room(40 * transactions + 16 + 72 * inputs + 25 * outputs, arrays=18)
    columns = TransactionColumns(
        start=room.take(np.int64, transactions),
        version=room.take(np.int32, transactions),
        locktime=room.take(np.uint32, transactions),
        stripped_size=room.take(np.uint32, transactions),
        witness_size=room.take(np.uint32, transactions),
        first_input=room.take(np.int64, transactions + 1),
        first_output=room.take(np.int64, transactions + 1),
    )
    columns.first_input[0] = 0
    columns.first_output[0] = 0
    return (
        columns,
        InputColumns(
            spent_txid=room.take(np.int64, 4 * inputs).reshape(inputs, 4),
            spent_vout=room.take(np.uint32, inputs),
            sequence=room.take(np.uint32, inputs),
            script_start=room.take(np.int64, inputs),
            script_length=room.take(np.int64, inputs),
            witness_start=room.take(np.int64, inputs),
            witness_length=room.take(np.int64, inputs),
        ),
        OutputColumns(
            value=room.take(np.int64, outputs),
            script_type=room.take(np.uint8, outputs),
            payload_start=room.take(np.int64, outputs),
            payload_length=room.take(np.int64, outputs),
        ),
    )
