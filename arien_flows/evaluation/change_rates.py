"""How often change rules are right: votes against the owners of the outputs.

Votes are cast as of a week after each payment, or as late as the data reach.

A rule is judged on transactions whose change is known. It names an output as change; that is right
if the output belongs to whoever paid. There are two populations. *All payments* have one payer and
two or more outputs, and need not have change at all, so a rule may be wrong without there being a
right answer. *Two-output payments with change* are what published figures are about; labelled
wallets are too small to be cut in two.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from arien_flows.entities.change_model import (
    blocks_of,
    fact_columns,
    load_model,
    model_decisions,
)
from arien_flows.entities.change_votes import VoteSources, votes_of
from arien_flows.entities.coinjoins import CoinJoins
from arien_flows.entities.fingerprints import fingerprint_columns
from arien_flows.entities.peel_hops import peel_columns
from arien_flows.evaluation.judging import KnownOwners, judge_changes
from arien_flows.evaluation.rates import Population, Rate, measured_rate
from arien_flows.evaluation.tally import Tally
from arien_flows.ledger.view import View
from chains.types import BoolArray, Int64Array, UInt8Array
from heuristics.change import VOTES_NEEDED, vote_difference
from heuristics.change_rules import ChangeRule, vote_name
from heuristics.coinjoin import STANDARD_EXCLUSION, excluded
from heuristics.columns import Int8Array
from heuristics.fingerprint import fingerprints
from heuristics.peeling import fresh_outputs, hop_features, next_hops

DIFFERENCES = range(1, 11)
"""Differences of votes for which the threshold vote is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteCount:
    """The threshold vote at one difference."""

    population: Population
    difference: int
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAnswers:
    """What change rules say of the outputs of a view whose owners are known."""

    owners: KnownOwners
    votes: Int8Array
    """One row for each output, one column for each `ChangeRule`."""

    by_model: BoolArray
    """Outputs that the learned model takes for change."""

    is_asked: BoolArray
    """Transactions that are old enough for an answer."""


def change_answers(owners: KnownOwners, marked: CoinJoins, lag: int) -> ChangeAnswers:
    """Ask all change rules about a view.

    `lag` is in blocks; 0 for a view that is one block, where everything is known at once.
    """
    view, model = owners.view, load_model()
    sources, facts = VoteSources.of(view), fact_columns(view)
    votes = np.zeros((view.counts.outputs, len(ChangeRule)), dtype=np.int8)
    by_model = np.zeros(view.counts.outputs, dtype=np.bool_)
    is_asked = np.zeros(view.counts.transactions, dtype=np.bool_)

    def left_out(start: int, stop: int) -> UInt8Array:
        return excluded(marked.rows.slice(start, stop), STANDARD_EXCLUSION)

    for part in votes_of(sources, left_out, lag=lag):
        first = int(view.first_output[part.start])
        votes[first : first + len(part.votes)] = part.votes
        is_asked[part.start : part.stop] = True
        decided = model_decisions(
            model,
            sources.columns,
            facts,
            blocks_of(view, part, lag),
            part.votes,
            left_out(part.start, part.stop),
        )
        by_model[decided.output[decided.probability_ppm > model.tau_plus_ppm]] = True
    return ChangeAnswers(owners=owners, votes=votes, by_model=by_model, is_asked=is_asked)


def judged_populations(
    answers: ChangeAnswers, population: Population
) -> Iterator[tuple[Population, BoolArray]]:
    """Yield the populations of payments with the transactions that they hold."""
    owners, is_asked = answers.owners, answers.is_asked
    yield (
        replace(population, name=f"payments in {population.name}"),
        owners.is_judged & is_asked,
    )
    if population.kind == "simulated":
        yield (
            replace(population, name=f"two-output payments with change in {population.name}"),
            owners.is_payment_with_change & is_asked,
        )


def change_rates(
    answers: ChangeAnswers, marked: CoinJoins, population: Population
) -> Iterator[Rate]:
    """Yield how often each change rule is right, the model and peel hops among them.

    Unlike the votes, the rule of peel hops reads the whole view: a chain is followed as far as it
    goes.
    """
    owners = answers.owners
    hops = _flags(_next_outputs(owners.view, marked), len(answers.votes))
    # What goes to an address of the same clustering needs that clustering as of each decision.
    alone = [rule for rule in ChangeRule if rule is not ChangeRule.SAME_CLUSTER]
    named = {vote_name(rule): answers.votes[:, rule] > 0 for rule in alone}
    named |= {"change_model": answers.by_model, "peel_hop": hops}
    for part, judged in judged_populations(answers, population):
        for rule, flags in named.items():
            yield measured_rate(rule, part, judge_changes(owners, flags, judged))


def _next_outputs(view: View, marked: CoinJoins) -> Int64Array:
    """Return the outputs with which transactions go on, of those that are hops."""
    count = view.counts.transactions
    columns = peel_columns(view)
    none = np.zeros((view.counts.addresses + 7) // 8, dtype=np.uint8)
    words = fingerprints(fingerprint_columns(view, none), 0, count)
    features = hop_features(columns, 0, words, view.fee)
    found = next_hops(columns, features, fresh_outputs(columns), marked.detected, 0, count)
    return found[found >= 0]


def threshold_rates(counts: Iterable[VoteCount]) -> Iterator[Rate]:
    """Yield how often the threshold vote is right at the difference that it needs."""
    for each in counts:
        if each.difference == VOTES_NEEDED:
            yield measured_rate("change_vote", each.population, each.tally)


def vote_counts(answers: ChangeAnswers, population: Population) -> Iterator[VoteCount]:
    """Yield how often the threshold vote is right, at each difference."""
    owners = answers.owners
    outcome = vote_difference(answers.votes, owners.view.first_output)
    for part, judged in judged_populations(answers, population):
        for difference in DIFFERENCES:
            chosen = outcome.row[(outcome.difference >= difference) & (outcome.row >= 0)]
            named = _flags(chosen, len(answers.votes))
            yield VoteCount(
                population=part,
                difference=difference,
                tally=judge_changes(owners, named, judged),
            )


def _flags(rows: Int64Array, count: int) -> BoolArray:
    flags = np.zeros(count, dtype=np.bool_)
    flags[rows] = True
    return flags
