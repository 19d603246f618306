"""Taking back what was written in place: the one operation behind recovery and roll-back.

The only words written in place are the spenders of outputs. Which ones a batch has set stands in
its own rows: each input names the output that it spends. So rows past the manifest's counts are
undone by clearing the spender of every output that they name, in reverse order; the rows themselves
need no erasing, as nobody reads past the counts and the next batch writes over them.
"""

from dataclasses import replace

import numpy as np

from arien_flows.ledger.as_of import counts_of_blocks
from arien_flows.ledger.disk import Disk
from arien_flows.ledger.files import map_array
from arien_flows.ledger.manifest import Manifest, Runs
from arien_flows.ledger.schema import EXTERNAL, UNSPENT
from arien_flows.ledger.sorted_runs import cut_runs
from arien_flows.ledger.view import Counts, View
from chains.types import Int64Array

SPENDER = "outputs/spender"
STEP = 1 << 26
"""Rows undone in one sweep over the column: half a gigabyte of them."""

PIECE = 1 << 20
"""Rows looked at at a time within a sweep."""


def undo_spends(disk: Disk, counts: Counts, reached: Counts) -> None:
    """Clear the spenders that rows `[counts, reached)` may have set on outputs that stay."""
    for table, column in (("inputs", "spent_output"), ("overwrites", "output")):
        first, stop = getattr(counts, table), getattr(reached, table)
        for end in range(stop, first, -STEP):
            begin = max(first, end - STEP)
            rows = map_array(disk.root / table / column, "int64", end - begin, 8 * begin)
            _clear(disk, rows[(rows != EXTERNAL) & (rows < counts.outputs)], counts)
    disk.sync([SPENDER])


def _clear(disk: Disk, staying: Int64Array, counts: Counts) -> None:
    """Clear the spenders of outputs, in one sweep, where a later transaction is named."""
    staying.sort()
    for start in range(0, len(staying), PIECE):
        rows = staying[start : start + PIECE]
        dirty = rows[disk.read_words(SPENDER, rows) >= counts.transactions]
        disk.write_words(SPENDER, dirty, np.full(len(dirty), UNSPENT, dtype=np.uint32))


def counts_at(view: View, height: int) -> Counts:
    """Return the counts of the ledger after the block at `height`; -1 for an empty ledger."""
    blocks = int(np.searchsorted(view.block_height, height, side="right")) if height >= 0 else 0
    return counts_of_blocks(view, blocks)


def rolled_back(manifest: Manifest, view: View, counts: Counts, sealed: Counts) -> Manifest:
    """Return the manifest of a roll-back to `counts`, before the segments are counted anew."""
    removed_out = view.output_value[counts.outputs :]
    # What came from outside the ledger goes back there.
    inside = view.spent_output[counts.inputs :] != EXTERNAL
    removed_in = view.input_value[counts.inputs :][inside]
    revived = view.output_value[view.overwrite_output[counts.overwrites :]]
    runs = manifest.runs
    return replace(
        manifest,
        generation=manifest.generation + 1,
        counts=counts,
        sealed=sealed,
        byte_counts={
            "blocks/coinbase_script": int(view.first_coinbase_byte[counts.blocks]),
            "addresses/payload": int(view.first_payload_byte[counts.addresses]),
            "reveals/revealed": int(view.first_reveal_byte[counts.reveals]),
            "op_returns/data": int(view.first_op_return_byte[counts.op_returns]),
        },
        unspent_sat=manifest.unspent_sat
        - int(removed_out.sum(dtype=np.int64))
        + int(removed_in.sum(dtype=np.int64))
        + int(revived.sum(dtype=np.int64)),
        runs=Runs(
            transactions=cut_runs(runs.transactions, counts.transactions),
            addresses=cut_runs(runs.addresses, counts.addresses),
            reveals=cut_runs(runs.reveals, counts.reveals),
            history=cut_runs(runs.history, counts.transactions),
        ),
    )
