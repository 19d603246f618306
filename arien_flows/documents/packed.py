"""Unpacking as a stream, within what an archive may come to.

Never more than was asked for is held in memory, and the allowance that all streams of one offer
share ends a bomb long before it fills anything.
"""

import bz2
import lzma
import zlib
from typing import Protocol

from arien_flows.documents.limits import FREE_EXPANSION, MOST_EXPANSION
from arien_flows.documents.sniffing import Kind

_PIECE = 64 * 2**10
_XZ_MEMORY = 256 * 2**20
"""What the settings of an xz file may ask for; the densest of the program's own ask for 65 MB."""

BROKEN = (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)
"""What the libraries raise where a packed stream is damaged."""


class Source(Protocol):
    """Something that bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end."""


class ExpansionError(Exception):
    """An archive comes to more than it may."""


class BrokenStreamError(Exception):
    """A packed stream is damaged; says how."""


class Allowance:
    """What may still be unpacked of one offer."""

    def __init__(self, packed_bytes: int) -> None:
        """Allow what fits an offer of so many bytes."""
        self.left = FREE_EXPANSION + MOST_EXPANSION * packed_bytes

    def take(self, size: int) -> None:
        """Count bytes that were unpacked; `ExpansionError` where they are too many."""
        self.left -= size
        if self.left < 0:
            raise ExpansionError(
                f"unpacked it is more than {MOST_EXPANSION} times as large as packed, as bombs "
                "are: what was read before is kept, and the rest is not read"
            )


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


class _Gzip:
    """`zlib` with the manners of the other two."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


def _decompressor(kind: Kind) -> _Decompressor:
    if kind is Kind.GZIP:
        return _Gzip()
    if kind is Kind.BZIP2:
        return bz2.BZ2Decompressor()
    return lzma.LZMADecompressor(memlimit=_XZ_MEMORY)


class Unpacked:
    """What a packed stream holds, all its parts one after the other."""

    def __init__(self, source: Source, kind: Kind, allowance: Allowance) -> None:
        self._source = source
        self._kind = kind
        self._allowance = allowance
        self._inner = _decompressor(kind)
        self._rest = b""
        self._is_ended = False

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; `BrokenStreamError` or `ExpansionError` where it ends."""
        while not self._is_ended and size > 0:
            data = self._step(size)
            if data:
                self._allowance.take(len(data))
                return data
        return b""

    def _step(self, size: int) -> bytes:
        fed, self._rest = self._rest, b""
        try:
            # What it still holds comes out before more is put in.
            data = self._inner.decompress(fed, size)
            if not data and not self._inner.eof and not fed:
                fed = self._source.read(_PIECE)
                if not fed:
                    raise BrokenStreamError("it ends in the middle: the file is damaged or cut")
                data = self._inner.decompress(fed, size)
        except BROKEN as error:
            raise BrokenStreamError(f"it is damaged ({error})") from error
        if self._inner.eof:
            self._next_part()
        return data

    def _next_part(self) -> None:
        rest = self._inner.unused_data or self._source.read(_PIECE)
        # Some writers fill up with zeros.
        rest = rest.lstrip(b"\0")
        if not rest:
            self._is_ended = True
            return
        self._inner = _decompressor(self._kind)
        self._rest = rest


def read_up_to(source: Source, size: int) -> bytes:
    """Return `size` bytes, or all there are."""
    pieces = []
    while size > 0 and (piece := source.read(min(size, 2**20))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def skip(source: Source, size: int) -> bool:
    """Read and forget `size` bytes; tell whether there were as many."""
    while size > 0:
        piece = source.read(min(size, 2**20))
        if not piece:
            return False
        size -= len(piece)
    return True


class Prefixed:
    """A stream of which the beginning was read already."""

    def __init__(self, head: bytes, source: Source) -> None:
        self._head = head
        self._source = source

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end."""
        if not self._head:
            return self._source.read(size)
        data, self._head = self._head[:size], self._head[size:]
        return data
