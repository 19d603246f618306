"""Who pays: one address of each transaction's inputs that stands for whoever made it."""

import numpy as np

from heuristics.columns import NO_ADDRESS, UInt8Array, UInt32Array, read_only, read_only_columns
from heuristics.cospend import SpendColumns, excluded_by_sighash, names_owner
from heuristics.jit import kernel


@kernel
def _payers(spends: SpendColumns, left_out: UInt8Array, start: int, payer: UInt32Array) -> None:
    """Find the first input of each transaction that shows control of its address."""
    for offset in range(len(payer)):
        begin, end = spends.first_input[start + offset], spends.first_input[start + offset + 1]
        if left_out[offset] != 0 or excluded_by_sighash(spends, begin, end):
            continue
        for i in range(begin, end):
            if names_owner(spends, i):
                payer[offset] = spends.input_address[i]
                break


def payers(spends: SpendColumns, left_out: UInt8Array, start: int) -> UInt32Array:
    """Return the payer of each transaction from `start` on, `NO_ADDRESS` where none is known.

    Parameters
    ----------
    spends
        Columns of the whole chain.
    left_out
        One byte for each transaction; where it is not 0 several people may have paid. Neither has
        a transaction one payer to which others can add inputs.
    start
        The first transaction.
    """
    if not 0 <= start <= start + len(left_out) < len(spends.first_input):
        raise ValueError(f"{len(left_out)} transactions from {start} on are not in the columns")
    payer = np.full(len(left_out), NO_ADDRESS, dtype=np.uint32)
    _payers(read_only_columns(spends), read_only(left_out), start, payer)
    return payer
