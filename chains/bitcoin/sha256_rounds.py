"""The compression function of SHA-256 over many messages side by side.

SHA-256 of one message is a chain of dependent steps that leaves most of a processor idle. Here up
to 64 messages advance together, 16 steps of all of them at a time: the inner loops run over
lanes, have no branches, and become vector instructions. Measured with AVX-512: 50 million
blocks a second on one core, where the scalar kernel (`hashing`) makes 2.7 million.

What the shape of this code owes to the vectoriser:

- One array holds the working variables a to h (rows 0 to 7) and the message words (rows 8 to
  23), so that all loads and stores of a lane are constant distances apart and need no test for
  overlap. 16 steps in one loop keep a to h in registers; a loop for each step would be bound by
  loads and stores, at half the speed.
- Indices are unsigned. With signed ones Numba adds the test for negative (from the end) indices
  to each access, and that alone keeps the loop scalar.
- Every sum and every rotation is cut to 32 bits at once, as its own type. Memory may hold 32-bit
  words, but where several operations pass before the cut the compiler makes them with 64 bits,
  which halves the lanes of an instruction and loses its rotation: a third of the speed.
- Arithmetic itself has 64 bits, so nothing overflows (see `hashing`) with the JIT off either.
"""

import numpy as np
from numba import config

from chains.bitcoin.hashing import (
    SHA256_ROUND,
    SHA256_START,
    WORD,
    big_sigma0,
    big_sigma1,
    small_sigma0,
    small_sigma1,
)
from chains.types import UInt32Array
from heuristics.jit import kernel

LANES = 64
"""Messages that advance together. Their rows stay in the first-level cache; 32 and 128 are no
quicker."""

VECTOR = 1 if config.DISABLE_JIT else 16  # type: ignore[attr-defined]  # set at start-up
"""Lanes of the widest vector instruction: a started one costs as much as a full one. Interpreted,
each lane has its price."""

ROUND = SHA256_ROUND.astype(np.uint32)
START = SHA256_START.astype(np.uint32)

STATE_ROWS = 8
WORK_ROWS = 24

# Rows of the work array, as the unsigned indices of their first lanes.
A, B, C, D, E, F, G, H = (np.uint64(row * LANES) for row in range(8))
W0, W1, W2, W3, W4, W5, W6, W7 = (np.uint64((8 + word) * LANES) for word in range(8))
W8, W9, W10, W11, W12, W13, W14, W15 = (np.uint64((16 + word) * LANES) for word in range(8))


@kernel
def wide(word: np.uint32) -> int:
    """Return a word with 64 bits."""
    return int(np.int64(word))


@kernel
def cut(number: int) -> np.uint32:
    """Return the lowest 32 bits of a number."""
    return np.uint32(number & WORD)


@kernel
def plus(left: np.uint32, right: np.uint32) -> np.uint32:
    """Return the sum of two words, modulo 2^32."""
    return cut(wide(left) + wide(right))


@kernel
def step(
    a: np.uint32,
    b: np.uint32,
    c: np.uint32,
    d: np.uint32,
    e: np.uint32,
    f: np.uint32,
    g: np.uint32,
    h: np.uint32,
    added: np.uint32,
) -> tuple[np.uint32, np.uint32]:
    """Return what replaces d and h in one step of FIPS 180-4; the other six only change names.

    `added` is the message word plus the constant of the step.
    """
    mixed = cut(big_sigma1(wide(e)))
    first = cut(wide(h) + wide(mixed) + (((wide(f) ^ wide(g)) & wide(e)) ^ wide(g)) + wide(added))
    mixed = cut(big_sigma0(wide(a)))
    majority = ((wide(a) ^ wide(c)) & (wide(b) ^ wide(c))) ^ wide(c)
    return plus(d, first), cut(wide(first) + wide(mixed) + majority)


@kernel
def next_word(w: np.uint32, w1: np.uint32, w9: np.uint32, w14: np.uint32) -> np.uint32:
    """Return the message word that comes 16 after `w`; the others come 1, 9 and 14 after it."""
    first, second = cut(small_sigma0(wide(w1))), cut(small_sigma1(wide(w14)))
    return cut(wide(w) + wide(first) + wide(w9) + wide(second))


@kernel
def mix_words(work: UInt32Array, t: int, lanes: np.uint64) -> None:
    """Make steps `t` to `t + 15` with the 16 message words in `work`."""
    k0, k1, k2, k3 = ROUND[t], ROUND[t + 1], ROUND[t + 2], ROUND[t + 3]
    k4, k5, k6, k7 = ROUND[t + 4], ROUND[t + 5], ROUND[t + 6], ROUND[t + 7]
    k8, k9, k10, k11 = ROUND[t + 8], ROUND[t + 9], ROUND[t + 10], ROUND[t + 11]
    k12, k13, k14, k15 = ROUND[t + 12], ROUND[t + 13], ROUND[t + 14], ROUND[t + 15]
    for i in range(lanes):
        a, b, c, d = work[A + i], work[B + i], work[C + i], work[D + i]
        e, f, g, h = work[E + i], work[F + i], work[G + i], work[H + i]
        d, h = step(a, b, c, d, e, f, g, h, plus(k0, work[W0 + i]))
        c, g = step(h, a, b, c, d, e, f, g, plus(k1, work[W1 + i]))
        b, f = step(g, h, a, b, c, d, e, f, plus(k2, work[W2 + i]))
        a, e = step(f, g, h, a, b, c, d, e, plus(k3, work[W3 + i]))
        h, d = step(e, f, g, h, a, b, c, d, plus(k4, work[W4 + i]))
        g, c = step(d, e, f, g, h, a, b, c, plus(k5, work[W5 + i]))
        f, b = step(c, d, e, f, g, h, a, b, plus(k6, work[W6 + i]))
        e, a = step(b, c, d, e, f, g, h, a, plus(k7, work[W7 + i]))
        d, h = step(a, b, c, d, e, f, g, h, plus(k8, work[W8 + i]))
        c, g = step(h, a, b, c, d, e, f, g, plus(k9, work[W9 + i]))
        b, f = step(g, h, a, b, c, d, e, f, plus(k10, work[W10 + i]))
        a, e = step(f, g, h, a, b, c, d, e, plus(k11, work[W11 + i]))
        h, d = step(e, f, g, h, a, b, c, d, plus(k12, work[W12 + i]))
        g, c = step(d, e, f, g, h, a, b, c, plus(k13, work[W13 + i]))
        f, b = step(c, d, e, f, g, h, a, b, plus(k14, work[W14 + i]))
        e, a = step(b, c, d, e, f, g, h, a, plus(k15, work[W15 + i]))
        work[A + i], work[B + i], work[C + i], work[D + i] = a, b, c, d
        work[E + i], work[F + i], work[G + i], work[H + i] = e, f, g, h


@kernel
def extend_words(work: UInt32Array, lanes: np.uint64) -> None:
    """Replace the 16 message words in `work` by the next 16."""
    for i in range(lanes):
        w0, w1, w2, w3 = work[W0 + i], work[W1 + i], work[W2 + i], work[W3 + i]
        w4, w5, w6, w7 = work[W4 + i], work[W5 + i], work[W6 + i], work[W7 + i]
        w8, w9, w10, w11 = work[W8 + i], work[W9 + i], work[W10 + i], work[W11 + i]
        w12, w13, w14, w15 = work[W12 + i], work[W13 + i], work[W14 + i], work[W15 + i]
        w0 = next_word(w0, w1, w9, w14)
        w1 = next_word(w1, w2, w10, w15)
        w2 = next_word(w2, w3, w11, w0)
        w3 = next_word(w3, w4, w12, w1)
        w4 = next_word(w4, w5, w13, w2)
        w5 = next_word(w5, w6, w14, w3)
        w6 = next_word(w6, w7, w15, w4)
        w7 = next_word(w7, w8, w0, w5)
        w8 = next_word(w8, w9, w1, w6)
        w9 = next_word(w9, w10, w2, w7)
        w10 = next_word(w10, w11, w3, w8)
        w11 = next_word(w11, w12, w4, w9)
        w12 = next_word(w12, w13, w5, w10)
        w13 = next_word(w13, w14, w6, w11)
        w14 = next_word(w14, w15, w7, w12)
        w15 = next_word(w15, w0, w8, w13)
        work[W0 + i], work[W1 + i], work[W2 + i], work[W3 + i] = w0, w1, w2, w3
        work[W4 + i], work[W5 + i], work[W6 + i], work[W7 + i] = w4, w5, w6, w7
        work[W8 + i], work[W9 + i], work[W10 + i], work[W11 + i] = w8, w9, w10, w11
        work[W12 + i], work[W13 + i], work[W14 + i], work[W15 + i] = w12, w13, w14, w15


@kernel
def compress_lanes(state: UInt32Array, work: UInt32Array, busy: int) -> None:
    """Mix one block of each of the first `busy` lanes into the state.

    Parameters
    ----------
    state
        8 rows of `LANES` words, a to h; changed in place in the busy lanes.
    work
        24 rows, the last 16 of which hold the block; overwritten, in idle lanes too.
    busy
        How many lanes have a block, at most `LANES`.
    """
    # A vector that is not full is cheaper than its lanes one by one, unless they are very few.
    filled = busy if busy < 3 else (busy + VECTOR - 1) // VECTOR * VECTOR
    lanes = np.uint64(filled)
    for part in range(STATE_ROWS):
        row = np.uint64(part * LANES)
        for i in range(lanes):
            work[row + i] = state[row + i]
    mix_words(work, 0, lanes)
    for t in range(16, 64, 16):
        extend_words(work, lanes)
        mix_words(work, t, lanes)
    # Only busy lanes: the others hold the finished state of shorter messages.
    for part in range(STATE_ROWS):
        row = np.uint64(part * LANES)
        for i in range(np.uint64(busy)):
            state[row + i] = plus(state[row + i], work[row + i])


@kernel
def start_lanes(state: UInt32Array) -> None:
    """Set all lanes to SHA-256's initial state."""
    for row in range(STATE_ROWS):
        state[row * LANES : (row + 1) * LANES] = START[row]


@kernel
def take_digests_as_block(state: UInt32Array, work: UInt32Array) -> None:
    """Make the state of each lane, a finished hash, the only block of a new message, and begin it.

    That is half a block of digest, 0x80, zeros and the length of 256 bits.
    """
    digest = STATE_ROWS * LANES
    work[digest : 2 * digest] = state
    work[2 * digest : 2 * digest + LANES] = 0x80000000
    work[2 * digest + LANES : WORK_ROWS * LANES - LANES] = 0
    work[WORK_ROWS * LANES - LANES :] = 256
    start_lanes(state)
