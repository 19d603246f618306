"""Merging the runs of the history index, address by address."""

from collections.abc import Callable, Sequence

import numpy as np

from arien_flows.ledger.history import HistoryRun
from arien_flows.ledger.sorted_runs import STEP
from chains.types import Int64Array, UInt32Array
from heuristics.jit import kernel


def merged_size(runs: Sequence[HistoryRun], pause: Callable[[], None]) -> tuple[int, int]:
    """Return how many addresses and live entries the merge of the runs has.

    `pause` is called after every `STEP` entries or so, and may raise to end this.
    """
    return _merge_in_steps(runs, _no_run(runs[0]), pause)


def merge_history_runs(
    runs: Sequence[HistoryRun], merged: HistoryRun, pause: Callable[[], None]
) -> None:
    """Fill `merged`, whose arrays have the sizes that `merged_size` tells, from `runs`.

    Entries are streamed, so the arrays may be maps of files larger than memory. `pause` is called
    after every `STEP` entries or so, and may raise to end the merge.
    """
    _merge_in_steps(runs, merged, pause)


def _merge_in_steps(
    runs: Sequence[HistoryRun], merged: HistoryRun, pause: Callable[[], None]
) -> tuple[int, int]:
    """Return how many addresses and entries were merged, or counted."""
    columns = _columns(runs)
    position = np.zeros(len(runs), dtype=np.int64)
    count = np.zeros(2, dtype=np.int64)
    is_done = False
    while not is_done:
        is_done = _merge(
            *columns,
            position,
            STEP,
            merged.first,
            merged.received_sat,
            merged.sent_sat,
            merged.transaction,
            merged.address,
            count,
        )
        pause()
    return int(count[0]), int(count[1])


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


def _no_run(like: HistoryRun) -> HistoryRun:
    """Return a run without any arrays to fill, of the types of another."""
    return HistoryRun(
        first=np.empty(0, like.first.dtype),
        received_sat=np.empty(0, like.received_sat.dtype),
        sent_sat=np.empty(0, like.sent_sat.dtype),
        transaction=np.empty(0, like.transaction.dtype),
        address=np.empty(0, like.address.dtype),
        limit=0,
    )


@kernel
def _merge(
    firsts: tuple[Int64Array, ...],
    receiveds: tuple[Int64Array, ...],
    sents: tuple[Int64Array, ...],
    transactions: tuple[UInt32Array, ...],
    addresses: tuple[UInt32Array, ...],
    limits: Int64Array,
    position: Int64Array,
    most: int,
    first: Int64Array,
    received: Int64Array,
    sent: Int64Array,
    transaction: UInt32Array,
    address: UInt32Array,
    count: Int64Array,
) -> bool:
    """Merge runs address by address; with an empty `first` only count addresses and entries.

    Goes on from `position`, an address in each run, and from `count`, the addresses and entries
    merged before, and moves both on. Ends with the address at which `most` entries were looked at;
    returns whether it was the last.
    """
    counting = len(first) == 0
    merged_addresses, entries = count[0], count[1]
    seen = 0
    is_done = False
    while seen < most:
        lowest = np.int64(-1)
        for run in range(len(addresses)):
            if position[run] < len(addresses[run]):
                candidate = np.int64(addresses[run][position[run]])
                if lowest < 0 or candidate < lowest:
                    lowest = candidate
        if lowest < 0:
            is_done = True
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
            seen += stop - start
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
    return is_done
