"""Disjoint sets over dense ids, in one array.

Every node points to a node of its set with a smaller id, or to itself; the node that points to
itself is the root and names the set. A union always hangs the larger root under the smaller one.
So the root of a set is its smallest id, whatever the order of the unions: with ids in order of
first appearance it is the address that was seen first. No rank or size is kept, which halves the
memory, and path halving keeps the walks short.

The order of the unions decides only how the forest looks inside, never which sets come out.
"""

import numpy as np

from heuristics.columns import UInt32Array
from heuristics.jit import kernel, kernel_part


@kernel_part
def find(parent: UInt32Array, node: np.uint32) -> np.uint32:
    """Return the root of `node`; shortens the path that was walked, in place."""
    above: np.uint32 = parent[node]
    top: np.uint32 = parent[above]
    # One test for a root and for a child of a root: which it is can hardly be guessed.
    while top != above:
        parent[node] = top
        node = top
        above = parent[node]
        top = parent[above]
    return above


@kernel
def finalise(parent: UInt32Array) -> None:
    """Point every node straight at its root, in place, in one ascending pass.

    A node's parent has a smaller id, so it was settled before the node itself is reached.
    """
    for node in range(len(parent)):
        parent[node] = parent[parent[node]]


def new_forest(node_count: int, settled: UInt32Array | None = None) -> UInt32Array:
    """Return a forest in which every node past `settled` is alone.

    Parameters
    ----------
    node_count
        Nodes of the forest, at most 2^32 - 1: the last number means "no address".
    settled
        Roots of the first nodes, as `finalise` left them; copied.
    """
    if not 0 <= node_count < 2**32:
        raise ValueError(f"a forest holds 0 to {2**32 - 1} nodes, not {node_count}")
    known = 0 if settled is None else len(settled)
    if known > node_count:
        raise ValueError(f"{known} settled nodes do not fit a forest of {node_count}")
    parent = np.arange(node_count, dtype=np.uint32)
    if settled is not None:
        parent[:known] = settled
    return parent
