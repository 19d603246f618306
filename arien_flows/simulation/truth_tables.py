"""The truth as Parquet tables, written beside the block files.

- `owners.parquet`, a row for each owner: role, wallet, name (null for people without one).
- `addresses.parquet`, a row for each address: script_type, payload, text, owner, party, form,
  flags, first_transaction.
- `transactions.parquet`, a row for each transaction in chain order: txid, height, kind, sender.
- `outputs.parquet`, a row for each output in chain order: transaction, vout, value_sat, address,
  purpose, is_change, party, spent_by.
- `joint.parquet`, a row for each transaction that several owners sign: transaction, txid, kind,
  participants, caught_by, must_fail.

Owners, addresses and transactions are named by the number of their row, from 0.
Roles, wallets, forms, purposes and kinds are the numbers of the enumerations in `roles` and
`wallets`. `txid` is as the chain stores it, not reversed. -1 stands for "none": no sender (several
sign, or a coinbase), no address (`OP_RETURN`), no party, never spent, never paid. `is_change`
marks what comes back to a spender as the rest of a payment; consolidations and sweeps have none.
`text` is null in chains of more than 20,000 transactions. `caught_by` names the published shapes
that the transaction has; `must_fail` names the rule that must go wrong on it, and is empty where
none must.
Genesis is in no table.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from arien_flows.simulation.address_book import AddressBook
from arien_flows.simulation.plan import Plan
from arien_flows.simulation.roles import JOINT_KINDS, UNDETECTABLE_KINDS, Kind
from arien_flows.simulation.vendors import Vendor, owner_name
from arien_flows.simulation.wallets import SCRIPT_TYPE_OF_FORM
from chains.types import Int32Array, Int64Array, UInt8Array

LARGEST_WITH_TEXT = 20_000
"""Transactions of the longest chain whose addresses are all written as text."""

CHUNK = 1 << 18
"""Rows written at a time."""

CAUGHT_BY = {
    Kind.EQUAL_OUTPUTS: ["definite", "joinmarket"],
    Kind.FIVE_BY_FIVE: ["whirlpool"],
    Kind.DENOMINATIONS: ["wasabi2"],
    Kind.PAYJOIN: [],
    Kind.JOINT_PAYMENT: [],
}
"""Shapes of the algorithm specification, section 2, that each joint kind has."""

TXID = pa.binary(32)


def heights(plan: Plan) -> Int32Array:
    """Return the height of each transaction."""
    sizes = np.diff(plan.first_transaction[1:])
    return np.repeat(np.arange(1, len(sizes) + 1, dtype=np.int32), sizes)


def makers(plan: Plan) -> Int32Array:
    """Return the transaction that made each coin."""
    outputs = np.diff(plan.transactions["first_output"])
    return np.repeat(np.arange(plan.transaction_count, dtype=np.int32), outputs)


def spenders(plan: Plan) -> Int32Array:
    """Return the transaction that spends each coin; -1 for unspent ones."""
    inputs = np.diff(plan.transactions["first_input"])
    spender = np.full(len(plan.coins), -1, dtype=np.int32)
    spender[plan.inputs] = np.repeat(np.arange(plan.transaction_count, dtype=np.int32), inputs)
    return spender


def _chunks(rows: int) -> Iterator[slice]:
    for first in range(0, rows, CHUNK):
        yield slice(first, min(rows, first + CHUNK))


def _write(path: Path, schema: pa.Schema, batches: Iterator[list[pa.Array]]) -> None:
    """Write record batches; dictionaries only cost time on columns that hardly repeat."""
    with pq.ParquetWriter(path, schema, use_dictionary=False, compression="lz4") as writer:
        for arrays in batches:
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))


def _txids(rows: UInt8Array) -> pa.Array:
    """Return txids, shape (n, 32), as a column without copying them one by one."""
    flat = np.ascontiguousarray(rows)
    return pa.FixedSizeBinaryArray.from_buffers(TXID, len(flat), [None, pa.py_buffer(flat)])


def write_owners(plan: Plan, vendors: dict[int, Vendor], path: Path) -> None:
    """Write `owners.parquet`."""
    schema = pa.schema([("role", pa.int8()), ("wallet", pa.int8()), ("name", pa.string())])
    names = [owner_name(vendors, owner) for owner in range(len(plan.owners))]
    arrays = [
        pa.array(plan.owners["role"].astype(np.int8)),
        pa.array(plan.owners["wallet"].astype(np.int8)),
        pa.array(names, type=pa.string()),
    ]
    _write(path, schema, iter([arrays]))


def write_addresses(plan: Plan, book: AddressBook, path: Path) -> None:
    """Write `addresses.parquet`."""
    schema = pa.schema(
        [
            ("script_type", pa.uint8()),
            ("payload", pa.binary()),
            ("text", pa.string()),
            *((name, pa.int32()) for name in ("owner", "party")),
            *((name, pa.int8()) for name in ("form", "flags")),
            ("first_transaction", pa.int32()),
        ]
    )
    with_text = plan.transaction_count <= LARGEST_WITH_TEXT

    def batches() -> Iterator[list[pa.Array]]:
        for rows in _chunks(len(plan.addresses)):
            part = plan.addresses[rows]
            texts = [book.text(i) if with_text else None for i in range(rows.start, rows.stop)]
            yield [
                pa.array(SCRIPT_TYPE_OF_FORM[part["form"]]),
                _payloads(book, rows.start, rows.stop),
                pa.array(texts, type=pa.string()),
                *(pa.array(np.ascontiguousarray(part[n])) for n in ("owner", "party")),
                *(pa.array(np.ascontiguousarray(part[n])) for n in ("form", "flags")),
                pa.array(book.first_transaction[rows]),
            ]

    _write(path, schema, batches())


def _payloads(book: AddressBook, first: int, stop: int) -> pa.Array:
    """Return the payloads of the addresses `[first, stop)`."""
    start = book.keyring.payload_start[first : stop + 1]
    content = pa.py_buffer(book.keyring.payload[start[0] : start[-1]])
    offsets = pa.py_buffer((start - start[0]).astype(np.int32))
    return pa.BinaryArray.from_buffers(pa.binary(), stop - first, [None, offsets, content])


def write_transactions(plan: Plan, txid: UInt8Array, path: Path) -> None:
    """Write `transactions.parquet`."""
    schema = pa.schema(
        [("txid", TXID), ("height", pa.int32()), ("kind", pa.int8()), ("sender", pa.int32())]
    )
    height = heights(plan)

    def batches() -> Iterator[list[pa.Array]]:
        for rows in _chunks(plan.transaction_count):
            part = plan.transactions[rows]
            yield [
                _txids(txid[rows]),
                pa.array(height[rows]),
                pa.array(np.ascontiguousarray(part["kind"])),
                pa.array(np.ascontiguousarray(part["sender"])),
            ]

    _write(path, schema, batches())


def write_outputs(plan: Plan, path: Path) -> None:
    """Write `outputs.parquet`."""
    schema = pa.schema(
        [
            *((name, pa.int32()) for name in ("transaction", "vout")),
            ("value_sat", pa.int64()),
            *(("address", pa.int32()), ("purpose", pa.int8()), ("is_change", pa.bool_())),
            *((name, pa.int32()) for name in ("party", "spent_by")),
        ]
    )
    maker, spender = makers(plan), spenders(plan)

    def batches() -> Iterator[list[pa.Array]]:
        for rows in _chunks(len(plan.coins)):
            part = plan.coins[rows]
            first = plan.transactions["first_output"][maker[rows]]
            yield [
                pa.array(maker[rows]),
                pa.array(np.arange(rows.start, rows.stop, dtype=np.int32) - first),
                *(pa.array(np.ascontiguousarray(part[n])) for n in ("value_sat", "address")),
                pa.array(np.ascontiguousarray(part["purpose"])),
                pa.array(part["is_change"].astype(np.bool_)),
                pa.array(np.ascontiguousarray(part["party"])),
                pa.array(spender[rows]),
            ]

    _write(path, schema, batches())


def joint_transactions(plan: Plan) -> Int64Array:
    """Return the transactions that several owners sign."""
    kinds = np.array(JOINT_KINDS, dtype=np.int8)
    return np.flatnonzero(np.isin(plan.transactions["kind"][:-1], kinds))


def participants(plan: Plan, transactions: Int64Array) -> pa.ListArray:
    """Return the owners of each transaction's inputs, each once, ascending."""
    first = plan.transactions["first_input"][transactions].astype(np.int64)
    count = plan.transactions["first_input"][transactions + 1] - first
    start = np.cumsum(count) - count
    rows = np.repeat(first - start, count) + np.arange(count.sum())
    owner = plan.addresses["owner"][plan.coins["address"][plan.inputs[rows]]]
    place = np.repeat(np.arange(len(transactions)), count)
    order = np.lexsort((owner, place))
    owner, place = owner[order], place[order]
    is_new = np.ones(len(owner), dtype=np.bool_)
    is_new[1:] = (owner[1:] != owner[:-1]) | (place[1:] != place[:-1])
    ends = np.cumsum(np.bincount(place[is_new], minlength=len(transactions)))
    offsets = np.concatenate(([0], ends)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(owner[is_new]))


def write_joint(plan: Plan, txid: UInt8Array, path: Path) -> None:
    """Write `joint.parquet`."""
    schema = pa.schema(
        [
            *(("transaction", pa.int32()), ("txid", TXID), ("kind", pa.int8())),
            ("participants", pa.list_(pa.int32())),
            *(("caught_by", pa.list_(pa.string())), ("must_fail", pa.string())),
        ]
    )
    numbers = joint_transactions(plan)
    # One entry for each kind, taken by number; other kinds stay empty.
    caught_by = pa.array(
        [CAUGHT_BY.get(kind) for kind in Kind], type=schema.field("caught_by").type
    )
    must_fail = pa.array(
        ["multi_input" if kind in UNDETECTABLE_KINDS else "" for kind in Kind], type=pa.string()
    )

    def batches() -> Iterator[list[pa.Array]]:
        for rows in _chunks(len(numbers)):
            part = numbers[rows]
            kinds = pa.array(plan.transactions["kind"][part])
            yield [
                pa.array(part.astype(np.int32)),
                _txids(txid[part]),
                kinds,
                participants(plan, part).cast(schema.field("participants").type),
                caught_by.take(kinds),
                must_fail.take(kinds),
            ]

    _write(path, schema, batches())
