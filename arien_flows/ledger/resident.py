"""What the writer keeps in memory to take blocks in; rebuilt from the columns when it is missing.

Nothing of it is stored, so it is never a second truth that could disagree with the first. It
follows the ledger forward and back: rebuilding it reads whole columns, which a writer that stays at
the tip of a chain cannot afford for each block that is reorganised away.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from arien_flows.errors import LedgerDamagedError
from arien_flows.ledger.lock_memory import LockMemory
from arien_flows.ledger.rebuilding import rebuild_revealed, rebuild_unspent
from arien_flows.ledger.schema import EXTERNAL, NO_ADDRESS
from arien_flows.ledger.unspent import (
    Found,
    Makers,
    Outpoints,
    UnspentOutputs,
    entries_at,
    id_words,
)
from arien_flows.ledger.view import Counts, View
from chains.tables import RevealKind
from chains.types import BoolArray, Int64Array, UInt8Array, UInt32Array
from heuristics.bits import clear_bit, no_bits
from heuristics.jit import kernel

STEP = 1 << 22
"""Rows looked at at a time."""


@dataclass(slots=True)
class Resident:
    """The writer's memory of a ledger."""

    unspent: UnspentOutputs
    revealed: UInt8Array
    """A bit per address number: has it shown its key or script? With room for some to come."""

    locks: LockMemory
    """Which scripts were met; a roll-back needs no change in it."""

    @classmethod
    def of(cls, view: View) -> "Resident":
        """Rebuild it from a view."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            revealed = pool.submit(rebuild_revealed, view)
            locks = pool.submit(
                LockMemory.of, view.addresses_by_lock.runs, view.reveals_by_lock.runs
            )
            unspent = rebuild_unspent(view)
            return cls(unspent=unspent, revealed=revealed.result(), locks=locks.result())

    def reserve(self, addresses: int) -> None:
        """Make room for this many addresses in all."""
        if addresses > 8 * len(self.revealed):
            grown = no_bits(addresses + addresses // 4)
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
        _clear_bits(self.revealed, view.input_address[shown])
        # A row of these may soon hold something that is no script.
        self.locks.forget_reveals()
        # First what goes: of two outputs with one id (BIP 30) only one may be in the table.
        for start in range(counts.outputs, view.counts.outputs, STEP):
            stop = min(start + STEP, view.counts.outputs)
            _take_out(self.unspent, view, start + np.flatnonzero(_is_unspent(view, start, stop)))
        for outputs in _freed(view, counts):
            _put_in(self.unspent, view, outputs)


@kernel
def _clear_bits(bits: UInt8Array, numbers: UInt32Array) -> None:
    for i in range(len(numbers)):
        clear_bit(bits, int(np.int64(numbers[i])))


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


def _outpoints(view: View, outputs: Int64Array) -> Outpoints:
    transactions = view.transactions_of_outputs(outputs)
    vout = (outputs - view.first_output[transactions]).astype(np.uint32)
    return Outpoints.of(view.txid[transactions], vout)


def _put_in(table: UnspentOutputs, view: View, outputs: Int64Array) -> None:
    table.add(
        entries_at(
            table.keys(_outpoints(view, outputs)),
            outputs,
            view.output_value[outputs],
            view.output_address[outputs],
        )
    )


def _take_out(table: UnspentOutputs, view: View, outputs: Int64Array) -> None:
    """Remove outputs as if inputs had spent them all."""
    outpoints = _outpoints(view, outputs)
    found = Found.nothing(len(outputs), NO_ADDRESS)
    table.spend(
        Makers(ids=id_words(view.txid), first_output=view.first_output),
        outpoints,
        np.arange(len(outputs), dtype=np.int64),
        found,
        is_certain=True,
    )
    if not np.array_equal(found.output, outputs):
        raise LedgerDamagedError(
            "the unspent outputs in memory are not those of the ledger: run `ledger verify`"
        )
