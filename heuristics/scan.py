"""Stretches of a text that may be addresses, by their letters and their length alone.

A text comes as one byte per character: ASCII as it is, everything else as one of the few codes
below. One pass cuts it into runs of letters and digits, almost all of which are words and numbers
and end there. A run of 25 or more, or one that begins like a segwit address, is looked at again
for every form that an address, a key or a transaction id can have; what fits becomes a row for
somebody who can compute checksums. A run in which small letters, capitals and digits change more
than words do may be a part of a broken address, and is kept for `heuristics.scan_joins`.

Every character is read a bounded number of times, whatever the text.
"""

from enum import IntEnum

import numpy as np

from heuristics.columns import Int64Array, UInt8Array
from heuristics.jit import kernel

DIGIT, UPPER, LOWER = 1, 2, 4
ALNUM = DIGIT | UPPER | LOWER
BASE58, HEX, JOINER, PUNCTUATION, DECORATION = 8, 16, 32, 64, 128

OTHER = 0x80
"""The code of a character outside ASCII that says nothing."""

INVISIBLE, BLANK, DASH, SIGN, LOOK_ALIKE, WIDE = 0x81, 0x82, 0x83, 0x84, 0x85, 0x86
"""Codes of characters outside ASCII that are used to hide addresses: zero-width ones, spaces,
hyphens, signs that stand for letters, letters that look like ASCII, and full-width ones."""

LONG = 25
"""Runs of so many letters and digits are looked at again."""

LONGEST_PART = 110
"""A part of a broken address is no longer."""


class Stretch(IntEnum):
    """What a stretch of text may be."""

    BASE58 = 1
    """Begins and is as long as an address in base58."""

    WITNESS = 2
    """Begins like a segwit address; the whole run."""

    ETHEREUM = 3
    """`0x` and 40 hexadecimal digits."""

    HASH = 4
    """64 hexadecimal digits."""

    CASH = 5
    """42 characters that begin with q or p, as Bitcoin Cash writes addresses."""

    KEY = 6
    """As long as a private or extended key, and begins like one."""

    REVERSED_BASE58 = 7
    REVERSED_WITNESS = 8
    REVERSED_ETHEREUM = 9
    HEX_TEXT = 10
    """Hexadecimal digits that spell letters and digits, the first as an address has it."""

    ROTATED_BASE58 = 11
    """What rot13 may have made of an address in base58."""

    ROTATED_WITNESS = 12
    ROTATED_ETHEREUM = 13
    BASE64 = 14
    """Could be base64 of ASCII."""

    BARE_ETHEREUM = 15
    """40 hexadecimal digits after an x that does not follow a zero."""

    DECORATED = 16
    """Letters and digits with brackets or signs among them."""

    CHAIN = 17
    """Seven or more very short runs in a row that change like an address."""

    SOLANA = 18
    """As long as 32 bytes in base58 may be."""

    MISREAD = 19
    """A run as long as an address, whose letters may be misread."""

    HINT = 20
    """A short run that is no word, after dots, stars or a word as in "ends in"."""


def _classes() -> UInt8Array:
    classes = np.zeros(256, dtype=np.uint8)
    base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    for code in range(128):
        letter = chr(code)
        if letter.isalnum():
            classes[code] = DIGIT if letter.isdigit() else UPPER if letter.isupper() else LOWER
            classes[code] |= BASE58 if letter in base58 else 0
            classes[code] |= HEX if letter in "0123456789abcdefABCDEF" else 0
        elif letter in " \t\r\n-":
            classes[code] = JOINER
        elif letter in "._*/\\,~+'\"":
            classes[code] = PUNCTUATION
        elif letter in "@$!|[](){}<>":
            classes[code] = DECORATION
    classes[[BLANK, DASH]] = JOINER
    classes[SIGN] = DECORATION
    return classes


CLASSES = _classes()
"""What each code is: the sum of the constants above."""


def _symbols() -> UInt8Array:
    symbols = np.zeros(256, dtype=np.uint8)
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    symbols[list(letters)] = np.arange(len(letters))
    return symbols


_BASE64 = _symbols()


@kernel
def is_address_start(first: int, length: int) -> bool:
    """Return whether an address in base58 may begin with that letter and be so long."""
    if 26 <= length <= 35:
        if first in (49, 51, 109, 110, 50):  # 1 3 m n 2
            return True
        if first in (76, 77) and 33 <= length <= 34:  # L M
            return True
        return first == 84 and length == 34  # T
    return (length in (95, 106)) and first in (52, 56)  # 4 8


@kernel
def is_key_start(codes: UInt8Array, start: int, length: int) -> bool:
    """Return whether `length` base58 letters from `start` may be a private or extended key."""
    first = int(codes[start])
    if length == 51:
        return first in (53, 57)  # 5 9
    if length == 52:
        return first in (75, 76, 99)  # K L c
    if length == 58:
        return first == 54 and int(codes[start + 1]) == 80  # 6P
    if length in (26, 30):
        return first == 83  # S
    if length not in (111, 112) or codes[start + 1] != 112:  # p
        return False
    second, third = int(codes[start + 2]), int(codes[start + 3])
    return (second == 117 and third == 98) or (second == 114 and third == 118)  # ub, rv


@kernel
def witness_prefix(codes: UInt8Array, start: int, step: int, rotation: int) -> int:
    """Return how long the prefix of a segwit address is, with its `1`; 0 where there is none.

    Letters are read from `start` in direction `step`, and moved by `rotation` places in the
    alphabet first. Five letters must be there.
    """
    moved = np.zeros(5, dtype=np.int64)
    for place in range(5):
        code = int(codes[start + step * place]) | 32
        if rotation and 97 <= code <= 122:
            code = 97 + (code - 97 + rotation) % 26
        moved[place] = code
    if moved[1] == 99 and moved[2] == 49 and moved[0] == 98:  # bc1
        return 3
    if moved[1] == 98 and moved[2] == 49 and moved[0] == 116:  # tb1
        return 3
    if moved[0] == 108 and moved[1] == 116 and moved[2] == 99 and moved[3] == 49:  # ltc1
        return 4
    if moved[0] == 98 and moved[1] == 99 and moved[2] == 114 and moved[3] == 116:  # bcrt1
        return 5 if moved[4] == 49 else 0
    return 0


@kernel
def _may_be_hex_text(codes: UInt8Array, start: int, stop: int) -> bool:
    """Return whether hexadecimal digits spell letters and digits only, as far as halves tell."""
    if (stop - start) % 2 or not 52 <= stop - start <= 220:
        return False
    for place in range(start, stop, 2):  # noqa: SIM110 - kernels know no generators
        if not 51 <= codes[place] <= 55:  # the first half of a letter or digit: 3 to 7
            return False
    return True


@kernel
def _may_be_base64(codes: UInt8Array, start: int, stop: int) -> bool:
    """Return whether a run is base64 of ASCII: no byte of it has its highest bit set."""
    if not 35 <= stop - start <= 2_000:
        return False
    for place in range(start, stop):
        symbol = _BASE64[codes[place]]
        turn = (place - start) % 4
        if (turn == 0 and symbol & 32) or (turn == 1 and symbol & 8) or (turn == 2 and symbol & 2):
            return False
    return True


@kernel
def _may_be_rotated(codes: UInt8Array, start: int, stop: int) -> bool:
    """Return whether rot13 may have made a run of an address in base58."""
    for place in range(start, stop):  # noqa: SIM110 - as above
        if codes[place] in (48, 86, 121, 66):  # 0, and V y B, which stand for I l O
            return False
    return True


@kernel
def _all_hex(codes: UInt8Array, start: int, stop: int, rotated: bool) -> bool:
    for place in range(start, stop):
        code = int(codes[place]) | 32
        if rotated and 97 <= code <= 122:
            code = 97 + (code - 97 + 13) % 26
        if not (48 <= codes[place] <= 57 or 97 <= code <= 102):
            return False
    return True


@kernel
def _is_hex_at(codes: UInt8Array, place: int) -> bool:
    """Return whether a hexadecimal digit stands at a place, which may lie outside."""
    return 0 <= place < len(codes) and bool(CLASSES[codes[place]] & HEX)


@kernel
def _after_an_x(codes: UInt8Array, start: int) -> bool:
    """Return whether an x stands before `start`, at most three blanks or marks between."""
    place = start - 1
    while place >= 0 and place >= start - 4 and CLASSES[codes[place]] & (JOINER | PUNCTUATION):
        place -= 1
    return place >= 0 and codes[place] | 32 == 120


@kernel
def _write(rows: Int64Array, count: int, what: int, start: int, stop: int) -> int:
    rows[count, 0], rows[count, 1], rows[count, 2] = what, start, stop
    return count + 1


@kernel
def _look_at_base58(codes: UInt8Array, start: int, stop: int, rows: Int64Array, count: int) -> int:
    """Write what a whole run of base58 letters may be."""
    length = stop - start
    if is_address_start(int(codes[start]), length):
        count = _write(rows, count, Stretch.BASE58, start, stop)
    elif is_key_start(codes, start, length):
        count = _write(rows, count, Stretch.KEY, start, stop)
    if is_address_start(int(codes[stop - 1]), length):
        count = _write(rows, count, Stretch.REVERSED_BASE58, start, stop)
    if 32 <= length <= 44:
        count = _write(rows, count, Stretch.SOLANA, start, stop)
    return count


@kernel
def _look_at_hex(codes: UInt8Array, start: int, stop: int, rows: Int64Array, count: int) -> int:
    """Write what a whole run of hexadecimal digits may be."""
    length = stop - start
    has_prefix = start >= 2 and codes[start - 1] == 120 and codes[start - 2] == 48
    if length == 64:
        count = _write(rows, count, Stretch.HASH, start, stop)
    elif length == 40 and not has_prefix and _after_an_x(codes, start):
        count = _write(rows, count, Stretch.BARE_ETHEREUM, start, stop)
    elif length == 40 and has_prefix and not _is_hex_at(codes, start - 3):
        count = _write(rows, count, Stretch.ETHEREUM, start - 2, stop)
    has_suffix = stop + 1 < len(codes) and codes[stop] == 120 and codes[stop + 1] == 48
    if length == 40 and has_suffix and not _is_hex_at(codes, stop + 2):
        count = _write(rows, count, Stretch.REVERSED_ETHEREUM, start, stop + 2)
    if _may_be_hex_text(codes, start, stop):
        count = _write(rows, count, Stretch.HEX_TEXT, start, stop)
    return count


@kernel
def _look_at_run(codes: UInt8Array, start: int, stop: int, rows: Int64Array, count: int) -> int:
    """Write what a whole long run of letters and digits may be."""
    length = stop - start
    first = int(codes[start])
    if witness_prefix(codes, start, 1, 0):
        return _write(rows, count, Stretch.WITNESS, start, stop)
    if witness_prefix(codes, stop - 1, -1, 0):
        count = _write(rows, count, Stretch.REVERSED_WITNESS, start, stop)
    if witness_prefix(codes, start, 1, 13):
        count = _write(rows, count, Stretch.ROTATED_WITNESS, start, stop)
    if length == 42 and first | 32 in (112, 113):  # p q
        count = _write(rows, count, Stretch.CASH, start, stop)
    is_rotated = length == 42 and first == 48 and codes[start + 1] | 32 == 107  # 0k
    if is_rotated and _all_hex(codes, start + 2, stop, True):
        count = _write(rows, count, Stretch.ROTATED_ETHEREUM, start, stop)
    if length <= 35 and first in (49, 51) and _may_be_rotated(codes, start, stop):
        count = _write(rows, count, Stretch.ROTATED_BASE58, start, stop)
    if _may_be_base64(codes, start, stop):
        count = _write(rows, count, Stretch.BASE64, start, stop)
    if (26 <= length <= 44 or length == 62) and not _all_hex(codes, start, stop, False):
        count = _write(rows, count, Stretch.MISREAD, start, stop)
    return count


@kernel
def _look_at_long(codes: UInt8Array, start: int, stop: int, rows: Int64Array, count: int) -> int:
    """Write what a long run, or parts of it, may be."""
    count = _look_at_run(codes, start, stop, rows, count)
    base58_start = start
    hex_start = start
    for place in range(start, stop + 1):
        kind = CLASSES[codes[place]] if place < stop else 0
        if not kind & BASE58:
            if place - base58_start > LONG:
                count = _look_at_base58(codes, base58_start, place, rows, count)
            base58_start = place + 1
        if not kind & HEX:
            if place - hex_start >= 40:
                count = _look_at_hex(codes, hex_start, place, rows, count)
            hex_start = place + 1
    return count


@kernel
def _is_bracket(code: int) -> bool:
    return code in (40, 41, 60, 62, 91, 93, 123, 125)  # ( ) < > [ ] { }


@kernel
def _belongs(codes: UInt8Array, place: int, beside: int) -> bool:
    """Return whether a character is a letter, a digit, a sign, or a dot beside a bracket."""
    if codes[place] == 46:
        return _is_bracket(int(codes[beside]))
    return bool(CLASSES[codes[place]] & (ALNUM | DECORATION))


@kernel
def _decorated(codes: UInt8Array, start: int, stop: int) -> tuple[int, int]:
    """Return the letters, digits and signs around a run, at most 160 to each side.

    Brackets at both ends are left out.
    """
    first, last = start, stop
    while first > 0 and first > start - 160 and _belongs(codes, first - 1, first):
        first -= 1
    while last < len(codes) and last < stop + 160 and _belongs(codes, last, last - 1):
        last += 1
    while _is_bracket(int(codes[first])) or codes[first] == 46:
        first += 1
    while _is_bracket(int(codes[last - 1])) or codes[last - 1] == 46:
        last -= 1
    return first, last


@kernel
def _is_hinted_at(codes: UInt8Array, start: int) -> bool:
    """Return whether dots or stars, or the end of "in", "with", "is" or "letters", stand before."""
    if start < 4:
        return False
    before = codes[start - 1]
    if before in (42, 46) and codes[start - 2] == before:  # * .
        return True
    place = start - 1
    while place > start - 5 and not CLASSES[codes[place]] & ALNUM:
        place -= 1
    if place == start - 1 or place < 1:
        return False
    first, last = int(codes[place - 1]) | 32, int(codes[place]) | 32
    if last == 110:  # in, on
        return first in (105, 111)
    if last == 115:  # is, characters, digits, symbols
        return first in (105, 114, 116, 108)
    return (first == 116 and last == 104) or (first == 114 and last == 101)  # with, are


@kernel
def find_stretches(codes: UInt8Array, rows: Int64Array, mixed: Int64Array) -> tuple[int, int]:
    """Write the stretches of a text and the runs that may be parts; return how many of each.

    Parameters
    ----------
    codes
        One a character, as said above.
    rows
        Receives what (`Stretch`), first character, one past the last. Needs `len(codes) // 2 + 64`
        rows.
    mixed
        Receives first character and one past the last of runs that change like addresses, in
        order. Needs as many.
    """
    count, mixed_count = 0, 0
    size = len(codes)
    decorated_until = 0
    # A chain of very short runs: where it began, how many, letters, changes, where it stands.
    chain_start, chain_runs, chain_letters, chain_changes, chain_stop = 0, 0, 0, 0, -9
    chain_last = 0
    place = 0
    while place < size:
        kind = CLASSES[codes[place]]
        if not kind & ALNUM:
            place += 1
            continue
        start = place
        previous = kind & ALNUM
        changes = 0
        first_kind = previous
        place += 1
        while place < size:
            kind = CLASSES[codes[place]] & ALNUM
            if not kind:
                break
            if kind != previous:
                changes += 1
                previous = kind
            place += 1
        length = place - start
        if length > 1 and first_kind == UPPER and CLASSES[codes[start + 1]] & LOWER:
            changes -= 1
        if length <= 4:
            near = 0 < start - chain_stop <= 3
            if near:
                for between in range(chain_stop, start):
                    near = near and CLASSES[codes[between]] & (JOINER | PUNCTUATION) != 0
            if not near:
                if chain_runs >= 7 and chain_letters >= 26 and chain_changes >= 8:
                    count = _write(rows, count, Stretch.CHAIN, chain_start, chain_stop)
                chain_start, chain_runs, chain_letters, chain_changes = start, 0, 0, 0
                chain_last = first_kind
            chain_runs += 1
            chain_letters += length
            chain_changes += changes + (first_kind != chain_last)
            chain_last = previous
            chain_stop = place
        if length >= LONG:
            count = _look_at_long(codes, start, place, rows, count)
        elif length >= 14 and witness_prefix(codes, start, 1, 0):
            count = _write(rows, count, Stretch.WITNESS, start, place)
        if changes and 3 <= length <= 20 and _is_hinted_at(codes, start):
            count = _write(rows, count, Stretch.HINT, start, place)
        if changes < 2:
            continue
        if length <= LONGEST_PART:
            mixed[mixed_count, 0], mixed[mixed_count, 1] = start, place
            mixed_count += 1
        if place > decorated_until and (
            (start > 0 and CLASSES[codes[start - 1]] & DECORATION)
            or (place < size and CLASSES[codes[place]] & DECORATION)
        ):
            first, last = _decorated(codes, start, place)
            decorated_until = last
            if 26 <= last - first <= 140 and (first < start or last > place):
                count = _write(rows, count, Stretch.DECORATED, first, last)
    if chain_runs >= 7 and chain_letters >= 26 and chain_changes >= 8:
        count = _write(rows, count, Stretch.CHAIN, chain_start, chain_stop)
    return count, mixed_count
