"""The score: one monotone transform of a weighted share of money, behaviour beside it, and floors.

```
X_dir = sum of share * severity * confidence * gamma^(hops - 1)       for money in, and money out
G(X)  = (1 - e^(-lambda X)) / (1 - e^(-lambda))
E     = 1 - (1 - G(X_in)) (1 - G(X_out))
B     = min(largest, 1 - product of (1 - weight * strength))          over the flags that are shown
R     = 100 (1 - (1 - E) (1 - B))                                     and not below the floors
```

X is linear, so that splitting a share changes nothing, and moving it to something worse never
helps. It is computed in fractions and rounded once; the order of the parts therefore cannot matter.

The explanation is exact. `1 - R/100` is a product, so its logarithm is a sum: each of the two
directions and the flags has its share of the score by its logarithm, inside a direction each
exposure by its part of X, and among the flags each by its own logarithm. The points add up to the
score. Where a floor binds, what it adds is the first line.

A part that would count and names no document, rule or transaction is refused: there is no score
without evidence.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from arien_flows.risk.floors import Floor, highest_floor
from arien_flows.risk.inputs import Direction, Exposed, Flag, Inputs, NoEvidenceError, Verdict
from arien_flows.risk.policy import RiskPolicy

CLAMP = 1e-9
"""G stays this far below 1, so that its logarithm is finite."""

UNDETERMINED = "undetermined"
"""In place of the lowest band where of either direction too little is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one thing adds to a score; exactly one of the three is set."""

    points: float
    kind: Literal["floor", "exposure", "flag"]
    floor: Floor | None = None
    exposed: Exposed | None = None
    flag: Flag | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The quantities of the formula."""

    x_in: float
    x_out: float
    g_in: float
    g_out: float
    exposure: float
    """E."""

    behaviour: float
    """B."""

    formula: float
    """R before the floors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A score and what makes it."""

    score: float
    """0 to 100."""

    band: str
    parts: Parts
    contributions: tuple[Contribution, ...]
    """A binding floor first, then by points, the most first; their points add up to the score."""

    coverage: Fraction
    """Share of the value that has a name."""


def score(inputs: Inputs, policy: RiskPolicy) -> Score:
    """Score a subject. `NoEvidenceError` where something counts that has no evidence."""
    demand_evidence(inputs, policy)
    weighed = {
        direction: [
            (each, weight_of(each, inputs, policy))
            for each in sorted(inputs.exposed, key=lambda part: part.order)
            if each.direction == direction
        ]
        for direction in _DIRECTIONS
    }
    x_in, x_out = (sum((w for _, w in weighed[it]), Fraction(0)) for it in _DIRECTIONS)
    shown = sorted(
        (each for each in inputs.flags if each.verdict is Verdict.SHOWN),
        key=lambda flag: flag.name,
    )
    strengths = [float(policy.flags[each.name] * each.strength) for each in shown]
    parts = compose(float(x_in), float(x_out), strengths, policy)
    logs = (-math.log1p(-parts.g_in), -math.log1p(-parts.g_out), -math.log1p(-parts.behaviour))
    whole = math.fsum(logs)
    found: list[Contribution] = []
    for direction, x, log in zip(_DIRECTIONS, (x_in, x_out), logs[:2], strict=True):
        points = parts.formula * log / whole if whole else 0.0
        found += [
            Contribution(points=points * float(w / x), kind="exposure", exposed=each)
            for each, w in weighed[direction]
            if w
        ]
    own_logs = [-math.log1p(-strength) for strength in strengths]
    among = math.fsum(own_logs)
    found += [
        Contribution(points=parts.formula * logs[2] / whole * log / among, kind="flag", flag=each)
        for each, log in zip(shown, own_logs, strict=True)
        # A policy may let behaviour count for nothing.
        if log and logs[2]
    ]
    found.sort(key=lambda it: -it.points)
    floor = highest_floor(inputs, policy)
    final = parts.formula
    if floor is not None and floor.score > parts.formula:
        final = floor.score
        found.insert(0, Contribution(points=final - parts.formula, kind="floor", floor=floor))
    return Score(
        score=final,
        band=_band(final, inputs, policy),
        parts=parts,
        contributions=tuple(found),
        coverage=inputs.coverage(),
    )


_DIRECTIONS: tuple[Direction, Direction] = ("in", "out")


def weight_of(part: Exposed, inputs: Inputs, policy: RiskPolicy) -> Fraction:
    """Return what a part adds to X."""
    return full_weight(part, inputs, policy) * Fraction(part.confidence, 100)


def full_weight(part: Exposed, inputs: Inputs, policy: RiskPolicy) -> Fraction:
    """Return what a part would add to X if it were certain."""
    total = inputs.total(part.direction)
    if not total:
        return Fraction(0)
    share = Fraction(part.value, total)
    return share * policy.severity[part.category] * policy.decay ** (part.hops - 1)


def compose(x_in: float, x_out: float, strengths: Sequence[float], policy: RiskPolicy) -> Parts:
    """Return the formula's quantities for weighted shares and weighted strengths of flags."""
    g_in, g_out = risen(x_in, policy), risen(x_out, policy)
    exposure = 1 - (1 - g_in) * (1 - g_out)
    behaviour = behaviour_of(strengths, policy)
    return Parts(
        x_in=x_in,
        x_out=x_out,
        g_in=g_in,
        g_out=g_out,
        exposure=exposure,
        behaviour=behaviour,
        formula=100 * (1 - (1 - exposure) * (1 - behaviour)),
    )


def risen(x: float, policy: RiskPolicy) -> float:
    """Return G of a weighted share, a little below 1 at most."""
    steepness = float(policy.steepness)
    return min(math.expm1(-steepness * x) / math.expm1(-steepness), 1 - CLAMP)


def behaviour_of(strengths: Iterable[float], policy: RiskPolicy) -> float:
    """Return B of weighted strengths, which are in a fixed order."""
    doubt = 1.0
    for strength in strengths:
        doubt *= 1 - strength
    return min(float(policy.largest_behaviour), 1 - doubt)


def _band(final: float, inputs: Inputs, policy: RiskPolicy) -> str:
    band = policy.band(final)
    is_lowest = band == policy.bands[0].name
    return UNDETERMINED if is_lowest and inputs.known() < policy.least_coverage else band


def demand_evidence(inputs: Inputs, policy: RiskPolicy) -> None:
    """Refuse inputs of which something counts and shows nothing."""
    for part in inputs.exposed:
        if not weight_of(part, inputs, policy):
            continue
        if not any(part.documents) and not (part.rule and part.transaction):
            raise NoEvidenceError(
                f"the exposure to {part.label} ({part.category}) names no document and no rule "
                "with a transaction: nothing is scored without evidence"
            )
    for own in inputs.own:
        if not any(own.documents):
            raise NoEvidenceError(
                f"the tag {own.label} names no document: nothing is scored without evidence"
            )
    for flag in inputs.flags:
        if flag.verdict is Verdict.SHOWN and not flag.transactions:
            raise NoEvidenceError(
                f"the behaviour {flag.name} names no transaction: nothing is scored without "
                "evidence"
            )
