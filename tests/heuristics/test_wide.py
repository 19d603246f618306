"""Amounts of 256 bits against Python's own numbers."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heuristics.wide import (
    LIMIT,
    SCRATCH_DIGITS,
    Wide,
    add,
    from_halves,
    from_ints,
    is_less,
    is_zero,
    load,
    mul_div,
    store,
    subtract,
    sums,
    to_ints,
)

EDGES = [
    edge
    for bits in (0, 1, 31, 32, 33, 63, 64, 65, 95, 96, 127, 128, 129, 160, 191, 192, 224, 255, 256)
    for edge in (2**bits - 1, 2**bits, 2**bits + 1)
    if edge < LIMIT
]

amounts = (
    st.integers(0, LIMIT - 1)
    | st.integers(0, 2**128)
    | st.integers(0, 10**22)
    | st.sampled_from(EDGES)
    | st.builds(
        lambda low, high: LIMIT - 1 - (high << 224) - low,
        st.integers(0, 2**224 - 1),
        st.integers(0, 3),
    )
)


def wide(value: int) -> Wide:
    a, b, c, d = (np.uint64(value >> shift & (2**64 - 1)) for shift in (0, 64, 128, 192))
    return a, b, c, d


def plain(value: Wide) -> int:
    return sum(int(limb) << 64 * place for place, limb in enumerate(value))


@given(st.lists(amounts))
def test_column__keeps_every_amount(values):
    column = from_ints(values)
    assert to_ints(column) == values
    copied = np.zeros_like(column)
    for row, value in enumerate(values):
        assert plain(load(column, row)) == value
        assert bool(is_zero(wide(value))) == (value == 0)
        store(copied, row, wide(value))
    assert copied.tolist() == column.tolist()


@given(amounts, amounts)
@example(LIMIT - 1, 1)
@example(LIMIT - 1, LIMIT - 1)
@example(2**64 - 1, 1)
def test_add_and_subtract__agree_with_python(left, right):
    total, carry = add(wide(left), wide(right))
    assert (plain(total), int(carry)) == ((left + right) % LIMIT, (left + right) // LIMIT)
    larger, smaller = max(left, right), min(left, right)
    assert plain(subtract(wide(larger), wide(smaller))) == larger - smaller
    assert bool(is_less(wide(left), wide(right))) == (left < right)


@given(amounts, amounts, amounts)
@example(LIMIT - 1, LIMIT - 1, LIMIT - 1)
@example(LIMIT - 1, LIMIT - 2, LIMIT - 1)
@example(2**64, 2**64, 2**64)
@example(1, 0, 1)
def test_mul_div__agrees_with_python(factor, other, divisor):
    divisor = max(divisor, 1)
    if factor * other // divisor >= LIMIT:
        other %= divisor
    scratch = np.zeros(SCRATCH_DIGITS, np.uint64)
    quotient, rest = mul_div(wide(factor), wide(other), wide(divisor), scratch)
    assert (plain(quotient), plain(rest)) == divmod(factor * other, divisor)


def test_mul_div__gives_one_divisor_back_where_the_digit_was_too_large():
    # Numbers of this kind need step D6 of the algorithm, which random ones hardly ever do.
    scratch = np.zeros(SCRATCH_DIGITS, np.uint64)
    for factor, divisor in (
        (0x00000003_00000000_80000000, 0x00000001_00000000_20000000),
        (0x00008000_00000000_00000003, 0x00002000_00000000_00000001),
        (0x80000000_00000000_00000003, 0x20000000_00000000_00000001),
        (0x80000000_00000000_FFFFFFFE_00000000, 0x80000000_00000000_FFFFFFFF),
        (0x80000000_00000000_FFFFFFFE, 0x80000000_FFFFFFFF),
    ):
        quotient, rest = mul_div(wide(factor), wide(1), wide(divisor), scratch)
        assert (plain(quotient), plain(rest)) == divmod(factor, divisor)


@given(st.lists(st.tuples(amounts, st.integers(-1, 3))))
def test_sums__agree_with_python(rows):
    column = from_ints([value for value, _ in rows])
    group = np.array([group for _, group in rows], np.int64)
    expected = [sum(value for value, of in rows if of == wanted) for wanted in range(4)]
    assert sums(column, group, 4) == expected


def test_from_halves__takes_what_is_too_large_from_the_exceptions():
    low = np.array([7, 0, 2**64 - 1], np.uint64)
    high = np.array([0, 0, 2**64 - 1], np.uint64)
    column = from_halves(low, high, np.array([1]), [2**255 + 5])
    assert to_ints(column) == [7, 2**255 + 5, 2**128 - 1]


@pytest.mark.parametrize("value", [-1, LIMIT])
def test_from_ints__rejects_what_is_no_amount(value):
    with pytest.raises(ValueError, match="must be from 0"):
        from_ints([value])
