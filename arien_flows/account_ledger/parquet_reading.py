"""The parts of an export as batches of blocks."""

from collections.abc import Iterator
from enum import IntEnum
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from arien_flows.account_ledger.parquet_schema import EXPORT_TABLES, arrow_schema, part_path
from chains.ethereum.tables import (
    NO_ACCOUNT,
    AccountBatch,
    CallCoverage,
    CodeKind,
    EventKind,
    MovementKind,
    Ordering,
)
from chains.types import AnyArray, BoolArray, Int64Array, UInt8Array, UInt32Array, UInt64Array

_ACCOUNTS = {
    "blocks": ("fee_recipient",),
    "transactions": ("sender", "receiver"),
    "movements": ("giver", "receiver", "contract"),
    "events": ("contract", "first", "second", "third"),
    "codes": ("account", "creator", "target"),
}

Known = tuple[bool, bool, bool]
"""Whether calls, the order inside transactions, and opening balances are known."""


def read_table(directory: Path, table: str, part: int) -> pa.Table:
    """Return a table's rows of one part."""
    return pq.read_table(directory / part_path(table, part), schema=arrow_schema(table))


class ExportedPart:
    """One part of an export, in memory."""

    def __init__(self, directory: Path, part: int) -> None:
        self._tables = {table: read_table(directory, table, part) for table in EXPORT_TABLES}

    def stretches(self) -> Iterator[tuple[range, Known]]:
        """Yield stretches of blocks with what is known of all of them alike."""
        blocks = self._tables["blocks"]
        names = ("calls_known", "order_known", "openings_known")
        flags = list(zip(*(blocks[name].to_pylist() for name in names), strict=True))
        for known, rows in groupby(range(len(flags)), key=lambda row: flags[row]):
            of = list(rows)
            yield range(of[0], of[-1] + 1), known

    def batch(self, blocks: range, calls: CallCoverage, ordering: Ordering) -> AccountBatch:
        """Return blocks as a source delivers them."""
        it = self._cut(blocks)
        address, places = _addresses(it)
        transactions, movements, events = it["transactions"], it["movements"], it["events"]
        first = int(transactions["transaction"][0].as_py()) if transactions.num_rows else 0
        token_id, named = _wide(movements["token_id"])

        def offsets(table: str) -> Int64Array:
            owner = _numbers(it[table]["transaction"]) - first
            counts = np.bincount(owner, minlength=transactions.num_rows)
            return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

        return AccountBatch(
            address=address,
            height=_numbers(it["blocks"]["height"]),
            block_hash=_bytes(it["blocks"]["block_hash"])[0],
            parent_hash=_bytes(it["blocks"]["parent_hash"])[0],
            time=_numbers(it["blocks"]["time"].cast(pa.int64())),
            fee_recipient=places["blocks", "fee_recipient"],
            first_transaction=np.concatenate(
                [[0], np.cumsum(_numbers(it["blocks"]["transactions"]))]
            ).astype(np.int64),
            tx_hash=_bytes(transactions["tx_hash"])[0],
            tx_kind=_numbers(transactions["type"]).astype(np.uint8),
            succeeded=_numbers(transactions["succeeded"]).astype(np.bool_),
            sender=places["transactions", "sender"],
            receiver=places["transactions", "receiver"],
            nonce=_numbers(transactions["nonce"]),
            selector=_numbers(transactions["selector"]),
            # What a failed transaction would have moved is not kept in ledgers.
            value=np.zeros((transactions.num_rows, 4), np.uint64),
            gas_used=_numbers(transactions["gas_used"]),
            gas_price=_numbers(transactions["gas_price"]),
            first_movement=offsets("movements"),
            first_event=offsets("events"),
            first_code=offsets("codes"),
            kind=_kinds(movements["kind"], MovementKind),
            giver=places["movements", "giver"],
            gets=places["movements", "receiver"],
            asset=places["movements", "contract"],
            amount=_wide(movements["amount"])[0],
            log_index=_numbers(movements["log_index"]),
            token_row=np.flatnonzero(named),
            token_id=token_id[named],
            event_kind=_kinds(events["kind"], EventKind),
            event_log_index=_numbers(events["log_index"]),
            contract=places["events", "contract"],
            first=places["events", "first"],
            second=places["events", "second"],
            third=places["events", "third"],
            word=_bytes(events["word"])[0],
            event_amount=_wide(events["amount"])[0],
            code_account=places["codes", "account"],
            code_creator=places["codes", "creator"],
            code_kind=_kinds(it["codes"]["kind"], CodeKind),
            code_hash=_bytes(it["codes"]["code_hash"])[0],
            code_target=places["codes", "target"],
            calls=calls,
            ordering=ordering,
        )

    def _cut(self, blocks: range) -> dict[str, pa.Table]:
        """Return the rows of all tables that stand in some blocks of the part."""
        it = self._tables
        ends = np.concatenate([[0], np.cumsum(_numbers(it["blocks"]["transactions"]))])
        first, last = int(ends[blocks.start]), int(ends[blocks.stop])
        found = {
            "blocks": it["blocks"].slice(blocks.start, len(blocks)),
            "transactions": it["transactions"].slice(first, last - first),
        }
        numbers = _numbers(it["transactions"]["transaction"])
        begun = int(numbers[0]) if len(numbers) else 0
        for table in ("movements", "events", "codes"):
            owner = _numbers(it[table]["transaction"])
            start, stop = np.searchsorted(owner, [begun + first, begun + last]).tolist()
            found[table] = it[table].slice(start, stop - start)
        return found


def _addresses(
    it: dict[str, pa.Table],
) -> tuple[UInt8Array, dict[tuple[str, str], UInt32Array]]:
    """Return the addresses of all columns, each once, and their places."""
    columns = [(table, name) for table, names in _ACCOUNTS.items() for name in names]
    read = [_bytes(it[table][name]) for table, name in columns]
    whole = np.concatenate([rows[known] for rows, known in read])
    unique, inverse = np.unique(
        np.ascontiguousarray(whole).view("V20").reshape(-1), return_inverse=True
    )
    places, start = {}, 0
    for column, (rows, known) in zip(columns, read, strict=True):
        count = int(known.sum())
        found = np.full(len(rows), NO_ACCOUNT)
        found[known] = inverse[start : start + count]
        places[column], start = found, start + count
    return unique.view(np.uint8).reshape(-1, 20), places


def _numbers(column: pa.ChunkedArray) -> AnyArray:
    found: AnyArray = column.to_numpy()
    return found


def _bytes(column: pa.ChunkedArray) -> tuple[UInt8Array, BoolArray]:
    """Return a column of fixed width as rows of bytes, and which of them are there."""
    width = column.type.byte_width
    known: BoolArray = column.is_valid().to_numpy().astype(np.bool_)
    whole = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    raw = whole.fill_null(bytes(width)).buffers()[1]
    rows = np.frombuffer(raw, np.uint8) if raw is not None else np.empty(0, np.uint8)
    start = whole.fill_null(bytes(width)).offset * width
    return rows[start : start + len(known) * width].reshape(-1, width), known


def _wide(column: pa.ChunkedArray) -> tuple[UInt64Array, BoolArray]:
    """Return numbers of 32 bytes in limbs, lowest first, and which of them are there."""
    rows, known = _bytes(column)
    limbs = np.ascontiguousarray(rows).view(">u8").reshape(-1, 4)[:, ::-1]
    return np.ascontiguousarray(limbs.astype(np.uint64)), known


def _kinds(column: pa.ChunkedArray, kinds: type[IntEnum]) -> UInt8Array:
    names = [kind.name for kind in kinds]
    found = pc.index_in(column, pa.array(names)).to_numpy()
    values: UInt8Array = np.array([int(kind) for kind in kinds], np.uint8)[found]
    return values
