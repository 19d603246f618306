"""Double SHA-256 of many messages side by side, for transaction ids and merkle trees.

SHA-256 of one message is a chain of dependent steps that leaves most of a processor idle. Here
up to 128 messages advance together, one step of all of them at a time: the inner loops run over
lanes, have no branches, and become vector instructions (measured with AVX-512: 20 to 25 million
blocks a second on one core, where the scalar kernel makes 2.7 million).

What the shape of this code owes to the vectoriser:

- The eight working variables a..h of FIPS 180-4 are only two sequences: in each step, b, c, d are
  earlier values of a, and f, g, h earlier values of e. So one step appends a row to `e_rows` and
  one to `a_rows`, each computed in a loop of its own with one result, and rows are a constant
  distance apart.
- Indices are unsigned. With signed ones Numba adds the test for negative (from the end) indices
  to each access, and that alone keeps the loop scalar.
- Memory holds 32-bit words, arithmetic has 64 bits, nothing overflows (see `hashing`).

Messages are taken longest first, so that those hashed together have about the same number of
blocks; as the shorter ones end, the number of busy lanes shrinks.
"""

import numpy as np

from chains.bitcoin.hashing import (
    SHA256_ROUND,
    SHA256_START,
    WORD,
    big_sigma0,
    big_sigma1,
    byte_at,
    small_sigma0,
    small_sigma1,
)
from chains.types import Int64Array, UInt8Array, UInt32Array
from heuristics.jit import kernel

LANES = 128
ROUND = SHA256_ROUND.astype(np.uint32)

ROW = np.uint64(LANES)
ROW_2 = np.uint64(2 * LANES)
ROW_3 = np.uint64(3 * LANES)
ROW_4 = np.uint64(4 * LANES)
ROW_9 = np.uint64(9 * LANES)
ROW_14 = np.uint64(14 * LANES)
ROW_16 = np.uint64(16 * LANES)


@kernel
def extend_e(
    e_rows: UInt32Array,
    a_rows: UInt32Array,
    words: UInt32Array,
    row: np.uint64,
    constant: np.uint32,
    lanes: np.uint64,
) -> None:
    """Append one row to `e_rows` at `row + ROW_4`; `row` is also where the message word is."""
    for i in range(lanes):
        e = int(np.int64(e_rows[row + ROW_3 + i]))
        f = int(np.int64(e_rows[row + ROW_2 + i]))
        g = int(np.int64(e_rows[row + ROW + i]))
        h = int(np.int64(e_rows[row + i]))
        d = int(np.int64(a_rows[row + i]))
        added = int(np.int64(constant)) + int(np.int64(words[row + i]))
        e_rows[row + ROW_4 + i] = (d + h + big_sigma1(e) + (((f ^ g) & e) ^ g) + added) & WORD


@kernel
def extend_a(e_rows: UInt32Array, a_rows: UInt32Array, row: np.uint64, lanes: np.uint64) -> None:
    """Append one row to `a_rows` at `row + ROW_4`, after `extend_e` made its row."""
    for i in range(lanes):
        a = int(np.int64(a_rows[row + ROW_3 + i]))
        b = int(np.int64(a_rows[row + ROW_2 + i]))
        c = int(np.int64(a_rows[row + ROW + i]))
        d = int(np.int64(a_rows[row + i]))
        first = int(np.int64(e_rows[row + ROW_4 + i])) - d
        a_rows[row + ROW_4 + i] = (first + big_sigma0(a) + (((a ^ c) & (b ^ c)) ^ c)) & WORD


@kernel
def extend_words(words: UInt32Array, lanes: np.uint64) -> None:
    """Replace the 16 rows of message words by the next 16; rows 16 to 31 are scratch."""
    for t in range(16):
        row = np.uint64(t * LANES)
        for i in range(lanes):
            words[row + ROW_16 + i] = (
                int(np.int64(words[row + i]))
                + small_sigma0(int(np.int64(words[row + ROW + i])))
                + int(np.int64(words[row + ROW_9 + i]))
                + small_sigma1(int(np.int64(words[row + ROW_14 + i])))
            ) & WORD
    for t in range(16):
        row = np.uint64(t * LANES)
        for i in range(lanes):
            words[row + i] = words[row + ROW_16 + i]


@kernel
def copy_rows(source: UInt32Array, first: np.uint64, target: UInt32Array, lanes: np.uint64) -> None:
    """Copy four rows of `source`, from `first` on, to the start of `target`."""
    for part in range(4):
        row = np.uint64(part * LANES)
        for i in range(lanes):
            target[row + i] = source[first + row + i]


@kernel
def compress_lanes(
    e_state: UInt32Array,
    a_state: UInt32Array,
    words: UInt32Array,
    e_rows: UInt32Array,
    a_rows: UInt32Array,
    busy: int,
) -> None:
    """Mix one block of each of the first `busy` lanes into the state.

    Parameters
    ----------
    e_state, a_state
        4 rows each: h, g, f, e and d, c, b, a; changed in place.
    words
        32 rows, the first 16 of which hold the block; overwritten.
    e_rows, a_rows
        20 rows of scratch each.
    busy
        How many lanes have a block, at most `LANES`.
    """
    lanes = np.uint64(busy)
    copy_rows(e_state, np.uint64(0), e_rows, lanes)
    copy_rows(a_state, np.uint64(0), a_rows, lanes)
    for t in range(64):
        row = np.uint64((t & 15) * LANES)
        if t > 0 and t & 15 == 0:
            extend_words(words, lanes)
            copy_rows(e_rows, ROW_16, e_rows, lanes)
            copy_rows(a_rows, ROW_16, a_rows, lanes)
        extend_e(e_rows, a_rows, words, row, ROUND[t], lanes)
        extend_a(e_rows, a_rows, row, lanes)
    # Only busy lanes: the others hold the finished state of shorter messages.
    for part in range(4):
        row = np.uint64(part * LANES)
        for i in range(lanes):
            at = row + i
            e_state[at] = (int(np.int64(e_state[at])) + int(np.int64(e_rows[at + ROW_16]))) & WORD
            a_state[at] = (int(np.int64(a_state[at])) + int(np.int64(a_rows[at + ROW_16]))) & WORD


@kernel
def start_lanes(e_state: UInt32Array, a_state: UInt32Array) -> None:
    """Set all lanes to SHA-256's initial state."""
    for row in range(4):
        for i in range(LANES):
            a_state[row * LANES + i] = SHA256_START[3 - row]
            e_state[row * LANES + i] = SHA256_START[7 - row]


@kernel
def word_at(data: UInt8Array, at: np.uint64) -> int:
    """Return the big-endian 32-bit word at an unsigned index (one load and a byte swap)."""
    return (
        int(np.int64(data[at])) << 24
        | int(np.int64(data[at + np.uint64(1)])) << 16
        | int(np.int64(data[at + np.uint64(2)])) << 8
        | int(np.int64(data[at + np.uint64(3)]))
    )


@kernel
def padding_word(length: int, at: int) -> int:
    """Return a word of padding after the 0x80 byte: zeros, then the length in bits."""
    return length * 8 if at == (length + 72) // 64 * 64 - 4 else 0


@kernel
def message_byte(
    data: UInt8Array, start: int, length: int, middle_skip: int, tail_skip: int, at: int
) -> int:
    """Return byte `at` of a message (see `double_sha256_many` for the skips) and 0x80, zeros."""
    if at < 4 and at < length:
        return byte_at(data, start + at)
    if at < length - 4:
        return byte_at(data, start + middle_skip + at)
    if at < length:
        return byte_at(data, start + tail_skip + at)
    return 0x80 if at == length else 0


@kernel
def load_block(
    data: UInt8Array,
    start: int,
    length: int,
    middle_skip: int,
    tail_skip: int,
    block: int,
    words: UInt32Array,
    lane: int,
) -> None:
    """Put the 16 big-endian words of one block of a message into its lane."""
    if block > 0 and block * 64 + 68 <= length:
        here = np.uint64(start + middle_skip + block * 64)
        place = np.uint64(lane)
        for _ in range(16):
            words[place] = word_at(data, here)
            here += np.uint64(4)
            place += ROW
        return
    for j in range(16):
        at = block * 64 + j * 4
        if at > 0 and at + 8 <= length:
            word = word_at(data, np.uint64(start + middle_skip + at))
        elif at == 0 and length >= 4:
            word = word_at(data, np.uint64(start))
        elif at > length:
            word = padding_word(length, at)
        else:
            word = 0
            for k in range(4):
                byte = message_byte(data, start, length, middle_skip, tail_skip, at + k)
                word = word << 8 | byte
        words[j * LANES + lane] = word


@kernel
def double_sha256_many(
    data: UInt8Array,
    start: Int64Array,
    length: Int64Array,
    middle_skip: Int64Array,
    tail_skip: Int64Array,
    order: Int64Array,
    out: UInt8Array,
) -> None:
    """Write the double SHA-256 of many messages, each made of up to three slices of `data`.

    Message `i` is `length[i]` bytes: its first 4 stand at `start[i]`; its last 4 and those
    between stand `tail_skip[i]` and `middle_skip[i]` bytes further than if it were in one piece.
    That is a transaction without its marker and witness. A message in one piece has skips of 0;
    one with skips has at least 8 bytes. `order` (see `order_by_blocks`) holds all message
    numbers, those of most blocks first; `out` has shape (messages, 32).
    """
    e_state = np.empty(4 * LANES, np.uint32)
    a_state = np.empty(4 * LANES, np.uint32)
    e_rows = np.zeros(20 * LANES, np.uint32)
    a_rows = np.zeros(20 * LANES, np.uint32)
    words = np.zeros(32 * LANES, np.uint32)
    for first in range(0, len(order), LANES):
        count = min(LANES, len(order) - first)
        start_lanes(e_state, a_state)
        busy = count
        block = 0
        while True:
            while busy > 0 and (int(length[order[first + busy - 1]]) + 72) // 64 <= block:
                busy -= 1
            if busy == 0:
                break
            for lane in range(busy):
                i = int(order[first + lane])
                load_block(
                    data,
                    int(start[i]),
                    int(length[i]),
                    int(middle_skip[i]),
                    int(tail_skip[i]),
                    block,
                    words,
                    lane,
                )
            compress_lanes(e_state, a_state, words, e_rows, a_rows, busy)
            block += 1
        # The digest is the message of the second hash: 8 words, 0x80, zeros, 256 bits.
        for i in range(4 * LANES):
            words[i] = a_state[(3 - i // LANES) * LANES + i % LANES]
            words[4 * LANES + i] = e_state[(3 - i // LANES) * LANES + i % LANES]
        words[8 * LANES : 9 * LANES] = 0x80000000
        words[9 * LANES : 15 * LANES] = 0
        words[15 * LANES : 16 * LANES] = 256
        start_lanes(e_state, a_state)
        compress_lanes(e_state, a_state, words, e_rows, a_rows, count)
        for lane in range(count):
            i = int(order[first + lane])
            for row in range(4):
                for k in range(4):
                    at = (3 - row) * 4 + k
                    shift = 24 - 8 * k
                    out[i, at] = (a_state[row * LANES + lane] >> shift) & 0xFF
                    out[i, 16 + at] = (e_state[row * LANES + lane] >> shift) & 0xFF


@kernel
def order_by_blocks(length: Int64Array) -> Int64Array:
    """Return message numbers, those of most SHA-256 blocks first; ties in ascending order."""
    most = 0
    for i in range(len(length)):
        most = max(most, (int(length[i]) + 72) // 64)
    place = np.zeros(most + 2, np.int64)
    for i in range(len(length)):
        place[most - (int(length[i]) + 72) // 64 + 1] += 1
    for bucket in range(most + 1):
        place[bucket + 1] += place[bucket]
    order = np.empty(len(length), np.int64)
    for i in range(len(length)):
        bucket = most - (int(length[i]) + 72) // 64
        order[place[bucket]] = i
        place[bucket] += 1
    return order
