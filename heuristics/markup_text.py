"""What a page displays and what it does not, written while its tokens are read.

Both texts go into one buffer: what is displayed from the front, and what is not (the content of
hidden elements, comments, scripts, values of attributes) from the back. So whatever stands between
two displayed halves of an address does not keep them apart, and no more room is needed than the
document itself takes. White space becomes one space, or as many line ends as it had, at most two;
a block begins and ends a line.
"""

from heuristics.columns import Int32Array, Int64Array, UInt8Array
from heuristics.jit import kernel
from heuristics.markup_attributes import next_attribute, scheme_of
from heuristics.markup_entities import entity
from heuristics.markup_names import (
    HREF,
    INPUT,
    LINK_SCHEMES,
    OTHER_ATTRIBUTES,
    SHORTEST_OTHER_VALUE,
    TEXT_ATTRIBUTES,
    VALUE,
)
from heuristics.markup_tokens import find_sorted, is_space

MOST_LINES = 2

COUNT, LINES, SOURCE_LINES, SPACE, SPACE_AT, FIELDS = range(6)
"""What is known of a text while it is written: its length, then the white space that is due: line
ends by elements, line ends in the source, any at all, and where it began."""

SHOWN, UNSHOWN = 0, 1


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
