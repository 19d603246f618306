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

from arien_flows.entities.change_votes import VoteSources, votes_of
from arien_flows.entities.coinjoins import CoinJoins
from arien_flows.entities.fingerprints import fingerprint_columns
from arien_flows.entities.peel_chains import peel_columns
from arien_flows.evaluation.judging import KnownOwners, judge_changes
from arien_flows.evaluation.rates import Population, Rate
from arien_flows.evaluation.tally import Tally
from arien_flows.ledger.view import View
from chains.types import BoolArray, Int64Array, UInt8Array
from heuristics import change, change_rules, peeling
from heuristics.change import VOTES_NEEDED, vote_difference
from heuristics.change_rules import ChangeRule, rule_name
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


def all_votes(owners: KnownOwners, marked: CoinJoins, lag: int) -> tuple[Int8Array, BoolArray]:
    """Return the votes on every output, and which transactions are old enough to have been asked.

    `lag` is in blocks; 0 for a view that is one block, where everything is known at once.
    """
    view = owners.view
    votes = np.zeros((view.counts.outputs, len(ChangeRule)), dtype=np.int8)
    is_asked = np.zeros(view.counts.transactions, dtype=np.bool_)

    def left_out(start: int, stop: int) -> UInt8Array:
        return excluded(marked.rows.slice(start, stop), STANDARD_EXCLUSION)

    for part in votes_of(VoteSources.of(view), left_out, lag=lag):
        first = int(view.first_output[part.start])
        votes[first : first + len(part.votes)] = part.votes
        is_asked[part.start : part.stop] = True
    return votes, is_asked


def judged_populations(
    owners: KnownOwners, is_asked: BoolArray, population: Population
) -> Iterator[tuple[Population, BoolArray]]:
    """Yield the populations of payments with the transactions that they hold."""
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
    owners: KnownOwners, votes: Int8Array, is_asked: BoolArray, population: Population
) -> Iterator[Rate]:
    """Yield how often each change rule is right; `votes` are those of the whole view."""
    for part, judged in judged_populations(owners, is_asked, population):
        for rule in ChangeRule:
            if rule is ChangeRule.SAME_CLUSTER:
                # Needs the clustering as of each decision; alone it has nothing to say.
                continue
            yield Rate(
                rule=rule_name(rule),
                version=change_rules.VERSION,
                population=part,
                tally=judge_changes(owners, votes[:, rule] > 0, judged),
            )


def peel_rates(
    owners: KnownOwners, marked: CoinJoins, is_asked: BoolArray, population: Population
) -> Iterator[Rate]:
    """Yield how often the output that a payment goes on with belongs to whoever paid.

    Unlike the votes, the rule reads the whole view: what follows is followed as far as it goes.
    """
    named = _flags(_next_outputs(owners.view, marked), owners.view.counts.outputs)
    for part, judged in judged_populations(owners, is_asked, population):
        yield Rate(
            rule="peel_hop",
            version=peeling.VERSION,
            population=part,
            tally=judge_changes(owners, named, judged),
        )


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
            yield Rate(
                rule="change_vote",
                version=change.VERSION,
                population=each.population,
                tally=each.tally,
            )


def vote_counts(
    owners: KnownOwners, votes: Int8Array, is_asked: BoolArray, population: Population
) -> Iterator[VoteCount]:
    """Yield how often the threshold vote is right, at each difference."""
    outcome = vote_difference(votes, owners.view.first_output)
    for part, judged in judged_populations(owners, is_asked, population):
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
