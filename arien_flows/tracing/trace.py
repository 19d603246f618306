"""The entry point: `trace` answers one question about a view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

from arien_flows.amounts import asset_of
from arien_flows.attribution.ownership import EntityMap, SingleAddresses
from arien_flows.attribution.snapshot import Attribution, no_attribution
from arien_flows.errors import InputError
from arien_flows.fetched.completeness import Fetched
from arien_flows.ledger.state import as_of
from arien_flows.ledger.view import View
from arien_flows.prices.rates import PriceBook
from arien_flows.tracing.answer import RequestShape, Totals, TraceAnswer, canonical_json
from arien_flows.tracing.by_source import source_totals
from arien_flows.tracing.candidates import inferences_of
from arien_flows.tracing.engine import Ground, Traced, run_trace
from arien_flows.tracing.expansion import Picture, full_graph, picture
from arien_flows.tracing.fees import fee_rows
from arien_flows.tracing.fiat import Valuation
from arien_flows.tracing.flow_graph import FlowGraph
from arien_flows.tracing.graph import describe_graph
from arien_flows.tracing.graph_answer import Graph
from arien_flows.tracing.leaves import describe_ends, service_totals
from arien_flows.tracing.manifest import (
    hash_of_spelled,
    joined,
    manifest_of,
    manifest_sha256,
    spelled_parts,
)
from arien_flows.tracing.pins import Place
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.service_points import service_points
from arien_flows.tracing.timeline import timeline
from arien_flows.tracing.truncations import cuts
from chains.types import UInt8Array
from heuristics.taint import Stop


@dataclass(frozen=True, kw_only=True)
class TraceResult:
    """A trace, its answer, and its graph at any size."""

    ground: Ground
    traced: Traced
    answer: TraceAnswer
    spelled: Mapping[str, bytes]
    """Canonical JSON of each part of the answer, by name."""

    @cached_property
    def flow_graph(self) -> FlowGraph:
        """The graph with nothing left out, in ledger numbers."""
        return full_graph(self.ground, self.traced, self.traced.request.level)

    def graph(
        self,
        limit: int | None = None,
        *,
        expanded: Sequence[str] = (),
        pins: Mapping[str, Place] | None = None,
        by_time: bool = False,
    ) -> Graph:
        """Return the graph with at most `limit` nodes (at least 10), or in full.

        `expanded` are nodes to open, in turn, and `pins` the places that nodes must keep. Columns
        are hops, or slices of time if `by_time`.
        """
        if limit is not None and limit < 10:
            raise InputError("a graph needs room for at least 10 nodes")
        level, full = self.traced.request.level, self.flow_graph
        if limit is None:
            shown = Picture(full=full, shown=full)
        else:
            shown = picture(self.ground, self.traced, full, limit, expanded)
        return describe_graph(self.ground, shown, level, pins=pins, by_time=by_time)

    def json_bytes(self) -> bytes:
        """Return the answer as canonical JSON."""
        return joined(self.spelled)


def trace(
    view: View,
    request: TraceRequest,
    *,
    entities: EntityMap | None = None,
    attribution: Attribution | None = None,
    coinjoin_marks: UInt8Array | None = None,
    fetched: Fetched | None = None,
    prices: PriceBook | None = None,
    tags_are_later: bool = False,
) -> TraceResult:
    """Follow money through a view.

    Parameters
    ----------
    view
        The state of the ledger to trace in.
    request
        What to trace, and how far.
    entities
        A clustering of this view; without one every address stands for itself.
    attribution
        A snapshot made for this view and these entities; without one nothing is named.
    coinjoin_marks
        Non-zero for each transaction that is a CoinJoin; without them no path stops at one, and
        the answer says so.
    fetched
        What a view of fetched transactions leaves open.
    prices
        What is known of the coin's price in the request's currency; needed where it names one. A
        book that knows nothing leaves everything without a value.
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
        attribution=attribution or no_attribution(view),
        coinjoin_marks=coinjoin_marks,
        fetched=fetched,
        tags_are_later=tags_are_later,
    ).stopping_from(request.min_confidence)
    traced = run_trace(ground, request)
    full = full_graph(ground, traced, request.level)
    shown = picture(ground, traced, full, request.graph_nodes, request.expanded)
    pins = {name: (x, y) for name, x, y in request.pins}
    graph = describe_graph(ground, shown, request.level, pins=pins)
    answer = _answer(ground, traced, graph)
    if request.fiat is not None:
        if prices is None:
            raise InputError("values need prices: give a price book for the request's currency")
        answer = _valued(answer, Valuation(ground, traced, prices))
    spelled = spelled_parts({field.name: getattr(answer, field.name) for field in fields(answer)})
    manifest = replace(answer.manifest, result_sha256=hash_of_spelled(spelled))
    answer = replace(
        answer, manifest=manifest, manifest_sha256=manifest_sha256(answer.request, manifest)
    )
    spelled["manifest"] = canonical_json(manifest)
    spelled["manifest_sha256"] = canonical_json(answer.manifest_sha256)
    return TraceResult(ground=ground, traced=traced, answer=answer, spelled=spelled)


def _valued(answer: TraceAnswer, valuation: Valuation) -> TraceAnswer:
    """Return an answer with the values of its amounts, and what they rest on."""
    truncations = (*answer.truncations, *valuation.truncations())
    found = valuation.leaves(answer.leaves)
    return replace(
        answer,
        complete=not truncations,
        truncations=truncations,
        totals=replace(answer.totals, fiat=valuation.totals()),
        services=valuation.services(answer.services, found),
        leaves=found,
        buckets=valuation.buckets(answer.buckets),
        destroyed=valuation.leaves(answer.destroyed),
        fees=valuation.fees(answer.fees),
        manifest=replace(answer.manifest, prices=valuation.tables()),
    )


def _answer(ground: Ground, traced: Traced, graph: Graph) -> TraceAnswer:
    """Return the answer without values, its result hash still empty."""
    ends = describe_ends(ground, traced)
    truncations = cuts(ground, traced, ends)
    asset = asset_of(ground.view.network.name)
    return TraceAnswer(
        request=_request_shape(traced),
        as_of=as_of(ground.view),
        complete=not truncations,
        truncations=truncations,
        asset=asset.name,
        decimals=asset.decimals,
        totals=totals_of(traced),
        services=service_totals(ends.leaves),
        service_points=service_points(ground, traced),
        leaves=ends.leaves,
        further=ends.further,
        buckets=ends.buckets,
        destroyed=ends.destroyed,
        fees=fee_rows(ground, traced),
        timeline=timeline(ground, traced),
        inferences=inferences_of(ground, traced),
        graph=graph,
        manifest=manifest_of(ground, traced),
        manifest_sha256="",
    )


def totals_of(traced: Traced) -> Totals:
    """Return where all of the money of a trace went, in sums."""
    ended = traced.ended_sat()
    destroyed = ended.pop(Stop.DESTROYED, 0)
    return Totals(
        source=str(traced.source_sat),
        by_reason={stop.name.lower(): str(sat) for stop, sat in ended.items()},
        fees=str(traced.fees_sat),
        destroyed=str(destroyed),
        by_source=source_totals(traced),
    )


def _request_shape(traced: Traced) -> RequestShape:
    request = traced.request
    return RequestShape(
        sources=request.sources,
        direction=request.direction,
        policy=request.policy,
        max_hops=request.max_hops,
        min_value=str(traced.min_value_sat),
        since=request.since,
        until=request.until,
        horizon_days=request.horizon.days if request.horizon else None,
        budget=traced.budget,
        fan_out_outputs=request.fan_out_outputs,
        fan_out_percent=request.fan_out_percent,
        dormant_days=request.dormant_days,
        min_confidence=request.min_confidence,
        fee_mode=request.fee_mode,
        subsidy_order=request.subsidy_order if request.follows_fees else None,
        graph_nodes=request.graph_nodes,
        fiat=request.fiat,
        demix=request.demix,
        demix_depth=request.demix_depth,
        level=request.level,
        expanded=request.expanded,
        pins={name: (x, y) for name, x, y in request.pins},
    )
