"""Whether inputs and outputs say the same about every spend."""

from collections.abc import Callable, Iterator

import numpy as np

from arien_flows.ledger.beginning import begins_late, first_height
from arien_flows.ledger.schema import EXTERNAL, UNSPENT
from arien_flows.ledger.verify_amounts import impossible_amounts
from arien_flows.ledger.verify_blocks import TRANSACTION_STEP
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
from chains.types import BoolArray, Int64Array

KNOWN_FLAGS = 31
"""All bits of `InputFlag`."""

ReachedTransactions = Callable[[], int]
"""Returns one past the highest transaction number that anybody may write spenders for by now."""


def check_inputs(view: View) -> Check:
    """Check each input by itself: what it spends is older than it, and its facts are possible."""
    found = Findings()
    late = begins_late(view)
    outside = 0
    classes = np.array(sorted(SighashClass), dtype=np.uint8)
    for start, stop in steps(view.counts.transactions, TRANSACTION_STEP):
        first = view.first_input[start : stop + 1]
        rows = slice(int(first[0]), int(first[-1]))
        _, older = _owners(view, start, stop)
        spent = view.spent_output[rows]
        from_before = (spent == EXTERNAL) & late
        outside += int(np.count_nonzero(from_before))
        impossible = ((spent < 0) & ~from_before) | (spent >= older)
        for column, wrong, message in (
            ("spent_output", impossible, "no output of an earlier transaction"),
            (
                "address",
                view.input_address[rows] >= view.counts.addresses,
                "not the number of an address",
            ),
            ("value", impossible_amounts(view.input_value[rows]), "not a possible amount"),
            ("sighash", ~np.isin(view.sighash[rows], classes), "no class of signatures"),
            ("flags", view.input_flags[rows] > KNOWN_FLAGS, "not a set of known flags"),
        ):
            _note(found, view, rows.start, wrong, column, message)
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


def _owners(view: View, start: int, stop: int) -> tuple[Int64Array, Int64Array]:
    """Return the transaction of each input of some transactions, and the first output of that."""
    sizes = np.diff(view.first_input[start : stop + 1])
    return (
        np.repeat(np.arange(start, stop, dtype=np.int64), sizes),
        np.repeat(view.first_output[start:stop], sizes),
    )


def _note(
    found: Findings, view: View, begin: int, wrong: BoolArray, column: str, message: str
) -> None:
    rows = begin + np.flatnonzero(wrong)
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
    for start, stop in steps(view.counts.transactions, TRANSACTION_STEP):
        rows = slice(int(view.first_input[start]), int(view.first_input[stop]))
        spender, older = _owners(view, start, stop)
        spent = view.spent_output[rows]
        # What an input should not spend at all is found by `check_inputs`.
        real = np.flatnonzero((spent >= 0) & (spent < older))
        yield statements(spent, spender, view.input_address[rows], view.input_value[rows]).take(
            real
        )
    voided = view.overwrite_output
    real = np.flatnonzero((voided >= 0) & (voided < view.counts.outputs))
    yield statements(
        voided[real],
        view.overwrite_transaction[real],
        view.output_address[voided[real]],
        view.output_value[voided[real]],
    )


def _told_by_outputs(view: View) -> Iterator[Statements]:
    for start, stop in steps(view.counts.outputs):
        spender = view.spender[start:stop]
        spent = np.flatnonzero(spender < view.counts.transactions)
        yield statements(
            start + spent,
            spender[spent],
            view.output_address[start:stop][spent],
            view.output_value[start:stop][spent],
        )


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
    for start, stop in steps(view.counts.outputs):
        spender = view.spender[start:stop]
        later = start + np.flatnonzero((spender >= count) & (spender != UNSPENT))
        if not len(later):
            continue
        # Ask after reading: every word that was there then is covered by the answer now.
        limit = reached()
        left = later[(view.spender[later] >= limit) & (view.spender[later] != UNSPENT)]
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
