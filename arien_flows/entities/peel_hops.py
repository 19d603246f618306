"""Peel hops of a ledger: the bulk rule, asked of single transactions.

The rule that names the output which goes on is `heuristics.peeling`. Here it is asked of one
transaction at a time, so that a chain of a thousand hops costs a few thousand look-ups and no pass
over the ledger.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from arien_flows.entities.coinjoins import coinjoin_columns, eras_of
from arien_flows.entities.fingerprints import fingerprint_columns
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from chains.types import Int64Array, UInt8Array
from heuristics.coinjoin import mark_coinjoins, stopping
from heuristics.columns import read_only_columns
from heuristics.fingerprint import FingerprintColumns, fingerprints
from heuristics.peeling import (
    MIXED,
    MOST_OUTPUTS,
    NOT_SPENT,
    HopStop,
    PeelColumns,
    choose_next,
    hop_features,
    script_type_of,
)

Direction = Literal["forward", "backward"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """A transaction that pays somebody and hands the rest on. Numbers are the view's."""

    transaction: int
    next_output: int
    """The output that goes on."""

    peeled: tuple[int, ...]
    """The other spendable outputs: one or two."""

    input_sat: int
    peeled_sat: int
    next_sat: int
    fee_sat: int


class Hops:
    """Judges single transactions of a view. Keeps what it has learned of their features."""

    def __init__(self, view: View, is_coinjoin: Callable[[int], bool]) -> None:
        self.view = view
        self.is_coinjoin = is_coinjoin
        self._features: dict[int, int] = {}

    @cached_property
    def columns(self) -> PeelColumns:
        """The columns that the rule reads."""
        return read_only_columns(peel_columns(self.view))

    @cached_property
    def fingerprint_columns(self) -> FingerprintColumns:
        """The columns that fingerprints read; of multisig behind hashes they know nothing."""
        none = np.zeros((self.view.counts.addresses + 7) // 8, dtype=np.uint8)
        return read_only_columns(fingerprint_columns(self.view, none))

    def features(self, transaction: int) -> int:
        """Return the features of a transaction."""
        known = self._features.get(transaction)
        if known is None:
            stop = transaction + 1
            words = fingerprints(self.fingerprint_columns, transaction, stop)
            fee = self.view.fee[transaction:stop]
            known = int(hop_features(self.columns, transaction, words, fee)[0])
            self._features[transaction] = known
        return known

    def judge(self, transaction: int) -> int:
        """Return the output that a transaction goes on with, or a `HopStop`."""
        if self.view.first_input[transaction] == self.view.first_input[transaction + 1]:
            return HopStop.COINBASE
        if self.is_coinjoin(transaction):
            return HopStop.COINJOIN
        outputs = self.spendable(transaction)
        own = self.features(transaction)
        if not 2 <= len(outputs) <= MOST_OUTPUTS or script_type_of(own) == MIXED:
            return HopStop.NOT_A_HOP
        fresh, kinds, followers = self._facts(transaction, outputs)
        place = int(choose_next(own, followers, fresh, kinds))
        return outputs[place] if place >= 0 else place

    def candidates(self, transaction: int) -> tuple[int, ...]:
        """Return the outputs whose spender has the features of the transaction."""
        own = self.features(transaction)
        outputs = self.spendable(transaction)
        _fresh, _kinds, followers = self._facts(transaction, outputs)
        return tuple(outputs[place] for place in np.flatnonzero(followers == own).tolist())

    def spendable(self, transaction: int) -> list[int]:
        """Return the outputs of a transaction that have an address."""
        first, end = self.view.first_output[transaction : transaction + 2].tolist()
        held = np.flatnonzero(self.view.output_address[first:end] != NO_ADDRESS)
        return [first + place for place in held.tolist()]

    def _facts(
        self, transaction: int, outputs: list[int]
    ) -> tuple[UInt8Array, UInt8Array, Int64Array]:
        """Return whether each output is fresh, its script type, and its spender's features."""
        rows = np.array(outputs, dtype=np.int64)
        addresses = self.view.output_address[rows]
        spenders = self.view.spenders(rows).tolist()
        first = [self.view.totals(int(each)).first_transaction for each in addresses]
        return (
            np.array([each == transaction for each in first], dtype=np.uint8),
            self.view.script_type[addresses],
            np.array(
                [NOT_SPENT if each < 0 else self.features(each) for each in spenders],
                dtype=np.int64,
            ),
        )

    def hop(self, transaction: int, next_output: int) -> Hop:
        """Return what a transaction that hands `next_output` on pays away."""
        view = self.view
        peeled = tuple(each for each in self.spendable(transaction) if each != next_output)
        first, end = view.first_input[transaction : transaction + 2].tolist()
        return Hop(
            transaction=transaction,
            next_output=next_output,
            peeled=peeled,
            input_sat=int(view.input_value[first:end].sum()),
            peeled_sat=sum(int(view.output_value[each]) for each in peeled),
            next_sat=int(view.output_value[next_output]),
            fee_sat=int(view.fee[transaction]),
        )


def peel_columns(view: View) -> PeelColumns:
    """Return the columns of a view that the rule reads."""
    return PeelColumns(
        first_input=view.first_input,
        first_output=view.first_output,
        input_address=view.input_address,
        output_address=view.output_address,
        spender=view.spender,
        script_type=view.script_type,
    )


def coinjoin_test(view: View, marks: UInt8Array | None) -> Callable[[int], bool]:
    """Return a test of single transactions: by stored marks, or by the rules where there are none.

    `marks` are those that tracing stops at, vetoes taken off.
    """
    if marks is not None:
        return lambda transaction: bool(marks[transaction])
    columns, eras = coinjoin_columns(view), eras_of(view)

    def judged(transaction: int) -> bool:
        found = mark_coinjoins(columns, transaction, transaction + 1, eras)[0]
        return bool(stopping(found)[0])

    return judged
