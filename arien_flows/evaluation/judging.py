"""Holding what rules say against known owners and known CoinJoins.

Everything here is told by arrays over the rows of a ledger, so that a simulated chain, a wallet
file and an emulation are judged by the same code. An owner is a number; a negative one means that
nobody knows. What nobody knows is never judged.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from arien_flows.evaluation.tally import Tally, Unit
from arien_flows.ledger.view import View
from chains.types import AnyArray, BoolArray, Int64Array, UInt32Array
from heuristics.columns import NO_ADDRESS
from heuristics.cospend import LogField

UNKNOWN = -1
"""The owner of an address that nobody knows."""

SEVERAL = -2
"""The owner of inputs that have several."""


@dataclass(frozen=True, kw_only=True)
class KnownOwners:
    """Who owns the addresses of a view, where that is known."""

    view: View
    of_address: Int64Array
    """Owner of each address of the view; negative: not known."""

    @cached_property
    def of_transaction(self) -> Int64Array:
        """The owner of all inputs of each transaction; `UNKNOWN`, or `SEVERAL`."""
        owner = self._owner(self.view.input_address)
        first = self.view.first_input
        found = np.full(len(first) - 1, UNKNOWN, dtype=np.int64)
        with_inputs = np.flatnonzero(np.diff(first) > 0)
        if len(with_inputs):
            least = np.minimum.reduceat(owner, first[with_inputs])
            most = np.maximum.reduceat(owner, first[with_inputs])
            found[with_inputs] = np.where(least == most, least, SEVERAL)
            found[with_inputs[least < 0]] = UNKNOWN
        return found

    @cached_property
    def of_output(self) -> Int64Array:
        """The owner of each output."""
        return self._owner(self.view.output_address)

    def _owner(self, addresses: UInt32Array) -> Int64Array:
        known = addresses != NO_ADDRESS
        found = np.full(len(addresses), UNKNOWN, dtype=np.int64)
        found[known] = self.of_address[addresses[known]]
        return found

    @cached_property
    def is_judged(self) -> BoolArray:
        """Transactions whose change is known.

        All inputs have one owner, two outputs or more can be spent, and the owner of each of
        these is known.
        """
        spendable = self.view.output_address != NO_ADDRESS
        outputs = _summed(spendable, self.view.first_output)
        unknown = _summed(spendable & (self.of_output < 0), self.view.first_output)
        judged: BoolArray = (self.of_transaction >= 0) & (outputs >= 2) & (unknown == 0)
        return judged

    @cached_property
    def is_own(self) -> BoolArray:
        """Outputs that go back to the owner of their transaction's inputs."""
        payer = np.repeat(self.of_transaction, np.diff(self.view.first_output))
        own: BoolArray = (payer >= 0) & (self.of_output == payer)
        return own

    @cached_property
    def own_outputs(self) -> Int64Array:
        """How many outputs of each transaction go back to the owner of its inputs."""
        return _summed(self.is_own, self.view.first_output)

    @cached_property
    def is_payment_with_change(self) -> BoolArray:
        """Judged transactions of two outputs, one of them change: those of published studies."""
        spendable = self.view.output_address != NO_ADDRESS
        pairs = _summed(spendable, self.view.first_output) == 2
        found: BoolArray = self.is_judged & pairs & (self.own_outputs == 1)
        return found


def _summed(flags: BoolArray, first: Int64Array) -> Int64Array:
    """Return how many flags are set between each two bounds."""
    running = np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])
    counts: Int64Array = running[first[1:]] - running[first[:-1]]
    return counts


def judge_changes(owners: KnownOwners, named: BoolArray, judged: BoolArray) -> Tally:
    """Judge outputs that a rule names as change.

    `named` has one flag for each output of the view; `judged` says which transactions count, some
    of `owners.is_judged`. Where a rule names several outputs, one of somebody else makes it wrong.
    """
    first = owners.view.first_output
    right = _summed(named & owners.is_own, first) > 0
    wrong = _summed(named & ~owners.is_own, first) > 0
    due = judged & (owners.own_outputs > 0)
    return Tally(
        unit="changes",
        right=int((judged & right & ~wrong).sum()),
        wrong=int((judged & wrong).sum()),
        missed=int((due & ~(right & ~wrong)).sum()),
        clear=int((judged & ~wrong).sum()),
    )


def judge_transactions(
    named: BoolArray, true: BoolArray, judged: BoolArray, unit: Unit = "transactions"
) -> Tally:
    """Judge transactions that a rule marks, or objects to, by whether they are what it says."""
    return Tally(
        unit=unit,
        right=int((judged & named & true).sum()),
        wrong=int((judged & named & ~true).sum()),
        missed=int((judged & ~named & true).sum()) if (judged & true).any() else None,
        clear=int((judged & ~named & ~true).sum()) if (judged & ~true).any() else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeJudgement:
    """The merges of one rule, and whose transactions the wrong ones stand on."""

    tally: Tally
    wrong_transactions: Int64Array
    """The transaction of each wrong merge, ascending."""


def judge_merges(owners: KnownOwners, log: AnyArray, rule: int) -> MergeJudgement:
    """Judge the rows of a merge log that one rule wrote; rows with unknown owners do not count."""
    rows = log[log[:, LogField.RULE] == rule]
    one = owners.of_address[rows[:, LogField.ADDRESS_A]]
    other = owners.of_address[rows[:, LogField.ADDRESS_B]]
    known = (one >= 0) & (other >= 0)
    is_wrong = known & (one != other)
    return MergeJudgement(
        tally=Tally(unit="merges", right=int((known & ~is_wrong).sum()), wrong=int(is_wrong.sum())),
        wrong_transactions=rows[is_wrong, LogField.TRANSACTION].astype(np.int64),
    )


def judge_separations(owners: KnownOwners, pairs: AnyArray) -> Tally:
    """Judge pairs of addresses that a rule keeps apart; pairs with unknown owners do not count."""
    one, other = owners.of_address[pairs[:, 0]], owners.of_address[pairs[:, 1]]
    known = (one >= 0) & (other >= 0)
    return Tally(
        unit="separations",
        right=int((known & (one != other)).sum()),
        wrong=int((known & (one == other)).sum()),
    )
