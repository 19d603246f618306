"""One question about balances under every policy that has a meaning on them, side by side."""

from dataclasses import dataclass, fields, replace

from arien_flows.account_ledger.view import AccountView
from arien_flows.account_tracing.answer import AccountRequestShape, AccountTraceAnswer, Unit
from arien_flows.account_tracing.fiat import AccountPrices
from arien_flows.account_tracing.ground import FetchedMovements, FindConversions
from arien_flows.account_tracing.manifest import COMPARISON
from arien_flows.account_tracing.request import (
    ACCOUNT_POLICY_NAMES,
    NO_OUTPUTS,
    AccountTraceRequest,
)
from arien_flows.account_tracing.trace import trace_accounts_in
from arien_flows.attribution.ownership import EntityMap
from arien_flows.attribution.snapshot import Attribution
from arien_flows.passages.conversion import conversions_in as find_conversions
from arien_flows.shapes import ChainAnswer, Shape, Truncation
from arien_flows.tracing.manifest import hash_of_result, manifest_sha256
from arien_flows.tracing.manifest_answer import Manifest
from arien_flows.tracing.request import POLICIES

_CONSERVING = ("fifo", "lifo", "haircut")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpan(Shape):
    """What ended in one way under each policy."""

    unit: Unit
    """What the amounts count."""

    what: str
    """`reason`, `service` or `address` (of a service)."""

    name: str
    """The reason, the service's label, or the address."""

    label: str | None
    """Of an address: the service's."""

    traced: dict[str, str]
    """In base units by policy; `"0"` where the policy leads nothing there."""

    least: str
    """Over the policies that conserve amounts; poison is an upper bound for reach, not money."""

    most: str
    """Over the same policies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountComparison(ChainAnswer):
    """One question under every policy."""

    sources: tuple[str, ...]
    """As asked."""

    direction: str
    """`forward` (where it went) or `backward` (where it came from)."""

    source: str
    """What was traced, in base units."""

    unit: Unit
    """What that counts."""

    not_asked: dict[str, str]
    """Policies by which the question has no answer, and why."""

    spans: tuple[AccountSpan, ...]
    """By asset, in the order of the trace, then reasons, services and their addresses, the largest
    possible amount first."""

    results: dict[str, str]
    """Result hash by policy."""

    request: AccountRequestShape
    """The question under the first of the policies; the others differ in nothing else."""

    manifest: Manifest
    """What is needed to repeat the run."""

    manifest_sha256: str
    """Over the request and the manifest, as in a manifest's file."""


def compare_accounts(
    view: AccountView,
    request: AccountTraceRequest,
    *,
    entities: EntityMap | None = None,
    attribution: Attribution | None = None,
    conversions_in: FindConversions = find_conversions,
    fetched: FetchedMovements | None = None,
    prices: AccountPrices | None = None,
    tags_are_later: bool = False,
) -> AccountComparison:
    """Answer one question under every policy; the request's own does not matter.

    A time limit holds for the first policy; the others then look at no more movements than that one
    came to. Raises what `trace_accounts_in` raises.
    """
    answers: dict[str, AccountTraceAnswer] = {}
    asked = request
    for name in ACCOUNT_POLICY_NAMES:
        answers[name] = trace_accounts_in(
            view,
            replace(asked, policy=name),
            entities=entities,
            attribution=attribution,
            conversions_in=conversions_in,
            fetched=fetched,
            prices=prices,
            tags_are_later=tags_are_later,
        ).answer
        asked = replace(request, budget=answers[name].request.budget, seconds=None)
    first = next(iter(answers.values()))
    truncations = _truncations(answers)
    manifest = replace(
        first.manifest,
        kind=COMPARISON,
        transactions_explored=max(a.manifest.transactions_explored for a in answers.values()),
        transactions_followed=max(a.manifest.transactions_followed for a in answers.values()),
        prices=tuple(
            {t.points_sha256: t for a in answers.values() for t in a.manifest.prices}.values()
        ),
        result_sha256="",
    )
    draft = AccountComparison(
        as_of=first.as_of,
        complete=not truncations,
        truncations=truncations,
        sources=request.sources,
        direction=request.direction,
        source=first.totals.source,
        unit=first.assets[0].unit,
        not_asked={str(name): NO_OUTPUTS for name in POLICIES if name not in ACCOUNT_POLICY_NAMES},
        spans=_spans(answers),
        results={name: answer.manifest.result_sha256 for name, answer in answers.items()},
        request=_asked(first),
        manifest=manifest,
        manifest_sha256="",
    )
    parts = {field.name: getattr(draft, field.name) for field in fields(draft)}
    manifest = replace(manifest, result_sha256=hash_of_result(parts))
    hashed = manifest_sha256(draft.request, manifest)
    return replace(draft, manifest=manifest, manifest_sha256=hashed)


def _asked(answer: AccountTraceAnswer) -> AccountRequestShape:
    if not isinstance(answer.request, AccountRequestShape):
        raise TypeError("a trace of balances answers a question about them")
    return answer.request


def _truncations(answers: dict[str, AccountTraceAnswer]) -> tuple[Truncation, ...]:
    """Return what all answers leave out, and what single ones do, with the policy's name."""
    told: dict[Truncation, None] = {}
    for policy, answer in answers.items():
        for cut in answer.truncations:
            is_shared = all(cut in other.truncations for other in answers.values())
            told[cut if is_shared else replace(cut, where=f"{cut.where} by {policy}")] = None
    return tuple(told)


def _spans(answers: dict[str, AccountTraceAnswer]) -> tuple[AccountSpan, ...]:
    units: dict[Unit, None] = {}
    for answer in answers.values():
        units |= {each.unit: None for each in answer.assets}
    spans: list[AccountSpan] = []
    for unit in units:
        sums = {policy: _sums(answer, unit) for policy, answer in answers.items()}
        names = {key: None for found in sums.values() for key in found}
        made = [_span(unit, key, sums) for key in names]
        order = {"reason": 0, "service": 1, "address": 2}
        spans += sorted(made, key=lambda it: (order[it.what], -int(it.most), it.name))
    return tuple(spans)


def _span(
    unit: Unit,
    key: tuple[str, str, str | None],
    sums: dict[str, dict[tuple[str, str, str | None], int]],
) -> AccountSpan:
    traced = {policy: found.get(key, 0) for policy, found in sums.items()}
    conserved = [traced[policy] for policy in _CONSERVING]
    return AccountSpan(
        unit=unit,
        what=key[0],
        name=key[1],
        label=key[2],
        traced={policy: str(amount) for policy, amount in traced.items()},
        least=str(min(conserved)),
        most=str(max(conserved)),
    )


def _sums(answer: AccountTraceAnswer, unit: Unit) -> dict[tuple[str, str, str | None], int]:
    """Return what ended of one asset, by reason, by service, and by address of a service."""
    found: dict[tuple[str, str, str | None], int] = {}
    for each in answer.assets:
        if each.unit == unit:
            totals = each.totals
            ended = {name: int(amount) for name, amount in totals.by_reason.items()}
            ended |= {
                "fees": int(totals.fees),
                "destroyed": int(totals.destroyed),
                "converted": int(totals.converted_away),
            }
            found |= {("reason", name, None): n for name, n in ended.items() if n}
    for service in answer.services:
        if service.unit == unit:
            key = ("service", service.label, None)
            found[key] = found.get(key, 0) + int(service.traced)
    for point in answer.service_points:
        if point.unit == unit:
            at = ("address", point.address, point.label)
            found[at] = found.get(at, 0) + int(point.traced)
    return found
