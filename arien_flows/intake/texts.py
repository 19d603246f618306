r"""The text of one item: of a page, of a row of a table, or of a picture.

A row is a stretch of its document. Where the format writes signs in another way than they read (a
quotation mark twice, `\n` for the end of a line) the text has the sign, and each character still
knows its byte in the document. The long fields of a row are regions, as parts of a page are.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from arien_flows.documents.item import Item
from arien_flows.documents.pictures import PictureReading, Seen, Writing
from arien_flows.extraction.reading import read_text
from arien_flows.extraction.text import DocumentText, Region, RegionKind
from chains.types import Int64Array

FIELD_REGIONS: Mapping[str, RegionKind] = {
    "title": RegionKind.LISTING,
    "description": RegionKind.LISTING,
    "remarks": RegionKind.LISTING,
    "profile": RegionKind.PROFILE,
    "terms": RegionKind.TERMS,
    "feedback": RegionKind.FEEDBACK,
}
_JSON_SIGN = re.compile(rb'(?:\\u[0-9a-fA-F]{4})++|\\.|"', re.DOTALL)
_TABLE_FIELD = re.compile(rb'"((?:[^"]++|"")*+)("|\Z)')
"""A field in quotation marks; without its end where the stretch ends before."""

_JSON_TYPES = ("application/json", "application/jsonl")
_BREAKS_LINES = frozenset({"\n", "\r", "\t", "\f", "\b"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unescaped:
    """Bytes in which signs stand as they read, and where each byte comes from."""

    raw: bytes = field(repr=False)
    origin: Int64Array
    """Offset of each byte in the document, and at the end that of the stretch's end."""


def item_text(item: Item) -> DocumentText:
    """Return the text of a page or of a row."""
    if item.media_type in _JSON_TYPES:
        return stretch_text(item, item.begin, item.end)
    return stretch_text(item, item.begin, item.end) if item.is_row else _whole(item)


def stretch_text(item: Item, begin: int, end: int) -> DocumentText:
    """Return the text of a stretch of a table's document, with the regions of the item in it."""
    plain = unescaped(item, begin, end)
    read = read_text(plain.raw, "text/plain")
    byte_at = plain.origin[read.byte_at]
    regions = _field_regions(item, byte_at) if (begin, end) == (item.begin, item.end) else []
    return DocumentText(
        text=read.text,
        byte_at=byte_at,
        regions=tuple(sorted((*read.regions, *regions), key=lambda it: (it.start, -it.stop))),
        encoding=read.encoding,
        undecodable=read.undecodable,
    )


def unescaped(item: Item, begin: int, end: int) -> Unescaped:
    """Return a stretch of a document with its signs as they read."""
    if item.media_type in _JSON_TYPES:
        return _replaced(item.raw[begin:end], begin, _signs_of_json(item.raw[begin:end]))
    return _replaced(item.raw[begin:end], begin, _signs_of_table(item.raw[begin:end]))


def picture_text(reading: PictureReading, length: int) -> tuple[DocumentText, list[Seen]]:
    """Return what is written in a picture of `length` bytes, and what each line of it is.

    A character of a picture has no byte of its own: all stand for the whole picture.
    """
    lines = [
        (each, unicodedata.normalize("NFKC", line))
        for each in reading.seen
        for line in each.text.splitlines() or [""]
    ]
    text = "\n".join(line for _, line in lines)
    byte_at = np.zeros(len(text) + 1, np.int64)
    byte_at[-1] = length
    made = DocumentText(text=text, byte_at=byte_at, regions=(), encoding="picture", undecodable=0)
    return made, [each for each, _ in lines]


def is_guessed(seen: Seen) -> bool:
    """Tell whether a text was guessed from letters in a picture."""
    return seen.writing is Writing.LETTERS


def _whole(item: Item) -> DocumentText:
    return read_text(item.raw, item.media_type)


def _replaced(raw: bytes, begin: int, signs: Iterable[tuple[int, int, bytes]]) -> Unescaped:
    """Return bytes with signs replaced; what stands for a sign comes from its beginning.

    `signs` are the beginning and end of each, ascending, and what it stands for.
    """
    pieces: list[bytes] = []
    shifts: list[int] = []
    lengths: list[int] = []
    source = made = 0

    def add(piece: bytes, shift: int, length: int) -> None:
        pieces.append(piece)
        shifts.append(shift)
        lengths.append(length)

    for start, end, instead in signs:
        add(raw[source:start], source - made, start - source)
        made += start - source
        for place in range(len(instead)):
            add(instead[place : place + 1], start - made, 1)
            made += 1
        source = end
    add(raw[source:], source - made, len(raw) - source)
    origin = np.repeat(np.array(shifts, np.int64), np.array(lengths, np.int64))
    origin += np.arange(len(origin), dtype=np.int64) + begin
    return Unescaped(raw=b"".join(pieces), origin=np.append(origin, begin + len(raw)))


def _signs_of_table(raw: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield quotation marks that are written twice; one that encloses a field ends a line.

    Left as it is, it would look as if the field quoted somebody.
    """
    for found in _TABLE_FIELD.finditer(raw):
        yield found.start(), found.start() + 1, b"\n"
        at = raw.find(b'""', *found.span(1))
        while at >= 0:
            yield at, at + 2, b'"'
            at = raw.find(b'""', at + 2, found.end(1))
        yield found.end(1), found.end(), b"\n" * len(found.group(2))


def _signs_of_json(raw: bytes) -> Iterator[tuple[int, int, bytes]]:
    for sign in _JSON_SIGN.finditer(raw):
        yield *sign.span(), _sign_of_json(sign.group())


def _sign_of_json(escape: bytes) -> bytes:
    """Return what an escape stands for; an end of a line keeps words apart.

    A mark that encloses a string is an end of a line, too.
    """
    if escape == b'"':
        return b"\n"
    try:
        sign = str(json.loads(b'"' + escape + b'"'))
    except ValueError:
        return b" "
    if sign in _BREAKS_LINES:
        return b"\n" if sign in "\n\r" else b" "
    return sign.encode("utf-8", "replace").replace(b"\0", b" ")


def _field_regions(item: Item, byte_at: Int64Array) -> list[Region]:
    regions = []
    for name, (begin, end) in item.places.items():
        kind = FIELD_REGIONS.get(name)
        if kind is not None:
            start, stop = np.searchsorted(byte_at[:-1], (begin, end)).tolist()
            regions.append(Region(kind=kind, start=start, stop=stop, rule=f"field:{name}"))
    return regions
