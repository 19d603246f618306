"""Windows of a pass: laying ready what waits for one, and clearing what has passed in it."""

import numpy as np

from heuristics.columns import Int32Array, Int64Array
from heuristics.jit import kernel, kernel_part
from heuristics.sweep_calendar import (
    Calendar,
    chunks_for,
    page_words,
    put_word,
    take_page,
)
from heuristics.sweep_state import (
    ARENA,
    ARENA_LIMIT,
    AT_ARENA,
    AT_COIN,
    CHUNKS,
    COINS,
    Coins,
    Segments,
    State,
    grown_state,
)
from heuristics.sweep_terms import SweepTerms
from heuristics.taint import Number, Policy

_FIFO = int(Policy.FIFO)
_LIFO = int(Policy.LIFO)
_COUNT_BITS = 40
_COUNT_MASK = (1 << _COUNT_BITS) - 1


@kernel
def open_window(terms: SweepTerms, state: State, window: int) -> State:
    """Return the state with everything that waits for a window laid ready."""
    words = page_words(state.calendar, window)
    page = np.empty(words, np.int64)
    take_page(state.calendar, window, page)
    if terms.policy != _FIFO and terms.policy != _LIFO and not terms.has_colours:
        add_up(page, state.here)
        state.at[AT_COIN] = 0
        state.at[AT_ARENA] = 0
        return state
    state.needs[:] = 0
    state.needs[COINS] = words // 4
    state.needs[ARENA] = words // 2
    state = grown_state(state)
    lay_coins(page, state.head, state.coins, state.arena, state.at)
    return state


@kernel
def add_up(page: Int64Array, here: Int64Array) -> None:
    """Fill `here` with what waits for each transaction: a page holds places and amounts."""
    here[:] = 0
    for k in range(0, len(page), 2):
        here[page[k]] += page[k + 1]


@kernel
def lay_coins(
    page: Int64Array, head: Int32Array, coins: Coins, arena: Segments, at: Int64Array
) -> None:
    """Lay the coins of a page ready, with their segments, in lists by spender."""
    head[:] = -1
    k = 0
    coin = 0
    used = 0
    while k < len(page):
        offset = page[k] >> _COUNT_BITS
        pieces = page[k] & _COUNT_MASK
        coins.output[coin] = page[k + 1]
        coins.first[coin] = used
        coins.pieces[coin] = pieces
        coins.following[coin] = head[offset]
        head[offset] = coin
        k += 2
        for _ in range(pieces):
            arena.length[used] = page[k]
            arena.colour[used] = page[k + 1]
            used += 1
            k += 2
        coin += 1
    at[AT_COIN] = coin
    at[AT_ARENA] = used


@kernel
def clear_dead(terms: SweepTerms, state: State, window: int, reached: int, past: int) -> State:
    """Put what still waits in this window back into its page, and open it anew.

    So segments that were passed on give their room back. The next time comes when twice as many
    segments are there as live now.
    """
    start = window << terms.window_bits
    coins, arena, head = state.coins, state.arena, state.head
    wanted = state.needs.copy()
    words = 0
    for transaction in range(reached, past):
        coin = np.int64(head[transaction - start])
        while coin >= 0:
            words += 2 + 2 * coins.pieces[coin]
            coin = np.int64(coins.following[coin])
    state.needs[:] = 0
    state.needs[CHUNKS] = chunks_for(state.calendar, words, 1)
    state = grown_state(state)
    for transaction in range(reached, past):
        coin = np.int64(head[transaction - start])
        while coin >= 0:
            put_coin(
                state.calendar, window, transaction - start, coins.output[coin],
                coins.first[coin], coins.pieces[coin], arena.length, arena.colour,
            )  # fmt: skip
            coin = np.int64(coins.following[coin])
    before = state.at[AT_ARENA]
    state = open_window(terms, state, window)
    state.at[ARENA_LIMIT] = max(2 * state.at[AT_ARENA], terms.clear_from)
    state.needs[:] = wanted
    # What was asked for counted from the segments that were there before.
    state.needs[ARENA] -= before - state.at[AT_ARENA]
    return state


@kernel_part
def put_coin(
    calendar: Calendar,
    window: Number,
    offset: Number,
    output: Number,
    first: Number,
    count: Number,
    length: Int64Array,
    colour: Int64Array,
) -> None:
    """Append a coin with its segments to the page of its spender's window."""
    put_word(calendar, window, (offset << _COUNT_BITS) | count)
    put_word(calendar, window, output)
    for piece in range(first, first + count):
        put_word(calendar, window, length[piece])
        put_word(calendar, window, colour[piece])
