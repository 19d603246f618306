"""A trace of balances in ledger numbers, checked so that no unit was made or lost.

The check is a statement about this program, not about the input: if it fails there is a bug, and no
answer is given.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from arien_flows.account_tracing.explore import End, Exploration, Found, Turned
from arien_flows.account_tracing.ground import Ground, Pot
from arien_flows.account_tracing.request import AccountTraceRequest
from arien_flows.account_tracing.sources import Sources, resolve_sources
from arien_flows.account_tracing.stops import Reason
from arien_flows.account_tracing.window import followed_window, window_of
from chains.types import Int64Array
from heuristics.conservation import ConservationError
from heuristics.taint import Policy


@dataclass(frozen=True, kw_only=True)
class Traced:
    """A trace in ledger numbers."""

    request: AccountTraceRequest
    sources: Sources
    search: Exploration
    found: Found
    ends: tuple[End, ...]
    """Every end, those at balances that were not looked into included."""

    arrived: dict[Pot, int]
    """Last transaction that brought traced money to (backward: took it from) each balance."""

    @cached_property
    def assets(self) -> tuple[int, ...]:
        """The assets of the trace: that of the source, then others by number."""
        others = {end.asset for end in self.ends} | {
            asset for turned in self.found.turned for asset in self._sides(turned)
        }
        return (self.sources.asset, *sorted(others - {self.sources.asset}))

    @property
    def budget(self) -> int:
        """The budget in force: what was looked at when the time ran out, if it did."""
        is_over = self.search.timed_out
        return max(self.search.looked_at, 1) if is_over else self.request.budget

    @property
    def min_value(self) -> int:
        """The smallest amount of the source's asset that was followed."""
        return self.search.least_of_source

    def source_of(self, asset: int) -> int:
        """Return how much of an asset the sources are."""
        return self.sources.total if asset == self.sources.asset else 0

    def away(self, asset: int) -> int:
        """Return traced units of an asset that became others."""
        return sum(t.traced for t in self.found.turned if self._sides(t)[0] == asset)

    def came(self, asset: int) -> int:
        """Return traced units of an asset that others became."""
        return sum(t.came for t in self.found.turned if self._sides(t)[1] == asset)

    def transaction_of(self, end: End) -> int:
        """Return the transaction that an end is dated by."""
        if end.row is not None:
            return int(self.search.ground.view.movements.transaction[end.row])
        if end.transaction is not None:
            return end.transaction
        return self.arrived[end.account, end.asset]

    def _sides(self, turned: Turned) -> tuple[int, int]:
        """Return the asset that was traced before a conversion, and the one after it."""
        it = turned.conversion
        return (it.gave, it.got) if self.request.is_forward else (it.got, it.gave)


def run_trace(ground: Ground, request: AccountTraceRequest) -> Traced:
    """Trace, and check conservation.

    Raises
    ------
    InputError, NotFoundError
        If the sources mean nothing in this ledger.
    ConservationError
        If the amounts do not add up.
    """
    view = ground.view
    _ = view.tip  # an empty ledger says so here
    return traced_from(ground, request, resolve_sources(ground, request, window_of(view, request)))


def traced_from(ground: Ground, request: AccountTraceRequest, sources: Sources) -> Traced:
    """Trace from movements that were chosen already; those that the request names are not read."""
    window = followed_window(ground.view, request, sources.rows)
    search = Exploration(ground, request, sources, window)
    found = search.explore()
    traced = Traced(
        request=request,
        sources=sources,
        search=search,
        found=found,
        ends=tuple(_all_ends(search, found)),
        arrived=_arrivals(search, found),
    )
    check_conservation(traced)
    return traced


def check_conservation(traced: Traced) -> None:
    """Raise `ConservationError` unless every traced unit is accounted for exactly once.

    Under poison amounts grow by definition.
    """
    for end in traced.ends:
        if not 0 <= end.traced <= end.value:
            raise ConservationError("a movement or a balance holds more traced money than money")
    if traced.request.policy_code == Policy.POISON:
        return
    sums: defaultdict[int, int] = defaultdict(int)
    for end in traced.ends:
        sums[end.asset] += end.traced
    for asset in traced.assets:
        put_in = traced.source_of(asset) + traced.came(asset)
        accounted = sums[asset] + traced.away(asset)
        if put_in != accounted:
            raise ConservationError(
                f"{put_in} units of asset {asset} were traced and {accounted} accounted for"
            )


def _all_ends(search: Exploration, found: Found) -> list[End]:
    """Return what ended inside and at the edge, in the order of the chain."""
    ends = list(found.ends)
    for pot, passed in found.outside.items():
        ends += [
            End(
                reason=search.reasons[pot],
                account=pot[0],
                asset=pot[1],
                row=each.row,
                value=each.amount,
                traced=each.traced,
                hops=each.hops,
            )
            for each in passed
        ]
    for pot, turned in found.waiting.items():
        ends += [
            End(
                reason=search.reasons[pot],
                account=pot[0],
                asset=pot[1],
                row=None,
                value=_far_amount(search, each),
                traced=each.came,
                hops=each.hops,
                transaction=each.conversion.transaction,
            )
            for each in turned
        ]
    moved = search.ground.view.movements
    named = [
        replace(end, account=int(moved.receiver[end.row]))
        if end.reason is Reason.DESTROYED and end.row is not None and end.account == _NOBODY
        else end
        for end in ends
        if end.traced
    ]
    return sorted(named, key=_in_order)


def _in_order(end: End) -> tuple[bool, int, int, int, int, str]:
    at = (end.row is None, end.row or 0, end.transaction or 0)
    return (*at, end.asset, end.account, end.reason)


_NOBODY = 0xFFFF_FFFF


def _far_amount(search: Exploration, turned: Turned) -> int:
    it = turned.conversion
    return it.got_amount if search.is_forward else it.gave_amount


def _arrivals(search: Exploration, found: Found) -> dict[Pot, int]:
    """Return the transaction by which each balance got its last traced money.

    Backward it is the first one, by which the balance gave the first that is looked for.
    """
    moved = search.ground.view.movements
    told: list[tuple[Pot, int]] = []
    for each in found.carried:
        far = each.receiver if search.is_forward else each.giver
        told.append(((far, each.asset), int(moved.transaction[each.row])))
    for turned in found.turned:
        it = turned.conversion
        told.append(((it.owner, it.got if search.is_forward else it.gave), it.transaction))
    last: dict[Pot, int] = {}
    choose = max if search.is_forward else min
    for pot, transaction in told:
        last[pot] = choose(last.get(pot, transaction), transaction)
    return last


def rows_of(ends: list[End]) -> Int64Array:
    """Return the movements of ends that are movements."""
    return np.array([end.row for end in ends if end.row is not None], np.int64)
