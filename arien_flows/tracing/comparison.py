"""One question under every policy, side by side.

No policy is true. A figure from one of them alone says more about the convention than about the
money, so a comparison shows the span of what ended for each reason and at each named service.
"""

from dataclasses import dataclass, replace

from arien_flows.attribution.ownership import EntityMap
from arien_flows.attribution.snapshot import Attribution
from arien_flows.fetched.completeness import Fetched, Origin
from arien_flows.ledger.view import View
from arien_flows.shapes import ChainAnswer, Shape, Truncation
from arien_flows.tracing.answer import ServiceTotal, Totals, TraceAnswer
from arien_flows.tracing.request import (
    FORWARD_ONLY,
    POLICIES,
    PolicyName,
    TraceRequest,
    policies_of,
)
from arien_flows.tracing.trace import trace
from chains.types import UInt8Array
from heuristics.taint import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpan(Shape):
    """What one service received under each policy."""

    label: str
    """Name that the source gives."""

    concepts: tuple[str, ...]
    """Categories and abuse types of the tag, such as `exchange`."""

    traced: dict[str, str]
    """In base units by policy; `"0"` where the policy leads nothing there."""

    least: str
    """Over the policies that conserve amounts; poison is an upper bound for reach, not money."""

    most: str
    """Over the same policies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonSpan(Shape):
    """What ended for one reason under each policy."""

    reason: str
    """Why paths ended; `fees` and `destroyed` for what ended in no path."""

    traced: dict[str, str]
    """In base units by policy."""

    least: str
    """Over the policies that conserve amounts."""

    most: str
    """Over the same policies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(ChainAnswer):
    """One question under every policy."""

    sources: tuple[str, ...]
    """As asked."""

    direction: str
    """`forward` (where it went) or `backward` (where it came from)."""

    asset: str
    """What the amounts count."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    totals: dict[str, Totals]
    """By policy."""

    not_asked: dict[str, str]
    """Policies by which the question has no answer, and why."""

    reasons: tuple[ReasonSpan, ...]
    """Largest possible amount first."""

    services: tuple[ServiceSpan, ...]
    """Largest possible amount first."""

    results: dict[str, str]
    """Result hash by policy."""

    fetched: Origin | None
    """Where the transactions came from, if they were fetched one by one."""


def compare(
    view: View,
    request: TraceRequest,
    *,
    entities: EntityMap | None = None,
    attribution: Attribution | None = None,
    coinjoin_marks: UInt8Array | None = None,
    fetched: Fetched | None = None,
) -> Comparison:
    """Answer one question under every policy; the request's own does not matter.

    Backward those policies are left out that cannot be read backward.

    Raises what `trace` raises.
    """
    answers = {
        name: trace(
            view,
            replace(request, policy=name),
            entities=entities,
            attribution=attribution,
            coinjoin_marks=coinjoin_marks,
            fetched=fetched,
        ).answer
        for name in policies_of(request.direction)
    }
    first = next(iter(answers.values()))
    truncations = _compared_truncations(answers)
    return Comparison(
        as_of=first.as_of,
        complete=not truncations,
        truncations=truncations,
        sources=request.sources,
        direction=request.direction,
        asset=first.asset,
        decimals=first.decimals,
        totals={str(name): answer.totals for name, answer in answers.items()},
        not_asked={
            str(name): FORWARD_ONLY
            for name in POLICIES
            if name not in policies_of(request.direction)
        },
        reasons=_reason_spans({name: answer.totals for name, answer in answers.items()}),
        services=_spans({name: answer.services for name, answer in answers.items()}),
        results={str(name): answer.manifest.result_sha256 for name, answer in answers.items()},
        fetched=first.manifest.fetched,
    )


def _compared_truncations(answers: dict[PolicyName, TraceAnswer]) -> tuple[Truncation, ...]:
    """Return what all answers leave out, and what single ones do, with the policy's name."""
    told: list[Truncation] = []
    for policy, answer in answers.items():
        for cut in answer.truncations:
            if all(cut in other.truncations for other in answers.values()):
                told += () if cut in told else (cut,)
            else:
                told.append(replace(cut, where=f"{cut.where} by {policy}"))
    return tuple(told)


def _reason_spans(by_policy: dict[PolicyName, Totals]) -> tuple[ReasonSpan, ...]:
    sums = {
        policy: {name: int(sat) for name, sat in totals.by_reason.items()}
        | {"fees": int(totals.fees), "destroyed": int(totals.destroyed)}
        for policy, totals in by_policy.items()
    }
    spans = []
    for reason in sorted({reason for totals in sums.values() for reason in totals}):
        traced = {policy: totals.get(reason, 0) for policy, totals in sums.items()}
        if any(traced.values()):
            least, most = _span(traced)
            spans.append(
                ReasonSpan(reason=reason, traced=_told(traced), least=str(least), most=str(most))
            )
    return tuple(sorted(spans, key=lambda span: (-int(span.most), span.reason)))


def _span(traced: dict[PolicyName, int]) -> tuple[int, int]:
    """Return the least and the most over the policies that conserve amounts."""
    conserved = [sat for policy, sat in traced.items() if POLICIES[policy] != Policy.POISON]
    return min(conserved), max(conserved)


def _told(traced: dict[PolicyName, int]) -> dict[str, str]:
    return {str(policy): str(sat) for policy, sat in traced.items()}


def _spans(by_policy: dict[PolicyName, tuple[ServiceTotal, ...]]) -> tuple[ServiceSpan, ...]:
    concepts = {total.label: total.concepts for totals in by_policy.values() for total in totals}
    spans = []
    for label in sorted(concepts):
        traced = {
            policy: sum(int(total.traced) for total in totals if total.label == label)
            for policy, totals in by_policy.items()
        }
        least, most = _span(traced)
        spans.append(
            ServiceSpan(
                label=label,
                concepts=concepts[label],
                traced=_told(traced),
                least=str(least),
                most=str(most),
            )
        )
    return tuple(sorted(spans, key=lambda span: (-int(span.most), span.label)))
