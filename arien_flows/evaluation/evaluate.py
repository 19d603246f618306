"""Running every rule against what is known, and keeping the counts.

A simulated chain is made from a seed and a family of wallet programs; the family "evaluation" is
met by nothing that is trained. Where a folder of labelled data is named, the rules run on that as
well. The result holds counts only; shares and intervals follow from them.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from arien_flows.entities.change_decisions import KindField
from arien_flows.entities.clustering import Clustering, run_clustering
from arien_flows.entities.coinjoins import CoinJoins, mark_coinjoins
from arien_flows.entities.profiles import (
    SEPARATION_RULE,
    Terms,
    all_profiles,
)
from arien_flows.entities.rule_names import rule_name
from arien_flows.evaluation.agreement import agreement
from arien_flows.evaluation.change_rates import (
    VoteCount,
    change_answers,
    change_rates,
    threshold_rates,
    vote_counts,
)
from arien_flows.evaluation.coinjoin_rates import LabelCount, coinjoin_rates, label_counts
from arien_flows.evaluation.judging import (
    SEVERAL,
    UNKNOWN,
    KnownOwners,
    judge_merges,
    judge_separations,
)
from arien_flows.evaluation.labelled import (
    LabelledOwners,
    LabelledTransactions,
    check_folder,
    coinjoin_list,
    emulations,
    ordinary_chains,
    wallets,
)
from arien_flows.evaluation.rates import ClusteringRate, Population, Rate, measured_rate
from arien_flows.evaluation.simulated import SimulatedChain, simulated_chain
from arien_flows.simulation.parameters import Parameters
from arien_flows.simulation.roles import Kind
from chains.types import AnyArray
from heuristics.constrained_fields import DecidedBy, Verdict
from heuristics.cospend import LogField, MergeRule
from heuristics.rules import RULES

Teller = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything that one evaluation found."""

    rates: tuple[Rate, ...]
    clusterings: tuple[ClusteringRate, ...]
    labels: tuple[LabelCount, ...]
    votes: tuple[VoteCount, ...]


@dataclass(frozen=True, kw_only=True)
class _Case:
    """One population: owners, and what its transactions are."""

    population: Population
    owners: KnownOwners
    labels: AnyArray
    """What each transaction is; empty where nobody knows."""

    lag: int
    """Blocks after which change is decided; 0 where all is in one block and known at once."""


def evaluate(
    parameters: Parameters, labelled: Path | None, tell: Teller = lambda _: None
) -> Evaluation:
    """Run every rule against a simulated chain, and against labelled data where there is some.

    `tell` is told what is done next. InputError where the folder holds no labelled data or the
    chain cannot be made.
    """
    if labelled is not None:
        check_folder(labelled)
    found = _Found()
    tell(f"Simulate {parameters.transactions:,} transactions and run the rules on them")
    with simulated_chain(parameters) as chain:
        found.add_owned(_simulated_case(chain))
    if labelled is not None:
        tell("Run the rules on labelled data")
        _add_labelled(found, labelled)
    return found.evaluation()


class _Found:
    """Collects what is found, population by population."""

    def __init__(self) -> None:
        self._rates: list[Rate] = []
        self._clusterings: list[ClusteringRate] = []
        self._labels: list[LabelCount] = []
        self._votes: list[VoteCount] = []

    def evaluation(self) -> Evaluation:
        """Return what was found, in the order of the table of rules.

        Where a rule had no case to be right or wrong about, nothing was measured.
        """
        place = {rule.name: number for number, rule in enumerate(RULES)}
        return Evaluation(
            rates=tuple(
                sorted(
                    (rate for rate in self._rates if rate.tally and rate.tally.cases),
                    key=lambda rate: place[rate.rule],
                )
            ),
            clusterings=tuple(self._clusterings),
            labels=tuple(self._labels),
            votes=tuple(self._votes),
        )

    def add_transactions(self, transactions: LabelledTransactions, population: Population) -> None:
        """Judge CoinJoin rules on a list of transactions."""
        labels = np.array(transactions.labels)
        marked = mark_coinjoins(transactions.view, None)
        self._rates += coinjoin_rates(transactions.view, marked, labels, population)
        self._labels += label_counts(transactions.view, marked, labels, population)

    def add_owned(self, case: _Case) -> None:
        """Judge CoinJoin rules, clusterings and their merges on a chain with known owners."""
        view = case.owners.view
        marked = mark_coinjoins(view, None)
        self._rates += coinjoin_rates(view, marked, case.labels, case.population)
        self._labels += label_counts(view, marked, case.labels, case.population)
        self.add_votes(case, marked)
        judged: set[str] = set()
        for profile in all_profiles():
            made = run_clustering(view, None, profile, Terms(decision_lag=case.lag))
            self._clusterings.append(_clustering_rate(made, case))
            fresh = [rate for rate in _merge_rates(made, case) if rate.rule not in judged]
            judged.update(rate.rule for rate in fresh)
            self._rates += fresh

    def add_votes(self, case: _Case, marked: CoinJoins) -> None:
        """Judge change rules where there is a payment whose change is known."""
        if case.owners.is_judged.any():
            answers = change_answers(case.owners, marked, case.lag)
            self._rates += change_rates(answers, marked, case.population)
            counts = tuple(vote_counts(answers, case.population))
            self._votes += counts
            self._rates += threshold_rates(counts)


def _merge_rates(made: Clustering, case: _Case) -> Iterator[Rate]:
    """Yield how often each rule of a clustering joined two owners, or kept one owner apart."""
    log = made.log.whole()
    population = replace(
        case.population, name=f"decisions of profile {made.profile} on {case.population.name}"
    )
    for number in (*MergeRule, *DecidedBy):
        name = rule_name(number)
        if name in made.manifest.rules:
            yield measured_rate(name, population, judge_merges(case.owners, log, number).tally)
    kinds = made.derived.whole("decision_kind")
    apart = kinds[:, KindField.VERDICT] == Verdict.OTHER_OWNER
    if apart.any():
        pairs = made.derived.whole("decision")[apart]
        yield measured_rate(SEPARATION_RULE, population, judge_separations(case.owners, pairs))


def _clustering_rate(made: Clustering, case: _Case) -> ClusteringRate:
    log = made.log.whole()
    wrong: Counter[str] = Counter()
    for number in np.unique(log[:, LogField.RULE]).tolist():
        transactions = judge_merges(case.owners, log, number).wrong_transactions
        wrong.update(case.labels[transactions].tolist())
    return ClusteringRate(
        profile=made.profile,
        rules=dict(made.manifest.rules),
        population=case.population,
        agreement=agreement(made.labels, case.owners.of_address),
        wrong_merges=dict(sorted(wrong.items(), key=lambda item: (-item[1], item[0]))),
    )


def _simulated_case(chain: SimulatedChain) -> _Case:
    made = chain.parameters
    names = np.array([kind.name.lower() for kind in Kind])
    return _Case(
        population=Population(
            kind="simulated",
            name=(
                f"{made.transactions:,} simulated transactions (wallets {made.wallets}, "
                f"seed {made.seed})"
            ),
            source="this program's simulation; owners, habits and their frequency are made up",
        ),
        owners=chain.owners,
        labels=names[chain.kinds],
        lag=chain.decision_lag,
    )


def _add_labelled(found: _Found, folder: Path) -> None:
    listed = coinjoin_list(folder)
    for transactions in (*([listed] if listed else []), *ordinary_chains(folder)):
        found.add_transactions(transactions, _labelled_population(transactions))
    for emulation in emulations(folder):
        found.add_owned(_labelled_case(emulation))
    for wallet in wallets(folder):
        case = _labelled_case(wallet)
        found.add_votes(case, mark_coinjoins(case.owners.view, None))


def _labelled_population(data: LabelledTransactions | LabelledOwners) -> Population:
    return Population(kind="labelled", name=data.name, source=data.source)


def _labelled_case(data: LabelledOwners) -> _Case:
    """Return a case whose transactions are known by who pays in them."""
    payer = data.owners.of_transaction
    labels = np.where(payer == SEVERAL, data.shared, np.where(payer == UNKNOWN, "", "ordinary"))
    return _Case(population=_labelled_population(data), owners=data.owners, labels=labels, lag=0)
