"""What a trace of balances leaves out: limits that cut paths, and what the ledger does not know."""

from collections.abc import Iterator

from arien_flows.account_ledger.limits import limits_of, not_conserving
from arien_flows.account_tracing.ground import Ground
from arien_flows.account_tracing.stops import Reason
from arien_flows.account_tracing.traced import Traced
from arien_flows.account_tracing.words import Words
from arien_flows.amounts import coins, counted
from arien_flows.shapes import Truncation
from arien_flows.tracing.truncations import LIMITS, NO_TAGS, later_tags, no_tags
from heuristics.taint import Stop
from heuristics.wide import to_ints

_WORDS = {
    Reason.BELOW_MIN: LIMITS[Stop.BELOW_MIN],
    Reason.TIME_WINDOW: LIMITS[Stop.TIME_WINDOW],
    Reason.HOP_LIMIT: LIMITS[Stop.HOP_LIMIT],
    Reason.FAN_OUT: "a small part of what an account with many movements received",
    Reason.NOT_FETCHED: LIMITS[Stop.NOT_FETCHED],
    Reason.BUDGET: LIMITS[Stop.BUDGET],
    Reason.BEFORE_LEDGER: LIMITS[Stop.BEFORE_LEDGER],
    Reason.CONTRACT: "at contracts that many use, or in which what became of it cannot be told",
    Reason.EXCHANGED: "in exchanges of somebody else, who gave another asset for it",
}


def cuts(ground: Ground, traced: Traced, words: Words) -> tuple[Truncation, ...]:
    """Return all that a trace leaves out, apart from values that are not known."""
    return (
        *_ends(traced, words),
        *_joined_sources(traced),
        *_beside_sources(traced, words),
        *_no_tags(ground),
        *((later_tags(ground.view.tip.height),) if ground.tags_are_later else ()),
        *(limits_of(ground.view) if ground.fetched is None else ground.fetched.limits),
        *(cut for asset in traced.assets for cut in not_conserving(ground.view, asset)),
    )


def _ends(traced: Traced, words: Words) -> Iterator[Truncation]:
    bounds = {
        Reason.BELOW_MIN: None,
        Reason.HOP_LIMIT: traced.request.max_hops,
        Reason.FAN_OUT: traced.request.fan_out,
        Reason.BUDGET: traced.budget,
    }
    for reason in _WORDS:
        for asset in traced.assets:
            cut = [e for e in traced.ends if e.reason is reason and e.asset == asset]
            if cut:
                amount = coins(sum(end.traced for end in cut), words.asset(asset))
                yield Truncation(
                    where="leaves",
                    reason=str(reason),
                    limit=bounds.get(reason),
                    detail=f"{amount} in {counted(len(cut), 'movement')}: {_WORDS[reason]}",
                )


def _joined_sources(traced: Traced) -> Iterator[Truncation]:
    if len(traced.request.sources) > 1:
        yield Truncation(
            where="by_source",
            reason="sources_not_told_apart",
            detail="the amounts are those of all sources together: ask for each by itself to tell "
            "them apart",
        )


def _beside_sources(traced: Traced, words: Words) -> Iterator[Truncation]:
    beside = traced.sources.beside
    if len(beside):
        view = traced.search.ground.view
        amount = sum(to_ints(view.amounts.of(beside)))
        yield Truncation(
            where="sources",
            reason="paid_in_same_transaction",
            detail=f"{coins(amount, words.asset(traced.sources.asset))} in "
            f"{counted(len(beside), 'movement')}, from {words.movement(int(beside[0]))} on: came "
            "in transactions in which its receiver paid less of the same asset, and is not "
            "traced; name such a movement to trace it",
        )


def _no_tags(ground: Ground) -> Iterator[Truncation]:
    if ground.attribution.revision == NO_TAGS:
        yield no_tags()
