"""Who is paid out of a group of addresses, and who is paid beside one: markets and their sellers.

Two traces are left by somebody who keeps money for others, given that his addresses are known (a
*group*: the clusters of one market). He pays from his own coins: every output of such a transaction
that does not come back to the group is a *payout*. Or a coin that was kept apart for one order is
split: one output to the group, his share, and one or more to others: a *split*. Which splits are an
order's end is not seen here; a buyer's deposit with change at a new address looks the same, and
only the shares of many tell them apart (`heuristics.role_features.narrowest_peak`).

Fails where change goes to an address that no rule joined with the group: it is taken for a payout.
CoinJoins must be left out, because in these nobody can tell who paid whom.
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import (
    NO_ADDRESS,
    Int64Array,
    TransactionColumns,
    UInt8Array,
    UInt16Array,
    UInt32Array,
    check_offsets,
    read_only,
    read_only_columns,
)
from heuristics.jit import kernel

NO_GROUP = 0

MOST_SPLIT_OUTPUTS = 16
"""Outputs of others, beside the group's, up to which a transaction is a split."""

_PAYS = 1
"""Bit of a side that says that a group pays; 2 says that one is paid."""


class GroupFlows(NamedTuple):
    """Payouts and splits, in chain order."""

    payouts: Int64Array
    """One row each: transaction, output, group."""

    splits: Int64Array
    """One row for each output beside the group's: transaction, the group's output, the other
    output, group."""

    mixed: int
    """Transactions paid by several groups, or that pay several and are paid by none: left out."""

    wide: int
    """Transactions that pay one group and more than `MOST_SPLIT_OUTPUTS` others: left out."""


@kernel
def _sides(
    columns: TransactionColumns, group: UInt16Array, left_out: UInt8Array, side: UInt8Array
) -> None:
    """Note which transactions a group pays in, and in which it is paid."""
    for t in range(len(side)):
        if left_out[t] != 0:
            continue
        for i in range(columns.first_input[t], columns.first_input[t + 1]):
            address = columns.input_address[i]
            if address != NO_ADDRESS and group[address] != 0:
                side[t] = 1
                break
        for o in range(columns.first_output[t], columns.first_output[t + 1]):
            address = columns.output_address[o]
            if address != NO_ADDRESS and group[address] != 0:
                side[t] += 2
                break


@kernel
def _paying_group(columns: TransactionColumns, group: UInt16Array, t: int) -> int:
    """Return the one group that pays in a transaction; -1 where several do."""
    found = 0
    for i in range(columns.first_input[t], columns.first_input[t + 1]):
        address = columns.input_address[i]
        if address == NO_ADDRESS or group[address] == 0:
            continue
        if found != 0 and found != int(group[address]):
            return -1
        found = int(group[address])
    return found


@kernel
def _pays_itself(
    columns: TransactionColumns, labels: UInt32Array, t: int, address: np.uint32
) -> bool:
    """Return whether the entity of an address pays in a transaction."""
    root = labels[address]
    for i in range(columns.first_input[t], columns.first_input[t + 1]):
        payer = columns.input_address[i]
        if payer != NO_ADDRESS and labels[payer] == root:
            return True
    return False


@kernel
def _payouts_of(
    columns: TransactionColumns,
    group: UInt16Array,
    t: int,
    payer: int,
    rows: Int64Array,
    count: int,
) -> int:
    """Write the payouts of a transaction; return how many rows there are then."""
    for o in range(columns.first_output[t], columns.first_output[t + 1]):
        address = columns.output_address[o]
        if address == NO_ADDRESS or columns.output_value_sat[o] == 0:
            continue
        if int(group[address]) == payer:
            continue
        if len(rows):
            rows[count, 0], rows[count, 1], rows[count, 2] = t, o, payer
        count += 1
    return count


@kernel
def _splits_of(
    columns: TransactionColumns,
    labels: UInt32Array,
    group: UInt16Array,
    t: int,
    rows: Int64Array,
    count: int,
) -> int:
    """Write the splits of a transaction; return how many rows there are then.

    -1 where the transaction pays several outputs of groups, -2 where it pays too many others.
    """
    share, others = -1, 0
    begin, end = columns.first_output[t], columns.first_output[t + 1]
    for o in range(begin, end):
        address = columns.output_address[o]
        if address == NO_ADDRESS or columns.output_value_sat[o] == 0:
            continue
        if group[address] == 0:
            others += 1
        elif share >= 0:
            return -1
        else:
            share = o
    if others > 16:
        return -2
    if share < 0:
        return count
    for o in range(begin, end):
        address = columns.output_address[o]
        if o == share or address == NO_ADDRESS or columns.output_value_sat[o] == 0:
            continue
        if _pays_itself(columns, labels, t, address):
            continue
        if len(rows):
            rows[count, 0], rows[count, 1] = t, share
            rows[count, 2], rows[count, 3] = o, int(group[columns.output_address[share]])
        count += 1
    return count


@kernel
def _walk(
    columns: TransactionColumns,
    labels: UInt32Array,
    group: UInt16Array,
    transactions: Int64Array,
    pays: UInt8Array,
    payouts: Int64Array,
    splits: Int64Array,
    counts: Int64Array,
) -> None:
    """Write the rows of all transactions, where there is room for any, and count them.

    `counts` gets payouts, splits, mixed and wide transactions.
    """
    paid, split, mixed, wide = 0, 0, 0, 0
    for row in range(len(transactions)):
        t = transactions[row]
        if pays[row] != 0:
            payer = _paying_group(columns, group, t)
            if payer < 0:
                mixed += 1
            else:
                paid = _payouts_of(columns, group, t, payer, payouts, paid)
            continue
        # Coinbases pay shares of what nobody held before.
        if columns.first_input[t] == columns.first_input[t + 1]:
            continue
        found = _splits_of(columns, labels, group, t, splits, split)
        if found == -1:
            mixed += 1
        elif found == -2:
            wide += 1
        else:
            split = found
    counts[0], counts[1], counts[2], counts[3] = paid, split, mixed, wide


def group_flows(
    columns: TransactionColumns, labels: UInt32Array, group: UInt16Array, left_out: UInt8Array
) -> GroupFlows:
    """Return all payouts and splits of some groups: two passes over the chain.

    Parameters
    ----------
    columns
        Of the whole chain.
    labels
        The root of each address, of all of them.
    group
        The group of each address, `NO_GROUP` for most.
    left_out
        One byte for each transaction; those where it is not 0 are not looked at.
    """
    count = len(columns.first_input) - 1
    check_offsets("first_input", columns.first_input, len(columns.input_address))
    check_offsets("first_output", columns.first_output, len(columns.output_address))
    if not len(left_out) == count == len(columns.first_output) - 1:
        raise ValueError("there must be one mark for each transaction")
    if len(labels) != len(group):
        raise ValueError("labels and groups speak of different addresses")
    fixed = read_only_columns(columns)
    labels, group = read_only(labels), read_only(group)
    side = np.zeros(count, dtype=np.uint8)
    _sides(fixed, group, read_only(left_out), side)
    transactions = np.flatnonzero(side)
    pays = read_only((side[transactions] & _PAYS).astype(np.uint8))
    transactions = read_only(transactions)
    counts = np.zeros(4, dtype=np.int64)
    rooms = [np.empty((0, 3), dtype=np.int64), np.empty((0, 4), dtype=np.int64)]
    _walk(fixed, labels, group, transactions, pays, rooms[0], rooms[1], counts)
    rooms = [np.empty((int(n), width), np.int64) for n, width in zip(counts, (3, 4), strict=False)]
    _walk(fixed, labels, group, transactions, pays, rooms[0], rooms[1], counts)
    return GroupFlows(payouts=rooms[0], splits=rooms[1], mixed=int(counts[2]), wide=int(counts[3]))
