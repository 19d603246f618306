"""The rows of each table that a batch adds, once its addresses, spends and reveals are known."""

from dataclasses import dataclass

import numpy as np

from arien_flows.ledger.links import Links
from arien_flows.ledger.numbering import Locks, gather_bytes
from arien_flows.ledger.view import Counts, View
from chains.tables import BlockBatch, ScriptType, SpendFacts
from chains.types import AnyArray, BoolArray, Int64Array, UInt8Array, UInt32Array


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedAddresses:
    """The address numbers of a batch and the locks that are new."""

    of_outputs: UInt32Array
    of_externals: UInt32Array
    new_locks: Locks
    new_keys: Int64Array
    new_transaction: Int64Array
    """Batch-local transaction in which each new lock appears first."""

    new_related: Int64Array
    """Lowest number of a lock of each new lock's class in the ledger, -1 where there is none."""

    new_maybe: BoolArray
    """False where the ledger certainly holds nothing of a new lock's class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spends:
    """What the inputs of a batch spend."""

    output: Int64Array
    value: Int64Array
    address: UInt32Array
    overwritten: Int64Array
    """Rows (output, batch-local transaction) of what repeated coinbase ids void."""

    spender: UInt32Array
    """Per output of the batch, the number of the transaction of the batch that spends or voids it,
    or `UNSPENT`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReveals:
    """What a batch reveals for the first time."""

    input: Int64Array
    kind: UInt8Array
    start: Int64Array
    length: Int64Array
    script_rows: Int64Array
    """Which of them are scripts behind a hash, and so name a class of locks."""

    scripts: Locks
    script_keys: Int64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Everything that was found out about a batch."""

    heights: UInt32Array
    fee: Int64Array
    addresses: NumberedAddresses
    spends: Spends
    facts: SpendFacts
    reveals: NewReveals
    links: Links


def new_columns(batch: BlockBatch, base: View, known: Known) -> dict[str, AnyArray]:
    """Return the new elements of each column by its path; offsets without their first entry."""
    counts = base.counts
    columns = (
        _block_columns(batch, known.heights)
        | _transaction_columns(batch, known.fee)
        | _input_columns(batch, known.spends, known.facts)
        | _output_columns(batch, known.addresses, known.spends)
        | _address_columns(batch, known.addresses)
        | _reveal_columns(batch, counts, known.reveals)
        | _link_columns(known.links)
        | _op_return_columns(batch, counts)
        | _overwrite_columns(counts, known.spends)
    )
    _shift_offsets(columns, base)
    return columns


def _ends(lengths: Int64Array) -> Int64Array:
    return np.cumsum(lengths, dtype=np.int64)


def _block_columns(batch: BlockBatch, heights: UInt32Array) -> dict[str, AnyArray]:
    return {
        "blocks/header": batch.header,
        "blocks/height": heights,
        "blocks/first_transaction": batch.first_transaction[1:],
        "blocks/coinbase_sequence": batch.coinbase_sequence,
        "blocks/first_coinbase_byte": _ends(batch.coinbase_script_length),
        "blocks/coinbase_script": gather_bytes(
            batch.raw, batch.coinbase_script_start, batch.coinbase_script_length
        ),
    }


def _transaction_columns(batch: BlockBatch, fee: Int64Array) -> dict[str, AnyArray]:
    return {
        "transactions/txid": batch.txid,
        "transactions/first_input": batch.first_input[1:],
        "transactions/first_output": batch.first_output[1:],
        "transactions/fee": fee,
        "transactions/version": batch.version,
        "transactions/locktime": batch.locktime,
        "transactions/stripped_size": batch.stripped_size,
        "transactions/witness_size": batch.witness_size,
    }


def _input_columns(batch: BlockBatch, spends: Spends, facts: SpendFacts) -> dict[str, AnyArray]:
    return {
        "inputs/spent_output": spends.output,
        "inputs/sequence": batch.sequence,
        "inputs/address": spends.address,
        "inputs/value": spends.value,
        "inputs/sighash": facts.sighash,
        "inputs/flags": facts.flags,
    }


def _output_columns(
    batch: BlockBatch, addresses: NumberedAddresses, spends: Spends
) -> dict[str, AnyArray]:
    return {
        "outputs/value": batch.value,
        "outputs/address": addresses.of_outputs,
        "outputs/spender": spends.spender,
    }


def _address_columns(batch: BlockBatch, addresses: NumberedAddresses) -> dict[str, AnyArray]:
    new = addresses.new_locks
    return {
        "addresses/script_type": new.script_type,
        "addresses/first_payload_byte": _ends(new.length),
        "addresses/payload": gather_bytes(batch.raw, new.start, new.length),
    }


def _reveal_columns(batch: BlockBatch, counts: Counts, reveals: NewReveals) -> dict[str, AnyArray]:
    return {
        "reveals/input": reveals.input + counts.inputs,
        "reveals/kind": reveals.kind,
        "reveals/first_byte": _ends(reveals.length),
        "reveals/revealed": gather_bytes(batch.raw, reveals.start, reveals.length),
    }


def _link_columns(links: Links) -> dict[str, AnyArray]:
    return {
        "links/transaction": links.transaction,
        "links/address": links.address,
        "links/earlier": links.earlier,
        "links/rule": links.rule,
    }


def _op_return_columns(batch: BlockBatch, counts: Counts) -> dict[str, AnyArray]:
    rows = np.flatnonzero(batch.script_type == ScriptType.OP_RETURN)
    length = batch.payload_length[rows]
    return {
        "op_returns/output": rows.astype(np.int64) + counts.outputs,
        "op_returns/first_byte": _ends(length),
        "op_returns/data": gather_bytes(batch.raw, batch.payload_start[rows], length),
    }


def _overwrite_columns(counts: Counts, spends: Spends) -> dict[str, AnyArray]:
    return {
        "overwrites/output": spends.overwritten[:, 0].copy(),
        "overwrites/transaction": (spends.overwritten[:, 1] + counts.transactions).astype(
            np.uint32
        ),
    }


def _shift_offsets(columns: dict[str, AnyArray], base: View) -> None:
    """Turn batch-local offsets into those of the ledger."""
    for path, last in (
        ("blocks/first_transaction", base.first_transaction),
        ("blocks/first_coinbase_byte", base.first_coinbase_byte),
        ("transactions/first_input", base.first_input),
        ("transactions/first_output", base.first_output),
        ("addresses/first_payload_byte", base.first_payload_byte),
        ("reveals/first_byte", base.first_reveal_byte),
        ("op_returns/first_byte", base.first_op_return_byte),
    ):
        columns[path] = columns[path] + last[-1]
