"""Who is named, at any address that money may come to, and what is known of that owner.

A trace stops at services; an exposure stops at whoever is named. A tag names an owner where its
type is that of an actor (or none) and its confidence is at least what was asked for. Where an
address has tags of its own these speak for it alone; an address without any goes by all the tags of
its entity.

Of several sources the best claim is told: all that names the same actor, or gives the same label.
Its category is that of its most confident statement that has one, so that a rumour does not make an
exchange a fraud with the exchange's own confidence. Where claims name different actors, the naming
is disputed and the lower confidence counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from arien_flows.attribution.categories import UNKNOWN, category_of
from arien_flows.attribution.confidence import claimed, combine, level_on
from arien_flows.attribution.snapshot import Attribution
from arien_flows.attribution.tag import NAMES_SOMEBODY, Statement
from chains.types import BoolArray, Int64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What is known of an owner."""

    category: str
    label: str
    actor: str | None
    confidence: int
    """0 to 100; of the weaker claim where it is disputed."""

    is_disputed: bool
    documents: tuple[str, ...]
    """That the best claim rests on, ascending; "" stands for tags that are in no casebook."""


@dataclass(frozen=True, kw_only=True)
class Naming:
    """The tags of a snapshot that name owners."""

    attribution: Attribution
    least: int
    """Confidence from which a tag names an owner."""

    on: date
    """The day as of which old tags have lost confidence."""

    @cached_property
    def _names(self) -> BoolArray:
        """Whether each tag names an owner."""
        said = self.attribution.statements
        names = np.array(
            [each.tag_type in NAMES_SOMEBODY and each.level >= self.least for each in said],
            np.bool_,
        )
        return names[self.attribution.statement]

    @cached_property
    def address(self) -> Int64Array:
        """Addresses with a tag of their own, ascending."""
        return np.unique(self.attribution.number[self._names & self.attribution.is_own])

    @cached_property
    def root(self) -> Int64Array:
        """Entities with a tagged address, ascending."""
        return np.unique(self.attribution.holder[self._names])

    def of_address(self, address: int) -> Owner:
        """Return the owner of an address in `address`."""
        return self._owner(self._said(self._own, address))

    def of_entity(self, root: int) -> Owner:
        """Return the owner of an entity in `root`, as far as it goes by one name."""
        return self._owner(self._said(self._shared, root))

    @cached_property
    def _own(self) -> tuple[Int64Array, Int64Array]:
        chosen = self._names & self.attribution.is_own
        return _filed(self.attribution.number[chosen], self.attribution.statement[chosen])

    @cached_property
    def _shared(self) -> tuple[Int64Array, Int64Array]:
        return _filed(self.attribution.holder[self._names], self.attribution.statement[self._names])

    def _said(self, filed: tuple[Int64Array, Int64Array], wanted: int) -> list[int]:
        """Return which statements are made about a number."""
        numbers, statement = filed
        begin, end = np.searchsorted(numbers, [wanted, wanted + 1])
        places: list[int] = np.unique(statement[begin:end]).tolist()
        return places

    def _owner(self, places: Sequence[int]) -> Owner:
        said = [self.attribution.statements[place] for place in places]
        combined = combine(said, self.on)
        if combined is None:
            raise ValueError("nobody names an owner there")
        best = combined.claims[0]
        wanted = claimed(label=best.label, actor=best.actor)
        support = [
            (place, each)
            for place, each in zip(places, said, strict=True)
            if claimed(label=each.label, actor=each.actor) == wanted
        ]
        return Owner(
            category=self._category([each for _, each in support]),
            label=best.label,
            actor=best.actor,
            confidence=combined.confidence,
            is_disputed=combined.is_disputed,
            documents=tuple(sorted({self.attribution.documents[place] for place, _ in support})),
        )

    def _category(self, said: Sequence[Statement]) -> str:
        levels = {each: level_on(each, self.on) for each in said}
        for level in sorted(set(levels.values()), reverse=True):
            concepts = {one for each in said if levels[each] == level for one in each.concepts}
            found = category_of(sorted(concepts))
            if found != UNKNOWN:
                return found
        return UNKNOWN


def _filed(numbers: Int64Array, statement: Int64Array) -> tuple[Int64Array, Int64Array]:
    order = np.argsort(numbers, kind="stable")
    return numbers[order], statement[order]
