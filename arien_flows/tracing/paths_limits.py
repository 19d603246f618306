"""What an answer about connections says of its own limits, in words."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from arien_flows.amounts import Asset, coins, counted, held_by_coins
from arien_flows.ledger.view import View
from arien_flows.shapes import Truncation, shown_time
from arien_flows.tracing.paths_ends import End
from arien_flows.tracing.paths_request import PathRequest
from arien_flows.tracing.texts import moment
from chains.types import Int64Array
from heuristics.connect import Connections
from heuristics.connect_search import BROKEN_OFF, BY_VALUE, DRY_AHEAD, DRY_BACK, MET, Found
from heuristics.stops import Direction
from heuristics.taint import Stop

_LIMITS = {
    Stop.BELOW_MIN: "smaller than the smallest amount that is followed",
    Stop.TIME_WINDOW: "outside the time that the request allows",
    Stop.HOP_LIMIT: "further than the request allows",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was asked and what was found, for those who put it into words."""

    view: View
    request: PathRequest
    origin: End
    destination: End
    connections: Connections | None
    """Nothing where every coin of the destination is older than all that the search could begin
    at."""

    @property
    def between(self) -> str:
        """The two ends, as they were asked for."""
        return f"from {self.origin.text} to {self.destination.text}"


def sides_that_count(found: Found) -> tuple[Direction, ...]:
    """Return the searches whose stops can hide a connection.

    Where one search saw everything within the limits, what the other did not pass is without
    meaning: every connection lies in the first one's reach.
    """
    if found.outcome == DRY_AHEAD:
        return (Direction.FORWARD,)
    if found.outcome == DRY_BACK:
        return (Direction.BACKWARD,)
    return (Direction.FORWARD, Direction.BACKWARD)


def truncations(result: Result, asset: Asset) -> tuple[Truncation, ...]:
    """Return what the limits cut."""
    return tuple(_cuts(result, asset))


def _cuts(result: Result, asset: Asset) -> Iterator[Truncation]:
    connections, request = result.connections, result.request
    outside = result.origin.outside
    if outside is None or len(outside):
        yield Truncation(
            where="origin",
            reason="time_window",
            detail=f"{_held(result, asset)} that the origin received outside the time that the "
            "request allows: not searched from",
        )
    if connections is None:
        return
    found = connections.found
    cut_short = found.outcome == BROKEN_OFF
    if cut_short:
        yield Truncation(
            where="search",
            reason="budget",
            limit=request.budget,
            detail=f"{_certain(result, found, asset)}; a larger --budget looks further",
        )
    cuts: Int64Array = sum(
        (found.cuts[int(side)] for side in sides_that_count(found)),
        start=np.zeros(found.cuts.shape[1], np.int64),
    )
    bounds = {Stop.BELOW_MIN: request.min_value_sat, Stop.HOP_LIMIT: request.max_hops}
    for stop, meaning in _LIMITS.items():
        count = int(cuts[stop])
        if stop == Stop.HOP_LIMIT and found.outcome == MET:
            yield Truncation(
                where="search",
                reason="hop_limit",
                limit=request.max_hops,
                detail=f"connections of more than {request.max_hops:,} transactions were not "
                "looked for",
            )
        elif count:
            yield Truncation(
                where="search",
                reason=stop.name.lower(),
                limit=bounds.get(stop),
                detail=f"{'at least ' if cut_short else ''}{counted(count, 'coin')} not passed: "
                f"{meaning}",
            )
    listed = len(connections.best)
    if connections.total > listed:
        yield Truncation(
            where="connections",
            reason="limit",
            limit=request.limit,
            detail=f"{listed:,} of {connections.total:,} connections are listed",
        )
    if not connections.is_exact:
        yield Truncation(
            where="count",
            reason="too_many",
            detail="the connections are more than can be counted: there are at least so many",
        )


def statement(result: Result, asset: Asset) -> str:
    """Return the answer in a sentence; it holds within the limits that it names."""
    connections, request = result.connections, result.request
    if connections is None:
        return _order_of_time(result, asset)
    within = _within(result, asset)
    between = result.between
    found = connections.found
    if not connections.total:
        seen = (
            f"Not everything within them was looked at: {_certain(result, found, asset)}."
            if found.outcome == BROKEN_OFF
            else "Everything within them was looked at."
        )
        return f"No path {between} within these limits: {within}. {seen}{_outside(result, asset)}"
    number = f"{'' if connections.is_exact else 'at least '}{connections.total:,}"
    one = connections.total == 1
    first = connections.best[0]
    measure = "carries the most" if request.order == BY_VALUE else "is the shortest"
    best = (
        f"{'It' if one else f'The one that {measure}'} has {counted(first.hops, 'transaction')} "
        f"and carries at most {coins(first.carried, asset)}."
    )
    seen = (
        f" There may be more: {_certain(result, found, asset)}."
        if found.outcome == BROKEN_OFF
        else ""
    )
    return (
        f"{number} path{'' if one else 's'} {between} within these limits: {within}. {best}{seen}"
        f"{_outside(result, asset)}"
    )


def _order_of_time(result: Result, asset: Asset) -> str:
    """Return the sentence for a destination that is older than the origin.

    It holds whatever the limits only where it is older than what they leave out of the origin too.
    """
    view, origin, last = result.view, result.origin, result.destination.coins
    if last is None or not len(last):
        return f"No path {result.between}: the destination never received anything."
    first = np.empty(0, np.int64) if origin.coins is None else origin.coins
    if origin.outside is not None:
        every = np.union1d(first, origin.outside)
        if last[-1] < every[0]:
            order = _order(view, last[-1:], every[:1], "")
            return (
                f"No path {result.between}, whatever the limits: {order}, and money goes one way."
            )
    order = _order(view, last[-1:], first[:1], " within this time")
    return (
        f"No path {result.between} within these limits: {_within(result, asset)}. "
        f"{order[0].upper()}{order[1:]}, and money goes one way.{_outside(result, asset)}"
    )


def _order(view: View, last: Int64Array, first: Int64Array, which: str) -> str:
    """Return when the destination's last coin was made, and when the origin's first one."""
    maker, later = view.transactions_of_outputs(last), view.transactions_of_outputs(first)
    block, later_block = view.blocks_of(maker), view.blocks_of(later)
    paid = f"the last payment to the destination was made {_moment(view, block)}"
    start = f"the first coin of the origin{which}"
    if maker[0] == later[0]:
        return f"{paid}, by the transaction that made {start}"
    if block[0] == later_block[0]:
        return f"{paid}, earlier in that block than {start}"
    return f"{paid}, before {start} {_moment(view, later_block)}"


def _moment(view: View, block: Int64Array) -> str:
    time = moment(int(view.times_of_blocks(block)[0]))
    return f"in block {int(view.block_height[block[0]]):,} ({shown_time(time)})"


def _held(result: Result, asset: Asset) -> str:
    """Return what the origin received outside the time that the request allows."""
    outside = result.origin.outside
    if outside is None:
        return "more coins than can be listed"
    return held_by_coins(int(result.view.output_value[outside].sum()), len(outside), asset)


def _outside(result: Result, asset: Asset) -> str:
    """Return the sentence about what the origin received outside that time, where it did."""
    outside = result.origin.outside
    if outside is not None and not len(outside):
        return ""
    return (
        " What the origin received outside this time was not searched from: "
        f"{_held(result, asset)}."
    )


def _within(result: Result, asset: Asset) -> str:
    request = result.request
    parts = [
        f"at most {counted(request.max_hops, 'transaction')} long",
        f"coins of at least {coins(request.min_value_sat, asset)}",
        f"{counted(request.budget, 'transaction')} looked at",
    ]
    if request.since is not None:
        parts.append(f"not before {shown_time(request.since)}")
    if request.until is not None:
        parts.append(f"not after {shown_time(request.until)}")
    barred = [
        text
        for name, text in (("services", "a service"), ("coinjoins", "a CoinJoin"))
        if name not in request.through
    ]
    if barred:
        parts.append(f"not through {' or '.join(barred)}")
    return ", ".join(parts)


def _certain(result: Result, found: Found, asset: Asset) -> str:
    used = f"the budget of {counted(result.request.budget, 'transaction')} was used up"
    sure = []
    if found.certain_value:
        sure.append(f"that carries at least {coins(int(found.certain_value), asset)}")
    if found.certain_hops:
        sure.append(f"of at most {counted(int(found.certain_hops), 'transaction')}")
    if not sure:
        return f"{used} before the first step was finished"
    return f"{used}; every path {' or '.join(sure)} was found"
