"""The letters of a text as kernels read them, and as they look.

Kernels get one byte a character. ASCII stays what it is; of the rest only what is used to hide
addresses matters: characters that nobody sees, spaces and hyphens of all widths, signs that stand
for letters, full-width letters, and letters of other scripts that look like ASCII. The last two are
few here on purpose (`look_alikes.txt`): only those that look like a letter or digit of some
address, and each like one only.

A second reading of a text shows it as it looks: nothing invisible in it, look-alikes replaced. It
is made only where the text has such characters, and knows which of its letters were changed.
"""

import unicodedata
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np

from chains.types import Int64Array, UInt8Array
from heuristics.scan import BLANK, DASH, INVISIBLE, LOOK_ALIKE, OTHER, SIGN, WIDE

INVISIBLES = (
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
    # Strokes through and below a letter, which some writers put over each.
    *range(0x0300, 0x0370),
)
_BLANKS = (0x00A0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0x0085)
_DASHES = (*range(0x2010, 0x2016), 0x2043, 0x2212, 0xFE58, 0xFE63, 0xFF0D)
_SIGNS = "€£¢¥§"
_LAST = 0xFFFF


class Letters(NamedTuple):
    """A reading of a document's text."""

    text: str
    """One character for each code; only those in ASCII are what they are."""

    codes: UInt8Array
    at: Int64Array | None
    """Of each letter, the character of the document's text; None where they are the same."""

    look_alike: UInt8Array | None
    """1 for letters that replace look-alikes, 2 for full-width ones, else 0."""

    def place(self, start: int, stop: int) -> tuple[int, int]:
        """Return the characters of the document's text that some letters stand for."""
        if self.at is None:
            return start, stop
        return int(self.at[start]), int(self.at[stop - 1]) + 1

    def changes(self, start: int, stop: int) -> tuple[str, ...]:
        """Return the rules by which some letters were read."""
        if self.at is None or self.look_alike is None:
            return ()
        rules = []
        first, last = self.place(start, stop)
        if last - first != stop - start:
            rules.append("zero_width")
        marks = self.look_alike[start:stop]
        if (marks == 1).any():
            rules.append("homoglyph")
        if (marks == 2).any():
            rules.append("full_width")
        return tuple(rules)


def letters_of(text: str) -> Letters:
    """Return a text as it is written."""
    if text.isascii():
        return _letters(text.encode("ascii"), None, None)
    return _letters(_codes()[_code_points(text)].tobytes(), None, None)


def as_it_looks(text: str, letters: Letters) -> Letters | None:
    """Return a text as it looks; None where it looks as it is written."""
    if text.isascii():
        return None
    counts = np.bincount(letters.codes, minlength=256)
    if not counts[INVISIBLE] and not counts[LOOK_ALIKE] and not counts[WIDE]:
        return None
    at = np.flatnonzero(letters.codes != INVISIBLE)
    codes = letters.codes[at]
    marks = np.zeros(len(codes), dtype=np.uint8)
    marks[codes == LOOK_ALIKE], marks[codes == WIDE] = 1, 2
    changed = np.flatnonzero(marks)
    codes[changed] = _looks()[_code_points(text)[at[changed]]]
    return _letters(codes.tobytes(), at, marks)


def _letters(raw: bytes, at: Int64Array | None, look_alike: UInt8Array | None) -> Letters:
    # Arrays that can be written to and arrays that cannot are two types, for each of which the
    # kernels would be compiled: all are of one.
    codes = np.frombuffer(raw, dtype=np.uint8)
    return Letters(raw.decode("latin-1"), codes, at, look_alike)


def _code_points(text: str) -> Int64Array:
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return np.minimum(points, _LAST).astype(np.int64)


@cache
def look_alikes() -> dict[str, str]:
    """Return the letters of other scripts that look like ASCII, and what they look like."""
    table = resources.files("arien_flows.extraction").joinpath("look_alikes.txt")
    rows = [row.split() for row in table.read_text("ascii").splitlines() if row[0] != "#"]
    return {chr(int(point, 16)): shown for point, shown, *_ in rows}


@cache
def _codes() -> UInt8Array:
    codes = np.full(_LAST + 1, OTHER, dtype=np.uint8)
    codes[:128] = np.arange(128)
    codes[list(INVISIBLES)] = INVISIBLE
    codes[list(_BLANKS)] = BLANK
    codes[list(_DASHES)] = DASH
    codes[[ord(sign) for sign in _SIGNS]] = SIGN
    codes[[ord(letter) for letter in look_alikes()]] = LOOK_ALIKE
    codes[_wide()] = WIDE
    return codes


@cache
def _looks() -> UInt8Array:
    looks = np.zeros(_LAST + 1, dtype=np.uint8)
    for letter, shown in look_alikes().items():
        looks[ord(letter)] = ord(shown)
    for point in _wide():
        looks[point] = ord(unicodedata.normalize("NFKC", chr(point)))
    return looks


def _wide() -> list[int]:
    return [point for point in range(0xFF10, 0xFF5B) if chr(point).isalnum()]
