"""What the change model is told about an output: 26 votes and nine facts about its transaction.

The model judges transactions with exactly two spendable outputs, of which one may be the change:
not a coinbase, not left out as a CoinJoin, an owner-naming input, and no output that pays one of
the inputs' addresses or the other output's (such change needs no guessing). Each output is a row.

The facts are those that Moeser and Narayanan kept, as whole numbers. They left out on purpose
what would let a model learn its labels by heart or the age of a coin: the fee and the value
themselves, the height, which output is larger, whether an address is fresh.

Rows fall into *strata*. A sender is *service-like* if an address that it spends from had been
paid often by the time of the decision, and *wallet-like* otherwise; and either all outputs are
spent by then, so that votes about spenders were cast, or not. The same score means another risk
in each.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heuristics.change_columns import Horizon
from heuristics.change_rules import MODEL_VOTES
from heuristics.columns import (
    NO_ADDRESS,
    Int8Array,
    Int32Array,
    Int64Array,
    UInt8Array,
    UInt32Array,
    check_offsets,
    read_only,
    read_only_columns,
)
from heuristics.jit import kernel, kernel_part

VERSION = 1
"""Raised whenever a feature can come out otherwise for the same transaction."""

SERVICE_RECEIPTS = 10
"""An address that was paid so often belongs to a service-like sender. Ours; see the model card."""

EPOCH_BLOCKS = 1_008

_LARGEST_EXACT = (1 << 24) - 1
"""Training libraries read features as 32-bit floats, which hold integers exactly up to here."""


class Fact(IntEnum):
    """The features that are not votes; their columns follow the votes'."""

    VALUE_SHARE_PPM = 0
    """The output's share of what both outputs hold."""

    OUTPUT_INDEX = 1
    """Position among all outputs, 255 and more as 255."""

    FEE_RATE = 2
    """Thousandths of a satoshi per virtual byte, the size not rounded up."""

    TOTAL_VALUE_CLASS = 3
    """Of all spendable outputs; see `value_class`."""

    VERSION = 4
    """0 to 255; others as the nearer of these."""

    SEGWIT = 5
    LOCKTIME = 6
    """1 where a lock time is set."""

    INPUTS = 7
    EPOCH = 8
    """Height divided by 1,008."""


VOTE_COUNT = len(MODEL_VOTES)
FEATURE_COUNT = VOTE_COUNT + len(Fact)


class Stratum(IntEnum):
    """Kinds of transactions for which a score is calibrated apart."""

    WALLET_LIKE = 0
    SERVICE_LIKE = 1
    WALLET_LIKE_SPENT = 2
    SERVICE_LIKE_SPENT = 3


STRATUM_NAMES = {
    Stratum.WALLET_LIKE: "wallet-like sender, an output unspent",
    Stratum.SERVICE_LIKE: "service-like sender, an output unspent",
    Stratum.WALLET_LIKE_SPENT: "wallet-like sender, both outputs spent",
    Stratum.SERVICE_LIKE_SPENT: "service-like sender, both outputs spent",
}


class FeatureColumns(NamedTuple):
    """What features are made of; inputs and outputs of `t` are `[first[t], first[t+1])`."""

    first_transaction: Int64Array
    """Block `b` has the transactions `[first[b], first[b + 1])`."""

    block_height: UInt32Array
    first_input: Int64Array
    first_output: Int64Array
    input_address: UInt32Array
    output_address: UInt32Array
    output_value_sat: Int64Array
    spender: UInt32Array
    """A number at or past the horizon means unspent."""

    fee_sat: Int64Array
    version: NDArray[np.int32]
    locktime: UInt32Array
    stripped_size: UInt32Array
    witness_size: UInt32Array


class ChangeRows(NamedTuple):
    """The outputs that the model judges, two rows a transaction, in chain order."""

    transaction: UInt32Array
    output: Int64Array
    input_address: UInt32Array
    """The first input address that is known."""

    output_address: UInt32Array
    features: Int32Array
    """Shape (rows, FEATURE_COUNT)."""

    stratum: UInt8Array


@kernel_part
def value_class(value: int) -> int:
    """Return a logarithm in whole numbers: eight classes for each doubling, 0 for nothing."""
    if value <= 0:
        return 0
    length = 0
    while value >> length:
        length += 1
    if length <= 4:
        return value
    return 8 * (length - 3) + (value >> (length - 4)) - 8


@kernel_part
def share_ppm(part: int, whole: int) -> int:
    """Return a part's share in millionths, 0 of nothing; never overflows."""
    while whole >= 1 << 40:
        whole >>= 1
        part >>= 1
    return 0 if whole == 0 else part * 1_000_000 // whole


@kernel_part
def _spendable_pair(columns: FeatureColumns, transaction: int) -> tuple[int, int]:
    """Return the two spendable outputs of a transaction; -1 twice unless there are just two."""
    one, other, count = -1, -1, 0
    for output in range(columns.first_output[transaction], columns.first_output[transaction + 1]):
        if columns.output_address[output] != NO_ADDRESS:
            one, other = other, output
            count += 1
    return (one, other) if count == 2 else (-1, -1)


@kernel_part
def _owner_naming_input(
    columns: FeatureColumns, transaction: int, one: np.uint32, other: np.uint32
) -> int:
    """Return the first input of a known address; -1 if there is none, or one is paid again."""
    found = -1
    for i in range(columns.first_input[transaction], columns.first_input[transaction + 1]):
        address = columns.input_address[i]
        if address == NO_ADDRESS:
            continue
        if address in (one, other):
            return -1
        if found < 0:
            found = i
    return found


@kernel
def _fill(
    columns: FeatureColumns,
    horizon: Horizon,
    votes: Int8Array,
    vote_column: Int64Array,
    excluded: UInt8Array,
    start: int,
    rows: ChangeRows,
) -> int:
    """Fill the rows of the transactions from `start` on, one for each flag; return how many."""
    first_row = columns.first_output[start]
    block = np.searchsorted(columns.first_transaction, start, side="right") - 1
    count = 0
    for transaction in range(start, start + len(excluded)):
        while columns.first_transaction[block + 1] <= transaction:
            block += 1
        if excluded[transaction - start]:
            continue
        one, other = _spendable_pair(columns, transaction)
        if one < 0 or columns.output_address[one] == columns.output_address[other]:
            continue
        owner = _owner_naming_input(
            columns, transaction, columns.output_address[one], columns.output_address[other]
        )
        if owner < 0:
            continue
        total = columns.output_value_sat[one] + columns.output_value_sat[other]
        weight = 4 * np.int64(columns.stripped_size[transaction]) + np.int64(
            columns.witness_size[transaction]
        )
        rate = 4_000 * columns.fee_sat[transaction] // max(weight, 1)
        stratum = 0
        for i in range(columns.first_input[transaction], columns.first_input[transaction + 1]):
            address = columns.input_address[i]
            if address != NO_ADDRESS and horizon.receipts[address] >= SERVICE_RECEIPTS:
                stratum = 1
        spent = (
            columns.spender[one] < horizon.transactions
            and columns.spender[other] < horizon.transactions
        )
        for output in (one, other):
            rows.transaction[count] = transaction
            rows.output[count] = output
            rows.input_address[count] = columns.input_address[owner]
            rows.output_address[count] = columns.output_address[output]
            rows.stratum[count] = stratum + (2 if spent else 0)
            row = rows.features[count]
            for vote in range(len(vote_column)):
                row[vote] = votes[output - first_row, vote_column[vote]]
            fact = len(vote_column)
            row[fact] = share_ppm(columns.output_value_sat[output], total)
            row[fact + 1] = min(output - columns.first_output[transaction], 255)
            row[fact + 2] = min(rate, _LARGEST_EXACT)
            row[fact + 3] = value_class(total)
            row[fact + 4] = min(max(columns.version[transaction], 0), 255)
            row[fact + 5] = 1 if columns.witness_size[transaction] else 0
            row[fact + 6] = 1 if columns.locktime[transaction] else 0
            row[fact + 7] = (
                columns.first_input[transaction + 1] - columns.first_input[transaction]
            )
            row[fact + 8] = columns.block_height[block] // EPOCH_BLOCKS
            count += 1
    return count


_VOTE_COLUMN = np.array([int(rule) for rule in MODEL_VOTES], dtype=np.int64)


def change_rows(
    columns: FeatureColumns,
    horizon: Horizon,
    votes: Int8Array,
    excluded: UInt8Array,
    start: int,
    stop: int,
) -> ChangeRows:
    """Return the rows of the transactions `[start, stop)` as of a horizon.

    Parameters
    ----------
    columns
        Of the ledger.
    horizon
        What was known when the decision is made; votes must have been cast as of the same.
    votes
        As `change_votes` returns them for `[start, stop)`.
    excluded
        Not 0 for transactions of `[start, stop)` that several owners may have made.
    start, stop
        A range of transactions; keep it in the ten thousands, the rows are held in memory.
    """
    transactions = len(columns.first_output) - 1
    if not 0 <= start <= stop <= transactions:
        raise ValueError(f"[{start}, {stop}) is no range of {transactions} transactions")
    check_offsets("first_transaction", columns.first_transaction, transactions)
    outputs = int(columns.first_output[stop] - columns.first_output[start])
    if votes.shape[0] != outputs or votes.shape[1] <= int(_VOTE_COLUMN.max()):
        raise ValueError("votes must have a row for each output, a column for each rule")
    if len(excluded) != stop - start:
        raise ValueError("each transaction needs a flag that says whether it is left out")
    most = 2 * (stop - start)
    rows = ChangeRows(
        transaction=np.empty(most, dtype=np.uint32),
        output=np.empty(most, dtype=np.int64),
        input_address=np.empty(most, dtype=np.uint32),
        output_address=np.empty(most, dtype=np.uint32),
        features=np.empty((most, FEATURE_COUNT), dtype=np.int32),
        stratum=np.empty(most, dtype=np.uint8),
    )
    count = _fill(
        read_only_columns(columns),
        horizon,
        read_only(votes),
        _VOTE_COLUMN,
        read_only(excluded),
        start,
        rows,
    )
    return ChangeRows(*(column[:count] for column in rows))
