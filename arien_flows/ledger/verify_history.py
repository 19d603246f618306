"""Whether the histories of addresses are what inputs and outputs sum to."""

from collections.abc import Iterator

import numpy as np

from arien_flows.ledger.files import run_path
from arien_flows.ledger.history import HistoryRun
from arien_flows.ledger.manifest import Manifest
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.sorted_runs import RunName
from arien_flows.ledger.verify_blocks import TRANSACTION_STEP
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
from chains.types import BoolArray, Int64Array


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
    for start, stop in steps(len(run.transaction)):
        begin = max(start - 1, 0)
        transaction = run.transaction[begin:stop]
        falls = transaction[1:] <= transaction[:-1]
        falls &= ~_opens(run, begin, stop)[1:]
        _note(path, begin + 1 + np.flatnonzero(falls), "is not in ascending order", found)
        strange = (run.transaction[start:stop] < name.start) | (
            run.transaction[start:stop] >= name.end
        )
        _note(
            path,
            start + np.flatnonzero(strange),
            f"is of a transaction outside [{name.start}, {name.end})",
            found,
        )
    return True


def _note(path: str, entries: Int64Array, message: str, found: Findings) -> None:
    found.add_many(((f"{path} entry {entry}", message) for entry in entries.tolist()), len(entries))


def _opens(run: HistoryRun, start: int, stop: int) -> BoolArray:
    """Return which entries of `[start, stop)` are the first of their address."""
    low, high = np.searchsorted(run.first, [start, stop])
    opens: BoolArray = np.zeros(stop - start, dtype=np.bool_)
    opens[run.first[low:high] - start] = True
    return opens


def _told_by_columns(view: View) -> Iterator[Statements]:
    for start, stop in steps(view.counts.transactions, TRANSACTION_STEP):
        first_input = view.first_input[start : stop + 1]
        first_output = view.first_output[start : stop + 1]
        spent = slice(int(first_input[0]), int(first_input[-1]))
        made = slice(int(first_output[0]), int(first_output[-1]))
        transactions = np.arange(start, stop, dtype=np.int64)
        sent, received = view.input_value[spent], view.output_value[made]
        yield _summed(
            np.concatenate(
                [
                    np.repeat(transactions, np.diff(first_input)),
                    np.repeat(transactions, np.diff(first_output)),
                ]
            ),
            np.concatenate([view.input_address[spent], view.output_address[made]]),
            np.concatenate([np.zeros(len(sent), dtype=np.int64), received]),
            np.concatenate([sent, np.zeros(len(received), dtype=np.int64)]),
        )


def _summed(
    transaction: Int64Array, address: Int64Array, received: Int64Array, sent: Int64Array
) -> Statements:
    """Return one statement for each transaction and address that it touches."""
    owned = np.flatnonzero(address != NO_ADDRESS)
    order = owned[np.lexsort((address[owned], transaction[owned]))]
    transaction, address = transaction[order], address[order].astype(np.int64)
    new = (np.diff(transaction, prepend=-1) != 0) | (np.diff(address, prepend=-1) != 0)
    entry = np.flatnonzero(new)
    if not len(entry):
        return statements(entry, entry, entry, entry)
    return statements(
        transaction[entry],
        address[entry],
        np.add.reduceat(received[order], entry),
        np.add.reduceat(sent[order], entry),
    )


def _told_by_runs(view: View) -> Iterator[Statements]:
    for run in view.histories.runs:
        limit = min(run.limit, view.counts.transactions)
        for start, stop in steps(len(run.transaction)):
            entries = np.arange(start, stop, dtype=np.int64)
            owner = np.searchsorted(run.first, entries, side="right") - 1
            opens = _opens(run, start, stop)
            live = np.flatnonzero(run.transaction[start:stop] < limit)
            yield statements(
                run.transaction[start:stop],
                run.address[owner],
                _amounts(run.received_sat, start, stop, opens),
                _amounts(run.sent_sat, start, stop, opens),
            ).take(live)


def _amounts(running: Int64Array, start: int, stop: int, opens: BoolArray) -> Int64Array:
    """Return the amounts of entries `[start, stop)` from their running sums."""
    before = np.zeros(stop - start, dtype=np.int64)
    lead = min(start, 1)
    before[1 - lead :] = running[start - lead : stop - 1]
    before[opens] = 0
    return running[start:stop] - before


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
