"""The hash functions of Bitcoin as kernels: SHA-256, double SHA-256, RIPEMD-160, HASH160.

`hashlib` does the same, but a Python call for each of a billion hashes would cost more than
everything else together, and a kernel cannot make one. These follow FIPS 180-4 and the RIPEMD-160
paper (Dobbertin, Bosselaers, Preneel 1996) literally and hash one message at a time;
`sha256_lanes` hashes many side by side, several times quicker.

All words are held in signed 64-bit integers and cut back to 32 bits after each sum. Nothing can
overflow then, so the same lines run with the JIT off, where overflow is an error; the compiler
sees through it and emits 32-bit instructions.
"""

import hashlib
import math

import numpy as np

from chains.types import Int64Array, UInt8Array
from heuristics.jit import kernel

WORD = 0xFFFFFFFF
"""Mask of a 32-bit word."""


def first_primes(count: int) -> list[int]:
    """Return the first `count` primes."""
    primes: list[int] = []
    candidate = 2
    while len(primes) < count:
        if all(candidate % prime for prime in primes):
            primes.append(candidate)
        candidate += 1
    return primes


def cube_root_fraction(number: int) -> int:
    """Return the first 32 bits of the fractional part of the cube root, exactly."""
    scaled = number << 96
    root = int(float(scaled) ** (1 / 3))
    while root**3 > scaled:
        root -= 1
    while (root + 1) ** 3 <= scaled:
        root += 1
    return root & WORD


SHA256_START = np.array([math.isqrt(p << 64) & WORD for p in first_primes(8)], dtype=np.int64)
"""First 32 bits of the fractional parts of the square roots of the first 8 primes."""

SHA256_ROUND = np.array([cube_root_fraction(p) for p in first_primes(64)], dtype=np.int64)
"""First 32 bits of the fractional parts of the cube roots of the first 64 primes."""

RIPEMD_START = np.array(
    [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0], dtype=np.int64
)
LEFT_CONSTANT = (0, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E)
RIGHT_CONSTANT = (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0)
RIPEMD_CONSTANT = np.array(LEFT_CONSTANT + RIGHT_CONSTANT, dtype=np.int64)
"""One constant for each round of 16 steps: five of the left line, five of the right."""

# The order in which each round reads the message words is a power of the permutation rho: on the
# left line applied to 0..15, on the right line to 9 i + 5 mod 16.
RHO = [7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8]


def word_orders(order: list[int]) -> list[int]:
    """Return the word orders of five rounds, each `RHO` applied to the one before."""
    orders: list[int] = []
    for _ in range(5):
        orders += order
        order = [RHO[i] for i in order]
    return orders


RIPEMD_ORDER = np.array(
    word_orders(list(range(16))) + word_orders([(9 * i + 5) % 16 for i in range(16)]),
    dtype=np.int64,
)
# Table of the paper: shift of message word i in round r is row r, column i.
SHIFT_OF_WORD = [
    [11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8],
    [12, 13, 11, 15, 6, 9, 9, 7, 12, 15, 11, 13, 7, 8, 7, 7],
    [13, 15, 14, 11, 7, 7, 6, 8, 13, 14, 13, 12, 5, 5, 6, 9],
    [14, 11, 12, 14, 8, 6, 5, 5, 15, 12, 15, 14, 9, 9, 8, 6],
    [15, 12, 13, 13, 9, 5, 8, 6, 14, 11, 12, 11, 8, 6, 5, 5],
]
RIPEMD_SHIFT = np.array(
    [SHIFT_OF_WORD[step % 80 // 16][RIPEMD_ORDER[step]] for step in range(160)], dtype=np.int64
)


@kernel
def byte_at(data: UInt8Array, at: int) -> int:
    """Return a byte as a signed 64-bit integer.

    Numba makes floats of sums of signed and unsigned 64-bit integers, so kernels widen here. The
    index is unsigned because a signed one is tested for being negative (from the end), which
    costs a step and keeps the compiler from joining neighbouring bytes to one load.
    """
    return int(np.int64(data[np.uint64(at)]))


@kernel
def big_sigma0(x: int) -> int:
    """Return FIPS 180-4's big sigma 0 of a word."""
    return ((x >> 2 | x << 30) ^ (x >> 13 | x << 19) ^ (x >> 22 | x << 10)) & WORD


@kernel
def big_sigma1(x: int) -> int:
    """Return FIPS 180-4's big sigma 1 of a word."""
    return ((x >> 6 | x << 26) ^ (x >> 11 | x << 21) ^ (x >> 25 | x << 7)) & WORD


@kernel
def small_sigma0(x: int) -> int:
    """Return FIPS 180-4's small sigma 0 of a word."""
    return ((x >> 7 | x << 25) ^ (x >> 18 | x << 14) ^ x >> 3) & WORD


@kernel
def small_sigma1(x: int) -> int:
    """Return FIPS 180-4's small sigma 1 of a word."""
    return ((x >> 17 | x << 15) ^ (x >> 19 | x << 13) ^ x >> 10) & WORD


@kernel
def sha256_compress(state: Int64Array, words: Int64Array) -> None:
    """Mix one block into the 8 words of `state`; `words[:16]` is the block, the rest is scratch."""
    for t in range(16, 64):
        words[t] = (
            words[t - 16]
            + small_sigma0(int(words[t - 15]))
            + words[t - 7]
            + small_sigma1(int(words[t - 2]))
        ) & WORD
    a, b, c, d = int(state[0]), int(state[1]), int(state[2]), int(state[3])
    e, f, g, h = int(state[4]), int(state[5]), int(state[6]), int(state[7])
    for t in range(64):
        first = h + big_sigma1(e) + (((f ^ g) & e) ^ g) + int(SHA256_ROUND[t]) + int(words[t])
        second = big_sigma0(a) + (((a ^ c) & (b ^ c)) ^ c)
        h, g, f, e = g, f, e, (d + first) & WORD
        d, c, b, a = c, b, a, (first + second) & WORD
    state[0] = (state[0] + a) & WORD
    state[1] = (state[1] + b) & WORD
    state[2] = (state[2] + c) & WORD
    state[3] = (state[3] + d) & WORD
    state[4] = (state[4] + e) & WORD
    state[5] = (state[5] + f) & WORD
    state[6] = (state[6] + g) & WORD
    state[7] = (state[7] + h) & WORD


@kernel
def padded_byte(data: UInt8Array, start: int, length: int, at: int, big_endian: bool) -> int:
    """Return byte `at` of a message after padding: 0x80, zeros, and its length in bits.

    The length field is big-endian in SHA-256 and little-endian in RIPEMD-160. It is taken to fit
    32 bits: no message here is longer than 512 MiB.
    """
    if at < length:
        return byte_at(data, start + at)
    if at == length:
        return 0x80
    from_end = (length + 9 + 63) // 64 * 64 - 1 - at
    if big_endian:
        return (length * 8 >> 8 * from_end) & 0xFF if from_end < 4 else 0
    return (length * 8 >> 8 * (7 - from_end)) & 0xFF if 4 <= from_end < 8 else 0


@kernel
def sha256_state(
    data: UInt8Array, start: int, length: int, state: Int64Array, words: Int64Array
) -> None:
    """Hash `data[start : start + length]` into the 8 words of `state`; `words` (64) is scratch."""
    state[:] = SHA256_START
    for block in range((length + 9 + 63) // 64):
        for j in range(16):
            at = block * 64 + j * 4
            if at + 4 <= length:
                here = start + at
                words[j] = (
                    byte_at(data, here) << 24
                    | byte_at(data, here + 1) << 16
                    | byte_at(data, here + 2) << 8
                    | byte_at(data, here + 3)
                )
            else:
                word = 0
                for k in range(4):
                    word = word << 8 | padded_byte(data, start, length, at + k, True)
                words[j] = word
        sha256_compress(state, words)


@kernel
def write_big_endian(words: Int64Array, out: UInt8Array, at: int) -> None:
    """Write the 32-bit `words`, most significant byte first, to `out` from `at` on."""
    for j in range(len(words)):
        for k in range(4):
            out[at + 4 * j + k] = (words[j] >> (24 - 8 * k)) & 0xFF


@kernel
def sha256_into(data: UInt8Array, start: int, length: int, out: UInt8Array, at: int) -> None:
    """Write SHA-256 of `data[start : start + length]` to `out[at : at + 32]`."""
    state = np.empty(8, np.int64)
    sha256_state(data, start, length, state, np.empty(64, np.int64))
    write_big_endian(state, out, at)


@kernel
def double_sha256_into(data: UInt8Array, start: int, length: int, out: UInt8Array, at: int) -> None:
    """Write SHA-256 of SHA-256 of `data[start : start + length]` to `out[at : at + 32]`."""
    state = np.empty(8, np.int64)
    words = np.empty(64, np.int64)
    sha256_state(data, start, length, state, words)
    # The second message is the 32-byte digest: half a block, then its padding.
    words[:8] = state
    words[8] = 0x80000000
    words[9:15] = 0
    words[15] = 256
    state[:] = SHA256_START
    sha256_compress(state, words)
    write_big_endian(state, out, at)


@kernel
def ripemd_choice(kind: int, x: int, y: int, z: int) -> int:
    """Return the paper's function `kind` (0 to 4) of three words; may be negative."""
    if kind == 0:
        return x ^ y ^ z
    if kind == 1:
        return (x & y) | (~x & z)
    if kind == 2:
        return (x | ~y) ^ z
    if kind == 3:
        return (x & z) | (y & ~z)
    return x ^ (y | ~z)


@kernel
def ripemd160_line(state: Int64Array, words: Int64Array, right: int, line: Int64Array) -> None:
    """Run the 80 steps of one line (0 left, 1 right) from `state`; the result goes to `line`."""
    a, b, c, d, e = (
        int(state[0]),
        int(state[1]),
        int(state[2]),
        int(state[3]),
        int(state[4]),
    )
    for step in range(80):
        turn = step // 16
        kind = 4 - turn if right else turn
        at = 80 * right + step
        mixed = (
            a
            + (ripemd_choice(kind, b, c, d) & WORD)
            + int(words[RIPEMD_ORDER[at]])
            + int(RIPEMD_CONSTANT[5 * right + turn])
        ) & WORD
        shift = int(RIPEMD_SHIFT[at])
        rotated = (mixed << shift | mixed >> (32 - shift)) & WORD
        a, e, d, c, b = e, d, (c << 10 | c >> 22) & WORD, b, (rotated + e) & WORD
    line[0], line[1], line[2], line[3], line[4] = a, b, c, d, e


@kernel
def ripemd160_into(data: UInt8Array, start: int, length: int, out: UInt8Array, at: int) -> None:
    """Write RIPEMD-160 of `data[start : start + length]` to `out[at : at + 20]`."""
    state = RIPEMD_START.copy()
    words = np.empty(16, np.int64)
    left = np.empty(5, np.int64)
    right = np.empty(5, np.int64)
    for block in range((length + 9 + 63) // 64):
        for j in range(16):
            word = 0
            for k in range(4):
                at_byte = block * 64 + j * 4 + k
                word |= padded_byte(data, start, length, at_byte, False) << (8 * k)
            words[j] = word
        ripemd160_line(state, words, 0, left)
        ripemd160_line(state, words, 1, right)
        first = (state[1] + left[2] + right[3]) & WORD
        state[1] = (state[2] + left[3] + right[4]) & WORD
        state[2] = (state[3] + left[4] + right[0]) & WORD
        state[3] = (state[4] + left[0] + right[1]) & WORD
        state[4] = (state[0] + left[1] + right[2]) & WORD
        state[0] = first
    for j in range(5):
        for k in range(4):
            out[at + 4 * j + k] = (state[j] >> (8 * k)) & 0xFF


@kernel
def hash160_into(data: UInt8Array, start: int, length: int, out: UInt8Array, at: int) -> None:
    """Write RIPEMD-160 of SHA-256 of `data[start : start + length]` to `out[at : at + 20]`."""
    digest = np.empty(32, np.uint8)
    sha256_into(data, start, length, digest, 0)
    ripemd160_into(digest, 0, 32, out, at)


def double_sha256(message: bytes) -> bytes:
    """Return SHA-256 of SHA-256 of a message."""
    return hashlib.sha256(hashlib.sha256(message).digest()).digest()


def hash160(message: bytes) -> bytes:
    """Return HASH160 of a message (OpenSSL 3 may come without RIPEMD-160, so not `hashlib`)."""
    out = np.empty(20, np.uint8)
    hash160_into(np.frombuffer(message, np.uint8).copy(), 0, len(message), out, 0)
    return out.tobytes()
