"""What more fetching could tell about a trace: how much is missing, and which ends are open.

Where a stop rule ends a path, a ledger of whole blocks still knows what comes next: that a coin
too small to follow is unspent, say, or was newly mined, which is the stronger reason. A view of
fetched transactions knows it only where somebody asked. What is certain about such a coin stands
in the answer; what is not is counted here.
"""

import numpy as np

from arien_flows.amounts import asset_of, held_by_coins
from arien_flows.fetched.completeness import Fetched
from arien_flows.shapes import Truncation
from arien_flows.tracing.engine import Traced
from arien_flows.tracing.flow_graph import SERVICE_REASONS
from chains.types import BoolArray
from heuristics.taint import Stop

_ENDED_FOR_GOOD = (Stop.CLEAN, Stop.FOLLOWED, Stop.DESTROYED, Stop.RETAINTED, Stop.NOT_FETCHED)
"""Ends that the next transaction cannot change, and those that are told as not fetched anyway."""


def unsettled(fetched: Fetched, traced: Traced) -> BoolArray:
    """Return the slots that ended without anybody having asked what comes next.

    Forward a service ends a path for good; backward the transaction that made its coin still
    tells when that was.
    """
    trail = traced.trail
    ended: BoolArray = (trail.flow.amount > 0) & ~np.isin(trail.flow.reason, _ENDED_FOR_GOOD)
    if traced.request.is_forward:
        is_service = np.isin(trail.flow.reason, SERVICE_REASONS)
        return ended & np.isin(trail.coins, fetched.unasked) & ~is_service
    return ended & (trail.coins < 0)


def missing_truncation(fetched: Fetched, traced: Traced) -> tuple[Truncation, ...]:
    """Say how many transactions were fetched, of how many that are known to be needed.

    A coin that was not followed is spent by one transaction, or by none, and several coins by the
    same; which transaction made a coin is known.
    """
    trail, here = traced.trail, fetched.origin.transactions
    ended = (trail.flow.amount > 0) & (trail.flow.reason == Stop.NOT_FETCHED)
    slots = np.flatnonzero(ended)
    if not len(slots):
        return ()
    if traced.request.is_forward:
        known, missing = "at most ", len(np.unique(trail.coins[slots]))
    else:
        rows = trail.given_row[slots - len(trail.arrays.source_value)].tolist()
        known, missing = "", len({fetched.ledger.outpoint(row)[0] for row in rows})
    return (
        Truncation(
            where="transactions",
            reason="incomplete",
            limit=here,
            detail=f"fetched {here:,} of {known}{here + missing:,} transactions that are known to "
            "be needed, and what lies behind the missing ones is not known; the same command goes "
            "on from there",
        ),
    )


def unsettled_truncation(fetched: Fetched, traced: Traced, network: str) -> tuple[Truncation, ...]:
    """Say how much ended so; nothing where all ends are settled."""
    slots = unsettled(fetched, traced)
    if not slots.any():
        return ()
    count, sat = int(np.count_nonzero(slots)), int(traced.trail.flow.amount[slots].sum())
    forward = "whether it is spent" if count == 1 else "whether they are spent"
    backward = "what made it" if count == 1 else "what made them"
    unknown = forward if traced.request.is_forward else backward
    held = held_by_coins(sat, count, asset_of(network))
    return (
        Truncation(
            where="leaves",
            reason="unsettled",
            detail=f"{held} ended before anybody asked {unknown}: --settle asks",
        ),
    )
