"""Members of a TAR archive, read as a stream and never unpacked to disk.

The library's own reader believes a header that announces gigabytes of metadata; this one reads
headers of a bounded size and passes over what it does not need.
"""

import tarfile
from collections.abc import Iterator

from arien_flows.documents.limits import (
    LARGEST_DOCUMENT,
    LONGEST_HEADER,
    LONGEST_NAME,
    MOST_MEMBERS,
)
from arien_flows.documents.packed import BrokenStreamError, Source, read_up_to, skip

_BLOCK = tarfile.BLOCKSIZE
_FOLDER = tarfile.DIRTYPE
_SILENT = frozenset({tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK})
_REFUSED = {
    tarfile.SYMTYPE: "a link is not followed",
    tarfile.LNKTYPE: "a link is not followed",
    tarfile.CHRTYPE: "a device is not read",
    tarfile.BLKTYPE: "a device is not read",
    tarfile.FIFOTYPE: "a pipe is not read",
    tarfile.GNUTYPE_SPARSE: "a sparse file is not read: pack it anew without --sparse",
}


def tar_members(source: Source) -> Iterator[tuple[str, bytes | str]]:
    """Yield the name of each member with its bytes, or with why it is not read.

    `BrokenStreamError` where the archive itself is damaged.
    """
    name: str | None = None
    size: int | None = None
    for _ in range(MOST_MEMBERS):
        header = read_up_to(source, _BLOCK)
        if not header.strip(b"\0"):
            return
        info = _header(header)
        if info.type in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
            extra = _extra(source, info)
            if info.type == tarfile.XHDTYPE:
                name, size = _records(extra, name)
            else:
                name = extra.rstrip(b"\0").decode(errors="replace")
            continue
        shown = (name or info.name)[:LONGEST_NAME]
        length = info.size if size is None else size
        kind, name, size = info.type, None, None
        if kind in _REFUSED:
            yield shown, _REFUSED[kind]
        if kind in _REFUSED or kind in _SILENT or kind == _FOLDER:
            _pass_over(source, 0 if kind == tarfile.LNKTYPE else length)
            continue
        yield shown, _content(source, length)
    raise BrokenStreamError(f"it has more than {MOST_MEMBERS:,} members: split it")


def _header(block: bytes) -> tarfile.TarInfo:
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "replace")
    except (tarfile.HeaderError, ValueError) as error:
        raise BrokenStreamError(f"a header of the archive is damaged ({error})") from error
    if info.size < 0:
        raise BrokenStreamError("a header of the archive is damaged (negative size)")
    return info


def _extra(source: Source, info: tarfile.TarInfo) -> bytes:
    if info.size > LONGEST_HEADER:
        raise BrokenStreamError(f"a header of {info.size:,} bytes is no header of a member")
    raw = read_up_to(source, info.size)
    _pass_over(source, -info.size % _BLOCK, padded=False)
    return raw


def _records(raw: bytes, name: str | None) -> tuple[str | None, int | None]:
    """Return the name and the size that records such as `18 path=pages/1` state."""
    size = None
    while raw:
        length, _, _ = raw.partition(b" ")
        if not length.isdigit() or not 0 < int(length) <= len(raw):
            break
        key, _, value = raw[len(length) + 1 : int(length) - 1].partition(b"=")
        if key == b"path":
            name = value.decode(errors="replace")
        elif key == b"size" and value.isdigit() and len(value) < 20:
            size = int(value)
        raw = raw[int(length) :]
    return name, size


def _content(source: Source, size: int) -> bytes | str:
    if size > LARGEST_DOCUMENT:
        _pass_over(source, size)
        return f"it has {size:,} bytes, and a document at most {LARGEST_DOCUMENT:,}"
    raw = read_up_to(source, size)
    if len(raw) < size:
        raise BrokenStreamError("it ends in the middle of a member: the file is cut")
    _pass_over(source, -size % _BLOCK, padded=False)
    return raw


def _pass_over(source: Source, size: int, *, padded: bool = True) -> None:
    whole = size + (-size % _BLOCK if padded else 0)
    if not skip(source, whole):
        raise BrokenStreamError("it ends in the middle of a member: the file is cut")
