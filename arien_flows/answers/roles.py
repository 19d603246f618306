"""Roles of an address and its entity, with every feature and threshold that decides.

A role is an inference of a policy: a file of thresholds with a name and a hash. None of its rules
has a measured error rate on real services, and the answer says so. What could not be measured is
left undecided; an entity without a role is not thereby an ordinary wallet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np

from arien_flows.answers.entity import clustering_of, lag, tags_changed
from arien_flows.answers.facts import named
from arien_flows.entities.activity import Bounds, Gathered, address_of, entity_of, gather
from arien_flows.entities.clustering import Clustering
from arien_flows.entities.peel_hops import Hops, coinjoin_test
from arien_flows.entities.roles import (
    FEATURES,
    CheckResult,
    Policy,
    RoleResult,
    Verdict,
    features_of,
    judge,
    standard_policy,
)
from arien_flows.ledger.state import as_of
from arien_flows.ledger.view import View
from arien_flows.shapes import Certainty, ChainAnswer, Shape, Truncation
from arien_flows.workspace import Reading
from heuristics.role_features import DAY_SECONDS, Measure

_ORDER = (Verdict.HOLDS, Verdict.UNDECIDED, Verdict.FAILS)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureAnswer(Shape):
    """One feature."""

    name: str
    """Stable name."""

    meaning: str
    """What it measures."""

    value: str | None
    """As a decimal number; nothing where there is nothing to measure."""

    observations: int
    """On how many observations it rests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnswer(Shape):
    """One condition of a role."""

    feature: str
    """What is measured."""

    meaning: str
    """What that is."""

    value: str | None
    """What was found; nothing where there is nothing to measure."""

    observations: int
    """On how many observations it rests."""

    comparison: Literal["at_least", "at_most"]
    """How it is compared."""

    threshold: str
    """With what."""

    least_observations: int
    """Fewer decide nothing."""

    verdict: Literal["holds", "fails", "undecided"]
    """What it comes to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAnswer(Shape):
    """One role, and whether its conditions hold."""

    name: str
    """Stable name."""

    subject: Literal["entity", "address"]
    """Whether it is said of the entity or of the address."""

    verdict: Literal["holds", "fails", "undecided"]
    """`holds` where all conditions do; `undecided` where none fails and some cannot be decided."""

    summary: str
    """What the role is."""

    assumes: str
    """What has to hold for it to be right."""

    fails_when: str
    """Known ways in which it is wrong."""

    source: str
    """Where the thresholds come from."""

    error_rate: str
    """How often it is wrong, with the source."""

    checks: tuple[CheckAnswer, ...]
    """Its conditions, all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectFeatures(Shape):
    """The features of the entity or of the address."""

    subject: Literal["entity", "address"]
    """Of which of them."""

    addresses_read: int
    """Addresses whose transactions were read."""

    transactions_read: int
    """Transactions that the features were measured over."""

    coinjoins_left_out: int
    """CoinJoins among them that were left out, because nobody can tell who paid whom."""

    features: tuple[FeatureAnswer, ...]
    """All features, whether or not a role asks for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesAnswer(ChainAnswer):
    """The roles of an address and its entity."""

    network: str
    """Name of the network."""

    address: str
    """The address that was asked for."""

    entity: str
    """First-seen address of its entity."""

    profile: str
    """The set of rules that made the entity."""

    clustering: str
    """Names the run that made it: rules, versions and last block."""

    certainty: Certainty
    """Always `inference`."""

    policy: str
    """Name of the policy."""

    policy_sha256: str
    """Hash of the policy's file."""

    matching: tuple[str, ...]
    """Names of the roles whose conditions all hold; none may: most entities have no role."""

    roles: tuple[RoleAnswer, ...]
    """Every role of the policy: first those that hold, then the undecided, then the rest."""

    measured: tuple[SubjectFeatures, ...]
    """The features of the entity, then, where it has more than one address, of the address."""


NOT_MEASURED = "not measured on real services"


def roles_answer(
    reading: Reading, text: str, *, policy: Policy | None = None, bounds: Bounds | None = None
) -> RolesAnswer:
    """Return the roles of an address and its entity.

    `policy` and `bounds` are those of this version where they are not given.
    """
    policy, bounds = policy or standard_policy(), bounds or Bounds()
    clustering, view = clustering_of(reading), reading.view
    address = view.find_address(text)
    subjects = [entity_of(clustering, address)]
    if len(subjects[0].addresses) > 1:
        subjects.append(address_of(clustering, address))
    marks = reading.coinjoin_marks
    assert marks is not None  # noqa: S101 - there is a clustering, so there are marks
    hops = Hops(view, coinjoin_test(view, marks))
    results: list[RoleResult] = []
    measured: list[SubjectFeatures] = []
    cuts: list[Truncation] = []
    for subject in subjects:
        gathered = gather(view, clustering.labels, marks, subject, bounds)
        known = _known(view, clustering, gathered)
        features = features_of(view, gathered, hops, known, policy)
        # An address that is alone in its entity is judged as both.
        results += [
            judge(rule, features, is_whole=gathered.is_whole)
            for rule in policy.roles
            if len(subjects) == 1 or rule.is_of_entity == subject.is_entity
        ]
        measured.append(_measured(gathered, features))
        cuts += _cut(gathered)
    results.sort(key=lambda it: (_ORDER.index(it.verdict), -_holding(it)))
    left_out = (
        *cuts,
        *lag(view, clustering, where="roles"),
        *tags_changed(reading, "roles"),
        *reading.limits,
    )
    return RolesAnswer(
        as_of=as_of(view),
        complete=not left_out,
        truncations=left_out,
        network=view.network.name,
        address=named(view, address),
        entity=named(view, subjects[0].root),
        profile=clustering.profile,
        clustering=clustering.identity,
        certainty="inference",
        policy=policy.name,
        policy_sha256=policy.sha256,
        matching=tuple(each.rule.name for each in results if each.verdict is Verdict.HOLDS),
        roles=tuple(_role(each) for each in results),
        measured=tuple(measured),
    )


def _holding(result: RoleResult) -> Decimal:
    """Return the share of a role's checks that hold."""
    held = sum(each.verdict is Verdict.HOLDS for each in result.checks)
    return Decimal(held) / len(result.checks)


def _known(view: View, clustering: Clustering, gathered: Gathered) -> dict[str, Measure]:
    """Return the features of a subject that need no reading of transactions."""
    subject = gathered.subject
    entity = clustering.totals(view, subject.root)
    totals = entity if subject.is_entity else view.totals(int(subject.addresses[0]))
    ends = np.array([totals.first_transaction, totals.last_transaction], dtype=np.int64)
    times = view.median_times[view.blocks_of(ends)]
    numbers = {
        "addresses": len(subject.addresses),
        "entity_addresses": entity.address_count,
        "transactions": totals.transaction_count,
        "balance_sat": totals.received_sat - totals.sent_sat,
        "lifetime_days": int(times[1] - times[0]) // DAY_SECONDS,
    }
    return {
        name: Measure(value=Decimal(number), observations=totals.transaction_count)
        for name, number in numbers.items()
    }


def _measured(gathered: Gathered, features: Mapping[str, Measure]) -> SubjectFeatures:
    return SubjectFeatures(
        subject="entity" if gathered.subject.is_entity else "address",
        addresses_read=len(gathered.addresses),
        transactions_read=len(gathered.transactions),
        coinjoins_left_out=gathered.coinjoins,
        features=tuple(
            FeatureAnswer(
                name=name,
                meaning=meaning,
                value=_shown(features[name]),
                observations=features[name].observations,
            )
            for name, meaning in FEATURES.items()
        ),
    )


def _shown(measure: Measure) -> str | None:
    return None if measure.value is None else f"{measure.value:f}"


def _role(result: RoleResult) -> RoleAnswer:
    rule = result.rule
    return RoleAnswer(
        name=rule.name,
        subject="entity" if rule.is_of_entity else "address",
        verdict=result.verdict.value,
        summary=rule.summary,
        assumes=rule.assumes,
        fails_when=rule.fails_when,
        source=rule.source,
        error_rate=NOT_MEASURED,
        checks=tuple(_check(each) for each in result.checks),
    )


def _check(result: CheckResult) -> CheckAnswer:
    check = result.check
    threshold = check.at_most if check.at_least is None else check.at_least
    return CheckAnswer(
        feature=check.feature,
        meaning=FEATURES[check.feature],
        value=_shown(result.measure),
        observations=result.measure.observations,
        comparison="at_most" if check.at_least is None else "at_least",
        threshold=f"{threshold:f}",
        least_observations=check.observations,
        verdict=result.verdict.value,
    )


def _cut(gathered: Gathered) -> list[Truncation]:
    """Say where the features are of only a part of the activity."""
    where = f"features of the {'entity' if gathered.subject.is_entity else 'address'}"
    cuts: list[Truncation] = []
    if gathered.cut:
        cuts.append(
            Truncation(
                where=where,
                reason="bounded",
                limit=len(gathered.transactions),
                detail=f"{gathered.cut}; counts are at least what is shown, and shares are of what "
                "was read",
            )
        )
    if gathered.coinjoins:
        cuts.append(
            Truncation(
                where=where,
                reason="coinjoins",
                detail=f"{gathered.coinjoins:,} CoinJoin{'s' * (gathered.coinjoins != 1)}, where "
                "nobody can tell who paid whom; counts are at least what is shown, and shares are "
                "of the rest",
            )
        )
    return cuts
