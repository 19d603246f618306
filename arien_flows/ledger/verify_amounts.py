"""Whether every satoshi is accounted for: fees, what coinbases claim, and what is unspent."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from arien_flows.ledger.beginning import first_height
from arien_flows.ledger.manifest import Manifest
from arien_flows.ledger.schema import EXTERNAL
from arien_flows.ledger.side_by_side import in_order
from arien_flows.ledger.verify_blocks import block_steps
from arien_flows.ledger.verify_result import Check, Findings
from arien_flows.ledger.verify_statements import steps
from arien_flows.ledger.view import View
from chains.bitcoin.networks import COIN_SAT
from chains.types import BoolArray, Int64Array

MAX_MONEY_SAT = 21_000_000 * COIN_SAT
"""No valid output is worth more."""


def impossible_amounts(value_sat: Int64Array) -> BoolArray:
    """Return which amounts no valid output can have."""
    impossible: BoolArray = (value_sat < 0) | (value_sat > MAX_MONEY_SAT)
    return impossible


def check_amounts(view: View, manifest: Manifest) -> Check:
    """Recompute fees, what coinbases may claim, and the value of all that is unspent."""
    found = Findings()
    paid_total = spent_total = unspent_total = 0
    for blocks in in_order(partial(_sum_blocks, view), block_steps(view)):
        _note_fees(view, blocks, found)
        _check_claims(view, blocks, found)
        paid_total += int(blocks.paid.sum())
        spent_total += blocks.spent_inside
    for rows, unspent in in_order(partial(_sum_unspent, view), steps(view.counts.outputs)):
        found.add_many(
            (
                (
                    f"outputs/value row {row} ({view.outpoint_text(row)})",
                    f"{view.output_value[row]} sat is not a possible amount",
                )
                for row in rows.tolist()
            ),
            len(rows),
        )
        unspent_total += unspent
    totals = {
        "outputs less inputs and void outputs": paid_total - spent_total - _voided_sat(view),
        "outputs without a spender": unspent_total,
    }
    for name, total in totals.items():
        if total != manifest.unspent_sat:
            found.add(
                "manifest.json, unspent_sat",
                f"says {manifest.unspent_sat} sat where {name} sum to {total}",
            )
    found.rows_checked = view.counts.transactions + view.counts.outputs
    return found.check(
        "amounts",
        "Every fee is what the inputs of the transaction exceed its outputs by, no coinbase claims "
        "more than the subsidy and the fees of its block, and the value of all unspent outputs is "
        "the stated one.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blocks:
    """The sums of the transactions of some blocks."""

    start: int
    stop: int
    paid: Int64Array
    fee: Int64Array
    spent_inside: int
    """Value of all inputs that spend the ledger itself."""


def _sum_blocks(view: View, blocks: tuple[int, int]) -> _Blocks:
    start, stop = blocks
    begin, end = int(view.first_transaction[start]), int(view.first_transaction[stop])
    first_input = view.first_input[begin : end + 1]
    paid = _sums(view.output_value, view.first_output[begin : end + 1])
    fee = _sums(view.input_value, first_input) - paid
    fee[first_input[1:] == first_input[:-1]] = 0
    inputs = slice(int(first_input[0]), int(first_input[-1]))
    inside = view.spent_output[inputs] != EXTERNAL
    return _Blocks(
        start=start,
        stop=stop,
        paid=paid,
        fee=fee,
        spent_inside=int(view.input_value[inputs].sum(dtype=np.int64, where=inside)),
    )


def _sum_unspent(view: View, outputs: tuple[int, int]) -> tuple[Int64Array, int]:
    """Return which of some outputs have impossible amounts, and what the unspent ones sum to."""
    start, stop = outputs
    value = view.output_value[start:stop]
    unspent = view.spender[start:stop] >= view.counts.transactions
    rows = start + np.flatnonzero(impossible_amounts(value))
    return rows, int(value.sum(dtype=np.int64, where=unspent))


def _sums(amount_sat: Int64Array, first: Int64Array) -> Int64Array:
    """Return the sum of the children of each row; rows may be without."""
    running = np.cumsum(amount_sat[first[0] : first[-1]], dtype=np.int64)
    running = np.concatenate([np.zeros(1, dtype=np.int64), running])
    sums: Int64Array = np.diff(running[first - first[0]])
    return sums


def _note_fees(view: View, blocks: _Blocks, found: Findings) -> None:
    begin = int(view.first_transaction[blocks.start])
    stated = view.fee[begin : begin + len(blocks.fee)]
    wrong = np.flatnonzero((stated != blocks.fee) | (blocks.fee < 0))
    found.add_many(
        (
            (
                f"transactions/fee row {begin + row} ({view.txid_text(begin + row)})",
                f"says {stated[row]} sat where inputs less outputs are {blocks.fee[row]}",
            )
            for row in wrong.tolist()
        ),
        len(wrong),
    )


def _check_claims(view: View, blocks: _Blocks, found: Findings) -> None:
    """Check what the coinbases of some blocks claim."""
    start, stop, paid = blocks.start, blocks.stop, blocks.paid
    first = view.first_transaction[start:stop]
    begin = int(first[0])
    claimed = paid[first - begin]
    fees = np.add.reduceat(view.fee[begin : begin + len(paid)], first - begin)
    interval = view.network.halving_interval
    periods = (first_height(view) + np.arange(start, stop)) // interval
    lowest = int(periods[0])
    subsidies = [view.network.subsidy(period * interval)
                 for period in range(lowest, int(periods[-1]) + 1)]  # fmt: skip
    allowed = np.array(subsidies, dtype=np.int64)[periods - lowest] + fees
    wrong = np.flatnonzero(claimed > allowed)
    found.add_many(
        (
            (
                f"block {first_height(view) + start + row}",
                f"its coinbase claims {claimed[row]} sat where {allowed[row]} are allowed",
            )
            for row in wrong.tolist()
        ),
        len(wrong),
    )


def _voided_sat(view: View) -> int:
    voided = view.overwrite_output
    real = voided[(voided >= 0) & (voided < view.counts.outputs)]
    return int(view.output_value[real].sum(dtype=np.int64))
