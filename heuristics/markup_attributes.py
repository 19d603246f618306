"""The attributes of an opening tag: where each stands, and whether they hide the element."""

import numpy as np

from heuristics.columns import UInt8Array
from heuristics.jit import kernel
from heuristics.markup_names import HIDDEN, INPUT, NAME_SYMBOLS, STYLE, TYPE
from heuristics.markup_tokens import find_byte, is_letter, is_space, packed_name

DISPLAY, VISIBILITY, FONT_SIZE, OPACITY = (
    np.frombuffer(name.encode(), np.uint8)
    for name in ("display", "visibility", "font-size", "opacity")
)
NONE, UNSEEN_HIDDEN, COLLAPSE = (
    np.frombuffer(name.encode(), np.uint8) for name in ("none", "hidden", "collapse")
)
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
def style_hides(data: UInt8Array, start: int, stop: int) -> bool:
    """Return whether a `style` says that the element is not displayed."""
    i = start
    fresh = True
    while i < stop:
        which = 0
        if fresh and begins_with(data, i, stop, DISPLAY):
            which, i = 1, i + len(DISPLAY)
        elif fresh and begins_with(data, i, stop, VISIBILITY):
            which, i = 2, i + len(VISIBILITY)
        elif fresh and begins_with(data, i, stop, FONT_SIZE):
            which, i = 3, i + len(FONT_SIZE)
        elif fresh and begins_with(data, i, stop, OPACITY):
            which, i = 4, i + len(OPACITY)
        if which:
            while i < stop and is_space(data[i]):
                i += 1
            if i < stop and data[i] == 58:
                i += 1
                while i < stop and is_space(data[i]):
                    i += 1
                if which == 1 and begins_with(data, i, stop, NONE):
                    return True
                if which == 2 and (
                    begins_with(data, i, stop, UNSEEN_HIDDEN)
                    or begins_with(data, i, stop, COLLAPSE)
                ):
                    return True
                if which >= 3 and is_zero(data, i, stop):
                    return True
            fresh = False
        else:
            fresh = data[i] == 59 or (fresh and is_space(data[i]))
            i += 1
    return False


@kernel
def attributes_hide(data: UInt8Array, tag: int, start: int, stop: int) -> bool:
    """Return whether the attributes in `[start, stop)` keep their element from being displayed.

    They do by `hidden`, by `type=hidden` or `password` of an input field, and by a `style` with
    `display: none`, `visibility: hidden`, a font of size 0 or no opacity.
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
