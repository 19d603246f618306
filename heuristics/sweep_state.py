"""What a pass over a ledger carries along: arrays that grow, and where in them it stands.

A kernel that replaces an array by a larger one inside its loop pays for it at every step, because
each use of the array is counted. So the loop over transactions (`heuristics.sweep_kernel`) never
does: before it changes anything for a transaction it compares the room with what the transaction
can need at most, writes what is missing into `needs`, and returns. `grown_state` then makes room,
and the loop starts again at the same transaction.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heuristics.columns import Int32Array, Int64Array, Scalar, UInt8Array
from heuristics.jit import kernel
from heuristics.segments import MOST_TOLD_APART
from heuristics.sweep_calendar import (
    Calendar,
    grown_calendar,
    new_calendar,
)
from heuristics.taint import Number, Stop

# Places in `State.needs`.
WIDTH, STREAM, COINS, ARENA, ENDS, FEES, CHUNKS, PENDING, PENDING_PIECES = range(9)
NEEDS = 9

# Places in `State.at`.
AT_SOURCE = 0
"""First source whose transaction was not reached yet."""
AT_COIN = 1
"""Coins of the present window."""
AT_ARENA = 2
"""Segments of the present window."""
AT_END = 3
"""Coins that came to rest and were not collected yet."""
AT_FEE = 4
AT_PENDING = 5
"""Fees that wait for their block's coinbase."""
AT_PENDING_PIECE = 6
BLOCK = 7
"""The block whose coinbase waits, or -1."""
TOUCHED = 8
TOUCHED_INPUTS = 9
FEE_SUM = 10
UNCLAIMED_SUM = 11
MOST_COINS = 12
MOST_ARENA = 13
WRONG_BLOCK = 14
"""A block that pays out more than it may, or -1."""
WRONG_OUTPUT = 16
"""An output that is spent before it is paid, or -1."""
ARENA_LIMIT = 15
"""Segments from which on the dead ones of the present window are cleared."""
JOINED = 17
"""1 from when on sources are not told apart any more, because too many sets of them met."""
PLACES = 18


class Coins(NamedTuple):
    """Tainted coins that the present window spends."""

    following: Int32Array
    """The next coin of the same spender, or -1."""

    output: Int64Array
    first: Int64Array
    """Segments of the coin, in the arena."""

    pieces: Int64Array


class Segments(NamedTuple):
    """Pieces of coins: how long, and which sources they come from."""

    length: Int64Array
    colour: Int64Array


class Scratch(NamedTuple):
    """Room for one transaction."""

    mine: Int64Array
    slots: Int64Array
    taken: Int64Array
    shares: Int64Array
    first: Int64Array
    pieces: Int64Array


class Ends(NamedTuple):
    """Coins at which taint came to rest."""

    output: Int64Array
    amount: Int64Array
    colour: Int64Array
    """Set of sources."""

    segments: Int32Array
    reason: UInt8Array


class Rows(NamedTuple):
    """Tainted fees (or unclaimed rewards) by transaction."""

    transaction: Int64Array
    amount: Int64Array


class Pending(NamedTuple):
    """Tainted fees of a block whose coinbase was not reached yet, in order of transactions."""

    transaction: Int64Array
    amount: Int64Array
    first: Int64Array
    pieces: Int64Array


class State(NamedTuple):
    """All of it."""

    calendar: Calendar
    here: Int64Array
    """Taint that waits for each transaction of the window, where coins are added up."""

    head: Int32Array
    """First coin that waits for each transaction of the window, or -1, where coins are kept."""

    coins: Coins
    arena: Segments
    stream: Segments
    scratch: Scratch
    ends: Ends
    fees: Rows
    pending: Pending
    pending_pieces: Segments
    by_colour: Int64Array
    """Amounts by `Stop` and source; only counted where sources are told apart."""

    at: Int64Array
    needs: Int64Array


def new_state(windows: int, window: int, *, keeps_coins: bool) -> State:
    """Return the state before the first of `windows` windows of `window` transactions each."""
    at = np.zeros(PLACES, np.int64)
    at[BLOCK] = at[WRONG_BLOCK] = at[WRONG_OUTPUT] = -1
    return State(
        calendar=new_calendar(windows),
        here=np.zeros(1 if keeps_coins else window, np.int64),
        head=np.full(window if keeps_coins else 1, -1, np.int32),
        coins=Coins(np.zeros(64, np.int32), *(np.zeros(64, np.int64) for _ in range(3))),
        arena=_segments(64),
        stream=_segments(64),
        scratch=Scratch(*(np.zeros(64, np.int64) for _ in range(6))),
        ends=Ends(
            output=np.zeros(64, np.int64),
            amount=np.zeros(64, np.int64),
            colour=np.zeros(64, np.int64),
            segments=np.zeros(64, np.int32),
            reason=np.zeros(64, np.uint8),
        ),
        fees=Rows(np.zeros(64, np.int64), np.zeros(64, np.int64)),
        pending=Pending(*(np.zeros(64, np.int64) for _ in range(4))),
        pending_pieces=_segments(64),
        by_colour=np.zeros((int(Stop.FOLLOWED) + 1, MOST_TOLD_APART), np.int64),
        at=at,
        needs=np.zeros(NEEDS, np.int64),
    )


def _segments(room: int) -> Segments:
    return Segments(np.zeros(room, np.int64), np.zeros(room, np.int64))


def state_bytes(state: State) -> int:
    """Return the memory that a state takes."""
    total = 0
    for part in state:
        arrays = part if isinstance(part, tuple) else (part,)
        total += sum(array.nbytes for array in arrays)
    return total


@kernel
def grown(array: NDArray[Scalar], wanted: Number) -> NDArray[Scalar]:
    """Return a copy with room for `wanted` and at least twice the room."""
    larger = np.zeros(max(2 * len(array), wanted), array.dtype)
    larger[: len(array)] = array
    return larger


@kernel
def _grown_segments(segments: Segments, wanted: Number) -> Segments:
    if wanted <= len(segments.length):
        return segments
    return Segments(grown(segments.length, wanted), grown(segments.colour, wanted))


@kernel
def _grown_coins(coins: Coins, wanted: Number) -> Coins:
    if wanted <= len(coins.output):
        return coins
    return Coins(
        grown(coins.following, wanted),
        grown(coins.output, wanted),
        grown(coins.first, wanted),
        grown(coins.pieces, wanted),
    )


@kernel
def _grown_scratch(scratch: Scratch, wanted: Number) -> Scratch:
    if wanted <= len(scratch.mine):
        return scratch
    return Scratch(
        grown(scratch.mine, wanted),
        grown(scratch.slots, wanted),
        grown(scratch.taken, wanted),
        grown(scratch.shares, wanted),
        grown(scratch.first, wanted),
        grown(scratch.pieces, wanted),
    )


@kernel
def _grown_ends(ends: Ends, wanted: Number) -> Ends:
    if wanted <= len(ends.output):
        return ends
    return Ends(
        grown(ends.output, wanted),
        grown(ends.amount, wanted),
        grown(ends.colour, wanted),
        grown(ends.segments, wanted),
        grown(ends.reason, wanted),
    )


@kernel
def _grown_rows(rows: Rows, wanted: Number) -> Rows:
    if wanted <= len(rows.amount):
        return rows
    return Rows(grown(rows.transaction, wanted), grown(rows.amount, wanted))


@kernel
def _grown_pending(pending: Pending, wanted: Number) -> Pending:
    if wanted <= len(pending.amount):
        return pending
    return Pending(
        grown(pending.transaction, wanted),
        grown(pending.amount, wanted),
        grown(pending.first, wanted),
        grown(pending.pieces, wanted),
    )


@kernel
def grown_state(state: State) -> State:
    """Return the state with the room that `needs` asks for."""
    needs = state.needs
    calendar = state.calendar
    if needs[CHUNKS] > len(calendar.following):
        calendar = grown_calendar(calendar, needs[CHUNKS])
    return State(
        calendar,
        state.here,
        state.head,
        _grown_coins(state.coins, needs[COINS]),
        _grown_segments(state.arena, needs[ARENA]),
        _grown_segments(state.stream, needs[STREAM]),
        _grown_scratch(state.scratch, needs[WIDTH]),
        _grown_ends(state.ends, needs[ENDS]),
        _grown_rows(state.fees, needs[FEES]),
        _grown_pending(state.pending, needs[PENDING]),
        _grown_segments(state.pending_pieces, needs[PENDING_PIECES]),
        state.by_colour,
        state.at,
        needs,
    )
