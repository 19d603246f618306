"""Taint as runs of units: first-in-first-out and last-in-first-out.

A coin is a row of units, and its taint a run of *segments* (length in units, colour) that covers
the row. A colour is a set of sources as bits; 0 is clean. A transaction lays the segments of
everything that it takes end to end: its *stream*. What it gives is cut from the front of the
stream, in order, and the remainder comes last. First-in-first-out cuts the stream as it stands;
last-in-first-out turns the whole stream round first, the order of the coins and the units within
them. Then the last unit in is the first out, and a coin keeps its units in the order in which it
received them.

Read backward both are their own mirrors. Unit `x` of what is given is unit `x` of what is taken,
or unit `x` from its end; a transaction that takes its outputs takes the fee after them, as a clean
tail, and the tail is laid down before the stream is turned round.
"""

from heuristics.columns import Int64Array
from heuristics.jit import kernel

CLEAN_COLOUR = 0

MOST_TOLD_APART = 62
"""Sources that can be told apart, a bit each: a number of 64 bits has two more for the sign and for
what an account held before."""


@kernel
def stream_room(slots: Int64Array, segment_count: Int64Array) -> int:
    """Return an upper bound of the segments of a transaction's stream, a clean tail included."""
    room = 1
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
def turn_round(
    stream_length: Int64Array, stream_colour: Int64Array, stream_count: int, total: int
) -> int:
    """Reverse a stream, filled up with clean units to `total`; return its number of segments.

    There must be room for one segment more.
    """
    tail = total
    for piece in range(stream_count):
        tail -= stream_length[piece]
    count = stream_count
    if tail > 0:
        stream_length[count] = tail
        stream_colour[count] = CLEAN_COLOUR
        count += 1
    for low in range(count // 2):
        high = count - 1 - low
        stream_length[low], stream_length[high] = stream_length[high], stream_length[low]
        stream_colour[low], stream_colour[high] = stream_colour[high], stream_colour[low]
    return count


@kernel
def share_in_order(
    stream_length: Int64Array,
    stream_colour: Int64Array,
    stream_count: int,
    values: Int64Array,
    remainder: int,
    shares: Int64Array,
    segment_first: Int64Array,
    segment_count: Int64Array,
    pool_length: Int64Array,
    pool_colour: Int64Array,
    used: int,
) -> int:
    """Deal the stream out to the given values and the remainder.

    Returns how much of the pool is used. Past the stream's end everything is clean. Each value
    that receives colour gets its own segments appended to the pool, equal neighbours merged; a
    wholly clean value gets none. The pool must have room for `stream_count` and
    `len(values) + 1` more segments.
    """
    piece = 0
    rest = stream_length[0] if stream_count > 0 else 0
    for j in range(len(values) + 1):
        start = used
        need = values[j] if j < len(values) else remainder
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
def overlay(
    first: int,
    count: int,
    colour: int,
    pool_length: Int64Array,
    pool_colour: Int64Array,
    used: int,
) -> int:
    """Append to the pool the `count` segments from `first` with `colour` joined to each.

    Returns how much of the pool is used. Equal neighbours are merged.
    """
    start = used
    for piece in range(first, first + count):
        joined = pool_colour[piece] | colour
        if used > start and pool_colour[used - 1] == joined:
            pool_length[used - 1] += pool_length[piece]
        else:
            pool_length[used] = pool_length[piece]
            pool_colour[used] = joined
            used += 1
    return used
