"""The entry point for connections: `find_paths` answers one question about a view.

Two searches run towards each other (`heuristics.connect_search`), so what they find is a matter of
limits, and "no path within these limits" is an answer: it states the limits, whether everything
within them was seen, and, where it was not, what is certain all the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from arien_flows.amounts import asset_of
from arien_flows.attribution.ownership import EntityMap, SingleAddresses
from arien_flows.attribution.snapshot import Attribution, no_attribution
from arien_flows.errors import InputError
from arien_flows.fetched.completeness import Fetched
from arien_flows.ledger.beginning import before_ledger
from arien_flows.ledger.state import as_of
from arien_flows.ledger.view import View
from arien_flows.shapes import Truncation
from arien_flows.tracing.engine import Ground, spend_columns
from arien_flows.tracing.manifest import (
    manifest_on,
    manifest_sha256,
    result_sha256,
    rule_versions,
)
from arien_flows.tracing.manifest_answer import Manifest
from arien_flows.tracing.paths_amounts import arrivals, unspent_of
from arien_flows.tracing.paths_answer import (
    Arrived,
    PathAnswer,
    PathRequestShape,
    PathTotals,
    Searched,
)
from arien_flows.tracing.paths_coins import connections_of, ended_at
from arien_flows.tracing.paths_ends import End, destination_of, origin_of
from arien_flows.tracing.paths_limits import Result, statement, truncations
from arien_flows.tracing.paths_request import PathRequest
from arien_flows.tracing.request import POLICIES
from arien_flows.tracing.truncations import later_tags, unknown_stops
from arien_flows.tracing.window import Window, window_of
from chains.types import Int64Array, UInt8Array
from heuristics import connect as connect_module
from heuristics.connect import TooWideError, connect
from heuristics.connect_search import BROKEN_OFF, DRY_AHEAD, DRY_BACK, MET, Bounds, Seeds
from heuristics.stops import StopRules
from heuristics.taint import Policy, Stop

_OUTCOMES = {
    BROKEN_OFF: "budget",
    DRY_AHEAD: "origin_done",
    DRY_BACK: "destination_done",
    MET: "met",
}

_NONE: Int64Array = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The question in ledger numbers."""

    request: PathRequest
    origin: End
    destination: End
    window: Window
    seeds: Seeds
    """Coins to search from; of the destination only those younger than the first of the origin."""

    bounds: Bounds

    @property
    def is_too_old(self) -> bool:
        """Whether every coin of the destination is older than all those to begin at."""
        return self.destination.coins is not None and len(self.seeds.end) == 0


def find_paths(
    view: View,
    request: PathRequest,
    *,
    entities: EntityMap | None = None,
    attribution: Attribution | None = None,
    coinjoin_marks: UInt8Array | None = None,
    fetched: Fetched | None = None,
    tags_are_later: bool = False,
) -> PathAnswer:
    """Find the connections over which money can have gone from one end to the other.

    The parameters are those of `trace`.

    Raises
    ------
    InputError
        If the question cannot be answered; says what to change.
    NotFoundError
        If the ledger does not hold an end, or no source names it.
    """
    if fetched is not None:
        raise InputError(
            "paths are looked for in a ledger only: fill one with `arien-flows ledger ingest`, "
            "and ask without a server"
        )
    _ = view.tip  # an empty ledger says so here
    ground = Ground(
        view=view,
        entities=entities or SingleAddresses(),
        attribution=attribution or no_attribution(view),
        coinjoin_marks=coinjoin_marks,
        tags_are_later=tags_are_later,
    )
    asked = _asked(ground, request)
    result = Result(
        view=view,
        request=request,
        origin=asked.origin,
        destination=asked.destination,
        connections=None if asked.is_too_old else _connect(ground, asked),
    )
    return _answer(ground, asked, result)


def _asked(ground: Ground, request: PathRequest) -> _Asked:
    view = ground.view
    origin, destination = origin_of(ground, request), destination_of(ground, request)
    if origin.coins is None and destination.coins is None:
        raise InputError(
            f"neither {origin.text} nor {destination.text} can be searched from: name an address, "
            "an output or a smaller entity at one end"
        )
    for one, other in ((origin, destination), (destination, origin)):
        if one.coins is not None and bool(other.holds(ground, one.coins).any()):
            raise InputError(
                f"{origin.text} and {destination.text} have coins in common: name two different "
                "owners or coins"
            )
    starts = _NONE if origin.coins is None else origin.coins
    first_coin = int(starts[0]) if len(starts) else 0
    ends = _NONE if destination.coins is None else destination.coins
    ends = ends[ends > first_coin] if len(starts) else ends
    last = view.counts.transactions - 1
    if len(ends):
        last = int(view.transactions_of_outputs(ends[-1:])[0])
    return _Asked(
        request=request,
        origin=origin,
        destination=destination,
        window=window_of(view, request.as_trace),
        seeds=Seeds(starts, ends),
        bounds=Bounds(
            order=request.order,
            budget=request.budget,
            max_hops=request.max_hops,
            min_value=request.min_value_sat,
            first_coin=first_coin,
            last_transaction=last,
        ),
    )


def _rules(ground: Ground, asked: _Asked) -> StopRules:
    """Return the stop rules of a trace, with both ends' own entities passed."""
    said, through = ground.attribution, asked.request.through
    address_stop, root_stop = said.stops()
    stops = "services" not in through
    marks = ground.coinjoin_marks
    if marks is None or "coinjoins" in through:
        marks = np.empty(0, np.uint8)
    return StopRules(
        sources=_NONE,
        labels=ground.entities.labels,
        own_root=np.union1d(asked.origin.roots, asked.destination.roots),
        tagged_address=said.service_address if stops else _NONE,
        tagged_stop=address_stop if stops else np.empty(0, np.uint8),
        tagged_root=said.service_root if stops else _NONE,
        root_stop=root_stop if stops else np.empty(0, np.uint8),
        marks=marks,
        unasked=_NONE,
        first_transaction=asked.window.first_transaction,
        last_transaction=asked.window.last_transaction,
        dormant_before=0,
        outside_stop=int(Stop.BEFORE_LEDGER),
    )


def _connect(ground: Ground, asked: _Asked) -> connect_module.Connections:
    try:
        return connect(
            asked.bounds,
            asked.seeds,
            asked.origin.place,
            asked.destination.place,
            asked.request.limit,
            spend_columns(ground.view),
            _rules(ground, asked),
        )
    except TooWideError as error:
        raise InputError(f"{error}: lower --max-hops or --budget") from error


def _answer(ground: Ground, asked: _Asked, result: Result) -> PathAnswer:
    view, request = ground.view, asked.request
    asset = asset_of(view.network.name)
    cuts = (
        *truncations(result, asset),
        *_unknown_stops(ground, result),
        *((later_tags(view.tip.height),) if ground.tags_are_later else ()),
        *before_ledger(view),
    )
    found = result.connections
    counts = {} if found is None else dict(enumerate(found.by_hops.tolist()))
    searched = _searched(asked, result)
    draft = PathAnswer(
        as_of=as_of(view),
        complete=not cuts,
        truncations=cuts,
        request=_shape(request),
        statement=statement(result, asset),
        asset=asset.name,
        decimals=asset.decimals,
        searched=searched,
        count=str(0 if found is None else found.total),
        count_is_exact=found is None or found.is_exact,
        by_hops={str(hops): str(count) for hops, count in counts.items() if count},
        connections=() if found is None else connections_of(ground, found.best),
        totals=_totals(ground, asked, result),
        ended_at=() if found is None else ended_at(ground, found.found),
        manifest=_manifest(ground, searched, result),
        manifest_sha256="",
    )
    manifest = replace(draft.manifest, result_sha256=result_sha256(draft))
    hashed = manifest_sha256(draft.request, manifest)
    return replace(draft, manifest=manifest, manifest_sha256=hashed)


def _unknown_stops(ground: Ground, result: Result) -> Iterator[Truncation]:
    """Yield the kinds of stop that a search would have heeded, had any been known."""
    heeded = {"services", "coinjoins"} - set(result.request.through)
    kinds = {"no_tags": "services", "coinjoin_marks_absent": "coinjoins"}
    if result.connections is not None:
        yield from (cut for cut in unknown_stops(ground) if kinds[cut.reason] in heeded)


def _searched(asked: _Asked, result: Result) -> Searched:
    found = None if result.connections is None else result.connections.found
    cut = found if found is not None and found.outcome == BROKEN_OFF else None
    return Searched(
        forward_transactions=0 if found is None else len(found.forward),
        backward_transactions=0 if found is None else len(found.backward),
        origin_coins=None if asked.origin.coins is None else len(asked.seeds.start),
        destination_coins=None if asked.destination.coins is None else len(asked.seeds.end),
        ended="time_order" if found is None else _OUTCOMES[int(found.outcome)],
        exhaustive=cut is None,
        certain_from=str(int(cut.certain_value)) if cut and cut.certain_value else None,
        certain_hops=int(cut.certain_hops) if cut and cut.certain_hops else None,
    )


def _totals(ground: Ground, asked: _Asked, result: Result) -> PathTotals:
    found = result.connections
    sources = asked.origin.coins
    if sources is None:
        sources = _NONE if found is None else np.unique(found.graph.start_coin)
    source_sat = int(ground.view.output_value[sources].sum())
    columns = spend_columns(ground.view)
    if found is None or not len(found.graph.transaction):
        unspent_sat = unspent_of(sources, columns)
        nothing = Arrived(
            arrived="0",
            elsewhere=str(source_sat - unspent_sat),
            unspent=str(unspent_sat),
            returned="0",
            fees="0",
            destroyed="0",
        )
        by_policy = {str(name): nothing for name in POLICIES}
        return PathTotals(source=str(source_sat), by_policy=by_policy, least="0", most="0")
    told = arrivals(sources, found.graph, columns, _rules(ground, asked))
    conserved = [it.arrived for name, it in told.items() if POLICIES[name] != Policy.POISON]
    return PathTotals(
        source=str(source_sat),
        by_policy={
            str(name): Arrived(
                arrived=str(it.arrived),
                elsewhere=str(it.elsewhere),
                unspent=str(it.unspent),
                returned=str(it.returned),
                fees=str(it.fees),
                destroyed=str(it.destroyed),
            )
            for name, it in told.items()
        },
        least=str(min(conserved)),
        most=str(max(conserved)),
    )


def _shape(request: PathRequest) -> PathRequestShape:
    return PathRequestShape(
        origin=request.origin,
        destination=request.destination,
        by=request.by,
        limit=request.limit,
        max_hops=request.max_hops,
        min_value=str(request.min_value_sat),
        since=request.since,
        until=request.until,
        budget=request.budget,
        through=tuple(sorted(set(request.through))),
    )


def _manifest(ground: Ground, searched: Searched, result: Result) -> Manifest:
    found = result.connections
    return manifest_on(
        ground,
        kind="path",
        rules={**rule_versions(), "connect": connect_module.VERSION},
        explored=searched.forward_transactions + searched.backward_transactions,
        followed=0 if found is None else len(found.graph.transaction),
    )
