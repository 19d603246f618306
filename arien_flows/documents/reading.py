"""From a file, a folder or bytes to single documents, one after the other.

Whatever is offered yields items and refusals and always ends: every loop below has a limit in
`limits`, every stream an allowance, and a refusal says what was not read and why. Archives are
read in memory; nothing is ever unpacked to disk, so a name such as `../../etc/passwd` is a name.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from arien_flows.documents.columns import ColumnMapping, UnknownColumnsError
from arien_flows.documents.item import Item, Refusal, whole
from arien_flows.documents.json_documents import json_items, line_items
from arien_flows.documents.limits import (
    DEEPEST,
    DEEPEST_FOLDER,
    LARGEST_DOCUMENT,
    LONGEST_NAME,
)
from arien_flows.documents.packed import (
    Allowance,
    BrokenStreamError,
    ExpansionError,
    Prefixed,
    Source,
    Unpacked,
    read_up_to,
)
from arien_flows.documents.sniffing import HEAD_BYTES, PACKED, STREAMED, Kind, kind_of
from arien_flows.documents.table import table_items
from arien_flows.documents.tar import tar_members
from arien_flows.documents.warc import Answer, warc_answers
from arien_flows.documents.zip import zip_members

Found = Iterator[Item | Refusal]

_PACKED_NAMES = {".gz": "", ".bz2": "", ".xz": "", ".tgz": ".tar", ".tbz2": ".tar", ".txz": ".tar"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where something stands inside what was offered."""

    path: str
    depth: int
    allowance: Allowance
    mapping: ColumnMapping | None


def items(
    offer: Path | bytes, *, name: str | None = None, mapping: ColumnMapping | None = None
) -> Found:
    """Yield every document of a file, a folder or bytes, and whatever is not read.

    `name` is what bytes are called. A folder is read in the order of its names; links in it are
    not followed.
    """
    if isinstance(offer, bytes):
        yield from _bytes_items(offer, _place(name or "document", len(offer), mapping))
        return
    if offer.is_dir():
        yield from _folder_items(offer, _shown(name or offer.name), mapping, 0)
        return
    yield from _file_items(offer, _shown(name or offer.name), mapping)


def _place(path: str, size: int, mapping: ColumnMapping | None) -> _Place:
    return _Place(path=path, depth=0, allowance=Allowance(size), mapping=mapping)


def _shown(name: str) -> str:
    """Return a name of the file system as text that can be stored and shown."""
    return os.fsencode(name).decode(errors="replace")[:LONGEST_NAME]


def _folder_items(folder: Path, path: str, mapping: ColumnMapping | None, depth: int) -> Found:
    if depth > DEEPEST_FOLDER:
        yield Refusal(path=path, reason=f"more than {DEEPEST_FOLDER} folders deep")
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Refusal(path=path, reason=f"the folder cannot be read ({error.strerror})")
        return
    for entry in entries:
        inner = f"{path}/{_shown(entry.name)}"
        if entry.is_symlink():
            yield Refusal(path=inner, reason="a link is not followed: offer what it leads to")
        elif entry.is_dir(follow_symlinks=False):
            yield from _folder_items(Path(entry.path), inner, mapping, depth + 1)
        else:
            yield from _file_items(Path(entry.path), inner, mapping)


def _file_items(file: Path, path: str, mapping: ColumnMapping | None) -> Found:
    # A pipe would wait for its writer for ever; a device has no end.
    try:
        number = os.open(file, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        yield Refusal(path=path, reason=f"it cannot be opened ({error.strerror})")
        return
    with os.fdopen(number, "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            yield Refusal(path=path, reason="it is no file: devices and pipes are not read")
            return
        try:
            yield from _stream_items(stream, status.st_size, _place(path, status.st_size, mapping))
        except OSError as error:
            yield Refusal(path=path, reason=f"it cannot be read ({error.strerror})")


def _stream_items(stream: BinaryIO, size: int, place: _Place) -> Found:
    """Yield the documents of an open file, however large it is."""
    head = read_up_to(stream, HEAD_BYTES)
    kind = kind_of(head, place.path) if head else "it is empty"
    if isinstance(kind, str):
        yield Refusal(path=place.path, reason=kind)
    elif kind is Kind.ZIP:
        yield from _members(_zip_members(stream, place), place)
    elif kind in STREAMED:
        yield from _unpacked_items(Prefixed(head, stream), kind, place)
    elif size > LARGEST_DOCUMENT:
        yield Refusal(path=place.path, reason=_too_large(f"it has {size:,} bytes", kind))
    else:
        raw = head + read_up_to(stream, LARGEST_DOCUMENT + 1 - len(head))
        yield from _bytes_items(raw, place)


def _too_large(what: str, kind: Kind) -> str:
    advice = "split it"
    if kind in (Kind.CSV, Kind.JSON_LINES):
        advice = "split it at ends of lines, and repeat a table's first line in each part"
    return f"{what}, and a document at most {LARGEST_DOCUMENT:,}: {advice}"


def _bytes_items(raw: bytes, place: _Place) -> Found:
    """Yield the documents of bytes in memory."""
    path = place.path
    kind = kind_of(raw[:HEAD_BYTES], path) if raw else "it is empty"
    if isinstance(kind, str):
        yield Refusal(path=path, reason=kind)
    elif kind is Kind.ZIP:
        yield from _members(_zip_members(BytesIO(raw), place), place)
    elif kind in STREAMED:
        yield from _unpacked_items(BytesIO(raw), kind, place)
    elif len(raw) > LARGEST_DOCUMENT:
        yield Refusal(path=path, reason=_too_large("it is too large", kind))
    elif kind is Kind.JSON:
        yield from json_items(raw, path, place.mapping, kind.value)
    elif kind is Kind.JSON_LINES:
        yield from line_items(raw, path, place.mapping, kind.value)
    elif kind is Kind.CSV or (kind is Kind.PLAIN and place.mapping is not None):
        yield from _table(raw, place)
    else:
        yield whole(path, raw, kind.value)


def _table(raw: bytes, place: _Place) -> Found:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield Refusal(path=place.path, reason="a table in UTF-16: save it as UTF-8")
        return
    try:
        yield from table_items(raw, place.path, place.mapping, Kind.CSV.value)
    except UnknownColumnsError as error:
        yield Refusal(path=place.path, reason=str(error))


def _unpacked_items(source: Source, kind: Kind, place: _Place) -> Found:
    """Yield the documents of a packed file, a TAR or a WARC, read as a stream."""
    if place.depth > DEEPEST:
        yield Refusal(path=place.path, reason=_too_deep())
        return
    if kind is Kind.TAR:
        yield from _members(tar_members(source), place)
    elif kind is Kind.WARC:
        yield from _answers(source, place)
    else:
        yield from _packed(source, kind, place)


def _too_deep() -> str:
    return f"archives inside archives are read {DEEPEST} deep: unpack it and offer what it holds"


def _packed(source: Source, kind: Kind, place: _Place) -> Found:
    unpacked = Unpacked(source, kind, place.allowance)
    name = _without_ending(place.path)
    try:
        head = read_up_to(unpacked, HEAD_BYTES)
        inner = kind_of(head, name) if head else "it is empty"
        is_archive = inner in STREAMED and inner not in PACKED
        deeper = replace(
            place,
            path=place.path if is_archive else f"{place.path}!/{name.rpartition('/')[2]}",
            depth=place.depth + (kind in PACKED),
        )
        if isinstance(inner, str):
            yield Refusal(path=place.path, reason=inner)
        elif inner in STREAMED and inner is not Kind.ZIP:
            yield from _unpacked_items(Prefixed(head, unpacked), inner, deeper)
        else:
            raw = head + read_up_to(unpacked, LARGEST_DOCUMENT + 1 - len(head))
            if len(raw) > LARGEST_DOCUMENT:
                yield Refusal(path=place.path, reason=_too_large("unpacked it is too large", inner))
            else:
                yield from _bytes_items(raw, deeper)
    except (BrokenStreamError, ExpansionError) as error:
        yield Refusal(path=place.path, reason=str(error))


def _without_ending(path: str) -> str:
    for ending, instead in _PACKED_NAMES.items():
        if path.lower().endswith(ending):
            return path[: -len(ending)] + instead
    return path


def _zip_members(file: BinaryIO, place: _Place) -> Iterator[tuple[str, bytes | str]]:
    if place.depth > DEEPEST:
        raise BrokenStreamError(_too_deep())
    yield from zip_members(file, place.allowance)


def _members(found: Iterator[tuple[str, bytes | str]], place: _Place) -> Found:
    """Yield the documents of an archive's members; damage ends it with a refusal."""
    try:
        for name, content in found:
            path = f"{place.path}!/{_printable(name)}"
            if isinstance(content, str):
                yield Refusal(path=path, reason=content)
                continue
            inner = replace(place, path=path, depth=place.depth + 1)
            yield from _bytes_items(content, inner)
    except (BrokenStreamError, ExpansionError) as error:
        yield Refusal(path=place.path, reason=str(error))


def _answers(source: Source, place: _Place) -> Found:
    try:
        for name, answer in warc_answers(source, place.allowance):
            path = f"{place.path}!/{name}"
            if isinstance(answer, str):
                yield Refusal(path=path, reason=answer)
            else:
                yield _answer_item(answer, path)
    except (BrokenStreamError, ExpansionError) as error:
        yield Refusal(path=place.path, reason=str(error))


def _answer_item(answer: Answer, path: str) -> Item | Refusal:
    kind = kind_of(answer.content[:HEAD_BYTES], "") if answer.content else "it is empty"
    if isinstance(kind, str):
        return Refusal(path=path, reason=kind)
    if kind in STREAMED:
        return Refusal(path=path, reason="an archive that a server sent: offer it alone")
    return whole(
        path,
        answer.content,
        kind.value,
        captured_at=answer.captured_at,
        clock="" if answer.captured_at is None else "warc",
        url=answer.url or None,
    )


def _printable(name: str) -> str:
    return name.encode(errors="replace").decode()[:LONGEST_NAME]
