"""Floors: what a score cannot fall below, whatever the shares are.

Two things speak for themselves. Sources call the subject itself something bad: then the score is at
least 100 times severity times confidence, although its money may come from an exchange. Or it dealt
directly with owners of a few grave categories: then the share, which a busy address makes small,
does not matter once the amount and the confidence are large enough. The amount is what moved in one
direction with all such owners together, so that no division among several names escapes it. The
confidence is what the sources of each naming come to by themselves: that somebody else names
another actor does not take the floor away.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from arien_flows.risk.inputs import Direction, Exposed, Inputs, OwnTag
from arien_flows.risk.policy import RiskPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """A floor, and the one of the two that makes it."""

    score: float
    own: OwnTag | None = None
    exposed: tuple[Exposed, ...] = ()
    """All that moved in one direction with owners who make it, the most value first."""

    @property
    def order(self) -> tuple[object, ...]:
        """A key that chooses among equal floors, whatever order they came in."""
        if self.own is not None:
            own = self.own
            return (
                -self.score, 0, own.category, own.label, own.confidence, own.is_inherited,
                *sorted(own.documents),
            )  # fmt: skip
        return (-self.score, 1, *(each.order for each in self.exposed))


def highest_floor(inputs: Inputs, policy: RiskPolicy) -> Floor | None:
    """Return the highest floor, whether or not it binds."""
    return min(_floors(inputs, policy), key=lambda floor: floor.order, default=None)


def _floors(inputs: Inputs, policy: RiskPolicy) -> Iterator[Floor]:
    for own in inputs.own:
        height = own_floor(own, Fraction(own.confidence, 100), policy)
        if height:
            yield Floor(score=float(height), own=own)
    directions: tuple[Direction, Direction] = ("in", "out")
    for direction in directions:
        grave = sorted(
            (
                part
                for part in inputs.exposed
                if part.direction == direction
                and is_grave(part, Fraction(_stated(part), 100), policy)
            ),
            key=lambda part: (-part.value, part.order),
        )
        if sum(part.value for part in grave) >= least_grave_sat(policy):
            yield Floor(score=float(policy.floors.direct_score), exposed=tuple(grave))


def own_floor(own: OwnTag, confidence: Fraction, policy: RiskPolicy) -> Fraction:
    """Return the floor that a tag of the subject makes, if it is this certain."""
    if not policy.floors.own_tags:
        return Fraction(0)
    return 100 * policy.severity[own.category] * confidence


def is_grave(part: Exposed, confidence: Fraction, policy: RiskPolicy) -> bool:
    """Tell whether a part of the money counts towards a floor, if its owner is this certain."""
    floors = policy.floors
    return (
        part.value > 0
        and part.hops == 1
        and part.category in floors.direct_categories
        and confidence >= floors.direct_least_confidence
    )


def least_grave_sat(policy: RiskPolicy) -> int:
    """Return the value from which such parts of one direction make a floor together."""
    return max(1, policy.floors.direct_least_value_sat)


def _stated(part: Exposed) -> int:
    return part.confidence if part.stated is None else max(part.confidence, part.stated)
