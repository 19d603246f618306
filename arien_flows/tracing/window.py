"""Time limits as transaction numbers.

A block's header time may run hours wrong and even backwards. The median time past never runs
backwards, so under it every moment splits the chain in two, and each time limit becomes the
number of a transaction. Kernels compare numbers only.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from arien_flows.ledger.view import View
from arien_flows.tracing.request import TraceRequest
from chains.types import Int64Array
from heuristics.propagate import NO_DEADLINE

_DAY_SECONDS = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The transactions that a request allows, both ends included."""

    first_transaction: int
    last_transaction: int
    dormant_before: int
    """Outputs of transactions before this one that are still unspent are dormant."""


def window_of(view: View, request: TraceRequest) -> Window:
    """Return the window of a request."""
    times = view.median_times
    since, until = 0, view.counts.blocks
    if request.since is not None:
        since = _first_block(times, -((_EPOCH - request.since) // _SECOND))
    if request.until is not None:
        until = int(np.searchsorted(times, (request.until - _EPOCH) // _SECOND, side="right"))
    dormant = int(times[-1]) - request.dormant_days * _DAY_SECONDS
    return Window(
        first_transaction=int(view.first_transaction[since]),
        last_transaction=int(view.first_transaction[until]) - 1,
        dormant_before=int(view.first_transaction[_first_block(times, dormant)]),
    )


def source_deadlines(view: View, request: TraceRequest, outputs: Int64Array) -> Int64Array:
    """Return the last rank that the horizon of each source allows.

    Ranks are transaction numbers, negated backward, as `heuristics.follow` wants them.
    """
    horizon = request.horizon
    if horizon is None:
        return np.full(len(outputs), NO_DEADLINE, np.int64)
    blocks = view.blocks_of(view.transactions_of_outputs(outputs))
    seconds = int(horizon.total_seconds())
    if request.is_forward:
        limit = np.searchsorted(view.median_times, view.median_times[blocks] + seconds, "right")
        return view.first_transaction[limit].astype(np.int64) - 1
    limit = np.searchsorted(view.median_times, view.median_times[blocks] - seconds, "left")
    return -view.first_transaction[limit].astype(np.int64)


def _first_block(times: Int64Array, seconds: int) -> int:
    """Return the first block at or after a moment; the number of blocks where none is."""
    return int(np.searchsorted(times, seconds, side="left"))
