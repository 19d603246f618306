"""What a score is made of: shares of money, tags of the subject, behaviour; all with evidence."""

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Literal

from arien_flows.attribution.categories import UNKNOWN
from arien_flows.errors import ArienError

Direction = Literal["in", "out"]


class NoEvidenceError(ArienError):
    """Something that would count has nothing to show for it; there is no score then."""

    title = "A score needs evidence"


class Verdict(Enum):
    """What a look for a behaviour comes to."""

    SHOWN = "shown"
    NOT_SHOWN = "not_shown"
    UNDECIDED = "undecided"
    """A part of the activity, or a price, is missing."""

    NOT_MEASURED = "not_measured"
    """It cannot be seen on one chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """A part of what came in or went out, whose first named owner is of a category."""

    direction: Direction
    category: str
    label: str
    value: int
    """Base units."""

    hops: int
    """Entities to the owner: 1 is direct."""

    confidence: int
    """0 to 100."""

    documents: frozenset[str]
    """SHA-256 of each that names the owner; empty where a rule does."""

    rule: str = ""
    """The rule that names it, where no document does."""

    entity: str = ""
    """First-seen address of the owner."""

    transaction: str = ""
    """The one that moved the largest single amount."""

    is_disputed: bool = False
    is_inferred: bool = False
    """A rule names the owner, or a document does by another address of its entity."""

    stated: int | None = None
    """The confidence before another actor's claim lowered it, where one did."""

    @property
    def sources(self) -> frozenset[str]:
        """What has to be right for the naming to be."""
        return self.documents or frozenset({f"rule {self.rule}"})

    @property
    def order(self) -> tuple[str | int, ...]:
        """A key that sorts parts the same way whatever order they came in."""
        return (
            self.direction, self.category, self.hops, self.label, self.value, self.confidence,
            self.rule, self.entity, self.transaction, self.is_disputed, self.is_inferred,
            self.stated or 0, *sorted(self.documents),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTag:
    """What sources call the subject itself."""

    category: str
    label: str
    confidence: int
    """0 to 100."""

    documents: frozenset[str]
    is_inherited: bool = False
    """The tag is of another address of the entity."""

    is_disputed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A behaviour that was looked for."""

    name: str
    verdict: Verdict
    measured: str
    """What was found, as a sentence."""

    strength: Fraction = Fraction(1)
    """0 to 1, where it is shown."""

    transactions: tuple[str, ...] = ()
    """Ids of those that show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that a score is made of."""

    total_in: int
    """Base units that came from outside."""

    total_out: int
    exposed: tuple[Exposed, ...] = ()
    own: tuple[OwnTag, ...] = ()
    flags: tuple[Flag, ...] = ()

    def __post_init__(self) -> None:
        for direction, total in (("in", self.total_in), ("out", self.total_out)):
            parts = [each.value for each in self.exposed if each.direction == direction]
            if any(value < 0 for value in parts) or sum(parts) > total:
                raise ValueError(f"the parts of what went {direction} are more than the whole")

    def total(self, direction: Direction) -> int:
        """Return what moved in a direction."""
        return self.total_in if direction == "in" else self.total_out

    def coverage(self, direction: Direction | None = None) -> Fraction:
        """Return the share of the value that has a name, of one direction or of both."""
        named = sum(each.value for each in self.exposed if direction in (None, each.direction))
        total = self.total_in + self.total_out if direction is None else self.total(direction)
        return Fraction(named, total) if total else Fraction(0)

    def known(self) -> Fraction:
        """Return the share whose owners' business is known, of the direction where it is less.

        A name alone says nothing of what its owner does, and what is known of one direction
        nothing of the other. 0 where nothing moved.
        """
        shares = []
        directions: tuple[Direction, Direction] = ("in", "out")
        for direction in directions:
            parts = [it for it in self.exposed if it.direction == direction]
            known = sum(each.value for each in parts if each.category != UNKNOWN)
            if self.total(direction):
                shares.append(Fraction(known, self.total(direction)))
        return min(shares, default=Fraction(0))
