"""The transactions of an account, page by page, each with what it moved for that account.

Strangers write into the history of any account: transfers of nothing, of tokens that pose as
others, of crumbs from an address that looks like a partner's. Transactions that do nothing else
for the account are passed over, unless all are asked for, and each page counts those that it
passed over. What the account sent itself is always shown.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.dust import hidden_rows
from arien_flows.account_ledger.positions import same_id
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_workspace import AccountReading
from arien_flows.amounts import asset_of
from arien_flows.answers.account_facts import Shapes, account_sighting, text_of
from arien_flows.answers.account_movements import MovementAnswer, movement_answers, summed
from arien_flows.answers.history import Order, make_cursor, read_cursor
from arien_flows.errors import InputError, NotFoundError, StaleCursorError
from arien_flows.shapes import Certainty, ChainAnswer, Shape
from chains.types import Int64Array

MAX_MOVEMENTS = 50
"""Movements shown of one transaction; `tx` shows all."""

SECOND = "."
"""Ends a cursor that names the second system transaction of a block."""

CHUNK = 1_024
"""Transactions looked at together for what is to be hidden."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHistoryRow(Shape):
    """What one transaction does to an account."""

    txid: str
    """Transaction id; the block's hash for what moved outside any transaction."""

    height: int
    """Height of its block."""

    time: datetime
    """The time that the block's header states."""

    succeeded: bool
    """Whether it took effect; one that failed moved nothing but gas."""

    sender: str | None
    """Who sent it; nothing for what moved outside any transaction."""

    receiver: str | None
    """What it was sent to, or the contract that it created."""

    selector: str | None
    """First four bytes of what it was sent with, which name the function that was called."""

    received: str
    """What it paid the account of the coin, in base units."""

    sent: str
    """What it took from the account of the coin, gas included."""

    movements: tuple[MovementAnswer, ...]
    """Movements that the account took part in, in order; gas is one, or two."""

    movement_count: int
    """How many there are, those counted that are not shown."""

    hidden: bool
    """Whether it is dust or poison, shown because all were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHistoryAnswer(ChainAnswer):
    """A page of the transactions that touch an account."""

    network: str
    """Name of the network."""

    address: str
    """With its checksum (EIP-55)."""

    asset: str
    """The native coin, which `received` and `sent` count."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    certainty: Certainty
    """Always `fact`."""

    items: tuple[AccountHistoryRow, ...]
    """The transactions, in the order that was asked for."""

    hidden: int
    """Transactions that were passed over on this page, since strangers made them to be seen."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""


def account_history_answer(
    reading: AccountReading,
    text: str,
    *,
    limit: int,
    order: Order = "newest",
    cursor: str | None = None,
    show_all: bool = False,
) -> AccountHistoryAnswer:
    """Return a page of an account's transactions after the one that `cursor` names."""
    view = reading.view
    account = view.find_account(text)
    left = _after(view, account, order, cursor)
    page = _Page(view, account, show_all=show_all)
    more = page.take(left, limit)
    shapes = Shapes(view)
    rows = tuple(
        _row(view, account, transaction, rows, shapes, hidden=hidden)
        for transaction, rows, hidden in page.taken
    )
    coin = asset_of(view.network.name)
    return AccountHistoryAnswer(
        as_of=view.as_of(),
        complete=not reading.limits,
        truncations=reading.limits,
        network=view.network.name,
        address=view.account_text(account),
        asset=coin.name,
        decimals=coin.decimals,
        certainty="fact",
        items=rows,
        hidden=page.passed_over,
        next_cursor=_make_cursor(view, order, page.taken[-1][0]) if more else None,
    )


class _Page:
    """The transactions of a page, with the account's movements in each."""

    def __init__(self, view: AccountView, account: int, *, show_all: bool) -> None:
        self._view = view
        self._account = account
        self._show_all = show_all
        self._rows = view.index.movements_of(account, None)
        self._first = view.transactions.first_movement
        self.taken: list[tuple[int, Int64Array, bool]] = []
        self.passed_over = 0

    def take(self, transactions: Int64Array, limit: int) -> bool:
        """Take at most `limit` transactions in the order given; tell whether there are more.

        What is passed over behind the last one taken is counted on the next page, if there is one.
        """
        waiting = 0
        for start in range(0, len(transactions), CHUNK):
            chunk = transactions[start : start + CHUNK]
            for transaction, rows, hidden in self._looked_at(chunk):
                if hidden and not self._show_all:
                    waiting += 1
                    continue
                if len(self.taken) == limit:
                    return True
                self.taken.append((transaction, rows, hidden))
                self.passed_over, waiting = self.passed_over + waiting, 0
        self.passed_over += waiting
        return False

    def _looked_at(self, chunk: Int64Array) -> list[tuple[int, Int64Array, bool]]:
        begin = np.searchsorted(self._rows, self._first[chunk])
        stop = np.searchsorted(self._rows, self._first[chunk + 1])
        parts = [self._rows[low:high] for low, high in zip(begin, stop, strict=True)]
        hidden = hidden_rows(self._view, np.concatenate(parts))
        ends = np.cumsum([0, *map(len, parts)])
        sent = self._view.transactions.sender[chunk] == self._account
        return [
            (transaction, part, bool(len(part) and hidden[low:high].all() and not is_sender))
            for transaction, part, low, high, is_sender in zip(
                chunk.tolist(), parts, ends[:-1], ends[1:], sent.tolist(), strict=True
            )
        ]


def _row(
    view: AccountView,
    account: int,
    transaction: int,
    rows: Int64Array,
    shapes: Shapes,
    *,
    hidden: bool,
) -> AccountHistoryRow:
    seen = account_sighting(view, transaction)
    received, sent = summed(view, account, rows, NATIVE)
    selector = int(view.transactions.selector[transaction])
    return AccountHistoryRow(
        txid=seen.txid,
        height=seen.height,
        time=seen.time,
        succeeded=bool(view.transactions.succeeded[transaction]),
        sender=text_of(view, int(view.transactions.sender[transaction])),
        receiver=text_of(view, int(view.transactions.receiver[transaction])),
        selector=f"0x{selector:08x}" if selector else None,
        received=str(received),
        sent=str(sent),
        movements=movement_answers(view, rows[:MAX_MOVEMENTS], shapes),
        movement_count=len(rows),
        hidden=hidden,
    )


def _after(view: AccountView, account: int, order: Order, cursor: str | None) -> Int64Array:
    """Return the transactions that are left after a cursor, in the order of the list."""
    found = view.index.transactions_of(account)
    if cursor is None:
        return found[::-1] if order == "newest" else found
    wanted = _read_cursor(view, order, cursor)
    place = int(np.searchsorted(found, wanted))
    if place == len(found) or int(found[place]) != wanted:
        raise InputError("the cursor belongs to another list: use it where it came from")
    return found[:place][::-1] if order == "newest" else found[place + 1 :]


def _make_cursor(view: AccountView, order: Order, transaction: int) -> str:
    """Return a cursor; one letter more tells the second of two rows that share an id."""
    cursor = make_cursor(order, view.transaction_text(transaction))
    return cursor + SECOND if same_id(view, transaction)[0] != transaction else cursor


def _read_cursor(view: AccountView, order: Order, cursor: str) -> int:
    text = read_cursor(order, cursor.removesuffix(SECOND))
    try:
        named = same_id(view, view.find_transaction(text))
    except NotFoundError as error:
        raise StaleCursorError(
            f"the cursor names transaction 0x{text}, which a reorganisation removed: "
            "start again without a cursor"
        ) from error
    return named[-1] if cursor.endswith(SECOND) else named[0]
