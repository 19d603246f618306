"""Numbers and bytes as Ethereum's JSON writes them, read strictly.

JSON-RPC writes a number as `0x` and hexadecimal digits without leading zeros, and bytes as `0x`
and two digits a byte. Nodes and proxies differ in leading zeros, so these are let pass; anything
else that is not of this form, or is larger than what is asked for, is an error that names the
field. Nothing is coerced: the number 1, the text "1" and `true` are not the quantity 0x1.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from chains.errors import MalformedBlockError
from chains.types import UInt8Array, UInt64Array

Fields = Mapping[str, object]
"""A JSON object."""

UINT64 = (1 << 64) - 1
UINT256 = (1 << 256) - 1
LIMBS = 4
"""Limbs of 64 bits in an amount, lowest first."""

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,128}")
_SHOWN = 40
_HALF = np.uint64(32)
_MASK = np.uint64(0xFFFF_FFFF)


def an_object(value: object, name: str) -> Fields:
    """Return a JSON object."""
    if not isinstance(value, dict):
        raise _wrong(name, value, "an object")
    return value


def a_list(value: object, name: str) -> Sequence[object]:
    """Return a JSON list."""
    if not isinstance(value, list):
        raise _wrong(name, value, "a list")
    return value


def quantity(fields: Fields, name: str, most: int = UINT64) -> int:
    """Return the number of a field that must be there, from 0 to `most`."""
    return quantity_of(fields.get(name), name, most)


def quantity_or(fields: Fields, name: str, default: int, most: int = UINT64) -> int:
    """Return the number of a field, or `default` where it is missing or null."""
    value = fields.get(name)
    return default if value is None else quantity_of(value, name, most)


def quantity_of(value: object, name: str, most: int = UINT64) -> int:
    """Return the number that a text is; `name` is for the error."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise _wrong(name, value, "a number in hexadecimal")
    number = int(value, 16)
    if number > most:
        raise MalformedBlockError(f"{name} is {number}, larger than {most}")
    return number


def raw(fields: Fields, name: str, size: int | None = None) -> bytes:
    """Return the bytes of a field that must be there, `size` of them where that is given."""
    return raw_of(fields.get(name), name, size)


def raw_or_none(fields: Fields, name: str, size: int | None = None) -> bytes | None:
    """Return the bytes of a field, or nothing where it is missing or null."""
    value = fields.get(name)
    return None if value is None else raw_of(value, name, size)


def raw_of(value: object, name: str, size: int | None = None) -> bytes:
    """Return the bytes that a text is; `name` is for the error."""
    if not isinstance(value, str) or value[:2] != "0x":
        raise _wrong(name, value, "bytes in hexadecimal")
    try:
        found = bytes.fromhex(value[2:])
    except ValueError:
        raise _wrong(name, value, "bytes in hexadecimal") from None
    if 2 * len(found) + 2 != len(value):
        # `bytes.fromhex` skips spaces.
        raise _wrong(name, value, "bytes in hexadecimal")
    if size is not None and len(found) != size:
        raise MalformedBlockError(f"{name} has {len(found)} bytes and not {size}")
    return found


def limbs_of(values: Sequence[int]) -> UInt64Array:
    """Return numbers below 2**256 as a column of shape (len(values), 4)."""
    joined = b"".join([value.to_bytes(32, "little") for value in values])
    return np.frombuffer(joined, "<u8").astype(np.uint64).reshape(-1, LIMBS)


def limbs_of_words(words: UInt8Array) -> UInt64Array:
    """Return words of 32 bytes, highest byte first, as a column of amounts."""
    swapped = np.ascontiguousarray(words).view(">u8").reshape(-1, LIMBS)
    return np.ascontiguousarray(swapped[:, ::-1]).astype(np.uint64)


def limbs_of_small(values: UInt64Array) -> UInt64Array:
    """Return numbers of 64 bits as a column of amounts."""
    column = np.zeros((len(values), LIMBS), np.uint64)
    column[:, 0] = values
    return column


def ints_of(column: UInt64Array) -> list[int]:
    """Return the amounts of a column as Python numbers."""
    return [a | b << 64 | c << 128 | d << 192 for a, b, c, d in column.tolist()]


def products(left: UInt64Array, right: UInt64Array) -> UInt64Array:
    """Return the products of numbers of 64 bits as a column of amounts; nothing wraps around."""
    low, high = left & _MASK, left >> _HALF
    other_low, other_high = right & _MASK, right >> _HALF
    lowest = low * other_low
    middle = high * other_low + (lowest >> _HALF)
    second = low * other_high + (middle & _MASK)
    column = np.zeros((len(left), LIMBS), np.uint64)
    column[:, 0] = (second << _HALF) | (lowest & _MASK)
    column[:, 1] = high * other_high + (middle >> _HALF) + (second >> _HALF)
    return column


def rows_of(parts: Sequence[bytes], width: int) -> UInt8Array:
    """Return byte strings of one width as rows."""
    return np.frombuffer(b"".join(parts), np.uint8).reshape(-1, width)


def _wrong(name: str, value: object, wanted: str) -> MalformedBlockError:
    if value is None:
        return MalformedBlockError(f"{name} is missing; it should be {wanted}")
    shown = ascii(value)
    if len(shown) > _SHOWN:
        shown = f"{shown[:_SHOWN]}…"
    return MalformedBlockError(f"{name} is {shown} and not {wanted}")
