"""Rebuilding the writer's memory from the columns, as after a crash.

One pass over the columns in the order in which they stand: spender, address, value, and with each
transaction its id and its outputs' range. Threads read ranges ahead, where kernels pick what is
unspent; the entries go into the table in order. So the disk sets the pace: of the whole chain that
is 121 GB for the unspent outputs and 27 GB for what was revealed, most of it because unspent
outputs are strewn over nearly every page.
"""

import numpy as np

from arien_flows.ledger.files import Access, advise
from arien_flows.ledger.side_by_side import in_order
from arien_flows.ledger.unspent import Makers, UnspentOutputs, entries_of, id_words
from arien_flows.ledger.view import View
from chains.tables import RevealKind
from chains.types import AnyArray, Int64Array, UInt8Array, UInt32Array
from heuristics.bits import no_bits, set_bit
from heuristics.jit import kernel

TAP_LEAF = int(RevealKind.TAP_LEAF)

STEP = 1 << 19
"""Transactions, or reveals, that are read at a time: about 40 MB of the columns."""

READ_AHEAD = 2
"""Steps from the stretch that is worked on to the one that the disk is asked for."""


def rebuild_unspent(view: View) -> UnspentOutputs:
    """Return the table of a view's unspent outputs."""
    counts = view.counts
    # Exact for a ledger that begins at genesis; one that begins late spends more than it made.
    expected = counts.outputs - counts.op_returns - counts.inputs - counts.overwrites
    table = UnspentOutputs.with_room_for(max(0, expected))
    starts = range(0, counts.transactions, STEP)
    for entries in in_order(lambda start: _entries(view, start, table.salt), starts):
        table.add(entries)
    return table


def _entries(view: View, start: int, salt: np.uint64) -> Int64Array:
    """Return the entries of the unspent outputs of the `STEP` transactions from `start`."""
    count = view.counts.transactions
    stop = min(start + STEP, count)
    # While this stretch is worked on, the disk is to be busy with the one that comes next.
    for ahead in (start, start + READ_AHEAD * STEP):
        if ahead < count:
            for stretch in _stretches(view, ahead, min(ahead + STEP, count)):
                advise(stretch, Access.SOON)
    entries = entries_of(
        Makers(ids=id_words(view.txid), first_output=view.first_output),
        range(start, stop),
        numbered_from=0,
        spender=view.spender,
        limit=count,
        value=view.output_value,
        address=view.output_address,
        salt=salt,
    )
    for stretch in _stretches(view, start, stop):
        advise(stretch, Access.NO_MORE)
    # Few of many: what waits for the table must not keep the room that all would have taken.
    return entries.copy()


def _stretches(view: View, start: int, stop: int) -> list[AnyArray]:
    """Return what is read of the columns for the outputs of transactions `[start, stop)`."""
    first, last = int(view.first_output[start]), int(view.first_output[stop])
    outputs = (view.spender, view.output_address, view.output_value)
    return [view.txid[start:stop], *(column[first:last] for column in outputs)]


def rebuild_revealed(view: View) -> UInt8Array:
    """Return which addresses have shown their key or script, a bit each."""
    revealed = no_bits(view.counts.addresses)
    for start in range(0, view.counts.reveals, STEP):
        stop = min(start + STEP, view.counts.reveals)
        inputs = view.reveal_input[start:stop]
        addresses = view.input_address[int(inputs[0]) : int(inputs[-1]) + 1]
        advise(addresses, Access.SOON)
        _mark_revealed(inputs, view.reveal_kind[start:stop], view.input_address, revealed)
        advise(addresses, Access.NO_MORE)
    return revealed


@kernel
def _mark_revealed(
    reveal_input: Int64Array,
    reveal_kind: UInt8Array,
    input_address: UInt32Array,
    revealed: UInt8Array,
) -> None:
    for i in range(len(reveal_input)):
        if reveal_kind[i] != TAP_LEAF:
            set_bit(revealed, int(np.int64(input_address[reveal_input[i]])))
