"""Floors: what a score cannot fall below, whatever the shares are.

Two things speak for themselves. Sources call the subject itself something bad: then the score is at
least 100 times severity times confidence, although its money may come from an exchange. Or it dealt
directly with somebody of a few grave categories: then the share, which a busy address makes small,
does not matter once the amount and the confidence are large enough.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from arien_flows.risk.inputs import Exposed, Inputs, OwnTag
from arien_flows.risk.policy import RiskPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """A floor, and the one of the two that makes it."""

    score: float
    own: OwnTag | None = None
    exposed: Exposed | None = None

    @property
    def order(self) -> tuple[float, str, str]:
        """A key that chooses among equal floors."""
        named = self.own or self.exposed
        assert named is not None  # noqa: S101 one of them made the floor
        return (-self.score, named.category, named.label)


def highest_floor(inputs: Inputs, policy: RiskPolicy) -> Floor | None:
    """Return the highest floor, whether or not it binds."""
    return min(_floors(inputs, policy), key=lambda floor: floor.order, default=None)


def _floors(inputs: Inputs, policy: RiskPolicy) -> Iterator[Floor]:
    for own in inputs.own:
        height = own_floor(own, Fraction(own.confidence, 100), policy)
        if height:
            yield Floor(score=float(height), own=own)
    for part in inputs.exposed:
        if is_grave(part, Fraction(part.confidence, 100), policy):
            yield Floor(score=float(policy.floors.direct_score), exposed=part)


def own_floor(own: OwnTag, confidence: Fraction, policy: RiskPolicy) -> Fraction:
    """Return the floor that a tag of the subject makes, if it is this certain."""
    if not policy.floors.own_tags:
        return Fraction(0)
    return 100 * policy.severity[own.category] * confidence


def is_grave(part: Exposed, confidence: Fraction, policy: RiskPolicy) -> bool:
    """Tell whether a part of the money makes a floor, if its owner is this certain."""
    floors = policy.floors
    return (
        part.hops == 1
        and part.category in floors.direct_categories
        and confidence >= floors.direct_least_confidence
        and part.value >= max(1, floors.direct_least_value_sat)
    )
