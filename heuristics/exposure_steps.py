"""The steps of an exposure at one transaction: whose a coin is, who made it, who draws what."""

import numpy as np

from heuristics.columns import Int64Array, UInt32Array
from heuristics.exact import mul_div
from heuristics.jit import kernel, kernel_part
from heuristics.taint import Number

_FEW = 24
"""Coins among which the largest fractions are looked for one by one, rather than sorted."""


@kernel_part
def root_of(address: Number, labels: UInt32Array) -> Number:
    """Return the entity of an address."""
    if address < len(labels):
        return np.int64(labels[address])
    return np.int64(address)


@kernel
def next_taken(
    head: Int64Array,
    start: Number,
    past: Number,
    transaction: Number,
    step: Number,
    next_source: Number,
) -> Number:
    """Return the next transaction of a window that something waits for; one outside if none.

    A function by itself, for most transactions of a window are passed over here.
    """
    place = transaction - start
    size = past - start
    source = next_source - start
    while 0 <= place < size and head[place] < 0 and place != source:
        place += step
    return start + place


@kernel_part
def creator(first_output: Int64Array, coin: Number, spender: Number) -> Number:
    """Return the transaction that makes an output, looking back from the one that spends it.

    Most coins are young, so steps that double find it sooner than halving the whole ledger.
    """
    step = 1
    high: Number = spender
    low: Number = max(int(high) - step, 0)
    while first_output[low] > coin:
        high = low
        step <<= 1
        low = max(int(high) - step, 0)
    while high - low > 1:
        middle = (low + high) >> 1
        if first_output[middle] > coin:
            high = middle
        else:
            low = middle
    return low


@kernel_part
def share_pro_rata(
    values: Int64Array,
    count: Number,
    total: Number,
    amount: Number,
    remainder: Number,
    shares: Int64Array,
    rests: Int64Array,
) -> Number:
    """Fill `shares` as `heuristics.shares.share_pro_rata` does, for the first `count` values.

    Returns what is the remainder's.
    """
    left = amount
    for j in range(count):
        quotient, rest = mul_div(values[j], int(amount), int(total))
        shares[j] = quotient
        rests[j] = rest
        left -= quotient
    of_remainder = min(left, remainder)
    left -= of_remainder
    if left == 0:
        return of_remainder
    if count <= _FEW:
        for _ in range(left):
            best = 0
            for j in range(1, count):
                if rests[j] > rests[best]:
                    best = j
            shares[best] += 1
            rests[best] = -1
        return of_remainder
    largest_first = np.argsort(-rests[:count], kind="mergesort")
    for rank in range(left):
        shares[largest_first[rank]] += 1
    return of_remainder


@kernel
def larger(array: Int64Array, size: int) -> Int64Array:
    """Return a copy with at least `size` places, and twice as many as before."""
    room = np.empty(max(size, 2 * len(array)), np.int64)
    room[: len(array)] = array
    return room


@kernel_part
def note(
    place: Number,
    amount: Number,
    transaction: Number,
    amounts: Int64Array,
    most: Int64Array,
    through: Int64Array,
) -> None:
    """Count what reached an owner; of equal amounts the transaction met first is kept."""
    amounts[place] += amount
    if amount > most[place]:
        most[place] = amount
        through[place] = transaction


@kernel_part
def draw(
    amounts: Int64Array, left: Number, share: Number, part: Int64Array, rests: Int64Array
) -> None:
    """Make a share up of the colours that are left, `left` in all, and take it from them."""
    if len(amounts) == 1:
        part[0] = share
        amounts[0] -= share
    elif share == 0:
        part[:] = 0
    else:
        share_pro_rata(amounts, len(amounts), left, share, 0, part, rests)
        for colour in range(len(amounts)):
            amounts[colour] -= part[colour]
