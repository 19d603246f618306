"""A ledger of accounts as it was when an earlier block was its last.

Rows stand in chain order and numbers in order of first appearance, so an earlier state is the same
arrays, cut short, and an index that forgets what lies past the cut. Nothing is copied. Totals are
summed anew from the movements that are left. What a token is known to be (its name, its decimals,
whether it conserves) is today's.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np

from arien_flows.account_ledger.disk_view import total_of
from arien_flows.account_ledger.view import (
    AccountCounts,
    AccountIndex,
    AccountTotals,
    AccountView,
    Amounts,
)
from arien_flows.errors import InputError
from chains.ethereum.tables import NO_ACCOUNT
from chains.types import Int64Array, UInt32Array

Columns = TypeVar("Columns", bound=NamedTuple)


def accounts_as_of(view: AccountView, height: int) -> AccountView:
    """Return the state of a ledger that ends with the block at `height`.

    It is the view itself where that block is the last one. `InputError` where the ledger does not
    hold the block.
    """
    first = int(view.blocks.height[0]) if view.counts.blocks else 0
    if not first <= height <= view.tip.height:
        raise InputError(
            f"the ledger of {view.network.name} holds blocks {first:,} to {view.tip.height:,}, "
            f"and not block {height:,}"
        )
    if height == view.tip.height:
        return view
    counts = _counts(view, height - first + 1)
    blocks = _cut(view.blocks, counts.blocks, "first_transaction")
    transactions = _cut(
        view.transactions, counts.transactions, "first_movement", "first_event", "first_code"
    )
    movements = _cut(view.movements, counts.movements)
    return replace(
        view,
        counts=counts,
        blocks=blocks,
        transactions=transactions,
        movements=movements,
        events=_cut(view.events, counts.events),
        codes=_cut(view.codes, counts.codes),
        assets=_cut(view.assets, counts.assets),
        addresses=view.addresses[: counts.accounts],
        index=_EarlierIndex(
            view.index, counts, view.amounts, movements.giver, movements.receiver, movements.asset
        ),
    )


def _counts(view: AccountView, blocks: int) -> AccountCounts:
    transactions = int(view.blocks.first_transaction[blocks])
    movements = int(view.transactions.first_movement[transactions])
    events = int(view.transactions.first_event[transactions])
    codes = int(view.transactions.first_code[transactions])
    assets = 1 + int(view.movements.asset[:movements].max(initial=0))
    sent, moved, told, put = view.transactions, view.movements, view.events, view.codes
    named = (
        view.blocks.fee_recipient[:blocks],
        *(column[:transactions] for column in (sent.sender, sent.receiver)),
        *(column[:movements] for column in (moved.giver, moved.receiver)),
        *(column[:events] for column in (told.contract, told.first, told.second, told.third)),
        *(column[:codes] for column in (put.account, put.creator, put.target)),
        view.assets.contract[:assets],
    )
    return AccountCounts(
        blocks=blocks,
        transactions=transactions,
        movements=movements,
        events=events,
        codes=codes,
        accounts=1 + max(int(_real(column).max(initial=0)) for column in named),
        assets=assets,
    )


def _real(column: UInt32Array) -> UInt32Array:
    found: UInt32Array = column[column != NO_ACCOUNT]
    return found


def _cut(columns: Columns, rows: int, *offsets: str) -> Columns:
    """Return the first rows of a table; columns of offsets have one element more."""
    parts = {
        name: column[: rows + (name in offsets)]
        for name, column in zip(columns._fields, columns, strict=True)
    }
    return columns._replace(**parts)


@dataclass(frozen=True, slots=True)
class _EarlierIndex:
    """An index that forgets what lies past a block."""

    whole: AccountIndex
    counts: AccountCounts
    amounts: Amounts
    giver: UInt32Array
    receiver: UInt32Array
    asset: UInt32Array

    def find_account(self, address: bytes) -> int | None:
        return _below(self.whole.find_account(address), self.counts.accounts)

    def find_transaction(self, tx_hash: bytes) -> int | None:
        return _below(self.whole.find_transaction(tx_hash), self.counts.transactions)

    def find_asset(self, contract: int) -> int | None:
        return _below(self.whole.find_asset(contract), self.counts.assets)

    def movements_of(self, account: int, asset: int | None) -> Int64Array:
        return _until(self.whole.movements_of(account, asset), self.counts.movements)

    def assets_of(self, account: int) -> UInt32Array:
        found: UInt32Array = np.unique(self.asset[self.movements_of(account, None)])
        return found

    def has_moved(self, account: int, asset: int) -> bool:
        return bool(len(self.movements_of(account, asset)))

    def transactions_of(self, account: int) -> Int64Array:
        return _until(self.whole.transactions_of(account), self.counts.transactions)

    def events_of(self, account: int) -> Int64Array:
        return _until(self.whole.events_of(account), self.counts.events)

    def codes_of(self, account: int) -> Int64Array:
        return _until(self.whole.codes_of(account), self.counts.codes)

    def totals(self, account: int, asset: int) -> AccountTotals:
        rows = self.movements_of(account, asset)
        return AccountTotals(
            movements=len(rows),
            received=self._sum(rows, self.receiver, account),
            sent=self._sum(rows, self.giver, account),
            first_movement=int(rows[0]) if len(rows) else -1,
            last_movement=int(rows[-1]) if len(rows) else -1,
        )

    def _sum(self, rows: Int64Array, side: UInt32Array, account: int) -> int:
        return total_of(self.amounts.of(rows[side[rows] == account]))


def _below(number: int | None, count: int) -> int | None:
    return None if number is None or number >= count else number


def _until(rows: Int64Array, count: int) -> Int64Array:
    found: Int64Array = rows[: int(np.searchsorted(rows, count))]
    return found
