"""What joins two accounts: a chain of rules and transactions that a reader can check by hand."""

from dataclasses import dataclass

from arien_flows.account_entities.clustering import AccountClustering
from arien_flows.account_entities.why import AccountExplanation, AccountStep, why_accounts
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_workspace import AccountReading
from arien_flows.answers.account_clustering import (
    clustering_of_accounts,
    entity_cuts,
    tags_changed_on_accounts,
)
from arien_flows.answers.account_entity import MAX_REFUSED, RefusedLink, refused_links
from arien_flows.answers.account_facts import account_sighting
from arien_flows.answers.conflicts import probability_text
from arien_flows.answers.facts import Sighting
from arien_flows.answers.rates import error_rates
from arien_flows.entities.merge_path import PATH_BOUND
from arien_flows.shapes import Certainty, ChainAnswer, Shape, Truncation


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountWhyStep(Shape):
    """One reason: these transactions, by this rule, show that both accounts have one owner."""

    address_from: str
    """Where the step starts."""

    address_to: str
    """Where it leads."""

    rule: str
    """The rule that concludes it."""

    rule_version: int
    """Version of the rule."""

    confidence: str
    """The rule's own, from 0 to 1: not a measured share of right answers."""

    transactions: tuple[Sighting, ...]
    """What shows it, in chain order; that they say so on the chain is a fact."""

    cases: int
    """How many times the chain shows it; the surest one is shown."""

    certainty: Certainty
    """Always `inference`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountWhyAnswer(ChainAnswer):
    """Whether and why two accounts are one entity."""

    network: str
    """Name of the network."""

    address_a: str
    """The first account."""

    address_b: str
    """The second account."""

    joined: bool
    """Whether rules join them. If not, they may still have one owner."""

    profile: str
    """The set of rules that was asked."""

    certainty: Certainty
    """Always `inference`."""

    clustering: str
    """Names the run that was asked: rules, versions and last block."""

    entity_a: str
    """The entity of the first account, by its first-seen account."""

    entity_b: str
    """The entity of the second; the same where they are joined."""

    refused: tuple[RefusedLink, ...]
    """Links between the two entities that were not made, the surest first, at most 20; empty where
    they are joined."""

    steps: tuple[AccountWhyStep, ...]
    """From the first account to the second; empty where they are one account or not joined, or
    where there are too many steps to show."""

    shortest: bool
    """Whether no shorter chain exists; false where the search was cut short."""

    error_rates: dict[str, str]
    """By rule of the steps: how often it was wrong, and among what; or `not measured`."""


def account_why_answer(reading: AccountReading, a: str, b: str) -> AccountWhyAnswer:
    """Return what joins two accounts, or say that no rule does."""
    clustering, view = clustering_of_accounts(reading), reading.view
    found = why_accounts(view, clustering, a, b)
    cuts = (
        *entity_cuts(view, clustering),
        *tags_changed_on_accounts(reading),
        *_cut(found),
        *reading.limits,
    )
    return AccountWhyAnswer(
        as_of=view.as_of(),
        complete=not cuts,
        truncations=cuts,
        network=view.network.name,
        address_a=found.account_a,
        address_b=found.account_b,
        joined=found.joined,
        profile=clustering.profile,
        certainty="inference",
        clustering=clustering.identity,
        entity_a=found.entity_a,
        entity_b=found.entity_b,
        refused=_refused(view, clustering, found),
        steps=tuple(_step(view, step) for step in found.steps),
        shortest=found.joined and found.shortest,
        error_rates=error_rates({step.rule: step.rule_version for step in found.steps}),
    )


def _refused(
    view: AccountView, clustering: AccountClustering, found: AccountExplanation
) -> tuple[RefusedLink, ...]:
    if found.joined:
        return ()
    roots = (view.find_account(text) for text in (found.entity_a, found.entity_b))
    between = clustering.conflicts_between(*roots)[:MAX_REFUSED]
    return tuple(refused_links(view, clustering, between))


def _step(view: AccountView, step: AccountStep) -> AccountWhyStep:
    return AccountWhyStep(
        address_from=step.account_from,
        address_to=step.account_to,
        rule=step.rule,
        rule_version=step.rule_version,
        confidence=probability_text(step.confidence_ppm) or "",
        transactions=tuple(account_sighting(view, row) for row in step.transactions),
        cases=step.cases,
        certainty="inference",
    )


def _cut(found: AccountExplanation) -> tuple[Truncation, ...]:
    if not found.joined or found.shortest:
        return ()
    if found.too_long:
        detail = "rules join the two accounts, but by more steps than can be shown"
        return (Truncation(where="steps", reason="path_bound", limit=PATH_BOUND, detail=detail),)
    detail = (
        "the search for a shortest chain was cut short; the chain shown is one that the "
        "clustering itself recorded"
    )
    return (Truncation(where="steps", reason="search_bound", limit=found.bound, detail=detail),)
