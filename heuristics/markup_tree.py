"""From tokens to elements and to what a page displays, in one pass.

Elements nest as a browser would nest them where pages are written with some care: elements
without content, closing tags that are left out (`p`, `li`, `td`, `tr`, `option`, `dt`, `dd`), and
closing tags that nothing opened. What a browser does with crossed inline elements is not done: a
closing tag of an inline element that would end a block is passed over.

The text is written twice into one buffer: what is displayed from the front, and what is not (the
content of hidden elements, comments, scripts, values of attributes) from the back. So whatever
stands between two displayed halves of an address does not keep them apart. White space becomes one
space, or as many line ends as it had, at most two; a block begins and ends a line.
"""

import numpy as np

from heuristics.columns import Int32Array, Int64Array, UInt8Array
from heuristics.jit import kernel
from heuristics.markup_attributes import attributes_hide, next_attribute, scheme_of
from heuristics.markup_entities import entity
from heuristics.markup_names import (
    BLOCK,
    BODY,
    CELL,
    CHOICE,
    DEFINITION,
    DEFINITIONS,
    ELEMENT_BITS,
    ELEMENT_NAMES,
    ENTITIES,
    GROUP,
    HREF,
    INPUT,
    KEEPS_SPACE,
    LI,
    LINE_BREAK,
    LINK_SCHEMES,
    LIST,
    OPTION,
    OTHER_ATTRIBUTES,
    ROW,
    SECTION,
    SHORTEST_OTHER_VALUE,
    TABLE,
    TEXT_ATTRIBUTES,
    UNSEEN,
    VALUE,
    VOID,
    P,
)
from heuristics.markup_tokens import (
    CLOSE,
    COMMENT,
    OPEN,
    RAW_TEXT,
    TEXT,
    find_sorted,
    is_space,
)

DEEPEST = 256
"""Elements that hold one another; what lies deeper counts as content of the last of them."""

MOST_LINES = 2

COUNT, LINES, SOURCE_LINES, SPACE, SPACE_AT, FIELDS = range(6)
"""What is known of a text while it is written: its length, then the white space that is due: line
ends by elements, line ends in the source, any at all, and where it began."""

SHOWN, UNSHOWN = 0, 1

HIDES, IS_HIDDEN = 1, 2
"""Marks of an element: it hides its content; it is hidden, by itself or by what holds it."""

_BUCKETS = 256


@kernel
def write(
    text: int,
    byte: int,
    begin: int,
    end: int,
    out: UInt8Array,
    at: Int32Array,
    until: Int32Array,
    state: Int64Array,
) -> None:
    """Write one byte to a text, with the stretch of the source that it was made of."""
    place = state[text, COUNT]
    state[text, COUNT] = place + 1
    if text == UNSHOWN:
        place = len(out) - 1 - place
    out[place] = byte
    at[place] = begin
    until[place] = end


@kernel
def write_due_space(
    text: int, out: UInt8Array, at: Int32Array, until: Int32Array, state: Int64Array
) -> None:
    """Write the white space that is due; none at the very beginning."""
    if state[text, SPACE] and state[text, COUNT] > 0:
        begin = state[text, SPACE_AT]
        lines = max(state[text, LINES], state[text, SOURCE_LINES])
        if lines == 0:
            write(text, 32, begin, begin + 1, out, at, until, state)
        for _ in range(min(lines, MOST_LINES)):
            write(text, 10, begin, begin + 1, out, at, until, state)
    state[text, LINES] = 0
    state[text, SOURCE_LINES] = 0
    state[text, SPACE] = 0


@kernel
def owe_space(text: int, lines: int, begin: int, state: Int64Array) -> None:
    """Note that white space is due, with at least so many line ends."""
    if not state[text, SPACE]:
        state[text, SPACE] = 1
        state[text, SPACE_AT] = begin
    state[text, LINES] = max(state[text, LINES], lines)


@kernel
def write_character(
    text: int,
    code: int,
    begin: int,
    end: int,
    out: UInt8Array,
    at: Int32Array,
    until: Int32Array,
    state: Int64Array,
) -> None:
    """Write a character in UTF-8."""
    if code < 0x80:
        write(text, code, begin, end, out, at, until, state)
        return
    if code < 0x800:
        write(text, 0xC0 | code >> 6, begin, end, out, at, until, state)
    else:
        if code < 0x10000:
            write(text, 0xE0 | code >> 12, begin, end, out, at, until, state)
        else:
            write(text, 0xF0 | code >> 18, begin, end, out, at, until, state)
            write(text, 0x80 | code >> 12 & 0x3F, begin, end, out, at, until, state)
        write(text, 0x80 | code >> 6 & 0x3F, begin, end, out, at, until, state)
    write(text, 0x80 | code & 0x3F, begin, end, out, at, until, state)


@kernel
def write_run(
    data: UInt8Array,
    start: int,
    stop: int,
    text: int,
    out: UInt8Array,
    at: Int32Array,
    until: Int32Array,
    state: Int64Array,
) -> int:
    """Copy bytes up to the next white space or `&`, at least one; return where they end."""
    count = state[text, COUNT]
    place, step = (count, 1) if text == SHOWN else (len(out) - 1 - count, -1)
    i = start
    while True:
        out[place] = data[i]
        at[place] = i
        i += 1
        until[place] = i
        place += step
        if i >= stop or data[i] == 38 or data[i] <= 32:
            break
    state[text, COUNT] = count + i - start
    return i


@kernel
def write_text(
    data: UInt8Array,
    start: int,
    stop: int,
    text: int,
    reads_entities: bool,
    keeps_space: bool,
    out: UInt8Array,
    at: Int32Array,
    until: Int32Array,
    state: Int64Array,
) -> None:
    """Copy a stretch of the source to a text."""
    i = start
    while i < stop:
        byte = data[i]
        if is_space(byte) and not keeps_space:
            if not state[text, SPACE]:
                state[text, SPACE] = 1
                state[text, SPACE_AT] = i
            if byte == 10:
                state[text, SOURCE_LINES] += 1
            i += 1
            continue
        if state[text, SPACE]:
            write_due_space(text, out, at, until, state)
        if byte == 38 and reads_entities:
            code, end = entity(data, i, stop)
            if code >= 0:
                write_character(text, code, i, end, out, at, until, state)
                i = end
                continue
        if byte == 13:  # here only where white space is kept
            i += 1
        else:
            i = write_run(data, i, stop, text, out, at, until, state)


@kernel
def is_shown_value(data: UInt8Array, tag: int, name: int, value: int, end: int, text: int) -> bool:
    """Return whether an attribute's value is displayed: of an input field, or a payment link."""
    if text != SHOWN:
        return False
    if name == VALUE:
        return tag == INPUT
    return name == HREF and find_sorted(LINK_SCHEMES, scheme_of(data, value, end)) >= 0


@kernel
def is_read_value(data: UInt8Array, name: int, value: int, end: int) -> bool:
    """Return whether an attribute's value is copied at all. Embedded files (`data:`) are not."""
    if value == end or find_sorted(OTHER_ATTRIBUTES, name) >= 0:
        return False
    if find_sorted(TEXT_ATTRIBUTES, name) < 0 and end - value < SHORTEST_OTHER_VALUE:
        return False
    return not (
        end - value > 5
        and (data[value] | 32) == 100
        and (data[value + 1] | 32) == 97
        and (data[value + 2] | 32) == 116
        and (data[value + 3] | 32) == 97
        and data[value + 4] == 58
    )


@kernel
def write_attributes(
    data: UInt8Array,
    tag: int,
    start: int,
    stop: int,
    text: int,
    out: UInt8Array,
    at: Int32Array,
    until: Int32Array,
    state: Int64Array,
) -> None:
    """Copy the values of a tag's attributes: those displayed among the text, others apart."""
    i = start
    while i < stop:
        name, found, value, end, i = next_attribute(data, i, stop)
        if found >= stop:
            break
        if is_shown_value(data, tag, name, value, end, text):
            owe_space(SHOWN, 0, start, state)
            write_text(data, value, end, SHOWN, True, False, out, at, until, state)
            owe_space(SHOWN, 0, end, state)
        elif is_read_value(data, name, value, end):
            owe_space(UNSHOWN, 1, found, state)
            write_text(data, value, end, UNSHOWN, True, False, out, at, until, state)
            owe_space(UNSHOWN, 1, end, state)


@kernel
def ended_by(bits: int) -> tuple[int, int]:
    """Return which elements an opening tag ends, and within which it looks no further."""
    if bits & LI:
        return LI, LIST | TABLE | CELL
    if bits & DEFINITION:
        return DEFINITION, DEFINITIONS | TABLE | CELL
    if bits & OPTION:
        return OPTION, CHOICE | GROUP
    if bits & GROUP:
        return OPTION | GROUP, CHOICE
    if bits & CELL:
        return CELL, TABLE | ROW
    if bits & ROW:
        return CELL | ROW, TABLE | SECTION
    if bits & SECTION:
        return CELL | ROW | SECTION, TABLE
    return 0, 0


@kernel
def depth_after_opening(depth: int, bits: int, open_bits: Int64Array) -> int:
    """Return how many elements stay open when a tag opens that may end some."""
    ended, barrier = ended_by(bits)
    if ended:
        kept = depth
        for level in range(depth - 1, 0, -1):
            if open_bits[level] & barrier:
                break
            if open_bits[level] & ended:
                kept = level
        depth = kept
    if bits & BLOCK and not bits & LINE_BREAK:
        for level in range(depth - 1, 0, -1):
            if open_bits[level] & P:
                return level
            if open_bits[level] & BLOCK:
                break
    return depth


@kernel
def depth_after_closing(
    depth: int, tag: int, bits: int, open_tag: Int64Array, open_bits: Int64Array
) -> int:
    """Return how many elements stay open after a closing tag; all of them if it closes none."""
    table_part = bits & (CELL | ROW | SECTION | TABLE | BODY)
    for level in range(depth - 1, 0, -1):
        if open_tag[level] == tag:
            return level
        if open_bits[level] & BODY:
            break
        if open_bits[level] & (CELL | TABLE) and not table_part:
            break
        if open_bits[level] & TABLE and not bits & (TABLE | BODY):
            break
        if open_bits[level] & BLOCK and not bits & BLOCK:
            break
    return depth


@kernel
def build(
    data: UInt8Array,
    kind: UInt8Array,
    begin: Int32Array,
    name_end: Int32Array,
    tag: Int64Array,
    out: UInt8Array,
    at: Int32Array,
    until: Int32Array,
    parent: Int32Array,
    token: Int32Array,
    span: Int32Array,
    mark: UInt8Array,
) -> tuple[int, int, int]:
    """Write elements and texts; return the number of elements and the lengths of both texts.

    Parameters
    ----------
    data, kind, begin, name_end, tag
        The document and its tokens; `begin` has one entry more, the document's length.
    out, at, until
        Filled: the displayed text in UTF-8 from the front and the other one from the back, in
        reverse; for each byte the stretch of the source that it was made of. As long as the
        document and a few bytes.
    parent, token, mark
        Filled for each element: the element that holds it, its opening tag, its marks. Element 0
        is the document; elements stand in the order of their opening tags.
    span
        Filled for each element: where its content ends, where it ends (in the document), and the
        first and last place of its text (in the text that its mark `IS_HIDDEN` says).
    """
    state = np.zeros((2, FIELDS), np.int64)
    open_element = np.zeros(DEEPEST, np.int64)
    open_tag = np.zeros(DEEPEST, np.int64)
    open_bits = np.zeros(DEEPEST, np.int64)
    opened = np.zeros(_BUCKETS, np.int64)
    parent[0] = -1
    token[0] = -1
    mark[0] = 0
    span[0, 0] = len(data)
    span[0, 1] = len(data)
    span[0, 2] = 0
    open_bits[0] = BODY
    elements = 1
    depth = 1
    too_deep = 0
    raw_bits = 0
    raw_text = 0
    for t in range(len(kind)):
        what = kind[t]
        start, stop = begin[t], begin[t + 1]
        holder = open_element[depth - 1]
        text = UNSHOWN if mark[holder] & IS_HIDDEN else SHOWN
        if what == TEXT:
            keeps = False
            for level in range(depth - 1, 0, -1):
                if open_bits[level] & KEEPS_SPACE:
                    keeps = True
                if open_bits[level] & BLOCK:
                    break
            write_text(data, start, stop, text, True, keeps, out, at, until, state)
            continue
        if what == RAW_TEXT:
            keeps = raw_bits & KEEPS_SPACE != 0
            reads = raw_bits & ENTITIES != 0
            write_text(data, start, stop, raw_text, reads, keeps, out, at, until, state)
            owe_space(raw_text, 1, stop, state)
            continue
        if what == COMMENT:
            owe_space(UNSHOWN, 1, start, state)
            # Without its first byte, in whose place the line end before it is written.
            write_text(data, start + 1, stop, UNSHOWN, False, False, out, at, until, state)
            owe_space(UNSHOWN, 1, stop, state)
            continue
        place = find_sorted(ELEMENT_NAMES, tag[t])
        bits = ELEMENT_BITS[place] if place >= 0 else 0
        bucket = tag[t] % _BUCKETS
        if what == CLOSE and too_deep:
            too_deep -= 1
            continue
        kept = depth
        if what == OPEN:
            kept = depth_after_opening(depth, bits, open_bits)
        elif opened[bucket]:
            kept = depth_after_closing(depth, tag[t], bits, open_tag, open_bits)
        for level in range(depth - 1, kept - 1, -1):
            element = open_element[level]
            own = UNSHOWN if mark[element] & IS_HIDDEN else SHOWN
            closes = what == CLOSE and level == kept
            span[element, 0] = start
            span[element, 1] = stop if closes else start
            span[element, 3] = state[own, COUNT]
            opened[open_tag[level] % _BUCKETS] -= 1
            if open_bits[level] & BLOCK or mark[element] & HIDES:
                owe_space(own, 1, start, state)
        depth = kept
        if what == CLOSE:
            continue
        holder = open_element[depth - 1]
        hides = bits & UNSEEN != 0 or attributes_hide(data, tag[t], name_end[t], stop - 1)
        marks = mark[holder] & IS_HIDDEN
        if hides:
            marks = HIDES | IS_HIDDEN
        text = UNSHOWN if marks & IS_HIDDEN else SHOWN
        if bits & LINE_BREAK:
            owe_space(text, 0, start, state)
            state[text, LINES] += 1
        elif bits & BLOCK or hides:
            owe_space(text, 1, start, state)
        write_attributes(data, tag[t], name_end[t], stop - 1, text, out, at, until, state)
        parent[elements] = holder
        token[elements] = t
        mark[elements] = marks
        span[elements, 0] = stop
        span[elements, 1] = stop
        span[elements, 2] = state[text, COUNT]
        span[elements, 3] = state[text, COUNT]
        raw_bits, raw_text = bits, text
        if not bits & VOID:
            if depth < DEEPEST:
                open_element[depth] = elements
                open_tag[depth] = tag[t]
                open_bits[depth] = bits
                opened[bucket] += 1
                depth += 1
            else:
                too_deep += 1
        elements += 1
    for level in range(depth - 1, -1, -1):
        element = open_element[level]
        own = UNSHOWN if mark[element] & IS_HIDDEN else SHOWN
        span[element, 0] = len(data)
        span[element, 1] = len(data)
        span[element, 3] = state[own, COUNT]
    return elements, state[SHOWN, COUNT], state[UNSHOWN, COUNT]
