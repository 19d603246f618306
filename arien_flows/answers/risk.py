"""The risk of an address or an entity: score, interval, and every sentence of the explanation.

An answer states its whole question and what it stands on, so that it can be made again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any, TypeVar

from arien_flows.answers.entity import clustering_of, lag, tags_changed
from arien_flows.answers.exposure import MEANINGS, ground_of
from arien_flows.answers.facts import block_of, block_time, named
from arien_flows.answers.risk_contributions import (
    MOST_DOCUMENTS,
    MomentOf,
    contributions,
    documents_of,
    figure,
    percent,
)
from arien_flows.answers.risk_inputs import Gathered, basis_of, gather_inputs
from arien_flows.answers.risk_sentences import LIMITS
from arien_flows.answers.risk_shapes import (
    RiskAnswer,
    RiskChange,
    RiskContribution,
    RiskCoverage,
    RiskFlag,
    RiskFormula,
    RiskInterval,
    RiskOwnTag,
    RiskPolicyName,
    RiskRequestShape,
    RiskUnknown,
)
from arien_flows.attribution.categories import standard_categories
from arien_flows.casebook.documents import KeptDocument
from arien_flows.errors import InputError
from arien_flows.exposure.request import DEFAULT_BUDGET, DEFAULT_HOPS, LEAST_CONFIDENCE
from arien_flows.exposure.shares import Exposure
from arien_flows.ledger.state import as_of
from arien_flows.prices.rates import PriceBook
from arien_flows.risk import flags
from arien_flows.risk.inputs import Direction, Inputs
from arien_flows.risk.interval import interval
from arien_flows.risk.policy import RiskPolicy, standard_policy
from arien_flows.risk.score import Score, score
from arien_flows.shapes import AsOf, Truncation
from arien_flows.tracing.fiat import table_used
from arien_flows.tracing.manifest import FORMAT, hash_of_manifest, hash_of_result, manifest_on
from arien_flows.tracing.manifest_answer import Manifest
from arien_flows.workspace import Reading
from heuristics import coinjoin, exposure

Kind = TypeVar("Kind", bound=RiskAnswer)

MOST_CHANGES = 20
"""Documents for which the score without them is told, those of the largest contributions first."""

ANSWER_VERSION = 1
"""Raised whenever the same score is told in another way."""


def risk_answer(
    reading: Reading,
    text: str,
    *,
    policy: RiskPolicy | None = None,
    budget: int = DEFAULT_BUDGET,
    prices: PriceBook | None = None,
) -> RiskAnswer:
    """Return the risk of an address, or of `entity:ADDRESS`, by the standard policy or another.

    Prices are those of the casebook where none are given. The same request gives the same bytes as
    long as the ledger, the clustering, the tags and the prices stay as they are.

    `NoEvidenceError` where something would count that names no evidence.
    """
    policy = policy or standard_policy()
    clustering, view = clustering_of(reading), reading.view
    prices = reading.prices(flags.CURRENCY) if prices is None else prices
    found = gather_inputs(basis_of(reading, prices), text, budget)
    rules = {
        "answer": ANSWER_VERSION,
        "coinjoin": coinjoin.VERSION,
        "exposure": exposure.VERSION,
        "flags": flags.VERSION,
    }
    return risk_of(
        RiskAnswer,
        RiskParts(
            text=found.text,
            as_of=as_of(view),
            entity=named(view, found.subject.root),
            profile=clustering.profile,
            clustering=clustering.identity,
            inputs=found.inputs,
            exposures=found.exposures,
            meanings=MEANINGS,
            request=RiskRequestShape(**risk_terms(found.text, budget, policy)),
            moment_of=lambda txid: block_time(view, block_of(view, view.find_transaction(txid))),
            documents_named=reading.tags.casebook.documents_named,
            found_cuts=tuple(found.cuts),
            reading_cuts=(
                *lag(view, clustering, where="entities"),
                *tags_changed(reading, "entities"),
                *reading.limits,
            ),
            rules=rules,
            manifest=_manifest(reading, found, prices, rules),
        ),
        policy,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskParts:
    """What an answer about risk is made of, on any chain."""

    text: str
    """The subject, as it is called in answers."""

    as_of: AsOf
    entity: str
    profile: str
    clustering: str
    inputs: Inputs
    exposures: Mapping[Direction, Exposure]
    meanings: Mapping[str, Mapping[str, str]]
    """What the reasons of the exposures' rests mean, by direction."""

    request: RiskRequestShape
    moment_of: MomentOf
    documents_named: Callable[[Sequence[str]], dict[str, KeptDocument]]
    found_cuts: tuple[Truncation, ...]
    """What was left out of the inputs."""

    reading_cuts: tuple[Truncation, ...]
    """What every answer from the reading leaves out."""

    rules: dict[str, int]
    manifest: Manifest
    """Its result hash still empty."""


def risk_of(kind: type[Kind], parts: RiskParts, policy: RiskPolicy, **more: object) -> Kind:
    """Return the answer, of a kind that may have more fields than every chain's."""
    inputs, found = parts.inputs, parts.exposures
    scored = score(inputs, policy)
    spread = interval(inputs, policy, scored.score)
    known = parts.documents_named(sorted(_documents(inputs)))
    lines = contributions(parts.moment_of, scored, inputs, policy, known)
    changes, untried = _changes(inputs, scored, policy, known)
    cuts = (*parts.found_cuts, *_left_out(lines, untried), *parts.reading_cuts)
    categories = standard_categories()
    told: dict[str, Any] = dict(more)
    draft = kind(
        as_of=parts.as_of,
        complete=not cuts,
        truncations=cuts,
        network=parts.as_of.network,
        request=parts.request,
        subject=parts.text,
        entity=parts.entity,
        profile=parts.profile,
        clustering=parts.clustering,
        certainty="inference",
        score=figure(scored.score),
        band=scored.band,
        interval=RiskInterval(
            lower=figure(spread.lower),
            upper=figure(spread.upper),
            lower_percent=policy.interval.lower_percent,
            upper_percent=policy.interval.upper_percent,
            sources=spread.sources,
            outcomes=spread.outcomes,
            is_exact=spread.is_exact,
        ),
        coverage=RiskCoverage(
            percent=percent(inputs.coverage()),
            in_percent=percent(inputs.coverage("in")),
            out_percent=percent(inputs.coverage("out")),
            known_percent=percent(inputs.known()),
        ),
        min_value_in=str(found["in"].min_value),
        min_value_out=str(found["out"].min_value),
        contributions=lines,
        own_tags=tuple(
            RiskOwnTag(
                label=own.label,
                category=own.category,
                confidence=own.confidence,
                is_inherited=own.is_inherited,
                is_disputed=own.is_disputed,
                documents=tuple(sorted(own.documents)),
            )
            for own in inputs.own
        ),
        flags=_flags(inputs, policy),
        unknown=_unknown(found, parts.meanings),
        changes=changes,
        changes_left_out=untried,
        formula=_formula(scored),
        policy=RiskPolicyName(version=policy.name, sha256=policy.sha256),
        categories=RiskPolicyName(version=categories.name, sha256=categories.sha256),
        rules=parts.rules,
        limits=LIMITS,
        manifest=parts.manifest,
        manifest_sha256="",
        **told,
    )
    return _sealed(draft)


def risk_terms(subject: str, budget: int, policy: RiskPolicy) -> dict[str, Any]:
    """Return what a question about risk says on every chain, by the names of its shape."""
    return {
        "subject": subject,
        "budget": budget,
        "min_value": None,
        "max_hops": DEFAULT_HOPS,
        "min_confidence": LEAST_CONFIDENCE,
        "policy_sha256": policy.sha256,
    }


def check_policy_again(asked: RiskRequestShape) -> None:
    """Raise `InputError` where a question was answered by a policy that is not at hand."""
    if asked.policy_sha256 != standard_policy().sha256:
        raise InputError(
            f"the answer was made by a policy with the SHA-256 {asked.policy_sha256}, which this "
            "program does not bring along: ask again with `arien-flows risk --policy FILE` and "
            "compare result_sha256"
        )


def risk_again(reading: Reading, asked: RiskRequestShape, prices: PriceBook) -> RiskAnswer:
    """Return the answer to a question that an answer names; `InputError` where it cannot be."""
    check_policy_again(asked)
    found = risk_answer(reading, asked.subject, budget=asked.budget, prices=prices)
    if found.request != asked:
        raise InputError("the question in the file cannot be asked again: its limits are others")
    return found


def _manifest(
    reading: Reading, found: Gathered, prices: PriceBook, rules: dict[str, int]
) -> Manifest:
    followed = sum(each.followed for each in found.exposures.values())
    manifest = manifest_on(
        ground_of(reading), kind="risk", rules=rules, explored=followed, followed=followed
    )
    # Any of the tables may have decided about a flag.
    return replace(manifest, prices=tuple(map(table_used, prices.tables)))


def _sealed(draft: Kind) -> Kind:
    """Return an answer with its hashes."""
    parts = {field.name: getattr(draft, field.name) for field in fields(draft)}
    manifest = replace(draft.manifest, result_sha256=hash_of_result(parts))
    hashed = hash_of_manifest({"format": FORMAT, "request": draft.request, "manifest": manifest})
    return replace(draft, manifest=manifest, manifest_sha256=hashed)


def _left_out(lines: tuple[RiskContribution, ...], untried: int) -> list[Truncation]:
    """Return what the explanation does not name."""
    cuts = []
    unnamed = sum(max(0, each.documents - MOST_DOCUMENTS) for each in lines)
    if unnamed:
        cuts.append(
            Truncation(
                where="evidence",
                reason="row_limit",
                limit=MOST_DOCUMENTS,
                detail=f"{unnamed:,} more documents count than are named with the contributions",
            )
        )
    if untried:
        cuts.append(
            Truncation(
                where="changes",
                reason="row_limit",
                limit=MOST_CHANGES,
                detail=f"for {untried:,} more documents the score without them was not computed",
            )
        )
    return cuts


def _documents(inputs: Inputs) -> set[str]:
    exposed = {each for part in inputs.exposed for each in part.documents}
    return exposed | {each for own in inputs.own for each in own.documents}


def _flags(inputs: Inputs, policy: RiskPolicy) -> tuple[RiskFlag, ...]:
    order = ("shown", "undecided", "not_measured", "not_shown")
    found = [
        RiskFlag(
            name=flag.name,
            verdict=flag.verdict.value,
            weight=f"{float(policy.flags[flag.name]):.2f}",
            measured=flag.measured,
            transactions=flag.transactions,
        )
        for flag in inputs.flags
    ]
    return tuple(sorted(found, key=lambda it: (order.index(it.verdict), it.name)))


def _unknown(
    exposures: Mapping[Direction, Exposure], meanings: Mapping[str, Mapping[str, str]]
) -> tuple[RiskUnknown, ...]:
    rows: list[tuple[int, RiskUnknown]] = []
    directions: tuple[Direction, Direction] = ("in", "out")
    for direction in directions:
        side = exposures[direction]
        for reason, value in side.rest.items():
            row = RiskUnknown(
                direction=direction,
                reason=reason,
                meaning=meanings[direction].get(reason, reason),
                value=str(value),
                percent=percent(Fraction(value, side.total)),
            )
            rows.append((-value, row))
    rows.sort(key=lambda it: (it[0], it[1].direction, it[1].reason))
    return tuple(row for _, row in rows)


def _changes(
    inputs: Inputs, scored: Score, policy: RiskPolicy, known: Mapping[str, KeptDocument]
) -> tuple[tuple[RiskChange, ...], int]:
    """Return the score without each of the documents that contributions rest on.

    Beside it, for how many of them it was not computed.
    """
    wanted: dict[str, None] = {}
    for made in scored.contributions:
        for each in sorted(documents_of(made)):
            wanted.setdefault(each)
    changed = [
        (score(without(inputs, each), policy).score, each) for each in list(wanted)[:MOST_CHANGES]
    ]
    changed.sort(key=lambda it: (-abs(scored.score - it[0]), it[1]))
    changes = tuple(
        RiskChange(
            document_sha256=sha256,
            name=known[sha256].name if sha256 in known else None,
            score=figure(after),
        )
        for after, sha256 in changed
    )
    return changes, len(wanted) - len(changes)


def without(inputs: Inputs, document: str) -> Inputs:
    """Return what is left where all that rests on one document alone falls away.

    Namings that other documents support too stay as they are, with their confidence and category,
    and nobody else is named in place of those that fall. A withdrawal can do either.
    """
    return replace(
        inputs,
        exposed=tuple(
            replace(part, documents=part.documents - {document})
            for part in inputs.exposed
            if part.documents != {document}
        ),
        own=tuple(
            replace(own, documents=own.documents - {document})
            for own in inputs.own
            if own.documents != {document}
        ),
    )


def _formula(scored: Score) -> RiskFormula:
    parts = scored.parts
    return RiskFormula(
        x_in=f"{parts.x_in:.4f}",
        x_out=f"{parts.x_out:.4f}",
        g_in=f"{parts.g_in:.4f}",
        g_out=f"{parts.g_out:.4f}",
        exposure=f"{parts.exposure:.4f}",
        behaviour=f"{parts.behaviour:.4f}",
        before_floors=figure(parts.formula),
    )
