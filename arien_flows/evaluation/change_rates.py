"""How often change rules are right: votes against the owners of the outputs.

A rule is judged on transactions whose change is known. It names an output as change; that is right
if the output belongs to whoever paid. There are two populations. *All payments* have one payer and
two or more outputs, and need not have change at all, so a rule may be wrong without there being a
right answer. *Two-output payments with change* are what published figures are about.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from arien_flows.evaluation.judging import KnownOwners, judge_changes
from arien_flows.evaluation.rates import Population, Rate
from arien_flows.evaluation.tally import Tally
from chains.types import BoolArray, Int64Array
from heuristics import change_rules
from heuristics.change import vote_difference
from heuristics.change_rules import ChangeRule, rule_name
from heuristics.columns import Int8Array

DIFFERENCES = range(1, 11)
"""Differences of votes for which the threshold vote is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteCount:
    """The threshold vote at one difference."""

    population: Population
    difference: int
    tally: Tally


def judged_populations(
    owners: KnownOwners, population: Population
) -> Iterator[tuple[Population, BoolArray]]:
    """Yield the two populations of payments with the transactions that they hold."""
    yield replace(population, name=f"payments in {population.name}"), owners.is_judged
    yield (
        replace(population, name=f"two-output payments with change in {population.name}"),
        owners.is_payment_with_change,
    )


def change_rates(owners: KnownOwners, votes: Int8Array, population: Population) -> Iterator[Rate]:
    """Yield how often each change rule is right; `votes` are those of the whole view."""
    for part, judged in judged_populations(owners, population):
        for rule in ChangeRule:
            yield Rate(
                rule=rule_name(rule),
                version=change_rules.VERSION,
                population=part,
                tally=judge_changes(owners, votes[:, rule] > 0, judged),
            )


def vote_counts(
    owners: KnownOwners, votes: Int8Array, population: Population
) -> Iterator[VoteCount]:
    """Yield how often the threshold vote is right, at each difference."""
    outcome = vote_difference(votes, owners.view.first_output)
    for part, judged in judged_populations(owners, population):
        for difference in DIFFERENCES:
            chosen = outcome.row[(outcome.difference >= difference) & (outcome.row >= 0)]
            yield VoteCount(
                population=part,
                difference=difference,
                tally=judge_changes(owners, _flags(chosen, len(votes)), judged),
            )


def _flags(rows: Int64Array, count: int) -> BoolArray:
    flags = np.zeros(count, dtype=np.bool_)
    flags[rows] = True
    return flags
