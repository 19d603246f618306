"""From a part of a Parquet export to the rows that a ledger appends."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from arien_flows.errors import SourceError
from arien_flows.ledger.append import NewRows
from arien_flows.ledger.numbering import Locks
from arien_flows.ledger.parquet_reading import (
    UnfitRowsError,
    codes,
    ends_of,
    expect_below,
    expect_range,
    matrix,
    numbers,
    plain_column,
    read_part,
    small_numbers,
    words,
)
from arien_flows.ledger.parquet_schema import (
    LINK_RULES,
    REVEAL_KINDS,
    SCRIPT_TYPES,
)
from arien_flows.ledger.schema import NO_ADDRESS, SCHEMA, TABLES, UNSPENT, Table
from arien_flows.ledger.unspent import txid_prefixes
from arien_flows.ledger.view import Counts, View
from chains.bitcoin.script import classify_scripts
from chains.tables import RevealKind, ScriptType
from chains.types import AnyArray, Int64Array, UInt8Array, UInt32Array

Columns = dict[str, AnyArray]

SCRIPT_KINDS = (RevealKind.REDEEM_SCRIPT, RevealKind.WITNESS_SCRIPT)


class PartReader:
    """Reads the parts of an export in their order."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._bytes_before: dict[str, int] = {}
        """Length of each bytes column so far, by the path of its offsets."""

    def rows(self, part: int, base: View, last: Counts) -> NewRows:
        """Return the rows of a part that follows `base` and ends at `last`.

        Raises `SourceError` for rows that do not fit together or into a ledger.
        """
        try:
            tables = {table: read_part(self._directory, table, part) for table in TABLES}
            return self._rows(tables, base, last)
        except UnfitRowsError as error:
            raise SourceError(
                f"part {part} of {self._directory} is not part of a ledger: {error}"
            ) from error

    def _rows(self, tables: dict[Table, pa.Table], base: View, last: Counts) -> NewRows:
        first = base.counts
        for table in TABLES:
            expected = getattr(last, table) - getattr(first, table)
            if tables[table].num_rows != expected:
                raise UnfitRowsError(
                    f"{table} has {tables[table].num_rows} rows instead of {expected}"
                )
        columns: Columns = {}
        columns |= self._chain_columns(tables, first, last)
        columns |= self._address_columns(tables, last)
        columns |= self._other_columns(tables, last)
        columns = {
            column.path: columns[column.path].astype(column.dtype, copy=False) for column in SCHEMA
        }
        return _new_rows(columns, base, last)

    # --- columns

    def _chain_columns(self, tables: dict[Table, pa.Table], first: Counts, last: Counts) -> Columns:
        blocks, transactions = tables["blocks"], tables["transactions"]
        inputs, outputs = tables["inputs"], tables["outputs"]
        expect_range("blocks.height", numbers(blocks, "height"), first.blocks)
        expect_range(
            "transactions.transaction", numbers(transactions, "transaction"), first.transactions
        )
        expect_range("inputs.input", numbers(inputs, "input"), first.inputs)
        expect_range("outputs.output", numbers(outputs, "output"), first.outputs)
        address = numbers(outputs, "address", missing=NO_ADDRESS)
        known = address[address != NO_ADDRESS]
        expect_below("outputs.address", known, last.addresses)
        expect_below("inputs.address", numbers(inputs, "address"), last.addresses)
        expect_below("inputs.spent_output", numbers(inputs, "spent_output"), last.outputs)
        return {
            "blocks/header": matrix(blocks, "header"),
            "blocks/height": numbers(blocks, "height"),
            "blocks/first_transaction": ends_of(
                "blocks.transaction_count", numbers(blocks, "transaction_count"),
                first.transactions, last.transactions,
            ),
            "blocks/coinbase_sequence": words(blocks, "coinbase_sequence"),
            **self._bytes(
                blocks, "coinbase_script", "blocks/first_coinbase_byte", "blocks/coinbase_script"
            ),
            "transactions/txid": np.ascontiguousarray(matrix(transactions, "txid")[:, ::-1]),
            "transactions/first_input": ends_of(
                "transactions.input_count", numbers(transactions, "input_count"),
                first.inputs, last.inputs,
            ),
            "transactions/first_output": ends_of(
                "transactions.output_count", numbers(transactions, "output_count"),
                first.outputs, last.outputs,
            ),
            "transactions/fee": numbers(transactions, "fee_sat"),
            "transactions/version": numbers(transactions, "version"),
            "transactions/locktime": words(transactions, "locktime"),
            "transactions/stripped_size": words(transactions, "stripped_size"),
            "transactions/witness_size": words(transactions, "witness_size"),
            "inputs/spent_output": numbers(inputs, "spent_output"),
            "inputs/sequence": words(inputs, "sequence"),
            "inputs/address": numbers(inputs, "address"),
            "inputs/value": numbers(inputs, "value_sat"),
            "inputs/sighash": small_numbers(inputs, "sighash"),
            "inputs/flags": small_numbers(inputs, "flags"),
            "outputs/value": numbers(outputs, "value_sat"),
            "outputs/address": address,
            # Who spends them is told by the inputs of this and later parts.
            "outputs/spender": np.full(len(address), UNSPENT, dtype=np.uint32),
        }  # fmt: skip

    def _address_columns(self, tables: dict[Table, pa.Table], last: Counts) -> Columns:
        addresses, links = tables["addresses"], tables["links"]
        start = last.addresses - addresses.num_rows
        expect_range("addresses.address", numbers(addresses, "address"), start)
        expect_below("links.transaction", numbers(links, "transaction"), last.transactions)
        expect_below("links.address", numbers(links, "address"), last.addresses)
        expect_below("links.earlier_address", numbers(links, "earlier_address"), last.addresses)
        return {
            "addresses/script_type": codes(addresses, "script_type", SCRIPT_TYPES),
            **self._bytes(
                addresses, "payload", "addresses/first_payload_byte", "addresses/payload"
            ),
            "links/transaction": numbers(links, "transaction"),
            "links/address": numbers(links, "address"),
            "links/earlier": numbers(links, "earlier_address"),
            "links/rule": codes(links, "rule", LINK_RULES),
        }

    def _other_columns(self, tables: dict[Table, pa.Table], last: Counts) -> Columns:
        reveals, data = tables["reveals"], tables["op_returns"]
        voided = tables["overwrites"]
        expect_below("reveals.input", numbers(reveals, "input"), last.inputs)
        expect_below("op_returns.output", numbers(data, "output"), last.outputs)
        expect_below("overwrites.output", numbers(voided, "output"), last.outputs)
        expect_below("overwrites.transaction", numbers(voided, "transaction"), last.transactions)
        return {
            "reveals/input": numbers(reveals, "input"),
            "reveals/kind": codes(reveals, "kind", REVEAL_KINDS),
            **self._bytes(reveals, "revealed", "reveals/first_byte", "reveals/revealed"),
            "op_returns/output": numbers(data, "output"),
            **self._bytes(data, "data", "op_returns/first_byte", "op_returns/data"),
            "overwrites/output": numbers(voided, "output"),
            "overwrites/transaction": numbers(voided, "transaction"),
        }

    def _bytes(self, table: pa.Table, name: str, offsets_path: str, path: str) -> Columns:
        """Return a bytes column and the ends of its rows, counted from the ledger's beginning."""
        column = plain_column(table, name)
        _, offsets, content = column.buffers()
        if not len(column):
            return {offsets_path: np.empty(0, np.int64), path: np.empty(0, np.uint8)}
        ends = np.frombuffer(offsets, dtype=np.int32, offset=4 * column.offset)
        ends = ends[: len(column) + 1].astype(np.int64)
        before = self._bytes_before.get(path, 0)
        self._bytes_before[path] = before + int(ends[-1] - ends[0])
        return {
            offsets_path: ends[1:] - ends[0] + before,
            path: np.frombuffer(content or b"", dtype=np.uint8)[ends[0] : ends[-1]],
        }


# --- what is derived


def _new_rows(columns: Columns, base: View, last: Counts) -> NewRows:
    first = base.counts
    first_input = np.append(first.inputs, columns["transactions/first_input"])
    spending = np.repeat(
        np.arange(first.transactions, last.transactions, dtype=np.int64), np.diff(first_input)
    )
    voided = columns["overwrites/output"]
    older = voided < first.outputs
    voided_sat = int(base.output_value[voided[older]].sum()) + int(
        columns["outputs/value"][voided[~older] - first.outputs].sum()
    )
    paid_sat = int(columns["outputs/value"].sum())
    reveal_rows, reveal_keys = _reveal_keys(columns, first)
    return NewRows(
        columns=columns,
        before=first,
        counts=last,
        spent_output=np.concatenate([columns["inputs/spent_output"], voided]),
        spender=np.concatenate([spending.astype(np.uint32), columns["overwrites/transaction"]]),
        id_keys=txid_prefixes(columns["transactions/txid"]),
        lock_keys=_lock_keys(columns),
        reveal_keys=reveal_keys,
        reveal_rows=reveal_rows,
        unspent_sat=paid_sat - int(columns["inputs/value"].sum()) - voided_sat,
    )


def _lock_keys(columns: Columns) -> Int64Array:
    start, length = _stretches(
        columns["addresses/first_payload_byte"], columns["addresses/payload"]
    )
    return Locks(
        source=columns["addresses/payload"],
        script_type=columns["addresses/script_type"],
        start=start,
        length=length,
    ).keys()


def _stretches(ends: Int64Array, content: UInt8Array) -> tuple[Int64Array, Int64Array]:
    """Return where each row of a bytes column starts in the part's own bytes, and its length."""
    ends = ends - (int(ends[-1]) - len(content) if len(ends) else 0)
    length = np.diff(ends, prepend=0)
    return ends - length, length


def _reveal_keys(columns: Columns, first: Counts) -> tuple[UInt32Array, Int64Array]:
    """Return the rows of revealed scripts that name a class of locks, and their index keys."""
    source = columns["reveals/revealed"]
    start, length = _stretches(columns["reveals/first_byte"], source)
    rows = np.flatnonzero(np.isin(columns["reveals/kind"], SCRIPT_KINDS))
    kind, inner_start, inner_length = classify_scripts(source, start[rows], length[rows])
    named = kind != ScriptType.OP_RETURN
    scripts = Locks(
        source=source,
        script_type=kind[named],
        start=inner_start[named],
        length=inner_length[named],
    )
    return (rows[named] + first.reveals).astype(np.uint32), scripts.keys()
