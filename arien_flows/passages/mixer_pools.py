"""Pools of fixed amounts, recognised by what they do: what went in and what came out.

A pool is a contract that tells of deposits and withdrawals as Tornado Cash does, and that each
deposit pays the same amount of the same asset. That is asked of the ledger, and of no list of
addresses, so that copies of such pools are found too; who runs one is a matter of tags. What a
contract tells is only believed as far as money moved with it.

Who deposited is the sender of the transaction (of an account contract, that account): a router or
proxy in between is nobody. A withdrawal names its recipient, and the relayer that was paid for
sending it, if any; the recipient gets the pool's amount less that fee.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from arien_flows.account_ledger.columns import NULL_ACCOUNT
from arien_flows.account_ledger.view import AccountView
from arien_flows.passages.legs import NOBODY, owners_of
from chains.ethereum.tables import EventKind, MovementKind, TransactionKind
from chains.types import Int64Array
from heuristics.mixer_links import Deposit, Withdrawal
from heuristics.wide import to_ints

_OWN_PRICE = (TransactionKind.LEGACY, TransactionKind.ACCESS_LIST)
"""Their senders name the whole price of gas."""

LEAST_AGREED = 90
"""Percent of a contract's deposits that pay the amount of a pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One pool."""

    account: int
    asset: int
    amount: int
    """What each deposit pays, in base units."""


@dataclass(frozen=True, kw_only=True)
class Pools:
    """All pools of a view, with what went in and came out."""

    view: AccountView

    @cached_property
    def by_account(self) -> dict[int, Pool]:
        """Return the pools; contracts whose deposits do not agree in amount are none.

        Anybody can pay a pool something besides his deposit, and that must not hide the pool. So
        its amount is what nearly all deposits paid, whatever else some of them did. Deposits whose
        payment is not seen (a router made it, and the ledger has no traces) are not asked.
        """
        rows = np.flatnonzero(self.view.events.kind == EventKind.MIXER_DEPOSIT)
        paid: dict[int, Counter[tuple[int, int]]] = {}
        asked: Counter[int] = Counter()
        for row in rows.tolist():
            pool = int(self.view.events.contract[row])
            pairs = self._paid(row, pool)
            paid.setdefault(pool, Counter()).update(pairs)
            asked[pool] += bool(pairs)
        pools = {}
        for pool, seen in paid.items():
            agreed = [
                pair for pair, count in seen.items() if 100 * count >= LEAST_AGREED * asked[pool]
            ]
            if len(agreed) == 1:
                pools[pool] = Pool(account=pool, asset=agreed[0][0], amount=agreed[0][1])
        return pools

    def _paid(self, event: int, pool: int) -> set[tuple[int, int]]:
        """Return what a deposit's transaction paid its pool: assets and amounts."""
        view, transaction = self.view, int(self.view.events.transaction[event])
        start, stop = view.transactions.first_movement[transaction : transaction + 2].tolist()
        rows = np.arange(start, stop)
        kinds = (MovementKind.CALL, MovementKind.TOKEN)
        mine = (view.movements.receiver[rows] == pool) & np.isin(view.movements.kind[rows], kinds)
        rows = rows[mine]
        assets = view.movements.asset[rows].tolist()
        amounts = to_ints(view.amounts.of(rows))
        return {pair for pair in zip(assets, amounts, strict=True) if pair[1]}

    @cached_property
    def deposits(self) -> tuple[Deposit, ...]:
        """Return all deposits in chain order."""
        return tuple(self._deposit(row) for row in self._rows(EventKind.MIXER_DEPOSIT))

    @cached_property
    def withdrawals(self) -> tuple[Withdrawal, ...]:
        """Return all withdrawals in chain order."""
        return tuple(self._withdrawal(row) for row in self._rows(EventKind.MIXER_WITHDRAWAL))

    def _rows(self, kind: EventKind) -> Iterable[int]:
        rows = np.flatnonzero(self.view.events.kind == kind)
        known = np.array(sorted(self.by_account), np.int64)
        return [int(row) for row in rows[np.isin(self.view.events.contract[rows], known)]]

    def _deposit(self, row: int) -> Deposit:
        view, transaction = self.view, int(self.view.events.transaction[row])
        height, time = self._when(transaction)
        owners = owners_of(view, transaction)
        return Deposit(
            number=row,
            pool=int(view.events.contract[row]),
            account=owners[0],
            order=row,
            time=time,
            height=height,
            gas_price=self._own_price(transaction),
        )

    def _withdrawal(self, row: int) -> Withdrawal:
        view, transaction = self.view, int(self.view.events.transaction[row])
        height, time = self._when(transaction)
        recipient = int(view.events.first[row])
        alone = int(view.transactions.sender[transaction]) == recipient
        return Withdrawal(
            number=row,
            pool=int(view.events.contract[row]),
            account=recipient,
            order=row,
            time=time,
            height=height,
            gas_price=self._own_price(transaction)
            if alone and relayer_of(view, row) is None
            else None,
        )

    def _when(self, transaction: int) -> tuple[int, int]:
        rows: Int64Array = np.array([transaction])
        return int(self.view.heights_of(rows)[0]), int(self.view.times_of(rows)[0])

    def _own_price(self, transaction: int) -> int | None:
        if int(self.view.transactions.tx_kind[transaction]) not in _OWN_PRICE:
            return None
        return int(self.view.transactions.gas_price[transaction])


def relayer_of(view: AccountView, withdrawal: int) -> int | None:
    """Return who was paid for sending a withdrawal; nothing where nobody was."""
    relayer = int(view.events.second[withdrawal])
    return None if relayer in (NULL_ACCOUNT, NOBODY) else relayer
