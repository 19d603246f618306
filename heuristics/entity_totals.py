"""What an entity received and sent, in two senses that must not be confused.

*Gross* counts every output paid to an address of the entity as received, and every input spent
from one as sent. A wallet that pays 1 of 10 coins and takes 9 back as change has sent 10 and
received 9: right for each address, absurd as turnover.

*Net* looks at each transaction as a whole: what it changed for the entity. If it gained, the gain
is received; if it lost, the loss is sent (with the fee that it paid). Change, consolidations and
moves between own addresses do not count, but for their fees.

Either way, received minus sent is the balance. Transactions are counted once each, whatever they
do to the entity.
"""

from enum import IntEnum

import numpy as np

from heuristics.columns import (
    NO_ADDRESS,
    Int64Array,
    TransactionColumns,
    UInt32Array,
    check_offsets,
    read_only,
    read_only_columns,
)
from heuristics.jit import kernel
from heuristics.members import ALONE


class TotalField(IntEnum):
    """What the columns of the table of totals hold; it is `int64` of shape (entities, 7)."""

    TRANSACTIONS = 0
    RECEIVED_SAT = 1
    SENT_SAT = 2
    RECEIVED_NET_SAT = 3
    SENT_NET_SAT = 4
    FIRST_TRANSACTION = 5
    LAST_TRANSACTION = 6


TOTAL_WIDTH = len(TotalField)


@kernel
def _book(totals: Int64Array, entity: int, change_sat: int) -> None:
    """Add what one transaction changed for an entity."""
    if change_sat > 0:
        totals[entity, 3] += change_sat
    else:
        totals[entity, 4] -= change_sat


@kernel
def _touch(
    totals: Int64Array,
    change_sat: Int64Array,
    touched: UInt32Array,
    count: int,
    entity: int,
    t: int,
) -> int:
    """Note that transaction `t` touches an entity; return how many it has touched so far."""
    if totals[entity, 0] > 0 and totals[entity, 6] == t:
        return count
    if totals[entity, 0] == 0:
        totals[entity, 5] = t
    totals[entity, 0] += 1
    totals[entity, 6] = t
    change_sat[entity] = 0
    touched[count] = entity
    return count + 1


@kernel
def _sum_up(
    columns: TransactionColumns,
    labels: UInt32Array,
    position: UInt32Array,
    totals: Int64Array,
    change_sat: Int64Array,
    touched: UInt32Array,
) -> None:
    """Add all transactions, in chain order, to the totals of the entities they touch."""
    for t in range(len(columns.first_input) - 1):
        count = 0
        for i in range(columns.first_input[t], columns.first_input[t + 1]):
            address = columns.input_address[i]
            if address == NO_ADDRESS or position[labels[address]] == ALONE:
                continue
            entity = position[labels[address]]
            count = _touch(totals, change_sat, touched, count, entity, t)
            totals[entity, 2] += columns.input_value_sat[i]
            change_sat[entity] -= columns.input_value_sat[i]
        for o in range(columns.first_output[t], columns.first_output[t + 1]):
            address = columns.output_address[o]
            if address == NO_ADDRESS or position[labels[address]] == ALONE:
                continue
            entity = position[labels[address]]
            count = _touch(totals, change_sat, touched, count, entity, t)
            totals[entity, 1] += columns.output_value_sat[o]
            change_sat[entity] += columns.output_value_sat[o]
        for i in range(count):
            _book(totals, touched[i], change_sat[touched[i]])


@kernel
def _most_rows(columns: TransactionColumns) -> int:
    """Return the largest number of inputs and outputs of one transaction."""
    most = 0
    for t in range(len(columns.first_input) - 1):
        inputs = columns.first_input[t + 1] - columns.first_input[t]
        most = max(most, inputs + columns.first_output[t + 1] - columns.first_output[t])
    return most


def sum_entities(
    columns: TransactionColumns, labels: UInt32Array, position: UInt32Array, totals: Int64Array
) -> None:
    """Fill the totals of all listed entities from the whole chain.

    Parameters
    ----------
    columns
        Columns of the whole chain. Sums are 64 bits wide, enough for 92 billion bitcoin of
        turnover for one entity.
    labels
        The root of each address.
    position
        The row of each root in `totals`, or `heuristics.members.ALONE`.
    totals
        Filled; see `TotalField`. Must be zero.
    """
    check_offsets("first_input", columns.first_input, len(columns.input_address))
    check_offsets("first_output", columns.first_output, len(columns.output_address))
    if len(labels) != len(position):
        raise ValueError("labels and positions speak of different addresses")
    fixed = read_only_columns(columns)
    _sum_up(
        fixed,
        read_only(labels),
        read_only(position),
        totals,
        np.zeros(len(totals), dtype=np.int64),
        np.empty(_most_rows(fixed), dtype=np.uint32),
    )
