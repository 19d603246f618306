"""What an answer about connections says of its own limits, in words."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from arien_flows.amounts import Asset, coins
from arien_flows.ledger.view import View
from arien_flows.shapes import Truncation, shown_time
from arien_flows.tracing.paths_ends import End
from arien_flows.tracing.paths_request import PathRequest
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

    request: PathRequest
    origin: str
    destination: str
    connections: Connections | None
    """Nothing where every coin of the destination is older than all of the origin's."""


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
                detail=f"{'at least ' if cut_short else ''}{_number(count, 'coin')} not passed: "
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
        return ""
    within = _within(result, asset)
    between = f"from {result.origin} to {result.destination}"
    found = connections.found
    if not connections.total:
        seen = (
            f"Not everything within them was looked at: {_certain(result, found, asset)}."
            if found.outcome == BROKEN_OFF
            else "Everything within them was looked at."
        )
        return f"No path {between} within these limits: {within}. {seen}"
    number = f"{'' if connections.is_exact else 'at least '}{connections.total:,}"
    one = connections.total == 1
    first = connections.best[0]
    measure = "carries the most" if request.order == BY_VALUE else "is the shortest"
    best = (
        f"{'It' if one else f'The one that {measure}'} has {_number(first.hops, 'transaction')} "
        f"and carries at most {coins(first.carried, asset)}."
    )
    seen = (
        f" There may be more: {_certain(result, found, asset)}."
        if found.outcome == BROKEN_OFF
        else ""
    )
    return (
        f"{number} path{'' if one else 's'} {between} within these limits: {within}. {best}{seen}"
    )


def order_of_time(view: View, result: Result, origin: End, destination: End) -> str:
    """Return the sentence for a destination that is older than the origin."""
    first = origin.coins if origin.coins is not None else np.empty(0, np.int64)
    last = destination.coins if destination.coins is not None else np.empty(0, np.int64)
    if not len(last):
        return (
            f"No path from {result.origin} to {result.destination}: the destination never "
            "received anything."
        )
    return (
        f"No path from {result.origin} to {result.destination}, whatever the limits: the last "
        f"payment to the destination was made {_moment(view, last[-1:])}, before the first coin "
        f"of the origin {_moment(view, first[:1])}, and money goes one way."
    )


def _moment(view: View, coin: Int64Array) -> str:
    block = view.blocks_of(view.transactions_of_outputs(coin))
    seconds = np.datetime64(int(view.times_of_blocks(block)[0]), "s").item()
    return f"in block {int(view.block_height[block[0]]):,} ({seconds:%Y-%m-%dT%H:%M:%SZ})"


def _within(result: Result, asset: Asset) -> str:
    request = result.request
    parts = [
        f"at most {_number(request.max_hops, 'transaction')} long",
        f"coins of at least {coins(request.min_value_sat, asset)}",
        f"{request.budget:,} transactions looked at",
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
    used = f"the budget of {result.request.budget:,} transactions was used up"
    sure = []
    if found.certain_value:
        sure.append(f"that carries at least {coins(int(found.certain_value), asset)}")
    if found.certain_hops:
        sure.append(f"of at most {_number(int(found.certain_hops), 'transaction')}")
    if not sure:
        return f"{used} before the first step was finished"
    return f"{used}; every path {' or '.join(sure)} was found"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
