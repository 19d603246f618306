"""What a clustering did not join, or joined against an objection: for a person to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from arien_flows.answers.conflict_cursors import cursor_at, row_of
from arien_flows.answers.facts import named, sighting
from arien_flows.answers.rates import error_rates
from arien_flows.entities.clustering import Clustering, cluster_command
from arien_flows.entities.review import (
    CONFLICTS,
    REVIEW,
    Conflict,
    conflict_at,
    conflicts_of,
    count_conflicts,
)
from arien_flows.ledger.state import as_of
from arien_flows.ledger.view import View
from arien_flows.shapes import Certainty, ChainAnswer, Shape, Truncation
from heuristics.constrained_fields import ConflictKind

_MEANINGS = {
    ConflictKind.OWNERS: "tags name different owners: not joined by this transaction",
    ConflictKind.SERVICES: "tags name different services: not joined by this transaction",
    ConflictKind.SEPARATED: "an earlier decision says that the owners differ: not joined by this "
    "transaction",
    ConflictKind.SERVICES_JOINED: "tags name different services, but the proof is stronger: joined",
    ConflictKind.SEPARATION_OVERRULED: "an earlier decision says that the owners differ, but the "
    "proof is stronger: joined",
    ConflictKind.GROWTH: "both sets are large: not joined by this transaction",
    ConflictKind.GROWTH_JOINED: "both sets are large, but the proof is stronger: joined",
    ConflictKind.SEVERAL_PAYERS: "tags name different owners of the transaction's inputs: none of "
    "them joined by this transaction",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictAnswer(Shape):
    """A merge that something spoke against, or that was not made as both sets are large."""

    kind: str
    """In a word that programs may rely on."""

    detail: str
    """What it means."""

    joined: bool
    """Whether the transaction joined the two all the same."""

    together_now: bool
    """Whether the two are one entity now, be it for other reasons."""

    rule: str
    """The rule that would join them."""

    txid: str
    """The transaction that it rests on."""

    height: int
    """Height of its block."""

    time: datetime
    """The time that the block's header states."""

    address_a: str
    """One address that the rule speaks about."""

    address_b: str
    """The other."""

    entity_a: str
    """First-seen address of the first one's set at that time."""

    entity_b: str
    """First-seen address of the other one's set at that time."""

    owner_a: str | None
    """Whom tags named for the first set at that time, where that is the objection."""

    owner_b: str | None
    """Whom tags named for the other set at that time, where that is the objection."""

    probability: str | None
    """Share of right answers, from 0 to 1, among simulated payments that the model scored alike;
    nobody has measured it on real ones. Nothing where no model decided."""

    votes: int | None
    """By how many votes the output led; nothing where votes were not counted."""

    certainty: Certainty
    """Always `inference`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictPage(ChainAnswer):
    """A page of conflicts, or of merges to review: the first of each pair of sets and kind."""

    network: str
    """Name of the network."""

    profile: str
    """The set of rules."""

    clustering: str
    """Names the run: rules, versions and last block."""

    count: int
    """How many there are."""

    items: tuple[ConflictAnswer, ...]
    """In the order in which they came up."""

    next_cursor: str | None
    """Give it back as `cursor` for the next page; nothing at the end of the list."""

    error_rates: dict[str, str]
    """By rule of the items: how often it was wrong, and among what; or `not measured`."""


def probability_text(ppm: int | None) -> str | None:
    """Return millionths as people write a probability, from 0 to 1."""
    return None if ppm is None else f"{ppm // 1_000_000}.{ppm % 1_000_000:06d}"


MAX_CONFLICTS = 10
"""Conflicts that an answer about entities shows."""


def first_conflicts(
    view: View, clustering: Clustering, numbers: Sequence[int]
) -> tuple[ConflictAnswer, ...]:
    """Return the first of some conflicts."""
    return tuple(
        conflict_answer(view, conflict_at(clustering, number)) for number in numbers[:MAX_CONFLICTS]
    )


def conflict_cuts(count: int, profile: str) -> tuple[Truncation, ...]:
    """Say so where there are more conflicts than are shown."""
    if count <= MAX_CONFLICTS:
        return ()
    return (
        Truncation(
            where="conflicts",
            reason="count",
            limit=MAX_CONFLICTS,
            detail=f"`{cluster_command(profile, 'conflicts')}` and "
            f"`{cluster_command(profile, 'review')}` list all of them",
        ),
    )


def conflict_answer(view: View, conflict: Conflict) -> ConflictAnswer:
    """Return a conflict as answers show it."""
    where = sighting(view, conflict.transaction)
    return ConflictAnswer(
        kind=conflict.kind.name.lower(),
        detail=_MEANINGS[conflict.kind],
        joined=conflict.joined,
        together_now=conflict.together_now,
        rule=conflict.rule,
        txid=where.txid,
        height=where.height,
        time=where.time,
        address_a=named(view, conflict.address_a),
        address_b=named(view, conflict.address_b),
        entity_a=named(view, conflict.root_a),
        entity_b=named(view, conflict.root_b),
        owner_a=conflict.owner_a,
        owner_b=conflict.owner_b,
        probability=probability_text(conflict.probability_ppm),
        votes=conflict.votes,
        certainty="inference",
    )


def conflict_page(
    view: View,
    clustering: Clustering,
    cuts: tuple[Truncation, ...],
    *,
    for_review: bool,
    limit: int,
    cursor: str | None,
) -> ConflictPage:
    """Return conflicts, or what is listed for review, after the page that gave the cursor."""
    kinds = REVIEW if for_review else CONFLICTS
    found, following = conflicts_of(clustering, kinds, row_of(clustering, cursor), limit)
    versions = clustering.manifest.rules
    return ConflictPage(
        as_of=as_of(view),
        complete=not cuts,
        truncations=cuts,
        network=view.network.name,
        profile=clustering.profile,
        clustering=clustering.identity,
        count=count_conflicts(clustering, kinds),
        items=tuple(conflict_answer(view, conflict) for conflict in found),
        next_cursor=None if following is None else cursor_at(clustering, following),
        error_rates=error_rates(
            {rule: versions[rule] for rule in sorted({conflict.rule for conflict in found})},
            clustering.manifest.parameters,
        ),
    )
