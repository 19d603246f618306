"""What a clustering did not join, or joined against an objection: for a person to look at.

A *conflict* is a merge that something spoke against. A merge that is put off because both sets are
large is no conflict but waits for *review*. Both stand in one table, in the order in which they
came up.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from arien_flows.entities.clustering import Clustering
from arien_flows.entities.decisions import decisions_about
from arien_flows.entities.rule_names import rule_name
from chains.types import Int64Array
from heuristics.constrained_fields import ConflictField, ConflictKind, Outcome
from heuristics.constrained_sets import NO_OWNER

CONFLICTS = frozenset(ConflictKind) - {ConflictKind.GROWTH}
REVIEW = frozenset({ConflictKind.GROWTH})
JOINED_ALL_THE_SAME = frozenset({ConflictKind.SERVICES_JOINED, ConflictKind.SEPARATION_OVERRULED})
"""Kinds of conflict in which stronger evidence won."""

_READ_ROWS = 1 << 20


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
    """Owners or services that tags name for the two sets, where those are the objection."""

    probability_ppm: int | None
    votes: int | None
    """Of the decision, where the rule is about change."""

    @property
    def joined(self) -> bool:
        """Whether they were joined all the same."""
        return self.kind in JOINED_ALL_THE_SAME


def conflicts_of(
    clustering: Clustering, kinds: Collection[ConflictKind], start: int, limit: int
) -> tuple[list[Conflict], int | None]:
    """Return at most `limit` conflicts of some kinds from row `start` on, and where to go on."""
    rows = clustering.derived.arrays["conflict"]
    found: list[Conflict] = []
    wanted = np.array(sorted(kinds), dtype=np.uint32)
    for begin in range(start, len(rows), _READ_ROWS):
        part = rows.slice(begin, begin + _READ_ROWS)
        hits = begin + np.flatnonzero(np.isin(part[:, ConflictField.KIND], wanted))
        for number in hits.tolist():
            if len(found) == limit:
                return found, number
            found.append(conflict_at(clustering, number))
    return found, None


def count_conflicts(clustering: Clustering, kinds: Collection[ConflictKind]) -> int:
    """Return how many conflicts there are of some kinds."""
    wanted = np.array(sorted(kinds), dtype=np.uint32)
    chunks = clustering.derived.arrays["conflict"].chunks(_READ_ROWS)
    return sum(int(np.isin(part[:, ConflictField.KIND], wanted).sum()) for part in chunks)


def conflicts_about(clustering: Clustering, root: int) -> Int64Array:
    """Return the rows of the conflicts that touch an entity, ascending, each once."""
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
            if (each.spent, each.paid) == ends
            and each.outcome in (Outcome.REFUSED, Outcome.PUT_OFF)
        ),
        None,
    )
    owner_a, owner_b = (_owner_of(clustering, kind, end) for end in ends)
    return Conflict(
        number=number,
        kind=kind,
        rule=rule_name(rule),
        transaction=transaction,
        address_a=ends[0],
        address_b=ends[1],
        root_a=row[ConflictField.ROOT_A],
        root_b=row[ConflictField.ROOT_B],
        owner_a=owner_a,
        owner_b=owner_b,
        probability_ppm=decision.probability_ppm if decision else None,
        votes=decision.votes if decision else None,
    )


def _owner_of(clustering: Clustering, kind: ConflictKind, address: int) -> str | None:
    """Return the owner of an address's entity that a conflict of this kind is about."""
    columns = clustering.constraints.columns
    named = {
        ConflictKind.OWNERS: columns.owner,
        ConflictKind.SERVICES: columns.service,
        ConflictKind.SERVICES_JOINED: columns.service,
    }.get(kind)
    if named is None:
        return None
    mine = (clustering.tagged_root == clustering.root_of(address)) & (named != NO_OWNER)
    places = named[mine]
    return clustering.constraints.names[int(places.min())] if len(places) else None
