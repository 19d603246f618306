"""Reading stored decisions about change: those about one transaction, and what became of them."""

from dataclasses import dataclass

import numpy as np

from arien_flows.entities.change_decisions import NO_PROBABILITY, DecisionField, KindField
from arien_flows.entities.storage import DerivedSet, Rows
from chains.types import Int64Array
from heuristics.constrained_fields import DecidedBy, Outcome, Verdict

_JOINING = frozenset({Outcome.JOINED, Outcome.TOGETHER})


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
    first, last = _stretch(derived.arrays["decision_transaction"], transaction)
    addresses = derived.arrays["decision"].slice(first, last)
    kinds = derived.arrays["decision_kind"].slice(first, last)
    probabilities = derived.arrays["decision_probability"].slice(first, last)
    return [
        Decision(
            transaction=transaction,
            spent=int(ends[DecisionField.INPUT_ADDRESS]),
            paid=int(ends[DecisionField.OUTPUT_ADDRESS]),
            rule=DecidedBy(int(kind[KindField.RULE])),
            verdict=Verdict(int(kind[KindField.VERDICT])),
            outcome=Outcome(int(kind[KindField.OUTCOME])),
            probability_ppm=None if probability == NO_PROBABILITY else int(probability),
            votes=int(kind[KindField.VOTES]) or None,
        )
        for ends, kind, probability in zip(addresses, kinds, probabilities, strict=True)
    ]


def with_decisions(derived: DerivedSet, transactions: Int64Array) -> list[int]:
    """Return those of some transactions, ascending, that something was decided about."""
    wanted = transactions.astype(np.uint32)
    found = np.zeros(len(wanted), dtype=np.bool_)
    for part in derived.arrays["decision_transaction"].parts:
        if len(part):
            places = np.minimum(np.searchsorted(part, wanted), len(part) - 1)
            found |= part[places] == wanted
    numbers: list[int] = transactions[found].tolist()
    return numbers


def _stretch(column: Rows, transaction: int) -> tuple[int, int]:
    """Return the rows of an ascending column that hold a number."""
    first, last = 0, 0
    wanted = np.uint32(transaction)
    for part in column.parts:
        # Of the column's own type: for any other one, NumPy would convert all of it first.
        first += int(np.searchsorted(part, wanted, side="left"))
        last += int(np.searchsorted(part, wanted, side="right"))
    return first, last
