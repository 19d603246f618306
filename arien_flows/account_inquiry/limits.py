"""What an answer from fetched accounts leaves out, in words."""

from collections.abc import Iterator

from arien_flows.account_inquiry.gathering import AccountGathering, shown
from arien_flows.account_inquiry.joining import Joined
from arien_flows.account_ledger.view import AccountView
from arien_flows.shapes import Truncation
from chains.ethereum.tables import CallCoverage

SHOWN = 10
"""Accounts that are named one by one."""


def fetched_limits(
    gathering: AccountGathering, joined: Joined, view: AccountView, *, is_exhausted: bool
) -> Iterator[Truncation]:
    """Yield what every answer from a ledger of fetched accounts leaves out."""
    conversation = gathering.conversation
    if is_exhausted:
        yield Truncation(
            where="requests",
            reason="request_budget",
            limit=conversation.budget,
            detail=f"the {conversation.budget:,} requests of this run were used up: fetched "
            f"{len(gathering.histories):,} of {_asked_for(gathering):,} accounts that were asked "
            f"for so far; {_not_fetched(gathering)}what was fetched is kept, and the same command "
            "goes on from there",
        )
    yield Truncation(
        where="accounts",
        reason="fetched_only",
        detail=f"the ledger is what {gathering.source.name} tells of "
        f"{len(gathering.histories):,} accounts, without proof; of the other "
        f"{view.counts.accounts - len(gathering.whole(view)):,} only what they did with these is "
        "here",
    )
    if gathering.failures:
        named = [
            f"{shown(account)} ({reason})"
            for account, reason in list(gathering.failures.items())[:SHOWN]
        ]
        yield Truncation(
            where="accounts",
            reason="lookup_failed",
            limit=len(gathering.failures),
            detail=f"{len(gathering.failures):,} accounts could not be fetched: {', '.join(named)}"
            f"{_and_more(len(gathering.failures))}",
        )
    if view.calls is CallCoverage.MISSING:
        yield Truncation(
            where="movements",
            reason="no_traces",
            detail=f"the explorer does not tell all {view.network.coin} that contracts moved: "
            "balances may be wrong, even below zero",
        )
    yield Truncation(
        where="movements",
        reason="not_told",
        detail=f"the explorer does not tell: {'; '.join(gathering.silences())}",
    )
    if joined.forgotten:
        named = [
            f"{shown(account)} lacks {count:,}"
            for account, count in sorted(joined.forgotten.items())[:SHOWN]
        ]
        yield Truncation(
            where="movements",
            reason="lists_differ",
            limit=sum(joined.forgotten.values()),
            detail="movements that the history of one account tells are missing in that of the "
            f"other, and were taken in: {', '.join(named)}{_and_more(len(joined.forgotten))}",
        )
    yield from gathering.remarks


def _asked_for(gathering: AccountGathering) -> int:
    return len(gathering.histories) + len(gathering.failures) + len(gathering.waiting)


def _not_fetched(gathering: AccountGathering) -> str:
    waiting = [shown(account) for account in list(gathering.waiting)[:SHOWN]]
    if not waiting:
        return ""
    return f"not fetched: {', '.join(waiting)}{_and_more(len(gathering.waiting))}; "


def _and_more(count: int) -> str:
    return f" and {count - SHOWN:,} more" if count > SHOWN else ""
