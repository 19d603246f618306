"""CoinJoin marks of a ledger's transactions: a derived set that clustering and tracing read.

A transaction's marks depend on that transaction alone, so a new block adds marks and a
reorganisation cuts them off; nothing is ever judged again. What the transactions around it say is
found out when somebody asks, and not kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from arien_flows.entities.coinjoin_findings import (
    RULES,
    Amount,
    CoinJoinFinding,
    rules_of,
    undescribed,
    vetoes_of,
)
from arien_flows.entities.coinjoin_neighbours import Neighbourhood, judged
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
from chains.bitcoin.address import parse_address
from chains.bitcoin.networks import BITCOIN
from chains.types import Int64Array, UInt8Array
from heuristics import coinjoin
from heuristics.coinjoin import (
    AMOUNT_WIDTH,
    DETAIL_WIDTH,
    NOT_MEASURED,
    AmountField,
    CoinJoinMark,
    Design,
    DetailField,
)
from heuristics.coinjoin_columns import ANY_TIME, CoinJoinColumns, Eras
from heuristics.columns import TransactionColumns, UInt16Array

WASABI_1_HEIGHT = 530_500
WASABI_1_OPEN_HEIGHT = 610_000
"""From here on Wasabi's coordinator had no fixed address."""

WHIRLPOOL_HEIGHT = 570_000
WASABI_2_HEIGHT = 741_213
"""First blocks of the main network that can hold each design, after Dumplings 36f28f2."""

COORDINATORS = (
    "bc1qs604c7jv6amk4cxqlnvuxv26hv3e48cds4m0ew",
    "bc1qa24tsgchvuxsaccp8vrnkfd85hrcpafg20kmjw",
)
"""Addresses of Wasabi's coordinator in the first years, after the same."""

_EXACT_WASABI_1 = CoinJoinMark.WASABI_1 | CoinJoinMark.WASABI_1_0
"""Marks of Wasabi 1 by equal amounts; the third goes by levels."""

_NONE_UNASKED = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class CoinJoins:
    """The marks of all transactions up to a block."""

    derived: DerivedSet

    @property
    def rows(self) -> Rows:
        """Marks in parts, for passes over the whole chain."""
        return self.derived.arrays["marks"]

    @cached_property
    def marks(self) -> UInt16Array:
        """`CoinJoinMark` of each transaction; see `heuristics.coinjoin.excluded`."""
        return self.derived.whole("marks")

    @cached_property
    def detected(self) -> UInt8Array:
        """1 where a transaction is taken for a CoinJoin and no veto of its own stands.

        That is what a trace may stop at. What is only possible, a Tx0 and a PayJoin are not here.
        """
        return coinjoin.stopping(self.marks)

    @cached_property
    def details(self) -> Int64Array:
        """One row for each detected transaction and each Tx0, ascending; see `DetailField`."""
        return self.derived.whole("details")

    @cached_property
    def amounts(self) -> Int64Array:
        """The amounts of rounds of Wasabi, ascending by transaction; see `AmountField`."""
        return self.derived.whole("amounts")

    def mark(self, transaction: int) -> CoinJoinMark:
        """Return the marks of a transaction; none of one that is past the set's last block."""
        found = self.rows.slice(transaction, transaction + 1)
        return CoinJoinMark(int(found[0]) if len(found) else 0)

    def finding(
        self,
        transaction: int,
        *,
        view: View | None = None,
        is_exchange: Callable[[int], bool] | None = None,
        unasked: Int64Array = _NONE_UNASKED,
    ) -> CoinJoinFinding | None:
        """Return what the rules say about a transaction, or nothing where none does.

        Parameters
        ----------
        transaction
            Its number.
        view
            The ledger, so that the transactions before and after it can be looked at; without it
            only its own marks speak.
        is_exchange
            Tells of an address number whether a tag says that it is an exchange's.
        unasked
            Outputs of a fetched view whose spender nobody has asked for.
        """
        found = self._own_finding(transaction)
        if view is None:
            return found
        around = Neighbourhood(view=view, mark=self.mark, unasked=unasked)
        return judged(around, transaction, found, is_exchange)

    def _own_finding(self, transaction: int) -> CoinJoinFinding | None:
        marks = self.mark(transaction)
        if not marks:
            return None
        details = self.details
        row = int(np.searchsorted(details[:, DetailField.TRANSACTION], transaction))
        if row == len(details) or details[row, DetailField.TRANSACTION] != transaction:
            return undescribed(marks)
        confidence = int(details[row, DetailField.CONFIDENCE])
        participants = int(details[row, DetailField.PARTICIPANTS])
        denomination = Amount(
            value_sat=int(details[row, DetailField.DENOMINATION_SAT]), outputs=participants
        )
        design = Design(int(details[row, DetailField.DESIGN]))
        by_levels = design == Design.WASABI_1 and not marks & _EXACT_WASABI_1
        amounts = self._amounts_of(transaction)
        return CoinJoinFinding(
            marks=marks,
            design=design,
            rules=rules_of(marks),
            vetoes=vetoes_of(marks),
            confidence=None if confidence == NOT_MEASURED else confidence,
            participants=participants,
            amounts=amounts if amounts or by_levels else (denomination,),
            level=denomination if by_levels else None,
        )

    def _amounts_of(self, transaction: int) -> tuple[Amount, ...]:
        table = self.amounts
        numbers = table[:, AmountField.TRANSACTION]
        first, last = np.searchsorted(numbers, [transaction, transaction + 1]).tolist()
        return tuple(
            Amount(value_sat=int(row[AmountField.VALUE_SAT]), outputs=int(row[AmountField.OUTPUTS]))
            for row in table[first:last]
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


def coinjoin_columns(view: View) -> CoinJoinColumns:
    """Return the columns of a view that CoinJoin rules read."""
    return CoinJoinColumns(*transaction_columns(view), script_type=view.script_type)


def eras_of(view: View) -> Eras:
    """Return from which transactions on the designs existed on the view's network.

    Numbers of transactions and addresses that the view does not hold yet are such that nothing in
    it can be at or past them; a later view of the same chain gives the same marks.
    """
    if view.network.name != BITCOIN.name:
        return ANY_TIME
    heights = [WASABI_1_HEIGHT, WASABI_1_OPEN_HEIGHT, WHIRLPOOL_HEIGHT, WASABI_2_HEIGHT]
    blocks = np.searchsorted(view.block_height, heights)
    wasabi_1, wasabi_1_open, whirlpool, wasabi_2 = view.first_transaction[blocks].tolist()
    locks = [parse_address(text, view.network) for text in COORDINATORS]
    known = [view.find_lock(kind, payload) for kind, payload in locks]
    one, other = (-1 if number is None else number for number in known)
    return Eras(wasabi_1, wasabi_1_open, whirlpool, wasabi_2, one, other)


def mark_coinjoins(view: View, derived: Path | None, *, aside: bool = False) -> CoinJoins:
    """Bring the marks up to the view's last block, and return them.

    Parameters
    ----------
    view
        Holds at least one block.
    derived
        The folder of the ledger's derived sets; None keeps the marks in memory.
    aside
        Whether to leave what the folder holds as it is, and keep the result in memory.
    """
    manifest = new_manifest(view, kind="coinjoin", rules=RULES, parameters={}, counts={})
    with drafting(coinjoin_folder(derived), aside=aside) as draft:
        kept = reusable_blocks(draft.base, view, manifest)
        if draft.base is not None and kept == view.counts.blocks == _blocks(draft.base):
            return CoinJoins(derived=draft.base)
        first = int(view.first_transaction[kept])
        append_marks = draft.grow("marks", "uint16", keep=first)
        append_details = draft.grow(
            "details",
            "int64",
            keep=_rows_before(draft.base, "details", first),
            width=DETAIL_WIDTH,
        )
        append_amounts = draft.grow(
            "amounts",
            "int64",
            keep=_rows_before(draft.base, "amounts", first),
            width=AMOUNT_WIDTH,
        )
        columns, eras = coinjoin_columns(view), eras_of(view)
        for start, stop in transaction_chunks(first, view.counts.transactions):
            marks, details, amounts = coinjoin.mark_coinjoins(columns, start, stop, eras)
            append_marks(marks)
            append_details(details)
            append_amounts(amounts)
        grow_headers(draft, view, kept)
        return CoinJoins(derived=draft.commit(manifest))


def _blocks(derived: DerivedSet) -> int:
    return derived.manifest.counts["blocks"]


def _rows_before(base: DerivedSet | None, table: str, transaction: int) -> int:
    """Return how many rows of a table speak of transactions before this one."""
    if base is None or transaction == 0:
        return 0
    return int(np.searchsorted(base.whole(table)[:, 0], transaction))
