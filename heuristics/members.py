"""Who belongs to a set: from one root per node to a list of members per root.

Only sets of two and more are listed; of a node that is alone everything is known already.
"""

import numpy as np

from heuristics.columns import Int64Array, UInt32Array, read_only
from heuristics.jit import kernel

ALONE = np.uint32(0xFFFF_FFFF)
"""Position of a root whose set is not listed."""


@kernel
def _count(labels: UInt32Array, counts: UInt32Array) -> None:
    """Count the nodes of each root."""
    for node in range(len(labels)):
        counts[labels[node]] += np.uint32(1)


@kernel
def _number_sets(counts: UInt32Array, roots: UInt32Array, first: Int64Array) -> None:
    """Turn sizes into positions in the list of sets, and note where each set's members start."""
    position = 0
    first[0] = 0
    for root in range(len(counts)):
        size = counts[root]
        if size < 2:
            counts[root] = ALONE
            continue
        roots[position] = root
        first[position + 1] = first[position] + size
        counts[root] = position
        position += 1


@kernel
def _list_members(
    labels: UInt32Array, position: UInt32Array, following: Int64Array, members: UInt32Array
) -> None:
    """Write each node into its set's stretch; ascending, because the nodes are visited so."""
    for node in range(len(labels)):
        place = position[labels[node]]
        if place != ALONE:
            members[following[place]] = node
            following[place] += 1


def count_sets(labels: UInt32Array) -> tuple[UInt32Array, int, int]:
    """Return the size of the set of each root, the number of sets of two and more, their nodes.

    `labels` holds the root of each node, and the root of a root is itself.
    """
    counts = np.zeros(len(labels), dtype=np.uint32)
    _count(read_only(labels), counts)
    large = counts >= 2
    return counts, int(np.count_nonzero(large)), int(counts.sum(where=large, dtype=np.int64))


def list_members(
    labels: UInt32Array,
    counts: UInt32Array,
    roots: UInt32Array,
    first: Int64Array,
    members: UInt32Array,
) -> None:
    """Fill the lists of all sets of two and more, roots and members ascending.

    Parameters
    ----------
    labels
        The root of each node.
    counts
        As `count_sets` returned them; becomes the position of each root's set, or `ALONE`.
    roots, first, members
        Filled: the roots; where each one's members start, with one entry more; the members.
    """
    _number_sets(counts, roots, first)
    _list_members(read_only(labels), read_only(counts), first[:-1].copy(), members)
