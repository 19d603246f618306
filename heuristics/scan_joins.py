"""Runs of a text that together may be an address: one that was broken by blanks or marks.

Two to six neighbouring runs, or any number of equal length but the last, are joined if the whole
has the length and the beginning of an address (or of a key) and, in base58, changes between small
letters, capitals and digits at least five times inside the runs: words and prices do not. At
least one run must change twice by itself; windows are tried around those only, each around the
first such run in it, so that none is tried twice. What fits goes to somebody who can compute
checksums.
"""

import numpy as np

from heuristics.columns import Int64Array, UInt8Array
from heuristics.jit import kernel
from heuristics.scan import (
    ALNUM,
    BASE58,
    CLASSES,
    HEX,
    JOINER,
    LOWER,
    PUNCTUATION,
    UPPER,
    is_address_start,
    is_key_start,
    witness_prefix,
)

MOST_PARTS = 6
"""Runs of different lengths that are joined."""

WIDEST_GAP = 3
"""Blanks and marks between two runs that belong together."""

LONGEST = 112
"""Letters of the longest thing that is looked for, an extended key."""

LEAST_CHANGES = 5

_MOST_EQUAL = 120
"""Runs of equal length that are looked at together."""


@kernel
def _next_run(codes: UInt8Array, stop: int) -> tuple[int, int]:
    """Return the run after one that ends at `stop`; (-1, -1) where none is near."""
    start = stop
    while start < len(codes) and start < stop + WIDEST_GAP:
        if not CLASSES[codes[start]] & (JOINER | PUNCTUATION):
            break
        start += 1
    last = start
    while last < len(codes) and last - start <= LONGEST and CLASSES[codes[last]] & ALNUM:
        last += 1
    return (-1, -1) if last == start or last - start > LONGEST else (start, last)


@kernel
def _run_before(codes: UInt8Array, start: int) -> tuple[int, int]:
    """Return the run before one that begins at `start`; (-1, -1) where none is near."""
    stop = start
    while stop > 0 and stop > start - WIDEST_GAP:
        if not CLASSES[codes[stop - 1]] & (JOINER | PUNCTUATION):
            break
        stop -= 1
    first = stop
    while first > 0 and stop - first <= LONGEST and CLASSES[codes[first - 1]] & ALNUM:
        first -= 1
    return (-1, -1) if first == stop or stop - first > LONGEST else (first, stop)


@kernel
def _may_be_whole(letters: UInt8Array, count: int, common: int, either: int, changes: int) -> bool:
    """Return whether joined letters have the beginning and the length of something sought.

    `common` holds the classes that all letters have, `either` those that any has. How often these
    change counts for base58 only, which may begin with any 1 or 3; other forms have a beginning of
    their own, and letters of one case that change less.
    """
    if common & BASE58 and changes >= LEAST_CHANGES:
        if is_address_start(int(letters[0]), count):
            return True
        if count > 30 and is_key_start(letters, 0, count):
            return True
    if count == 42 and letters[0] == 48 and letters[1] == 120:  # 0x
        for place in range(2, count):  # noqa: SIM110 - kernels know no generators
            if not CLASSES[letters[place]] & HEX:
                return False
        return True
    if count not in (42, 43, 44, 62, 63, 64) or (either & UPPER and either & LOWER):
        return False
    return witness_prefix(letters, 0, 1, 0) > 0


@kernel
def _append(codes: UInt8Array, start: int, stop: int, letters: UInt8Array, count: int) -> int:
    for place in range(start, stop):
        letters[count] = codes[place]
        count += 1
    return count


@kernel
def _changes(codes: UInt8Array, start: int, stop: int) -> int:
    """Return how often the class changes in a run; a capital before small letters is none."""
    changes = 0
    for place in range(start + 1, stop):
        if (CLASSES[codes[place]] ^ CLASSES[codes[place - 1]]) & ALNUM:
            changes += 1
    if stop - start > 1 and CLASSES[codes[start]] & UPPER and CLASSES[codes[start + 1]] & LOWER:
        changes -= 1
    return changes


@kernel
def _parts_around(
    codes: UInt8Array, start: int, stop: int, least: int, parts: Int64Array
) -> tuple[int, int]:
    """Fill `parts` with a run and its neighbours; return how many, and the place of the run.

    Up to five before it, none of which begins before `least`, and five after it.
    """
    before = MOST_PARTS - 1
    parts[before, 0], parts[before, 1] = start, stop
    first = before
    while first > 0:
        earlier, end = _run_before(codes, parts[first, 0])
        if earlier < least:
            break
        first -= 1
        parts[first, 0], parts[first, 1] = earlier, end
    count = before + 1
    while count < 2 * MOST_PARTS - 1:
        later, end = _next_run(codes, parts[count - 1, 1])
        if later < 0:
            break
        parts[count, 0], parts[count, 1] = later, end
        count += 1
    return first, count


@kernel
def _join_some(
    codes: UInt8Array,
    parts: Int64Array,
    first: int,
    count: int,
    letters: UInt8Array,
    found: Int64Array,
    written: int,
) -> int:
    """Write the windows of two to six parts, the run in the middle among them, that may be whole.

    Stops where `found` is full.
    """
    middle = MOST_PARTS - 1
    for begin in range(first, middle + 1):
        length, changes = 0, 0
        common, either = 255, 0
        for part in range(begin, min(begin + MOST_PARTS, count)):
            start, stop = parts[part, 0], parts[part, 1]
            if length + stop - start > LONGEST:
                break
            length = _append(codes, start, stop, letters, length)
            changes += _changes(codes, start, stop)
            for place in range(start, stop):
                common &= int(CLASSES[codes[place]])
                either |= int(CLASSES[codes[place]])
            if part < middle or part == begin or length < 26:
                continue
            if _may_be_whole(letters, length, common, either, changes):
                if written == len(found):
                    return written
                found[written, 0], found[written, 1] = parts[begin, 0], stop
                found[written, 2] = part - begin + 1
                written += 1
    return written


@kernel
def _equal_runs(codes: UInt8Array, start: int, stop: int, parts: Int64Array) -> int:
    """Fill `parts` with runs from `start` on, up to one that begins at `stop` or later."""
    parts[0, 0] = start
    end = start
    while end < len(codes) and CLASSES[codes[end]] & ALNUM:
        end += 1
    parts[0, 1] = end
    count = 1
    while count < len(parts):
        later, last = _next_run(codes, parts[count - 1, 1])
        if later < 0 or later >= stop:
            break
        parts[count, 0], parts[count, 1] = later, last
        count += 1
    return count


@kernel
def _join_equal(
    codes: UInt8Array,
    parts: Int64Array,
    count: int,
    letters: UInt8Array,
    found: Int64Array,
    written: int,
) -> int:
    """Write the windows of seven and more parts of equal length, but the last, that may be whole.

    Stops where `found` is full.
    """
    for begin in range(count):
        size = parts[begin, 1] - parts[begin, 0]
        length, changes = 0, 0
        common, either = 255, 0
        for part in range(begin, count):
            start, stop = parts[part, 0], parts[part, 1]
            if stop - start > size or length + stop - start > LONGEST:
                break
            last_kind = CLASSES[letters[length - 1]] if length else CLASSES[codes[start]]
            changes += (last_kind ^ CLASSES[codes[start]]) & ALNUM != 0
            length = _append(codes, start, stop, letters, length)
            changes += max(_changes(codes, start, stop), 0)
            for place in range(start, stop):
                common &= int(CLASSES[codes[place]])
                either |= int(CLASSES[codes[place]])
            enough = part - begin >= MOST_PARTS and length >= 26
            if enough and _may_be_whole(letters, length, common, either, changes):
                if written == len(found):
                    return written
                found[written, 0], found[written, 1] = parts[begin, 0], stop
                found[written, 2] = part - begin + 1
                written += 1
            if stop - start < size:
                break
    return written


@kernel
def _equal_neighbours(codes: UInt8Array, start: int, stop: int) -> tuple[int, int]:
    """Return where a row of runs as long as this one begins, and where the run after it ends."""
    size = stop - start
    first, last = start, stop
    for _ in range(_MOST_EQUAL // 4):
        earlier, end = _run_before(codes, first)
        if earlier < 0 or end - earlier != size:
            break
        first = earlier
    for _ in range(_MOST_EQUAL // 4):
        later, end = _next_run(codes, last)
        if later < 0:
            break
        last = end
        if end - later != size:
            break
    return first, last


@kernel
def find_joins(codes: UInt8Array, mixed: Int64Array, chains: Int64Array, found: Int64Array) -> int:
    """Write windows of runs that may be one address; return how many there are.

    As many as `found` has rows mean that there may be more.

    Parameters
    ----------
    codes
        One a character, as in `heuristics.scan`.
    mixed
        First character and one past the last of runs that change at least twice, in order.
    chains
        First character and one past the last of chains of very short runs, in order.
    found
        Receives first character, one past the last, and the number of runs.
    """
    letters = np.zeros(LONGEST + 1, dtype=np.uint8)
    parts = np.zeros((2 * MOST_PARTS - 1, 2), dtype=np.int64)
    many = np.zeros((_MOST_EQUAL, 2), dtype=np.int64)
    written = 0
    least, equal_until = 0, 0
    for row in range(len(mixed)):
        start, stop = mixed[row, 0], mixed[row, 1]
        first, count = _parts_around(codes, start, stop, least, parts)
        written = _join_some(codes, parts, first, count, letters, found, written)
        least = stop
        if 5 <= stop - start <= 16 and start >= equal_until:
            begin, end = _equal_neighbours(codes, start, stop)
            equal_until = end
            if end - begin > MOST_PARTS * (stop - start):
                count = _equal_runs(codes, begin, end, many)
                written = _join_equal(codes, many, count, letters, found, written)
        if written == len(found):
            return written
    for row in range(len(chains)):
        at = chains[row, 0]
        while at < chains[row, 1]:
            count = _equal_runs(codes, at, chains[row, 1], many)
            written = _join_equal(codes, many, count, letters, found, written)
            # A chain longer than what is looked at together is taken up again half-way.
            at = many[count // 2, 0] if count == len(many) else chains[row, 1]
    return written
