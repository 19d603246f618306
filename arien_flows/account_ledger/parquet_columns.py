"""The rows of an account ledger as the columns of exported tables."""

from enum import IntEnum

import numpy as np
import pyarrow as pa

from arien_flows.account_ledger.disk_view import DiskAssetFacts
from arien_flows.account_ledger.view import AccountView
from chains.ethereum.tables import (
    NO_ACCOUNT,
    CallCoverage,
    CodeKind,
    EventKind,
    MovementKind,
    OpeningCoverage,
    Ordering,
)
from chains.types import AnyArray, BoolArray, UInt8Array, UInt32Array, UInt64Array
from heuristics.wide import from_ints, to_ints


def part_columns(view: AccountView, table: str, blocks: range) -> list[pa.Array]:
    """Return the rows of a table that stand in some blocks, column by column."""
    first, last = view.blocks.first_transaction[[blocks.start, blocks.stop]].tolist()
    transactions = slice(first, last)
    if table == "blocks":
        return _blocks(view, slice(blocks.start, blocks.stop))
    if table == "transactions":
        return _transactions(view, transactions)
    if table == "assets":
        return _assets(view, first, last)
    offsets = getattr(view.transactions, f"first_{table.removesuffix('s')}")
    rows = slice(int(offsets[first]), int(offsets[last]))
    made = {"movements": _movements, "events": _events, "codes": _codes}
    return made[table](view, rows)


def _blocks(view: AccountView, rows: slice) -> list[pa.Array]:
    it = view.blocks
    first = it.first_transaction[rows.start : rows.stop + 1]
    return [
        pa.array(it.height[rows]),
        _fixed(it.block_hash[rows]),
        _fixed(it.parent_hash[rows]),
        pa.array(it.time[rows]).cast(pa.timestamp("s", tz="UTC")),
        _addresses(view, it.fee_recipient[rows]),
        pa.array(np.diff(first)),
        pa.array(it.calls[rows] == CallCoverage.TRACED),
        pa.array(it.ordering[rows] == Ordering.EXECUTION),
        pa.array(it.openings[rows] == OpeningCoverage.KNOWN),
    ]


def _transactions(view: AccountView, rows: slice) -> list[pa.Array]:
    it = view.transactions
    numbers = np.arange(rows.start, rows.stop, dtype=np.int64)
    return [
        pa.array(numbers),
        pa.array(view.heights_of(numbers)),
        _fixed(it.tx_hash[rows]),
        pa.array(it.tx_kind[rows].astype(np.int16)),
        pa.array(it.succeeded[rows]),
        _addresses(view, it.sender[rows]),
        _addresses(view, it.receiver[rows]),
        pa.array(it.nonce[rows]),
        pa.array(it.selector[rows]),
        pa.array(it.gas_used[rows]),
        pa.array(it.gas_price[rows]),
    ]


def _movements(view: AccountView, rows: slice) -> list[pa.Array]:
    it = view.movements
    amounts = view.amounts.of(rows)
    ids = [view.token_ids.of(row) for row in _token_rows(view, rows)]
    named = np.isin(it.kind[rows], (MovementKind.NFT, MovementKind.MULTI_TOKEN))
    named[named] = [each is not None for each in ids]
    token_id = np.zeros((len(named), 4), np.uint64)
    token_id[named] = from_ints([each for each in ids if each is not None])
    return [
        pa.array(it.transaction[rows].astype(np.int64)),
        _named(it.kind[rows], MovementKind),
        _addresses(view, it.giver[rows]),
        _addresses(view, it.receiver[rows]),
        _addresses(view, view.assets.contract[it.asset[rows]]),
        _wide(amounts),
        pa.array([str(amount) for amount in to_ints(amounts)], pa.string()),
        _wide(token_id, named),
        pa.array(it.log_index[rows]),
    ]


def _token_rows(view: AccountView, rows: slice) -> list[int]:
    kinds = view.movements.kind[rows]
    named = np.isin(kinds, (MovementKind.NFT, MovementKind.MULTI_TOKEN))
    numbers: list[int] = (np.flatnonzero(named) + rows.start).tolist()
    return numbers


def _events(view: AccountView, rows: slice) -> list[pa.Array]:
    it = view.events
    return [
        pa.array(it.transaction[rows].astype(np.int64)),
        _named(it.kind[rows], EventKind),
        pa.array(it.log_index[rows]),
        *(_addresses(view, each[rows]) for each in (it.contract, it.first, it.second, it.third)),
        _fixed(it.word[rows]),
        _wide(it.amount[rows]),
    ]


def _codes(view: AccountView, rows: slice) -> list[pa.Array]:
    it = view.codes
    return [
        pa.array(it.transaction[rows].astype(np.int64)),
        _addresses(view, it.account[rows]),
        _addresses(view, it.creator[rows]),
        _named(it.kind[rows], CodeKind),
        _fixed(it.code_hash[rows]),
        _addresses(view, it.target[rows]),
    ]


def _assets(view: AccountView, first: int, last: int) -> list[pa.Array]:
    """Return the tokens that transactions `[first, last)` bring in, as their contracts claim."""
    facts, offsets = view.asset_facts, view.transactions.first_movement
    assert isinstance(facts, DiskAssetFacts)  # noqa: S101 - only ledgers on disk are exported
    found = facts.stated(int(offsets[first]), int(offsets[last]))
    transactions = [int(view.movements.transaction[each.first_movement]) for each in found]
    heights = [
        None if each.marked is None else int(view.blocks.height[each.marked]) for each in found
    ]
    return [
        _addresses(view, np.array([each.contract for each in found], np.uint32)),
        pa.array(transactions, pa.int64()),
        pa.array([each.symbol for each in found], pa.string()),
        pa.array([each.name for each in found], pa.string()),
        pa.array([each.decimals for each in found], pa.int16()),
        pa.array(heights, pa.int64()),
    ]


def _addresses(view: AccountView, accounts: UInt32Array) -> pa.Array:
    known = accounts != NO_ACCOUNT
    return _fixed(view.addresses[np.where(known, accounts, 0)], known)


def _wide(amounts: UInt64Array, known: BoolArray | None = None) -> pa.Array:
    """Return numbers as 32 bytes, most significant first."""
    raw = np.ascontiguousarray(amounts[:, ::-1].astype(">u8")).view(np.uint8).reshape(-1, 32)
    return _fixed(raw, known)


def _fixed(rows: UInt8Array, known: BoolArray | None = None) -> pa.Array:
    content = pa.py_buffer(np.ascontiguousarray(rows))
    valid = None
    if known is not None and not known.all():
        valid = pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(pa.binary(rows.shape[1]), len(rows), [valid, content])


def _named(values: UInt8Array, kinds: type[IntEnum]) -> pa.Array:
    text = pa.array([kind.name for kind in kinds], pa.string())
    place: AnyArray = np.zeros(256, np.int32)
    place[[int(kind) for kind in kinds]] = np.arange(len(kinds), dtype=np.int32)
    return text.take(pa.array(place[values]))
