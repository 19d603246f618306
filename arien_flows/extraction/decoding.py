"""From the bytes of a document to UTF-8, without losing where each byte came from.

The encoding is what a byte-order mark says, else what the caller was told (a transfer's header),
else what the page declares, else UTF-8 if the bytes look like it, else windows-1252. Names of
encodings are those of the Encoding standard (encoding.spec.whatwg.org), of which pages use few; an
unknown name counts as none.

A page in UTF-8 with a few broken bytes stays UTF-8: it is taken for windows-1252 only where broken
bytes outnumber whole characters of several bytes.
"""

import codecs
import re
from dataclasses import dataclass

import numpy as np

from chains.types import Int64Array

DECLARED_WITHIN = 4096
"""Bytes of a page in which its declaration is looked for; the standard has 1,024, and saved pages
often carry a longer preface."""

_DECLARATION = re.compile(
    rb"""<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([\w.:-]{2,40})|^<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})""",
    re.IGNORECASE,
)

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)

_SAME = {
    "utf-8": "utf-8",
    "ascii": "windows-1252",
    "iso8859-1": "windows-1252",
    "latin-1": "windows-1252",
    "cp1252": "windows-1252",
    "iso8859-9": "windows-1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "utf-16": "utf-16-le",
    "utf-32": "utf-32-le",
}
"""What pages mean by some names, by the name that Python gives them."""

_ONE_BYTE = re.compile(r"(windows-|cp)(866|874|125\d)|iso8859-\d+|koi8-[ru]|mac-\w+|tis-620")
_SEVERAL_BYTES = ("gb18030", "big5", "big5hkscs", "shift_jis", "cp932", "euc_jp", "euc_kr", "cp949")
_WIDE = {"utf-16-le": 2, "utf-16-be": 2, "utf-32-le": 4, "utf-32-be": 4}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """A document in UTF-8."""

    utf8: bytes

    origin: Int64Array | None
    """Where each byte, and the end, stood in the original; None where nothing was moved."""

    encoding: str
    undecodable: int
    """Bytes that are no text in that encoding; U+FFFD stands for each."""

    length: int
    """Bytes of the original."""

    def original(self, offset: int) -> int:
        """Return where a byte stood in the original."""
        return offset if self.origin is None else int(self.origin[offset])


def known_encoding(name: str | None) -> str | None:
    """Return how an encoding is called here; None for no encoding of text, or an unknown one."""
    try:
        found = codecs.lookup(name.strip()).name if name else ""
    except (LookupError, ValueError):
        return None
    found = _SAME.get(found, found)
    if found == "utf-8" or found in _WIDE or found in _SEVERAL_BYTES or _ONE_BYTE.fullmatch(found):
        return found
    return None


def declared_encoding(raw: bytes) -> str | None:
    """Return the encoding that a page declares in its first bytes."""
    found = _DECLARATION.search(raw, 0, DECLARED_WITHIN)
    if found is None:
        return None
    name = known_encoding((found[1] or found[2]).decode("ascii"))
    # A declaration that was read as ASCII cannot be right about an encoding that has none.
    return "utf-8" if name in _WIDE else name


def decoded(raw: bytes, told: str | None = None, *, markup: bool = False) -> Source:
    """Return a document in UTF-8.

    Parameters
    ----------
    raw
        The document.
    told
        The encoding that came with it, if any.
    markup
        Whether the document may declare one itself.
    """
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return _moved(_read(raw[len(mark) :], name), len(mark), len(raw))
    name_told = known_encoding(told) or (declared_encoding(raw) if markup else None)
    if name_told is not None:
        return _read(raw, name_told)
    as_utf8 = _read(raw, "utf-8")
    if as_utf8.undecodable and as_utf8.undecodable > _wide_characters(raw):
        return _read(raw, "windows-1252")
    return as_utf8


def _wide_characters(raw: bytes) -> int:
    """Return how many characters of several bytes a text in UTF-8 has."""
    return sum(1 for character in raw.decode("utf-8", "ignore") if character > "\x7f")


def _moved(source: Source, by: int, length: int) -> Source:
    """Return a source whose original has `by` more bytes before it."""
    origin = source.origin
    if origin is None:
        origin = np.arange(len(source.utf8) + 1, dtype=np.int64)
    return Source(
        utf8=source.utf8,
        origin=origin + by,
        encoding=source.encoding,
        undecodable=source.undecodable,
        length=length,
    )


def _read(raw: bytes, encoding: str) -> Source:
    if encoding == "utf-8":
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            return _from_characters(raw, encoding, *_lenient_utf8(raw))
        return Source(utf8=raw, origin=None, encoding=encoding, undecodable=0, length=len(raw))
    if encoding in _WIDE:
        return _from_characters(raw, encoding, *_wide(raw, encoding))
    if encoding in _SEVERAL_BYTES:
        return _from_characters(raw, encoding, *_stepwise(raw, encoding))
    text = raw.decode(encoding, "replace")
    return _from_characters(raw, encoding, text, np.arange(len(raw) + 1, dtype=np.int64))


def _from_characters(raw: bytes, encoding: str, text: str, at: Int64Array) -> Source:
    """Return the source of characters that begin at these bytes, the last being the end."""
    undecodable = 0
    utf8 = text.encode("utf-8")
    octets = np.frombuffer(utf8, np.uint8)
    character = np.cumsum((octets & 0xC0) != 0x80) - 1
    origin = np.append(at[character], at[-1])
    if "\ufffd" in text:
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        undecodable = int(np.diff(at)[codes == 0xFFFD].sum())
    return Source(
        utf8=utf8, origin=origin, encoding=encoding, undecodable=undecodable, length=len(raw)
    )


def _lenient_utf8(raw: bytes) -> tuple[str, Int64Array]:
    """Decode bytes of which some are no UTF-8: U+FFFD for each of those."""
    # Each such byte becomes one lone surrogate, which no well-formed text holds.
    text = raw.decode("utf-8", "surrogateescape")
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).copy()
    stray = (codes >= 0xDC80) & (codes <= 0xDCFF)
    width = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
    width[stray] = 1
    codes[stray] = 0xFFFD
    at = np.concatenate([np.zeros(1, np.int64), np.cumsum(width)])
    return codes.tobytes().decode("utf-32-le"), at


def _wide(raw: bytes, encoding: str) -> tuple[str, Int64Array]:
    """Decode units of two or four bytes; what is left over at the end, or unpaired, is U+FFFD."""
    unit = _WIDE[encoding]
    kind = f"{'<' if encoding.endswith('le') else '>'}u{unit}"
    units = np.frombuffer(raw, kind, len(raw) // unit).astype(np.uint32)
    starts = np.ones(len(units), bool)
    codes = units.copy()
    if unit == 2:
        high = (units[:-1] & 0xFC00) == 0xD800
        pair = np.flatnonzero(high & ((units[1:] & 0xFC00) == 0xDC00))
        codes[pair] = 0x10000 + ((units[pair] & 0x3FF) << 10) + (units[pair + 1] & 0x3FF)
        starts[pair + 1] = False
    codes, at = codes[starts], np.flatnonzero(starts) * unit
    codes[((codes & 0xFFFFF800) == 0xD800) | (codes > 0x10FFFF)] = 0xFFFD
    text = codes.astype("<u4").tobytes().decode("utf-32-le")
    if len(raw) % unit:
        text, at = text + "\ufffd", np.append(at, len(units) * unit)
    return text, np.append(at, len(raw)).astype(np.int64)


def _stepwise(raw: bytes, encoding: str) -> tuple[str, Int64Array]:
    """Decode byte by byte, which is slow: these encodings are rare here."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    pieces: list[str] = []
    at: list[int] = []
    begin = 0
    for offset in range(len(raw)):
        piece = decoder.decode(raw[offset : offset + 1])
        if piece:
            pieces.append(piece)
            at += [begin] * len(piece)
            begin = offset + 1
    piece = decoder.decode(b"", final=True)
    pieces.append(piece)
    at += [begin] * len(piece)
    return "".join(pieces), np.array([*at, len(raw)], np.int64)
