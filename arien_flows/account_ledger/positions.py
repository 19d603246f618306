"""Movements by the names that people use: a transaction's id and a place in it.

What moves outside any transaction bears the hash of its block, and a block may have two such
*system transactions*, one before all others and one after. They share the id, so places count
through both: first what was there before the block, then what came of it.
"""

import numpy as np

from arien_flows.account_ledger.view import AccountView
from chains.types import Int64Array


def same_id(view: AccountView, transaction: int) -> tuple[int, ...]:
    """Return the rows that bear a transaction's id, ascending: itself, but for system rows."""
    if not view.is_system(transaction):
        return (transaction,)
    block = int(view.blocks_of(np.array([transaction], np.int64))[0])
    first, stop = view.blocks.first_transaction[block : block + 2].tolist()
    return tuple(row for row in dict.fromkeys((first, stop - 1)) if view.is_system(row))


def rows_of_id(view: AccountView, transaction: int) -> Int64Array:
    """Return the movements that bear a transaction's id, in the order of their places."""
    first = view.transactions.first_movement
    parts = [np.arange(first[row], first[row + 1]) for row in same_id(view, transaction)]
    return np.concatenate(parts).astype(np.int64)


def positions_of(view: AccountView, rows: Int64Array) -> Int64Array:
    """Return the place of each movement among those that bear its transaction's id."""
    moved = view.movements.transaction[rows].astype(np.int64)
    first = view.transactions.first_movement
    places: Int64Array = rows - first[moved]
    for transaction in np.unique(moved).tolist():
        earlier = [row for row in same_id(view, transaction) if row < transaction]
        places[moved == transaction] += sum(int(first[it + 1] - first[it]) for it in earlier)
    return places
