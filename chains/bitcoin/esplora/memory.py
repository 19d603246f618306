"""Transactions that came with histories, kept for a while.

A page of a history holds 25 whole transactions, and the next question is nearly always for them.
What is kept is bounded in bytes; the oldest goes first.
"""

import threading
from collections import OrderedDict

from chains.lookups import FetchedTransaction
from chains.types import TxIdRaw

_OBJECT_BYTES = 150
"""What the objects around some bytes take, roughly."""


class TransactionMemory:
    """A bounded memory of transactions. May be used from several threads at once."""

    def __init__(self, most_bytes: int) -> None:
        """Keep at most `most_bytes`, as counted here."""
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[TxIdRaw, FetchedTransaction] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, txid: TxIdRaw, fetched: FetchedTransaction) -> None:
        """Keep a transaction, and let go of the oldest ones where the bound is passed."""
        with self._lock:
            self._drop(txid)
            self._kept[txid] = fetched
            self._bytes += _size(fetched)
            while self._bytes > self._most_bytes:
                self._drop(next(iter(self._kept)))

    def find(self, txid: TxIdRaw) -> FetchedTransaction | None:
        """Return the transaction, if it is still kept."""
        with self._lock:
            return self._kept.get(txid)

    def _drop(self, txid: TxIdRaw) -> None:
        dropped = self._kept.pop(txid, None)
        if dropped is not None:
            self._bytes -= _size(dropped)


def _size(fetched: FetchedTransaction) -> int:
    scripts = [output.script for output in fetched.spent or ()]
    return len(fetched.raw) + sum(map(len, scripts)) + _OBJECT_BYTES * (2 + len(scripts))
