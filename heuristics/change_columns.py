"""What the votes on change read of a chain, and the horizon up to which they know it.

What happened after a transaction is seen through a *horizon*: a spender past it does not exist,
and receipts and spends are counted up to it. The horizon moves with the blocks, so that every
transaction is judged on the ledger as of a fixed number of blocks after its own, whenever that is
done.
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import Int64Array, UInt8Array, UInt32Array

MANY = 255
"""Counts of receipts and spends stop here."""


class ChangeColumns(NamedTuple):
    """What the votes read of a chain; all columns are those of the whole ledger."""

    first_input: Int64Array
    first_output: Int64Array
    fee_sat: Int64Array
    stripped_size: UInt32Array
    witness_size: UInt32Array
    spent_output: Int64Array
    """Of each input; -1 where the ledger does not hold it."""

    input_address: UInt32Array
    input_value_sat: Int64Array
    output_address: UInt32Array
    output_value_sat: Int64Array
    spender: UInt32Array
    """Of each output; any number at or past the horizon means unspent."""

    script_type: UInt8Array
    """Of each address."""


class Horizon(NamedTuple):
    """What is known of the future: the ledger's first `transactions`."""

    transactions: int
    receipts: UInt8Array
    """Outputs to each address, of those transactions; `MANY` stands for more as well."""

    spends: UInt8Array
    """Inputs from each address, likewise."""


class Fingerprints(NamedTuple):
    """The fingerprints of transactions from `start` on."""

    start: int
    words: UInt32Array


class Blocks(NamedTuple):
    """Consecutive ranges of transactions and the horizon of each."""

    first_transaction: Int64Array
    """Of each range, and the end of the last."""

    horizon: Int64Array
    """How many transactions are known when a range is judged; ascending, past its end."""


def new_horizon(address_count: int) -> Horizon:
    """Return the horizon of an empty ledger; pages of it take memory when they are written to."""
    return Horizon(
        0, np.zeros(address_count, dtype=np.uint8), np.zeros(address_count, dtype=np.uint8)
    )
