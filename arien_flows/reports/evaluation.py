"""The report of an evaluation: Markdown, which also reads well on a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from arien_flows.answers.evaluation import (
    EvaluationAnswer,
    LabelAnswer,
    VoteAnswer,
)
from arien_flows.answers.rates import ClusteringRateAnswer, RateAnswer, ShareAnswer
from arien_flows.evaluation.proportions import percent

NOTHING = "-"

PREFACE = """\
Every rate names its population. *Published* figures are what the authors of a rule measured with
their own program. *Labelled* ones were measured by this program on transactions whose labels others
know, emulations and test networks included. *Simulated* ones were measured on a chain that this
program made up: they show that a rule works as meant, and are **not** the rule's error rate. Square
brackets hold Wilson's 95 % interval, which supposes independent cases; transactions of one wallet
are not, so the truth is less certain."""


def evaluation_lines(answer: EvaluationAnswer) -> Iterator[str]:
    """Return the report, line by line."""
    yield from ("# How often the rules are wrong", "", f"Made by `{answer.command}`.", "")
    yield from (*PREFACE.split("\n"), "")
    yield from ("## Populations", "")
    places = dict.fromkeys((rate.kind, rate.population, rate.source) for rate in answer.rates)
    numbers: dict[tuple[str, str], str] = {}
    for number, (kind, population, source) in enumerate(places, 1):
        numbers[kind, population] = str(number)
        yield f"{number}. {kind}: {population} ({source})"
    yield from ("", "## Rules", "")
    yield from _rates(answer.rates, numbers)
    if answer.not_measured:
        yield from ("", f"Not measured: {', '.join(answer.not_measured)}.")
    if answer.labels:
        yield from ("", "## What became of labelled transactions", "")
        yield from _labels(answer.labels)
    yield from ("", "## The threshold vote", "")
    yield from _votes(answer.votes)
    yield from ("", "## Clusterings", "")
    yield from _clusterings(answer.clusterings)


def _rates(rates: Iterable[RateAnswer], numbers: dict[tuple[str, str], str]) -> Iterator[str]:
    yield from _table(
        ("rule", "population", "right", "wrong", "precision", "recall", "false positives"),
        (
            (
                rate.rule if rate.version is None else f"{rate.rule} {rate.version}",
                f"{rate.kind} ({numbers[rate.kind, rate.population]})",
                NOTHING if rate.right is None else f"{rate.right:,}",
                NOTHING if rate.wrong is None else f"{rate.wrong:,}",
                _share(rate.precision, rate.stated_precision),
                _share(rate.recall, rate.stated_recall),
                _share(rate.false_positive_rate, rate.stated_false_positive_rate),
            )
            for rate in rates
        ),
    )


def _share(share: ShareAnswer | None, stated: str | None = None) -> str:
    if stated is not None:
        return percent(float(stated))
    if share is None:
        return NOTHING
    low, high = (percent(float(end)).removesuffix(" %") for end in (share.low, share.high))
    return f"{percent(float(share.value))} [{low}, {high}]"


def _labels(labels: Iterable[LabelAnswer]) -> Iterator[str]:
    yield from _table(
        ("label", "population", "transactions", "left out of strict", "taken for a CoinJoin"),
        (
            (
                each.label,
                each.population,
                f"{each.transactions:,}",
                _share(each.left_out),
                _share(each.detected),
            )
            for each in labels
        ),
    )


def _votes(votes: Sequence[VoteAnswer]) -> Iterator[str]:
    """Return found and wrong shares by difference: a row for each, two columns a population."""
    populations = list(dict.fromkeys(vote.population for vote in votes))
    cells = {
        (vote.population, vote.difference): f"{_plain(vote.recall)}, "
        f"{_plain(vote.false_positive_rate)}"
        for vote in votes
    }
    yield from _table(
        ("votes ahead", *(f"{name}: found, wrong" for name in populations)),
        (
            (str(number), *(cells.get((name, number), NOTHING) for name in populations))
            for number in sorted({vote.difference for vote in votes})
        ),
    )


def _plain(share: str) -> str:
    return percent(float(share)) if share else NOTHING


def _clusterings(rates: Sequence[ClusteringRateAnswer]) -> Iterator[str]:
    yield from _table(
        (
            *("profile", "population", "addresses", "owners", "clusters"),
            *("pairwise precision", "pairwise recall", "wrongly joined owners"),
            *("variation of information (merged + split)", "wrong merges by transaction"),
        ),
        (
            (
                each.profile,
                f"{each.kind}: {each.population}",
                f"{each.addresses:,}",
                f"{each.owners:,}",
                f"{each.clusters:,}",
                _share(each.pairwise_precision),
                _share(each.pairwise_recall),
                _share(each.wrongly_joined_owners),
                f"{each.variation_of_information_bits} bits "
                f"({each.merged_bits} + {each.split_bits})",
                ", ".join(f"{kind or 'unknown'} {n:,}" for kind, n in each.wrong_merges.items())
                or "none",
            )
            for each in rates
        ),
    )
    yield ""
    yield "Pairs of addresses are anything but independent, so their intervals are far too narrow."
    yield (
        "PayJoins and joint payments have no shape that tells, so wrong merges on them say how "
        "often the simulation makes such payments, not how often people do."
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Return a Markdown table whose columns are aligned as text, too."""
    body = [list(header), *(list(row) for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*body, strict=True)]
    for number, row in enumerate(body):
        yield (
            "| "
            + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            + " |"
        )
        if number == 0:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
