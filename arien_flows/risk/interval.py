"""The interval: how the score would look if sources were wrong.

A source is right or wrong as a whole: tags of one document share one coin, since whoever erred in
it erred once. A naming of confidence `q` is right with that chance. Where one document supports it,
that is the document's own chance; where several do, each has the chance that makes the naming wrong
only if all are, with `q` for all of them together. A document that supports namings of different
confidence has one throw, and is right about those that are more certain than the throw. A rule that
names an owner without a document (a CoinJoin) is such a source, too.

In each outcome a naming that is right counts fully, and one that is wrong not at all; floors hold
or fall with the namings that they stand on. The score is computed for every outcome, and of the
distribution the *lower* and the *upper percentile* are stated: the percentile `p` is the smallest
score for which outcomes of a total chance of at least `p` percent score no higher. The interval is
widened to hold the score itself, which may lie beside it, because it weighs by confidence what the
outcomes have or have not.

Documents that support exactly the same namings are thrown as one source, which is right with the
chance that any of them is. The distribution is the same, and a tag that ten thousand documents
support costs no more than one.

Up to `2^12` outcomes are gone through one by one. Beyond that the policy's number of them is drawn
from a generator whose numbers are the same everywhere, so that the interval is, too. They are drawn
in blocks of bounded size.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt

from arien_flows.risk.floors import is_grave, least_grave_sat, own_floor
from arien_flows.risk.inputs import Inputs, Verdict
from arien_flows.risk.policy import RiskPolicy
from arien_flows.risk.score import compose, full_weight

FloatArray = npt.NDArray[np.float64]

BLOCK = 2**20
"""Throws that are held at a time."""

SLACK = 1e-12
"""Chances are sums of rounded numbers; a percentile is reached that much earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """What the score may be if sources are wrong."""

    lower: float
    upper: float
    sources: int
    """Documents, and rules that name owners."""

    outcomes: int
    """How many were looked at."""

    is_exact: bool
    """Whether they are all that there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Naming:
    """What stands or falls together: what the same sources say with the same confidence."""

    sources: tuple[int, ...]
    chances: tuple[float, ...]
    """Of each of the sources."""

    x_in: float
    x_out: float
    grave_in: int
    """Base units that count towards a floor."""

    grave_out: int
    floor: float


def interval(inputs: Inputs, policy: RiskPolicy, score: float) -> Interval:
    """Return the interval around a score."""
    told = _told(inputs, policy)
    sources = _sources(told)
    namings = _namings(told, sources)
    levels: list[set[float]] = [set() for _ in set(sources.values())]
    for naming in namings:
        for source, chance in zip(naming.sources, naming.chances, strict=True):
            levels[source].add(chance)
    outcomes = math.prod(len(each) + 1 for each in levels)
    is_exact = outcomes <= 2**policy.interval.enumerate_documents
    if is_exact:
        throws, chances = _all_outcomes([sorted(each) for each in levels])
        scores = _scores(inputs, policy, namings, throws)
    else:
        chances = [1 / policy.interval.draws] * policy.interval.draws
        scores = [
            one
            for block in _drawn(policy.interval.draws, len(levels), policy.interval.seed)
            for one in _scores(inputs, policy, namings, block)
        ]
    ranked = sorted(zip(scores, chances, strict=True))
    lower = _percentile(ranked, policy.interval.lower_percent)
    upper = _percentile(ranked, policy.interval.upper_percent)
    return Interval(
        lower=min(lower, score),
        upper=max(upper, score),
        sources=len(sources),
        outcomes=len(ranked),
        is_exact=is_exact,
    )


@dataclass(slots=True)
class _Sums:
    """What sources say with one confidence."""

    x_in: list[float] = field(default_factory=list)
    x_out: list[float] = field(default_factory=list)
    grave_in: int = 0
    grave_out: int = 0
    floor: float = 0.0


_Told = dict[tuple[tuple[str, ...], int], _Sums]


def _told(inputs: Inputs, policy: RiskPolicy) -> _Told:
    """Return what can be right or wrong and would matter; what nothing tells apart is one."""
    sums: _Told = {}
    for part in sorted(inputs.exposed, key=lambda each: each.order):
        weight = float(full_weight(part, inputs, policy))
        grave = part.value if is_grave(part, _CERTAIN, policy) else 0
        if not weight and not grave:
            continue
        found = sums.setdefault((tuple(sorted(part.sources)), part.confidence), _Sums())
        if part.direction == "in":
            found.x_in.append(weight)
            found.grave_in += grave
        else:
            found.x_out.append(weight)
            found.grave_out += grave
    for own in inputs.own:
        height = float(own_floor(own, _CERTAIN, policy))
        if height:
            found = sums.setdefault((tuple(sorted(own.documents)), own.confidence), _Sums())
            found.floor = max(found.floor, height)
    return sums


def _sources(told: _Told) -> dict[str, int]:
    """Return the number of each document's source; those that say the same have one."""
    said: dict[str, list[int]] = {}
    for place, (documents, _) in enumerate(sorted(told)):
        for document in documents:
            said.setdefault(document, []).append(place)
    numbers: dict[tuple[int, ...], int] = {}
    return {
        document: numbers.setdefault(tuple(said[document]), len(numbers))
        for document in sorted(said)
    }


def _namings(told: _Told, sources: dict[str, int]) -> list[_Naming]:
    made = []
    for (documents, confidence), found in sorted(told.items(), key=lambda it: it[0]):
        counts = Counter(sources[document] for document in documents)
        made.append(
            _Naming(
                sources=tuple(counts),
                # All documents are wrong with a chance of 1 - confidence.
                chances=tuple(
                    1 - (1 - confidence / 100) ** (count / len(documents))
                    for count in counts.values()
                ),
                x_in=math.fsum(found.x_in),
                x_out=math.fsum(found.x_out),
                grave_in=found.grave_in,
                grave_out=found.grave_out,
                floor=found.floor,
            )
        )
    return made


_CERTAIN = Fraction(1)


def _all_outcomes(levels: list[list[float]]) -> tuple[FloatArray, list[float]]:
    """Return a throw for each source in every outcome, and the chance of the outcome.

    A source whose namings have the chances 0.2 and 0.9 throws below 0.2, from there to 0.9, or
    above: what lies between has the same consequences.
    """
    steps = []
    for each in levels:
        bounds = [0.0, *each, 1.0]
        steps.append([(begin, end - begin) for begin, end in pairwise(bounds) if end > begin])
    throws, chances = [], []
    for outcome in product(*steps):
        throws.append([begin for begin, _ in outcome])
        chances.append(math.prod(width for _, width in outcome))
    return np.array(throws, np.float64).reshape(len(throws), len(levels)), chances


def _drawn(draws: int, sources: int, seed: int) -> Iterator[FloatArray]:
    """Yield throws from 0 to 1, of a generator whose raw numbers are the same everywhere.

    The numbers do not depend on how many draws a block has.
    """
    generator = np.random.PCG64(seed)
    rows = max(1, BLOCK // sources)
    for begin in range(0, draws, rows):
        count = min(rows, draws - begin)
        raw = generator.random_raw(count * sources)
        throws: FloatArray = (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53
        yield throws.reshape(count, sources)


def _scores(
    inputs: Inputs, policy: RiskPolicy, namings: list[_Naming], throws: FloatArray
) -> list[float]:
    strengths = [
        float(policy.flags[each.name] * each.strength)
        for each in sorted(inputs.flags, key=lambda flag: flag.name)
        if each.verdict is Verdict.SHOWN
    ]
    x_in, x_out, floor = (np.zeros(len(throws)) for _ in range(3))
    grave_in, grave_out = (np.zeros(len(throws), np.int64) for _ in range(2))
    # Namings are added one after the other, so that every sum has one order.
    for naming in namings:
        is_right = (throws[:, list(naming.sources)] < np.array(naming.chances)).any(axis=1)
        x_in += is_right * naming.x_in
        x_out += is_right * naming.x_out
        grave_in += is_right * np.int64(naming.grave_in)
        grave_out += is_right * np.int64(naming.grave_out)
        floor = np.maximum(floor, is_right * naming.floor)
    least = least_grave_sat(policy)
    is_grave_outcome = (grave_in >= least) | (grave_out >= least)
    floor = np.maximum(floor, is_grave_outcome * float(policy.floors.direct_score))
    outcomes = zip(x_in.tolist(), x_out.tolist(), floor.tolist(), strict=True)
    return [
        max(height, compose(min(into, 1.0), min(out, 1.0), strengths, policy).formula)
        for into, out, height in outcomes
    ]


def _percentile(ranked: list[tuple[float, float]], percent: int) -> float:
    """Return the smallest score that so much of the chance does not exceed."""
    reached = 0.0
    for score, chance in ranked:
        reached += chance
        if reached >= percent / 100 - SLACK:
            return score
    return ranked[-1][0]
