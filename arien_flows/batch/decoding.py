"""From the bytes of a table to its text.

A spreadsheet saves UTF-8 with or without a mark, UTF-16 with one, or what Western Windows calls
ANSI. Bytes that are no UTF-8 are therefore read as Windows-1252, which never fails and may be
wrong, so it is said. A file with NUL characters is no text in any of these.
"""

import codecs
from typing import NamedTuple

from arien_flows.errors import InputError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""The long ones first: the mark of UTF-32 begins with that of UTF-16."""


class Decoded(NamedTuple):
    """The text of a table."""

    text: str
    encoding: str
    remarks: tuple[str, ...]


def decoded_text(raw: bytes, name: str) -> Decoded:
    """Return the text of a table; `InputError` where it is none."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _checked(_strict(raw[len(mark) :], encoding, name), encoding, (), name)
    try:
        return _checked(raw.decode("utf-8"), "utf-8", (), name)
    except UnicodeDecodeError as error:
        text = raw.decode("cp1252", "replace")
        remark = (
            f"byte {error.start + 1:,} is not UTF-8, so the table was read as Windows-1252: check "
            "names with accents, or save it as UTF-8"
        )
        return _checked(text, "windows-1252", (remark,), name)


def _strict(raw: bytes, encoding: str, name: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: its first bytes say {encoding}, and byte {error.start:,} after them is none: "
            "save it as UTF-8"
        ) from error


def _checked(text: str, encoding: str, remarks: tuple[str, ...], name: str) -> Decoded:
    place = text.find("\0")
    if place >= 0:
        raise InputError(
            f"{name}: character {place + 1:,} is NUL, so this is no text: save it as CSV in UTF-8, "
            "or as .xlsx"
        )
    return Decoded(text, encoding, remarks)
