"""How often each rule was wrong, and among what: the figures that travel with every inference.

A rate means nothing without its population. There are three kinds, and they are never mixed:

- *published*: what the authors of a rule measured on their own data, with the place where it is
  printed. It speaks of their implementation, not of this program's.
- *labelled*: what this program measured on transactions whose labels others know, emulations and
  test networks included.
- *simulated*: what this program measured on chains that it made up. Owners and habits there are
  inventions, so a simulated rate shows that a rule works as meant; it is never shown as the error
  rate of the rule.

Where none of the first two exists, the error rate is "not measured", in these words.

Measured counts are kept in `rates_1.json`, which `arien-flows heuristics evaluate --save` writes.
They hold for one version of a rule; a rule that has changed since has no measured rate.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from arien_flows.entities.profiles import TAG_RULE
from arien_flows.evaluation.agreement import Agreement
from arien_flows.evaluation.proportions import Proportion, percent
from arien_flows.evaluation.published import PUBLISHED, Stated
from arien_flows.evaluation.tally import Tally, Unit
from heuristics.rules import rule_named

RATES_FILE = "rates_1.json"
"""Beside this module; the number is raised with every new set of measurements."""

NOT_MEASURED = "not measured"
"""What is said of a rule's errors where nobody has counted them."""

Kind = Literal["published", "labelled", "simulated"]

_UNITS: Mapping[Unit, str] = {
    "merges": "merges",
    "separations": "pairs kept apart",
    "changes": "named outputs",
    "transactions": "marked transactions",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Among what a rate was measured."""

    kind: Kind
    name: str
    """Short, as a report prints it."""

    source: str
    """Where the data come from, or where the figure is printed."""


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
    def speaks_of_errors(self) -> bool:
        """Return whether it says how often the rule is wrong, and not only how much it finds."""
        if self.stated is not None:
            return bool(self.stated.precision or self.stated.false_positive_rate)
        tally = self.tally
        return tally is not None and (tally.precision or tally.false_positive_rate) is not None

    @property
    def text(self) -> str:
        """Return the figures and their population, as a report prints them."""
        shares = _stated(self.stated) if self.stated is not None else _measured(self.tally)
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


def _measured(tally: Tally | None) -> str:
    if tally is None:
        return "nothing"
    if tally.unit == "transactions" and tally.missed is None:
        # The population holds none of what the rule looks for: every mark is wrong.
        found = f"{tally.wrong:,} of {tally.cases:,} marked, none of them rightly"
        rate = tally.false_positive_rate
        return f"{found}, {_share('false-positive rate', rate)}" if rate else found
    parts = [f"{tally.wrong:,} wrong of {tally.right + tally.wrong:,} {_UNITS[tally.unit]}"]
    for name, proportion in (
        ("precision", tally.precision),
        ("recall", tally.recall),
        ("false-positive rate", tally.false_positive_rate),
    ):
        if proportion is not None:
            parts.append(_share(name, proportion))
    return ", ".join(parts)


def _share(name: str, proportion: Proportion) -> str:
    low, high = proportion.interval
    return f"{name} {percent(proportion.value)} [{percent(low)} to {percent(high)}]"


@cache
def _stored() -> Mapping[str, Any]:
    text = files("arien_flows.evaluation").joinpath(RATES_FILE).read_text(encoding="utf-8")
    stored: Mapping[str, Any] = json.loads(text)
    return stored


def measured_rate(rule: str, population: Population, tally: Tally) -> Rate:
    """Return what was counted of a rule as it is now."""
    return Rate(rule=rule, version=rule_named(rule).version, population=population, tally=tally)


def rates_of(rule: str, version: int) -> tuple[Rate, ...]:
    """Return what is known of a rule: published first, then labelled, then simulated.

    Empty means not measured. Measured counts of another version do not hold and are left out.
    """
    published = tuple(
        Rate(
            rule=rule,
            version=None,
            population=Population(kind="published", name=each.population, source=each.source),
            stated=each,
        )
        for each in PUBLISHED.get(rule, ())
    )
    return published + _measured_rates(rule, version)


@cache
def _measured_rates(rule: str, version: int) -> tuple[Rate, ...]:
    stored = _stored()
    entry = stored["rules"].get(rule)
    if entry is None or entry["version"] != version:
        return ()
    rates = [rate_from(rule, version, row, stored["populations"]) for row in entry["rates"]]
    return tuple(sorted(rates, key=lambda rate: rate.population.kind != "labelled"))


def rate_from(
    rule: str, version: int, row: Mapping[str, Any], populations: Mapping[str, Any]
) -> Rate:
    """Return one rate from its stored form."""
    population = populations[row["population"]]
    return Rate(
        rule=rule,
        version=version,
        population=Population(
            kind=population["kind"], name=population["name"], source=population["source"]
        ),
        tally=Tally(
            unit=row["unit"],
            right=row["right"],
            wrong=row["wrong"],
            missed=row["missed"],
            clear=row["clear"],
        ),
    )


def error_rate_text(rule: str, version: int) -> str:
    """Return what was published of a rule's errors, or counted on labelled transactions.

    Where there is neither: "not measured".
    """
    known = [
        f"{rate.population.kind}, {rate.text}"
        for rate in rates_of(rule, version)
        if rate.population.kind != "simulated" and rate.speaks_of_errors
    ]
    return "; ".join(known) or NOT_MEASURED


def rate_text(rule: str, version: int) -> str:
    """Return what is known of a rule's errors in one line, each rate with its population.

    A simulated rate stands apart, and is called simulated.
    """
    known = f"error rate: {error_rate_text(rule, version)}"
    for rate in rates_of(rule, version):
        # Of several simulated populations the first, which is the widest.
        if rate.population.kind == "simulated":
            return f"{known}. Simulated, so no error rate: {rate.text}"
    return known


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
    return tuple(sorted(found, key=lambda rate: rate.population.kind != "labelled"))


def _clustering_from(row: Mapping[str, Any]) -> ClusteringRate:
    population = _stored()["populations"][row["population"]]
    counted = dict(row["agreement"])
    for name in ("merged_bits", "split_bits"):
        counted[name] = float(counted[name])
    return ClusteringRate(
        profile=row["profile"],
        rules=row["rules"],
        population=Population(
            kind=population["kind"], name=population["name"], source=population["source"]
        ),
        agreement=Agreement(**counted),
        wrong_merges=row["wrong_merges"],
    )
