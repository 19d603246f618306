"""What kind of thing some bytes are, told by what they hold and not by what they are called.

Collectors save pages without an ending of their name or with a wrong one. The name is asked only
where the bytes leave it open: whether lines with commas are a table or prose.
"""

import re
import tarfile
from enum import Enum

HEAD_BYTES = 64 * 2**10
"""How much of a file is looked at."""

MOST_CONTROLS = 0.05
"""Share of control characters from which bytes are no text: random bytes have a tenth."""


class Kind(Enum):
    """A kind of thing that is read."""

    ZIP = "application/zip"
    TAR = "application/x-tar"
    GZIP = "application/gzip"
    BZIP2 = "application/x-bzip2"
    XZ = "application/x-xz"
    WARC = "application/warc"
    HTML = "text/html"
    JSON = "application/json"
    JSON_LINES = "application/jsonl"
    CSV = "text/csv"
    PLAIN = "text/plain"
    PNG = "image/png"
    JPEG = "image/jpeg"
    GIF = "image/gif"
    WEBP = "image/webp"
    BMP = "image/bmp"
    TIFF = "image/tiff"


PACKED = frozenset({Kind.GZIP, Kind.BZIP2, Kind.XZ})
STREAMED = PACKED | {Kind.ZIP, Kind.TAR, Kind.WARC}
"""Kinds that may be larger than a document, because they are read member by member."""

_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
    (b"\x1f\x8b\x08", Kind.GZIP),
    (b"BZh", Kind.BZIP2),
    (b"\xfd7zXZ\x00", Kind.XZ),
    (b"WARC/", Kind.WARC),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"GIF87a", Kind.GIF),
    (b"GIF89a", Kind.GIF),
    (b"BM", Kind.BMP),
    (b"II*\x00", Kind.TIFF),
    (b"MM\x00*", Kind.TIFF),
)
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF: save its pages as text, HTML or pictures"),
    (b"Rar!", "a RAR archive: unpack it and offer the folder"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it and offer the folder"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd: unpack it first"),
    (b"SQLite format 3", "an SQLite database: export its tables as CSV or JSON lines"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_MARKUP = re.compile(
    rb"<(?:!doctype|!--|html|head|body|title|meta|div|table|tr|td|p|a|h[1-6]|ul|li|br|b|i|img|span|"
    rb"script|style|form|section|article|\?xml)[\s>/]",
    re.IGNORECASE,
)
_CONTROLS = bytes([*range(9), 11, *range(14, 27), *range(28, 32), 127])
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def kind_of(head: bytes, name: str) -> Kind | str:
    """Return the kind of what begins with `head`, or what is wrong with it.

    `head` is the first `HEAD_BYTES`, or all there is.
    """
    for magic, what in _FOREIGN:
        if head.startswith(magic) and (magic != b"MZ" or b"\0" in head):
            return f"it is {what}"
    for magic, kind in _MAGIC:
        if head.startswith(magic) and (kind is not Kind.BMP or b"\0" in head[:16]):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind.WEBP
    if _is_tar(head):
        return Kind.TAR
    return _text_kind(head, name.lower())


def _is_tar(head: bytes) -> bool:
    if len(head) < tarfile.BLOCKSIZE:
        return False
    if head[257:262] == b"ustar":
        return True
    if not head[0] or head[:100].strip(b"\0").count(0):
        return False
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def _text_kind(head: bytes, name: str) -> Kind | str:
    if not head.startswith(_BOMS[1:]):
        controls = len(head) - len(head.translate(None, _CONTROLS))
        if controls > MOST_CONTROLS * len(head):
            return "it is neither text nor a kind of file that is known"
    begun = head.removeprefix(_BOMS[0]).lstrip()
    if begun.startswith((b"{", b"[")):
        lines = begun.split(b"\n", 2)
        first = lines[0].strip()
        if len(lines) > 1 and first.endswith(b"}") and lines[1].lstrip()[:1] in (b"{", b""):
            return Kind.JSON_LINES
        # A post may begin with a bracket, too.
        if re.match(rb"[{\[]\s*([\"{\[\]}]|-?\d|$)", begun) or name.endswith(".json"):
            return Kind.JSON_LINES if name.endswith((".jsonl", ".ndjson")) else Kind.JSON
    if name.endswith((".csv", ".tsv")):
        return Kind.CSV
    if begun.startswith(b"<") or name.endswith((".html", ".htm", ".xhtml")):
        return Kind.HTML
    return Kind.HTML if len(_MARKUP.findall(head[:8192])) > 2 else Kind.PLAIN
