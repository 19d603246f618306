"""What a trace leaves out, and why, in words: limits, rules that knew nothing, open ends."""

from collections.abc import Iterator

import numpy as np

from arien_flows.amounts import Asset, asset_of, coins, held_by_coins
from arien_flows.attribution.snapshot import revision_of
from arien_flows.fetched.completeness import Fetched
from arien_flows.ledger.beginning import before_ledger
from arien_flows.ledger.view import View
from arien_flows.shapes import Truncation
from arien_flows.tracing.engine import Ground, Traced
from arien_flows.tracing.leaves import MOST_LEAVES, Ends
from arien_flows.tracing.unsettled import missing_truncation, unsettled_truncation
from heuristics.propagate import MOST_COLOURS
from heuristics.segments import MOST_TOLD_APART
from heuristics.taint import Stop

LIMITS = {
    Stop.BELOW_MIN: "smaller than the smallest amount that is followed",
    Stop.TIME_WINDOW: "outside the time that the request allows",
    Stop.HOP_LIMIT: "further than the request allows",
    Stop.FAN_OUT: "a small part of a payout to many",
    Stop.NOT_FETCHED: "not fetched from the source",
    Stop.BUDGET: "not looked at before the budget was used up",
    Stop.BEFORE_LEDGER: "from before the ledger begins",
}
"""Ends that say something about the question or the ledger, not about the money."""

NO_TAGS = revision_of(())
"""The revision of an attribution that was made of no tags at all."""


def cuts(ground: Ground, traced: Traced, ends: Ends) -> tuple[Truncation, ...]:
    """Return all that a trace leaves out, apart from values that are not known."""
    request = traced.request
    bounds = {
        Stop.BELOW_MIN: traced.min_value_sat,
        Stop.HOP_LIMIT: request.max_hops,
        Stop.FAN_OUT: request.fan_out_outputs,
        Stop.BUDGET: traced.budget,
    }
    reasons = traced.trail.flow.reason
    asset = asset_of(ground.view.network.name)
    found = [
        Truncation(
            where="leaves",
            reason=stop.name.lower(),
            limit=bounds.get(stop),
            detail=f"{held_by_coins(sat, int(np.count_nonzero(reasons == stop)), asset)}: "
            f"{LIMITS[stop]}",
        )
        for stop, sat in traced.ended_sat().items()
        if stop in LIMITS
    ]
    open_ends: tuple[Truncation, ...] = ()
    if ground.fetched is not None:
        open_ends = (
            *missing_truncation(ground.fetched, traced),
            *unsettled_truncation(ground.fetched, traced, ground.view.network.name),
        )
    later = (later_tags(ground.view.tip.height),) if ground.tags_are_later else ()
    cut = (*found, *_cut_fees(traced, bounds, asset), *_joined_sources(traced))
    return (
        *cut,
        *unknown_stops(ground),
        *later,
        *open_ends,
        *_view_limits(ground.view, ground.fetched),
        *_summed(ends),
    )


def _summed(ends: Ends) -> Iterator[Truncation]:
    """Yield that ends were too many to be listed."""
    if ends.further:
        count = sum(each.coins for each in ends.further)
        yield Truncation(
            where="leaves",
            reason="too_many",
            limit=MOST_LEAVES,
            detail=f"{count:,} smaller ends are summed by reason, and not listed",
        )


def _cut_fees(traced: Traced, bounds: dict[Stop, int], asset: Asset) -> Iterator[Truncation]:
    """Yield the limits that ended paths at fees."""
    fees = traced.trail.fees
    for stop in LIMITS:
        cut = fees.amount[fees.reason == stop]
        if len(cut):
            yield Truncation(
                where="fees",
                reason=stop.name.lower(),
                limit=bounds.get(stop),
                detail=f"{coins(int(cut.sum()), asset)} in {len(cut):,} "
                f"{'fee' if len(cut) == 1 else 'fees'}: {LIMITS[stop]}",
            )


def _joined_sources(traced: Traced) -> Iterator[Truncation]:
    """Yield that several sources were asked about and are not told apart."""
    asked = len(traced.request.sources)
    if asked > MOST_TOLD_APART:
        yield Truncation(
            where="by_source",
            reason="sources_not_told_apart",
            limit=MOST_TOLD_APART,
            detail=f"{asked} sources were named, and no more than {MOST_TOLD_APART} can be told "
            "apart: the amounts are those of all together",
        )
    elif traced.asked_apart and not traced.trail.told_apart:
        yield Truncation(
            where="by_source",
            reason="sources_not_told_apart",
            limit=MOST_COLOURS,
            detail="the money of the sources passes through so many of their own coins that it "
            "cannot be told apart: the amounts are those of all together",
        )


def unknown_stops(ground: Ground) -> Iterator[Truncation]:
    """Yield the kinds of stop that no path could come to, because nothing is known of them."""
    if ground.coinjoin_marks is None:
        yield Truncation(
            where="rules",
            reason="coinjoin_marks_absent",
            detail="no path was stopped at a CoinJoin, because none were marked: run "
            "`arien-flows cluster run`",
        )
    if ground.attribution.revision == NO_TAGS:
        yield no_tags()


def no_tags() -> Truncation:
    """Return that no path could come to a service, because none is known."""
    return Truncation(
        where="services",
        reason="no_tags",
        detail="no path was stopped at a service, because the casebook holds no tags of this "
        "network: `arien-flows tags import` brings them in",
    )


def later_tags(height: int) -> Truncation:
    """Return that an earlier state of the chain is described with what sources say now."""
    return Truncation(
        where="tags",
        reason="as_of",
        detail=f"the ledger goes on past block {height:,}: what sources say of services and "
        "owners is what they said when this was asked, and not at that block",
    )


def _view_limits(view: View, fetched: Fetched | None) -> tuple[Truncation, ...]:
    """Return what every trace in a view leaves out."""
    return before_ledger(view) if fetched is None else fetched.limits
