"""How often a rule was wrong, as every answer tells it: counts, shares, intervals, population."""

from collections.abc import Mapping
from dataclasses import dataclass

from arien_flows.evaluation.proportions import Proportion
from arien_flows.evaluation.rates import (
    ClusteringRate,
    PopulationKind,
    Rate,
    clusterings_of,
    rate_text,
    rates_of,
)
from arien_flows.evaluation.tally import Unit
from arien_flows.shapes import Shape
from heuristics.change import VOTES_NEEDED


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareAnswer(Shape):
    """A share of counts, with Wilson's 95 % interval."""

    hits: int
    """How many."""

    trials: int
    """Of how many."""

    value: str
    """The share, as a decimal number from 0 to 1."""

    low: str
    """Lower end of the interval."""

    high: str
    """Upper end of the interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateAnswer(Shape):
    """How often a rule was right and wrong in one population."""

    rule: str
    """Name of the rule."""

    version: int | None
    """Version that was measured; nothing for a published figure, which is of another program."""

    kind: PopulationKind
    """What the population is. An emulated or simulated rate is not the error rate of the rule."""

    population: str
    """Among what it was measured."""

    source: str
    """Where the data come from, or where the figure is printed."""

    unit: Unit | None
    """What is counted; nothing for a published figure."""

    right: int | None
    """Cases in which the rule was right."""

    wrong: int | None
    """Cases in which it was wrong."""

    missed: int | None
    """Cases that it should have named and did not; nothing where that is not known."""

    precision: ShareAnswer | None
    """Share of what it named that is right; nothing where cases were picked for what they are."""

    recall: ShareAnswer | None
    """Share of what it should have named that it did."""

    false_positive_rate: ShareAnswer | None
    """Share of cases with a wrong answer among those that could have one."""

    stated_precision: str | None
    """As the source prints it; nothing for a measured rate."""

    stated_recall: str | None
    """As the source prints it; nothing for a measured rate."""

    stated_false_positive_rate: str | None
    """As the source prints it; nothing for a measured rate."""

    text: str
    """The same as a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteringRateAnswer(Shape):
    """How well a clustering agrees with the owners of one population."""

    profile: str
    """The set of rules that made it."""

    kind: PopulationKind
    """What the population is."""

    population: str
    """Among what it was measured."""

    addresses: int
    """Addresses with a known owner."""

    owners: int
    """Their owners."""

    clusters: int
    """The clusters that they fall into, those of one address counted."""

    pairwise_precision: ShareAnswer | None
    """Share of the pairs of addresses in one cluster that have one owner."""

    pairwise_recall: ShareAnswer | None
    """Share of the pairs of addresses of one owner that are in one cluster."""

    wrongly_joined_owners: ShareAnswer | None
    """Share of owners who share a cluster with another owner."""

    variation_of_information_bits: str
    """0 for perfect agreement; the sum of the next two."""

    merged_bits: str
    """What the cluster of an address leaves open about its owner: wrong merges."""

    split_bits: str
    """What the owner of an address leaves open about its cluster: missed merges."""

    wrong_merges: dict[str, int]
    """Merges that joined two owners, by what their transaction is."""


def share_answer(proportion: Proportion | None) -> ShareAnswer | None:
    """Return a share as answers tell it."""
    if proportion is None:
        return None
    low, high = proportion.interval
    return ShareAnswer(
        hits=proportion.hits,
        trials=proportion.trials,
        value=f"{proportion.value:.6f}",
        low=f"{low:.6f}",
        high=f"{high:.6f}",
    )


def rate_answer(rate: Rate) -> RateAnswer:
    """Return a rate as answers tell it."""
    tally, stated = rate.tally, rate.stated
    return RateAnswer(
        rule=rate.rule,
        version=rate.version,
        kind=rate.population.kind,
        population=rate.population.name,
        source=rate.population.source,
        unit=tally.unit if tally else None,
        right=tally.right if tally else None,
        wrong=tally.wrong if tally else None,
        missed=tally.missed if tally else None,
        precision=share_answer(rate.precision),
        recall=share_answer(tally.recall) if tally else None,
        false_positive_rate=share_answer(tally.false_positive_rate) if tally else None,
        stated_precision=stated.precision or None if stated else None,
        stated_recall=stated.recall or None if stated else None,
        stated_false_positive_rate=stated.false_positive_rate or None if stated else None,
        text=rate.text,
    )


def rate_answers(rule: str, version: int) -> tuple[RateAnswer, ...]:
    """Return the rates that travel with a rule; empty means not measured."""
    return tuple(rate_answer(rate) for rate in rates_of(rule, version))


def clustering_rate_answer(rate: ClusteringRate) -> ClusteringRateAnswer:
    """Return how well a clustering agrees with owners, as answers tell it."""
    found = rate.agreement
    return ClusteringRateAnswer(
        profile=rate.profile,
        kind=rate.population.kind,
        population=rate.population.name,
        addresses=found.addresses,
        owners=found.owners,
        clusters=found.clusters,
        pairwise_precision=share_answer(found.precision),
        pairwise_recall=share_answer(found.recall),
        wrongly_joined_owners=share_answer(found.wrongly_joined),
        variation_of_information_bits=f"{found.variation_bits:.4f}",
        merged_bits=f"{found.merged_bits:.4f}",
        split_bits=f"{found.split_bits:.4f}",
        wrong_merges=dict(rate.wrong_merges),
    )


def error_rates(
    rules: Mapping[str, int], parameters: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return, for each rule with its version, what is known of its errors.

    `parameters` are those of the run that applied the rules, by which the threshold vote errs more
    or less often.
    """
    votes_needed = int((parameters or {}).get("votes_needed", VOTES_NEEDED))
    return {name: rate_text(name, version, votes_needed) for name, version in rules.items()}


def clustering_rates(profile: str, rules: Mapping[str, int]) -> tuple[ClusteringRateAnswer, ...]:
    """Return how well clusterings of these rules agreed with known owners."""
    return tuple(clustering_rate_answer(rate) for rate in clusterings_of(profile, rules))
