"""What an evaluation found: rates by rule, clusterings against owners, labelled transactions."""

from dataclasses import dataclass

from arien_flows.answers.rates import (
    ClusteringRateAnswer,
    RateAnswer,
    ShareAnswer,
    clustering_rate_answer,
    rate_answer,
    share_answer,
)
from arien_flows.evaluation.change_rates import VoteCount
from arien_flows.evaluation.coinjoin_rates import LabelCount
from arien_flows.evaluation.evaluate import Evaluation
from arien_flows.evaluation.proportions import Proportion
from arien_flows.evaluation.published import MOESER, VOTED
from arien_flows.evaluation.rates import in_order, rates_of
from arien_flows.shapes import Shape
from heuristics.change_rates import PUBLISHED_VOTE
from heuristics.rules import COIN_RULES


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelAnswer(Shape):
    """What the CoinJoin rules made of the transactions of one label."""

    population: str
    """Where the labels come from."""

    label: str
    """What the transactions are."""

    transactions: int
    """How many there are."""

    left_out: ShareAnswer | None
    """Share whose inputs strict clustering does not join."""

    detected: ShareAnswer | None
    """Share that is taken for a CoinJoin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteAnswer(Shape):
    """The threshold vote at one difference of votes."""

    population: str
    """Among what it was measured, after the kind of population; for published figures by whom."""

    difference: int
    """How many votes the chosen output is ahead."""

    recall: str
    """Share of payments with change of which it is found."""

    false_positive_rate: str
    """Share of payments in which another output is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationAnswer(Shape):
    """What one evaluation found, with the published figures beside."""

    command: str
    """How to repeat it."""

    rates: tuple[RateAnswer, ...]
    """By rule; published figures first, labelled data, emulated, simulated last."""

    not_measured: tuple[str, ...]
    """Rules for which nothing was measured."""

    clusterings: tuple[ClusteringRateAnswer, ...]
    """By population and profile."""

    labels: tuple[LabelAnswer, ...]
    """By population and label."""

    votes: tuple[VoteAnswer, ...]
    """The threshold vote, by population and difference; the published figures first."""


def evaluation_answer(evaluation: Evaluation, command: str) -> EvaluationAnswer:
    """Return what an evaluation found, with published figures beside its own."""
    rates: list[RateAnswer] = []
    silent: list[str] = []
    for rule in COIN_RULES:
        published = [
            rate_answer(rate)
            for rate in rates_of(rule.name, rule.version)
            if rate.population.kind == "published"
        ]
        ours = in_order(rate for rate in evaluation.rates if rate.rule == rule.name)
        measured = [rate_answer(rate) for rate in ours]
        rates += [*published, *measured]
        if not measured:
            silent.append(rule.name)
    return EvaluationAnswer(
        command=command,
        rates=tuple(rates),
        not_measured=tuple(silent),
        clusterings=tuple(clustering_rate_answer(each) for each in evaluation.clusterings),
        labels=tuple(_label(each) for each in evaluation.labels),
        votes=(*_published_votes(), *(_vote(each) for each in evaluation.votes)),
    )


def _label(count: LabelCount) -> LabelAnswer:
    trials = count.transactions
    return LabelAnswer(
        population=count.population.name,
        label=count.label,
        transactions=trials,
        left_out=share_answer(Proportion(hits=count.left_out, trials=trials)),
        detected=share_answer(Proportion(hits=count.detected, trials=trials)),
    )


def _published_votes() -> tuple[VoteAnswer, ...]:
    return tuple(
        VoteAnswer(
            population=f"published: {VOTED} ({MOESER})",
            difference=difference,
            recall=f"{right / 1_000_000:.6f}",
            false_positive_rate=f"{wrong / 1_000_000:.6f}",
        )
        for difference, (right, wrong) in PUBLISHED_VOTE.items()
    )


def _vote(count: VoteCount) -> VoteAnswer:
    recall, wrong = count.tally.recall, count.tally.false_positive_rate
    return VoteAnswer(
        population=f"{count.population.kind}: {count.population.name}",
        difference=count.difference,
        recall=f"{recall.value:.6f}" if recall else "",
        false_positive_rate=f"{wrong.value:.6f}" if wrong else "",
    )
