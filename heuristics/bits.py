"""A set of row numbers as one bit each: 200 MB for 1.6 billion addresses."""

import numpy as np

from heuristics.columns import UInt8Array
from heuristics.jit import kernel, kernel_part


def no_bits(count: int) -> UInt8Array:
    """Return an empty set with room for the numbers below `count`."""
    return np.zeros((count + 7) // 8, dtype=np.uint8)


@kernel_part
def has_bit(bits: UInt8Array, number: int) -> bool:
    """Return whether a number is in the set."""
    return bool((bits[number >> 3] >> (number & 7)) & 1)


@kernel
def set_bit(bits: UInt8Array, number: int) -> None:
    """Put a number into the set."""
    bits[number >> 3] |= np.uint8(1 << (number & 7))


@kernel
def clear_bit(bits: UInt8Array, number: int) -> None:
    """Take a number out of the set."""
    bits[number >> 3] &= np.uint8(255 - (1 << (number & 7)))
