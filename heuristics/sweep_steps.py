"""The steps of a pass at one transaction that are not the policy's: matching, fees, colours."""

import numpy as np

from heuristics.columns import Int64Array
from heuristics.jit import kernel
from heuristics.segments import CLEAN_COLOUR, MOST_TOLD_APART, overlay
from heuristics.shares import add_own_colour
from heuristics.sweep_state import (
    AT_COIN,
    AT_PENDING,
    AT_PENDING_PIECE,
    BLOCK,
    Coins,
    Pending,
    Scratch,
    Segments,
)
from heuristics.sweep_terms import SweepColumns, SweepSources
from heuristics.taint import Number


@kernel
def past_sources(sources: SweepSources, place: Number, transaction: Number) -> Number:
    """Return the first source of a later transaction."""
    while place < len(sources.creator) and sources.creator[place] == transaction:
        place += 1
    return place


@kernel
def first_source(sources: SweepSources, output: Number) -> Number:
    """Return the first source that is `output` or a later one."""
    low = 0
    high = len(sources.output)
    while low < high:
        middle = (low + high) >> 1
        if sources.output[middle] < output:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def match_inputs(
    spent: Int64Array, mine: Int64Array, count: int, output: Int64Array, slots: Int64Array
) -> None:
    """Fill `slots` with the coin that each input spends, -1 where it is clean.

    `mine[:count]` are the tainted coins, and `output` their output numbers.
    """
    slots[:] = -1
    if count * len(spent) <= 1024:
        for k in range(count):
            wanted = output[mine[k]]
            for i in range(len(spent)):
                if spent[i] == wanted:
                    slots[i] = mine[k]
                    break
        return
    order = np.argsort(spent, kind="mergesort")
    for k in range(count):
        wanted = output[mine[k]]
        low = 0
        high = len(order)
        while low < high:
            middle = (low + high) >> 1
            if spent[order[middle]] < wanted:
                low = middle + 1
            else:
                high = middle
        if low < len(order) and spent[order[low]] == wanted:
            slots[order[low]] = mine[k]


@kernel
def lay_fees(
    subsidy_last: bool,
    columns: SweepColumns,
    pending: Pending,
    fees: Number,
    pieces: Segments,
    scratch: Scratch,
    coins: Coins,
    at: Int64Array,
    arena: Segments,
    coinbase: Number,
    past: Number,
    used: Number,
) -> Number:
    """Lay a block's fees and its subsidy ready as what the coinbase takes."""
    slots, taken = scratch.slots, scratch.taken
    subsidy_row = past - coinbase - 1 if subsidy_last else 0
    slots[subsidy_row] = -1
    taken[subsidy_row] = columns.subsidy[at[BLOCK]]
    row = 0 if subsidy_last else 1
    fee = 0
    for transaction in range(coinbase + 1, past):
        slots[row] = -1
        taken[row] = columns.fee[transaction]
        if fee < fees and pending.transaction[fee] == transaction:
            coin = at[AT_COIN] + fee
            coins.first[coin] = used
            coins.pieces[coin] = pending.pieces[fee]
            for piece in range(pending.first[fee], pending.first[fee] + pending.pieces[fee]):
                arena.length[used] = pieces.length[piece]
                arena.colour[used] = pieces.colour[piece]
                used += 1
            slots[row] = coin
            fee += 1
        row += 1
    return used


@kernel
def keep_fee(
    pending: Pending,
    pieces: Segments,
    scratch: Scratch,
    arena: Segments,
    at: Int64Array,
    transaction: Number,
    row: Number,
) -> None:
    """Keep a tainted fee for the coinbase of its block."""
    place = at[AT_PENDING]
    first, count, kept = scratch.first[row], scratch.pieces[row], at[AT_PENDING_PIECE]
    pending.transaction[place] = transaction
    pending.amount[place] = scratch.shares[row]
    pending.first[place] = kept
    pending.pieces[place] = count
    for k in range(count):
        pieces.length[kept + k] = arena.length[first + k]
        pieces.colour[kept + k] = arena.colour[first + k]
    at[AT_PENDING_PIECE] = kept + count
    at[AT_PENDING] = place + 1


@kernel
def declare(
    keeps_order: bool,
    scratch: Scratch,
    arena: Segments,
    row: int,
    value: Number,
    colour: Number,
    used: Number,
) -> Number:
    """Make an output a source: its own colour on all of it, beside what arrived."""
    first, count, start = scratch.first[row], scratch.pieces[row], used
    if count == 0:
        arena.length[used] = value
        arena.colour[used] = colour
        used += 1
    elif keeps_order:
        used = overlay(first, count, int(colour), arena.length, arena.colour, int(used))
    else:
        used = add_own_colour(
            first, count, int(value), int(colour), arena.length, arena.colour, int(used)
        )
    scratch.first[row] = start
    scratch.pieces[row] = used - start
    return used


@kernel
def tell_colours(
    arena: Segments,
    first: Number,
    count: Number,
    reason: Number,
    counted: Number,
    by_colour: Int64Array,
) -> tuple[Number, Number]:
    """Return the set of sources of some segments, and how many segments are tainted.

    Adds the amounts of the sources of the set `counted` to `by_colour`.
    """
    found = np.int64(0)
    tainted = 0
    for piece in range(first, first + count):
        colour = arena.colour[piece]
        if colour != CLEAN_COLOUR:
            found |= colour
            tainted += 1
            counting = colour & counted
            if counting != 0:
                for source in range(MOST_TOLD_APART):
                    if (counting >> source) & 1:
                        by_colour[reason, source] += arena.length[piece]
    return found, tainted
