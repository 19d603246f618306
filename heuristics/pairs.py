"""Joining many pairs of nodes, each union written down.

A rule first lists what it wants joined as rows of *pairs*, in chain order; then the pairs are
united one after the other. Doing the two apart, a few thousand rows at a time, is what makes it
fast: the processor guesses wrongly where a transaction ends and how long a path to a root is, and
a wrong guess of the one kind no longer holds up the reads of the other.

Between the two, pairs are dropped whose nodes are joined already. That changes nothing in the
log, which holds only unions that join something, and it reads the forest without writing, so
several threads can do it at once for different rows. What is left is united by one thread in
chain order. So the log is the same, byte for byte, whoever dropped what and whether anybody did.
"""

from enum import IntEnum

import numpy as np

from heuristics.columns import UInt32Array
from heuristics.jit import kernel
from heuristics.union_find import find


class PairField(IntEnum):
    """What the columns of pairs hold; pairs are `uint32` of shape (rows, 4)."""

    TRANSACTION = 0
    ADDRESS_A = 1
    ADDRESS_B = 2
    RULE = 3


PAIR_WIDTH = len(PairField)


@kernel
def drop_joined(parent: UInt32Array, pairs: UInt32Array, count: int) -> int:
    """Close up the first `count` pairs over those that are joined; return how many are left.

    A pair goes if its nodes have one grandparent, so a few that are joined stay.
    """
    # The reads are told apart from closing up: no place that is written then depends on them, so
    # they overlap, and they leave in the cache what `unite` needs. It takes 60 % of the time that
    # both in one loop take.
    apart = np.empty(count, dtype=np.bool_)
    for row in range(count):
        apart[row] = parent[parent[pairs[row, 1]]] != parent[parent[pairs[row, 2]]]
    kept = 0
    for row in range(count):
        transaction, address_a = pairs[row, 0], pairs[row, 1]
        address_b, rule = pairs[row, 2], pairs[row, 3]
        pairs[kept, 0] = transaction
        pairs[kept, 1] = address_a
        pairs[kept, 2] = address_b
        pairs[kept, 3] = rule
        kept += apart[row]
    return kept


@kernel
def unite(
    parent: UInt32Array, pairs: UInt32Array, count: int, log: UInt32Array, logged: int
) -> int:
    """Join the sets of each of the first `count` pairs, in order; return the rows of the log then.

    Parameters
    ----------
    parent
        The forest; changed in place.
    pairs
        See `PairField`.
    count
        How many of them are joined.
    log
        As `heuristics.cospend.LogField` has it; has room for a row for each pair.
    logged
        The rows that it holds already.
    """
    for row in range(count):
        address_a, address_b = pairs[row, 1], pairs[row, 2]
        root_a, root_b = find(parent, address_a), find(parent, address_b)
        if root_a != root_b:
            child, top = max(root_a, root_b), min(root_a, root_b)
            parent[child] = top
            log[logged, 0] = child
            log[logged, 1] = top
            log[logged, 2] = pairs[row, 0]
            log[logged, 3] = address_a
            log[logged, 4] = address_b
            log[logged, 5] = pairs[row, 3]
            logged += 1
    return logged
