"""Columns of text to numbers and bytes, a whole column at a time.

An export writes addresses and hashes as hexadecimal text and amounts as decimal text of up to 78
digits. Millions of them are decoded with array operations: one look-up for each pair of digits,
nine decimal digits at a time. Parquet files may hold the same columns as numbers or as decimals.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from chains.errors import MalformedBlockError
from chains.types import AnyArray, BoolArray, Int64Array, UInt8Array, UInt64Array

_NO_DIGIT = 0xFF
_DIGITS = np.full(256, _NO_DIGIT, np.uint8)
_DIGITS[np.frombuffer(b"0123456789", np.uint8)] = np.arange(10).astype(np.uint8)
_DECIMAL = _DIGITS.copy()
_DIGITS[np.frombuffer(b"abcdef", np.uint8)] = np.arange(10, 16).astype(np.uint8)
_DIGITS[np.frombuffer(b"ABCDEF", np.uint8)] = np.arange(10, 16).astype(np.uint8)

_MOST_DIGITS = 78
"""Of a number below 2**256."""

_CHUNK = 9
"""Decimal digits that are taken at a time: below 2**30, so that products stay below 2**64."""

_HALVES = 8
"""Digits of 32 bits in a number of 256."""

_HALF = np.uint64(32)
_MASK = np.uint64(0xFFFF_FFFF)


def texts(column: "pa.ChunkedArray") -> "pa.LargeStringArray":
    """Return a column as text, in one piece."""
    if pa.types.is_decimal(column.type) or pa.types.is_integer(column.type):
        column = pc.cast(column, pa.string())
    joined = pc.cast(column, pa.large_string())
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def is_there(column: "pa.ChunkedArray") -> BoolArray:
    """Return which rows hold something; empty text is nothing."""
    present: BoolArray = _numpy(pc.is_valid(column))
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        present &= _numpy(pc.fill_null(pc.not_equal(column, ""), False))
    return present


def numbers(column: "pa.ChunkedArray", name: str, default: int | None = None) -> UInt64Array:
    """Return numbers below 2**64; `default` stands for nothing, which is an error without one."""
    present = is_there(column)
    if default is None and not present.all():
        raise MalformedBlockError(f"{name} is missing in row {_first(~present)}")
    filled = pc.if_else(pa.array(present), column, None)
    if pa.types.is_timestamp(column.type):
        filled = pc.cast(pc.cast(filled, pa.timestamp("s"), safe=False), pa.int64())
    try:
        filled = pc.cast(filled, pa.uint64())
    except pa.ArrowInvalid:
        raise MalformedBlockError(f"{name} holds something that is no number") from None
    return _numpy(pc.fill_null(filled, default or 0)).astype(np.uint64)


def heights(column: "pa.ChunkedArray", name: str) -> Int64Array:
    """Return heights, places and times."""
    found = numbers(column, name)
    if len(found) and int(found.max()) >= 1 << 62:
        raise MalformedBlockError(f"{name} is {found.max()}")
    return found.astype(np.int64)


def fixed_bytes(column: "pa.ChunkedArray", size: int, name: str) -> UInt8Array:
    """Return bytes of one size, which are written as `0x` and digits; zeros stand for nothing."""
    text = _filled(column, "0x" + "00" * size)
    starts, raw = _buffers(text)
    if not len(text):
        return np.empty((0, size), np.uint8)
    width = 2 + 2 * size
    wrong = np.diff(starts) != width
    if wrong.any():
        raise MalformedBlockError(f"{name} has not {size} bytes in row {_first(wrong)}")
    return _from_hex(raw[starts[0] : starts[-1]].reshape(-1, width)[:, 2:], name)


def varied_bytes(column: "pa.ChunkedArray", name: str) -> tuple[UInt8Array, Int64Array]:
    """Return bytes of any size one after another, and where each begins; shape (rows + 1)."""
    text = pc.fill_null(texts(column), "0x")
    starts, raw = _buffers(text)
    sizes = np.diff(starts)
    wrong = (sizes < 2) | (sizes & 1 == 1)
    if wrong.any():
        raise MalformedBlockError(f"{name} is not whole bytes in row {_first(wrong)}")
    written = raw[starts[0] : starts[-1]]
    is_digit = np.ones(len(written), np.bool_)
    marks = starts[:-1] - starts[0]
    is_digit[marks] = False
    is_digit[marks + 1] = False
    digits = written[is_digit]
    begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes // 2 - 1)])
    return _from_hex(digits.reshape(1, -1), name).reshape(-1), begins


def split_topics(column: "pa.ChunkedArray", name: str) -> tuple[UInt8Array, UInt8Array]:
    """Return topics, shape (rows, 4, 32), and how many each row has.

    CSV joins them with commas; Parquet holds a list or the same text.
    """
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        column = pc.binary_join(column, ",")
    text = pc.fill_null(texts(column), "")
    starts, raw = _buffers(text)
    sizes = np.diff(starts)
    counts = np.where(sizes == 0, 0, (sizes + 1) // 67)
    wrong = ((sizes > 0) & ((sizes + 1) % 67 != 0)) | (counts > 4)
    if wrong.any():
        raise MalformedBlockError(f"{name} are not up to four hashes in row {_first(wrong)}")
    topics = np.zeros((len(counts), 4, 32), np.uint8)
    for place in range(4):
        rows = np.flatnonzero(counts > place)
        at = starts[rows] + 67 * place + 2
        topics[rows, place] = _from_hex(raw[at[:, None] + np.arange(64)], name)
    return topics, counts.astype(np.uint8)


def amounts(column: "pa.ChunkedArray", name: str) -> UInt64Array:
    """Return decimal numbers below 2**256 as a column of amounts; 0 stands for nothing."""
    text = _filled(column, "0")
    starts, raw = _buffers(text)
    sizes = np.diff(starts)
    if len(sizes) and int(sizes.max()) > _MOST_DIGITS:
        raise MalformedBlockError(f"{name} has too many digits in row {_first(sizes > 78)}")
    column_of = np.zeros((len(sizes), 4), np.uint64)
    groups = -(-sizes // _CHUNK)
    # Most amounts have few digits, and work on the few long ones is not done for all.
    for group in np.unique(groups).tolist():
        rows = np.flatnonzero(groups == group)
        digits = _right_aligned(raw, starts[rows + 1], sizes[rows], group * _CHUNK, name)
        column_of[rows] = _limbs(digits, name)
    return column_of


def _filled(column: "pa.ChunkedArray", nothing: str) -> "pa.LargeStringArray":
    text, present = texts(column), is_there(column)
    if present.all():
        return text
    return pc.if_else(pa.array(present), text, pa.scalar(nothing, pa.large_string()))


def _right_aligned(
    raw: UInt8Array, stops: Int64Array, sizes: Int64Array, width: int, name: str
) -> UInt8Array:
    """Return the digits of numbers that end at `stops`, zeros before them."""
    back = np.arange(width, 0, -1)
    inside = back[None, :] <= sizes[:, None]
    at = np.where(inside, stops[:, None] - back[None, :], 0)
    digits: UInt8Array = np.where(inside, _DECIMAL[raw[at]], 0).astype(np.uint8)
    if len(digits) and int(digits.max()) == _NO_DIGIT:
        raise MalformedBlockError(f"{name} holds something that is no whole number")
    return digits


def _limbs(digits: UInt8Array, name: str) -> UInt64Array:
    """Return numbers from their decimal digits, whose count is a multiple of `_CHUNK`."""
    weights = 10 ** np.arange(_CHUNK - 1, -1, -1, dtype=np.uint64)
    chunks = (digits.reshape(len(digits), -1, _CHUNK) * weights).sum(axis=2, dtype=np.uint64)
    scale = np.uint64(10**_CHUNK)
    halves = np.zeros((_HALVES, len(digits)), np.uint64)
    used = 0
    for place in range(chunks.shape[1]):
        carry = chunks[:, place]
        # Each chunk is 30 bits, so as many halves may be in use as chunks were taken.
        used = min(used + 1, _HALVES)
        for half in range(used):
            total = halves[half] * scale + carry
            halves[half] = total & _MASK
            carry = total >> _HALF
        if carry.any():
            raise MalformedBlockError(f"{name} holds a number of more than 256 bits")
    return np.ascontiguousarray((halves[0::2] | (halves[1::2] << _HALF)).T)


def _from_hex(digits: UInt8Array, name: str) -> UInt8Array:
    """Return bytes from rows of an even number of hexadecimal digits."""
    values = _DIGITS[digits]
    if values.size and int(values.max()) == _NO_DIGIT:
        raise MalformedBlockError(f"{name} holds something that is not hexadecimal")
    return (values[..., 0::2] << np.uint8(4)) | values[..., 1::2]


def _buffers(text: "pa.LargeStringArray") -> tuple[Int64Array, UInt8Array]:
    """Return where each text begins, with the end of the last one, and the characters."""
    _, offsets, characters = text.buffers()
    starts = (
        np.frombuffer(offsets, np.int64, len(text) + 1, text.offset * 8)
        if len(text)
        else (np.zeros(1, np.int64))
    )
    raw = np.frombuffer(characters, np.uint8) if characters is not None else np.empty(0, np.uint8)
    return starts, raw


def _numpy(array: "pa.Array | pa.ChunkedArray") -> AnyArray:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    found: AnyArray = np.asarray(array.to_numpy(zero_copy_only=False))
    return found if found.flags.writeable else found.copy()


def _first(wrong: BoolArray) -> int:
    return int(np.flatnonzero(wrong)[0]) + 1
