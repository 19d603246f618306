"""Whose money it is where several sources were asked about: sums by source.

A unit of money may have come from several of the asked sources, one after the other: one source's
money passed through a coin that is itself a source. Then all of them have a claim on it, and it
stands here under each, but in the totals of the answer once. For each source alone, what it put in
equals what ended, went to fees and was destroyed. Money that returns to a coin of the same source
ended there; where it comes to another source's coin it goes on with that coin.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from arien_flows.tracing.answer import SourcePart, SourceTotals
from arien_flows.tracing.engine import MINTED, NO_FEE, Traced
from chains.types import Int64Array
from heuristics.conservation import ConservationError
from heuristics.follow import Fees, ranges
from heuristics.propagate import Flow
from heuristics.taint import Policy, Stop


def parts_of(traced: Traced, part: Flow | Fees, slots: Int64Array) -> tuple[SourcePart, ...]:
    """Return from which sources the traced money at some ends came, summed over the ends.

    Nothing for a single source.
    """
    if not traced.trail.told_apart:
        return ()
    colours, lengths, _ = _pieces(traced, part, slots)
    return _parts(colours, lengths)


def parts_of_each(
    traced: Traced, part: Flow | Fees, slots: Int64Array
) -> list[tuple[SourcePart, ...]]:
    """Return the same for each end by itself."""
    if not traced.trail.told_apart:
        return [()] * len(slots)
    colours, lengths, bounds = _pieces(traced, part, slots)
    return [_parts(colours[a:b], lengths[a:b]) for a, b in pairwise(bounds)]


def _pieces(
    traced: Traced, part: Flow | Fees, slots: Int64Array
) -> tuple[list[int], list[int], list[int]]:
    """Return colour and length of what the ends are made of, and where each one's begin and end."""
    flow = traced.trail.flow
    first, count = part.segment_first[slots], part.segment_count[slots]
    rows = ranges(first, first + count)
    bounds = [0, *np.cumsum(count).tolist()]
    return flow.pool_colour[rows].tolist(), flow.pool_length[rows].tolist(), bounds


def _parts(colours: Sequence[int], lengths: Sequence[int]) -> tuple[SourcePart, ...]:
    sums: dict[int, int] = {}
    for colour, length in zip(colours, lengths, strict=True):
        if colour:
            sums[colour] = sums.get(colour, 0) + length
    return tuple(
        SourcePart(sources=places_of(colour), traced=str(sums[colour])) for colour in sorted(sums)
    )


def places_of(colour: int) -> tuple[int, ...]:
    """Return the places of the sources in a set of bits."""
    return tuple(place for place in range(colour.bit_length()) if colour >> place & 1)


def source_totals(traced: Traced) -> tuple[SourceTotals, ...]:
    """Return where the money of each asked source went; nothing for a single one.

    Raises
    ------
    ConservationError
        If the money of one source does not add up, under any policy but poison.
    """
    trail = traced.trail
    if not trail.told_apart:
        return ()
    return tuple(
        _totals_of(traced, place)
        for place in range(len(traced.request.sources))
        if np.any(trail.arrays.source_colour >> place & 1)
    )


def _totals_of(traced: Traced, place: int) -> SourceTotals:
    trail, flow = traced.trail, traced.trail.flow
    is_own = (trail.arrays.source_colour >> place & 1).astype(np.bool_)
    put_in = int(trail.arrays.source_value[is_own].sum())
    amount = _claimed(flow, flow, place)
    returning = np.flatnonzero(flow.reason == Stop.RETAINTED)
    home = trail.arrays.returns_to[returning - len(is_own)]
    amount[returning[~is_own[home]]] = 0
    fee_amount = _claimed(flow, trail.fees, place)
    fee_amount[trail.fees.reason == Stop.FOLLOWED] = 0
    is_minted = np.isin(trail.fees.reason, MINTED)
    reasons = np.concatenate([flow.reason, trail.fees.reason[is_minted]])
    amounts = np.concatenate([amount, fee_amount[is_minted]])
    sums = {stop: int(amounts[reasons == stop].sum()) for stop in Stop}
    fees = int(fee_amount[~np.isin(trail.fees.reason, NO_FEE)].sum())
    if traced.request.policy_code != Policy.POISON and sum(sums.values()) + fees != put_in:
        raise ConservationError(
            f"{put_in} sat of source {place} were traced and {sum(sums.values()) + fees} sat "
            "accounted for"
        )
    destroyed = sums.pop(Stop.DESTROYED)
    return SourceTotals(
        source=traced.request.sources[place],
        traced=str(put_in),
        by_reason={stop.name.lower(): str(sat) for stop, sat in sums.items() if sat},
        fees=str(fees),
        destroyed=str(destroyed),
    )


def _claimed(flow: Flow, part: Flow | Fees, place: int) -> Int64Array:
    """Return how many units of each slot the source has a claim on; 0 for what was passed on."""
    lengths = np.where(flow.pool_colour >> place & 1, flow.pool_length, 0)
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    claimed: Int64Array = sums[part.segment_first + part.segment_count] - sums[part.segment_first]
    return claimed
