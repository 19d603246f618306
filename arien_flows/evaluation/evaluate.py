"""Running every rule against what is known, and keeping the counts.

A simulated chain is made from a seed and a family of wallet programs; the family "evaluation" is
met by nothing that is trained. Where a folder of labelled data is named, the rules run on that as
well. The result holds counts only; shares and intervals follow from them.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from arien_flows.entities.clustering import PROFILES, Clustering, run_clustering
from arien_flows.entities.coinjoins import mark_coinjoins
from arien_flows.evaluation.agreement import Agreement, agreement
from arien_flows.evaluation.coinjoin_rates import LabelCount, coinjoin_rates, label_counts
from arien_flows.evaluation.judging import SEVERAL, UNKNOWN, KnownOwners, judge_merges
from arien_flows.evaluation.labelled import (
    LabelledOwners,
    LabelledTransactions,
    check_folder,
    coinjoin_list,
    emulations,
    ordinary_chains,
)
from arien_flows.evaluation.rates import Population, Rate
from arien_flows.evaluation.simulated import SimulatedChain, simulated_chain
from arien_flows.simulation.parameters import Parameters
from arien_flows.simulation.roles import Kind
from chains.types import AnyArray
from heuristics.cospend import MergeRule
from heuristics.rules import RULES, rule_named

Teller = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteringRate:
    """One clustering against the owners of one population."""

    profile: str
    version: str
    """The rules that made it, with their versions."""

    population: Population
    agreement: Agreement
    wrong_merges: Mapping[str, int]
    """Merges that joined two owners, by what their transaction is, the most frequent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything that one evaluation found."""

    rates: tuple[Rate, ...]
    clusterings: tuple[ClusteringRate, ...]
    labels: tuple[LabelCount, ...]


@dataclass(frozen=True, kw_only=True)
class _Case:
    """One population: owners, and what its transactions are."""

    population: Population
    owners: KnownOwners
    labels: AnyArray
    """What each transaction is; empty where nobody knows."""


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

    def evaluation(self) -> Evaluation:
        """Return what was found, in the order of the table of rules."""
        place = {rule.name: number for number, rule in enumerate(RULES)}
        return Evaluation(
            rates=tuple(sorted(self._rates, key=lambda rate: place[rate.rule])),
            clusterings=tuple(self._clusterings),
            labels=tuple(self._labels),
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
        for profile in PROFILES:
            made = run_clustering(view, None, profile)
            self._clusterings.append(_clustering_rate(made, case))
            if profile == PROFILES[0]:
                self._rates += _merge_rates(made, case)


def _merge_rates(made: Clustering, case: _Case) -> Iterator[Rate]:
    log = made.log.whole()
    for rule in MergeRule:
        known = rule_named(rule.name.lower())
        yield Rate(
            rule=known.name,
            version=known.version,
            population=case.population,
            tally=judge_merges(case.owners, log, rule).tally,
        )


def _clustering_rate(made: Clustering, case: _Case) -> ClusteringRate:
    log = made.log.whole()
    wrong: Counter[str] = Counter()
    for rule in MergeRule:
        transactions = judge_merges(case.owners, log, rule).wrong_transactions
        wrong.update(case.labels[transactions].tolist())
    return ClusteringRate(
        profile=made.profile,
        version=", ".join(
            f"{name} {made.manifest.rules[name]}" for name in sorted(made.manifest.rules)
        ),
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
    )


def _add_labelled(found: _Found, folder: Path) -> None:
    listed = coinjoin_list(folder)
    if listed is not None:
        found.add_transactions(
            listed,
            Population(
                kind="labelled",
                name=f"{len(listed.labels):,} listed CoinJoins, Tx0s and spends of mixed coins",
                source=(
                    "crocs-muni/coinjoin-analysis, fixtures made with Dumplings from the chain; "
                    "the spends are not known to be no CoinJoins"
                ),
            ),
        )
    for chain in ordinary_chains(folder):
        found.add_transactions(
            chain,
            Population(
                kind="labelled",
                name=f"{len(chain.labels):,} transactions of early 2011",
                source="blocks 100,000 to 102,000 of Bitcoin, before any CoinJoin was made",
            ),
        )
    for emulation in emulations(folder):
        found.add_owned(_emulated_case(emulation))


def _emulated_case(emulation: LabelledOwners) -> _Case:
    """Return an emulation; its transactions of several wallets are rounds of Wasabi 2."""
    owners = emulation.owners
    payer = owners.of_transaction
    labels = np.where(payer == SEVERAL, "wasabi2", np.where(payer == UNKNOWN, "", "ordinary"))
    return _Case(
        population=Population(
            kind="labelled",
            name=f"emulation {emulation.name}: {len(labels):,} transactions of known wallets",
            source="crocs-muni/coinjoin-analysis, real Wasabi 2 clients on a regtest chain",
        ),
        owners=owners,
        labels=labels,
    )
