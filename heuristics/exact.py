"""Exact arithmetic on amounts: products that do not fit 64 bits, divided without rounding.

A pro-rata share is `value * tainted / total`. All three are at most 21 million bitcoin, below
2**51 satoshi, so the product needs up to 102 bits. A float would be wrong by a satoshi now and
then, and a wrong satoshi is an open question in court. So the division is done as on paper: one
factor is cut into digits of 11 bits, and no intermediate result leaves 63 bits.
"""

from heuristics.jit import kernel

LARGEST_AMOUNT = 2**51 - 1
"""Largest factor and divisor; 21 million bitcoin are 2.1e15 satoshi, just below it."""

_DIGIT_BITS = 11
_TOP_SHIFT = 44
_DIGIT_MASK = 2047
_SMALL = 2**31


@kernel
def mul_div(factor: int, other: int, divisor: int) -> tuple[int, int]:
    """Return quotient and rest of `factor * other / divisor`, both exact.

    The caller sees to it that 0 <= factor, other <= LARGEST_AMOUNT, 1 <= divisor <=
    LARGEST_AMOUNT, and that the quotient fits 63 bits (it does where `other <= divisor`).
    """
    if factor < _SMALL and other < _SMALL:
        product = factor * other
        return product // divisor, product % divisor
    quotient = 0
    rest = 0
    for shift in range(_TOP_SHIFT, -1, -_DIGIT_BITS):
        # rest < 2**51 and digit < 2**11: each summand stays below 2**62.
        partial = (rest << _DIGIT_BITS) + factor * ((other >> shift) & _DIGIT_MASK)
        quotient = (quotient << _DIGIT_BITS) + partial // divisor
        rest = partial % divisor
    return quotient, rest
