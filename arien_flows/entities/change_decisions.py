"""Decisions about change: when they are made, what they say, and how they are kept.

A change rule may look at what happened after a transaction, so its answer could change with every
block. It must not: the same run would give other entities tomorrow. So each transaction is decided
about once, on the chain as of `lag` blocks later, and what comes after that is never looked at.
The decisions about a block's transactions are due at the end of the block `lag` heights above.

| array | row | holds |
|---|---|---|
| `decision_transaction` | decision | transaction; ascending |
| `decision` | the same | `DecisionField` |
| `decision_probability` | the same | millionths; `NO_PROBABILITY` where the rule gives none |
| `decision_kind` | the same | `KindField` |
"""

from enum import IntEnum
from typing import NamedTuple, Protocol

import numpy as np

from arien_flows.entities.draft import Append, Draft
from arien_flows.entities.storage import DerivedSet
from chains.types import BoolArray, Int32Array, Int64Array, UInt8Array, UInt32Array
from heuristics.constrained import DueColumns
from heuristics.constrained_fields import Outcome, Verdict

NO_PROBABILITY = -1
"""Probability of a decision by a rule that gives none."""

_READ_ROWS = 1 << 22


class DecisionField(IntEnum):
    """What the columns of `decision` hold; it is `uint32` of shape (decisions, 2)."""

    INPUT_ADDRESS = 0
    """An address whose control the transaction's inputs show."""

    OUTPUT_ADDRESS = 1


class KindField(IntEnum):
    """What the columns of `decision_kind` hold; it is `uint8` of shape (decisions, 4)."""

    RULE = 0
    """`heuristics.constrained_fields.DecidedBy`."""

    VERDICT = 1
    """`heuristics.constrained_fields.Verdict`."""

    OUTCOME = 2
    """`heuristics.constrained_fields.Outcome`."""

    VOTES = 3
    """By how many votes the chosen output leads; 0 where votes were not counted."""


class Decided(NamedTuple):
    """Decisions about the transactions of a range of blocks, in chain order."""

    first: Int64Array
    """Decisions about the `i`-th block of the range are `[first[i], first[i + 1])`."""

    transaction: UInt32Array
    input_address: UInt32Array
    output_address: UInt32Array
    probability_ppm: Int32Array
    rule: UInt8Array
    verdict: UInt8Array
    votes: UInt8Array


class Decider(Protocol):
    """Makes the decisions of a run."""

    def decide(self, first_block: int, last_block: int) -> Decided:
        """Decide about the transactions of blocks `[first_block, last_block)`.

        Ranges are asked for in chain order, each starting where the last one ended; the first may
        start anywhere. What is decided about a block depends on nothing later than `lag` blocks
        above it, and not on how the chain is cut into ranges.
        """


def nothing_decided(blocks: int) -> Decided:
    """Return no decisions about so many blocks."""
    return Decided(
        first=np.zeros(blocks + 1, dtype=np.int64),
        transaction=np.empty(0, dtype=np.uint32),
        input_address=np.empty(0, dtype=np.uint32),
        output_address=np.empty(0, dtype=np.uint32),
        probability_ppm=np.empty(0, dtype=np.int32),
        rule=np.empty(0, dtype=np.uint8),
        verdict=np.empty(0, dtype=np.uint8),
        votes=np.empty(0, dtype=np.uint8),
    )


def cut(decided: Decided, first: int, last: int) -> Decided:
    """Return the decisions about the blocks `[first, last)` of a range."""
    begin, end = decided.first[[first, last]].tolist()
    return _rows_of(decided, slice(begin, end), decided.first[first : last + 1] - begin)


def together(parts: list[Decided]) -> Decided:
    """Return the decisions of consecutive ranges as those of one."""
    if len(parts) == 1:
        return parts[0]
    first, rows = [np.zeros(1, dtype=np.int64)], 0
    for part in parts:
        first.append(part.first[1:] + rows)
        rows += len(part.transaction)
    return Decided(
        first=np.concatenate(first),
        transaction=np.concatenate([part.transaction for part in parts]),
        input_address=np.concatenate([part.input_address for part in parts]),
        output_address=np.concatenate([part.output_address for part in parts]),
        probability_ppm=np.concatenate([part.probability_ppm for part in parts]),
        rule=np.concatenate([part.rule for part in parts]),
        verdict=np.concatenate([part.verdict for part in parts]),
        votes=np.concatenate([part.votes for part in parts]),
    )


def merged(one: Decided, other: Decided) -> Decided:
    """Return the decisions of two rules about the same blocks, in chain order."""
    both = together([one, other])
    order = np.argsort(both.transaction, kind="stable")
    return _rows_of(both, order, one.first + other.first)


def _rows_of(decided: Decided, rows: slice | BoolArray | Int64Array, first: Int64Array) -> Decided:
    """Return some of the decisions, with new bounds of blocks."""
    return Decided(
        first=first,
        transaction=decided.transaction[rows],
        input_address=decided.input_address[rows],
        output_address=decided.output_address[rows],
        probability_ppm=decided.probability_ppm[rows],
        rule=decided.rule[rows],
        verdict=decided.verdict[rows],
        votes=decided.votes[rows],
    )


class DueDecisions:
    """Says which decisions fall due in a block."""

    def __init__(self, decider: Decider | None, lag: int, *, only_joins: bool) -> None:
        self._decider = decider
        self._lag = lag
        self._only_joins = only_joins

    def due(self, first_block: int, last_block: int) -> Decided:
        """Return the decisions that fall due in blocks `[first_block, last_block)`."""
        early = min(max(self._lag - first_block, 0), last_block - first_block)
        if self._decider is None or early == last_block - first_block:
            return nothing_decided(last_block - first_block)
        decided = self._decider.decide(first_block + early - self._lag, last_block - self._lag)
        if self._only_joins:
            decided = _joins_of(decided)
        # Nothing falls due in the first blocks of a chain.
        first = np.concatenate([np.zeros(early, dtype=np.int64), decided.first])
        return decided._replace(first=first)


def _joins_of(decided: Decided) -> Decided:
    """Leave out the decisions that keep sets apart."""
    joins = decided.verdict == Verdict.SAME_OWNER
    before = np.concatenate([[0], np.cumsum(joins)]).astype(np.int64)
    return _rows_of(decided, joins, before[decided.first])


def due_columns(decided: Decided) -> DueColumns:
    """Return what the joining kernel needs of decisions."""
    return DueColumns(
        first=decided.first,
        transaction=decided.transaction,
        input_address=decided.input_address,
        output_address=decided.output_address,
        rule=decided.rule,
        verdict=decided.verdict,
    )


class DecisionTable:
    """The stored decisions of a run in the making."""

    def __init__(self, draft: Draft, keep: int) -> None:
        self._transaction: Append = draft.grow("decision_transaction", "uint32", keep=keep)
        self._addresses: Append = draft.grow(
            "decision", "uint32", keep=keep, width=len(DecisionField)
        )
        self._probability: Append = draft.grow("decision_probability", "int32", keep=keep)
        self._kind: Append = draft.grow("decision_kind", "uint8", keep=keep, width=len(KindField))

    def append(self, decided: Decided, outcome: UInt8Array) -> None:
        """Add decisions with what became of them."""
        self._transaction(decided.transaction)
        self._addresses(np.stack([decided.input_address, decided.output_address], axis=1))
        self._probability(decided.probability_ppm)
        self._kind(np.stack([decided.rule, decided.verdict, outcome, decided.votes], axis=1))


def separated_addresses(derived: DerivedSet | None, keep: int) -> tuple[UInt32Array, UInt32Array]:
    """Return one address of each side of the separations among the first decisions of a set."""
    sides: list[UInt32Array] = [np.empty((0, 2), dtype=np.uint32)]
    if derived is not None:
        kinds = derived.arrays["decision_kind"].chunks(_READ_ROWS, keep)
        rows = derived.arrays["decision"].chunks(_READ_ROWS, keep)
        for kind, row in zip(kinds, rows, strict=True):
            sides.append(row[kind[:, KindField.OUTCOME] == Outcome.SEPARATED])
    both = np.concatenate(sides)
    return both[:, 0].copy(), both[:, 1].copy()
