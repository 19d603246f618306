"""How often each rule was wrong, and among what: the figures that travel with every inference.

A rate means nothing without its population. There are four kinds, and they are never mixed:

- *published*: what the authors of a rule measured on their own data, with the place where it is
  printed. It speaks of their implementation, not of this program's.
- *labelled*: what this program measured on transactions whose labels others know, test networks
  included.
- *emulated*: what it measured where real programs made transactions on a chain of their own, with
  nobody to pay. Amounts and habits there are staged, so it is never shown as an error rate.
- *simulated*: what this program measured on chains that it made up. Owners and habits there are
  inventions, so a simulated rate shows that a rule works as meant; it is never shown as the error
  rate of the rule.

Where none of the first two exists, the error rate is "not measured", in these words. So it is
where a rule named nothing: nobody knows what it would have named wrongly.

Measured counts are kept in `rates_1.json`, which `arien-flows heuristics evaluate --save` writes,
and those of the rules that join accounts in another such file (`evaluation.account_rates`). They
hold for one version of a rule; a rule that has changed since has no measured rate.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from arien_flows.entities.profiles import TAG_RULE
from arien_flows.evaluation.agreement import Agreement
from arien_flows.evaluation.proportions import Proportion, percent
from arien_flows.evaluation.published import COUNTED, PUBLISHED, Stated, published_vote
from arien_flows.evaluation.tally import Tally, Unit
from heuristics.change import VOTES_NEEDED
from heuristics.rules import rule_named

RATES_FILE = "rates_1.json"
"""Beside this module; the number is raised with every new set of measurements."""

NOT_MEASURED = "not measured"
"""What is said of a rule's errors where nobody has counted them."""

VOTE_RULE = "change_vote"
"""The rule whose errors depend on how many votes a run asks for."""

PopulationKind = Literal["published", "labelled", "emulated", "simulated"]

_ORDER: tuple[PopulationKind, ...] = ("published", "labelled", "emulated", "simulated")
"""What weighs most comes first."""

_UNITS: Mapping[Unit, str] = {
    "merges": "merges",
    "separations": "pairs kept apart",
    "changes": "named outputs",
    "transactions": "marked transactions",
    "vetoes": "objections",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Among what a rate was measured."""

    kind: PopulationKind
    name: str
    """Short, as a report prints it."""

    source: str
    """Where the data come from, or where the figure is printed."""

    picked: bool = False
    """Whether somebody chose the cases for what they are. How many of them are positive is then his
    choice, and so would be the precision of any rule: none is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often a rule was right and wrong in one population."""

    rule: str
    """A rule's name, or `clustering/PROFILE`."""

    version: int | None
    """Version of this program's rule; None for a published figure, which is of another program."""

    population: Population
    tally: Tally | None = None
    """None for a published figure."""

    stated: Stated | None = None
    """A published figure; None for a measured one."""

    @property
    def precision(self) -> Proportion | None:
        """Return the share of what was named that is right, where the population can tell it."""
        if self.tally is None or self.population.picked:
            return None
        return self.tally.precision

    @property
    def speaks_of_errors(self) -> bool:
        """Return whether it says how often the rule is wrong, and not only how much it finds.

        What a mark is right about may be rare, so a rule that marked nothing among many did well.
        A rule that named no change, or objected to nothing, was not put to the test.
        """
        if self.stated is not None:
            known = self.stated.precision or self.stated.false_positive_rate
            return bool(known) and not self.stated.of_another
        tally = self.tally
        if tally is None or (tally.unit in ("changes", "vetoes") and not tally.right + tally.wrong):
            return False
        return (self.precision or tally.false_positive_rate) is not None

    @property
    def text(self) -> str:
        """Return the figures and their population, as a report prints them."""
        shares = _stated(self.stated) if self.stated is not None else _measured(self)
        return f"{self.population.name}: {shares}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteringRate:
    """One clustering against the owners of one population."""

    profile: str
    rules: Mapping[str, int]
    """The rules that made it, with their versions."""

    population: Population
    agreement: Agreement
    wrong_merges: Mapping[str, int]
    """Merges that joined two owners, by what their transaction is, the most frequent first."""


def _stated(stated: Stated) -> str:
    parts = [
        ("precision", stated.precision),
        ("recall", stated.recall),
        ("false-positive rate", stated.false_positive_rate),
    ]
    return ", ".join(f"{name} {percent(float(value))}" for name, value in parts if value)


def _measured(rate: Rate) -> str:
    tally = rate.tally
    if tally is None:
        return "nothing"
    parts = [_counts(tally)]
    for name, proportion in (
        ("precision", rate.precision),
        ("recall", tally.recall),
        ("false-positive rate", tally.false_positive_rate),
    ):
        if proportion is not None:
            parts.append(_share(name, proportion))
    return ", ".join(parts)


def _counts(tally: Tally) -> str:
    if tally.unit == "transactions" and tally.missed is None:
        # The population holds none of what the rule looks for: every mark is wrong.
        return f"{tally.wrong:,} of {tally.cases:,} marked, none of them rightly"
    if tally.unit == "transactions" and tally.is_one_sided:
        return f"{tally.right:,} of {tally.cases:,} marked, none of which could be wrong"
    return f"{tally.wrong:,} wrong of {tally.right + tally.wrong:,} {_UNITS[tally.unit]}"


def _share(name: str, proportion: Proportion) -> str:
    low, high = proportion.interval
    return f"{name} {percent(proportion.value)} [{percent(low)} to {percent(high)}]"


@cache
def _stored() -> Mapping[str, Any]:
    """Return the counts of both chains' rules; no name is in both files but that of a rule."""
    coins, accounts = (
        json.loads(files(package).joinpath(RATES_FILE).read_text(encoding="utf-8"))
        for package in ("arien_flows.evaluation", "arien_flows.account_entities")
    )
    return {
        **coins,
        "populations": {**coins["populations"], **accounts["populations"]},
        "rules": {**coins["rules"], **accounts["rules"]},
        "clusterings": [*coins["clusterings"], *accounts["clusterings"]],
    }


def measured_rate(rule: str, population: Population, tally: Tally) -> Rate:
    """Return what was counted of a rule as it is now."""
    return Rate(rule=rule, version=rule_named(rule).version, population=population, tally=tally)


def rates_of(rule: str, version: int, votes_needed: int = VOTES_NEEDED) -> tuple[Rate, ...]:
    """Return what is known of a rule: published first, labelled, emulated, simulated last.

    Empty means not measured. Measured counts of another version do not hold and are left out, and
    so are those of the threshold vote at another difference than `votes_needed`.
    """
    stated = published_vote(votes_needed) if rule == VOTE_RULE else PUBLISHED.get(rule, ())
    published = tuple(
        Rate(
            rule=rule,
            version=None,
            population=Population(kind="published", name=each.population, source=each.source),
            stated=each,
        )
        for each in stated
    )
    return published + in_order(
        (*_counted(rule, version), *_measured_rates(rule, version, votes_needed))
    )


def in_order(rates: Iterable[Rate]) -> tuple[Rate, ...]:
    """Return rates with those first that weigh most."""
    return tuple(sorted(rates, key=lambda rate: _ORDER.index(rate.population.kind)))


def _counted(rule: str, version: int) -> tuple[Rate, ...]:
    """Return what was counted of a rule by hand."""
    found = COUNTED.get(rule)
    if found is None or found.version != version:
        return ()
    population = Population(kind="labelled", name=found.population, source=found.source)
    return (Rate(rule=rule, version=version, population=population, tally=found.tally),)


@cache
def _measured_rates(rule: str, version: int, votes_needed: int) -> tuple[Rate, ...]:
    stored = _stored()
    entry = stored["rules"].get(rule)
    if entry is None or entry["version"] != version:
        return ()
    rows = entry["rates"]
    if rule == VOTE_RULE and votes_needed != VOTES_NEEDED:
        rows = [row for row in stored["threshold_vote"] if row["difference"] == votes_needed]
    return tuple(rate_from(rule, version, row, stored["populations"]) for row in rows)


def rate_from(
    rule: str, version: int, row: Mapping[str, Any], populations: Mapping[str, Any]
) -> Rate:
    """Return one rate from its stored form."""
    return Rate(
        rule=rule,
        version=version,
        population=Population(**populations[row["population"]]),
        tally=Tally(
            unit=row["unit"],
            right=row["right"],
            wrong=row["wrong"],
            missed=row["missed"],
            clear=row["clear"],
        ),
    )


def error_rate_text(rule: str, version: int, votes_needed: int = VOTES_NEEDED) -> str:
    """Return what was published of a rule's errors, or counted on labelled transactions.

    Where there is neither: "not measured". `votes_needed` says by how many votes an output had to
    lead, which only the threshold vote heeds.
    """
    known = [
        f"{rate.population.kind}, {rate.text}"
        for rate in rates_of(rule, version, votes_needed)
        if rate.population.kind in ("published", "labelled") and rate.speaks_of_errors
    ]
    if not known and rule == VOTE_RULE:
        return f"{NOT_MEASURED} at {votes_needed} votes"
    return "; ".join(known) or NOT_MEASURED


def rate_text(rule: str, version: int, votes_needed: int = VOTES_NEEDED) -> str:
    """Return what is known of a rule's errors in one line, each rate with its population.

    What is no error rate of the rule stands apart, and is called what it is.
    """
    found = rates_of(rule, version, votes_needed)
    parts = [f"error rate: {error_rate_text(rule, version, votes_needed)}"]
    others = [rate for rate in found if rate.stated is not None and rate.stated.of_another]
    if others:
        told = "; ".join(rate.text for rate in others)
        parts.append(f"Published of another rule than this: {told}")
    for kind in ("emulated", "simulated"):
        # Of several populations of a kind the first, which is the widest.
        rate = next((rate for rate in found if rate.population.kind == kind), None)
        if rate is not None:
            parts.append(f"{kind.capitalize()}, so no error rate: {rate.text}")
    return ". ".join(parts)


def clusterings_of(profile: str, rules: Mapping[str, int]) -> tuple[ClusteringRate, ...]:
    """Return what was measured of a clustering that the same rules made; labelled data first.

    The rule about tagged owners is part of a run only where there are tags; without them a
    clustering is measured.
    """
    used = {name: version for name, version in rules.items() if name != TAG_RULE}
    found = [
        _clustering_from(row)
        for row in _stored().get("clusterings", ())
        if row["profile"] == profile and row["rules"] == used
    ]
    return tuple(sorted(found, key=lambda rate: _ORDER.index(rate.population.kind)))


def _clustering_from(row: Mapping[str, Any]) -> ClusteringRate:
    counted = dict(row["agreement"])
    for name in ("merged_bits", "split_bits"):
        counted[name] = float(counted[name])
    return ClusteringRate(
        profile=row["profile"],
        rules=row["rules"],
        population=Population(**_stored()["populations"][row["population"]]),
        agreement=Agreement(**counted),
        wrong_merges=row["wrong_merges"],
    )
