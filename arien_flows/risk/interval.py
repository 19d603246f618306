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

Up to `2^12` outcomes are gone through one by one. Beyond that the policy's number of them is drawn
from a generator whose numbers are the same everywhere, so that the interval is, too.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt

from arien_flows.risk.floors import is_grave, own_floor
from arien_flows.risk.inputs import Inputs, Verdict
from arien_flows.risk.policy import RiskPolicy
from arien_flows.risk.score import compose, full_weight

FloatArray = npt.NDArray[np.float64]

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
    chance: float
    """Of each of the sources."""

    x_in: float
    x_out: float
    floor: float


def interval(inputs: Inputs, policy: RiskPolicy, score: float) -> Interval:
    """Return the interval around a score."""
    told = _told(inputs, policy)
    names = sorted({source for sources, _ in told for source in sources})
    namings = _namings(told, {name: place for place, name in enumerate(names)})
    levels: list[list[float]] = [[] for _ in names]
    for naming in namings:
        for source in naming.sources:
            levels[source].append(naming.chance)
    outcomes = math.prod(len(set(each)) + 1 for each in levels)
    is_exact = outcomes <= 2**policy.interval.enumerate_documents
    if is_exact:
        throws, chances = _all_outcomes([sorted(set(each)) for each in levels])
    else:
        throws = _drawn(policy.interval.draws, len(names), policy.interval.seed)
        chances = [1 / policy.interval.draws] * policy.interval.draws
    scores = _scores(inputs, policy, namings, throws)
    ranked = sorted(zip(scores, chances, strict=True))
    lower = _percentile(ranked, policy.interval.lower_percent)
    upper = _percentile(ranked, policy.interval.upper_percent)
    return Interval(
        lower=min(lower, score),
        upper=max(upper, score),
        sources=len(names),
        outcomes=len(ranked),
        is_exact=is_exact,
    )


_Told = dict[tuple[tuple[str, ...], int], tuple[list[float], list[float], list[float]]]
"""What sources say with a confidence: parts of X in and out, and floors."""


def _told(inputs: Inputs, policy: RiskPolicy) -> _Told:
    """Return what can be right or wrong and would matter; what nothing tells apart is one."""
    sums: _Told = {}
    for part in sorted(inputs.exposed, key=lambda each: each.order):
        weight = float(full_weight(part, inputs, policy))
        is_floor = is_grave(part, _CERTAIN, policy)
        if not weight and not is_floor:
            continue
        key = tuple(sorted(part.sources)), part.confidence
        found = sums.setdefault(key, ([], [], []))
        found[part.direction == "out"].append(weight)
        if is_floor:
            found[2].append(float(policy.floors.direct_score))
    for own in inputs.own:
        height = float(own_floor(own, _CERTAIN, policy))
        if height:
            key = tuple(sorted(own.documents)), own.confidence
            sums.setdefault(key, ([], [], []))[2].append(height)
    return sums


def _namings(told: _Told, place: dict[str, int]) -> list[_Naming]:
    return [
        _Naming(
            sources=tuple(place[each] for each in sources),
            chance=1 - (1 - confidence / 100) ** (1 / len(sources)),
            x_in=math.fsum(into),
            x_out=math.fsum(out),
            floor=max(floors, default=0.0),
        )
        for (sources, confidence), (into, out, floors) in sorted(told.items())
    ]


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


def _drawn(draws: int, sources: int, seed: int) -> FloatArray:
    """Return throws from 0 to 1, of a generator whose raw numbers are the same everywhere."""
    raw = np.random.PCG64(seed).random_raw(draws * sources)
    throws: FloatArray = (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return throws.reshape(draws, sources)


def _scores(
    inputs: Inputs, policy: RiskPolicy, namings: list[_Naming], throws: FloatArray
) -> list[float]:
    strengths = [
        float(policy.flags[each.name] * each.strength)
        for each in sorted(inputs.flags, key=lambda flag: flag.name)
        if each.verdict is Verdict.SHOWN
    ]
    x_in, x_out, floor = (np.zeros(len(throws)) for _ in range(3))
    # Namings are added one after the other, so that every sum has one order.
    for naming in namings:
        is_right = (throws[:, list(naming.sources)] < naming.chance).any(axis=1)
        x_in += is_right * naming.x_in
        x_out += is_right * naming.x_out
        floor = np.maximum(floor, is_right * naming.floor)
    outcomes = zip(x_in.tolist(), x_out.tolist(), floor.tolist(), strict=True)
    return [
        max(least, compose(min(into, 1.0), min(out, 1.0), strengths, policy).formula)
        for into, out, least in outcomes
    ]


def _percentile(ranked: list[tuple[float, float]], percent: int) -> float:
    """Return the smallest score that so much of the chance does not exceed."""
    reached = 0.0
    for score, chance in ranked:
        reached += chance
        if reached >= percent / 100 - SLACK:
            return score
    return ranked[-1][0]
