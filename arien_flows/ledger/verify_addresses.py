"""Whether addresses are numbered as they appear, and where each appears first."""

from dataclasses import dataclass

import numpy as np

from arien_flows.ledger.beginning import begins_late
from arien_flows.ledger.schema import EXTERNAL, NO_ADDRESS
from arien_flows.ledger.verify_blocks import TRANSACTION_STEP
from arien_flows.ledger.verify_places import input_words
from arien_flows.ledger.verify_result import Check, Findings
from arien_flows.ledger.verify_statements import steps
from arien_flows.ledger.view import View
from chains.types import BoolArray, Int64Array, UInt32Array
from heuristics.jit import kernel

SPACING = 1 << 8
"""Transactions between two marks of `Appearances`."""

NOBODY = NO_ADDRESS
OUTSIDE = EXTERNAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearances:
    """Where addresses appear first, kept as one mark for each `SPACING` transactions.

    Numbers are given as addresses appear, so how many have appeared never falls along the chain;
    that it does so is what `check_numbering` checks.
    """

    appeared: Int64Array
    """Addresses that appear before transaction `SPACING * i`."""

    view: View

    def of(self, addresses: Int64Array) -> Int64Array:
        """Return the first transaction of each address number, -1 for one that never appears.

        Columns are read in ascending order, each stretch between two marks at most once.
        """
        view = self.view
        order = np.argsort(addresses)
        ascending = np.full(len(addresses), -1, dtype=np.int64)
        _first_transactions(
            self.appeared,
            begins_late(view),
            view.first_input,
            view.spent_output,
            view.input_address,
            view.first_output,
            view.output_address,
            addresses[order],
            ascending,
        )
        first = np.empty_like(ascending)
        first[order] = ascending
        return first


def check_numbering(view: View) -> tuple[Check, Appearances]:
    """Check the numbers of addresses; returns where they appear as well."""
    found = Findings()
    late = begins_late(view)
    marks = np.zeros(-(-view.counts.transactions // SPACING), dtype=np.int64)
    appeared = 0
    for start, stop in steps(view.counts.transactions, TRANSACTION_STEP):
        first_input = view.first_input[start : stop + 1]
        first_output = view.first_output[start : stop + 1]
        spent = slice(int(first_input[0]), int(first_input[-1]))
        made = slice(int(first_output[0]), int(first_output[-1]))
        wrong_input = np.zeros(spent.stop - spent.start, dtype=np.bool_)
        wrong_output = np.zeros(made.stop - made.start, dtype=np.bool_)
        appeared = _number(
            start,
            late,
            first_input - spent.start,
            view.spent_output[spent],
            view.input_address[spent],
            first_output - made.start,
            view.output_address[made],
            appeared,
            marks,
            wrong_input,
            wrong_output,
        )
        _note(found, view, spent.start + np.flatnonzero(wrong_input), of_inputs=True)
        _note(found, view, made.start + np.flatnonzero(wrong_output), of_inputs=False)
    if appeared != view.counts.addresses:
        found.add(
            "outputs/address",
            f"{appeared} addresses appear where the ledger counts {view.counts.addresses}",
        )
    found.rows_checked = view.counts.outputs + late * view.counts.inputs
    appear = (
        "outputs first pay them, or inputs first spend what they held before the ledger begins"
        if late
        else "outputs first pay them"
    )
    check = found.check(
        "address_numbers",
        f"Addresses are numbered from 0 in the order in which {appear}, without leaving a number "
        "out.",
    )
    return check, Appearances(appeared=marks, view=view)


def _note(found: Findings, view: View, rows: Int64Array, *, of_inputs: bool) -> None:
    table, column = (
        ("inputs", view.input_address) if of_inputs else ("outputs", view.output_address)
    )
    found.add_many(
        (
            (
                f"{table}/address row {row} "
                f"({input_words(view, row) if of_inputs else view.outpoint_text(row)})",
                f"is {column[row]}: a number was left out before it",
            )
            for row in rows.tolist()
        ),
        len(rows),
    )


@kernel
def _number(
    offset: int,
    late: bool,
    first_input: Int64Array,
    spent_output: Int64Array,
    input_address: UInt32Array,
    first_output: Int64Array,
    output_address: UInt32Array,
    appeared: int,
    marks: Int64Array,
    wrong_input: BoolArray,
    wrong_output: BoolArray,
) -> int:
    """Mark numbers that skip one; returns how many addresses have appeared after these rows.

    Addresses appear in outputs, and in inputs that spend what was made before a late ledger.
    """
    for transaction in range(len(first_output) - 1):
        if (offset + transaction) % SPACING == 0:
            marks[(offset + transaction) // SPACING] = appeared
        if late:
            for i in range(first_input[transaction], first_input[transaction + 1]):
                number = np.int64(input_address[i])
                if spent_output[i] == OUTSIDE and number != NOBODY and number >= appeared:
                    wrong_input[i] = number > appeared
                    # Whatever stands there, the next one is expected to follow the highest seen.
                    appeared = int(number) + 1
        for i in range(first_output[transaction], first_output[transaction + 1]):
            number = np.int64(output_address[i])
            if number != NOBODY and number >= appeared:
                wrong_output[i] = number > appeared
                appeared = int(number) + 1
    return appeared


@kernel
def _first_transactions(
    appeared: Int64Array,
    late: bool,
    first_input: Int64Array,
    spent_output: Int64Array,
    input_address: UInt32Array,
    first_output: Int64Array,
    output_address: UInt32Array,
    addresses: Int64Array,
    first: Int64Array,
) -> None:
    """Find the first transactions of ascending addresses."""
    transactions = len(first_output) - 1
    searched = -1
    transaction = 0
    for i in range(len(addresses)):
        # The last mark at which the address has not appeared yet.
        mark = int(np.searchsorted(appeared, addresses[i], side="right")) - 1
        if mark != searched:
            searched = mark
            transaction = mark * SPACING
        stop = min((mark + 1) * SPACING, transactions)
        while transaction < stop and not _appears(
            transaction,
            late,
            first_input,
            spent_output,
            input_address,
            first_output,
            output_address,
            addresses[i],
        ):
            transaction += 1
        if transaction < stop:
            first[i] = transaction
        else:
            # Where numbers are damaged a higher one may appear before a lower one.
            searched = -1


@kernel
def _appears(
    transaction: int,
    late: bool,
    first_input: Int64Array,
    spent_output: Int64Array,
    input_address: UInt32Array,
    first_output: Int64Array,
    output_address: UInt32Array,
    address: int,
) -> bool:
    for output in range(first_output[transaction], first_output[transaction + 1]):
        if np.int64(output_address[output]) == address:
            return True
    if late:
        for spend in range(first_input[transaction], first_input[transaction + 1]):
            outside = spent_output[spend] == OUTSIDE
            if outside and np.int64(input_address[spend]) == address:
                return True
    return False
