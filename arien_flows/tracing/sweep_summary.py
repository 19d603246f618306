"""The sums of a whole-ledger taint: totals, holders, named services, months.

All sums are over integers, sorted by amount with ties in chain order, so that the same run gives
the same bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from arien_flows.amounts import asset_of, coins
from arien_flows.attribution.ownership import roots_of
from arien_flows.ledger.beginning import before_ledger
from arien_flows.ledger.state import as_of_block
from arien_flows.shapes import Truncation
from arien_flows.tracing.answer import Totals
from arien_flows.tracing.flow_graph import SERVICE_REASONS
from arien_flows.tracing.manifest import manifest_on, manifest_sha256, result_sha256, rule_versions
from arien_flows.tracing.manifest_answer import Manifest
from arien_flows.tracing.sweep import Swept
from arien_flows.tracing.sweep_answer import (
    Holder,
    Month,
    SourceShare,
    TaintAnswer,
    TaintedService,
    TaintRequestShape,
)
from arien_flows.tracing.truncations import later_tags, unknown_stops
from chains.types import BoolArray, Int64Array, UInt8Array
from heuristics import sweep
from heuristics.propagate import MOST_COLOURS
from heuristics.segments import MOST_TOLD_APART
from heuristics.taint import Stop

SHOWN_SOURCES = 100
SHOWN_HOLDERS = 100


class Sums(NamedTuple):
    """Rows added up by a key that they share; keys ascend."""

    key: Int64Array
    amount: Int64Array
    value: Int64Array
    rows: Int64Array


@dataclass(frozen=True, kw_only=True)
class Resting:
    """The coins in which taint rests, with their holders.

    Left out are those that returned, were destroyed, or went into a CoinJoin that ended the path.
    """

    output: Int64Array
    amount: Int64Array
    reason: UInt8Array
    value: Int64Array
    address: Int64Array
    root: Int64Array


def resting(swept: Swept) -> Resting:
    """Return the coins in which taint rests."""
    view, found = swept.ground.view, swept.found
    output = found.output[rests(swept)]
    address = view.output_address[output].astype(np.int64)
    return Resting(
        output=output,
        amount=found.amount[rests(swept)],
        reason=found.reason[rests(swept)],
        value=view.output_value[output],
        address=address,
        root=roots_of(swept.ground.entities, address),
    )


def rests(swept: Swept) -> BoolArray:
    """Return which rows of the result are coins that somebody holds."""
    reason = swept.found.reason
    held: BoolArray = ~np.isin(reason, (Stop.RETAINTED, Stop.DESTROYED, Stop.COINJOIN))
    return held


def sums_by(key: Int64Array, amount: Int64Array, value: Int64Array) -> Sums:
    """Add up amounts and values by key, exactly."""
    if not len(key):
        none = np.empty(0, np.int64)
        return Sums(none, none, none, none)
    order = np.argsort(key, kind="stable")
    keys, first, rows = np.unique(key[order], return_index=True, return_counts=True)
    return Sums(
        keys, np.add.reduceat(amount[order], first), np.add.reduceat(value[order], first), rows
    )


def taint_answer(swept: Swept) -> TaintAnswer:
    """Return the answer to a whole-ledger taint."""
    view, found = swept.ground.view, swept.found
    held = resting(swept)
    by_holder = sums_by(held.root, held.amount, held.value)
    unspent = found.reason == Stop.UNSPENT
    truncations = tuple(_truncations(swept, by_holder))
    asset = asset_of(view.network.name)
    first_block = view.blocks_of(view.transactions_of_outputs(swept.sources.outputs[:1]))
    draft = TaintAnswer(
        request=_request_shape(swept),
        as_of=as_of_block(view, swept.blocks - 1),
        complete=not truncations,
        truncations=truncations,
        asset=asset.name,
        decimals=asset.decimals,
        totals=Totals(
            source=str(swept.source_sat),
            by_reason={stop.name.lower(): str(sat) for stop, sat in swept.ended_sat().items()},
            fees=str(found.fees),
            destroyed=str(swept.destroyed_sat),
        ),
        source_outputs=len(swept.sources.outputs),
        first_source_time=datetime.fromtimestamp(int(view.times_of_blocks(first_block)[0]), tz=UTC),
        tainted_outputs=int(np.count_nonzero(unspent)),
        segments=int(found.segments[unspent].sum()) if _keeps_order(swept) else int(unspent.sum()),
        transactions=found.transactions,
        inputs=found.inputs,
        by_source=tuple(_by_source(swept)),
        services=_services(swept, held),
        holders=_holders(swept, by_holder),
        holder_count=len(by_holder.key),
        months=_months(swept, held),
        manifest=_manifest(swept),
        manifest_sha256="",
    )
    manifest = replace(draft.manifest, result_sha256=result_sha256(draft))
    hashed = manifest_sha256(draft.request, manifest)
    return replace(draft, manifest=manifest, manifest_sha256=hashed)


def _keeps_order(swept: Swept) -> bool:
    return swept.request.policy_code.keeps_order


def _request_shape(swept: Swept) -> TaintRequestShape:
    request = swept.request
    named = (*request.sources, *request.listed)
    return TaintRequestShape(
        sources=named[:SHOWN_SOURCES],
        source_count=len(named),
        sources_sha256=request.sources_sha256,
        policy=request.policy,
        fee_mode=request.fee_mode,
        subsidy_order=request.subsidy_order if request.fee_mode == "track_coinbase" else None,
        until_height=request.until_height,
        stops_at_services=request.stops_at_services,
        stops_at_coinjoins=request.stops_at_coinjoins,
    )


def _truncations(swept: Swept, held: Sums) -> Iterator[Truncation]:
    request, sources = swept.request, swept.sources
    count = len(request.sources) + len(request.listed)
    if count > SHOWN_SOURCES:
        yield Truncation(
            where="request.sources",
            reason="row_limit",
            limit=SHOWN_SOURCES,
            detail=f"{count:,} sources were named; the first stand there, and a hash of "
            "all: with -o they are written to sources.txt",
        )
    if sources.absent:
        shown = ", ".join(sources.absent[:3])
        more = f" and {len(sources.absent) - 3:,} more" if len(sources.absent) > 3 else ""
        yield Truncation(
            where="sources",
            reason="sources_absent",
            detail=f"{len(sources.absent):,} of the sources are not in the ledger or received "
            f"nothing from outside by then: {shown}{more}",
        )
    if count > MOST_TOLD_APART:
        yield Truncation(
            where="by_source",
            reason="sources_not_told_apart",
            limit=MOST_TOLD_APART,
            detail=f"amounts by source are kept for at most {MOST_TOLD_APART} sources at a time",
        )
    elif swept.sources.are_told_apart and not swept.are_told_apart:
        yield Truncation(
            where="by_source",
            reason="sources_not_told_apart",
            limit=MOST_COLOURS,
            detail="the money of the sources passes through so many of their own coins that it "
            "cannot be told apart",
        )
    if len(held.key) > SHOWN_HOLDERS:
        rest = np.sort(held.amount)[: len(held.key) - SHOWN_HOLDERS]
        left = coins(int(rest.sum()), asset_of(swept.ground.view.network.name))
        yield Truncation(
            where="holders",
            reason="row_limit",
            limit=SHOWN_HOLDERS,
            detail=f"{len(rest):,} entities with less hold {left} together: with -o every coin is "
            "written",
        )
    if request.stops_at_services:
        yield from (cut for cut in unknown_stops(swept.ground) if cut.where == "services")
    described = int(swept.ground.view.block_height[swept.blocks - 1])
    if swept.ground.tags_are_later or described < swept.ground.view.tip.height:
        yield later_tags(described)
    yield from before_ledger(swept.ground.view)


def _by_source(swept: Swept) -> Iterator[SourceShare]:
    if not swept.are_told_apart:
        return
    named = (*swept.request.sources, *swept.request.listed)
    for place, text in enumerate(named):
        column = swept.found.by_colour[:, place]
        amounts = {
            "fees" if stop == Stop.FEE else stop.name.lower(): str(int(column[stop]))
            for stop in Stop
            if column[stop]
        }
        yield SourceShare(source=text, by_reason=amounts)


def _holders(swept: Swept, held: Sums) -> tuple[Holder, ...]:
    order = np.lexsort((held.key, -held.amount))[:SHOWN_HOLDERS]
    return tuple(_holder(swept, held, int(place)) for place in order)


def _holder(swept: Swept, held: Sums, place: int) -> Holder:
    root = int(held.key[place])
    tag = swept.ground.attribution.at(root, root)
    return Holder(
        entity=swept.ground.view.address_text(root) or "",
        label=None if tag is None else tag.tag.label,
        tainted=str(int(held.amount[place])),
        value=str(int(held.value[place])),
        coins=int(held.rows[place]),
    )


def _services(swept: Swept, held: Resting) -> tuple[TaintedService, ...]:
    """Return the named holders: by a coin's own address, or else by its entity."""
    tags = swept.ground.attribution
    place = _tag_of(tags.address, tags.address_tag, held.address)
    inherited = _tag_of(tags.root, tags.root_tag, held.root)
    place = np.where(place >= 0, place, inherited)
    # Where a service ended the path, it is the service's tag that says so.
    stopped = np.isin(held.reason, SERVICE_REASONS)
    place = np.where(stopped, tags.service_places(held.address, held.root)[0], place)
    named = np.flatnonzero(place >= 0)
    # One name is one service, whatever number of addresses bears it.
    labels: dict[str, int] = {}
    known, row = np.unique(place[named], return_inverse=True)
    speaker = np.array(
        [labels.setdefault(tags.tag(each).label, each) for each in known.tolist()], np.int64
    )[row]
    by_service = sums_by(speaker, held.amount[named], held.value[named])
    order = np.lexsort((by_service.key, -by_service.amount))
    return tuple(
        _service(swept, held, named[speaker == by_service.key[at]], by_service, int(at))
        for at in order
    )


def _service(
    swept: Swept, held: Resting, rows: Int64Array, sums: Sums, place: int
) -> TaintedService:
    tag = swept.ground.attribution.tag(int(sums.key[place]))
    return TaintedService(
        label=tag.label,
        concepts=tag.concepts,
        confidence=tag.level,
        source=tag.source,
        tainted=str(int(sums.amount[place])),
        coins=int(sums.rows[place]),
        addresses=len(np.unique(held.address[rows])),
    )


def _tag_of(numbers: Int64Array, places: Int64Array, wanted: Int64Array) -> Int64Array:
    """Return the place of the tag of each wanted number, or -1."""
    if not len(numbers):
        return np.full(len(wanted), -1, np.int64)
    at = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
    return np.where(numbers[at] == wanted, places[at], -1)


def _months(swept: Swept, held: Resting) -> tuple[Month, ...]:
    view, found = swept.ground.view, swept.found
    times = view.times_of_blocks(slice(0, swept.blocks))
    month = times.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    start, past = int(month.min()), int(month.max()) + 1
    came, rows, fees, destroyed = (np.zeros(past - start, np.int64) for _ in range(4))

    def month_of(outputs: Int64Array) -> Int64Array:
        return month[view.blocks_of(view.transactions_of_outputs(outputs))] - start

    rested = month_of(held.output)
    np.add.at(came, rested, held.amount)
    np.add.at(rows, rested, 1)
    lost = found.reason == Stop.DESTROYED
    np.add.at(destroyed, month_of(found.output[lost]), found.amount[lost])
    follows = swept.request.fee_mode == "track_coinbase"
    np.add.at(destroyed if follows else fees, month - start, swept.remainder_by_block)
    occurring = np.flatnonzero(came + fees + destroyed)
    if not len(occurring):
        return ()
    return tuple(
        Month(
            month=str(np.datetime64(start + place, "M")),
            came_to_rest=str(int(came[place])),
            coins=int(rows[place]),
            fees=str(int(fees[place])),
            destroyed=str(int(destroyed[place])),
        )
        for place in range(int(occurring[0]), int(occurring[-1]) + 1)
    )


def _manifest(swept: Swept) -> Manifest:
    return manifest_on(
        swept.ground,
        kind="taint",
        rules={**rule_versions(), "sweep": sweep.VERSION},
        explored=int(swept.ground.view.first_transaction[swept.blocks]),
        followed=swept.found.transactions,
    )
