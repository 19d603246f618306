"""Taint as amounts: how many tainted units each output gets, whatever their place in it.

Pro rata (haircut): every output gets the floor of its share, then the remainder gets what is left
up to its whole, then single units go to the outputs with the largest fractions, ties to the
earlier output. Highest out (TIHO): the largest outputs are filled first, ties in order.
Seniority: outputs are filled in their order. Reverse seniority: clean units fill the outputs in
their order, so that taint comes last. Under all of them the remainder comes after the outputs,
and the sum is exact.

Where several sources are told apart, each recipient's total is made up of their colours. What a
transaction takes of each colour and what each recipient gets are both given, and every split must
add up both ways: so the recipients draw one after the other, each pro rata from what is left.
"""

import numpy as np

from heuristics.columns import Int64Array
from heuristics.exact import mul_div
from heuristics.jit import kernel


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
def share_to_largest(values: Int64Array, tainted: int, shares: Int64Array) -> None:
    """Fill the largest values first, equal ones in their order."""
    left = tainted
    for j in np.argsort(-values, kind="mergesort"):
        shares[j] = min(values[j], left)
        left -= shares[j]


@kernel
def share_to_first(values: Int64Array, tainted: int, shares: Int64Array) -> None:
    """Fill the values in their order."""
    left = tainted
    for j in range(len(values)):
        shares[j] = min(values[j], left)
        left -= shares[j]


@kernel
def share_to_last(values: Int64Array, clean: int, shares: Int64Array) -> None:
    """Fill the values in their order with `clean` units first, and the rest with taint."""
    left = clean
    for j in range(len(values)):
        covered = min(values[j], left)
        shares[j] = values[j] - covered
        left -= covered


@kernel
def gather_colours(
    slots: Int64Array,
    segment_first: Int64Array,
    segment_count: Int64Array,
    pool_length: Int64Array,
    pool_colour: Int64Array,
    stream_length: Int64Array,
    stream_colour: Int64Array,
) -> int:
    """Add up what is taken of each colour; return the number of colours, which then ascend.

    There must be room for the segments of all slots together.
    """
    found = 0
    for slot in slots:
        if slot >= 0:
            for piece in range(segment_first[slot], segment_first[slot] + segment_count[slot]):
                stream_length[found] = pool_length[piece]
                stream_colour[found] = pool_colour[piece]
                found += 1
    return merge_colours(stream_length, stream_colour, found)


@kernel
def merge_colours(lengths: Int64Array, colours: Int64Array, found: int) -> int:
    """Sort amounts by colour and add up those of equal colour, in place; return their number."""
    ascending = True
    for piece in range(1, found):
        ascending = ascending and colours[piece - 1] < colours[piece]
    if ascending:
        return found
    order = np.argsort(colours[:found], kind="mergesort")
    old_length, old_colour = lengths[:found].copy(), colours[:found].copy()
    count = 0
    for place in order:
        if count > 0 and colours[count - 1] == old_colour[place]:
            lengths[count - 1] += old_length[place]
        else:
            lengths[count] = old_length[place]
            colours[count] = old_colour[place]
            count += 1
    return count


@kernel
def split_by_colour(
    stream_length: Int64Array,
    stream_colour: Int64Array,
    stream_count: int,
    shares: Int64Array,
    segment_first: Int64Array,
    segment_count: Int64Array,
    pool_length: Int64Array,
    pool_colour: Int64Array,
    used: int,
) -> int:
    """Make each recipient's share up of the colours taken; return how much of the pool is used.

    The amounts of the colours and the shares have the same sum. The pool must have room for
    `stream_count * len(shares)` more segments; those of a share ascend by colour.
    """
    left = stream_length[:stream_count].copy()
    part = np.empty(stream_count, np.int64)
    total = left.sum()
    for j in range(len(shares)):
        start = used
        if shares[j] > 0:
            share_pro_rata(left, total, shares[j], 0, part)
            total -= shares[j]
            for piece in range(stream_count):
                if part[piece] > 0:
                    left[piece] -= part[piece]
                    pool_length[used] = part[piece]
                    pool_colour[used] = stream_colour[piece]
                    used += 1
        segment_first[j] = start
        segment_count[j] = used - start
    return used


@kernel
def paint_all(
    stream_colour: Int64Array,
    stream_count: int,
    shares: Int64Array,
    segment_first: Int64Array,
    segment_count: Int64Array,
    pool_length: Int64Array,
    pool_colour: Int64Array,
    used: int,
) -> int:
    """Give every recipient all colours taken together; return how much of the pool is used."""
    joined = 0
    for piece in range(stream_count):
        joined |= stream_colour[piece]
    for j in range(len(shares)):
        segment_first[j] = used
        segment_count[j] = 0
        if shares[j] > 0:
            pool_length[used] = shares[j]
            pool_colour[used] = joined
            segment_count[j] = 1
            used += 1
    return used


@kernel
def add_own_colour(
    first: int,
    count: int,
    value: int,
    colour: int,
    pool_length: Int64Array,
    pool_colour: Int64Array,
    used: int,
) -> int:
    """Append to the pool the colours of a source to which `count` amounts came back.

    The whole `value` bears its own `colour`, and what came back its former colours besides. Needs
    room for `count + 1` segments; returns how much of the pool is used.
    """
    left = value
    for piece in range(count):
        pool_length[used + 1 + piece] = pool_length[first + piece]
        pool_colour[used + 1 + piece] = pool_colour[first + piece] | colour
        left -= pool_length[first + piece]
    pool_length[used] = left
    pool_colour[used] = colour
    if left == 0:
        pool_length[used] = pool_length[used + count]
        pool_colour[used] = pool_colour[used + count]
        count -= 1
    past = used + count + 1
    return used + merge_colours(pool_length[used:past], pool_colour[used:past], count + 1)
