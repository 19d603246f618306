"""What a clustering did not join, or joined against an objection: for a person to look at.

A *conflict* is a merge that something spoke against. A merge that was not made because both sets
are large is no conflict but listed for *review*. Both stand in one table, in the order in which
they came up. Two sets that pay each other every day would fill it, so what is *listed* is the first
row of each pair of sets and kind, and for review only pairs that nothing else has joined since.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from arien_flows.entities.clustering import Clustering
from arien_flows.entities.decisions import decisions_about
from arien_flows.entities.rule_names import rule_name
from chains.types import Int64Array
from heuristics.constrained_fields import ConflictField, ConflictKind, Outcome

CONFLICTS = frozenset(ConflictKind) - {ConflictKind.GROWTH}
REVIEW = frozenset({ConflictKind.GROWTH})
JOINED_ALL_THE_SAME = frozenset(
    {
        ConflictKind.SERVICES_JOINED,
        ConflictKind.SEPARATION_OVERRULED,
        ConflictKind.GROWTH_JOINED,
    }
)
"""Kinds of conflict in which stronger evidence won."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A merge that something spoke against. Numbers are those of the ledger."""

    number: int
    """Its row."""

    kind: ConflictKind
    rule: str
    """The rule that would join."""

    transaction: int
    address_a: int
    address_b: int
    """The two addresses that the rule speaks about."""

    root_a: int
    root_b: int
    """First-seen addresses of their sets at that time."""

    owner_a: str | None
    owner_b: str | None
    """Owners or services that tags named for the two sets at that time, where those are the
    objection."""

    probability_ppm: int | None
    votes: int | None
    """Of the decision, where the rule is about change."""

    together_now: bool
    """Whether the two are one entity now, by this merge or by others."""

    @property
    def joined(self) -> bool:
        """Whether they were joined all the same."""
        return self.kind in JOINED_ALL_THE_SAME


def conflicts_of(
    clustering: Clustering, kinds: Collection[ConflictKind], start: int, limit: int
) -> tuple[list[Conflict], int | None]:
    """Return at most `limit` listed conflicts of some kinds from row `start` on, and the next."""
    numbers = _listed(clustering, kinds)
    first = int(np.searchsorted(numbers, start))
    shown = numbers[first : first + limit].tolist()
    following = int(numbers[first + limit]) if first + limit < len(numbers) else None
    return [conflict_at(clustering, number) for number in shown], following


def count_conflicts(clustering: Clustering, kinds: Collection[ConflictKind]) -> int:
    """Return how many listed conflicts there are of some kinds."""
    return len(_listed(clustering, kinds))


def _listed(clustering: Clustering, kinds: Collection[ConflictKind]) -> Int64Array:
    """Return the rows of the listed conflicts of some kinds, ascending."""
    wanted = np.array(sorted(kinds), dtype=np.uint32)
    kind = clustering.derived.whole("listed_conflict_kind")
    rows: Int64Array = clustering.derived.whole("listed_conflict")[np.isin(kind, wanted)].astype(
        np.int64
    )
    return rows


def conflicts_between(clustering: Clustering, root: int, other: int) -> Int64Array:
    """Return the rows of the listed conflicts between two entities, ascending."""
    return np.intersect1d(conflicts_about(clustering, root), conflicts_about(clustering, other))


def conflicts_about(clustering: Clustering, root: int) -> Int64Array:
    """Return the rows of the listed conflicts that touch an entity, ascending, each once."""
    keys = clustering.derived.whole("conflict_key")
    # Of the keys' own type: for any other one, NumPy would convert all of them first.
    own = np.uint32(root)
    left, right = np.searchsorted(keys, own, side="left"), np.searchsorted(keys, own, side="right")
    rows = clustering.derived.arrays["conflict_row"].slice(int(left), int(right))
    return np.unique(rows).astype(np.int64)


def conflict_at(clustering: Clustering, number: int) -> Conflict:
    """Return the conflict in a row."""
    row = clustering.derived.arrays["conflict"].slice(number, number + 1)[0].tolist()
    kind = ConflictKind(row[ConflictField.KIND])
    transaction, rule = row[ConflictField.TRANSACTION], row[ConflictField.RULE]
    ends = row[ConflictField.ADDRESS_A], row[ConflictField.ADDRESS_B]
    decision = next(
        (
            each
            for each in decisions_about(clustering.derived, transaction)
            if each.rule == rule
            and (each.spent, each.paid) == ends
            and each.outcome in (Outcome.REFUSED, Outcome.PUT_OFF)
        ),
        None,
    )
    names = dict(enumerate(clustering.constraints.names))
    return Conflict(
        number=number,
        kind=kind,
        rule=rule_name(rule),
        transaction=transaction,
        address_a=ends[0],
        address_b=ends[1],
        root_a=row[ConflictField.ROOT_A],
        root_b=row[ConflictField.ROOT_B],
        owner_a=names.get(row[ConflictField.OWNER_A]),
        owner_b=names.get(row[ConflictField.OWNER_B]),
        probability_ppm=decision.probability_ppm if decision else None,
        votes=decision.votes if decision else None,
        together_now=clustering.root_of(ends[0]) == clustering.root_of(ends[1]),
    )
