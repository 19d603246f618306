"""Reading stored decisions about change: those about one transaction, and what became of them."""

from dataclasses import dataclass

import numpy as np

from arien_flows.entities.change_decisions import NO_PROBABILITY, DecisionField, KindField
from arien_flows.entities.storage import DerivedSet
from chains.types import BoolArray, Int64Array
from heuristics.constrained_fields import DecidedBy, Outcome, Verdict

_JOINING = frozenset({Outcome.JOINED, Outcome.TOGETHER})
_JOINING_NUMBERS = np.array(sorted(_JOINING), dtype=np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided about one output."""

    transaction: int
    spent: int
    """An address whose control the inputs show."""

    paid: int
    """The output's address."""

    rule: DecidedBy
    verdict: Verdict
    outcome: Outcome
    probability_ppm: int | None
    """That the output is the change, in millionths; nothing where the rule gives none."""

    votes: int | None
    """By how many votes the chosen output leads; nothing where votes were not counted."""

    @property
    def joins(self) -> bool:
        """Whether it says that both addresses have one owner, and nothing was against it."""
        return self.outcome in _JOINING


def decisions_about(derived: DerivedSet, transaction: int) -> list[Decision]:
    """Return the decisions about a transaction, in the order of its outputs."""
    return _decisions(derived, _rows_about(derived, np.array([transaction])))


def joining_decisions(
    derived: DerivedSet, transactions: Int64Array, address: int
) -> tuple[list[Decision], int]:
    """Return the decisions about some transactions that join an address with another.

    `transactions` ascend, each once; so do those of the decisions. Also returned is the number of
    rows that were read.
    """
    rows = _rows_about(derived, transactions)
    outcome = derived.arrays["decision_kind"].take(rows)[:, KindField.OUTCOME]
    joins = rows[np.isin(outcome, _JOINING_NUMBERS)]
    ends = derived.arrays["decision"].take(joins)
    concerned: BoolArray = (ends == np.uint32(address)).any(axis=1)
    return _decisions(derived, joins[concerned]), len(rows)


def _rows_about(derived: DerivedSet, transactions: Int64Array) -> Int64Array:
    """Return the rows of the decisions about some transactions, both ascending."""
    column = derived.arrays["decision_transaction"]
    # Of the column's own type: for any other one, NumPy would convert all of it first.
    wanted = transactions.astype(np.uint32)
    found = [np.empty(0, dtype=np.int64)]
    for part, start in zip(column.parts, column.starts.tolist(), strict=False):
        first = np.searchsorted(part, wanted, side="left")
        counts = np.searchsorted(part, wanted, side="right") - first
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        found.append(start + np.repeat(first, counts) + within)
    return np.concatenate(found)


def _decisions(derived: DerivedSet, rows: Int64Array) -> list[Decision]:
    """Return the decisions in some rows."""
    arrays = derived.arrays
    columns = (
        arrays[name].take(rows).tolist()
        for name in ("decision_transaction", "decision", "decision_kind", "decision_probability")
    )
    return [
        Decision(
            transaction=transaction,
            spent=ends[DecisionField.INPUT_ADDRESS],
            paid=ends[DecisionField.OUTPUT_ADDRESS],
            rule=DecidedBy(kind[KindField.RULE]),
            verdict=Verdict(kind[KindField.VERDICT]),
            outcome=Outcome(kind[KindField.OUTCOME]),
            probability_ppm=None if probability == NO_PROBABILITY else probability,
            votes=kind[KindField.VOTES] or None,
        )
        for transaction, ends, kind, probability in zip(*columns, strict=True)
    ]
