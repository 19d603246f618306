"""Where a wallet's money reaches named services: paid at once, and traced.

What the wallet pays to a service itself is exact and needs no convention. What goes through other
hands does, so it is told by every policy; the last points on the chain, with the questions to the
services, are those of the haircut policy.
"""

from dataclasses import replace

import numpy as np

from arien_flows.answers.facts import named
from arien_flows.answers.trace import compared, traced
from arien_flows.answers.vendor_parts import Rated
from arien_flows.answers.vendor_shapes import DirectCashOut, TracedCashOut
from arien_flows.shapes import Truncation
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.texts import moment
from arien_flows.vendors.chain_case import Case
from arien_flows.vendors.chain_revenue import Receipts, source_at
from arien_flows.workspace import Reading
from chains.types import Int64Array
from heuristics.segments import MOST_TOLD_APART

MOST_ADDRESSES = 50
MOST_SOURCES = MOST_TOLD_APART
"""Receipts that are traced, the largest."""

MOST_POINTS = 50


def direct_cash_out(case: Case, rated: Rated) -> tuple[DirectCashOut, ...]:
    """Return payments of the wallet to named services, the largest sum first."""
    activity, sides = case.wallet.gathered.activity, case.wallet.sides
    attribution = case.ground.attribution
    rows = np.flatnonzero(sides.is_payment[activity.output_place] & ~activity.output_is_own)
    services = attribution.services_at(activity.output_address[rows], activity.output_holder[rows])
    by_label: dict[str, list[int]] = {}
    for place, which in enumerate(services.which.tolist()):
        if which >= 0:
            by_label.setdefault(services.named[which].tag.label, []).append(place)
    found = []
    for label, places in by_label.items():
        mine = rows[places]
        service = services.at(places[0])
        assert service is not None  # noqa: S101 - chosen so
        times = activity.time[activity.output_place[mine]]
        values = activity.output_sat[mine]
        worth = rated.worth(values, times)
        shown, count = _addresses(case, mine)
        found.append(
            DirectCashOut(
                label=label,
                concepts=service.tag.concepts,
                source=service.tag.source,
                confidence=service.tag.level,
                payments=len(np.unique(activity.output_place[mine])),
                value=str(int(values.sum())),
                fiat=None if worth is None else worth.amount,
                first_time=moment(int(times.min())),
                last_time=moment(int(times.max())),
                addresses=shown,
                address_count=count,
            )
        )
    return tuple(sorted(found, key=lambda it: (-int(it.value), it.label)))


def _addresses(case: Case, rows: Int64Array) -> tuple[tuple[str, ...], int]:
    """Return where outputs arrive, the largest sums first, and how many addresses there are."""
    activity = case.wallet.gathered.activity
    address, place = np.unique(activity.output_address[rows], return_inverse=True)
    sums = np.zeros(len(address), np.int64)
    np.add.at(sums, place, activity.output_sat[rows])
    order = np.lexsort((address, -sums))[:MOST_ADDRESSES]
    return tuple(named(case.ground.view, it) for it in address[order].tolist()), len(address)


def traced_cash_out(
    reading: Reading, receipts: Receipts, budget: int
) -> tuple[TracedCashOut | None, tuple[Truncation, ...]]:
    """Trace the largest receipts of revenue forward, by every policy."""
    counts = np.array([source_at(it).is_revenue for it in receipts.source.tolist()], np.bool_)
    outputs, values = receipts.output[counts], receipts.value_sat[counts]
    if not budget or not len(outputs):
        return None, ()
    chosen = np.lexsort((outputs, -values))[:MOST_SOURCES]
    names = tuple(reading.view.outpoint_text(it) for it in sorted(outputs[chosen].tolist()))
    request = TraceRequest(sources=names, policy="haircut", budget=budget, graph_nodes=10)
    answer = traced(reading, request).answer
    comparison = compared(reading, request)
    cuts = [replace(cut, where=f"traced cash-out: {cut.where}") for cut in comparison.truncations]
    if len(chosen) < len(outputs):
        cuts.append(
            Truncation(
                where="traced cash-out",
                reason="bounded",
                limit=MOST_SOURCES,
                detail=f"the largest {len(chosen):,} of {len(outputs):,} receipts are traced",
            )
        )
    if len(answer.service_points) > MOST_POINTS:
        cuts.append(
            Truncation(
                where="traced cash-out: points",
                reason="bounded",
                limit=MOST_POINTS,
                detail=f"of {len(answer.service_points):,} points the largest are shown",
            )
        )
    return (
        TracedCashOut(
            sources=len(chosen),
            source_value=str(int(values[chosen].sum())),
            of_revenue=str(int(values.sum())),
            by_address=comparison.service_points[:MOST_POINTS],
            points=answer.service_points[:MOST_POINTS],
            results=comparison.results,
        ),
        tuple(cuts),
    )
