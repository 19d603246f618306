"""The lines that add up to a score, each with what it rests on.

Figures are shown with two digits after the point. The points of the contributions are rounded
together, so that what is printed adds up to the score that is printed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction

from arien_flows.answers.risk_sentences import sentence
from arien_flows.answers.risk_shapes import RiskContribution, RiskEvidence
from arien_flows.casebook.documents import KeptDocument
from arien_flows.risk.inputs import Exposed, Inputs
from arien_flows.risk.policy import RiskPolicy
from arien_flows.risk.score import Contribution, Score
from arien_flows.shapes import Certainty

MOST_DOCUMENTS = 50
"""Documents that are named as evidence of one contribution."""

MomentOf = Callable[[str], datetime]
"""Returns the time of the block of a transaction."""


def contributions(
    moment_of: MomentOf,
    scored: Score,
    inputs: Inputs,
    policy: RiskPolicy,
    known: Mapping[str, KeptDocument],
) -> tuple[RiskContribution, ...]:
    """Return the lines, given when transactions were and what the casebook calls the documents."""
    points = shown_points([each.points for each in scored.contributions], scored.score)
    return tuple(
        _contribution(moment_of, each, shown, inputs, policy, known)
        for each, shown in zip(scored.contributions, points, strict=True)
    )


def figure(value: float) -> str:
    """Return a figure as it is shown: two digits, rounded half to even of its exact value."""
    return _hundredths(round(Fraction(value) * 100))


def percent(share: Fraction) -> str:
    """Return a share in percent, rounded down: what is known is never told larger."""
    return _hundredths(int(share * 10_000))


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


def parts_of(made: Contribution) -> tuple[Exposed, ...]:
    """Return the parts of the money that a contribution is about."""
    if made.exposed is not None:
        return (made.exposed,)
    return made.floor.exposed if made.floor is not None else ()


def documents_of(made: Contribution) -> frozenset[str]:
    """Return all documents that a contribution rests on."""
    own = made.floor.own if made.floor is not None else None
    documents = frozenset(each for part in parts_of(made) for each in part.documents)
    return documents if own is None else documents | own.documents


def _hundredths(value: int) -> str:
    return f"{value // 100}.{value % 100:02d}"


def _contribution(
    moment_of: MomentOf,
    made: Contribution,
    points: str,
    inputs: Inputs,
    policy: RiskPolicy,
    known: Mapping[str, KeptDocument],
) -> RiskContribution:
    parts = parts_of(made)
    # Of several that make a floor together, the one with the most value stands for them.
    part = parts[0] if parts else None
    owner = part or (made.floor.own if made.floor else None)
    value = sum(each.value for each in parts)
    share = None
    if part is not None and inputs.total(part.direction):
        share = Fraction(value, inputs.total(part.direction))
    weight = Fraction(0)
    if owner is not None:
        weight = policy.severity[owner.category]
    elif made.flag is not None:
        weight = policy.flags[made.flag.name]
    return RiskContribution(
        points=points,
        kind=made.kind,
        sentence=sentence(made, inputs, policy),
        certainty=_certainty(made),
        category=owner.category if owner else None,
        label=owner.label if owner else None,
        direction=part.direction if part else None,
        share_percent=None if share is None else percent(share),
        value=str(value) if part else None,
        hops=part.hops if part else None,
        confidence=owner.confidence if owner else None,
        is_disputed=any(each.is_disputed for each in parts)
        or (not parts and owner is not None and owner.is_disputed),
        weight=f"{float(weight):.2f}",
        evidence=tuple(_evidence(moment_of, made, known)),
        documents=len(documents_of(made)),
    )


def _certainty(made: Contribution) -> Certainty:
    """Return `attribution` only where sources name the very addresses."""
    own = made.floor.own if made.floor is not None else None
    if own is not None:
        return "inference" if own.is_inherited else "attribution"
    parts = parts_of(made)
    is_named = bool(parts) and not any(part.is_inferred or not part.documents for part in parts)
    return "attribution" if is_named else "inference"


def _evidence(
    moment_of: MomentOf, made: Contribution, known: Mapping[str, KeptDocument]
) -> Iterable[RiskEvidence]:
    """Name what a contribution rests on: documents first, then rules, then transactions."""
    for sha256 in sorted(documents_of(made))[:MOST_DOCUMENTS]:
        kept = known.get(sha256)
        yield RiskEvidence(
            kind="document",
            id=sha256,
            name=kept.name if kept else None,
            date=kept.imported_at if kept else None,
        )
    parts = parts_of(made)
    for rule in sorted({part.rule for part in parts if part.rule}):
        yield RiskEvidence(kind="rule", id=rule, name=None, date=None)
    transactions = made.flag.transactions if made.flag else ()
    for txid in filter(None, (*(part.transaction for part in parts), *transactions)):
        yield RiskEvidence(kind="transaction", id=txid, name=None, date=moment_of(txid))
