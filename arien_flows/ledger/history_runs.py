"""Making and merging the runs of the history index."""

from collections.abc import Sequence

import numpy as np

from arien_flows.ledger.history import HistoryRun
from chains.types import Int64Array, UInt32Array
from heuristics.jit import kernel


def make_history_run(
    *,
    address: UInt32Array,
    transaction: UInt32Array,
    received_sat: Int64Array,
    sent_sat: Int64Array,
    limit: int,
) -> HistoryRun:
    """Return the run of movements given in any order, one per output and per input.

    Movements of one address in one transaction become one entry. `limit` is one past the last
    transaction of the batch.
    """
    movement = (address.astype(np.uint64) << np.uint64(32)) | transaction
    order = np.argsort(movement, kind="stable")
    movement = movement[order]
    entry = np.flatnonzero(np.diff(movement, prepend=movement[:1] + np.uint64(1)))
    received = np.add.reduceat(received_sat[order], entry) if len(entry) else received_sat[:0]
    sent = np.add.reduceat(sent_sat[order], entry) if len(entry) else sent_sat[:0]
    entry_address = (movement[entry] >> np.uint64(32)).astype(np.uint32)
    entry_transaction = (movement[entry] & np.uint64(0xFFFF_FFFF)).astype(np.uint32)
    starts = np.flatnonzero(np.diff(entry_address.astype(np.int64), prepend=-1))
    first = np.append(starts, len(entry_address)).astype(np.int64)
    return HistoryRun(
        first=first,
        received_sat=_running_sums(received, first),
        sent_sat=_running_sums(sent, first),
        transaction=entry_transaction,
        address=entry_address[starts],
        limit=limit,
    )


def _running_sums(amount_sat: Int64Array, first: Int64Array) -> Int64Array:
    """Return running sums that start anew at each `first`; no sum exceeds all coins moved."""
    running = np.cumsum(amount_sat, dtype=np.int64)
    before = np.concatenate([np.zeros(1, dtype=np.int64), running])[first[:-1]]
    sums: Int64Array = running - np.repeat(before, np.diff(first))
    return sums


def merged_size(runs: Sequence[HistoryRun]) -> tuple[int, int]:
    """Return how many addresses and live entries the merge of the runs has."""
    count = np.zeros(2, dtype=np.int64)
    _merge(*_columns(runs), np.empty(0, np.int64), *_outputs(runs[0], 0), count)
    return int(count[0]), int(count[1])


def merge_history_runs(runs: Sequence[HistoryRun], merged: HistoryRun) -> None:
    """Fill `merged`, whose arrays have the sizes that `merged_size` tells, from `runs`.

    Entries are streamed, so the arrays may be maps of files larger than memory.
    """
    count = np.zeros(2, dtype=np.int64)
    _merge(
        *_columns(runs),
        merged.first,
        merged.received_sat,
        merged.sent_sat,
        merged.transaction,
        merged.address,
        count,
    )


_Arrays = tuple[Int64Array, ...]


def _columns(
    runs: Sequence[HistoryRun],
) -> tuple[_Arrays, _Arrays, _Arrays, tuple[UInt32Array, ...], tuple[UInt32Array, ...], Int64Array]:
    return (
        tuple(run.first for run in runs),
        tuple(run.received_sat for run in runs),
        tuple(run.sent_sat for run in runs),
        tuple(run.transaction for run in runs),
        tuple(run.address for run in runs),
        np.array([run.limit for run in runs], dtype=np.int64),
    )


def _outputs(run: HistoryRun, size: int) -> tuple[Int64Array, Int64Array, UInt32Array, UInt32Array]:
    return (
        np.empty(size, run.received_sat.dtype),
        np.empty(size, run.sent_sat.dtype),
        np.empty(size, run.transaction.dtype),
        np.empty(size, run.address.dtype),
    )


@kernel
def _merge(
    firsts: tuple[Int64Array, ...],
    receiveds: tuple[Int64Array, ...],
    sents: tuple[Int64Array, ...],
    transactions: tuple[UInt32Array, ...],
    addresses: tuple[UInt32Array, ...],
    limits: Int64Array,
    first: Int64Array,
    received: Int64Array,
    sent: Int64Array,
    transaction: UInt32Array,
    address: UInt32Array,
    count: Int64Array,
) -> None:
    """Merge runs address by address; with an empty `first` only count addresses and entries."""
    position = np.zeros(len(addresses), dtype=np.int64)
    counting = len(first) == 0
    merged_addresses = 0
    entries = 0
    while True:
        lowest = np.int64(-1)
        for run in range(len(addresses)):
            if position[run] < len(addresses[run]):
                candidate = np.int64(addresses[run][position[run]])
                if lowest < 0 or candidate < lowest:
                    lowest = candidate
        if lowest < 0:
            break
        begin = entries
        received_before = np.int64(0)
        sent_before = np.int64(0)
        for run in range(len(addresses)):
            at = position[run]
            if at == len(addresses[run]) or np.int64(addresses[run][at]) != lowest:
                continue
            position[run] = at + 1
            start, stop = firsts[run][at], firsts[run][at + 1]
            while stop > start and transactions[run][stop - 1] >= limits[run]:
                stop -= 1
            if counting:
                entries += stop - start
                continue
            for source in range(start, stop):
                received[entries] = received_before + receiveds[run][source]
                sent[entries] = sent_before + sents[run][source]
                transaction[entries] = transactions[run][source]
                entries += 1
            if stop > start:
                received_before += receiveds[run][stop - 1]
                sent_before += sents[run][stop - 1]
        if entries > begin:
            if not counting:
                address[merged_addresses] = lowest
                first[merged_addresses] = begin
            merged_addresses += 1
    if not counting:
        first[merged_addresses] = entries
    count[0] = merged_addresses
    count[1] = entries
