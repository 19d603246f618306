"""What a clustering was told not to join, and what it put off: for a person to look at."""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.answers.conflict_cursors import cursor_at, row_of
from arien_flows.answers.facts import as_of, named, sighting
from arien_flows.answers.rates import error_rates
from arien_flows.entities.clustering import Clustering
from arien_flows.entities.review import (
    CONFLICTS,
    REVIEW,
    Conflict,
    conflicts_of,
    count_conflicts,
)
from arien_flows.ledger.view import View
from arien_flows.shapes import Certainty, ChainAnswer, Shape, Truncation
from heuristics.constrained_fields import ConflictKind

_MEANINGS = {
    ConflictKind.OWNERS: "tags name different owners: not joined",
    ConflictKind.SERVICES: "tags name different services: not joined",
    ConflictKind.SEPARATED: "an earlier decision says that the owners differ: not joined",
    ConflictKind.SERVICES_JOINED: "tags name different services, but the proof is stronger: joined",
    ConflictKind.SEPARATION_OVERRULED: "an earlier decision says that the owners differ, but the "
    "proof is stronger: joined",
    ConflictKind.GROWTH: "both sets are large: put off until a person has looked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictAnswer(Shape):
    """A merge that something spoke against, or that was put off."""

    kind: str
    """In a word that programs may rely on."""

    detail: str
    """What it means."""

    joined: bool
    """Whether the two were joined all the same."""

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
    """Whom tags name for the first set, where that is the objection."""

    owner_b: str | None
    """Whom tags name for the other set, where that is the objection."""

    probability: str | None
    """Share of right answers, from 0 to 1, among simulated payments that the model scored alike;
    nobody has measured it on real ones. Nothing where no model decided."""

    votes: int | None
    """By how many votes the output led; nothing where votes were not counted."""

    certainty: Certainty
    """Always `inference`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictPage(ChainAnswer):
    """A page of conflicts, or of merges that wait for review."""

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


def conflict_answer(view: View, conflict: Conflict) -> ConflictAnswer:
    """Return a conflict as answers show it."""
    where = sighting(view, conflict.transaction)
    return ConflictAnswer(
        kind=conflict.kind.name.lower(),
        detail=_MEANINGS[conflict.kind],
        joined=conflict.joined,
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
    """Return conflicts, or what waits for review, after the page that gave the cursor."""
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
