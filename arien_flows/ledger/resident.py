"""What the writer keeps in memory to take blocks in; rebuilt from the columns when it is missing.

Nothing of it is stored, so it is never a second truth that could disagree with the first. It
follows the ledger forward and back: rebuilding it reads the whole column of spenders, which a
writer that stays at the tip of a chain cannot afford for each block that is reorganised away.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from arien_flows.errors import LedgerDamagedError
from arien_flows.ledger.lock_memory import LockMemory
from arien_flows.ledger.schema import EXTERNAL, NO_ADDRESS
from arien_flows.ledger.unspent import UnspentOutputs, add_outputs, spend_and_add, txid_prefixes
from arien_flows.ledger.view import Counts, View
from chains.tables import RevealKind
from chains.types import BoolArray, Int64Array

STEP = 1 << 22
"""Outputs scanned at a time."""


@dataclass(slots=True)
class Resident:
    """The writer's memory of a ledger."""

    unspent: UnspentOutputs
    revealed: BoolArray
    """Per address number: has it shown its key or script? With room for addresses to come."""

    locks: LockMemory
    """Which scripts were met; a roll-back needs no change in it."""

    @classmethod
    def of(cls, view: View) -> "Resident":
        """Rebuild it from a view."""
        return cls(
            unspent=rebuild_unspent(view),
            revealed=rebuild_revealed(view),
            locks=LockMemory.of(view.addresses_by_lock.runs, view.reveals_by_lock.runs),
        )

    def reserve(self, addresses: int) -> None:
        """Make room for this many addresses in all."""
        if addresses > len(self.revealed):
            grown: BoolArray = np.zeros(max(addresses, 2 * len(self.revealed)), dtype=np.bool_)
            grown[: len(self.revealed)] = self.revealed
            self.revealed = grown

    def roll_back(self, view: View, counts: Counts) -> None:
        """Go back from the end of `view` to its first `counts` rows, at the cost of the others.

        The view must still say what it said: call this before its spenders are cleared. After an
        error the state is of no use.
        """
        hidden = view.reveal_kind[counts.reveals :] != RevealKind.TAP_LEAF
        shown = view.reveal_input[counts.reveals :][hidden]
        # All that an address shows, leaves apart, it shows with its first spend.
        self.revealed[view.input_address[shown]] = False
        # First what goes: of two outputs with one id (BIP 30) only one may be in the table.
        for start in range(counts.outputs, view.counts.outputs, STEP):
            stop = min(start + STEP, view.counts.outputs)
            _take_out(self.unspent, view, start + np.flatnonzero(_is_unspent(view, start, stop)))
        for outputs in _freed(view, counts):
            _put_in(self.unspent, view, outputs)


def rebuild_unspent(view: View) -> UnspentOutputs:
    """Return the table of a view's unspent outputs; one pass over the spender column."""
    found = [
        start + np.flatnonzero(_is_unspent(view, start, start + STEP))
        for start in range(0, view.counts.outputs, STEP)
    ]
    outputs = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
    table = UnspentOutputs.with_room_for(len(outputs))
    for start in range(0, len(outputs), STEP):
        _put_in(table, view, outputs[start : start + STEP])
    return table


def rebuild_revealed(view: View) -> BoolArray:
    """Return which addresses have shown their key or script."""
    revealed: BoolArray = np.zeros(view.counts.addresses, dtype=np.bool_)
    shown = view.reveal_input[view.reveal_kind != RevealKind.TAP_LEAF]
    revealed[view.input_address[shown]] = True
    return revealed


def _is_unspent(view: View, start: int, stop: int) -> BoolArray:
    """Return which outputs `[start, stop)` somebody can still spend."""
    unspent: BoolArray = (view.spender[start:stop] >= view.counts.transactions) & (
        view.output_address[start:stop] != NO_ADDRESS
    )
    return unspent


def _freed(view: View, counts: Counts) -> Iterator[Int64Array]:
    """Yield the outputs among the first that the rows past `counts` spend or void."""
    for column, first in (
        (view.spent_output, counts.inputs),
        (view.overwrite_output, counts.overwrites),
    ):
        for start in range(first, len(column), STEP):
            spent = column[start : start + STEP]
            yield spent[(spent != EXTERNAL) & (spent < counts.outputs)]


def _put_in(table: UnspentOutputs, view: View, outputs: Int64Array) -> None:
    table.reserve(len(outputs))
    transactions = view.transactions_of_outputs(outputs)
    add_outputs(
        table.slots,
        outputs,
        txid_prefixes(view.txid[transactions]),
        outputs - view.first_output[transactions],
        view.output_value[outputs],
        view.output_address[outputs],
    )
    table.count += len(outputs)


def _take_out(table: UnspentOutputs, view: View, outputs: Int64Array) -> None:
    """Remove outputs as if one transaction without outputs of its own had spent them all."""
    transactions = view.transactions_of_outputs(outputs)
    spent_txid = view.txid[transactions]
    found = np.empty(len(outputs), dtype=np.int64)
    nothing = np.zeros(1, dtype=np.int64)
    spend_and_add(
        table.slots,
        view.txid,
        view.first_output,
        np.zeros((1, 32), dtype=np.uint8),
        nothing,
        np.array([0, len(outputs)], dtype=np.int64),
        np.zeros(2, dtype=np.int64),
        spent_txid,
        txid_prefixes(spent_txid),
        (outputs - view.first_output[transactions]).astype(np.uint32),
        nothing[:0],
        np.empty(0, dtype=np.uint32),
        found,
        np.empty(len(outputs), dtype=np.int64),
        np.empty(len(outputs), dtype=np.uint32),
        np.empty((0, 2), dtype=np.int64),
    )
    if not np.array_equal(found, outputs):
        raise LedgerDamagedError(
            "the unspent outputs in memory are not those of the ledger: run `ledger verify`"
        )
    table.count -= len(outputs)
