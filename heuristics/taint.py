"""How one transaction passes taint on: poison, haircut and first-in-first-out, in whole units.

A transaction *takes* amounts, some of them tainted, and *gives* amounts. What it takes and does
not give is its remainder. A policy says which of the given units are the tainted ones. None is
true; each is an accounting convention, and an answer must name the one it used.

Forward, a transaction takes its inputs, gives its outputs, and the remainder is the fee. Backward
("where did this come from?") the same transaction is read in the mirror: it takes its outputs,
of which some units are asked for, and gives its inputs; the fee is a clean amount taken after all
outputs, and nothing remains. Under this mirror first-in-first-out becomes its own inverse (unit
`x` of the input stream is unit `x` of the output stream) and pro rata its own transpose. So the
functions below serve both directions, and a policy added later needs one function.

Fee rule: the fee is the last output. Pro rata: every output gets the floor of its share, then the
fee gets what is left up to the whole fee, then single units go to the outputs with the largest
fractions, ties to the earlier output. The sum is always exact.
"""

from enum import IntEnum

import numpy as np

from heuristics.columns import Int64Array
from heuristics.exact import mul_div
from heuristics.jit import kernel

Number = int | np.int64
"""A number inside a kernel; columns of unsigned numbers are converted before any arithmetic."""


class Policy(IntEnum):
    """Accounting conventions; the numbers are what kernels are told."""

    POISON = 0
    """Any tainted input taints every output and the fee completely; amounts grow."""

    HAIRCUT = 1
    """Every output carries the tainted fraction of the inputs."""

    FIFO = 2
    """Units leave in the order in which they came in (Clayton's case, 1816); fee last."""


class Stop(IntEnum):
    """Why taint was not followed further, or that it was.

    Where several reasons hold the smallest number is given: what is certain about the coin comes
    before limits of the search. The numbers order the rules and are not stored.
    """

    CLEAN = 0
    """No taint arrived."""

    RETAINTED = 1
    """Came back to a declared source."""

    DESTROYED = 2
    """In an output that nobody can spend."""

    SERVICE_REACHED = 3
    MIXER = 4
    BRIDGE = 5
    NEWLY_MINED = 6
    BEFORE_LEDGER = 7
    UNSPENT = 8
    DORMANT = 9
    BELOW_MIN = 10
    COINJOIN = 11
    TIME_WINDOW = 12
    HOP_LIMIT = 13
    FAN_OUT = 14
    NOT_FETCHED = 15
    """Nobody has asked yet which transaction comes next; the ledger holds single transactions."""

    BUDGET = 16
    """The transaction to enter has not been explored."""

    FOLLOWED = 17


CLEAN_COLOUR = 0
TAINTED_COLOUR = 1

# Kernels compare plain integers.
_POISON = int(Policy.POISON)
_HAIRCUT = int(Policy.HAIRCUT)
_BELOW_MIN = int(Stop.BELOW_MIN)
_TIME_WINDOW = int(Stop.TIME_WINDOW)
_HOP_LIMIT = int(Stop.HOP_LIMIT)


@kernel
def share_pro_rata(
    values: Int64Array, total: int, tainted: int, remainder: int, shares: Int64Array
) -> None:
    """Fill `shares` with the tainted part of each given value.

    `total` is the sum of `values` and `remainder`, and `tainted` at most `total`. What `shares`
    do not hold of `tainted` is the remainder's.
    """
    left = tainted
    for j in range(len(values)):
        shares[j] = mul_div(values[j], tainted, total)[0]
        left -= shares[j]
    left -= min(left, remainder)
    if left > 0:
        rests = np.empty(len(values), np.int64)
        for j in range(len(values)):
            rests[j] = -mul_div(values[j], tainted, total)[1]
        largest_first = np.argsort(rests, kind="mergesort")
        for rank in range(left):
            shares[largest_first[rank]] += 1


@kernel
def share_in_order(
    stream_length: Int64Array,
    stream_colour: Int64Array,
    stream_count: int,
    values: Int64Array,
    shares: Int64Array,
    segment_first: Int64Array,
    segment_count: Int64Array,
    pool_length: Int64Array,
    pool_colour: Int64Array,
    used: int,
) -> int:
    """Deal the stream out to the given values in order; return how much of the pool is used.

    The stream is a run of segments (length in units, colour); past its end everything is clean.
    Each value that receives colour gets its own segments appended to the pool, equal neighbours
    merged; a wholly clean value gets none. The pool must have room for `stream_count` and
    `len(values)` more segments.
    """
    piece = 0
    rest = stream_length[0] if stream_count > 0 else 0
    for j in range(len(values)):
        start = used
        need = values[j]
        tainted = 0
        while need > 0:
            if piece < stream_count:
                part = min(rest, need)
                colour = stream_colour[piece]
                rest -= part
                if rest == 0:
                    piece += 1
                    rest = stream_length[piece] if piece < stream_count else 0
            else:
                part = need
                colour = CLEAN_COLOUR
            need -= part
            if colour != CLEAN_COLOUR:
                tainted += part
            if used > start and pool_colour[used - 1] == colour:
                pool_length[used - 1] += part
            else:
                pool_length[used] = part
                pool_colour[used] = colour
                used += 1
        shares[j] = tainted
        if tainted == 0:
            used = start
        segment_first[j] = start
        segment_count[j] = used - start
    return used


@kernel
def share_out(
    policy: int,
    tainted: int,
    values: Int64Array,
    remainder: int,
    stream_length: Int64Array,
    stream_colour: Int64Array,
    stream_count: int,
    shares: Int64Array,
    segment_first: Int64Array,
    segment_count: Int64Array,
    pool_length: Int64Array,
    pool_colour: Int64Array,
    used: int,
) -> tuple[int, int]:
    """Apply `policy` to one transaction that takes `tainted` > 0 units.

    Fills `shares` (and the segments, under first-in-first-out). Returns the taint in the
    remainder and how much of the pool is used.
    """
    if policy == _POISON:
        for j in range(len(values)):
            shares[j] = values[j]
        return remainder, used
    if policy == _HAIRCUT:
        total = remainder
        for j in range(len(values)):
            total += values[j]
        share_pro_rata(values, total, tainted, remainder, shares)
    else:
        used = share_in_order(
            stream_length,
            stream_colour,
            stream_count,
            values,
            shares,
            segment_first,
            segment_count,
            pool_length,
            pool_colour,
            used,
        )
    left = tainted
    for j in range(len(values)):
        left -= shares[j]
    return left, used


@kernel
def stream_room(slots: Int64Array, segment_count: Int64Array) -> int:
    """Return an upper bound of the segments that a transaction's stream has."""
    room = 0
    for k in range(len(slots)):
        room += segment_count[slots[k]] if slots[k] >= 0 else 1
    return room


@kernel
def gather_stream(
    slots: Int64Array,
    values: Int64Array,
    segment_first: Int64Array,
    segment_count: Int64Array,
    pool_length: Int64Array,
    pool_colour: Int64Array,
    stream_length: Int64Array,
    stream_colour: Int64Array,
) -> int:
    """Lay the segments of everything taken end to end; return their number.

    `slots[k]` is -1 where the k-th taken value is clean. Equal neighbours are merged.
    """
    count = 0
    for k in range(len(slots)):
        slot = slots[k]
        pieces = segment_count[slot] if slot >= 0 else 1
        for piece in range(pieces):
            if slot >= 0:
                length = pool_length[segment_first[slot] + piece]
                colour = pool_colour[segment_first[slot] + piece]
            else:
                length = values[k]
                colour = CLEAN_COLOUR
            if length == 0:
                continue
            if count > 0 and stream_colour[count - 1] == colour:
                stream_length[count - 1] += length
            else:
                stream_length[count] = length
                stream_colour[count] = colour
                count += 1
    return count


@kernel
def stop_reason(
    known_stop: Number,
    amount: Number,
    min_value: int,
    hops: Number,
    max_hops: int,
    rank: Number,
    deadline: Number,
) -> Number:
    """Return the first rule that ends the path here, or FOLLOWED.

    `known_stop` is what holds whatever the amount; `rank` is the place in processing order of the
    transaction that would be entered, and `deadline` the last rank that the horizon allows.
    """
    reason = known_stop
    if amount < min_value:
        reason = min(reason, _BELOW_MIN)
    if rank > deadline:
        reason = min(reason, _TIME_WINDOW)
    if hops >= max_hops:
        reason = min(reason, _HOP_LIMIT)
    return reason
