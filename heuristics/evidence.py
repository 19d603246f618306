"""Kernels behind the question why two addresses are one entity."""

import numpy as np

from heuristics.columns import BoolArray, Int64Array, UInt32Array, read_only
from heuristics.cospend import SpendColumns, excluded_by_sighash, names_owner
from heuristics.jit import kernel


@kernel
def joining_transactions(
    spends: SpendColumns, transactions: Int64Array, address: int
) -> tuple[BoolArray, int]:
    """Return which transactions join an address with the others that they spend from.

    CoinJoin marks are not looked at. Also returned is the number of inputs that were read.
    """
    joins = np.zeros(len(transactions), dtype=np.bool_)
    read = 0
    for position in range(len(transactions)):
        transaction = transactions[position]
        begin, end = spends.first_input[transaction], spends.first_input[transaction + 1]
        if end - begin < 2 or excluded_by_sighash(spends, begin, end):
            continue
        read += end - begin
        for i in range(begin, end):
            if spends.input_address[i] == address and names_owner(spends, i):
                joins[position] = True
                break
    return joins, read


@kernel
def joined_inputs(spends: SpendColumns, transaction: int) -> UInt32Array:
    """Return the addresses whose control a transaction's inputs show, in order of the inputs."""
    begin, end = spends.first_input[transaction], spends.first_input[transaction + 1]
    addresses = np.empty(end - begin, dtype=np.uint32)
    count = 0
    for i in range(begin, end):
        if names_owner(spends, i):
            addresses[count] = spends.input_address[i]
            count += 1
    return addresses[:count]


@kernel
def _tree_path(left: Int64Array, right: Int64Array, degree: Int64Array, edges: Int64Array) -> None:
    """Peel leaves off a tree until only the path is left; see `tree_path`.

    `degree` and `edges` hold, for each node, how many edges are left and the exclusive or of
    their numbers, so that a node with one edge left names that edge.
    """
    for start in range(len(degree)):
        node = start
        # Peeling a leaf may make its neighbour one; those with larger numbers get their turn.
        while degree[node] == 1:
            edge = edges[node]
            neighbour = right[edge] if left[edge] == node else left[edge]
            degree[node] = 0
            degree[neighbour] -= 1
            edges[neighbour] ^= edge
            edges[node] = -1
            if neighbour > start:
                break
            node = neighbour


def tree_path(
    left: Int64Array, right: Int64Array, node_count: int, start: int, goal: int
) -> Int64Array:
    """Return the edges, in order, of the only path between two different nodes of a tree.

    Parameters
    ----------
    left, right
        The two nodes of each edge.
    node_count
        One more than there are edges; they connect all nodes.
    start, goal
        The ends of the path.
    """
    if len(left) != node_count - 1 or len(right) != len(left):
        raise ValueError(f"a tree of {node_count} nodes has {node_count - 1} edges")
    degree = np.bincount(np.concatenate([left, right]), minlength=node_count)
    edges = np.zeros(node_count, dtype=np.int64)
    numbers = np.arange(len(left))
    np.bitwise_xor.at(edges, left, numbers)
    np.bitwise_xor.at(edges, right, numbers)
    # One more edge for each end keeps them from being peeled.
    degree[[start, goal]] += 1
    _tree_path(read_only(left), read_only(right), degree, edges)
    path = []
    node, incoming = start, 0
    while node != goal:
        edge = int(edges[node]) ^ incoming
        path.append(edge)
        node = int(right[edge]) if int(left[edge]) == node else int(left[edge])
        incoming = edge
    return np.array(path, dtype=np.int64)
