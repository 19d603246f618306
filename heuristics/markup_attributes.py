"""The attributes of an opening tag: where each stands, and whether they hide the element."""

import numpy as np

from heuristics.columns import Int64Array, UInt8Array
from heuristics.jit import kernel
from heuristics.markup_names import (
    CLASS,
    HIDDEN,
    ID,
    INPUT,
    LONGEST_NAME,
    NAME_SYMBOLS,
    STYLE,
    TYPE,
    packed,
)
from heuristics.markup_tokens import find_byte, find_sorted, is_letter, is_space, packed_name

NONE, UNSEEN_HIDDEN, COLLAPSE, CLIP_TEXT, TRANSPARENT, RGBA, HSLA, RECT, INSET, CIRCLE, SCALE = (
    np.frombuffer(name.encode(), np.uint8)
    for name in (
        *("none", "hidden", "collapse", "clip", "transparent", "rgba(", "hsla("),
        *("rect(", "inset(", "circle(", "scale"),
    )
)
DISPLAY, VISIBILITY, FONT_SIZE, OPACITY, COLOR, CLIP, CLIP_PATH, TRANSFORM, OVERFLOW, CONTENT = (
    packed(name)
    for name in (
        *("display", "visibility", "font-size", "opacity", "color", "clip", "clip-path"),
        *("transform", "overflow", "content-visibility"),
    )
)
LEFT, TOP, RIGHT, BOTTOM, TEXT_INDENT, MARGIN_LEFT, MARGIN_TOP = (
    packed(name)
    for name in ("left", "top", "right", "bottom", "text-indent", "margin-left", "margin-top")
)
HEIGHT, WIDTH, MAX_HEIGHT, MAX_WIDTH = (
    packed(name) for name in ("height", "width", "max-height", "max-width")
)
FAR_PIXELS, FAR_OTHERS = 500, 100
"""So far to the left or above is nowhere on a page: in pixels, and in all other units."""

NAME_MODULUS = 2**31 - 1
NAME_FACTOR = 131
CLASS_MARK, ID_MARK = 46, 35

PASSWORD, UNTIL_FOUND = (
    np.frombuffer(name.encode(), np.uint8) for name in ("password", "until-found")
)


@kernel
def next_attribute(data: UInt8Array, start: int, stop: int) -> tuple[int, int, int, int, int]:
    """Return name, value and end of the next attribute in `[start, stop)` of a tag.

    Returns the packed name, where it begins, where the value begins and ends (twice the same
    place where there is none), and where to go on. The name begins at `stop` where no attribute
    is left.
    """
    i = start
    while i < stop and (is_space(data[i]) or data[i] == 47):
        i += 1
    if i >= stop:
        return 0, stop, stop, stop, stop
    name_start = i
    if data[i] == 61:
        i += 1
    name, after = packed_name(data, i)
    i = max(min(after, stop), name_start + 1)
    value = i
    while value < stop and is_space(data[value]):
        value += 1
    if value >= stop or data[value] != 61:
        return name, name_start, i, i, i
    value += 1
    while value < stop and is_space(data[value]):
        value += 1
    if value < stop and (data[value] == 34 or data[value] == 39):
        close = find_byte(data, data[value], value + 1, stop)
        if close >= 0:
            return name, name_start, value + 1, close, close + 1
    end = value
    while end < stop and not is_space(data[end]):
        end += 1
    return name, name_start, value, end, end


@kernel
def begins_with(data: UInt8Array, start: int, stop: int, word: UInt8Array) -> bool:
    """Return whether a lower-case word stands at `start`, in either case."""
    if start + len(word) > stop:
        return False
    for k in range(len(word)):
        byte = data[start + k]
        if byte != word[k] and not (is_letter(byte) and byte + 32 == word[k]):
            return False
    return True


@kernel
def is_zero(data: UInt8Array, start: int, stop: int) -> bool:
    """Return whether a number that begins at `start` is nought: `0`, `0px`, `.0`, not `0.8`."""
    digits = 0
    for i in range(start, stop):
        if data[i] == 48:
            digits += 1
        elif 49 <= data[i] <= 57:
            return False
        elif data[i] != 46:
            break
    return digits > 0


@kernel
def is_far_out(data: UInt8Array, start: int, stop: int) -> bool:
    """Return whether a length is so negative that what it moves is on no screen."""
    if start >= stop or data[start] != 45:
        return False
    size = np.int64(0)
    i = start + 1
    while i < stop and 48 <= data[i] <= 57:
        if size < 1_000_000:
            size = size * 10 + np.int64(data[i]) - 48
        i += 1
    while i < stop and (data[i] == 46 or 48 <= data[i] <= 57):
        i += 1
    is_pixels = i < stop and (data[i] == 112 or data[i] == 80)
    return bool(size >= (FAR_PIXELS if is_pixels else FAR_OTHERS))


@kernel
def is_empty_rectangle(data: UInt8Array, start: int, stop: int) -> bool:
    """Return whether the four numbers of a `rect(…)` leave nothing between them."""
    edges = np.zeros(4, np.int64)
    count = 0
    i = start
    while i < stop and data[i] != 41 and count < 4:
        if 48 <= data[i] <= 57:
            while i < stop and 48 <= data[i] <= 57:
                if edges[count] < 1_000_000:
                    edges[count] = edges[count] * 10 + np.int64(data[i]) - 48
                i += 1
            count += 1
        else:
            i += 1
    return count == 4 and (edges[0] >= edges[2] or edges[3] >= edges[1])


@kernel
def is_see_through(data: UInt8Array, start: int, stop: int) -> bool:
    """Return whether a colour is none: `transparent`, or one whose opacity is nought."""
    if begins_with(data, start, stop, TRANSPARENT):
        return True
    if not (begins_with(data, start, stop, RGBA) or begins_with(data, start, stop, HSLA)):
        return False
    last = start
    count = 0
    for i in range(start, stop):
        if data[i] == 44 or data[i] == 47:
            last = i + 1
            count += 1
    while last < stop and is_space(data[last]):
        last += 1
    return (count == 3 or count == 1) and is_zero(data, last, stop)


@kernel
def declaration_hides(data: UInt8Array, name: int, start: int, stop: int) -> bool:
    """Return whether one declaration, of a packed name and a value, hides an element by itself."""
    if name == DISPLAY:
        return begins_with(data, start, stop, NONE)
    if name in (VISIBILITY, CONTENT):
        return begins_with(data, start, stop, UNSEEN_HIDDEN) or begins_with(
            data, start, stop, COLLAPSE
        )
    if name in (FONT_SIZE, OPACITY):
        return is_zero(data, start, stop)
    if name == COLOR:
        return is_see_through(data, start, stop)
    if name == CLIP:
        return begins_with(data, start, stop, RECT) and is_empty_rectangle(
            data, start + len(RECT), stop
        )
    if name == CLIP_PATH:
        if begins_with(data, start, stop, CIRCLE):
            return is_zero(data, start + len(CIRCLE), stop)
        # Half from every side, or more: a number of two digits from 50 on, or of three.
        at = start + len(INSET)
        return begins_with(data, start, stop, INSET) and (
            at + 2 < stop
            and 48 <= data[at + 1] <= 57
            and (53 <= data[at] <= 57 or (data[at] == 49 and 48 <= data[at + 2] <= 57))
        )
    if name == TRANSFORM and begins_with(data, start, stop, SCALE):
        bracket = find_byte(data, 40, start, stop)
        return bracket >= 0 and is_zero(data, bracket + 1, stop)
    if name in (LEFT, TOP, RIGHT, BOTTOM):
        return is_far_out(data, start, stop)
    if name in (TEXT_INDENT, MARGIN_LEFT, MARGIN_TOP):
        return is_far_out(data, start, stop)
    return False


@kernel
def style_hides(data: UInt8Array, start: int, stop: int) -> bool:
    """Return whether a `style` keeps an element from being seen.

    By its display, visibility, opacity or colour, by a font or a scale of nothing, by moving it
    far off the page, by cutting all of it off, or as a box of no height or width that shows
    nothing of what overflows.
    """
    is_flat = False
    is_cut = False
    i = start
    while i < stop:
        end = find_byte(data, 59, i, stop)
        if end < 0:
            end = stop
        colon = find_byte(data, 58, i, end)
        if colon >= 0:
            while i < colon and is_space(data[i]):
                i += 1
            name_end = colon
            while name_end > i and is_space(data[name_end - 1]):
                name_end -= 1
            name = 0
            for k in range(i, min(name_end, i + LONGEST_NAME)):
                name = name * 64 + NAME_SYMBOLS[data[k]]
            value = colon + 1
            while value < end and is_space(data[value]):
                value += 1
            if declaration_hides(data, name, value, end):
                return True
            if name == OVERFLOW:
                is_cut = begins_with(data, value, end, UNSEEN_HIDDEN) or begins_with(
                    data, value, end, CLIP_TEXT
                )
            if name in (HEIGHT, WIDTH, MAX_HEIGHT, MAX_WIDTH):
                is_flat = is_flat or is_zero(data, value, end) or is_one(data, value, end)
        i = end + 1
    return is_flat and is_cut


@kernel
def is_one(data: UInt8Array, start: int, stop: int) -> bool:
    """Return whether a length is one pixel."""
    return (
        start + 1 < stop and data[start] == 49 and (data[start + 1] == 112 or data[start + 1] == 80)
    )


@kernel
def hashed_name(data: UInt8Array, mark: int, start: int, stop: int) -> int:
    """Return a number for a class or an id, in either case; names may share one, hardly ever."""
    code = np.int64(mark)
    for i in range(start, stop):
        byte = np.int64(data[i])
        if 65 <= byte <= 90:
            byte += 32
        code = (code * NAME_FACTOR + byte) % NAME_MODULUS
    return int(code)


@kernel
def is_hidden_name(data: UInt8Array, mark: int, start: int, stop: int, hidden: Int64Array) -> bool:
    """Return whether one of the words of a `class`, or of an `id`, is among hidden names."""
    i = start
    while i < stop:
        while i < stop and is_space(data[i]):
            i += 1
        end = i
        while end < stop and not is_space(data[end]):
            end += 1
        if end > i and find_sorted(hidden, hashed_name(data, mark, i, end)) >= 0:
            return True
        i = end
    return False


@kernel
def attributes_hide(data: UInt8Array, tag: int, start: int, stop: int, hidden: Int64Array) -> bool:
    """Return whether the attributes in `[start, stop)` keep their element from being displayed.

    They do by `hidden`, by `type=hidden` or `password` of an input field, by a `style` that hides
    (`style_hides`), and by a class or an id that the page's own style sheets hide: `hidden` are
    the numbers of such names (`hashed_name`), ascending.
    """
    i = start
    while i < stop:
        name, at, value, end, i = next_attribute(data, i, stop)
        if at >= stop:
            break
        if name == HIDDEN and not begins_with(data, value, end, UNTIL_FOUND):
            return True
        if name == STYLE and style_hides(data, value, end):
            return True
        if len(hidden) and name == CLASS and is_hidden_name(data, CLASS_MARK, value, end, hidden):
            return True
        if len(hidden) and name == ID and is_hidden_name(data, ID_MARK, value, end, hidden):
            return True
        if (
            name == TYPE
            and tag == INPUT
            and (
                begins_with(data, value, end, UNSEEN_HIDDEN)
                or begins_with(data, value, end, PASSWORD)
            )
        ):
            return True
    return False


@kernel
def scheme_of(data: UInt8Array, start: int, stop: int) -> int:
    """Return what stands before the first colon of a link, packed; 0 where that is no scheme."""
    code = 0
    for i in range(start, min(stop, start + 12)):
        if data[i] == 58:
            return code
        if not NAME_SYMBOLS[data[i]]:
            return 0
        if i - start < 10:
            code = code * 64 + NAME_SYMBOLS[data[i]]
    return 0
