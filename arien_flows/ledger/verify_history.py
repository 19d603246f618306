"""Whether the histories of addresses are what inputs and outputs sum to."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from arien_flows.ledger.files import run_path
from arien_flows.ledger.history import HistoryRun
from arien_flows.ledger.manifest import Manifest
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.side_by_side import in_order
from arien_flows.ledger.sorted_runs import RunName
from arien_flows.ledger.verify_places import address_words
from arien_flows.ledger.verify_result import Check, Findings
from arien_flows.ledger.verify_statements import (
    Comparison,
    Statements,
    compare,
    out_of_order,
    statements,
    steps,
)
from arien_flows.ledger.view import View
from chains.types import BoolArray, Int64Array, UInt32Array
from heuristics.jit import kernel

TOUCH_STEP = 1 << 15
"""Transactions taken at a time; what they touch stays in the processor's cache."""

ENTRY_STEP = 1 << 17
"""Entries taken at a time; the busiest addresses have millions."""

SPREAD = 0x9E3779B1
SPREAD_SHIFT = 16
"""Fibonacci hashing (Knuth, volume 3, section 6.4); a product with an address fits 63 bits."""


def check_histories(view: View, manifest: Manifest) -> Check:
    """Check every entry of the history index: its address, transaction and amounts."""
    found = Findings()
    sound = [
        _check_run(run, name, found)
        for run, name in zip(view.histories.runs, manifest.runs.history, strict=True)
    ]
    if all(sound):
        differ = compare(
            lambda: _told_by_columns(view), lambda: _told_by_runs(view), view.counts.transactions
        )
        _report(view, differ, found)
    return found.check(
        "histories",
        "The history of every address lists each transaction that touches it once, in the order of "
        "the chain, with what it received and sent; so counts and totals of addresses are right.",
    )


def _check_run(run: HistoryRun, name: RunName, found: Findings) -> bool:
    """Check the order of a run's entries; returns whether they can be read at all."""
    path = run_path("history", name)
    found.rows_checked += len(run.transaction)
    first = run.first
    before = found.count
    if not len(first) or first[0] != 0 or first[-1] != len(run.transaction):
        found.add(f"{path}, first", "the entries of its addresses do not fill the run")
    wrong = out_of_order(first, strictly=True)
    found.add_many(
        ((f"{path}, first of address {i - 1}", "has no entries") for i in wrong.tolist()),
        len(wrong),
    )
    if found.count > before:
        return False
    wrong = out_of_order(run.address, strictly=True)
    found.add_many(
        ((f"{path}, address {i}", "is not in ascending order") for i in wrong.tolist()), len(wrong)
    )
    for falls, strange in in_order(
        partial(_misplaced, run, name), steps(len(run.transaction), ENTRY_STEP)
    ):
        _note(path, falls, "is not in ascending order", found)
        _note(path, strange, f"is of a transaction outside [{name.start}, {name.end})", found)
    return True


def _misplaced(
    run: HistoryRun, name: RunName, entries: tuple[int, int]
) -> tuple[Int64Array, Int64Array]:
    """Return which of some entries are out of order, and which are of none of the run's rows."""
    start, stop = entries
    _, first = _owners(run, start, stop)
    is_cut = start > 0 and first[0] < 0
    falls = np.empty(stop - start, dtype=np.bool_)
    strange = np.empty(stop - start, dtype=np.bool_)
    _note_misplaced(
        np.clip(first, 0, stop - start),
        run.transaction[start:stop],
        int(run.transaction[start - 1]) if is_cut else -1,
        name.start,
        name.end,
        falls,
        strange,
    )
    return start + np.flatnonzero(falls), start + np.flatnonzero(strange)


def _owners(run: HistoryRun, start: int, stop: int) -> tuple[UInt32Array, Int64Array]:
    """Return the addresses of entries `[start, stop)`, and where theirs begin.

    Places are counted from `start`: the first may lie below 0, and the last past the entries.
    """
    low = int(np.searchsorted(run.first, start, side="right")) - 1
    high = int(np.searchsorted(run.first, stop, side="left"))
    return run.address[low:high], run.first[low : high + 1] - start


@kernel
def _note_misplaced(
    first: Int64Array,
    transaction: UInt32Array,
    before: int,
    start: int,
    end: int,
    falls: BoolArray,
    strange: BoolArray,
) -> None:
    """Mark entries; `before` is the transaction of the first address just before them, or -1."""
    for owner in range(len(first) - 1):
        for entry in range(first[owner], first[owner + 1]):
            here = int(np.int64(transaction[entry]))
            falls[entry] = here <= before
            strange[entry] = here < start or here >= end
            before = here
        before = -1


def _note(path: str, entries: Int64Array, message: str, found: Findings) -> None:
    found.add_many(((f"{path} entry {entry}", message) for entry in entries.tolist()), len(entries))


def _told_by_columns(view: View) -> Iterator[Statements]:
    return in_order(partial(_touched, view), steps(view.counts.transactions, TOUCH_STEP))


def _touched(view: View, transactions: tuple[int, int]) -> Statements:
    """Return one statement for each of some transactions and each address that it touches."""
    start, stop = transactions
    first_input = view.first_input[start : stop + 1]
    first_output = view.first_output[start : stop + 1]
    spent = slice(int(first_input[0]), int(first_input[-1]))
    made = slice(int(first_output[0]), int(first_output[-1]))
    most = spent.stop - spent.start + made.stop - made.start
    columns = np.empty((4, most), dtype=np.int64)
    largest = int((np.diff(first_input) + np.diff(first_output)).max())
    count = _sum_by_address(
        start,
        first_input - spent.start,
        view.input_address[spent],
        view.input_value[spent],
        first_output - made.start,
        view.output_address[made],
        view.output_value[made],
        np.full(1 << (2 * largest).bit_length(), -1, dtype=np.int64),
        *columns,
    )
    return statements(*columns[:, :count])


@kernel
def _sum_by_address(
    offset: int,
    first_input: Int64Array,
    input_address: UInt32Array,
    input_value: Int64Array,
    first_output: Int64Array,
    output_address: UInt32Array,
    output_value: Int64Array,
    table: Int64Array,
    transaction: Int64Array,
    address: Int64Array,
    received: Int64Array,
    sent: Int64Array,
) -> int:
    """Write one entry for each transaction and address, and return how many there are.

    `table` has room for twice the addresses of one transaction, and -1 everywhere. It is not
    cleared between transactions: entries of earlier ones are known by their numbers.
    """
    mask = len(table) - 1
    entries = 0
    for row in range(len(first_input) - 1):
        begin = entries
        inputs = first_input[row + 1] - first_input[row]
        for i in range(inputs + first_output[row + 1] - first_output[row]):
            place = first_input[row] + i if i < inputs else first_output[row] + i - inputs
            owner = np.int64(input_address[place] if i < inputs else output_address[place])
            if owner == NO_ADDRESS:
                continue
            slot = (owner * SPREAD) >> SPREAD_SHIFT & mask
            while table[slot] >= begin and address[table[slot]] != owner:
                slot = (slot + 1) & mask
            entry = table[slot]
            if entry < begin:
                entry = entries
                entries += 1
                table[slot] = entry
                transaction[entry] = offset + row
                address[entry] = owner
                received[entry] = 0
                sent[entry] = 0
            if i < inputs:
                sent[entry] += input_value[place]
            else:
                received[entry] += output_value[place]
    return entries


def _told_by_runs(view: View) -> Iterator[Statements]:
    for run in view.histories.runs:
        limit = min(run.limit, view.counts.transactions)
        yield from in_order(partial(_listed, run, limit), steps(len(run.transaction), ENTRY_STEP))


def _listed(run: HistoryRun, limit: int, entries: tuple[int, int]) -> Statements:
    """Return some entries of a run, without those at or past `limit`."""
    start, stop = entries
    address, first = _owners(run, start, stop)
    is_cut = start > 0 and first[0] < 0
    columns = np.empty((4, stop - start), dtype=np.int64)
    count = _list_entries(
        np.clip(first, 0, stop - start),
        address,
        run.transaction[start:stop],
        run.received_sat[start:stop],
        run.sent_sat[start:stop],
        int(run.received_sat[start - 1]) if is_cut else 0,
        int(run.sent_sat[start - 1]) if is_cut else 0,
        limit,
        *columns,
    )
    return statements(*columns[:, :count])


@kernel
def _list_entries(
    first: Int64Array,
    address: UInt32Array,
    transaction: UInt32Array,
    received_sum: Int64Array,
    sent_sum: Int64Array,
    received_before: int,
    sent_before: int,
    limit: int,
    told_transaction: Int64Array,
    told_address: Int64Array,
    received: Int64Array,
    sent: Int64Array,
) -> int:
    """Write the entries with their amounts instead of running sums; returns how many are live.

    The sums `before` are those of the first address just before the entries.
    """
    count = 0
    for owner in range(len(address)):
        for entry in range(first[owner], first[owner + 1]):
            if np.int64(transaction[entry]) < limit:
                told_transaction[count] = transaction[entry]
                told_address[count] = address[owner]
                received[count] = received_sum[entry] - received_before
                sent[count] = sent_sum[entry] - sent_before
                count += 1
            received_before, sent_before = int(received_sum[entry]), int(sent_sum[entry])
        received_before, sent_before = 0, 0
    return count


def _report(view: View, differ: Comparison, found: Findings) -> None:
    def described() -> Iterator[tuple[str, str]]:
        for difference in differ.differences:
            transaction, address, received, sent = difference.statement
            who = address_words(view, address)
            yield (
                f"index/history, {who} in {view.txid_text(transaction)}",
                f"received {received} sat and sent {sent} sat: "
                + (
                    "so say inputs and outputs, but not the index"
                    if difference.only_left
                    else "so says the index, but not inputs and outputs"
                ),
            )
        for stretch in differ.unresolved:
            yield (
                f"index/history, transactions number {stretch.start} to {stretch.stop - 1}",
                "the index and the columns disagree about some of them",
            )

    found.add_many(described(), len(differ.differences) + len(differ.unresolved))
