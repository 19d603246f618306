"""Exact unsigned numbers of 256 bits, as four limbs of 64 bits each, lowest limb first.

Amounts of tokens are numbers of 256 bits; 64 bits end at 18.4 ether, and no float may touch them.
In a kernel such a number is a tuple of four `uint64` (`Wide`); in a column it is a row of four.
Python's own `int` is used at the edges only.

Nothing here wraps around. Sums are formed from half limbs, whose carry is simply their upper
half, and products and quotients from digits of 32 bits, as on paper: a digit times a digit plus
two more digits is at most 2**64 - 1. So a run without the compiler, in which an overflow is an
error, checks the very arithmetic that runs compiled.
"""

import numpy as np
from numpy.typing import NDArray

from heuristics.columns import Int64Array
from heuristics.jit import kernel, kernel_part

UInt64Array = NDArray[np.uint64]

Wide = tuple[np.uint64, np.uint64, np.uint64, np.uint64]
"""Limbs, lowest first."""

LIMBS = 4
LIMIT = 2**256
"""What no amount reaches."""

SCRATCH_DIGITS = 64
"""Length of the working space that `mul_div` asks for."""

_HALF = np.uint64(32)
_MASK = np.uint64(0xFFFF_FFFF)
_BASE = np.uint64(1 << 32)
_NONE = np.uint64(0)
_ONE = np.uint64(1)
_DIGITS = 2 * LIMBS

ZERO: Wide = (_NONE, _NONE, _NONE, _NONE)


@kernel_part
def load(column: UInt64Array, row: int) -> Wide:
    """Return the number in a row of a column of shape (rows, 4)."""
    return column[row, 0], column[row, 1], column[row, 2], column[row, 3]


@kernel_part
def store(column: UInt64Array, row: int, value: Wide) -> None:
    """Write a number to a row of a column of shape (rows, 4)."""
    column[row, 0] = value[0]
    column[row, 1] = value[1]
    column[row, 2] = value[2]
    column[row, 3] = value[3]


@kernel_part
def is_zero(value: Wide) -> bool:
    """Return whether the number is 0."""
    return bool((value[0] | value[1] | value[2] | value[3]) == _NONE)


@kernel_part
def is_less(left: Wide, right: Wide) -> bool:
    """Return whether `left` is smaller than `right`."""
    if left[3] != right[3]:
        return bool(left[3] < right[3])
    if left[2] != right[2]:
        return bool(left[2] < right[2])
    if left[1] != right[1]:
        return bool(left[1] < right[1])
    return bool(left[0] < right[0])


@kernel_part
def _limb_sum(left: np.uint64, right: np.uint64, carry: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return the limb and the carry of a sum."""
    low = (left & _MASK) + (right & _MASK) + carry
    high = (left >> _HALF) + (right >> _HALF) + (low >> _HALF)
    return (high << _HALF) | (low & _MASK), high >> _HALF


@kernel_part
def add(left: Wide, right: Wide) -> tuple[Wide, np.uint64]:
    """Return the sum modulo 2**256, and 1 where it does not fit, else 0."""
    s0, carry = _limb_sum(left[0], right[0], _NONE)
    s1, carry = _limb_sum(left[1], right[1], carry)
    s2, carry = _limb_sum(left[2], right[2], carry)
    s3, carry = _limb_sum(left[3], right[3], carry)
    return (s0, s1, s2, s3), carry


@kernel_part
def subtract(left: Wide, right: Wide) -> Wide:
    """Return `left - right`; the caller sees to it that `right` is not larger."""
    # The complement plus one is the negative number of two's arithmetic.
    s0, carry = _limb_sum(left[0], ~right[0], _ONE)
    s1, carry = _limb_sum(left[1], ~right[1], carry)
    s2, carry = _limb_sum(left[2], ~right[2], carry)
    s3, carry = _limb_sum(left[3], ~right[3], carry)
    return s0, s1, s2, s3


@kernel
def _spread(value: Wide, digits: UInt64Array) -> int:
    """Write the digits of a number, lowest first; return how many there are without zeros."""
    for i in range(LIMBS):
        digits[2 * i] = value[i] & _MASK
        digits[2 * i + 1] = value[i] >> _HALF
    count = _DIGITS
    while count > 0 and digits[count - 1] == _NONE:
        count -= 1
    return count


@kernel
def _join(digits: UInt64Array) -> Wide:
    """Return the number that eight digits make."""
    return (
        digits[0] | (digits[1] << _HALF),
        digits[2] | (digits[3] << _HALF),
        digits[4] | (digits[5] << _HALF),
        digits[6] | (digits[7] << _HALF),
    )


@kernel
def _divide_short(
    number: UInt64Array, count: int, divisor: np.uint64, quotient: UInt64Array
) -> None:
    """Divide by one digit; the rest is left in `number`."""
    rest = _NONE
    for j in range(count - 1, -1, -1):
        part = (rest << _HALF) | number[j]
        number[j] = _NONE
        rest = part % divisor
        if j < _DIGITS:
            quotient[j] = part // divisor
    number[0] = rest


@kernel
def _divide_long(
    number: UInt64Array, count: int, divisor: UInt64Array, size: int, quotient: UInt64Array
) -> None:
    """Divide by `size` > 1 digits; the rest is left in `number`, which has room for one more.

    This is algorithm D of Knuth, The Art of Computer Programming, volume 2, section 4.3.1.
    """
    shift = _NONE
    while (divisor[size - 1] << shift) < (_BASE >> _ONE):
        shift += _ONE
    back = _HALF - shift
    number[count] = number[count - 1] >> back
    for j in range(count - 1, 0, -1):
        number[j] = ((number[j] << shift) & _MASK) | (number[j - 1] >> back)
    number[0] = (number[0] << shift) & _MASK
    for j in range(size - 1, 0, -1):
        divisor[j] = ((divisor[j] << shift) & _MASK) | (divisor[j - 1] >> back)
    divisor[0] = (divisor[0] << shift) & _MASK
    first, second = divisor[size - 1], divisor[size - 2]
    for j in range(count - size, -1, -1):
        part = (number[j + size] << _HALF) | number[j + size - 1]
        digit = part // first
        rest = part % first
        while digit >= _BASE or digit * second > ((rest << _HALF) | number[j + size - 2]):
            digit -= _ONE
            rest += first
            if rest >= _BASE:
                break
        if digit == _NONE:
            continue
        carry = _NONE
        borrow = 0
        for i in range(size):
            product = digit * divisor[i] + carry
            carry = product >> _HALF
            left = np.int64(number[i + j]) - np.int64(product & _MASK) - borrow
            borrow = 1 if left < 0 else 0
            number[i + j] = np.uint64(left + (borrow << 32))
        left = np.int64(number[j + size]) - np.int64(carry) - borrow
        if left < 0:
            # The digit was one too large, which is rare: give one divisor back.
            digit -= _ONE
            carry = _NONE
            for i in range(size):
                total = number[i + j] + divisor[i] + carry
                number[i + j] = total & _MASK
                carry = total >> _HALF
            left += np.int64(carry)
        number[j + size] = np.uint64(left)
        if j < _DIGITS:
            quotient[j] = digit
    for j in range(size):
        above = number[j + 1] if j + 1 < size else _NONE
        number[j] = (number[j] >> shift) | ((above << back) & _MASK)


@kernel
def mul_div(factor: Wide, other: Wide, divisor: Wide, scratch: UInt64Array) -> tuple[Wide, Wide]:
    """Return quotient and rest of `factor * other / divisor`, both exact.

    The product has up to 512 bits. The caller sees to it that `divisor` is not 0 and that the
    quotient has at most 256 bits (it does where `other <= divisor`). `scratch` is working space
    of `SCRATCH_DIGITS`.
    """
    product = scratch[0:18]
    below = scratch[18:26]
    quotient = scratch[26:34]
    left = scratch[34:42]
    right = scratch[42:50]
    product[:] = _NONE
    quotient[:] = _NONE
    left_count = _spread(factor, left)
    right_count = _spread(other, right)
    for i in range(left_count):
        carry = _NONE
        for j in range(right_count):
            part = left[i] * right[j] + product[i + j] + carry
            product[i + j] = part & _MASK
            carry = part >> _HALF
        product[i + right_count] = carry
    count = left_count + right_count
    while count > 0 and product[count - 1] == _NONE:
        count -= 1
    size = _spread(divisor, below)
    if count >= size:
        if size == 1:
            _divide_short(product, count, below[0], quotient)
        else:
            _divide_long(product, count, below, size, quotient)
    return _join(quotient), _join(product)


def from_ints(values: list[int]) -> UInt64Array:
    """Return a column of amounts.

    Raises
    ------
    ValueError
        If an amount is negative or has more than 256 bits.
    """
    for value in values:
        if not 0 <= value < LIMIT:
            raise ValueError(f"{value} is not an amount: it must be from 0 to 2**256 - 1")
    raw = b"".join(value.to_bytes(32, "little") for value in values)
    return np.frombuffer(raw, "<u8").astype(np.uint64).reshape(-1, LIMBS)


def to_ints(column: UInt64Array) -> list[int]:
    """Return the amounts of a column as Python numbers."""
    return [a | b << 64 | c << 128 | d << 192 for a, b, c, d in column.tolist()]


def from_halves(
    low: UInt64Array, high: UInt64Array, large_row: Int64Array, large: list[int]
) -> UInt64Array:
    """Return a column from the two columns of a ledger and its table of exceptions.

    `low` and `high` hold amounts below 2**128; the amount of row `large_row[i]` is `large[i]`.
    """
    column = np.zeros((len(low), LIMBS), np.uint64)
    column[:, 0] = low
    column[:, 1] = high
    column[large_row] = from_ints(large)
    return column


def any_exceeds(column: UInt64Array, limit: UInt64Array) -> bool:
    """Return whether an amount is larger than the one in the same row of `limit`."""
    undecided = np.ones(len(column), np.bool_)
    for limb in range(LIMBS - 1, -1, -1):
        if np.any(undecided & (column[:, limb] > limit[:, limb])):
            return True
        undecided &= column[:, limb] == limit[:, limb]
    return False


def sums(column: UInt64Array, group: Int64Array, groups: int) -> list[int]:
    """Return the exact sum of the amounts of each group; rows of group -1 are in none.

    Half limbs are summed, so that 2**32 rows may be in one group.
    """
    chosen = np.flatnonzero(group >= 0)
    totals = [0] * groups
    for limb in range(LIMBS):
        part = column[chosen, limb]
        if not part.any():
            continue
        for half, shift in ((part & _MASK, 0), (part >> _HALF, 32)):
            added = np.zeros(groups, np.uint64)
            np.add.at(added, group[chosen], half)
            for number, amount in enumerate(added.tolist()):
                totals[number] += amount << (64 * limb + shift)
    return totals
