"""Which classes and ids the style sheets in a page hide.

A trap may hide by a rule of the page's own sheet what no reader is meant to see. Read are rules
whose selectors end in one class or id (`.x`, `#y`, `span.x`), wherever they stand; what such a rule
hides counts as hidden on the whole page, even if another rule shows it again: what is hidden
attributes nobody, and that is the safe side. Rules for print alone are passed over. Not read are
selectors of other kinds (`.a .b`, `:not(…)`, `p > *`), names with escapes, and sheets elsewhere.
"""

import re
from collections.abc import Iterator

import numpy as np

from heuristics.columns import Int32Array, Int64Array, UInt8Array
from heuristics.markup_attributes import CLASS_MARK, ID_MARK, hashed_name, style_hides
from heuristics.markup_names import packed
from heuristics.markup_tokens import RAW_TEXT

MOST_NAMES = 10_000
"""Hidden names of one page."""

LONGEST_SELECTOR = 2_000
"""Bytes of what stands before a brace; a longer one is read from so many before it."""

_BRACE = re.compile(rb"[{}]")
_SIMPLE = re.compile(rb"\s*(?:[a-zA-Z][\w-]{0,40}|\*)?([.#])([\w\x80-\xff-]{1,200})\s*")
_STYLE = packed("style")


def hidden_names(
    data: UInt8Array, kind: UInt8Array, begin: Int32Array, tag: Int64Array
) -> Int64Array:
    """Return the numbers of the names that a page's style sheets hide, ascending."""
    found: set[int] = set()
    texts = np.flatnonzero(kind == RAW_TEXT)
    for token in texts[tag[texts - 1] == _STYLE].tolist():
        sheet = _without_comments(data[begin[token] : begin[token + 1]].tobytes())
        for mark, name in _hidden_in(sheet):
            if len(found) == MOST_NAMES:
                break
            letters = np.frombuffer(name, np.uint8)
            found.add(int(hashed_name(letters, mark, 0, len(letters))))
    return np.array(sorted(found), np.int64)


def _without_comments(sheet: bytes) -> bytes:
    pieces = []
    at = 0
    while (start := sheet.find(b"/*", at)) >= 0:
        pieces.append(sheet[at:start])
        stop = sheet.find(b"*/", start + 2)
        at = len(sheet) if stop < 0 else stop + 2
    return b"".join([*pieces, sheet[at:]])


def _hidden_in(sheet: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the mark and the name of each class and id that a sheet hides."""
    heads: list[tuple[bytes, bool]] = []
    at = 0
    for brace in _BRACE.finditer(sheet):
        piece = sheet[at : brace.start()]
        at = brace.end()
        if brace[0] == b"{":
            # Before an inner rule may stand declarations of the one that holds it.
            said, _, head = piece.rpartition(b";")
            yield from _names(heads, said)
            for_print = bool(heads and heads[-1][1]) or _is_for_print(head)
            heads.append((head[-LONGEST_SELECTOR:], for_print))
        elif heads:
            yield from _names(heads, piece)
            heads.pop()
    yield from _names(heads, sheet[at:])


def _names(heads: list[tuple[bytes, bool]], said: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the names that declarations of the innermost rule hide."""
    if not heads or not said or heads[-1][1]:
        return
    if style_hides(np.frombuffer(said, np.uint8), 0, len(said)):
        for selector in heads[-1][0].split(b","):
            match = _SIMPLE.fullmatch(selector)
            if match is not None:
                yield (CLASS_MARK if match[1] == b"." else ID_MARK), match[2]


def _is_for_print(head: bytes) -> bool:
    words = head.lower()
    return b"@media" in words and b"print" in words and b"screen" not in words
