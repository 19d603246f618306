"""Kernels behind the question why two addresses are one entity."""

import numpy as np

from heuristics.columns import BoolArray, Int64Array, UInt32Array
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
