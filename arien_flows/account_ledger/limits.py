"""What every answer from an account ledger leaves out, in the words that all answers share."""

from arien_flows.account_ledger.view import AccountView
from arien_flows.shapes import Truncation
from chains.ethereum.tables import CallCoverage, OpeningCoverage, Ordering


def limits_of(view: AccountView) -> tuple[Truncation, ...]:
    """Return what a ledger as a whole does not know; nothing for one that lacks nothing.

    Of tokens whose transfers do not tell their balances an answer says so where it shows them:
    `not_conserving` has the words.
    """
    found = [*_beginning(view)]
    if view.calls is CallCoverage.MISSING:
        missing = int((view.blocks.calls == CallCoverage.MISSING).sum())
        found.append(
            Truncation(
                where="movements",
                reason="no_traces",
                limit=missing,
                detail=f"for {missing:,} of {view.counts.blocks:,} blocks the source had no "
                f"traces: {view.network.coin} that contracts passed on is missing there, and "
                "balances may be wrong, even below zero; take the blocks in from a node that "
                "offers trace_block or debug_traceBlockByNumber",
            )
        )
    if view.ordering is Ordering.CALLS_FIRST:
        found.append(
            Truncation(
                where="order",
                reason="order_not_told",
                detail=f"inside a transaction all {view.network.coin} movements stand before all "
                "token transfers, because the source does not tell how they interleave: amounts "
                "and balances are exact, the order inside a transaction is not known",
            )
        )
    return tuple(found)


def not_conserving(view: AccountView, asset: int) -> tuple[Truncation, ...]:
    """Return what has to be said of a token whose transfers do not tell its balances."""
    facts = view.asset_facts[asset]
    if facts.is_conserving:
        return ()
    return (
        Truncation(
            where="balances",
            reason="not_conserving",
            detail=f"transfers of {facts.symbol or 'this token'} do not tell what its accounts "
            "hold (it takes a fee, or balances change by themselves): differences that a node "
            "told are entered as movements without other side, what it did not tell is missing",
        ),
    )


def _beginning(view: AccountView) -> tuple[Truncation, ...]:
    if not view.counts.blocks:
        return ()
    unasked = int((view.blocks.openings != OpeningCoverage.KNOWN).sum())
    if view.begins_at_genesis:
        return _untold_genesis(unasked)
    first = int(view.blocks.height[0])
    if not unasked:
        told = (
            "what accounts held before is entered as opening balances, whose origin is not known "
            "and never taken for clean"
        )
    elif unasked < view.counts.blocks:
        told = (
            f"in {unasked:,} of its blocks the source did not tell what accounts that appear "
            "there first held before: their balances lack it, and may be below zero"
        )
    else:
        told = (
            "amounts count from there; a balance lacks what was received before, and may be below "
            "zero"
        )
    return (
        Truncation(
            where="history",
            reason="before_ledger",
            limit=first,
            detail=f"the ledger begins at block {first}: what happened before is not in it; {told}",
        ),
    )


def _untold_genesis(unasked: int) -> tuple[Truncation, ...]:
    if not unasked:
        return ()
    return (
        Truncation(
            where="history",
            reason="no_allocation",
            limit=unasked,
            detail="the source does not tell what the genesis block allocates: balances lack it, "
            "and may be below zero",
        ),
    )
