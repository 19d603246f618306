"""Recursive length prefix: how Ethereum writes nested lists of byte strings before hashing them.

Only writing: hashes of headers, addresses of created contracts and signed authorisations are
computed from fields that are known already.
"""

from collections.abc import Sequence
from typing import TypeAlias

Item: TypeAlias = "int | bytes | Sequence[Item]"
"""A number (highest byte first, without leading zeros), bytes, or a list of items."""

_LONG = 56
"""From this length on, the length itself is written out."""


def encode(item: Item) -> bytes:
    """Return an item as it is hashed."""
    if isinstance(item, int):
        return _string(item.to_bytes((item.bit_length() + 7) // 8, "big"))
    if isinstance(item, bytes):
        return _string(item)
    body = b"".join([encode(part) for part in item])
    return _prefix(len(body), 0xC0) + body


def _string(raw: bytes) -> bytes:
    if len(raw) == 1 and raw[0] < 0x80:
        return raw
    return _prefix(len(raw), 0x80) + raw


def _prefix(length: int, offset: int) -> bytes:
    if length < _LONG:
        return bytes((offset + length,))
    written = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((offset + _LONG - 1 + len(written),)) + written
