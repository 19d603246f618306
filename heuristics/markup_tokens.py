"""HTML as a row of tokens, in time linear in its bytes whatever they are.

The tokenizer follows the HTML standard (section 13.2.5) in what pages contain: tags with quoted
attributes, comments, raw text. Where a document ends inside a construct, a browser drops the rest;
here the rest becomes a comment, so that everything is in some token. A quotation mark that nothing
closes is taken for an ordinary character, because one forgotten mark must not swallow a page.

No search for an end is repeated once it has reached the end of the document in vain, which is what
keeps the time linear.
"""

import numpy as np

from heuristics.columns import Int32Array, Int64Array, UInt8Array
from heuristics.jit import kernel
from heuristics.markup_names import (
    ELEMENT_BITS,
    ELEMENT_NAMES,
    LONGEST_NAME,
    NAME_SYMBOLS,
    RAW,
)

TEXT, OPEN, CLOSE, COMMENT, RAW_TEXT = range(5)
"""Kinds of tokens."""


@kernel
def find_sorted(row: Int64Array, wanted: int) -> int:
    """Return the place of a number in an ascending row, or -1."""
    low, high = 0, len(row)
    while low < high:
        middle = (low + high) // 2
        if row[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(row) and row[low] == wanted else -1


@kernel
def is_letter(byte: int) -> bool:
    """Return whether a byte is an ASCII letter."""
    return 65 <= byte <= 90 or 97 <= byte <= 122


@kernel
def is_space(byte: int) -> bool:
    """Return whether a byte is white space in markup."""
    return byte == 32 or 9 <= byte <= 13


@kernel
def find_byte(data: UInt8Array, wanted: int, start: int, stop: int) -> int:
    """Return the next place of a byte before `stop`, or -1."""
    for i in range(start, stop):
        if data[i] == wanted:
            return i
    return -1


@kernel
def tag_end(data: UInt8Array, start: int, unclosed: Int64Array) -> int:
    """Return where the `>` of an opening tag stands whose name ends at `start`, or -1.

    `unclosed[0]` and `[1]` say from where on no double and no single quotation mark follows.
    """
    state = 0  # 1: after "=", 2: in a value without quotation marks
    i = start
    while i < len(data):
        byte = data[i]
        if byte == 62:
            return i
        if (byte == 34 or byte == 39) and state == 1:
            which = 0 if byte == 34 else 1
            state = 2
            if i < unclosed[which]:
                close = find_byte(data, byte, i + 1, len(data))
                if close < 0:
                    unclosed[which] = i
                else:
                    i = close
                    state = 0
        elif is_space(byte):
            if state == 2:
                state = 0
        elif byte == 61 and state == 0:
            state = 1
        elif state == 1:
            state = 2
        i += 1
    return -1


@kernel
def packed_name(data: UInt8Array, start: int) -> tuple[int, int]:
    """Return the name that begins at `start`, packed, and where it ends."""
    code = 0
    i = start
    while i < len(data):
        byte = data[i]
        if is_space(byte) or byte == 47 or byte == 62 or byte == 61:
            break
        if i - start < LONGEST_NAME:
            code = code * 64 + NAME_SYMBOLS[byte]
        i += 1
    return code, i


@kernel
def raw_end(data: UInt8Array, name: int, start: int) -> int:
    """Return where the closing tag of raw text begins, or the end of the document."""
    i = start
    while i + 1 < len(data):
        if data[i] == 60 and data[i + 1] == 47 and i + 2 < len(data) and is_letter(data[i + 2]):
            code = 0
            k = i + 2
            while k < len(data) and k < i + 2 + LONGEST_NAME and NAME_SYMBOLS[data[k]]:
                code = code * 64 + NAME_SYMBOLS[data[k]]
                k += 1
            if code == name and (k == len(data) or not NAME_SYMBOLS[data[k]]):
                return i
        i += 1
    return len(data)


@kernel
def comment_end(data: UInt8Array, start: int) -> int:
    """Return the end of a comment that begins with `<!--`, or of the document."""
    for i in range(start + 2, len(data) - 2):
        if data[i] == 45 and data[i + 1] == 45 and data[i + 2] == 62:
            return i + 3
    return len(data)


@kernel
def tokenize(
    data: UInt8Array,
    kind: UInt8Array,
    begin: Int32Array,
    name_end: Int32Array,
    tag: Int64Array,
) -> int:
    """Write the tokens of a document; return their number.

    Tokens touch: each ends where the next begins, the last at the end of the document. Where the
    arrays are full, the rest of the document is one last text.

    Parameters
    ----------
    data
        The document in UTF-8, or another encoding whose ASCII bytes are always ASCII characters.
    kind, begin
        Filled: what each token is and where it begins.
    name_end, tag
        Filled for tags: where the name ends, and the name, packed.
    """
    unclosed = np.full(2, len(data), np.int64)
    count = 0
    text = 0
    i = 0
    while i < len(data) and count + 4 <= len(kind):
        if data[i] != 60 or i + 1 >= len(data):
            i += 1
            continue
        after = data[i + 1]
        if is_letter(after):
            what, name_start = OPEN, i + 1
        elif after == 47 and i + 2 < len(data) and is_letter(data[i + 2]):
            what, name_start = CLOSE, i + 2
        elif after == 33 or after == 47 or after == 63:
            what, name_start = COMMENT, i + 2
        else:
            i += 1
            continue
        if text < i:
            kind[count] = TEXT
            begin[count] = text
            count += 1
        code, stop = 0, name_start
        if what != COMMENT:
            code, stop = packed_name(data, name_start)
        if what == OPEN:
            end = tag_end(data, stop, unclosed) + 1
        elif after == 33 and i + 3 < len(data) and data[i + 2] == 45 and data[i + 3] == 45:
            end = comment_end(data, i)
        else:
            end = find_byte(data, 62, stop, len(data)) + 1
        if end == 0:
            what, end = COMMENT, len(data)
        kind[count] = what
        begin[count] = i
        name_end[count] = stop
        tag[count] = code
        count += 1
        if what == OPEN:
            place = find_sorted(ELEMENT_NAMES, code)
            if place >= 0 and ELEMENT_BITS[place] & RAW:
                stop = raw_end(data, code, end)
                if stop > end:
                    kind[count] = RAW_TEXT
                    begin[count] = end
                    count += 1
                end = stop
        i = end
        text = end
    if text < len(data):
        kind[count] = TEXT
        begin[count] = text
        count += 1
    return count
