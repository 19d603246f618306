"""CoinJoin marks of a ledger's transactions: a derived set that clustering and tracing read.

A transaction's marks depend on that transaction alone, so a new block adds marks and a
reorganisation cuts them off; nothing is ever judged again.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from arien_flows.entities.draft import drafting
from arien_flows.entities.position import (
    coinjoin_folder,
    grow_headers,
    new_manifest,
    reusable_blocks,
    transaction_chunks,
)
from arien_flows.entities.storage import DerivedSet, Rows
from arien_flows.ledger.view import View
from chains.types import Int64Array, UInt8Array
from heuristics import coinjoin
from heuristics.coinjoin import DETAIL_WIDTH, VETOES, CoinJoinMark, DetailField
from heuristics.columns import TransactionColumns

RULES = {
    "coinjoin_definite": coinjoin.VERSION,
    "coinjoin_joinmarket": coinjoin.VERSION,
    "coinjoin_equal_outputs": coinjoin.VERSION,
    "coinjoin_stonewall": coinjoin.VERSION,
}
RULE_NAMES = {
    CoinJoinMark.DEFINITE: "coinjoin_definite",
    CoinJoinMark.JOINMARKET: "coinjoin_joinmarket",
    CoinJoinMark.EQUAL_OUTPUTS: "coinjoin_equal_outputs",
    CoinJoinMark.STONEWALL: "coinjoin_stonewall",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinJoinFinding:
    """What the rules say about one marked transaction (an inference, never a fact)."""

    rules: tuple[str, ...]
    """Rules that fired, vetoes included, as `heuristics.rules` names them."""

    vetoed: bool
    """A veto stands: clustering leaves the transaction out, reports do not call it a CoinJoin."""

    confidence: int | None
    """0 to 100 as the rule's source gives it; None where none does."""

    participants: int
    """Presumed: the number of equal outputs."""

    denomination_sat: int

    @property
    def reportable(self) -> bool:
        """Whether a report may call the transaction a CoinJoin of a named protocol."""
        sure = self.confidence is not None and self.confidence >= coinjoin.REPORTING_CONFIDENCE
        return sure and not self.vetoed


@dataclass(frozen=True, kw_only=True)
class CoinJoins:
    """The marks of all transactions up to a block."""

    derived: DerivedSet

    @property
    def rows(self) -> Rows:
        """Marks in parts, for passes over the whole chain."""
        return self.derived.arrays["marks"]

    @cached_property
    def marks(self) -> UInt8Array:
        """`CoinJoinMark` of each transaction; clustering leaves out every one that is not 0."""
        return self.derived.whole("marks")

    @cached_property
    def detected(self) -> UInt8Array:
        """As `marks`, but 0 where a veto stands: what a trace may stop at."""
        marks = self.marks
        return np.where(marks & np.uint8(VETOES), np.uint8(0), marks)

    @cached_property
    def details(self) -> Int64Array:
        """One row for each marked transaction, ascending; see `DetailField`."""
        return self.derived.whole("details")

    def finding(self, transaction: int) -> CoinJoinFinding | None:
        """Return what the rules say about a transaction, or nothing where none fired."""
        details = self.details
        row = int(np.searchsorted(details[:, DetailField.TRANSACTION], transaction))
        if row == len(details) or details[row, DetailField.TRANSACTION] != transaction:
            return None
        marks = CoinJoinMark(int(details[row, DetailField.MARKS]))
        confidence = int(details[row, DetailField.CONFIDENCE])
        return CoinJoinFinding(
            rules=tuple(name for mark, name in RULE_NAMES.items() if mark in marks),
            vetoed=bool(marks & VETOES),
            confidence=None if confidence == coinjoin.NOT_MEASURED else confidence,
            participants=int(details[row, DetailField.PARTICIPANTS]),
            denomination_sat=int(details[row, DetailField.DENOMINATION_SAT]),
        )


def transaction_columns(view: View) -> TransactionColumns:
    """Return the columns of a view that rules about amounts read."""
    return TransactionColumns(
        first_input=view.first_input,
        first_output=view.first_output,
        input_address=view.input_address,
        input_value_sat=view.input_value,
        output_address=view.output_address,
        output_value_sat=view.output_value,
    )


def mark_coinjoins(view: View, derived: Path | None) -> CoinJoins:
    """Bring the marks up to the view's last block, and return them.

    Parameters
    ----------
    view
        Holds at least one block.
    derived
        The folder of the ledger's derived sets; None keeps the marks in memory.
    """
    manifest = new_manifest(view, kind="coinjoin", rules=RULES, parameters={}, counts={})
    with drafting(coinjoin_folder(derived)) as draft:
        kept = reusable_blocks(draft.base, view, manifest)
        if draft.base is not None and kept == view.counts.blocks == _blocks(draft.base):
            return CoinJoins(derived=draft.base)
        first = int(view.first_transaction[kept])
        append_marks = draft.grow("marks", "uint8", keep=first)
        append_details = draft.grow(
            "details", "int64", keep=_details_before(draft.base, first), width=DETAIL_WIDTH
        )
        columns = transaction_columns(view)
        for start, stop in transaction_chunks(first, view.counts.transactions):
            marks, details = coinjoin.mark_coinjoins(columns, start, stop)
            append_marks(marks)
            append_details(details)
        grow_headers(draft, view, kept)
        return CoinJoins(derived=draft.commit(manifest))


def _blocks(derived: DerivedSet) -> int:
    return derived.manifest.counts["blocks"]


def _details_before(base: DerivedSet | None, transaction: int) -> int:
    """Return how many rows of details speak of transactions before this one."""
    if base is None or transaction == 0:
        return 0
    transactions = base.whole("details")[:, DetailField.TRANSACTION]
    return int(np.searchsorted(transactions, transaction))
