"""How often CoinJoin rules are right: marks against labels.

A rule is judged on the transactions that it is made for and on those that are no CoinJoin at all.
CoinJoins of other designs are left out of its count: a rule for one design that fires on another
names the wrong protocol, but what clustering does with the mark is right. Also left out are
payments of several people that have no shape, unless the rule speaks of them.

Spends of mixed coins, and Tx0s, are listed because of where coins come from or go to, not for their
shape. A spend of mixed coins may be the next round of the same design, or a CoinJoin of another. So
they count as no CoinJoin only for rules about another coordinator's design.

A veto is judged where it stands beside a mark; it is right where there is no CoinJoin.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from arien_flows.entities.coinjoin_findings import MARK_OF_RULE
from arien_flows.entities.coinjoins import CoinJoins
from arien_flows.evaluation.judging import judge_transactions
from arien_flows.evaluation.rates import Population, Rate, measured_rate
from arien_flows.evaluation.tally import Tally
from arien_flows.ledger.view import View
from chains.types import AnyArray, BoolArray
from heuristics.coinjoin import DETECTIONS, STRICT_EXCLUSION, VETOES, CoinJoinMark
from heuristics.columns import UInt16Array

_EQUAL = frozenset({"equal_outputs", "joinmarket_like"})
_WASABI_1 = frozenset({"wasabi1"})
_WASABI_2 = frozenset({"denominations", "wasabi2"})
_WHIRLPOOL = frozenset({"five_by_five", "whirlpool_mix"})
_COINJOINS = _EQUAL | _WASABI_1 | _WASABI_2 | _WHIRLPOOL
_SHAPELESS = frozenset({"payjoin", "joint_payment"})
_SPENDS = frozenset({"wasabi1_postmix", "wasabi2_postmix", "whirlpool_postmix"})
_TX0 = frozenset({"mix_entry", "whirlpool_tx0"})
_NAMED = _COINJOINS | _SHAPELESS | _TX0

TARGETS: Mapping[str, frozenset[str]] = {
    "coinjoin_definite": _EQUAL,
    "coinjoin_proven": _EQUAL,
    "coinjoin_joinmarket": _EQUAL,
    "coinjoin_equal_outputs": _EQUAL,
    "coinjoin_possible": _COINJOINS,
    "coinjoin_wasabi_1": _WASABI_1,
    "coinjoin_wasabi_1_0": _WASABI_1,
    "coinjoin_wasabi_1_1": _WASABI_1,
    "coinjoin_wasabi_2": _WASABI_2,
    "coinjoin_wasabi_2_shape": _WASABI_2,
    "coinjoin_whirlpool": _WHIRLPOOL,
    "coinjoin_whirlpool_tx0": _TX0,
    "payjoin_possible": frozenset({"payjoin"}),
}
"""The labels of what each rule is made for: kinds of the simulation, and those of lists."""

_OBJECTIONS = VETOES | CoinJoinMark.LOOKALIKE
"""The marks of rules that object to others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCount:
    """What became of the transactions of one label."""

    population: Population
    label: str
    transactions: int
    left_out: int
    """Strict clustering does not join their inputs because of their shape."""

    detected: int
    """Taken for a CoinJoin: a rule fired and no veto stands."""


def coinjoin_rates(
    view: View, marked: CoinJoins, labels: AnyArray, population: Population
) -> Iterator[Rate]:
    """Yield how often each rule is right about transactions with these labels.

    Coinbases and transactions with an empty label are not judged.
    """
    marks = np.asarray(marked.marks)
    spends = (np.diff(view.first_input) > 0) & (labels != "")
    is_coinjoin = np.isin(labels, sorted(_COINJOINS))
    is_unsure = np.isin(labels, sorted(_SPENDS | _TX0))
    beside = spends & _has(marks, DETECTIONS) & ~is_unsure
    for rule, mark in MARK_OF_RULE.items():
        named = _has(marks, mark)
        if mark & _OBJECTIONS:
            tally = judge_transactions(named, ~is_coinjoin, beside)
        else:
            tally = _judged(named, labels, TARGETS[rule], spends)
        yield measured_rate(rule, population, tally)


def label_counts(
    view: View, marked: CoinJoins, labels: AnyArray, population: Population
) -> Iterator[LabelCount]:
    """Yield what became of the transactions of each label; ordinary kinds are taken together."""
    marks = np.asarray(marked.marks)
    spends = np.diff(view.first_input) > 0
    told = np.isin(labels, sorted(_NAMED | _SPENDS | {""}))
    labels = np.where(told, labels, "ordinary")
    for label in np.unique(labels[spends & (labels != "")]).tolist():
        of_label = spends & (labels == label)
        yield LabelCount(
            population=population,
            label=label,
            transactions=int(of_label.sum()),
            left_out=int((of_label & _has(marks, STRICT_EXCLUSION)).sum()),
            detected=int((of_label & (marked.detected != 0)).sum()),
        )


def _has(marks: UInt16Array, wanted: CoinJoinMark) -> BoolArray:
    has: BoolArray = (marks & np.uint16(wanted)) != 0
    return has


def _judged(named: BoolArray, labels: AnyArray, target: frozenset[str], spends: BoolArray) -> Tally:
    wanted = np.isin(labels, sorted(target))
    unsure = _COINJOINS | _SHAPELESS | _unsure_for(target)
    return judge_transactions(named, wanted, spends & ~np.isin(labels, sorted(unsure - target)))


def _unsure_for(target: frozenset[str]) -> frozenset[str]:
    """Return the labels of which nobody knows whether they hold what a rule looks for."""
    if target <= _WHIRLPOOL | _TX0:
        return frozenset({"whirlpool_postmix", "whirlpool_tx0"})
    if target <= _WASABI_1:
        return frozenset({"wasabi1_postmix"})
    if target <= _WASABI_2:
        return frozenset({"wasabi2_postmix"})
    return _SPENDS
