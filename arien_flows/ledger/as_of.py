"""A ledger as it was when an earlier block was its last.

Rows stand in chain order, and what a view covers is said by its counts, so an earlier state is the
same arrays, cut short. Outputs that were spent later still name their spender; as its number lies
past the cut they read as unspent, as in every view. Nothing is copied.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from arien_flows.errors import InputError
from arien_flows.ledger.beginning import first_height
from arien_flows.ledger.schema import SCHEMA, Column
from arien_flows.ledger.view import COLUMN_FIELDS, Counts, View
from chains.types import AnyArray


def view_as_of(view: View, height: int) -> View:
    """Return the state of a ledger of whole blocks that ends with the block at `height`.

    It is the view itself where that block is the last one. `InputError` where the ledger does not
    hold the block, or holds single transactions only.
    """
    if view.gaps is not None:
        raise InputError("what was fetched from a server shows one state of the chain only")
    first = first_height(view)
    if not first <= height <= view.tip.height:
        raise InputError(
            f"the ledger of {view.network.name} holds blocks {first:,} to {view.tip.height:,}, "
            f"and not block {height:,}"
        )
    if height == view.tip.height:
        return view
    counts = counts_of_blocks(view, height - first + 1)
    columns: dict[str, Any] = {
        COLUMN_FIELDS[column.path]: _cut(view, column, getattr(counts, column.table))
        for column in SCHEMA
    }
    return replace(
        view,
        counts=counts,
        transactions_by_id=replace(view.transactions_by_id, row_count=counts.transactions),
        addresses_by_lock=replace(view.addresses_by_lock, row_count=counts.addresses),
        reveals_by_lock=replace(view.reveals_by_lock, row_count=counts.reveals),
        histories=replace(view.histories, transaction_count=counts.transactions),
        **columns,
    )


def _cut(view: View, column: Column, rows: int) -> AnyArray:
    """Return what a column holds of the first rows of its table."""
    held: AnyArray = getattr(view, COLUMN_FIELDS[column.path])
    if column.shape == "bytes":
        offsets = getattr(view, COLUMN_FIELDS[f"{column.table}/{column.offsets}"])
        return held[: int(offsets[rows])]
    return held[: rows + (column.shape == "offsets")]


def counts_of_blocks(view: View, blocks: int) -> Counts:
    """Return the rows of each table that the first blocks have brought."""
    transactions = int(view.first_transaction[blocks])
    inputs = int(view.first_input[transactions])
    outputs = int(view.first_output[transactions])
    return Counts(
        blocks=blocks,
        transactions=transactions,
        inputs=inputs,
        outputs=outputs,
        addresses=_addresses_before(view, transactions),
        reveals=int(np.searchsorted(view.reveal_input, inputs)),
        links=int(np.searchsorted(view.link_transaction, np.uint32(transactions))),
        op_returns=int(np.searchsorted(view.op_return_output, outputs)),
        overwrites=int(np.searchsorted(view.overwrite_transaction, np.uint32(transactions))),
    )


def _addresses_before(view: View, transactions: int) -> int:
    """Return how many addresses the first transactions use.

    Addresses are numbered in the order in which they appear, so halving finds the first one that
    appears later, at the cost of one look into the history of an address each time.
    """
    low, high = 0, view.counts.addresses
    while low < high:
        middle = (low + high) // 2
        if view.totals(middle).first_transaction < transactions:
            low = middle + 1
        else:
            high = middle
    return low
