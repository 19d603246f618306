"""How often some entities pay each other, week by week: what pairs are tested on.

A *transfer* is an output that pays another entity than the one that pays. Counted are, in each of
some stretches of the chain, all transfers there are, those that each of some listed entities makes
and receives, and those between each of them and one entity in the middle of the question.
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import (
    NO_ADDRESS,
    Int64Array,
    TransactionColumns,
    UInt8Array,
    UInt32Array,
    check_offsets,
    read_only,
    read_only_columns,
)
from heuristics.jit import kernel
from heuristics.members import ALONE


class Transfers(NamedTuple):
    """Counts by stretch; those of entities have one row for each listed entity."""

    total: Int64Array
    sent: Int64Array
    received: Int64Array
    to_centre: Int64Array
    """Transfers from each entity to the one in the middle."""

    from_centre: Int64Array


@kernel
def _count(
    columns: TransactionColumns,
    labels: UInt32Array,
    left_out: UInt8Array,
    first_of_stretch: Int64Array,
    row_of: UInt32Array,
    centre: int,
    counts: Transfers,
) -> None:
    """Count the transfers of all stretches."""
    for stretch in range(len(first_of_stretch) - 1):
        for t in range(first_of_stretch[stretch], first_of_stretch[stretch + 1]):
            if left_out[t] != 0:
                continue
            payer = NO_ADDRESS
            for i in range(columns.first_input[t], columns.first_input[t + 1]):
                if columns.input_address[i] != NO_ADDRESS:
                    payer = labels[columns.input_address[i]]
                    break
            if payer == NO_ADDRESS:
                continue
            payer_row = row_of[payer]
            for o in range(columns.first_output[t], columns.first_output[t + 1]):
                address = columns.output_address[o]
                if address == NO_ADDRESS:
                    continue
                payee = labels[address]
                if payee == payer:
                    continue
                counts.total[stretch] += 1
                payee_row = row_of[payee]
                if payer_row != ALONE:
                    counts.sent[payer_row, stretch] += 1
                    if int(payee) == centre:
                        counts.to_centre[payer_row, stretch] += 1
                if payee_row != ALONE:
                    counts.received[payee_row, stretch] += 1
                    if int(payer) == centre:
                        counts.from_centre[payee_row, stretch] += 1


def count_transfers(
    columns: TransactionColumns,
    labels: UInt32Array,
    left_out: UInt8Array,
    first_of_stretch: Int64Array,
    roots: Int64Array,
    centre: int,
) -> Transfers:
    """Count transfers: one pass over the chain.

    Parameters
    ----------
    columns
        Of the whole chain.
    labels
        The root of each address, of all of them.
    left_out
        One byte for each transaction; those where it is not 0 are not counted.
    first_of_stretch
        The first transaction of each stretch, ascending, and the end of the last.
    roots
        The listed entities, each once; the centre may be one of them.
    centre
        The entity in the middle.

    The payer is the entity of the first known input; coinbases have none.
    """
    check_offsets("first_input", columns.first_input, len(columns.input_address))
    check_offsets("first_output", columns.first_output, len(columns.output_address))
    known = len(columns.first_input) - 1
    if len(left_out) != known:
        raise ValueError("there must be one mark for each transaction")
    if len(first_of_stretch) == 0 or np.any(np.diff(first_of_stretch) < 0):
        raise ValueError("stretches must ascend")
    if not 0 <= int(first_of_stretch[0]) <= int(first_of_stretch[-1]) <= known:
        raise ValueError("a stretch lies outside of the chain")
    if len(roots) and not 0 <= int(roots.min()) <= int(roots.max()) < len(labels):
        raise ValueError("an entity is out of range")
    row_of = np.full(len(labels), ALONE, dtype=np.uint32)
    row_of[roots] = np.arange(len(roots), dtype=np.uint32)
    stretches = len(first_of_stretch) - 1

    def empty() -> Int64Array:
        return np.zeros((len(roots), stretches), dtype=np.int64)

    counts = Transfers(np.zeros(stretches, dtype=np.int64), empty(), empty(), empty(), empty())
    _count(
        read_only_columns(columns),
        read_only(labels),
        read_only(left_out),
        read_only(first_of_stretch),
        read_only(row_of),
        centre,
        counts,
    )
    return counts
