"""Entities of HTML: `&amp;`, `&#8203;`, `&#x41;`."""

import numpy as np

from heuristics.columns import Int64Array, UInt8Array
from heuristics.jit import kernel
from heuristics.markup_names import (
    ENTITY_CODES,
    ENTITY_NAMES,
    ENTITY_SYMBOLS,
    LONGEST_NAME,
    LONGEST_OLD_ENTITY,
    OLD_ENTITY_CODES,
    OLD_ENTITY_NAMES,
)
from heuristics.markup_tokens import find_sorted

REPLACEMENT = 0xFFFD
"""Stands for what is no character."""

WINDOWS_CODES: Int64Array = np.array(
    [ord(bytes([byte]).decode("cp1252", "replace")) for byte in range(0x80, 0xA0)], np.int64
)
"""What pages mean by the numbers 128 to 159, which are control characters."""

_DIGITS = np.full(256, 16, np.int64)
for _value, _digit in enumerate("0123456789abcdef"):
    _DIGITS[ord(_digit)] = _value
    _DIGITS[ord(_digit.upper())] = _value
HEXADECIMAL: Int64Array = _DIGITS
"""For each byte its value as a hexadecimal digit; 16 for what is none."""

MOST_DIGITS = 16
"""Of a number in an entity; one of more digits is no character in any case."""


@kernel
def numbered(data: UInt8Array, start: int, stop: int) -> tuple[int, int]:
    """Read a number that begins at `start`, after `&#`; return the character and where it ends.

    Returns -1 and `start` where no number stands there.
    """
    i = start
    base = 10
    if i < stop and (data[i] == 120 or data[i] == 88):
        base = 16
        i += 1
    first = i
    code = 0
    while i < stop and i - first < MOST_DIGITS and HEXADECIMAL[data[i]] < base:
        if code <= 0x10FFFF:
            code = code * base + HEXADECIMAL[data[i]]
        i += 1
    if i == first:
        return -1, start
    if i < stop and data[i] == 59:
        i += 1
    if 0x80 <= code < 0xA0:
        code = WINDOWS_CODES[code - 0x80]
    if code == 0 or code > 0x10FFFF or 0xD800 <= code < 0xE000:
        code = REPLACEMENT
    return code, i


@kernel
def entity(data: UInt8Array, start: int, stop: int) -> tuple[int, int]:
    """Read an entity whose `&` stands at `start`; return its character and where it ends.

    Returns -1 and `start` where none stands there.
    """
    i = start + 1
    if i < stop and data[i] == 35:
        code, end = numbered(data, i + 1, stop)
        return (code, end) if code >= 0 else (-1, start)
    name = 0
    old, old_end = -1, start
    while i < stop and i - start <= LONGEST_NAME and ENTITY_SYMBOLS[data[i]]:
        name = name * 64 + ENTITY_SYMBOLS[data[i]]
        i += 1
        if i - start - 1 <= LONGEST_OLD_ENTITY:
            place = find_sorted(OLD_ENTITY_NAMES, name)
            if place >= 0:
                old, old_end = OLD_ENTITY_CODES[place], i
    if i < stop and data[i] == 59:
        place = find_sorted(ENTITY_NAMES, name)
        if place >= 0:
            return ENTITY_CODES[place], i + 1
    return old, old_end
