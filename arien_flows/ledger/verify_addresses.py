"""Whether addresses are numbered as they appear, and where each appears first."""

from dataclasses import dataclass

import numpy as np

from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.verify_result import Check, Findings
from arien_flows.ledger.verify_statements import steps
from arien_flows.ledger.view import View
from chains.types import BoolArray, Int64Array, UInt32Array
from heuristics.jit import kernel

SPACING = 1 << 10
"""Outputs between two marks of `FirstOutputs`."""

NOBODY = NO_ADDRESS


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstOutputs:
    """Where addresses appear first, kept as one mark for each `SPACING` outputs.

    Numbers are given as addresses appear, so how many have appeared never falls along the chain;
    that it does so is what `check_numbering` checks.
    """

    appeared: Int64Array
    """Addresses that appear before output `SPACING * i`."""

    output_address: UInt32Array

    def of(self, addresses: Int64Array) -> Int64Array:
        """Return the first output of each address number, -1 for a number that never appears."""
        first = np.full(len(addresses), -1, dtype=np.int64)
        _first_outputs(self.appeared, self.output_address, addresses, first)
        return first


def check_numbering(view: View) -> tuple[Check, FirstOutputs]:
    """Check the numbers of addresses; returns where they appear as well."""
    found = Findings()
    marks = np.zeros(-(-view.counts.outputs // SPACING), dtype=np.int64)
    appeared = 0
    for start, stop in steps(view.counts.outputs):
        wrong = np.zeros(stop - start, dtype=np.bool_)
        appeared = _number(view.output_address[start:stop], start, appeared, marks, wrong)
        rows = start + np.flatnonzero(wrong)
        found.add_many(
            (
                (
                    f"outputs/address row {row} ({view.outpoint_text(row)})",
                    f"is {view.output_address[row]}: a number was left out before it",
                )
                for row in rows.tolist()
            ),
            len(rows),
        )
    if appeared != view.counts.addresses:
        found.add(
            "outputs/address",
            f"{appeared} addresses appear where the ledger counts {view.counts.addresses}",
        )
    found.rows_checked = view.counts.outputs
    check = found.check(
        "address_numbers",
        "Addresses are numbered from 0 in the order in which outputs first pay them, without "
        "leaving a number out.",
    )
    return check, FirstOutputs(appeared=marks, output_address=view.output_address)


@kernel
def _number(
    address: UInt32Array, offset: int, appeared: int, marks: Int64Array, wrong: BoolArray
) -> int:
    """Mark numbers that skip one; returns how many addresses have appeared after these outputs."""
    for i in range(len(address)):
        if (offset + i) % SPACING == 0:
            marks[(offset + i) // SPACING] = appeared
        number = np.int64(address[i])
        if number == NOBODY or number < appeared:
            continue
        wrong[i] = number > appeared
        # Whatever stands there, the next one is expected to follow the highest seen.
        appeared = int(number) + 1
    return appeared


@kernel
def _first_outputs(
    appeared: Int64Array, output_address: UInt32Array, addresses: Int64Array, first: Int64Array
) -> None:
    for i in range(len(addresses)):
        # The last mark at which the address has not appeared yet.
        mark = np.searchsorted(appeared, addresses[i], side="right") - 1
        stop = min((mark + 1) * SPACING, len(output_address))
        for output in range(mark * SPACING, stop):
            if np.int64(output_address[output]) == addresses[i]:
                first[i] = output
                break
