"""Random numbers that are the same on every machine.

A multiply-with-carry generator on one 64-bit word: the low half times a constant plus the high
half. By the choice of the constant the product never exceeds 64 bits, so nothing wraps, compiled
or not. All draws are integers: the logarithm of one C library is not that of another, and the
same seed must give the same bytes everywhere.

The state is an array with one `uint64`, changed in place by every draw.
"""

import hashlib

import numpy as np

from chains.types import UInt8Array, UInt64Array
from heuristics.jit import kernel

FACTOR = np.uint64(4_294_883_355)
"""The multiplier of MWC64X (D. Thomas, 2011); the period is about 2^63."""

LOW_HALF = np.uint64(0xFFFF_FFFF)
HALF_BITS = np.uint64(32)
LOW_BYTE = np.uint64(0xFF)
BYTE_BITS = np.uint64(8)
ONE = np.uint64(1)


def seeded(seed: int, purpose: str) -> UInt64Array:
    """Return a generator state; different purposes give unrelated streams of one seed."""
    digest = hashlib.sha256(seed.to_bytes(8, "little") + purpose.encode()).digest()
    period = (int(FACTOR) << 32) - 1
    # State 0 stays 0 for ever, so it is stepped over.
    return np.array([1 + int.from_bytes(digest[:8], "little") % (period - 2)], dtype=np.uint64)


@kernel
def word(random: UInt64Array) -> np.uint64:
    """Return the next 32 random bits."""
    low = random[0] & LOW_HALF
    high = random[0] >> HALF_BITS
    random[0] = FACTOR * low + high
    return np.uint64(low ^ high)


@kernel
def draw(random: UInt64Array, bound: int) -> int:
    """Return a number in `[0, bound)`, all equally likely; `bound` is in `[1, 2^31]`."""
    return int(np.int64((word(random) * np.uint64(bound)) >> HALF_BITS))


@kernel
def spread(random: UInt64Array, bound: int) -> int:
    """Return a number in `[1, bound]` whose logarithm is roughly uniform.

    Small numbers are common, large ones rare but real, as spend ages and popularity are: each
    doubling is as likely as any other.
    """
    doublings = 0
    while (2 << doublings) <= bound:
        doublings += 1
    low = 1 << draw(random, doublings + 1)
    result = low + draw(random, low)
    if result > bound:
        result = 1 + draw(random, bound)
    return result


@kernel
def fill_bytes(random: UInt64Array, out: UInt8Array, start: int, length: int) -> None:
    """Write random bytes to `out[start:start + length]`."""
    place = np.uint64(start)
    stop = np.uint64(start + length)
    while place < stop:
        bits = word(random)
        for _ in range(4):
            if place < stop:
                out[place] = bits & LOW_BYTE
                bits >>= BYTE_BITS
                place += ONE
