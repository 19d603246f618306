"""Members of a ZIP archive. Nothing is unpacked to disk: names are names only."""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from arien_flows.documents.limits import (
    LARGEST_DIRECTORY,
    LARGEST_DOCUMENT,
    LONGEST_NAME,
    MOST_MEMBERS,
)
from arien_flows.documents.packed import Allowance, BrokenStreamError

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_LONGEST_COMMENT = 2**16
_ENCRYPTED = 1
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
    OverflowError,
    IndexError,
    KeyError,
)
"""What the library raises for archives that are damaged or made to be."""


def zip_members(file: BinaryIO, allowance: Allowance) -> Iterator[tuple[str, bytes | str]]:
    """Yield the name of each member with its bytes, or with why it is not read.

    `BrokenStreamError` where the archive itself is damaged.
    """
    _check_directory(file)
    try:
        archive = zipfile.ZipFile(file)
    except _BROKEN as error:
        raise BrokenStreamError(f"the archive is damaged ({error})") from error
    with archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield info.filename[:LONGEST_NAME], _content(archive, info, allowance)


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: Allowance) -> bytes | str:
    if info.flag_bits & _ENCRYPTED:
        return "it is encrypted: unpack the archive with its password and offer the folder"
    if info.file_size > LARGEST_DOCUMENT:
        return f"it has {info.file_size:,} bytes, and a document at most {LARGEST_DOCUMENT:,}"
    if (info.external_attr >> 28) == 0xA:
        return "a link is not followed"
    pieces, size = [], 0
    try:
        with archive.open(info) as member:
            while piece := member.read(2**20):
                allowance.take(len(piece))
                pieces.append(piece)
                size += len(piece)
                if size > LARGEST_DOCUMENT:
                    return "it is larger than the archive says"
    except _BROKEN as error:
        return f"it is damaged ({error})"
    return b"".join(pieces)


def _check_directory(file: BinaryIO) -> None:
    """Refuse an archive whose list of members would fill the memory."""
    file.seek(0, 2)
    length = file.tell()
    tail_begin = max(0, length - _LONGEST_COMMENT - _END.size)
    file.seek(tail_begin)
    tail = file.read(_LONGEST_COMMENT + _END.size)
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) < place + _END.size:
        raise BrokenStreamError("the archive is cut: its list of members is missing")
    _, _, _, _, members, size, _, _ = _END.unpack_from(tail, place)
    if place >= _LOCATOR_64.size:
        mark, _, at, _ = _LOCATOR_64.unpack_from(tail, place - _LOCATOR_64.size)
        if mark == b"PK\x06\x07" and at < length:
            file.seek(at)
            end = file.read(_END_64.size)
            if len(end) == _END_64.size:
                members, size = _END_64.unpack(end)[7:9]
    if members > MOST_MEMBERS or size > LARGEST_DIRECTORY:
        raise BrokenStreamError(
            f"it has {members:,} members, and an archive may have {MOST_MEMBERS:,}: split it"
        )
    file.seek(0)
