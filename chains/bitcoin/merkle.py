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
from chains.bitcoin.sha256_lanes import double_sha256_many
from chains.types import BoolArray, Int64Array, UInt8Array
from heuristics.jit import kernel


@kernel
def pair_up(nodes: UInt8Array, first: Int64Array, count: Int64Array, mutated: BoolArray) -> int:
    """Complete odd levels and note equal pairs; return how many pairs there are.

    Parameters
    ----------
    nodes
        Flat bytes of nodes; tree `t` has `count[t]` of them from node `first[t]` on, and room
        for one more.
    first, count
        Place and size of each tree's level; a level of one node is finished.
    mutated
        Set for trees in which a pair has two equal nodes of its own.
    """
    pairs = 0
    for tree in range(len(first)):
        size = int(count[tree])
        if size < 2:
            continue
        start = 32 * int(first[tree])
        for pair in range(size // 2):
            left = start + 64 * pair
            same = True
            for k in range(32):
                if nodes[left + k] != nodes[left + 32 + k]:
                    same = False
                    break
            if same:
                mutated[tree] = True
        if size & 1:
            end = start + 32 * size
            for k in range(32):
                nodes[end + k] = nodes[end - 32 + k]
        pairs += (size + 1) // 2
    return pairs


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
    blocks = len(first_transaction) - 1
    nodes = np.empty(32 * (len(txid) + blocks), np.uint8)
    first = np.empty(blocks, np.int64)
    count = np.empty(blocks, np.int64)
    for block in range(blocks):
        start = int(first_transaction[block])
        first[block] = start + block
        count[block] = first_transaction[block + 1] - start
        mutated[block] = False
        for i in range(int(count[block])):
            for k in range(32):
                nodes[32 * (start + block + i) + k] = txid[start + i, k]
    while True:
        pairs = pair_up(nodes, first, count, mutated)
        if pairs == 0:
            break
        starts = np.empty(pairs, np.int64)
        at = 0
        for block in range(blocks):
            if count[block] > 1:
                for pair in range((int(count[block]) + 1) // 2):
                    starts[at] = 32 * int(first[block]) + 64 * pair
                    at += 1
        parents = np.empty((pairs, 32), np.uint8)
        none = np.zeros(pairs, np.int64)
        double_sha256_many(
            nodes, starts, np.full(pairs, 64, np.int64), none, none, np.arange(pairs), parents
        )
        at = 0
        for block in range(blocks):
            if count[block] > 1:
                count[block] = (count[block] + 1) // 2
                for i in range(int(count[block])):
                    for k in range(32):
                        nodes[32 * (int(first[block]) + i) + k] = parents[at, k]
                    at += 1
    for block in range(blocks):
        for k in range(32):
            roots[block, k] = nodes[32 * int(first[block]) + k]


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
