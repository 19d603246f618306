"""One question under every policy, side by side.

No policy is true. A figure from one of them alone says more about the convention than about the
money, so a comparison shows the span of what ended for each reason and at each named service.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal

from arien_flows.amounts import Asset
from arien_flows.attribution.ownership import EntityMap
from arien_flows.attribution.snapshot import Attribution
from arien_flows.errors import InputError
from arien_flows.fetched.completeness import Fetched, Origin
from arien_flows.ledger.view import View
from arien_flows.prices.money import Money
from arien_flows.prices.rates import PriceBook
from arien_flows.shapes import ChainAnswer, Shape, Truncation
from arien_flows.tracing.answer import RequestShape, Totals, TraceAnswer
from arien_flows.tracing.fiat import table_used, value_sum
from arien_flows.tracing.manifest import hash_of_result, manifest_sha256
from arien_flows.tracing.manifest_answer import Manifest
from arien_flows.tracing.points import PointSpan
from arien_flows.tracing.request import (
    FORWARD_ONLY,
    POLICIES,
    PolicyName,
    TraceRequest,
    policies_of,
)
from arien_flows.tracing.service_points import point_spans
from arien_flows.tracing.trace import trace
from arien_flows.tracing.values import PriceTableUsed, ValueSpan
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

    fiat: ValueSpan | None = None
    """What that was worth when it was paid, where a currency was asked for."""


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

    service_points: tuple[PointSpan, ...]
    """What each policy leads to each address of a service, the largest amount first."""

    results: dict[str, str]
    """Result hash by policy."""

    fetched: Origin | None
    """Where the transactions came from, if they were fetched one by one."""

    fiat: str | None = None
    """Currency in which money is valued at the time at which it was paid; none without values."""

    request: RequestShape
    """The question under the first of the policies; the others differ in nothing else. Where a
    time limit ended the first search, its budget is what the others had too."""

    manifest: Manifest
    """What is needed to repeat the run."""

    manifest_sha256: str
    """Over the request and the manifest, as in a manifest's file."""


def compare(
    view: View,
    request: TraceRequest,
    *,
    entities: EntityMap | None = None,
    attribution: Attribution | None = None,
    coinjoin_marks: UInt8Array | None = None,
    fetched: Fetched | None = None,
    prices: PriceBook | None = None,
    tags_are_later: bool = False,
) -> Comparison:
    """Answer one question under every policy; the request's own does not matter.

    Backward those policies are left out that cannot be read backward. A time limit holds for the
    first policy; the others then look at no more transactions than that one came to, so that all
    answer the same question.

    Raises what `trace` raises, and `InputError` where candidates behind CoinJoins are asked for.
    """
    if request.demix != "stop":
        raise InputError(
            "a comparison lists no candidates behind CoinJoins: leave out --demix, or ask by one "
            "policy at a time"
        )
    answers: dict[PolicyName, TraceAnswer] = {}
    asked = request
    for name in policies_of(request.direction):
        answers[name] = trace(
            view,
            replace(asked, policy=name),
            entities=entities,
            attribution=attribution,
            coinjoin_marks=coinjoin_marks,
            fetched=fetched,
            prices=prices,
            tags_are_later=tags_are_later,
        ).answer
        asked = replace(request, budget=answers[name].request.budget, seconds=None)
    first = next(iter(answers.values()))
    truncations = _compared_truncations(answers)
    draft = Comparison(
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
        services=_spans(answers),
        service_points=point_spans(
            {name: answer.service_points for name, answer in answers.items()},
            [name for name in answers if POLICIES[name] != Policy.POISON],
        ),
        results={str(name): answer.manifest.result_sha256 for name, answer in answers.items()},
        fetched=first.manifest.fetched,
        fiat=request.fiat,
        request=first.request,
        manifest=replace(
            first.manifest,
            kind="comparison",
            prices=_tables_used(prices, answers.values()),
            transactions_explored=_most(answers, "transactions_explored"),
            transactions_followed=_most(answers, "transactions_followed"),
        ),
        manifest_sha256="",
    )
    parts = {field.name: getattr(draft, field.name) for field in fields(draft)}
    manifest = replace(draft.manifest, result_sha256=hash_of_result(parts))
    hashed = manifest_sha256(draft.request, manifest)
    return replace(draft, manifest=manifest, manifest_sha256=hashed)


def _most(answers: Mapping[PolicyName, TraceAnswer], name: str) -> int:
    """Return the largest count of any policy's manifest."""
    return max(int(getattr(answer.manifest, name)) for answer in answers.values())


def _tables_used(
    book: PriceBook | None, answers: Iterable[TraceAnswer]
) -> tuple[PriceTableUsed, ...]:
    """Return the price tables that any answer used, in the order in which they are asked."""
    used = {table.points_sha256 for answer in answers for table in answer.manifest.prices}
    known = () if book is None else book.tables
    return tuple(table_used(table) for table in known if table.points_sha256 in used)


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


def _spans(answers: dict[PolicyName, TraceAnswer]) -> tuple[ServiceSpan, ...]:
    concepts = {
        total.label: total.concepts for answer in answers.values() for total in answer.services
    }
    spans = []
    for label in sorted(concepts):
        traced = {
            policy: sum(int(total.traced) for total in answer.services if total.label == label)
            for policy, answer in answers.items()
        }
        least, most = _span(traced)
        spans.append(
            ServiceSpan(
                label=label,
                concepts=concepts[label],
                traced=_told(traced),
                least=str(least),
                most=str(most),
                fiat=_value_span(label, answers),
            )
        )
    return tuple(sorted(spans, key=lambda span: (-int(span.most), span.label)))


def _value_span(label: str, answers: dict[PolicyName, TraceAnswer]) -> ValueSpan | None:
    """Return what a service received was worth, or nothing where no currency was asked for."""
    first = next(iter(answers.values()))
    if first.request.fiat is None:
        return None
    money = Money(
        asset=Asset(name=first.asset, decimals=first.decimals), currency=first.request.fiat
    )
    sums = {
        policy: value_sum(
            money,
            (leaf for leaf in answer.leaves if leaf.service and leaf.service.label == label),
        )
        for policy, answer in answers.items()
    }
    conserved = [worth for policy, worth in sums.items() if POLICIES[policy] != Policy.POISON]
    amounts = [worth.amount for worth in conserved if worth.amount and worth.unpriced == "0"]
    is_whole = len(amounts) == len(conserved)
    return ValueSpan(
        currency=first.request.fiat,
        by_policy={str(policy): worth for policy, worth in sums.items()},
        least=min(amounts, key=Decimal) if is_whole else None,
        most=max(amounts, key=Decimal) if is_whole else None,
    )
