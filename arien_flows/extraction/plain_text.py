"""The text of a document without markup: posts, messages, descriptions.

What somebody quotes is told from what he writes by the marks that people and forums use: `>` at
the beginning of a line, `[quote]…[/quote]`, the line "… wrote:" with the quoted lines after it, and
everything after "Original Message".
"""

import re
from collections.abc import Iterator

import numpy as np

from arien_flows.extraction.decoding import decoded
from arien_flows.extraction.normal_form import normal_form
from arien_flows.extraction.pgp_blocks import pgp_regions
from arien_flows.extraction.region_list import RegionList
from arien_flows.extraction.text import DocumentText, Region, RegionKind

_QUOTED_LINES = re.compile(r"^[ \t]{0,8}[>|»][^\n]*(?:\n[ \t]{0,8}[>|»][^\n]*)*", re.MULTILINE)
_OPENING = re.compile(r"\[(/?)quote(?:=[^\]\n]{0,120}|\s[^\]\n]{0,120})?\]", re.IGNORECASE)
_ORIGINAL = re.compile(
    r"^-{3,}[ ]?(original message|forwarded message|urspr.ngliche nachricht)[ ]?-{3,}",
    re.IGNORECASE | re.MULTILINE,
)


def read_plain(raw: bytes, encoding: str | None = None) -> DocumentText:
    """Return the text of a document without markup.

    Parameters
    ----------
    raw
        The document's bytes.
    encoding
        What came with the document, if anything did.
    """
    source = decoded(raw, encoding)
    utf8 = np.frombuffer(source.utf8, np.uint8)
    at = np.arange(len(utf8), dtype=np.int32)
    normal = normal_form(utf8, at, at + 1)
    begin, end = normal.at.astype(np.int64), normal.until.astype(np.int64)
    if source.origin is not None:
        begin, end = source.origin[begin], source.origin[end]
    document = DocumentText(
        text=normal.text,
        byte_at=np.append(begin, source.length),
        regions=RegionList(lambda: plain_regions(document)),
        encoding=source.encoding,
        undecodable=source.undecodable,
        width=(end - begin).astype(np.int32),
    )
    return document


def plain_regions(document: DocumentText) -> Iterator[Region]:
    """Yield the quotations and PGP blocks of a text without markup."""
    text = document.text
    for lines in _QUOTED_LINES.finditer(text):
        yield _quote(document, lines.start(), lines.end(), "quote:mark", lines.start() + 1)
    opened: list[re.Match[str]] = []
    for mark in _OPENING.finditer(text):
        if not mark[1]:
            opened.append(mark)
        elif opened:
            first = opened.pop()
            if not opened:
                yield _quote(document, first.start(), mark.end(), "quote:forum", first.end())
    for first in opened[:1]:
        yield _quote(document, first.start(), len(text), "quote:forum", first.end())
    original = _ORIGINAL.search(text)
    if original:
        yield _quote(document, original.start(), len(text), "quote:message", original.end())
    yield from pgp_regions(text)


def _quote(document: DocumentText, start: int, stop: int, rule: str, mark_stop: int) -> Region:
    begin, end = document.bytes_of(start, mark_stop)
    return Region(kind=RegionKind.QUOTE, start=start, stop=stop, rule=rule, begin=begin, end=end)
