"""Double SHA-256 of many messages side by side, for transaction ids and merkle trees.

The hashing itself is in `sha256_rounds`; here messages are put into its lanes and digests taken
out, which costs about a third of the time. Messages are taken longest first, so that those hashed
together have about the same number of blocks; as the shorter ones end, the number of busy lanes
shrinks. They are put in order only within stretches of neighbours, so that what is hashed
together stands together in memory and is in the cache.
"""

import numpy as np

from chains.bitcoin.hashing import WORD, byte_at
from chains.bitcoin.sha256_rounds import (
    LANES,
    STATE_ROWS,
    W0,
    W1,
    W2,
    W3,
    W4,
    W5,
    W6,
    W7,
    W8,
    W9,
    W10,
    W11,
    W12,
    W13,
    W14,
    W15,
    WORK_ROWS,
    compress_lanes,
    start_lanes,
    take_digests_as_block,
)
from chains.types import Int64Array, UInt8Array, UInt32Array
from heuristics.jit import kernel, kernel_part

ROW = np.uint64(LANES)

END_ROWS = 5
"""Facts of how a message ends, see `note_end`."""

STRETCH = 16 * LANES
"""Messages that are put in order among themselves."""


@kernel_part
def block_count(length: int) -> int:
    """Return how many blocks SHA-256 makes of a message: its bytes, 0x80, and 8 of length."""
    return (length + 72) // 64


@kernel_part
def word_at(data: UInt8Array, at: np.uint64) -> int:
    """Return the big-endian 32-bit word at an unsigned index (one load and a byte swap)."""
    return (
        int(np.int64(data[at])) << 24
        | int(np.int64(data[at + np.uint64(1)])) << 16
        | int(np.int64(data[at + np.uint64(2)])) << 8
        | int(np.int64(data[at + np.uint64(3)]))
    )


@kernel_part
def load_words(data: UInt8Array, at: np.uint64, work: UInt32Array, lane: np.uint64) -> None:
    """Put the 64 bytes at `at` into a lane as 16 message words.

    One by one: of a loop the compiler makes scattered vector stores, at twice the time.
    """
    work[W0 + lane] = word_at(data, at)
    work[W1 + lane] = word_at(data, at + np.uint64(4))
    work[W2 + lane] = word_at(data, at + np.uint64(8))
    work[W3 + lane] = word_at(data, at + np.uint64(12))
    work[W4 + lane] = word_at(data, at + np.uint64(16))
    work[W5 + lane] = word_at(data, at + np.uint64(20))
    work[W6 + lane] = word_at(data, at + np.uint64(24))
    work[W7 + lane] = word_at(data, at + np.uint64(28))
    work[W8 + lane] = word_at(data, at + np.uint64(32))
    work[W9 + lane] = word_at(data, at + np.uint64(36))
    work[W10 + lane] = word_at(data, at + np.uint64(40))
    work[W11 + lane] = word_at(data, at + np.uint64(44))
    work[W12 + lane] = word_at(data, at + np.uint64(48))
    work[W13 + lane] = word_at(data, at + np.uint64(52))
    work[W14 + lane] = word_at(data, at + np.uint64(56))
    work[W15 + lane] = word_at(data, at + np.uint64(60))


@kernel_part
def load_block(data: UInt8Array, at: int, work: UInt32Array, lane: int) -> None:
    """Put the 64 bytes at `at`, or what there is of them, into a lane as 16 message words."""
    if at + 64 <= len(data):
        load_words(data, np.uint64(at), work, np.uint64(lane))
        return
    for j in range(16):
        word = 0
        for k in range(4):
            place = at + 4 * j + k
            word = word << 8 | (byte_at(data, place) if place < len(data) else 0)
        work[W0 + np.uint64(j * LANES + lane)] = word


@kernel_part
def note_end(
    data: UInt8Array, middle: int, tail: int, length: int, ends: UInt32Array, lane: int
) -> None:
    """Write to a lane of `ends` how its message ends.

    `middle` and `tail` are where the message would start if it were in one piece with its middle
    part or with its last 4 bytes. The words of the message that stand as they are before its last
    4 bytes are counted in row 0. Behind them come up to 3 bytes, the last 4, and 0x80: two words,
    rows 1 and 2. The number of the message's last word is row 3; it is the length in bits, row 4.
    """
    bits = length % 4 * 8
    before = word_at(data, np.uint64(middle + length - 8)) & ((1 << bits) - 1)
    last = word_at(data, np.uint64(tail + length - 4))
    ends[lane] = (length - 4) // 4
    ends[LANES + lane] = (before << (32 - bits)) | (last >> bits)
    ends[2 * LANES + lane] = ((last << (32 - bits)) & WORD) | 0x80 << (24 - bits)
    ends[3 * LANES + lane] = 16 * block_count(length) - 1
    ends[4 * LANES + lane] = length * 8


@kernel
def put_ends(ends: UInt32Array, block: int, work: UInt32Array, lanes: np.uint64) -> None:
    """Replace the message words of a block that are not whole words of its messages."""
    for j in range(16):
        number = np.uint32(16 * block + j)
        before = np.uint32(max(16 * block + j - 1, 0))
        row = W0 + np.uint64(j * LANES)
        for i in range(lanes):
            whole = ends[i]
            word = work[row + i] if number < whole else np.uint32(0)
            word = ends[ROW + i] if number == whole else word
            word = ends[ROW + ROW + i] if number > whole and before == whole else word
            is_last = number == ends[ROW + ROW + ROW + i]
            work[row + i] = ends[ROW + ROW + ROW + ROW + i] if is_last else word


@kernel_part
def write_digest(state: UInt32Array, lane: int, out: UInt8Array, at: int) -> None:
    """Write the hash of a lane to `out[at : at + 32]`."""
    place = np.uint64(at)
    for row in range(STATE_ROWS):
        word = int(np.int64(state[np.uint64(row * LANES + lane)]))
        out[place] = word >> 24
        out[place + np.uint64(1)] = word >> 16 & 0xFF
        out[place + np.uint64(2)] = word >> 8 & 0xFF
        out[place + np.uint64(3)] = word & 0xFF
        place += np.uint64(4)


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

    Message `i` is `length[i]` bytes, at least 8: its first 4 stand at `start[i]`; its last 4 and
    those between stand `tail_skip[i]` and `middle_skip[i]` bytes further than if it were in one
    piece. That is a transaction without its marker and witness. `order` (see `order_by_blocks`)
    holds all message numbers; `out` has shape (messages, 32).
    """
    flat = out.reshape(-1)
    state = np.empty(STATE_ROWS * LANES, np.uint32)
    work = np.zeros(WORK_ROWS * LANES, np.uint32)
    ends = np.zeros(END_ROWS * LANES, np.uint32)
    begin = np.zeros(LANES, np.int64)
    middle = np.zeros(LANES, np.int64)
    for first in range(0, len(order), LANES):
        count = min(LANES, len(order) - first)
        for lane in range(count):
            i = order[first + lane]
            begin[lane] = start[i]
            middle[lane] = start[i] + middle_skip[i]
            note_end(data, middle[lane], start[i] + tail_skip[i], length[i], ends, lane)
        start_lanes(state)
        busy = count
        block = 0
        while True:
            while busy > 0 and int(ends[3 * LANES + busy - 1]) < 16 * block:
                busy -= 1
            if busy == 0:
                break
            for lane in range(busy):
                load_block(data, middle[lane] + 64 * block, work, lane)
            if block == 0:
                for lane in range(busy):
                    work[W0 + np.uint64(lane)] = word_at(data, np.uint64(begin[lane]))
            # The message that ends first is in the last lane.
            if int(ends[3 * LANES + busy - 1]) < 16 * (block + 2):
                put_ends(ends, block, work, np.uint64(busy))
            compress_lanes(state, work, busy)
            block += 1
        take_digests_as_block(state, work)
        compress_lanes(state, work, count)
        for lane in range(count):
            write_digest(state, lane, flat, 32 * int(order[first + lane]))


@kernel
def double_sha256_pairs(nodes: UInt8Array, pairs: Int64Array, parents: Int64Array) -> None:
    """Write the double SHA-256 of pieces of 64 bytes into the same buffer.

    Piece `i` starts at byte `pairs[i]` of `nodes`, its hash goes to the 32 bytes at `parents[i]`.
    Pieces are read before what may stand in their place is written as long as `parents[i]` is no
    larger than `pairs[i]` and both ascend.
    """
    state = np.empty(STATE_ROWS * LANES, np.uint32)
    work = np.zeros(WORK_ROWS * LANES, np.uint32)
    for first in range(0, len(pairs), LANES):
        count = min(LANES, len(pairs) - first)
        for lane in range(count):
            load_words(nodes, np.uint64(pairs[first + lane]), work, np.uint64(lane))
        start_lanes(state)
        compress_lanes(state, work, count)
        work[W0:W1] = 0x80000000
        work[W1:W15] = 0
        work[W15:] = 512
        compress_lanes(state, work, count)
        take_digests_as_block(state, work)
        compress_lanes(state, work, count)
        for lane in range(count):
            write_digest(state, lane, nodes, parents[first + lane])


@kernel
def order_by_blocks(length: Int64Array) -> Int64Array:
    """Return message numbers in the order in which to hash messages of these lengths.

    Each `STRETCH` of messages is put in order of SHA-256 blocks, most first, ties in ascending
    order of numbers.
    """
    order = np.empty(len(length), np.int64)
    for first in range(0, len(length), STRETCH):
        stop = min(first + STRETCH, len(length))
        most = block_count(int(length[first:stop].max()))
        place = np.zeros(most + 2, np.int64)
        for i in range(first, stop):
            place[most - block_count(int(length[i])) + 1] += 1
        place[0] = first
        for bucket in range(most + 1):
            place[bucket + 1] += place[bucket]
        for i in range(first, stop):
            bucket = most - block_count(int(length[i]))
            order[place[bucket]] = i
            place[bucket] += 1
    return order
