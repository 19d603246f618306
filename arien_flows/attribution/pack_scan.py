"""A quick way through TagPacks of the usual shape, with the strict reader as the judge.

Reading YAML takes thirty times longer than finding its lines, and most of half a million tags
differ in nothing but the address. A pack is of the usual shape where its header is a plain mapping
that ends with the line `tags:`, and every tag is a list entry of lines `key: value`, each complete
in itself (quoted text may go over several, and a key may have a list of words under it): no
anchor, alias, comment, nested mapping or tab. Such a line means the same wherever it stands, so
each distinct one is read once, by the strict reader, and so is the header. Decided here is only
where lines begin and end, and the text of a subject that is all letters and digits, which the
strict reader takes as it is written.

Whatever is not of this shape is not judged here at all: the whole pack is left to the strict
reader, and so is its error message. A property in the tests compares both on made-up packs.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_START = re.compile(rb"^tags:[ ]*\n(?=([ ]{0,8})- )", re.MULTILINE)
_HEADER_LINE = re.compile(rb"[a-z_]+:(?:[ ].*)?|[ ]+[^ ].*|- .*|[ ]*|#.*")
_FIRST_HEADER_LINE = re.compile(rb"(?:[ ]*\n|#.*\n)*[a-z_]+:(?:[ ]|\n)")
_CONTROLS = bytes([*range(10), *range(11, 32), 127, *range(0xF5, 0x100)])
"""Control characters (tab and carriage return among them), and bytes that no UTF-8 has."""

_LINE_BREAKS = (b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\xef\xbb\xbf")
"""YAML's line breaks past ASCII, and the mark that it skips."""

_LINE = re.compile(
    rb"""[a-z_]+:[ ]+(?:
        [A-Za-z0-9/(._+$\x80-\xf4](?:[^:#\n]|:(?![ \n]|\Z)|(?<![ ])\#)*
        | '(?:[^'\n]|'')*'[ ]*
        | "[^"\\\n]*"[ ]*
        | \[[a-z_, -]*\][ ]*
    )""",
    re.VERBOSE,
)
"""A key and a value that ends with the line."""

_OPENED = re.compile(rb"[a-z_]+:[ ]+'(?:[^'\n]|'')*")
_GOES_ON = re.compile(rb"(?:[ ]+(?:[^'\n]|'')*)?")
_CLOSED = re.compile(rb"[ ]+(?:[^'\n]|'')*'[ ]*")
"""Single-quoted text over several lines; a quote in it is written twice."""

_LISTED = re.compile(rb"[ ]*- [a-z_-]+[ ]*")
_LIST_KEY = re.compile(rb"[a-z_]+:[ ]*")

_SUBJECT = re.compile(
    rb"(address|tx_hash): *(?:([A-Za-z0-9]+)|'([A-Za-z0-9]+)'|\"([A-Za-z0-9]+)\") *"
)
_NULL_WORDS = frozenset({b"null", b"Null", b"NULL"})

Judge = Callable[[bytes], Any]
"""Reads YAML strictly; raises where it is none."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """A pack of the usual shape."""

    header: Mapping[str, Any]
    """Without the tags."""

    bodies: list[dict[str, Any]]
    """What tags say besides the subject, each once."""

    kinds: list[str]
    """Of each body the key under which its tags name the subject."""

    subjects: list[str]
    """Of each tag the address or transaction."""

    body: list[int]
    """Of each tag the place in `bodies`."""


def scan_pack(raw: bytes, judge: Judge) -> Scanned | None:
    """Return what a pack says; nothing where it is not of the usual shape."""
    start = _START.search(raw)
    if start is None or _is_unsafe(raw):
        return None
    header_text = raw[: start.start()]
    if not _is_plain_header(header_text):
        return None
    found = _entries(raw[start.end() :], start[1])
    if found is None:
        return None
    subjects, body, distinct = found
    header = judge(header_text)
    bodies = _read_bodies([text for _, text in distinct], judge)
    if bodies is None or not isinstance(header, dict) or "tags" in header:
        return None
    kinds = [kind.decode() for kind, _ in distinct]
    if any(kind in said for kind, said in zip(kinds, bodies, strict=True)):
        return None  # a tag names its subject twice
    return Scanned(header, bodies, kinds, subjects, body)


def _is_unsafe(raw: bytes) -> bool:
    return len(raw.translate(None, _CONTROLS)) != len(raw) or (
        not raw.isascii() and any(mark in raw for mark in _LINE_BREAKS)
    )


def _is_plain_header(text: bytes) -> bool:
    """Tell whether what stands before the tags is complete, as far as its lines show."""
    return _FIRST_HEADER_LINE.match(text) is not None and all(
        _HEADER_LINE.fullmatch(line) for line in text.split(b"\n")
    )


def _entries(
    text: bytes, indent: bytes
) -> tuple[list[str], list[int], list[tuple[bytes, bytes]]] | None:
    """Return the subjects, and which of the distinct bodies (subject's key, lines) each has."""
    subjects: list[str] = []
    body: list[int] = []
    known: dict[tuple[bytes, bytes], int] = {}
    margin = indent + b"  "
    subject_line = _SUBJECT.fullmatch
    for entry in text.rstrip(b"\n")[len(indent) + 2 :].split(b"\n" + indent + b"- "):
        first, _, rest = entry.partition(b"\n")
        match = subject_line(first)
        if match is None:
            moved = _subject_first(entry, margin)
            if moved is None:
                return None
            match, rest = moved
        word = match[2] or match[3] or match[4]
        if word in _NULL_WORDS and match[2]:
            return None
        subjects.append(word.decode())
        kind = (match[1], rest)
        place = known.get(kind)
        if place is None:
            place = known[kind] = len(known)
        body.append(place)
    distinct = [(kind, _without(rest, margin)) for kind, rest in known]
    if any(lines is None for _, lines in distinct):
        return None
    return subjects, body, [(kind, lines or b"") for kind, lines in distinct]


def _subject_first(entry: bytes, margin: bytes) -> tuple[re.Match[bytes], bytes] | None:
    """Return the line of an entry that names the subject, and its other lines."""
    lines = entry.split(b"\n")
    for number, line in enumerate(lines):
        if number and line and not line.startswith(margin):
            return None
        match = _SUBJECT.fullmatch(line, len(margin) if number else 0)
        if match is not None:
            others = [margin + lines[0], *lines[1:number], *lines[number + 1 :]]
            return match, b"\n".join(others)
    return None


def _without(rest: bytes, margin: bytes) -> bytes | None:
    """Return the lines of a body without their margin; nothing where one but a blank lacks it."""
    if not rest:
        return b""
    lines = rest.split(b"\n")
    width = len(margin)
    if any(line and line[:width] != margin for line in lines):
        return None
    return b"\n".join(line[width:] for line in lines)


def _read_bodies(texts: list[bytes], judge: Judge) -> list[dict[str, Any]] | None:
    """Return what bodies say, each distinct line read once; nothing where one is not plain."""
    known: dict[bytes, int] = {}
    places: list[list[int]] = []
    for text in texts:
        lines = _units(text)
        if lines is None:
            return None
        places.append([known.setdefault(line, len(known)) for line in lines])
    if not known:
        return [{} for _ in texts]
    read = judge(b"- " + b"\n- ".join(known))
    if not isinstance(read, list) or len(read) != len(known):
        return None
    bodies = []
    for text_places in places:
        body: dict[str, Any] = {}
        for place in text_places:
            body |= read[place]
        if len(body) != len(text_places):
            return None  # a key stands twice, or a line holds more than one
        bodies.append(body)
    return bodies


def _units(text: bytes) -> list[bytes] | None:
    """Return the keys of a body with their values; nothing where one is not complete in a line.

    A key takes along the lines of its list of words, or of the quoted text that it opens.
    """
    units: list[bytes] = []
    is_list = is_open = False
    for line in text.split(b"\n"):
        if is_open and (_CLOSED.fullmatch(line) or _GOES_ON.fullmatch(line)):
            units[-1] += b"\n  " + line
            is_open = _CLOSED.fullmatch(line) is None
        elif is_open:
            return None
        elif _LINE.fullmatch(line):
            units.append(line)
            is_list = False
        elif is_list and _LISTED.fullmatch(line):
            units[-1] += b"\n  " + line
        elif _LIST_KEY.fullmatch(line):
            units.append(line)
            is_list = True
        elif _OPENED.fullmatch(line):
            units.append(line)
            is_list, is_open = False, True
        elif line.strip(b" "):
            return None
    return None if is_open else units
