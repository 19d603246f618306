"""The NFKC form of a text, and which character of it was made of which of the original.

Unicode's compatibility composition (Unicode Standard Annex 15) turns full-width letters, ligatures
and styled letters into plain ones. Most characters become one character whatever stands beside
them: a table says which. The rest (marks that join the letter before them, ligatures, syllables)
is normalised in clusters, a letter with its marks, and every character that comes out of a cluster
was made of all of it.

A cluster has at most thirty marks, as in the stream-safe text format of that annex: sorting them
takes time that grows with the square of their number.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np

from chains.types import Int32Array, Int64Array, UInt8Array, UInt32Array
from heuristics.characters import SPECIAL, map_characters
from heuristics.columns import read_only

MOST_MARKS = 30

_TABLE_SIZE = 0x10000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NormalText:
    """A text in its normal form."""

    text: str
    at: Int32Array
    """Where the source of each character begins."""

    until: Int32Array
    place: Int32Array | None
    """For each character the place in UTF-8 of what it was made of; None for ASCII, where that is
    its own place."""

    def index(self, place: int) -> int:
        """Return the first character that was made of what stands at a place or after it."""
        return place if self.place is None else int(np.searchsorted(self.place, place))


def normal_form(utf8: UInt8Array, at: Int32Array, until: Int32Array) -> NormalText:
    """Return the normal form of a text in UTF-8 whose bytes come from `[at, until)` of a source."""
    if not len(utf8) or int(utf8.max()) < 0x80:
        return NormalText(text=utf8.tobytes().decode("ascii"), at=at, until=until, place=None)
    size = len(utf8)
    codes = np.empty(size, np.uint32)
    first, last, place = (np.empty(size, np.int32) for _ in range(3))
    is_special = np.zeros(size, np.uint8)
    count, special = map_characters(
        read_only(utf8),
        read_only(at),
        read_only(until),
        _table(),
        codes,
        first,
        last,
        place,
        is_special,
    )
    origin = first[:count], last[:count], place[:count]
    codes = codes[:count]
    if special:
        return _with_clusters(codes, is_special[:count], origin)
    return NormalText(text=_text_of(codes), at=origin[0], until=origin[1], place=origin[2])


def _text_of(codes: UInt32Array) -> str:
    if int(codes.max()) < 0x80:
        return codes.astype(np.uint8).tobytes().decode("ascii")
    return codes.tobytes().decode("utf-32-le")


def _with_clusters(
    codes: UInt32Array,
    is_special: UInt8Array,
    origin: tuple[Int32Array, Int32Array, Int32Array],
) -> NormalText:
    """Return a normal form some of whose characters depend on what stands beside them."""
    at, until, place = origin
    text = codes.tobytes().decode("utf-32-le")
    pieces: list[UInt32Array] = []
    rows: list[Int64Array] = []
    lasts: list[Int64Array] = []
    done = 0
    for start, stop in _clusters(text, is_special):
        pieces.append(codes[done:start])
        rows.append(np.arange(done, start))
        lasts.append(rows[-1])
        normal = unicodedata.normalize("NFKC", text[start:stop])
        pieces.append(np.frombuffer(normal.encode("utf-32-le"), np.uint32))
        rows.append(np.full(len(normal), start))
        lasts.append(np.full(len(normal), stop - 1))
        done = stop
    pieces.append(codes[done:])
    rows.append(np.arange(done, len(text)))
    lasts.append(rows[-1])
    row, last = np.concatenate(rows), np.concatenate(lasts)
    return NormalText(
        text=np.concatenate(pieces).tobytes().decode("utf-32-le"),
        at=at[row],
        until=until[last],
        place=place[row],
    )


def _clusters(text: str, is_special: UInt8Array) -> list[tuple[int, int]]:
    """Return the stretches that are normalised by themselves, in order."""
    found: list[tuple[int, int]] = []
    for place in np.flatnonzero(is_special).tolist():
        start, stop = found[-1] if found else (-1, -1)
        if place < stop:
            continue
        if _joins_the_one_before(text[place]) and place > 0:
            if place == stop and stop - start <= MOST_MARKS:
                found[-1] = (start, place + 1)
                continue
            if place > stop:
                found.append((place - 1, place + 1))
                continue
        found.append((place, place + 1))
    return found


@cache
def _seconds() -> frozenset[str]:
    """Return the characters that may be the second half of a composed one."""
    halves = {
        parts[1]
        for code in range(0x110000)
        if (parts := unicodedata.decomposition(chr(code)).split())
        and len(parts) == 2
        and not parts[0].startswith("<")
    }
    # Vowels and final consonants of Korean syllables compose by rule, not by table.
    korean = {chr(code) for code in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}
    return frozenset(chr(int(half, 16)) for half in halves) | korean


def _joins_the_one_before(character: str) -> bool:
    normal = unicodedata.normalize("NFKC", character)
    return bool(unicodedata.combining(normal[0])) or normal[0] in _seconds()


@cache
def _table() -> UInt32Array:
    """Return what each character of the basic plane becomes whatever stands beside it."""
    table = np.arange(_TABLE_SIZE, dtype=np.uint32)
    for code in range(0x80, _TABLE_SIZE):
        if 0xD800 <= code < 0xE000:
            continue
        normal = unicodedata.normalize("NFKC", chr(code))
        if len(normal) != 1 or unicodedata.combining(normal) or normal in _seconds():
            table[code] = SPECIAL
        else:
            table[code] = ord(normal)
    table.setflags(write=False)
    return table
