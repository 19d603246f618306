"""Whether inputs and outputs say the same about every spend."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from arien_flows.ledger.beginning import begins_late, first_height
from arien_flows.ledger.schema import EXTERNAL, UNSPENT
from arien_flows.ledger.side_by_side import in_order
from arien_flows.ledger.verify_amounts import impossible_amounts
from arien_flows.ledger.verify_places import address_words, input_words, transaction_words
from arien_flows.ledger.verify_result import Check, Findings
from arien_flows.ledger.verify_statements import (
    Comparison,
    Statements,
    compare,
    statements,
    steps,
)
from arien_flows.ledger.view import View
from chains.tables import SighashClass
from chains.types import Int64Array, UInt32Array
from heuristics.jit import kernel

INPUT_STEP = 1 << 17
"""Inputs or outputs taken at a time; they stay in the processor's cache."""

WORD_STEP = 1 << 20

KNOWN_FLAGS = 31
"""All bits of `InputFlag`."""

IS_CLASS = np.isin(np.arange(256), sorted(SighashClass))
"""Which bytes are one of `SighashClass`."""

ReachedTransactions = Callable[[], int]
"""Returns one past the highest transaction number that anybody may write spenders for by now."""


def check_inputs(view: View) -> Check:
    """Check each input by itself: what it spends is older than it, and its facts are possible."""
    found = Findings()
    late = begins_late(view)
    outside = 0
    for part in in_order(partial(_suspects, view, late), steps(view.counts.inputs, INPUT_STEP)):
        outside += part.from_before
        for column, rows, message in part.wrong:
            _note(found, view, column, rows, message)
    found.rows_checked = view.counts.inputs
    if late:
        found.note = (
            f"{outside:,} inputs spend outputs from before block {first_height(view)}; their "
            "addresses and amounts, and fees that follow from them, rest on the undo data of the "
            "node that the ledger was begun with"
        )
    before = " or one from before the ledger begins" if late else ""
    return found.check(
        "inputs",
        f"Every input spends an output of an earlier transaction in this ledger{before}, and its "
        "address, amount, class of signatures and flags are possible ones.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Suspects:
    """What is wrong with some inputs by themselves."""

    from_before: int
    """How many spend an output from before a late ledger."""

    wrong: list[tuple[str, Int64Array, str]]
    """Column, rows and what they are not."""


def _suspects(view: View, late: bool, inputs: tuple[int, int]) -> _Suspects:
    rows = slice(*inputs)
    spent = view.spent_output[rows]
    from_before = (spent == EXTERNAL) & late
    older = np.empty(len(spent), dtype=np.int64)
    _, first_input, first_output = _transactions(view, *inputs)
    _older_outputs(first_input, first_output, inputs[0], older)
    marked = (
        (
            "spent_output",
            ((spent < 0) & ~from_before) | (spent >= older),
            "no output of an earlier transaction",
        ),
        (
            "address",
            view.input_address[rows] >= view.counts.addresses,
            "not the number of an address",
        ),
        ("value", impossible_amounts(view.input_value[rows]), "not a possible amount"),
        ("sighash", ~IS_CLASS[view.sighash[rows]], "no class of signatures"),
        ("flags", view.input_flags[rows] > KNOWN_FLAGS, "not a set of known flags"),
    )
    return _Suspects(
        from_before=int(np.count_nonzero(from_before)),
        wrong=[
            (column, inputs[0] + np.flatnonzero(wrong), message)
            for column, wrong, message in marked
        ],
    )


def _transactions(view: View, start: int, stop: int) -> tuple[int, Int64Array, Int64Array]:
    """Return which transactions have the inputs `[start, stop)`.

    That is the number of the first, and the offsets of inputs and outputs of all of them.
    """
    low = int(np.searchsorted(view.first_input, start, side="right")) - 1
    high = int(np.searchsorted(view.first_input, stop, side="left"))
    return low, view.first_input[low : high + 1], view.first_output[low : high + 1]


@kernel
def _older_outputs(
    first_input: Int64Array,
    first_output: Int64Array,
    start: int,
    older: Int64Array,
) -> None:
    """Write the first output of each input's own transaction; all it can spend are below."""
    for row in range(len(first_input) - 1):
        begin = max(first_input[row] - start, 0)
        for i in range(begin, min(first_input[row + 1] - start, len(older))):
            older[i] = first_output[row]


def _note(found: Findings, view: View, column: str, rows: Int64Array, message: str) -> None:
    found.add_many(
        (
            (f"inputs/{column} row {row} ({input_words(view, row)})", message)
            for row in rows.tolist()
        ),
        len(rows),
    )


def check_spends(view: View) -> Check:
    """Check that inputs and outputs tell the same spends."""
    found = Findings()
    differ = compare(
        lambda: _told_by_inputs(view), lambda: _told_by_outputs(view), view.counts.outputs
    )
    _report_spends(view, differ, found)
    found.rows_checked = view.counts.inputs + view.counts.outputs
    return found.check(
        "spends",
        "Each input names the amount and address of the output that it spends, that output names "
        "the input's transaction as its spender, and no other output names one, apart from those "
        "that a repeated coinbase voids (BIP 30).",
    )


def _told_by_inputs(view: View) -> Iterator[Statements]:
    yield from in_order(partial(_spends, view), steps(view.counts.inputs, INPUT_STEP))
    voided = view.overwrite_output
    real = np.flatnonzero((voided >= 0) & (voided < view.counts.outputs))
    yield statements(
        voided[real],
        view.overwrite_transaction[real],
        view.output_address[voided[real]],
        view.output_value[voided[real]],
    )


def _spends(view: View, inputs: tuple[int, int]) -> Statements:
    """Return what some inputs spend, apart from what they should not (see `check_inputs`)."""
    start, stop = inputs
    columns = np.empty((4, stop - start), dtype=np.int64)
    count = _list_spends(
        *_transactions(view, start, stop),
        start,
        view.spent_output[start:stop],
        view.input_address[start:stop],
        view.input_value[start:stop],
        *columns,
    )
    return statements(*columns[:, :count])


@kernel
def _list_spends(
    first_transaction: int,
    first_input: Int64Array,
    first_output: Int64Array,
    start: int,
    spent_output: Int64Array,
    address: UInt32Array,
    value: Int64Array,
    told_output: Int64Array,
    told_spender: Int64Array,
    told_address: Int64Array,
    told_value: Int64Array,
) -> int:
    """Write the spends of inputs, and return how many there are."""
    count = 0
    for row in range(len(first_input) - 1):
        begin = max(first_input[row] - start, 0)
        for i in range(begin, min(first_input[row + 1] - start, len(spent_output))):
            if 0 <= spent_output[i] < first_output[row]:
                told_output[count] = spent_output[i]
                told_spender[count] = first_transaction + row
                told_address[count] = address[i]
                told_value[count] = value[i]
                count += 1
    return count


def _told_by_outputs(view: View) -> Iterator[Statements]:
    return in_order(partial(_spent, view), steps(view.counts.outputs, INPUT_STEP))


def _spent(view: View, outputs: tuple[int, int]) -> Statements:
    """Return what some outputs say of the transactions that spend them."""
    start, stop = outputs
    columns = np.empty((4, stop - start), dtype=np.int64)
    count = _list_spent(
        start,
        view.counts.transactions,
        view.spender[start:stop],
        view.output_address[start:stop],
        view.output_value[start:stop],
        *columns,
    )
    return statements(*columns[:, :count])


@kernel
def _list_spent(
    start: int,
    transactions: int,
    spender: UInt32Array,
    address: UInt32Array,
    value: Int64Array,
    told_output: Int64Array,
    told_spender: Int64Array,
    told_address: Int64Array,
    told_value: Int64Array,
) -> int:
    """Write the outputs that are spent in the view, and return how many there are."""
    count = 0
    for i in range(len(spender)):
        # A writer may set the word meanwhile, so it is read once.
        by = np.int64(spender[i])
        if by < transactions:
            told_output[count] = start + i
            told_spender[count] = by
            told_address[count] = address[i]
            told_value[count] = value[i]
            count += 1
    return count


def _report_spends(view: View, differ: Comparison, found: Findings) -> None:
    def described() -> Iterator[tuple[str, str]]:
        for difference in differ.differences:
            output, spender, address, value = difference.statement
            place = f"outputs/spender row {output} ({view.outpoint_text(output)})"
            owner = address_words(view, address)
            by = transaction_words(view, spender)
            if difference.only_left:
                yield (
                    place,
                    f"{by} spends it as {value} sat of {owner}, which is not what "
                    "the output itself says",
                )
            else:
                yield (
                    place,
                    f"the output says that {by} spends it, {value} sat of {owner}, "
                    "which no input says",
                )
        for stretch in differ.unresolved:
            yield (
                f"outputs/spender rows {stretch.start} to {stretch.stop - 1}",
                "inputs and outputs disagree about spends of some of them",
            )

    found.add_many(described(), len(differ.differences) + len(differ.unresolved))


def check_spender_words(view: View, reached: ReachedTransactions) -> Check:
    """Check that no output names a spender that no transaction is, or will be by a write under way.

    A writer that appends while this runs sets spenders past the view; those are its own. What is
    left over would turn into a false spend when its number is given away.
    """
    found = Findings()
    count = view.counts.transactions
    outputs = steps(view.counts.outputs, WORD_STEP)
    for left in in_order(partial(_left_over, view, reached), outputs):
        found.add_many(
            (
                (
                    f"outputs/spender row {row} ({view.outpoint_text(row)})",
                    f"names transaction number {view.spender[row]}; the last is {count - 1}",
                )
                for row in left.tolist()
            ),
            len(left),
        )
    found.rows_checked = view.counts.outputs
    return found.check(
        "spender_words",
        "Outputs name no spenders beyond the last transaction, apart from those of blocks that "
        "are being taken in meanwhile.",
    )


def _left_over(view: View, reached: ReachedTransactions, outputs: tuple[int, int]) -> Int64Array:
    start, stop = outputs
    spender = view.spender[start:stop]
    later = start + np.flatnonzero((spender >= view.counts.transactions) & (spender != UNSPENT))
    if not len(later):
        return later
    # Ask after reading: every word that was there then is covered by the answer now.
    limit = reached()
    left: Int64Array = later[(view.spender[later] >= limit) & (view.spender[later] != UNSPENT)]
    return left
