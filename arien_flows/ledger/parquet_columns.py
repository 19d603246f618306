"""The rows of a ledger as the columns of an exported table."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from arien_flows.ledger.parquet_schema import LINK_RULES, REVEAL_KINDS, SCRIPT_TYPES
from arien_flows.ledger.parquet_texts import address_texts
from arien_flows.ledger.schema import NO_ADDRESS, Table
from arien_flows.ledger.view import View
from chains.bitcoin.decode import header_hashes
from chains.types import AnyArray, Int64Array, UInt8Array


def part_columns(view: View, table: Table, rows: range) -> list[pa.Array]:
    """Return rows of a table, column by column in the order of `EXPORT_TABLES`.

    Rows of transactions, inputs and outputs have to cover whole blocks.
    """
    return _TABLES[table](view, rows)


def _blocks(view: View, rows: range) -> list[pa.Array]:
    these = slice(rows.start, rows.stop)
    header = np.ascontiguousarray(view.header[these])
    first = view.first_transaction[rows.start : rows.stop + 1]
    return [
        _small(view.block_height[these]),
        _fixed(header_hashes(header)[:, ::-1]),
        _fixed(header),
        _times(view.times_of_blocks(these)),
        _times(view.median_times[these]),
        _number(first[:-1]),
        _small(np.diff(first)),
        _number(view.coinbase_sequence[these]),
        _variable(view.coinbase_script, view.first_coinbase_byte, rows),
    ]


def _transactions(view: View, rows: range) -> list[pa.Array]:
    these = slice(rows.start, rows.stop)
    numbers = np.arange(rows.start, rows.stop, dtype=np.int64)
    blocks = view.blocks_of(numbers)
    return [
        _number(numbers),
        _small(view.block_height[blocks]),
        _small(numbers - view.first_transaction[blocks]),
        _fixed(view.txid[these][:, ::-1]),
        _small(np.diff(view.first_input[rows.start : rows.stop + 1])),
        _small(np.diff(view.first_output[rows.start : rows.stop + 1])),
        _number(view.fee[these]),
        _small(view.version[these]),
        _number(view.locktime[these]),
        _number(view.stripped_size[these]),
        _number(view.witness_size[these]),
    ]


def _inputs(view: View, rows: range) -> list[pa.Array]:
    these = slice(rows.start, rows.stop)
    numbers = np.arange(rows.start, rows.stop, dtype=np.int64)
    owner = view.transactions_of_inputs(numbers)
    return [
        _number(numbers),
        _number(owner),
        _small(numbers - view.first_input[owner]),
        _number(view.spent_output[these]),
        _number(view.input_address[these]),
        _number(view.input_value[these]),
        _number(view.sequence[these]),
        _small(view.sighash[these]),
        _small(view.input_flags[these]),
    ]


def _outputs(view: View, rows: range) -> list[pa.Array]:
    these = slice(rows.start, rows.stop)
    numbers = np.arange(rows.start, rows.stop, dtype=np.int64)
    owner = view.transactions_of_outputs(numbers)
    address, spender = view.output_address[these], view.spenders(numbers)
    return [
        _number(numbers),
        _number(owner),
        _small(numbers - view.first_output[owner]),
        _number(view.output_value[these]),
        pa.array(address.astype(np.int64), pa.int64(), mask=address == NO_ADDRESS),
        pa.array(spender, pa.int64(), mask=spender < 0),
    ]


def _addresses(view: View, rows: range) -> list[pa.Array]:
    return [
        _number(np.arange(rows.start, rows.stop)),
        _named(view.script_type[rows.start : rows.stop], SCRIPT_TYPES),
        _variable(view.payload, view.first_payload_byte, rows),
        address_texts(
            view.script_type[rows.start : rows.stop],
            view.payload,
            view.first_payload_byte[rows.start : rows.stop + 1],
            view.network,
        ),
    ]


def _reveals(view: View, rows: range) -> list[pa.Array]:
    these = slice(rows.start, rows.stop)
    return [
        _number(view.reveal_input[these]),
        _named(view.reveal_kind[these], REVEAL_KINDS),
        _variable(view.revealed, view.first_reveal_byte, rows),
    ]


def _links(view: View, rows: range) -> list[pa.Array]:
    these = slice(rows.start, rows.stop)
    return [
        _number(view.link_transaction[these]),
        _number(view.link_address[these]),
        _number(view.link_earlier[these]),
        _named(view.link_rule[these], LINK_RULES),
    ]


def _op_returns(view: View, rows: range) -> list[pa.Array]:
    return [
        _number(view.op_return_output[rows.start : rows.stop]),
        _variable(view.op_return_data, view.first_op_return_byte, rows),
    ]


def _overwrites(view: View, rows: range) -> list[pa.Array]:
    these = slice(rows.start, rows.stop)
    return [_number(view.overwrite_output[these]), _number(view.overwrite_transaction[these])]


_TABLES: dict[Table, Callable[[View, range], list[pa.Array]]] = {
    "blocks": _blocks,
    "transactions": _transactions,
    "inputs": _inputs,
    "outputs": _outputs,
    "addresses": _addresses,
    "reveals": _reveals,
    "links": _links,
    "op_returns": _op_returns,
    "overwrites": _overwrites,
}


def _number(values: AnyArray) -> pa.Array:
    return pa.array(values.astype(np.int64))


def _small(values: AnyArray) -> pa.Array:
    return pa.array(values.astype(np.int32))


def _times(seconds: Int64Array) -> pa.Array:
    return pa.array(seconds * 1000).cast(pa.timestamp("ms", tz="UTC"))


def _named(values: UInt8Array, names: dict[str, int]) -> pa.Array:
    text = pa.array([*names], pa.string())
    place = np.zeros(256, dtype=np.int32)
    place[[*names.values()]] = np.arange(len(names), dtype=np.int32)
    return text.take(pa.array(place[values]))


def _fixed(rows: UInt8Array) -> pa.Array:
    content = pa.py_buffer(np.ascontiguousarray(rows))
    return pa.Array.from_buffers(pa.binary(rows.shape[1]), len(rows), [None, content])


def _variable(content: UInt8Array, first: Int64Array, rows: range) -> pa.Array:
    """Return a bytes column; a part is small enough for offsets of 32 bits."""
    offsets = first[rows.start : rows.stop + 1]
    buffers = [
        None,
        pa.py_buffer((offsets - offsets[0]).astype(np.int32)),
        pa.py_buffer(np.ascontiguousarray(content[offsets[0] : offsets[-1]])),
    ]
    return pa.Array.from_buffers(pa.binary(), len(rows), buffers)
