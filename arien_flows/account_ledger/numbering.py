"""In which order a batch brings its accounts in.

A batch lists its addresses in whatever order its source met them. The ledger numbers accounts by
their first appearance in the chain, so that the same blocks give the same numbers however they
were cut into batches: in a block the fee recipient comes first, then its transactions one after
the other, each with its sender and receiver, its movements, its events and its codes.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from chains.ethereum.tables import NO_ACCOUNT, AccountBatch
from chains.types import Int64Array, UInt32Array

_ROW_BITS = 31
_SLOT_BITS = 2
_TABLE_BITS = 3
MOST_TRANSACTIONS = 1 << (63 - _TABLE_BITS - _ROW_BITS - _SLOT_BITS)
"""Of one batch: 134 million."""


def owners(first: Int64Array) -> Int64Array:
    """Return the row that each child row belongs to, by the offsets of the parents."""
    return np.repeat(np.arange(len(first) - 1, dtype=np.int64), np.diff(first))


class Appearance(NamedTuple):
    """The addresses of a batch, in order of first appearance."""

    place: Int64Array
    """In the batch's list of addresses."""

    block: Int64Array
    """Of the batch; the last one for an address that is listed and does not occur."""


def appearance(batch: AccountBatch) -> Appearance:
    """Return the addresses of a batch in the order in which the chain meets them."""
    first: Int64Array = np.full(len(batch.address), np.iinfo(np.int64).max, np.int64)
    for place, account in _places(batch):
        known = account != NO_ACCOUNT
        np.minimum.at(first, account[known], place[known])
    order = np.argsort(first, kind="stable").astype(np.int64)
    return Appearance(order, _blocks(batch, first[order]))


def _blocks(batch: AccountBatch, place: Int64Array) -> Int64Array:
    """Return the blocks of places; that of a fee recipient is its row."""
    inside = place >> _SLOT_BITS
    row = inside & ((1 << _ROW_BITS) - 1)
    table = inside >> _ROW_BITS & ((1 << _TABLE_BITS) - 1)
    transaction = inside >> (_ROW_BITS + _TABLE_BITS)
    owner = np.searchsorted(batch.first_transaction[1:], transaction, side="right")
    blocks: Int64Array = np.where(table == 0, row, owner).astype(np.int64)
    return np.minimum(blocks, max(batch.block_count - 1, 0))


def _places(batch: AccountBatch) -> Iterator[tuple[Int64Array, UInt32Array]]:
    """Yield columns of accounts with places that compare as the chain runs."""
    blocks = batch.first_transaction[:-1]
    transactions = np.arange(batch.transaction_count, dtype=np.int64)
    moved, told = owners(batch.first_movement), owners(batch.first_event)
    coded = owners(batch.first_code)
    tables: tuple[tuple[Int64Array, tuple[UInt32Array, ...]], ...] = (
        (blocks, (batch.fee_recipient,)),
        (transactions, (batch.sender, batch.receiver)),
        (moved, (batch.giver, batch.gets, batch.asset)),
        (told, (batch.contract, batch.first, batch.second, batch.third)),
        (coded, (batch.code_account, batch.code_creator, batch.code_target)),
    )
    for table, (transaction, columns) in enumerate(tables):
        row = np.arange(len(transaction), dtype=np.int64)
        place = ((transaction << _TABLE_BITS | table) << _ROW_BITS | row) << _SLOT_BITS
        for slot, column in enumerate(columns):
            yield place | slot, column
