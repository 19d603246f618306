"""From rows to the canonical tables: everything in its order, every account once.

Accounts are numbered by their first occurrence when the batch is read block by block, transaction
by transaction. So two ways of cutting a chain into batches, or two sources that tell the same,
give every account the same number in a ledger that takes them in order.
"""

from dataclasses import dataclass, fields

import numpy as np

from chains.ethereum.decode.rows import (
    AddressPool,
    BlockRows,
    CodeRows,
    EventRows,
    MoveRows,
    SystemRows,
    TransactionRows,
    coin_moves,
    joined,
    unique_rows,
)
from chains.ethereum.tables import (
    NO_ACCOUNT,
    AccountBatch,
    CallCoverage,
    Ordering,
    TransactionKind,
)
from chains.types import AnyArray, BoolArray, Int64Array, UInt32Array

_ACCOUNTS = (
    "sender", "receiver", "giver", "gets", "asset", "contract", "first", "second", "third",
    "code_account", "code_creator", "code_target",
)  # fmt: skip
"""Columns that hold accounts, in the order in which they are read; blocks come before."""

_MOST_COLUMNS = 16
_MOST_ROWS = 1 << 24
"""Of one column in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Everything that is known of consecutive blocks."""

    pool: AddressPool
    blocks: BlockRows
    transactions: TransactionRows
    moves: MoveRows
    """Gas included."""

    events: EventRows
    codes: CodeRows
    system: SystemRows
    calls: CallCoverage
    ordering: Ordering


def assembled(decoded: Decoded) -> AccountBatch:
    """Return the canonical tables."""
    return _Assembly(decoded).batch()


class _Assembly:
    def __init__(self, decoded: Decoded) -> None:
        self._decoded = decoded
        blocks, system = decoded.blocks, decoded.system
        self._block_count = len(blocks.height)
        has = [np.zeros(self._block_count, np.bool_) for _ in range(2)]
        has[0][system.block[system.is_first]] = True
        has[1][system.block[~system.is_first]] = True
        self._has_first, self._has_last = has
        self._place_transactions()

    def _place_transactions(self) -> None:
        """Give every transaction its row among all, system transactions included."""
        blocks = self._decoded.blocks
        own = np.diff(blocks.first_transaction)
        sizes = own + self._has_first + self._has_last
        self._first_transaction = _offsets(sizes)
        start = self._first_transaction[:-1]
        self._block = np.repeat(np.arange(self._block_count), sizes)
        within = np.arange(len(self._decoded.transactions.kind))
        within -= np.repeat(blocks.first_transaction[:-1], own)
        self._row = np.repeat(start + self._has_first, own) + within
        self._first_system = start
        self._last_system = start + sizes - 1
        self._count = int(self._first_transaction[-1])

    def batch(self) -> AccountBatch:
        blocks = self._decoded.blocks
        columns = self._transaction_columns()
        columns |= self._movement_columns()
        columns |= self._event_columns()
        columns |= self._code_columns()
        columns["fee_recipient"] = blocks.fee_recipient
        address = self._number_accounts(columns)
        return AccountBatch(
            address=address,
            height=blocks.height,
            block_hash=blocks.block_hash,
            parent_hash=blocks.parent_hash,
            time=blocks.time,
            first_transaction=self._first_transaction,
            calls=self._decoded.calls,
            ordering=self._decoded.ordering,
            **columns,
        )

    def _transaction_columns(self) -> dict[str, AnyArray]:
        found = self._decoded.transactions
        is_system = np.ones(self._count, np.bool_)
        is_system[self._row] = False
        columns = {}
        for field in fields(found):
            own = getattr(found, field.name)
            whole = np.zeros((self._count, *own.shape[1:]), own.dtype)
            whole[self._row] = own
            columns[field.name] = whole
        del columns["blob_fee"]
        columns["tx_kind"] = columns.pop("kind")
        columns["tx_kind"][is_system] = TransactionKind.SYSTEM
        columns["succeeded"][is_system] = True
        columns["sender"][is_system] = NO_ACCOUNT
        columns["receiver"][is_system] = NO_ACCOUNT
        columns["tx_hash"][is_system] = self._decoded.blocks.block_hash[self._block[is_system]]
        return columns

    def _system_moves(self) -> MoveRows:
        system = self._decoded.system
        rows = np.where(
            system.is_first, self._first_system[system.block], self._last_system[system.block]
        )
        order = np.arange(len(rows))
        return coin_moves(rows, order, system.kind, system.giver, system.gets, system.amount)

    def _movement_columns(self) -> dict[str, AnyArray]:
        own, system = self._decoded.moves, self._system_moves()
        every = joined([own, system])
        transaction = np.concatenate([self._row[own.transaction], system.transaction])
        order = np.lexsort((every.sequence, transaction))
        names = every.names_token[order]
        columns: dict[str, AnyArray] = {
            name: getattr(every, name)[order]
            for name in ("kind", "giver", "gets", "asset", "amount", "log_index")
        }
        columns["token_row"] = np.flatnonzero(names)
        columns["token_id"] = every.token_id[order][names]
        columns["first_movement"] = self._starts(transaction)
        return columns

    def _event_columns(self) -> dict[str, AnyArray]:
        events = self._decoded.events
        transaction = self._row[events.transaction]
        order = np.lexsort((events.log_index, transaction))
        columns: dict[str, AnyArray] = {
            name: getattr(events, name)[order]
            for name in ("contract", "first", "second", "third", "word")
        }
        columns["event_kind"] = events.kind[order]
        columns["event_log_index"] = events.log_index[order]
        columns["event_amount"] = events.amount[order]
        columns["first_event"] = self._starts(transaction)
        return columns

    def _code_columns(self) -> dict[str, AnyArray]:
        codes = self._decoded.codes
        transaction = self._row[codes.transaction]
        order = np.argsort(transaction, kind="stable")
        columns: dict[str, AnyArray] = {
            f"code_{name}": getattr(codes, name)[order]
            for name in ("account", "creator", "kind", "target")
        }
        columns["code_hash"] = codes.code_hash[order]
        columns["first_code"] = self._starts(transaction)
        return columns

    def _starts(self, transaction: Int64Array) -> Int64Array:
        return _offsets(np.bincount(transaction, minlength=self._count))

    def _number_accounts(self, columns: dict[str, AnyArray]) -> AnyArray:
        """Number the accounts of all columns in place, and return their addresses."""
        every = self._decoded.pool.addresses()
        first, place = unique_rows(every)
        keys = self._reading_order(columns)
        earliest = np.full(len(first), np.iinfo(np.int64).max)
        for name, key in keys.items():
            column = columns[name]
            there = _is_there(column)
            np.minimum.at(earliest, place[column[there]], key[there])
        occurring = np.flatnonzero(earliest != np.iinfo(np.int64).max)
        order = occurring[np.argsort(earliest[occurring], kind="stable")]
        number = np.full(len(first), NO_ACCOUNT, np.uint32)
        number[order] = np.arange(len(order)).astype(np.uint32)
        for name in keys:
            column = columns[name]
            there = _is_there(column)
            settled: UInt32Array = np.full(len(column), NO_ACCOUNT, np.uint32)
            settled[there] = number[place[column[there]]]
            columns[name] = settled
        return every[first[order]]

    def _reading_order(self, columns: dict[str, AnyArray]) -> dict[str, Int64Array]:
        """Return for each column of accounts when each of its rows is read."""
        # Blocks and transactions share one count, so that a block comes before its transactions.
        moment = np.arange(self._count) + self._block + 1
        block_moment = self._first_transaction[:-1] + np.arange(self._block_count)
        keys = {"fee_recipient": block_moment * (_MOST_COLUMNS * _MOST_ROWS)}
        starts = {"giver": "first_movement", "gets": "first_movement", "asset": "first_movement",
                  "code_account": "first_code", "code_creator": "first_code",
                  "code_target": "first_code"}  # fmt: skip
        for place, name in enumerate(_ACCOUNTS, start=1):
            start = starts.get(name, "first_event")
            if name in ("sender", "receiver"):
                keys[name] = (moment * _MOST_COLUMNS + place) * _MOST_ROWS
                continue
            first = columns[start]
            owner = np.repeat(np.arange(self._count), np.diff(first))
            within = np.minimum(np.arange(first[-1]) - first[owner], _MOST_ROWS - 1)
            keys[name] = (moment[owner] * _MOST_COLUMNS + place) * _MOST_ROWS + within
        return keys


def _is_there(column: UInt32Array) -> BoolArray:
    there: BoolArray = column != NO_ACCOUNT
    return there


def _offsets(sizes: AnyArray) -> Int64Array:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])
