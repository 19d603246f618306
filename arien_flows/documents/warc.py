"""Pages that a crawler stored as WARC: what each server answered, when, and under which address.

Records are cut apart here, within bounds; what a server sent (its headers, pieces and packing) is
taken apart by `warcio`.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from arien_flows.documents.limits import LARGEST_DOCUMENT, LONGEST_HEADER
from arien_flows.documents.moments import moment_of
from arien_flows.documents.packed import (
    Allowance,
    BrokenStreamError,
    Source,
    read_up_to,
    skip,
)

_LONGEST_SENT = 2 * 2**20
"""Bytes by which a record may be longer than its document: headers, and the ends of pieces."""


_UNREADABLE = (ValueError, EOFError, OSError, LookupError, TypeError, AttributeError)
"""What the library raises for headers that are damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server answered to one request."""

    content: bytes
    url: str
    captured_at: datetime | None


def warc_answers(source: Source, allowance: Allowance) -> Iterator[tuple[str, Answer | str]]:
    """Yield the name of each stored answer with it, or with why it is not read.

    `BrokenStreamError` where the file is damaged: its later records cannot be found then.
    """
    lines = _Lines(source)
    number = 0
    while (header := _record_header(lines)) is not None:
        number += 1
        fields = _fields(header)
        length = fields.get("content-length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 16):
            raise BrokenStreamError(f"record {number} does not state its length")
        name = f"record {number}"
        is_answer = fields.get("warc-type", "").lower() in ("response", "resource")
        if not is_answer:
            _pass_over(lines, int(length))
        elif int(length) > LARGEST_DOCUMENT + _LONGEST_SENT:
            _pass_over(lines, int(length))
            yield name, f"it has {int(length):,} bytes, and a document at most {LARGEST_DOCUMENT:,}"
        else:
            body = read_up_to(lines, int(length))
            if len(body) < int(length):
                raise BrokenStreamError(f"it ends in the middle of record {number}: it is cut")
            yield name, _answer(header, fields, body, allowance)


class _Lines:
    """A stream that can be read by lines of a bounded length."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._held = b""

    def read(self, size: int, /) -> bytes:
        if not self._held:
            return self._source.read(size)
        data, self._held = self._held[:size], self._held[size:]
        return data

    def line(self, most: int) -> bytes | None:
        """Return a line without its end; nothing at the end of the stream."""
        while (place := self._held.find(b"\n")) < 0:
            more = self._source.read(4096)
            if not more:
                line, self._held = self._held, b""
                return line or None
            self._held += more
            if len(self._held) > most + 4096:
                break
        if place < 0 or place > most:
            raise BrokenStreamError(f"a header is longer than {most:,} bytes: this is no WARC")
        line, self._held = self._held[:place], self._held[place + 1 :]
        return line.rstrip(b"\r")


def _record_header(lines: _Lines) -> list[bytes] | None:
    """Return the lines of the next header, the version first; nothing at the end of the file."""
    line = lines.line(LONGEST_HEADER)
    blank = 0
    while line is not None and not line.strip():
        blank += 1
        if blank > 1_000:
            raise BrokenStreamError("it goes on with empty lines only")
        line = lines.line(LONGEST_HEADER)
    if line is None:
        return None
    if not line.startswith(b"WARC/"):
        raise BrokenStreamError("a record does not begin where the one before it ends")
    found, left = [line], LONGEST_HEADER
    while (line := lines.line(left)) is not None and line.strip():
        found.append(line)
        left -= len(line) + 1
        if left <= 0:
            raise BrokenStreamError(f"a header is longer than {LONGEST_HEADER:,} bytes")
    return found


def _fields(header: list[bytes]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in header[1:]:
        name, mark, value = line.partition(b":")
        if mark:
            found[name.strip().lower().decode(errors="replace")] = value.strip().decode(
                errors="replace"
            )
    return found


def _pass_over(lines: _Lines, size: int) -> None:
    if not skip(lines, size):
        raise BrokenStreamError("it ends in the middle of a record: the file is cut")


def _answer(
    header: list[bytes], fields: dict[str, str], body: bytes, allowance: Allowance
) -> Answer | str:
    from warcio.archiveiterator import ArchiveIterator
    from warcio.bufferedreaders import ChunkedDataException
    from warcio.exceptions import ArchiveLoadFailed

    record = b"\r\n".join(header) + b"\r\n\r\n" + body + b"\r\n\r\n"
    try:
        found = next(iter(ArchiveIterator(BytesIO(record))), None)
        if found is None:
            return "the record cannot be read"
        if fields.get("warc-type", "").lower() == "response" and found.http_headers is not None:
            status = found.http_headers.get_statuscode()
            if not status.startswith("2"):
                return f"the server answered {status[:20]}, and no page"
        content = read_up_to(found.content_stream(), LARGEST_DOCUMENT + 1)
    except (ArchiveLoadFailed, ChunkedDataException, zlib.error, *_UNREADABLE) as error:
        return f"what the server sent cannot be read ({error})"
    if len(content) > LARGEST_DOCUMENT:
        return f"unpacked it has more than {LARGEST_DOCUMENT:,} bytes"
    allowance.take(max(0, len(content) - len(body)))
    return Answer(
        content=content,
        url=fields.get("warc-target-uri", "").strip("<> "),
        captured_at=moment_of(fields.get("warc-date", "")),
    )
