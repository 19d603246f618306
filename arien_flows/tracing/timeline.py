"""When traced money came to where its paths ended.

Each end counts in the day, month or year (UTC) of the block that pays its coin, by the time that
the block's header states; a fee counts where it was paid. So the amounts of all slots together
are the source, to the satoshi.
"""

from datetime import date, timedelta

import numpy as np

from arien_flows.attribution.ownership import roots_of
from arien_flows.tracing.engine import MINTED, Ground, Traced
from arien_flows.tracing.flow_build import slot_addresses
from arien_flows.tracing.flow_graph import SERVICE_REASONS
from arien_flows.tracing.leaves import places_of
from arien_flows.tracing.timeline_answer import Timeline, TimelineSlot
from chains.types import BoolArray, Int64Array
from heuristics.taint import Stop

MOST_DAYS = 92
"""Longer spans are told by month, ..."""

MOST_MONTHS = 120
"""... and those of more months by year."""

UNITS = {"day": "datetime64[D]", "month": "datetime64[M]", "year": "datetime64[Y]"}
_EPOCH = date(1970, 1, 1)
_FEE = 255
"""In the place of a `Stop` for money that went to miners."""


def timeline(ground: Ground, traced: Traced) -> Timeline:
    """Return what ended when, and why."""
    view, trail = ground.view, traced.trail
    reason = trail.flow.reason
    slots = np.flatnonzero((reason != Stop.FOLLOWED) & (reason != Stop.CLEAN))
    fees = trail.fees
    lost = np.flatnonzero((fees.amount > 0) & (fees.reason != Stop.FOLLOWED))
    transactions = np.concatenate(
        [places_of(ground, traced, slots).transaction, fees.transaction[lost]]
    )
    amount = np.concatenate([trail.flow.amount[slots], fees.amount[lost]])
    why = np.concatenate(
        [
            reason[slots].astype(np.int64),
            np.where(np.isin(fees.reason[lost], MINTED), fees.reason[lost], _FEE),
        ]
    )
    days = (view.times_of_blocks(view.blocks_of(transactions)) // 86_400).astype("datetime64[D]")
    unit = unit_of(days)
    starts, slot = np.unique(days.astype(UNITS[unit]), return_inverse=True)
    by_reason = _sums(slot, why, amount, len(starts))
    service, labels = _labels(ground, traced, slots, np.isin(reason[slots], SERVICE_REASONS))
    named = np.flatnonzero(service >= 0)
    by_service = _sums(slot[named], service[named], amount[named], len(starts))
    coins = np.bincount(slot[: len(slots)], minlength=len(starts)).tolist()
    return Timeline(
        unit=unit,
        slots=tuple(
            TimelineSlot(
                start=_EPOCH + timedelta(days=int(start)),
                by_reason={_name(code): str(sat) for code, sat in by_reason[i].items()},
                by_service={labels[code]: str(sat) for code, sat in by_service[i].items()},
                coins=coins[i],
            )
            for i, start in enumerate(starts.astype("datetime64[D]").astype(np.int64).tolist())
        ),
    )


def unit_of(days: "np.ndarray[tuple[int], np.dtype[np.datetime64]]") -> str:
    """Return how finely a span of time is told."""
    if len(days) == 0 or int((days.max() - days.min()).astype(np.int64)) < MOST_DAYS:
        return "day"
    months = days.astype("datetime64[M]").astype(np.int64)
    return "month" if int(months.max() - months.min()) < MOST_MONTHS else "year"


def _sums(
    slot: Int64Array, code: Int64Array, amount: Int64Array, count: int
) -> list[dict[int, int]]:
    """Return for each slot of time the sum of the amounts by code, codes ascending."""
    sums: list[dict[int, int]] = [{} for _ in range(count)]
    order = np.lexsort((code, slot))
    rows = zip(slot[order].tolist(), code[order].tolist(), amount[order].tolist(), strict=True)
    for place, what, sat in rows:
        sums[place][what] = sums[place].get(what, 0) + sat
    return sums


def _labels(
    ground: Ground, traced: Traced, slots: Int64Array, wanted: BoolArray
) -> tuple[Int64Array, list[str]]:
    """Return the number of the service that each slot's coin belongs to or -1, and all names."""
    places = np.flatnonzero(wanted)
    at = slots[places]
    address = slot_addresses(ground.view, traced.trail, at, is_forward=traced.request.is_forward)
    root = roots_of(ground.entities, address)
    services = ground.attribution.services_at(address, root)
    names = [named.tag.label for named in services.named]
    labels = sorted(set(names))
    place_of = {label: place for place, label in enumerate(labels)}
    # The last stands for none, which -1 is the place of.
    number = np.array([*(place_of[name] for name in names), -1], np.int64)
    service = np.full(len(slots), -1, np.int64)
    service[places] = number[services.which]
    return service, labels


def _name(code: int) -> str:
    return "fees" if code == _FEE else Stop(code).name.lower()
