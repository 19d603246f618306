"""Who is named, at any address that money may come to, and what is known of that owner.

A trace stops at services; an exposure stops at whoever is named. A tag names an owner where its
type is that of an actor (or none) and its confidence is at least what was asked for. Where an
address has tags of its own these speak for it alone; an address without any goes by all the tags of
its entity.

What several sources come to is decided by `attribution.owner`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from arien_flows.attribution.categories import category_of
from arien_flows.attribution.owner import Owner, owner_of
from arien_flows.attribution.snapshot import Attribution
from arien_flows.attribution.tag import NAMES_SOMEBODY
from chains.types import BoolArray, Int64Array


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

    @cached_property
    def categories(self) -> frozenset[str]:
        """Categories that any tag which names an owner gives, whether or not it speaks for one."""
        made = np.unique(self.attribution.statement[self._names]).tolist()
        return frozenset(category_of(self.attribution.statements[it].concepts) for it in made)

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
        tags = self.attribution
        owner = owner_of(
            [(tags.statements[place], tags.documents[place]) for place in places], self.on
        )
        if owner is None:
            raise ValueError("nobody names an owner there")
        return owner


def _filed(numbers: Int64Array, statement: Int64Array) -> tuple[Int64Array, Int64Array]:
    order = np.argsort(numbers, kind="stable")
    return numbers[order], statement[order]
