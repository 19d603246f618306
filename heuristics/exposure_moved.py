"""What an entity of very many addresses moves, by transaction: one look at every row.

An entity of a few thousand addresses is asked for address by address. One of half a million has
its rows all over the ledger, and reading these columns from end to end is sooner done.
"""

import numpy as np

from heuristics.columns import (
    NO_ADDRESS,
    Int64Array,
    UInt32Array,
    check_offsets,
    read_only,
)
from heuristics.jit import kernel

_NOBODY = int(NO_ADDRESS)


@kernel
def _sums(
    offsets: Int64Array,
    address: UInt32Array,
    value: Int64Array,
    labels: UInt32Array,
    root: int,
    first: int,
    past: int,
) -> tuple[Int64Array, Int64Array]:
    transactions = np.empty(1024, np.int64)
    sums = np.empty(1024, np.int64)
    found = 0
    labelled = len(labels)
    for transaction in range(first, past):
        total = np.int64(0)
        for row in range(offsets[transaction], offsets[transaction + 1]):
            owner = np.int64(address[row])
            if owner < labelled:
                owner = np.int64(labels[owner])
            elif owner == _NOBODY:
                continue
            if owner == root:
                total += value[row]
        if total > 0:
            if found == len(sums):
                longer = np.empty(2 * found, np.int64)
                longer[:found] = transactions
                transactions = longer
                longer = np.empty(2 * found, np.int64)
                longer[:found] = sums
                sums = longer
            transactions[found] = transaction
            sums[found] = total
            found += 1
    return transactions[:found].copy(), sums[:found].copy()


def moved_by_entity(
    offsets: Int64Array,
    address: UInt32Array,
    value: Int64Array,
    labels: UInt32Array,
    root: int,
    first: int,
    past: int,
) -> tuple[Int64Array, Int64Array]:
    """Return the transactions that have rows of an entity, ascending, and the sum in each.

    Parameters
    ----------
    offsets
        Where each transaction's rows start, and one entry more.
    address, value
        Of each row: of outputs, or of what inputs spend.
    labels
        Entity of each address; addresses past its end stand for themselves.
    root
        The entity.
    first, past
        Only transactions from `first` to just before `past` are looked at.
    """
    check_offsets("offsets", offsets, len(address))
    if len(address) != len(value):
        raise ValueError("addresses and values must have rows of one length")
    if not 0 <= first <= past < len(offsets):
        raise ValueError("the transactions to look at are not all in the ledger")
    return _sums(
        read_only(offsets),
        read_only(address),
        read_only(value),
        read_only(labels),
        root,
        first,
        past,
    )
