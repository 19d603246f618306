"""Characters of a text in UTF-8, each replaced by what a table says."""

import numpy as np

from heuristics.columns import Int32Array, UInt8Array, UInt32Array
from heuristics.jit import kernel

SPECIAL = 0xFFFF_FFFF
"""In a table: what becomes of this character depends on what stands beside it."""


@kernel
def map_characters(
    utf8: UInt8Array,
    at: Int32Array,
    until: Int32Array,
    table: UInt32Array,
    code: UInt32Array,
    first: Int32Array,
    last: Int32Array,
    place: Int32Array,
    is_special: UInt8Array,
) -> tuple[int, int]:
    """Write the characters of a text; return how many they are, and how many are special.

    Parameters
    ----------
    utf8
        The text, well-formed.
    at, until
        Where the source of each byte begins and ends.
    table
        What becomes of each character that it has an entry for; others are special.
    code, first, last, place, is_special
        Filled, with room for a character a byte: the new character (the old one where it is
        special), where its source begins and ends, its place in `utf8`, and whether it is special;
        the last is all 0 before.
    """
    count = 0
    special = 0
    i = 0
    while i < len(utf8):
        lead = utf8[i]
        if lead < 0x80:
            code[count] = lead
            length = 1
        else:
            length = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            number = np.int64(lead) & (0xFF >> (length + 1))
            for k in range(1, length):
                number = number * 64 + (utf8[i + k] & 0x3F)
            code[count] = number
            if number >= len(table) or table[number] == SPECIAL:
                is_special[count] = 1
                special += 1
            else:
                code[count] = table[number]
        first[count] = at[i]
        last[count] = until[i + length - 1]
        place[count] = i
        count += 1
        i += length
    return count, special
