"""Time limits as movement numbers: on this chain the times of blocks never fall."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from arien_flows.account_ledger.view import AccountView
from arien_flows.account_tracing.request import AccountTraceRequest
from chains.types import Int64Array

_DAY_SECONDS = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The movements that a request allows."""

    first_row: int
    past_row: int
    is_limited: bool
    dormant_before: int
    """Seconds since 1970: a balance that nothing was paid from since then is dormant."""


def window_of(view: AccountView, request: AccountTraceRequest) -> Window:
    """Return what `since` and `until` of a request allow."""
    first, past = 0, view.counts.movements
    if request.since is not None:
        first = _first_row(view, -((_EPOCH - request.since) // _SECOND))
    if request.until is not None:
        past = _first_row(view, (request.until - _EPOCH) // _SECOND + 1)
    return Window(
        first_row=first,
        past_row=past,
        is_limited=first > 0 or past < view.counts.movements,
        dormant_before=int(view.blocks.time[-1]) - request.dormant_days * _DAY_SECONDS,
    )


def followed_window(view: AccountView, request: AccountTraceRequest, rows: Int64Array) -> Window:
    """Return the movements that are followed from sources, by the window and the horizon.

    Forward only the end is a limit, as what came before says what a balance was made of; backward
    only the beginning is.
    """
    window = window_of(view, request)
    horizon = request.horizon
    first, past = window.first_row, window.past_row
    times = view.times_of(view.movements.transaction[rows])
    if request.is_forward:
        first = 0
        if horizon is not None:
            past = min(past, _first_row(view, int(times.max()) + _seconds(horizon) + 1))
    else:
        past = view.counts.movements
        if horizon is not None:
            first = max(first, _first_row(view, int(times.min()) - _seconds(horizon)))
    return Window(
        first_row=first,
        past_row=past,
        is_limited=first > 0 or past < view.counts.movements,
        dormant_before=window.dormant_before,
    )


def _seconds(span: timedelta) -> int:
    return span // _SECOND


def _first_row(view: AccountView, seconds: int) -> int:
    """Return the first movement at or after a moment; their number where none is."""
    block = int(np.searchsorted(view.blocks.time, seconds, side="left"))
    return int(view.transactions.first_movement[int(view.blocks.first_transaction[block])])
