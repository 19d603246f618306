"""The entry point: `trace_accounts_in` answers one question about a view of accounts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property

from arien_flows.account_entities.burns import burn_accounts
from arien_flows.account_entities.denied import denied_accounts
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_tracing.answer import (
    AccountRequestShape,
    AccountTraceAnswer,
    AssetTotals,
)
from arien_flows.account_tracing.ends import (
    conversion_steps,
    describe_ends,
    service_totals,
    totals_of,
)
from arien_flows.account_tracing.fiat import AccountPrices, Valuation
from arien_flows.account_tracing.graph import describe_graph, weights_of
from arien_flows.account_tracing.ground import FetchedMovements, FindConversions, Ground
from arien_flows.account_tracing.manifest import manifest_of
from arien_flows.account_tracing.mixing import mixers_behind
from arien_flows.account_tracing.points import service_points
from arien_flows.account_tracing.request import AccountTraceRequest
from arien_flows.account_tracing.timeline import timeline_of
from arien_flows.account_tracing.traced import Traced, run_trace
from arien_flows.account_tracing.truncations import cuts
from arien_flows.account_tracing.words import Words
from arien_flows.attribution.ownership import EntityMap, SingleAddresses
from arien_flows.attribution.snapshot import Attribution, empty_attribution
from arien_flows.errors import InputError
from arien_flows.passages.conversion import conversions_in as find_conversions
from arien_flows.tracing.answer import canonical_json
from arien_flows.tracing.graph_answer import Graph, GraphEdge
from arien_flows.tracing.manifest import (
    hash_of_spelled,
    joined,
    manifest_sha256,
    spelled_parts,
)


@dataclass(frozen=True, kw_only=True)
class AccountTraceResult:
    """A trace, its answer, and its graph at any size."""

    ground: Ground
    traced: Traced
    answer: AccountTraceAnswer
    spelled: Mapping[str, bytes]
    """Canonical JSON of each part of the answer, by name."""

    def graph(self, limit: int | None = None) -> Graph:
        """Return the graph with about `limit` nodes (at least 10), or in full."""
        if limit is not None and limit < 10:
            raise InputError("a graph needs room for at least 10 nodes")
        return describe_graph(self.traced, self._words, limit)

    def json_bytes(self) -> bytes:
        """Return the answer as canonical JSON."""
        return joined(self.spelled)

    @cached_property
    def weight_of(self) -> Callable[[GraphEdge], int]:
        """How wide an edge is drawn: by the share of the whole, as assets have no common unit."""
        names = {self._words.unit(a): weight for a, weight in weights_of(self.traced).items()}

        def weight(edge: GraphEdge) -> int:
            times, parts = names[edge.unit]  # type: ignore[attr-defined]
            return int(edge.amount) * times // parts

        return weight

    @cached_property
    def _words(self) -> Words:
        return Words(self.ground)


def trace_accounts_in(
    view: AccountView,
    request: AccountTraceRequest,
    *,
    entities: EntityMap | None = None,
    attribution: Attribution | None = None,
    conversions_in: FindConversions = find_conversions,
    fetched: FetchedMovements | None = None,
    prices: AccountPrices | None = None,
    tags_are_later: bool = False,
) -> AccountTraceResult:
    """Follow money through a view of accounts.

    Parameters
    ----------
    view
        The state of the ledger to trace in.
    request
        What to trace, and how far.
    entities
        A clustering of this view; without one every account stands for itself.
    attribution
        A snapshot made for this view and these entities; without one nothing is named.
    conversions_in
        Finds the conversions of transactions.
    fetched
        What a view of fetched accounts leaves open.
    prices
        Gives what is known of an asset's price in the request's currency; needed where it names
        one.
    tags_are_later
        Whether the view is an earlier state of a ledger, and the attribution is not of that time.

    Raises
    ------
    InputError
        If the request cannot be answered; says what to change.
    NotFoundError
        If the ledger does not hold a source.
    """
    ground = Ground(
        view=view,
        entities=entities or SingleAddresses(),
        attribution=attribution or empty_attribution(view.network.name),
        find_conversions=conversions_in,
        burns=burn_accounts(view),
        denied=denied_accounts(view),
        fetched=fetched,
        tags_are_later=tags_are_later,
    ).stopping_from(request.min_confidence)
    traced = run_trace(ground, request)
    words = Words(ground)
    answer = _answer(ground, traced, words)
    if request.fiat is not None:
        if prices is None:
            raise InputError("values need prices: give a price book for the request's currency")
        answer = Valuation(traced, words, prices, request.fiat).valued(answer)
    spelled = spelled_parts({field.name: getattr(answer, field.name) for field in fields(answer)})
    manifest = replace(answer.manifest, result_sha256=hash_of_spelled(spelled))
    answer = replace(
        answer, manifest=manifest, manifest_sha256=manifest_sha256(answer.request, manifest)
    )
    spelled["manifest"] = canonical_json(manifest)
    spelled["manifest_sha256"] = canonical_json(answer.manifest_sha256)
    return AccountTraceResult(ground=ground, traced=traced, answer=answer, spelled=spelled)


def _answer(ground: Ground, traced: Traced, words: Words) -> AccountTraceAnswer:
    """Return the answer without values, its result hash still empty."""
    ends = describe_ends(traced, words)
    truncations = cuts(ground, traced, words)
    assets = tuple(_asset_totals(ground, traced, words, asset) for asset in traced.assets)
    unit = assets[0].unit
    return AccountTraceAnswer(
        request=request_shape(traced, words),
        as_of=ground.view.as_of(),
        complete=not truncations,
        truncations=truncations,
        asset=unit.asset,
        decimals=unit.decimals,
        contract=unit.contract,
        totals=assets[0].totals,
        services=service_totals(
            ends.leaves, [each.unit.contract or each.unit.asset for each in assets]
        ),
        service_points=service_points(traced, words),
        leaves=ends.leaves,
        further=ends.further,
        buckets=ends.buckets,
        destroyed=ends.destroyed,
        fees=ends.fees,
        timeline=assets[0].timeline,
        inferences=None,
        mixers=mixers_behind(traced),
        assets=assets,
        conversions=conversion_steps(traced, words),
        graph=describe_graph(traced, words, traced.request.graph_nodes),
        manifest=manifest_of(ground, traced),
        manifest_sha256="",
    )


def _asset_totals(ground: Ground, traced: Traced, words: Words, asset: int) -> AssetTotals:
    return AssetTotals(
        unit=words.unit(asset),
        standing=words.label(asset).standing,
        is_conserving=ground.view.asset_facts[asset].is_conserving,
        totals=totals_of(traced, asset),
        timeline=timeline_of(traced, words, asset),
    )


def request_shape(traced: Traced, words: Words) -> AccountRequestShape:
    """Return the question as it was understood, with every default filled in."""
    request = traced.request
    unit = words.unit(traced.sources.asset)
    return AccountRequestShape(
        sources=request.sources,
        direction=request.direction,
        policy=request.policy,
        max_hops=request.max_hops,
        min_value=str(traced.min_value),
        since=request.since,
        until=request.until,
        horizon_days=request.horizon.days if request.horizon else None,
        budget=traced.budget,
        fan_out_outputs=request.fan_out,
        fan_out_percent=request.fan_out_percent,
        dormant_days=request.dormant_days,
        min_confidence=request.min_confidence,
        fee_mode=request.fee_mode,
        subsidy_order=None,
        graph_nodes=request.graph_nodes,
        fiat=request.fiat,
        demix=request.demix,
        demix_depth=0,
        level=request.level,
        expanded=(),
        pins={},
        asset=unit.contract or unit.asset,
        gas_order=request.gas_order,
    )


def request_of(shape: AccountRequestShape) -> AccountTraceRequest:
    """Return the question that an answer was made for, with every limit as it was in force."""
    return AccountTraceRequest(
        sources=shape.sources,
        asset=shape.asset,
        direction=shape.direction,  # type: ignore[arg-type]
        policy=shape.policy,  # type: ignore[arg-type]
        max_hops=shape.max_hops,
        min_value=int(shape.min_value),
        since=shape.since,
        until=shape.until,
        horizon_days=shape.horizon_days,
        budget=shape.budget,
        fan_out=shape.fan_out_outputs,
        fan_out_percent=shape.fan_out_percent,
        dormant_days=shape.dormant_days,
        min_confidence=shape.min_confidence,
        fee_mode=shape.fee_mode,  # type: ignore[arg-type]
        gas_order=shape.gas_order,  # type: ignore[arg-type]
        graph_nodes=shape.graph_nodes,
        fiat=shape.fiat,
        demix=shape.demix,  # type: ignore[arg-type]
        level=shape.level,  # type: ignore[arg-type]
    )
