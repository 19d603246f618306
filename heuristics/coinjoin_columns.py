"""What CoinJoin rules read of a chain, and when each design of CoinJoin came into the world.

Before a design existed nothing can be one: `Eras` says from which transaction on. Outside the
main network there is no such history, and every era starts at 0.
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import NO_ADDRESS, Int64Array, UInt8Array, UInt32Array
from heuristics.jit import kernel

MOST_BINS = 8
"""Most participants whose amounts are proved by filling bins."""

P2WPKH, P2TR = 5, 7
"""Script types as the ledger numbers them."""


class CoinJoinColumns(NamedTuple):
    """What CoinJoin rules read; inputs and outputs of `t` are `[first[t], first[t+1])`."""

    first_input: Int64Array
    first_output: Int64Array
    input_address: UInt32Array
    input_value_sat: Int64Array
    output_address: UInt32Array
    output_value_sat: Int64Array
    script_type: UInt8Array
    """Kind of script of each address."""


class Scratch(NamedTuple):
    """Room to work in. Nothing in it outlives a call."""

    values: Int64Array
    ids: UInt32Array
    sums: Int64Array
    before: Int64Array
    choice: Int64Array
    goals: Int64Array


class Eras(NamedTuple):
    """From which transaction number on a design existed, and who coordinated the first one."""

    wasabi_1: int
    wasabi_1_open: int
    """From here on its coordinator had no fixed address."""

    whirlpool: int
    wasabi_2: int
    coordinator_a: int
    """Address number of a coordinator; -1 where it has none yet."""

    coordinator_b: int


ANY_TIME = Eras(0, 0, 0, 0, -1, -1)
"""For networks without a history of CoinJoins."""


@kernel
def inputs_are_native(columns: CoinJoinColumns, transaction: int, taproot: bool) -> bool:
    """Return whether every input has a P2WPKH address, or one of taproot if that is allowed."""
    for i in range(columns.first_input[transaction], columns.first_input[transaction + 1]):
        address = columns.input_address[i]
        if address == NO_ADDRESS:
            return False
        kind = columns.script_type[address]
        if kind != P2WPKH and not (taproot and kind == P2TR):
            return False
    return True


@kernel
def outputs_are_native(columns: CoinJoinColumns, transaction: int) -> bool:
    """Return whether every output has a P2WPKH address."""
    for i in range(columns.first_output[transaction], columns.first_output[transaction + 1]):
        address = columns.output_address[i]
        if address == NO_ADDRESS or columns.script_type[address] != P2WPKH:
            return False
    return True


@kernel
def most_rows(columns: CoinJoinColumns, start: int, stop: int) -> int:
    """Return the largest number of inputs and outputs of one transaction."""
    most = 0
    for transaction in range(start, stop):
        inputs = columns.first_input[transaction + 1] - columns.first_input[transaction]
        outputs = columns.first_output[transaction + 1] - columns.first_output[transaction]
        most = max(most, inputs + outputs)
    return most


def new_scratch(rows: int) -> Scratch:
    """Return room for transactions of up to so many inputs and outputs together."""
    return Scratch(
        values=np.empty(rows, dtype=np.int64),
        ids=np.empty(rows, dtype=np.uint32),
        sums=np.empty(rows, dtype=np.int64),
        before=np.empty(rows, dtype=np.int64),
        choice=np.empty(rows, dtype=np.int64),
        goals=np.empty(MOST_BINS, dtype=np.int64),
    )
