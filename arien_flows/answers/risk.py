"""The risk of an address or an entity: score, interval, and every sentence of the explanation.

Figures are shown with two digits after the point. The points of the contributions are rounded
together, so that what is printed adds up to the score that is printed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from arien_flows.answers.entity import clustering_of, lag, tags_changed
from arien_flows.answers.exposure import MEANINGS
from arien_flows.answers.facts import block_of, block_time, named
from arien_flows.answers.risk_inputs import Gathered, gather_inputs
from arien_flows.answers.risk_sentences import LIMITS, sentence
from arien_flows.answers.risk_shapes import (
    RiskAnswer,
    RiskChange,
    RiskContribution,
    RiskCoverage,
    RiskEvidence,
    RiskFlag,
    RiskFormula,
    RiskInterval,
    RiskOwnTag,
    RiskPolicyName,
    RiskUnknown,
)
from arien_flows.attribution.categories import standard_categories
from arien_flows.casebook.documents import KeptDocument
from arien_flows.exposure.request import DEFAULT_BUDGET
from arien_flows.ledger.state import as_of
from arien_flows.ledger.view import View
from arien_flows.risk import flags
from arien_flows.risk.inputs import Direction, Inputs
from arien_flows.risk.interval import interval
from arien_flows.risk.policy import RiskPolicy, standard_policy
from arien_flows.risk.score import Contribution, Score, score
from arien_flows.shapes import Certainty
from arien_flows.workspace import Reading
from heuristics import coinjoin, exposure

MOST_CHANGES = 20
"""Documents for which the score without them is told, those of the largest contributions first."""

MOST_DOCUMENTS = 50
"""Documents that are named as evidence of one contribution."""


def risk_answer(
    reading: Reading,
    text: str,
    *,
    policy: RiskPolicy | None = None,
    budget: int = DEFAULT_BUDGET,
) -> RiskAnswer:
    """Return the risk of an address, or of `entity:ADDRESS`, by the standard policy or another.

    `NoEvidenceError` where something would count that names no evidence.
    """
    policy = policy or standard_policy()
    clustering, view = clustering_of(reading), reading.view
    found = gather_inputs(reading, text, budget)
    inputs = found.inputs
    scored = score(inputs, policy)
    spread = interval(inputs, policy, scored.score)
    known = reading.tags.casebook.documents_named(sorted(_documents(inputs)))
    cuts = (
        *found.cuts,
        *lag(view, clustering, where="entities"),
        *tags_changed(reading, "entities"),
        *reading.limits,
    )
    categories = standard_categories()
    return RiskAnswer(
        as_of=as_of(view),
        complete=not cuts,
        truncations=cuts,
        network=view.network.name,
        subject=found.text,
        entity=named(view, found.subject.root),
        profile=clustering.profile,
        clustering=clustering.identity,
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
            percent=_percent(inputs.coverage()),
            in_percent=_percent(inputs.coverage("in")),
            out_percent=_percent(inputs.coverage("out")),
        ),
        contributions=_contributions(view, scored, inputs, policy, known),
        own_tags=tuple(
            RiskOwnTag(
                label=own.label,
                category=own.category,
                confidence=own.confidence,
                is_inherited=own.is_inherited,
                documents=tuple(sorted(own.documents)),
            )
            for own in inputs.own
        ),
        flags=_flags(inputs, policy),
        unknown=_unknown(found),
        changes=_changes(inputs, scored, policy, known),
        formula=_formula(scored),
        policy=RiskPolicyName(version=policy.name, sha256=policy.sha256),
        categories=RiskPolicyName(version=categories.name, sha256=categories.sha256),
        rules={
            "coinjoin": coinjoin.VERSION,
            "exposure": exposure.VERSION,
            "flags": flags.VERSION,
        },
        limits=LIMITS,
    )


def figure(value: float) -> str:
    """Return a figure as it is shown: two digits, rounded half to even of its exact value."""
    return _hundredths(round(Fraction(value) * 100))


def shown_points(points: Sequence[float], total: float) -> list[str]:
    """Return points with two digits that sum to the total as it is shown.

    What is cut off weighs most where a point is rounded up; ties go to the earlier line.
    """
    exact = [Fraction(value) * 100 for value in points]
    cut = [int(value) for value in exact]
    missing = round(Fraction(total) * 100) - sum(cut)
    by_rest = sorted(range(len(exact)), key=lambda i: (cut[i] - exact[i], i))
    for place in by_rest[:missing]:
        cut[place] += 1
    return [_hundredths(value) for value in cut]


def _hundredths(value: int) -> str:
    return f"{value // 100}.{value % 100:02d}"


def _percent(share: Fraction) -> str:
    """Return a share in percent, rounded down: what is known is never told larger."""
    return _hundredths(int(share * 10_000))


def _contributions(
    view: View,
    scored: Score,
    inputs: Inputs,
    policy: RiskPolicy,
    known: Mapping[str, KeptDocument],
) -> tuple[RiskContribution, ...]:
    points = shown_points([each.points for each in scored.contributions], scored.score)
    return tuple(
        _contribution(view, each, shown, inputs, policy, known)
        for each, shown in zip(scored.contributions, points, strict=True)
    )


def _contribution(
    view: View,
    made: Contribution,
    points: str,
    inputs: Inputs,
    policy: RiskPolicy,
    known: Mapping[str, KeptDocument],
) -> RiskContribution:
    part = made.exposed or (made.floor.exposed if made.floor else None)
    own = made.floor.own if made.floor else None
    owner = part or own
    share = None
    if part is not None and inputs.total(part.direction):
        share = Fraction(part.value, inputs.total(part.direction))
    certainty: Certainty = "attribution" if owner is not None and owner.documents else "inference"
    weight = Fraction(0)
    if owner is not None:
        weight = policy.severity[owner.category]
    elif made.flag is not None:
        weight = policy.flags[made.flag.name]
    return RiskContribution(
        points=points,
        kind=made.kind,
        sentence=sentence(made, inputs, policy),
        certainty=certainty,
        category=owner.category if owner else None,
        label=owner.label if owner else None,
        direction=part.direction if part else None,
        share_percent=None if share is None else _percent(share),
        value=str(part.value) if part else None,
        hops=part.hops if part else None,
        confidence=owner.confidence if owner else None,
        is_disputed=part.is_disputed if part else False,
        weight=f"{float(weight):.2f}",
        evidence=tuple(_evidence(view, made, known)),
    )


def _evidence(
    view: View, made: Contribution, known: Mapping[str, KeptDocument]
) -> Iterable[RiskEvidence]:
    """Name what a contribution rests on: documents first, then a rule, then transactions."""
    part = made.exposed or (made.floor.exposed if made.floor else None)
    own = made.floor.own if made.floor else None
    documents = part.documents if part else own.documents if own else frozenset()
    for sha256 in sorted(documents)[:MOST_DOCUMENTS]:
        kept = known.get(sha256)
        yield RiskEvidence(
            kind="document",
            id=sha256,
            name=kept.name if kept else None,
            date=kept.imported_at if kept else None,
        )
    if part is not None and part.rule:
        yield RiskEvidence(kind="rule", id=part.rule, name=None, date=None)
    transactions = (part.transaction,) if part else made.flag.transactions if made.flag else ()
    for txid in filter(None, transactions):
        block = block_of(view, view.find_transaction(txid))
        yield RiskEvidence(kind="transaction", id=txid, name=None, date=block_time(view, block))


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


def _unknown(found: Gathered) -> tuple[RiskUnknown, ...]:
    rows: list[tuple[int, RiskUnknown]] = []
    directions: tuple[Direction, Direction] = ("in", "out")
    for direction in directions:
        side = found.exposures[direction]
        for reason, value in side.rest.items():
            row = RiskUnknown(
                direction=direction,
                reason=reason,
                meaning=MEANINGS[direction].get(reason, reason),
                value=str(value),
                percent=_percent(Fraction(value, side.total)),
            )
            rows.append((-value, row))
    rows.sort(key=lambda it: (it[0], it[1].direction, it[1].reason))
    return tuple(row for _, row in rows)


def _changes(
    inputs: Inputs, scored: Score, policy: RiskPolicy, known: Mapping[str, KeptDocument]
) -> tuple[RiskChange, ...]:
    """Return the score without each of the documents that contributions rest on."""
    wanted: dict[str, None] = {}
    for made in scored.contributions:
        part = made.exposed or (made.floor.exposed if made.floor else None)
        own = made.floor.own if made.floor else None
        for each in sorted(part.documents if part else own.documents if own else ()):
            wanted.setdefault(each)
    changed = [
        (score(without(inputs, each), policy).score, each) for each in list(wanted)[:MOST_CHANGES]
    ]
    changed.sort(key=lambda it: (-abs(scored.score - it[0]), it[1]))
    return tuple(
        RiskChange(
            document_sha256=sha256,
            name=known[sha256].name if sha256 in known else None,
            score=figure(after),
        )
        for after, sha256 in changed
    )


def without(inputs: Inputs, document: str) -> Inputs:
    """Return what is left without a document: namings that others support keep their confidence."""
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
