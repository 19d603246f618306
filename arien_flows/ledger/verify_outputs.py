"""Whether outputs that nobody can spend are marked: void coinbases and data."""

import numpy as np

from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.verify_result import Check, Findings
from arien_flows.ledger.verify_statements import out_of_order, steps
from arien_flows.ledger.view import View
from chains.types import AnyArray


def check_overwrites(view: View) -> Check:
    """Check that what a repeated coinbase voids is the same output of an earlier one."""
    found = Findings()
    voided, by = view.overwrite_output, view.overwrite_transaction.astype(np.int64)
    _note_order("overwrites/transaction", by, strictly=False, found=found)
    for row in range(view.counts.overwrites):
        if not _voids(view, int(voided[row]), int(by[row])):
            found.add(
                f"overwrites/output row {row}",
                "is not the output of a coinbase whose id a later coinbase repeats",
            )
    found.rows_checked = view.counts.overwrites
    return found.check(
        "overwrites",
        "Outputs are void only where a later coinbase has the very id of the coinbase that made "
        "them (BIP 30).",
    )


def _voids(view: View, output: int, transaction: int) -> bool:
    if not (0 <= output < view.counts.outputs and transaction < view.counts.transactions):
        return False
    earlier = int(view.transactions_of_outputs(np.array([output]))[0])
    position = output - int(view.first_output[earlier])
    outputs = int(view.first_output[transaction + 1] - view.first_output[transaction])
    both = np.array([earlier, transaction])
    return (
        earlier < transaction
        and position < outputs
        and bool(view.is_coinbase(both).all())
        and bool((view.txid[earlier] == view.txid[transaction]).all())
    )


def _note_order(path: str, column: AnyArray, *, strictly: bool, found: Findings) -> None:
    wrong = out_of_order(column, strictly=strictly)
    found.add_many(
        (
            (f"{path} row {row}", f"is {column[row]} after {column[row - 1]}")
            for row in wrong.tolist()
        ),
        len(wrong),
    )


def check_op_returns(view: View) -> Check:
    """Check that the outputs without address are those whose data are kept, and no others."""
    found = Findings()
    rows = view.op_return_output
    matched = 0
    for start, stop in steps(view.counts.outputs):
        low, high = np.searchsorted(rows, [start, stop])
        nobody = start + np.flatnonzero(view.output_address[start:stop] == NO_ADDRESS)
        kept = rows[low:high]
        matched += len(kept)
        for path, wrong in (
            ("outputs/address", np.setdiff1d(nobody, kept)),
            ("op_returns/output", np.setdiff1d(kept, nobody)),
        ):
            found.add_many(
                (
                    (f"{path}, output {row}", "has no address or no data, but not both")
                    for row in wrong.tolist()
                ),
                len(wrong),
            )
    _note_order("op_returns/output", rows, strictly=True, found=found)
    if matched != len(rows):
        found.add("op_returns/output", f"{len(rows) - matched} rows name outputs that do not exist")
    found.rows_checked = view.counts.op_returns
    return found.check(
        "op_returns",
        "The outputs without an address are those that only carry data (OP_RETURN), and each has "
        "its data once.",
    )
