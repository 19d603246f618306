"""Figures that others printed about the rules which this program follows.

They are shown beside what this program measures, never instead of it: they were found with other
implementations, on other stretches of the chain, and mostly on transactions whose change became
known later, which are not like the rest. Those of change rules are in `heuristics.change_rates`;
here they get the form that all rates have. Only figures that were read in the place named are
here; none is quoted at second hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from heuristics.change import VOTES_NEEDED
from heuristics.change_rates import POPULATION, PUBLISHED_VOTE, VOTE_POPULATION, PublishedRate
from heuristics.change_rates import PUBLISHED as PUBLISHED_VOTES
from heuristics.change_rules import vote_name

MOESER = "Moeser and Narayanan, FC 2022; their executed notebooks (dissertation-code f0e333b)"

_PAYMENTS = f"{POPULATION:,} two-output payments to 2021 whose change co-spending showed later"
_FORMS = {
    "plain": "",
    "smart": ', the votes in a "smart" form that is not public',
    "other": ", by a definition that is not public",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a source states of a rule; shares as decimal numbers."""

    population: str
    source: str
    precision: str = ""
    recall: str = ""
    """Share of the population that the rule finds."""

    false_positive_rate: str = ""
    """Share of the population in which the rule is wrong."""


def _vote(rate: PublishedRate) -> Stated:
    wrong = rate.false_positive_ppm
    return Stated(
        population=f"{_PAYMENTS}{_FORMS[rate.form]}",
        source=MOESER,
        precision=_decimal(rate.precision_ppm),
        recall=_decimal(rate.recall_ppm),
        false_positive_rate="" if wrong is None else _decimal(wrong),
    )


def _decimal(millionths: int) -> str:
    return f"0.{millionths:06d}"


def _threshold_vote() -> Stated:
    right, wrong = PUBLISHED_VOTE[VOTES_NEEDED]
    return Stated(
        population=(
            f"{VOTE_POPULATION:,} with a vote among {_PAYMENTS}, {VOTES_NEEDED} votes ahead"
            f"{_FORMS['smart']}"
        ),
        source=MOESER,
        recall=_decimal(right),
        false_positive_rate=_decimal(wrong),
    )


PUBLISHED: Mapping[str, tuple[Stated, ...]] = {
    "cospend": (
        Stated(
            population="37,585 wallets that a filter leaked: the share of their addresses found",
            source="Nick, thesis, ETH Zurich 2015, abstract",
            recall="0.6859",
        ),
    ),
    **{vote_name(rule): (_vote(rate),) for rule, rate in PUBLISHED_VOTES.items()},
    "change_vote": (_threshold_vote(),),
    "change_model": (
        Stated(
            population=f"wallets held out from {_PAYMENTS}; the authors' random forest, not ours",
            source=MOESER,
            recall="0.8005",
            false_positive_rate="0.0005",
        ),
        Stated(
            population=(
                "537,548 outputs of payments between services; the authors' random forest, not ours"
            ),
            source="the same, notebook 4a",
            recall="0.069",
            false_positive_rate="0.0005",
        ),
    ),
}
"""By the names of this program's rules."""
