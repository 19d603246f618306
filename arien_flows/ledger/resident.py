"""What the writer keeps in memory to take blocks in; rebuilt from the columns when it is missing.

Nothing of it is stored, so it is never a second truth that could disagree with the first.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.unspent import UnspentOutputs, add_outputs, txid_prefixes
from arien_flows.ledger.view import View
from chains.tables import RevealKind
from chains.types import BoolArray

STEP = 1 << 22
"""Outputs scanned at a time."""


@dataclass(slots=True)
class Resident:
    """The writer's memory of a ledger."""

    unspent: UnspentOutputs
    revealed: BoolArray
    """Per address number: has it shown its key or script? With room for addresses to come."""

    @classmethod
    def of(cls, view: View) -> "Resident":
        """Rebuild it from a view."""
        return cls(unspent=rebuild_unspent(view), revealed=rebuild_revealed(view))

    def reserve(self, addresses: int) -> None:
        """Make room for this many addresses in all."""
        if addresses > len(self.revealed):
            grown: BoolArray = np.zeros(max(addresses, 2 * len(self.revealed)), dtype=np.bool_)
            grown[: len(self.revealed)] = self.revealed
            self.revealed = grown


def rebuild_unspent(view: View) -> UnspentOutputs:
    """Return the table of a view's unspent outputs; one pass over the spender column."""
    spent_after = view.counts.transactions
    found = [
        start
        + np.flatnonzero(
            (view.spender[start : start + STEP] >= spent_after)
            & (view.output_address[start : start + STEP] != NO_ADDRESS)
        )
        for start in range(0, view.counts.outputs, STEP)
    ]
    outputs = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
    table = UnspentOutputs.with_room_for(len(outputs))
    for start in range(0, len(outputs), STEP):
        part = outputs[start : start + STEP]
        transactions = view.transactions_of_outputs(part)
        add_outputs(
            table.slots,
            part,
            txid_prefixes(view.txid[transactions]),
            part - view.first_output[transactions],
            view.output_value[part],
            view.output_address[part],
        )
    table.count = len(outputs)
    return table


def rebuild_revealed(view: View) -> BoolArray:
    """Return which addresses have shown their key or script."""
    revealed: BoolArray = np.zeros(view.counts.addresses, dtype=np.bool_)
    shown = view.reveal_input[view.reveal_kind != RevealKind.TAP_LEAF]
    revealed[view.input_address[shown]] = True
    return revealed
