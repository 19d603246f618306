"""Merkle trees of transaction ids: roots in bulk, and proofs that anybody can check.

A block's header commits to its transactions through a binary tree of double SHA-256; where a
level has an odd number of nodes the last one is paired with itself. That rule has a flaw
(CVE-2012-2459): a list whose tail is repeated has the same root. Bitcoin Core therefore refuses a
block in which two *different* neighbours of a pair are equal on any level, and so does
`merkle_roots`. A real block cannot trip over it: its transactions are all different, and nodes
made of different ones are equal only if SHA-256 collides.

Ids, roots and path elements are bytes as stored, not reversed.
"""

import numpy as np

from chains.bitcoin.hashing import double_sha256
from chains.bitcoin.parse import read_i64
from chains.bitcoin.sha256_lanes import double_sha256_pairs
from chains.types import BoolArray, Int64Array, UInt8Array
from heuristics.jit import kernel, kernel_part

GROUP = 64
"""Blocks whose trees are hashed together: enough to fill the lanes on the upper levels."""


@kernel
def pair_up(
    nodes: UInt8Array,
    first: Int64Array,
    count: Int64Array,
    mutated: BoolArray,
    pairs: Int64Array,
    parents: Int64Array,
) -> int:
    """Complete odd levels and note equal pairs; return how many pairs there are.

    Parameters
    ----------
    nodes
        Flat bytes of nodes; tree `t` has `count[t]` of them from node `first[t]` on, and room
        for one more.
    first, count
        Place and size of each tree's level, which becomes that of the next level; a level of one
        node is finished.
    mutated
        Set for trees in which a pair has two equal nodes of its own.
    pairs, parents
        Written: at which bytes of `nodes` each pair stands, and where its parent goes.
    """
    found = 0
    for tree in range(len(first)):
        size = int(count[tree])
        if size < 2:
            continue
        start = 32 * int(first[tree])
        for pair in range(size // 2):
            left = start + 64 * pair
            if same_nodes(nodes, left):
                mutated[tree] = True
        if size & 1:
            end = start + 32 * size
            for k in range(32):
                nodes[end + k] = nodes[end - 32 + k]
        count[tree] = (size + 1) // 2
        for pair in range(int(count[tree])):
            pairs[found] = start + 64 * pair
            parents[found] = start + 32 * pair
            found += 1
    return found


@kernel_part
def same_nodes(nodes: UInt8Array, left: int) -> bool:
    """Tell whether the 32 bytes at `left` are the same as the 32 behind them."""
    return (
        read_i64(nodes, left) == read_i64(nodes, left + 32)
        and read_i64(nodes, left + 8) == read_i64(nodes, left + 40)
        and read_i64(nodes, left + 16) == read_i64(nodes, left + 48)
        and read_i64(nodes, left + 24) == read_i64(nodes, left + 56)
    )


@kernel
def merkle_roots(
    txid: UInt8Array, first_transaction: Int64Array, roots: UInt8Array, mutated: BoolArray
) -> None:
    """Write the merkle root of each block and whether its tree has a doubled part.

    Parameters
    ----------
    txid
        Shape (transactions, 32).
    first_transaction
        Shape (blocks + 1); every block has at least one transaction.
    roots
        Shape (blocks, 32), written.
    mutated
        Shape (blocks), written.
    """
    for begin in range(0, len(roots), GROUP):
        stop = min(begin + GROUP, len(roots))
        merkle_roots_of_group(
            txid, first_transaction[begin : stop + 1], roots[begin:stop], mutated[begin:stop]
        )


@kernel
def merkle_roots_of_group(
    txid: UInt8Array, first_transaction: Int64Array, roots: UInt8Array, mutated: BoolArray
) -> None:
    """Do what `merkle_roots` does for a few blocks, all of one level at a time."""
    blocks = len(roots)
    opening = int(first_transaction[0])
    size = int(first_transaction[blocks]) - opening
    nodes = np.empty(32 * (size + blocks), np.uint8)
    first = np.empty(blocks, np.int64)
    count = np.empty(blocks, np.int64)
    for block in range(blocks):
        start, stop = int(first_transaction[block]), int(first_transaction[block + 1])
        first[block] = start - opening + block
        count[block] = stop - start
        mutated[block] = False
        place = 32 * int(first[block])
        nodes[place : place + 32 * (stop - start)] = txid[start:stop].reshape(-1)
    pairs = np.empty(size // 2 + blocks, np.int64)
    parents = np.empty(size // 2 + blocks, np.int64)
    found = pair_up(nodes, first, count, mutated, pairs, parents)
    while found > 0:
        double_sha256_pairs(nodes, pairs[:found], parents[:found])
        found = pair_up(nodes, first, count, mutated, pairs, parents)
    for block in range(blocks):
        place = 32 * int(first[block])
        roots[block] = nodes[place : place + 32]


def merkle_path(txids: UInt8Array, position: int) -> list[bytes]:
    """Return the sibling hashes that lead from one transaction to its block's merkle root.

    `txids` has shape (transactions of the block, 32). The path has one element for each level,
    from the bottom up; it is empty for a block of one transaction.
    """
    if not 0 <= position < len(txids):
        raise ValueError(f"position {position} is outside a block of {len(txids)} transactions")
    level = [row.tobytes() for row in txids]
    path: list[bytes] = []
    while len(level) > 1:
        if len(level) % 2:
            level.append(level[-1])
        path.append(level[position ^ 1])
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [double_sha256(left + right) for left, right in pairs]
        position //= 2
    return path


def fold_path(txid: bytes, position: int, path: list[bytes]) -> bytes:
    """Return the merkle root that a transaction id, its position and its path lead to.

    The caller compares it with the root in the block's header. A position that the path's length
    cannot reach is an error, because its upper bits would go unchecked.
    """
    if not 0 <= position < 1 << len(path):
        raise ValueError(f"position {position} does not belong to a path of {len(path)} levels")
    node = txid
    for sibling in path:
        node = double_sha256(sibling + node if position & 1 else node + sibling)
        position //= 2
    return node
