"""From tokens to elements and to what a page displays, in one pass.

Elements nest as a browser would nest them where pages are written with some care: elements
without content, closing tags that are left out (`p`, `li`, `td`, `tr`, `option`, `dt`, `dd`), and
closing tags that nothing opened. What a browser does with crossed inline elements is not done: a
closing tag of an inline element that would end a block is passed over.
"""

import numpy as np

from heuristics.columns import Int32Array, Int64Array, UInt8Array
from heuristics.jit import kernel
from heuristics.markup_attributes import attributes_hide
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
    KEEPS_SPACE,
    LI,
    LINE_BREAK,
    LIST,
    OPTION,
    ROW,
    SECTION,
    TABLE,
    UNSEEN,
    VOID,
    P,
)
from heuristics.markup_text import (
    COUNT,
    FIELDS,
    LINES,
    SHOWN,
    UNSHOWN,
    owe_space,
    write_attributes,
    write_text,
)
from heuristics.markup_tokens import CLOSE, COMMENT, OPEN, RAW_TEXT, TEXT, find_sorted

DEEPEST = 256
"""Elements that hold one another; what lies deeper counts as content of the last of them."""

HIDES, IS_HIDDEN = 1, 2
"""Marks of an element: it hides its content; it is hidden, by itself or by what holds it."""

_BUCKETS = 256


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
    hidden: Int64Array,
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
    hidden
        Numbers of the classes and ids that style sheets hide, ascending.
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
        has_attributes = name_end[t] < stop - 1
        hides = bits & UNSEEN != 0
        if has_attributes and not hides:
            hides = attributes_hide(data, tag[t], name_end[t], stop - 1, hidden)
        marks = mark[holder] & IS_HIDDEN
        if hides:
            marks = HIDES | IS_HIDDEN
        text = UNSHOWN if marks & IS_HIDDEN else SHOWN
        if bits & LINE_BREAK:
            owe_space(text, 0, start, state)
            state[text, LINES] += 1
        elif bits & BLOCK or hides:
            owe_space(text, 1, start, state)
        if has_attributes:
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
