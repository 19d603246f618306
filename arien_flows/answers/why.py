"""What joins two addresses: a chain of transactions and rules that a reader can check by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from arien_flows.answers.conflicts import (
    ConflictAnswer,
    conflict_cuts,
    first_conflicts,
    probability_text,
)
from arien_flows.answers.entity import clustering_of, lag, tags_changed
from arien_flows.answers.facts import sighting
from arien_flows.answers.rates import error_rates
from arien_flows.entities.merge_path import PATH_BOUND
from arien_flows.entities.why import Explanation, NotJoined, why
from arien_flows.ledger.state import as_of
from arien_flows.ledger.view import View
from arien_flows.shapes import Certainty, ChainAnswer, Shape, Truncation
from arien_flows.workspace import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyStep(Shape):
    """One reason: this transaction, by this rule, shows that both addresses have one owner."""

    address_from: str
    """Where the step starts."""

    address_to: str
    """Where it leads."""

    txid: str
    """The transaction that shows it; that it says so on the chain is a fact."""

    height: int
    """Height of its block."""

    time: datetime
    """The time that the block's header states."""

    rule: str
    """The rule that concludes it."""

    rule_version: int
    """Version of the rule."""

    probability: str | None
    """Share of right answers, from 0 to 1, among simulated payments that the model scored alike;
    nobody has measured it on real ones. Nothing where no model decided."""

    votes: int | None
    """By how many votes the output led; nothing where votes were not counted."""

    votes_for: tuple[str, ...]
    """Names of the rules whose votes were counted for the output; empty where none were."""

    votes_against: tuple[str, ...]
    """Names of the rules whose votes were counted for another output of the transaction."""

    certainty: Certainty
    """Always `inference`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyAnswer(ChainAnswer):
    """Whether and why two addresses are one entity."""

    network: str
    """Name of the network."""

    address_a: str
    """The first address."""

    address_b: str
    """The second address."""

    joined: bool
    """Whether rules join them. If not, they may still have one owner."""

    profile: str
    """The set of rules that was asked."""

    certainty: Certainty
    """Always `inference`."""

    clustering: str
    """Names the run that was asked: rules, versions and last block."""

    entity_a: str
    """The entity of the first address, by its first-seen address."""

    entity_b: str
    """The entity of the second; the same where they are joined."""

    steps: tuple[WhyStep, ...]
    """From the first address to the second; empty where they are one address or not joined, or
    where there are too many steps to show."""

    conflict_count: int
    """Merges of the two entities that were not made because something spoke against them, or that
    are listed for review; 0 where they are joined."""

    conflicts: tuple[ConflictAnswer, ...]
    """The first of them, in the order in which they came up."""

    shortest: bool
    """Whether no shorter chain exists; false where the search was cut short."""

    error_rates: dict[str, str]
    """By rule of the steps: how often it was wrong, and among what; or `not measured`."""


def why_answer(reading: Reading, a: str, b: str) -> WhyAnswer:
    """Return what joins two addresses, or say that no rule does."""
    clustering, view = clustering_of(reading), reading.view
    found = why(view, clustering, a, b)
    joined = isinstance(found, Explanation)
    conflicts = () if isinstance(found, Explanation) else found.conflicts
    cuts = (
        *lag(view, clustering),
        *tags_changed(reading),
        *conflict_cuts(len(conflicts), clustering.profile),
        *_cut(found),
        *reading.limits,
    )
    return WhyAnswer(
        as_of=as_of(view),
        complete=not cuts,
        truncations=cuts,
        network=view.network.name,
        address_a=found.address_a,
        address_b=found.address_b,
        joined=joined,
        profile=found.profile,
        certainty="inference",
        clustering=clustering.identity,
        entity_a=found.entity if isinstance(found, Explanation) else found.entity_a,
        entity_b=found.entity if isinstance(found, Explanation) else found.entity_b,
        steps=_steps(view, found) if isinstance(found, Explanation) else (),
        conflict_count=len(conflicts),
        conflicts=first_conflicts(view, clustering, conflicts),
        shortest=isinstance(found, Explanation) and found.shortest,
        error_rates=_error_rates(found, clustering.manifest.parameters),
    )


def _error_rates(found: Explanation | NotJoined, parameters: Mapping[str, str]) -> dict[str, str]:
    if isinstance(found, NotJoined):
        return {}
    return error_rates({step.rule: step.rule_version for step in found.steps}, parameters)


def _steps(view: View, found: Explanation) -> tuple[WhyStep, ...]:
    seen = [sighting(view, view.find_transaction(step.transaction)) for step in found.steps]
    return tuple(
        WhyStep(
            address_from=step.address_from,
            address_to=step.address_to,
            txid=step.transaction,
            height=where.height,
            time=where.time,
            rule=step.rule,
            rule_version=step.rule_version,
            probability=probability_text(step.probability_ppm),
            votes=step.votes,
            votes_for=step.votes_for,
            votes_against=step.votes_against,
            certainty="inference",
        )
        for step, where in zip(found.steps, seen, strict=True)
    )


def _cut(found: Explanation | NotJoined) -> tuple[Truncation, ...]:
    if isinstance(found, NotJoined) or found.shortest:
        return ()
    if found.too_long:
        return (
            Truncation(
                where="steps",
                reason="path_bound",
                limit=PATH_BOUND,
                detail="rules join the two addresses, but by more steps than can be shown",
            ),
        )
    return (
        Truncation(
            where="steps",
            reason="search_bound",
            limit=found.bound,
            detail="the search for a shortest chain was cut short; the chain shown is one that "
            "the clustering itself recorded",
        ),
    )
