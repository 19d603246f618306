"""When traced money of an asset came to where its paths ended.

As for coins: by the day, month or year of the block, and all slots together are what was traced of
the asset. What was converted counts as `converted` where it was.
"""

from collections import defaultdict
from datetime import date, timedelta

import numpy as np

from arien_flows.account_tracing.stops import AT_SERVICES, Reason
from arien_flows.account_tracing.traced import Traced
from arien_flows.account_tracing.words import Words
from arien_flows.tracing.timeline import UNITS, unit_of
from arien_flows.tracing.timeline_answer import Timeline, TimelineSlot

_EPOCH = date(1970, 1, 1)


def timeline_of(traced: Traced, words: Words, asset: int) -> Timeline:
    """Return what ended when, and why, of one asset."""
    told = [
        (
            traced.transaction_of(end),
            "fees" if end.reason is Reason.FEE else str(end.reason),
            end.traced,
            words.service(end.account) if end.reason in AT_SERVICES else None,
        )
        for end in traced.ends
        if end.asset == asset
    ]
    told += [
        (turned.conversion.transaction, "converted", turned.traced, None)
        for turned in traced.found.turned
        if _near_asset(traced, turned.conversion.gave, turned.conversion.got) == asset
    ]
    seconds = traced.search.ground.view.times_of(np.array([row[0] for row in told], np.int64))
    days = (seconds // 86_400).astype("datetime64[D]")
    unit = unit_of(days)
    starts, slots = np.unique(days.astype(UNITS[unit]), return_inverse=True)
    by_reason: list[defaultdict[str, int]] = [defaultdict(int) for _ in starts]
    by_service: list[defaultdict[str, int]] = [defaultdict(int) for _ in starts]
    coins = [0] * len(starts)
    for slot, (_, reason, amount, service) in zip(slots.tolist(), told, strict=True):
        by_reason[slot][reason] += amount
        coins[slot] += reason not in ("fees", "converted")
        if service is not None:
            by_service[slot][service.label] += amount
    return Timeline(
        unit=unit,
        slots=tuple(
            TimelineSlot(
                start=_EPOCH + timedelta(days=int(start)),
                by_reason={name: str(by_reason[i][name]) for name in sorted(by_reason[i])},
                by_service={name: str(by_service[i][name]) for name in sorted(by_service[i])},
                coins=coins[i],
            )
            for i, start in enumerate(starts.astype("datetime64[D]").astype(np.int64).tolist())
        ),
    )


def _near_asset(traced: Traced, gave: int, got: int) -> int:
    return gave if traced.request.is_forward else got
