"""Tainted coins that wait for the transaction that spends them: a calendar of windows.

A pass over a ledger meets transactions in order, and every coin knows its spender. So nothing has
to be searched for or sorted: the ledger is cut into windows of transactions, a coin is
appended to the page of its spender's window, and a page is read once, when the pass reaches its
window. Appending and reading run through memory in order, where a table of coins would be looked
up at random, once for every input; and what was read is free at once, so that the room taken is
that of the coins that still wait (pages take memory in chunks of 1 KiB).
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import Int32Array, Int64Array
from heuristics.jit import kernel, kernel_part
from heuristics.taint import Number

CHUNK_BITS = 7
CHUNK_WORDS = 1 << CHUNK_BITS
"""Words of 64 bits that a page takes at a time."""

_CHUNK_REST = CHUNK_WORDS - 1

FREE, MADE, IN_USE, MOST_IN_USE = range(4)
"""Places in `Calendar.counts`."""


class Calendar(NamedTuple):
    """Pages of words, one a window, in chunks that are used again and again."""

    first: Int32Array
    """First chunk of each window's page, or -1."""

    last: Int32Array
    """Its last chunk."""

    end: Int32Array
    """Words in the last chunk; 0 where it is full or there is none."""

    following: Int32Array
    """The next chunk of the same page, or of the list of free ones; -1 at the end."""

    words: Int64Array
    counts: Int64Array
    """First free chunk or -1, chunks ever made, chunks in use, most ever in use."""


def new_calendar(windows: int) -> Calendar:
    """Return a calendar of empty pages."""
    return Calendar(
        first=np.full(windows, -1, np.int32),
        last=np.full(windows, -1, np.int32),
        end=np.zeros(windows, np.int32),
        following=np.full(16, -1, np.int32),
        words=np.zeros(16 * CHUNK_WORDS, np.int64),
        counts=np.array([-1, 0, 0, 0], np.int64),
    )


@kernel
def grown_calendar(calendar: Calendar, chunks: Number) -> Calendar:
    """Return the calendar with room for `chunks` chunks in all, and for twice what it had."""
    room = max(2 * len(calendar.following), chunks)
    following = np.full(room, -1, np.int32)
    following[: len(calendar.following)] = calendar.following
    words = np.empty(room << CHUNK_BITS, np.int64)
    words[: len(calendar.words)] = calendar.words
    return Calendar(calendar.first, calendar.last, calendar.end, following, words, calendar.counts)


@kernel_part
def take_chunk(following: Int32Array, counts: Int64Array) -> Number:
    """Return a chunk that nobody uses; there must be one."""
    chunk = counts[FREE]
    if chunk >= 0:
        counts[FREE] = following[chunk]
    else:
        chunk = counts[MADE]
        counts[MADE] += 1
    counts[IN_USE] += 1
    counts[MOST_IN_USE] = max(counts[MOST_IN_USE], counts[IN_USE])
    following[chunk] = -1
    return np.int64(chunk)


@kernel_part
def put_word(calendar: Calendar, window: Number, word: Number) -> None:
    """Append a word to a window's page; there must be a free chunk."""
    place = np.int64(calendar.end[window])
    if place == 0:
        chunk = take_chunk(calendar.following, calendar.counts)
        if calendar.first[window] < 0:
            calendar.first[window] = chunk
        else:
            calendar.following[calendar.last[window]] = chunk
        calendar.last[window] = chunk
    calendar.words[(np.int64(calendar.last[window]) << CHUNK_BITS) + place] = word
    calendar.end[window] = (place + 1) & _CHUNK_REST


@kernel_part
def chunks_for(calendar: Calendar, words: Number, pages: Number) -> Number:
    """Return how many chunks are needed in all to append `words`, to at most so many pages."""
    return np.int64(calendar.counts[IN_USE] + (words >> CHUNK_BITS) + pages + 1)


@kernel
def page_words(calendar: Calendar, window: Number) -> Number:
    """Return how many words a window's page holds."""
    chunk = np.int64(calendar.first[window])
    if chunk < 0:
        return 0
    words = 0
    while chunk != calendar.last[window]:
        words += CHUNK_WORDS
        chunk = np.int64(calendar.following[chunk])
    rest = np.int64(calendar.end[window])
    return words + (rest if rest > 0 else CHUNK_WORDS)


@kernel
def take_page(calendar: Calendar, window: Number, page: Int64Array) -> None:
    """Fill `page` (of `page_words` words) with a window's page and free its chunks."""
    chunk = np.int64(calendar.first[window])
    done = 0
    while done < len(page):
        start = chunk << CHUNK_BITS
        count = min(CHUNK_WORDS, len(page) - done)
        for k in range(count):
            page[done + k] = calendar.words[start + k]
        done += count
        following = np.int64(calendar.following[chunk])
        calendar.following[chunk] = calendar.counts[FREE]
        calendar.counts[FREE] = chunk
        calendar.counts[IN_USE] -= 1
        chunk = following
    calendar.first[window] = -1
    calendar.last[window] = -1
    calendar.end[window] = 0
