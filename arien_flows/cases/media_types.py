"""What a file is, by its own bytes: what a name or a sender says of it is not believed.

The list holds what investigators attach. Anything else is `application/octet-stream`, and text of
any kind is `text/plain`, web pages and pictures made of text (SVG) included: nothing that is kept
here is ever rendered by a browser.
"""

import codecs

BYTES_LOOKED_AT = 512

UNKNOWN = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"\xd4\xc3\xb2\xa1", "application/vnd.tcpdump.pcap"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
)


class Sniffer:
    """Tells what bytes are that come piece by piece."""

    def __init__(self) -> None:
        self._start = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._is_text = True

    def feed(self, piece: bytes) -> None:
        """Look at the next bytes."""
        if len(self._start) < BYTES_LOOKED_AT:
            self._start += piece[: BYTES_LOOKED_AT - len(self._start)]
        if self._is_text:
            self._is_text = b"\x00" not in piece and self._decodes(piece)

    def found(self) -> str:
        """Return the media type of all that was fed."""
        for beginning, media_type in _BEGINNINGS:
            if self._start.startswith(beginning):
                return media_type
        if self._start.startswith(b"RIFF") and self._start[8:12] == b"WEBP":
            return "image/webp"
        is_whole = self._is_text and self._decodes(b"", is_last=True)
        return TEXT if is_whole else UNKNOWN

    def _decodes(self, piece: bytes, *, is_last: bool = False) -> bool:
        try:
            self._decoder.decode(piece, final=is_last)
        except UnicodeDecodeError:
            return False
        return True
