"""The index of what touches an account: which transactions concern it, and in which way.

An entry is a key and a transaction. The key is the account and a *topic*: an asset that it gave or
received there, an event or a code that names it, or that it sent or was sent the transaction and
moved nothing. Entries stand in sorted runs; all of an account's stand together there, asset by
asset, so that one index answers what an account did, with one asset or with all.

Rows are found by looking into these transactions: an entry never says more than where to look, so
what a roll-back leaves behind is harmless.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.numbering import owners
from arien_flows.ledger.sorted_runs import KeyRun
from chains.ethereum.tables import NO_ACCOUNT, AccountBatch
from chains.types import Int64Array, UInt32Array

NAMED = 0xFFFF_FFFF
"""Sender or receiver of a transaction in which it has no movement."""

TOLD = 0xFFFF_FFFE
"""An event names it."""

CODED = 0xFFFF_FFFD
"""Code was put there."""

MOST_ASSETS = 0xFFFF_FF00
"""Topics below are assets."""

_SIGN = 1 << 31
_TOPIC_BITS = 32
_WORD_BITS = 64


def touch_key(account: int, topic: int) -> int:
    """Return the key of an account's entries of one topic."""
    return (account - _SIGN) << _TOPIC_BITS | topic


def ranges(start: Int64Array, stop: Int64Array) -> Int64Array:
    """Return the numbers of all ranges, one range behind the other."""
    counts = stop - start
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    found: Int64Array = np.arange(total, dtype=np.int64) + np.repeat(start - ends + counts, counts)
    return found


class Touches(NamedTuple):
    """Entries in the order of a run: by key, then transaction; each once."""

    key: Int64Array
    transaction: UInt32Array


class _Entries(NamedTuple):
    """Entries of a batch by places in its own lists."""

    account: UInt32Array
    topic: Int64Array
    """Asset number, or one of the topics above."""

    transaction: Int64Array
    """Counted from the batch's first."""


def touches_of(
    batch: AccountBatch, numbers: UInt32Array, assets: UInt32Array, first_transaction: int
) -> Touches:
    """Return the entries of a batch.

    `numbers` has the account of each place in the batch's list of addresses, and `assets` the asset
    of each movement; `first_transaction` is the number of the batch's first transaction.
    """
    parts = _entries(batch, assets)
    account = numbers[np.concatenate([part.account for part in parts])]
    topic = np.concatenate([part.topic for part in parts])
    transaction = np.concatenate([part.transaction for part in parts])
    key = (account.astype(np.int64) - _SIGN) << _TOPIC_BITS | topic
    key, transaction = _sorted(key, transaction)
    return Touches(key, (transaction + first_transaction).astype(np.uint32))


def _entries(batch: AccountBatch, assets: UInt32Array) -> list[_Entries]:
    moved, told, coded = (
        owners(first) for first in (batch.first_movement, batch.first_event, batch.first_code)
    )
    every = np.arange(batch.transaction_count, dtype=np.int64)
    movements = [
        _known(column, assets.astype(np.int64), moved) for column in (batch.giver, batch.gets)
    ]
    met = np.concatenate([_pair(part.account, part.transaction) for part in movements])
    named = [
        _known(column, np.full(len(every), NAMED, np.int64), every)
        for column in (batch.sender, batch.receiver)
    ]
    events = [
        _known(column, np.full(len(told), TOLD, np.int64), told)
        for column in (batch.contract, batch.first, batch.second, batch.third)
    ]
    codes = [_known(batch.code_account, np.full(len(coded), CODED, np.int64), coded)]
    return movements + [_without(part, met) for part in named] + events + codes


def _known(account: UInt32Array, topic: Int64Array, transaction: Int64Array) -> _Entries:
    known = account != NO_ACCOUNT
    return _Entries(account[known], topic[known], transaction[known])


def _pair(account: UInt32Array, transaction: Int64Array) -> Int64Array:
    return account.astype(np.int64) << _TOPIC_BITS | transaction


def _without(part: _Entries, met: Int64Array) -> _Entries:
    new = ~np.isin(_pair(part.account, part.transaction), met)
    return _Entries(part.account[new], part.topic[new], part.transaction[new])


def _sorted(key: Int64Array, transaction: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Return entries by key, then transaction, each once.

    A batch holds so few keys that a key's rank and a transaction fit one word, and sorting words
    takes a third of the time.
    """
    keys = np.unique(key)
    bits = int(transaction.max(initial=0)).bit_length()
    if len(keys).bit_length() + bits < _WORD_BITS:
        word = np.unique(np.searchsorted(keys, key) << bits | transaction)
        return keys[word >> bits], word & ((1 << bits) - 1)
    order = np.lexsort((transaction, key))
    key, transaction = key[order], transaction[order]
    once = np.append(True, (np.diff(key) != 0) | (np.diff(transaction) != 0))
    return key[once], transaction[once]


class TouchIndex:
    """The runs that a view can see, in chain order."""

    def __init__(self, runs: Sequence[KeyRun], transactions: int) -> None:
        self._runs = runs
        self._transactions = transactions

    def of_topic(self, account: int, topic: int) -> Int64Array:
        """Return the transactions of one topic, ascending."""
        key = touch_key(account, topic)
        return self._between(key, key)

    def of_assets(self, account: int) -> Int64Array:
        """Return the transactions in which an account gave or received anything, ascending."""
        found = self._between(touch_key(account, NATIVE), touch_key(account, MOST_ASSETS - 1))
        return np.unique(found)

    def assets(self, account: int) -> UInt32Array:
        """Return the assets that an account gave or received, ascending."""
        found: list[int] = []
        last = touch_key(account, MOST_ASSETS - 1)
        for run in self._runs:
            start, stop = self._slice(run, touch_key(account, NATIVE), last)
            limit = min(run.limit, self._transactions)
            while start < stop:
                key = int(run.key[start])
                # Transactions of a key ascend, so the first one tells whether any counts.
                if int(run.number[start]) < limit:
                    found.append(key & 0xFFFF_FFFF)
                start += int(np.searchsorted(run.key[start:stop], key, side="right"))
        return np.unique(np.array(found, np.uint32))

    def has(self, account: int, topic: int) -> bool:
        """Return whether there is any transaction of a topic."""
        key = touch_key(account, topic)
        for run in self._runs:
            start, stop = self._slice(run, key, key)
            # They ascend, so the first one tells whether any counts.
            if start < stop and int(run.number[start]) < min(run.limit, self._transactions):
                return True
        return False

    def _between(self, first: int, last: int) -> Int64Array:
        parts = []
        for run in self._runs:
            start, stop = self._slice(run, first, last)
            part = run.number[start:stop]
            parts.append(part[part < min(run.limit, self._transactions)])
        found: Int64Array = np.concatenate([np.empty(0, np.uint32), *parts]).astype(np.int64)
        return found

    @staticmethod
    def _slice(run: KeyRun, first: int, last: int) -> tuple[int, int]:
        start = int(np.searchsorted(run.key, np.int64(first), side="left"))
        stop = start + int(np.searchsorted(run.key[start:], np.int64(last), side="right"))
        return start, stop
