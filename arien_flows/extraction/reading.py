"""From the bytes of a document to its text, by what kind of document it is."""

import re

from arien_flows.extraction.html_text import read_html
from arien_flows.extraction.plain_text import read_plain
from arien_flows.extraction.text import DocumentText

PAGE_TYPES = ("text/html", "application/xhtml+xml")

_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([\w.:-]{2,40})", re.IGNORECASE)
_PAGE = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|table|div|section|article|form|center)\b", re.IGNORECASE
)

LOOKED_AT = 4096
"""Bytes in which a document of an unknown kind must look like a page to be read as one."""


def read_text(raw: bytes, media_type: str) -> DocumentText:
    """Return the text of a document.

    Parameters
    ----------
    raw
        The document's bytes.
    media_type
        What it is, with parameters or without: pages are read as such, every other kind of text as
        it stands. Of what is called neither (`application/octet-stream`), the bytes decide.
    """
    name = media_type.split(";")[0].strip().lower()
    charset = _CHARSET.search(media_type)
    encoding = charset[1] if charset else None
    unknown = not name or name == "application/octet-stream"
    if name in PAGE_TYPES or (unknown and _PAGE.search(raw, 0, LOOKED_AT)):
        return read_html(raw, encoding)
    return read_plain(raw, encoding)
