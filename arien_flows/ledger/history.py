"""Histories and totals of addresses, at any size, without rewriting what is written.

The index holds one entry per address and transaction that touches it: the transaction's number
and the satoshi that the address received and sent up to and including it. Entries live in sorted
runs (`sorted_runs`): inside a run they stand address by address in chain order, and the runs
cover consecutive transactions, so the history of an address is the concatenation of at most one
slice per run. Because the amounts are running sums, the totals of an address are read off the
last entry of each slice, whether it has ten entries or ten million, and also for a view that
ends in the middle of a run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from arien_flows.ledger.sorted_runs import lower_bound
from chains.types import AnyArray, Int64Array, UInt32Array
from heuristics.jit import kernel


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRun:
    """One run of the history index."""

    first: Int64Array
    """Entries of the `i`-th address are `[first[i], first[i + 1])`."""

    received_sat: Int64Array
    """Running sum over the address's entries in this run."""

    sent_sat: Int64Array
    """Running sum over the address's entries in this run."""

    transaction: UInt32Array
    """Ascending for each address."""

    address: UInt32Array
    """The addresses that the run mentions, ascending."""

    limit: int
    """Entries of transactions at or past this are void."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A stretch of an address's history: one row per transaction that touches it."""

    transaction: UInt32Array
    """Transaction numbers, ascending."""

    received_sat: Int64Array
    """What the transaction pays to the address."""

    sent_sat: Int64Array
    """What the transaction spends of the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What an address has done in a view."""

    transaction_count: int
    received_sat: int
    sent_sat: int
    first_transaction: int
    last_transaction: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slice:
    """The entries of one address in one run that a view can see."""

    run: HistoryRun
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryIndex:
    """The runs that a view can see, in chain order."""

    runs: Sequence[HistoryRun]
    transaction_count: int
    """Transactions at or past this are not part of the view."""

    def _slices(self, address: int) -> Iterator[_Slice]:
        for run in self.runs:
            limit = min(run.limit, self.transaction_count)
            start, stop = _find_entries(run.address, run.first, run.transaction, address, limit)
            if start < stop:
                yield _Slice(run=run, start=int(start), stop=int(stop))

    def totals(self, address: int) -> Totals:
        """Return the totals of an address number; it has at least one entry in its own view."""
        slices = list(self._slices(address))
        if not slices:
            raise KeyError(address)
        return Totals(
            transaction_count=sum(part.stop - part.start for part in slices),
            received_sat=sum(int(part.run.received_sat[part.stop - 1]) for part in slices),
            sent_sat=sum(int(part.run.sent_sat[part.stop - 1]) for part in slices),
            first_transaction=int(slices[0].run.transaction[slices[0].start]),
            last_transaction=int(slices[-1].run.transaction[slices[-1].stop - 1]),
        )

    def totals_of_many(self, addresses: Int64Array) -> list[Totals]:
        """Return the totals of address numbers, as `totals` does one by one."""
        counts, received, sent = (np.zeros(len(addresses), np.int64) for _ in range(3))
        first, last = (np.full(len(addresses), -1, np.int64) for _ in range(2))
        for run in self.runs:
            limit = min(run.limit, self.transaction_count)
            bounds = [
                _find_entries(run.address, run.first, run.transaction, address, limit)
                for address in addresses.tolist()
            ]
            start, stop = np.array(bounds, np.int64).reshape(-1, 2).T
            held = np.flatnonzero(start < stop)
            begin, end = start[held], stop[held] - 1
            counts[held] += end - begin + 1
            received[held] += run.received_sat[end]
            sent[held] += run.sent_sat[end]
            begun = run.transaction[begin].astype(np.int64)
            first[held] = np.where(first[held] < 0, begun, first[held])
            last[held] = run.transaction[end]
        if np.any(first < 0):
            raise KeyError(int(addresses[np.flatnonzero(first < 0)[0]]))
        columns = (counts, received, sent, first, last)
        return [
            Totals(
                transaction_count=count,
                received_sat=came,
                sent_sat=went,
                first_transaction=begun,
                last_transaction=ended,
            )
            for count, came, went, begun, ended in zip(
                *(column.tolist() for column in columns), strict=True
            )
        ]

    def place(self, address: int, transaction: int) -> int | None:
        """Return which entry of an address's history a transaction is; nothing if it is none."""
        before = 0
        for part in self._slices(address):
            own = part.run.transaction[part.start : part.stop]
            place = int(lower_bound(own, transaction))
            if place < len(own):
                return before + place if int(own[place]) == transaction else None
            before += len(own)
        return None

    def stretch(self, address: int, first: int, last: int) -> tuple[int, int]:
        """Return where entries of transactions `first` to `last` start and stop in a history.

        It is found by halving, without reading the entries.
        """
        start = stop = 0
        for part in self._slices(address):
            own = part.run.transaction[part.start : part.stop]
            start += int(lower_bound(own, first))
            stop += int(lower_bound(own, last + 1))
        return start, stop

    def history(self, address: int, start: int = 0, stop: int | None = None) -> History:
        """Return entries `[start, stop)` of an address's history, with Python's slice rules.

        Only the runs that hold the stretch are read.
        """
        slices = list(self._slices(address))
        lengths = [part.stop - part.start for part in slices]
        low, high, _ = slice(start, stop).indices(sum(lengths))
        transactions, received, sent = [], [], []
        before = 0
        for part, length in zip(slices, lengths, strict=True):
            left, right = max(low - before, 0), min(high - before, length)
            before += length
            if left >= right:
                continue
            begin, end = part.start + left, part.start + right
            transactions.append(part.run.transaction[begin:end])
            received.append(_differences(part.run.received_sat, part.start, begin, end))
            sent.append(_differences(part.run.sent_sat, part.start, begin, end))
        return History(
            transaction=_joined(transactions, np.uint32),
            received_sat=_joined(received, np.int64),
            sent_sat=_joined(sent, np.int64),
        )


@kernel
def _find_entries(
    addresses: UInt32Array, first: Int64Array, transaction: UInt32Array, wanted: int, limit: int
) -> tuple[int, int]:
    """Return which entries of a run belong to an address and to transactions below `limit`.

    An address has no entries before the run in which it appears: there one look at the last
    address will do.
    """
    if len(addresses) == 0 or wanted > addresses[len(addresses) - 1]:
        return 0, 0
    position = lower_bound(addresses, wanted)
    if addresses[position] != wanted:
        return 0, 0
    start, stop = first[position], first[position + 1]
    if start < stop and transaction[stop - 1] >= limit:
        stop = start + lower_bound(transaction[start:stop], limit)
    return start, stop


def _differences(running: Int64Array, origin: int, begin: int, end: int) -> Int64Array:
    """Return the amounts whose running sums from `origin` on are given."""
    before = int(running[begin - 1]) if begin > origin else 0
    return np.diff(running[begin:end], prepend=before)


def _joined(parts: list[AnyArray], dtype: type[np.generic]) -> AnyArray:
    return np.concatenate(parts) if parts else np.empty(0, dtype=dtype)
