"""Chains of block headers: hashes, work, and which chain is the best one.

A header commits to its parent by hash, so headers given in any order form a forest. The chain to
follow is the one that starts at the network's genesis block and carries the most work, the sum of
the expected number of hashes of its blocks. Length does not count, and between equal chains the
one seen first stays, as in Bitcoin Core. A header that does not meet the target it claims carries
no work at all; whoever selects a chain must have sorted such headers out with `meets_target`.

Not checked here is whether a target was the right one at its height: that takes the rules of a
full node. Headers from a stranger can therefore show a chain of little work; they can't show one
of more work than somebody spent.
"""

from dataclasses import dataclass

import numpy as np

from chains.types import BoolArray, Int64Array, UInt8Array, UInt32Array, UInt64Array
from heuristics.jit import kernel

HEADER_LENGTH = 80
HASH_LENGTH = 32
MEDIAN_SPAN = 11
"""Blocks whose times a median-time-past is taken of, the block itself included."""

_LIMBS = 8
"""Work is added up in limbs of 32 bits, so that no sum overflows a word."""


def target_of(bits: int) -> int:
    """Return the target that the compact form `bits` stands for; 0 where it stands for none.

    As Bitcoin Core's `SetCompact`: a byte of exponent and three of mantissa in base 256. Negative
    targets and those of more than 256 bits are no targets.
    """
    exponent, mantissa = bits >> 24, bits & 0x7FFFFF
    target = mantissa >> 8 * (3 - exponent) if exponent <= 3 else mantissa << 8 * (exponent - 3)
    negative = bits & 0x800000 and mantissa
    return 0 if negative or target >> 256 else target


def work_of(bits: int) -> int:
    """Return the expected number of hashes that meeting the target takes (`GetBlockProof`)."""
    target = target_of(bits)
    return (1 << 256) // (target + 1) if target else 0


def total_work(bits: UInt32Array) -> int:
    """Return the summed work of blocks with these compact targets, exactly."""
    values, counts = np.unique(bits, return_counts=True)
    return sum(
        work_of(int(value)) * int(count) for value, count in zip(values, counts, strict=True)
    )


def header_bits(headers: UInt8Array) -> UInt32Array:
    """Return the compact targets of headers of shape (n, 80)."""
    return np.ascontiguousarray(headers[:, 72:76]).view("<u4").ravel()


def header_times(headers: UInt8Array) -> UInt32Array:
    """Return the times that the miners claim, in seconds since 1970."""
    return np.ascontiguousarray(headers[:, 68:72]).view("<u4").ravel()


def previous_hashes(headers: UInt8Array) -> UInt8Array:
    """Return the parents' hashes as stored, shape (n, 32)."""
    return np.ascontiguousarray(headers[:, 4:36])


def median_time_past(times: UInt32Array, preceding: UInt32Array | None = None) -> UInt32Array:
    """Return the median-time-past of consecutive blocks: it never falls along a chain.

    Parameters
    ----------
    times
        Times of the blocks, by height.
    preceding
        Times of the blocks just below, by height; only the last ten count. None or fewer than
        ten stand for a chain that begins there, whose first medians are of fewer blocks (of an
        even number the upper middle one, as Bitcoin Core).
    """
    before = np.zeros(0, dtype=np.uint32) if preceding is None else preceding[1 - MEDIAN_SPAN :]
    joined = np.concatenate([before, times]).astype(np.uint32)
    medians = np.empty(len(joined), dtype=np.uint32)
    for index in range(min(MEDIAN_SPAN - 1, len(joined))):
        medians[index] = np.sort(joined[: index + 1])[(index + 1) // 2]
    if len(joined) >= MEDIAN_SPAN:
        windows = np.lib.stride_tricks.sliding_window_view(joined, MEDIAN_SPAN)
        middle = MEDIAN_SPAN // 2
        medians[MEDIAN_SPAN - 1 :] = np.partition(windows, middle, axis=1)[:, middle]
    return medians[len(before) :]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedHeaders:
    """How headers given in any order hang together."""

    best: Int64Array
    """Where the best chain's headers stand in the given order, by height; empty without genesis."""

    height: Int64Array
    """Height of each header; -1 where its ancestors do not reach the genesis block."""


def link_headers(headers: UInt8Array, hashes: UInt8Array, genesis_hash: bytes) -> LinkedHeaders:
    """Link headers to the chain of most work that starts at the genesis block.

    Between chains of equal work the one wins that was complete first, in the given order.

    Parameters
    ----------
    headers
        Shape (n, 80), each header once, in the order in which they were seen.
    hashes
        Their hashes as stored, shape (n, 32), distinct.
    genesis_hash
        Hash of the block at height 0, as stored.
    """
    if headers.shape != (len(headers), HEADER_LENGTH) or hashes.shape != (
        len(headers),
        HASH_LENGTH,
    ):
        raise ValueError("headers must have the shape (n, 80) and hashes (n, 32)")
    keys = hash_keys(hashes)
    order = np.argsort(keys, kind="stable")
    if len(keys) and np.any(keys[order[1:]] == keys[order[:-1]]):
        raise ValueError("a header is given twice")
    parent = _positions(keys, order, hash_keys(previous_hashes(headers)))
    root = int(_positions(keys, order, np.array([genesis_hash], dtype="S32"))[0])
    bits, which = np.unique(header_bits(headers), return_inverse=True)
    work = _limbs_of([work_of(int(value)) for value in bits])
    height = np.full(len(headers), -2, dtype=np.int64)
    tip = climb(parent, root, work, which.astype(np.int64), height)
    return LinkedHeaders(best=descend(parent, height, tip), height=height)


def hash_keys(hashes: UInt8Array) -> np.ndarray[tuple[int], np.dtype[np.bytes_]]:
    """Return hashes as an array that sorts and compares whole hashes.

    NumPy drops trailing zero bytes of such strings; at one fixed length that loses nothing.
    """
    return np.ascontiguousarray(hashes).view("S32").ravel()


def _positions(
    keys: np.ndarray[tuple[int], np.dtype[np.bytes_]],
    order: Int64Array,
    wanted: np.ndarray[tuple[int], np.dtype[np.bytes_]],
) -> Int64Array:
    """Return where each wanted hash stands among `keys`, -1 where it does not."""
    if len(keys) == 0:
        return np.full(len(wanted), -1, dtype=np.int64)
    # Looked up in ascending order: a million searches all over the array take ten times longer.
    ascending = np.argsort(wanted, kind="stable")
    place = np.searchsorted(keys[order], wanted[ascending])
    found = np.empty(len(wanted), dtype=np.int64)
    found[ascending] = order[np.minimum(place, len(keys) - 1)]
    return np.where(keys[found] == wanted, found, -1).astype(np.int64)


def _limbs_of(works: list[int]) -> UInt64Array:
    """Return numbers below 2^256 as rows of limbs, the least significant first."""
    stored = b"".join(work.to_bytes(4 * _LIMBS, "little") for work in works)
    return np.frombuffer(stored, dtype="<u4").reshape(-1, _LIMBS).astype(np.uint64)


def meets_target(headers: UInt8Array, hashes: UInt8Array) -> BoolArray:
    """Return which headers do the work that they claim: their hash is at most their target.

    `headers` has the shape (n, 80), `hashes`, as stored, (n, 32).
    """
    if headers.shape != (len(hashes), HEADER_LENGTH) or hashes.shape != (len(hashes), HASH_LENGTH):
        raise ValueError("headers must have the shape (n, 80) and hashes (n, 32)")
    meeting = np.empty(len(headers), dtype=np.bool_)
    compare_with_targets(headers, hashes, meeting)
    return meeting


@kernel
def compare_with_targets(headers: UInt8Array, hashes: UInt8Array, meeting: BoolArray) -> None:
    """Set `meeting` where a hash is at most the target of its header (see `target_of`)."""
    for row in range(len(headers)):
        exponent = np.int64(headers[row, 75])
        mantissa = (
            np.int64(headers[row, 72])
            | np.int64(headers[row, 73]) << 8
            | np.int64(headers[row, 74]) << 16
        )
        # The mantissa's lowest byte stands at byte `exponent - 3` of the target. A hash is below
        # a target of more than 256 bits too, but that is no target, nor is a negative one.
        positive = 0 < mantissa < 0x800000
        above = exponent > 34 or (exponent > 32 and mantissa >> 8 * (35 - exponent) != 0)
        some = exponent >= 3 or mantissa >> 8 * (3 - exponent) != 0
        meets = positive and some and not above
        if meets:
            for place in range(31, -1, -1):
                shift = place - (exponent - 3)
                limit = mantissa >> 8 * shift & 0xFF if 0 <= shift <= 2 else 0
                value = np.int64(hashes[row, place])
                if value != limit:
                    meets = value < limit
                    break
        meeting[row] = meets


@kernel
def climb(
    parent: Int64Array,
    root: int,
    work: UInt64Array,
    which_work: Int64Array,
    height: Int64Array,
) -> int:
    """Fill in the height of each header and return the tip of most work, -1 without a root.

    Parameters
    ----------
    parent
        Position of each header's parent, -1 where it is not among them; without cycles.
    root
        Position of the genesis header, -1 where it is missing.
    work
        The different works that occur, as rows of 32-bit limbs.
    which_work
        The row of `work` of each header.
    height
        Filled with -2 by the caller; set to the height, or -1 where the root is not reached.
    """
    count = len(parent)
    limbs = work.shape[1]
    total = np.zeros((count, limbs), dtype=np.uint64)
    # When a header and all its ancestors had been seen: its own position or, where an ancestor
    # came later, that one's.
    complete = np.zeros(count, dtype=np.int64)
    path = np.empty(count, dtype=np.int64)
    if root >= 0:
        height[root] = 0
        complete[root] = root
        total[root] = work[which_work[root]]
    mask = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    best = root
    for start in range(count):
        depth = 0
        node = start
        while node >= 0 and height[node] == -2:
            path[depth] = node
            depth += 1
            node = parent[node]
        reached = node >= 0 and height[node] >= 0
        for step in range(depth - 1, -1, -1):
            child = path[step]
            if not reached:
                height[child] = -1
                continue
            carry = np.uint64(0)
            for limb in range(limbs):
                summed = total[node, limb] + work[which_work[child], limb] + carry
                total[child, limb] = summed & mask
                carry = summed >> shift
            height[child] = height[node] + 1
            complete[child] = max(child, complete[node])
            if _wins(total, complete, child, best):
                best = child
            node = child
    return best


@kernel
def _wins(total: UInt64Array, complete: Int64Array, challenger: int, holder: int) -> bool:
    """Return whether the challenger has more work, or as much and was complete earlier."""
    for limb in range(total.shape[1] - 1, -1, -1):
        if total[challenger, limb] != total[holder, limb]:
            return bool(total[challenger, limb] > total[holder, limb])
    if complete[challenger] != complete[holder]:
        return bool(complete[challenger] < complete[holder])
    return challenger < holder


@kernel
def descend(parent: Int64Array, height: Int64Array, tip: int) -> Int64Array:
    """Return the positions from the root up to `tip`, by height; empty if `tip` is -1."""
    if tip < 0:
        return np.empty(0, dtype=np.int64)
    chain = np.empty(height[tip] + 1, dtype=np.int64)
    node = tip
    for level in range(height[tip], -1, -1):
        chain[level] = node
        node = parent[node]
    return chain
