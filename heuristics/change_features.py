"""What the change model is told about an output: 26 votes and nine facts about its transaction.

The model judges transactions with exactly two spendable outputs, of which one may be the change:
not a coinbase, not left out as a CoinJoin, an owner-naming input, and no output that pays one of
the inputs' addresses or the other output's (such change needs no guessing). Each output is a row.

The facts are those that Moeser and Narayanan kept, as whole numbers. They left out on purpose
what would let a model learn its labels by heart or the age of a coin: the fee and the value
themselves, the height, which output is larger, whether an address is fresh.

Rows fall into *strata*, in each of which the same score means another risk. A sender is
*service-like* if the transaction, the one that it spends from and the one before that have one
input and two outputs each: the third payment in a row from one shrinking coin, as payout programs
make them. Otherwise it is *wallet-like*. And either both outputs are spent as of the horizon, so
that votes about spenders were cast, or not.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from heuristics.change_columns import Blocks, ChangeColumns
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
from heuristics.fingerprint import transaction_of
from heuristics.jit import kernel, kernel_part

VERSION = 1
"""Raised whenever a feature can come out otherwise for the same transaction."""

MODEL_VERSION = 1
"""Raised whenever a model is trained anew."""

CHANGE_MODEL = """An output is the change, or is not, because a learned model is sure enough of it.

Small decision trees weigh the 26 votes and six facts about the transaction: its fee rate, the
class of its total value, its version, whether it carries a witness, whether it sets a lock time,
and its number of inputs. What their score is worth was counted, for four kinds of transactions
apart, among simulated payments of wallet programs that the trees had never seen. A vote for an
output can never lower its probability. The votes that were cast are the reasons to read out; the
probability says what they weigh together.

Assumes: real wallets resemble the simulated ones in how often each vote is right.
Fails when: the sender is a service, whose payments look alike on both sides; a wallet has habits
    that none of the simulated ones has; payer and payee use the same program. A probability of
    0.99 was counted among simulated payments; among real ones nobody has counted.
Source: features, recipe and warnings of Moeser and Narayanan 2022 (maltemoeser/dissertation-code
    f0e333b); trees, calibration and thresholds are this program's, see the model's card.
"""

SERVICE_HOPS = 3
"""Payments in a row from one coin that make a sender service-like. Ours: of simulated payments of
services half are such, of people's one in fourteen."""

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

_VALUE_SHARE = VOTE_COUNT + int(Fact.VALUE_SHARE_PPM)
_OUTPUT_INDEX = VOTE_COUNT + int(Fact.OUTPUT_INDEX)
_FEE_RATE = VOTE_COUNT + int(Fact.FEE_RATE)
_TOTAL_VALUE = VOTE_COUNT + int(Fact.TOTAL_VALUE_CLASS)
_VERSION = VOTE_COUNT + int(Fact.VERSION)
_SEGWIT = VOTE_COUNT + int(Fact.SEGWIT)
_LOCKTIME = VOTE_COUNT + int(Fact.LOCKTIME)
_INPUTS = VOTE_COUNT + int(Fact.INPUTS)
_EPOCH = VOTE_COUNT + int(Fact.EPOCH)


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


class FactColumns(NamedTuple):
    """What the facts read beside the columns that the votes read."""

    first_transaction: Int64Array
    """Block `b` has the transactions `[first[b], first[b + 1])`."""

    block_height: UInt32Array
    version: Int32Array
    locktime: UInt32Array


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
def _spendable_pair(columns: ChangeColumns, transaction: int) -> tuple[int, int]:
    """Return the two spendable outputs of a transaction; -1 twice unless there are just two."""
    one, other, count = -1, -1, 0
    for output in range(columns.first_output[transaction], columns.first_output[transaction + 1]):
        if columns.output_address[output] != NO_ADDRESS:
            one, other = other, output
            count += 1
    return (one, other) if count == 2 else (-1, -1)


@kernel_part
def _owner_naming_input(
    columns: ChangeColumns, transaction: int, one: np.uint32, other: np.uint32
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


@kernel_part
def _is_service_like(columns: ChangeColumns, transaction: int) -> bool:
    """Return whether the transaction is a late hop of a chain with one input and two outputs."""
    for hop in range(SERVICE_HOPS):
        i = columns.first_input[transaction]
        if (
            columns.first_input[transaction + 1] - i != 1
            or columns.first_output[transaction + 1] - columns.first_output[transaction] != 2
        ):
            return False
        if hop + 1 < SERVICE_HOPS:
            if columns.spent_output[i] < 0:
                return False
            transaction = transaction_of(columns.first_output, columns.spent_output[i], transaction)
    return True


@kernel
def _fill(
    columns: ChangeColumns,
    facts: FactColumns,
    blocks: Blocks,
    votes: Int8Array,
    vote_column: Int64Array,
    excluded: UInt8Array,
    start: int,
    stop: int,
    rows: ChangeRows,
) -> int:
    """Fill the rows of the transactions `[start, stop)`; return how many there are.

    `votes` and `excluded` begin with the first transaction of `blocks`.
    """
    first_transaction = blocks.first_transaction[0]
    first_row = columns.first_output[first_transaction]
    block = np.searchsorted(facts.first_transaction, start, side="right") - 1
    judged = np.searchsorted(blocks.first_transaction, start, side="right") - 1
    count = 0
    for transaction in range(start, stop):
        while facts.first_transaction[block + 1] <= transaction:
            block += 1
        while blocks.first_transaction[judged + 1] <= transaction:
            judged += 1
        if excluded[transaction - first_transaction]:
            continue
        one, other = _spendable_pair(columns, transaction)
        if one < 0 or columns.output_address[one] == columns.output_address[other]:
            continue
        owner = _owner_naming_input(
            columns, transaction, columns.output_address[one], columns.output_address[other]
        )
        if owner < 0:
            continue
        is_spent = (
            columns.spender[one] < blocks.horizon[judged]
            and columns.spender[other] < blocks.horizon[judged]
        )
        stratum = int(_is_service_like(columns, transaction)) + 2 * int(is_spent)
        total = columns.output_value_sat[one] + columns.output_value_sat[other]
        witness = np.int64(columns.witness_size[transaction])
        weight = 4 * np.int64(columns.stripped_size[transaction]) + witness
        fee_rate = 4_000 * max(columns.fee_sat[transaction], 0) // max(weight, 1)
        inputs = columns.first_input[transaction + 1] - columns.first_input[transaction]
        for output in (one, other):
            rows.transaction[count] = transaction
            rows.output[count] = output
            rows.input_address[count] = columns.input_address[owner]
            rows.output_address[count] = columns.output_address[output]
            rows.stratum[count] = stratum
            row = rows.features[count]
            for column in range(VOTE_COUNT):
                row[column] = votes[output - first_row, vote_column[column]]
            row[_VALUE_SHARE] = share_ppm(columns.output_value_sat[output], total)
            row[_OUTPUT_INDEX] = min(output - columns.first_output[transaction], 255)
            row[_FEE_RATE] = min(fee_rate, _LARGEST_EXACT)
            row[_TOTAL_VALUE] = value_class(total)
            row[_VERSION] = min(max(facts.version[transaction], 0), 255)
            row[_SEGWIT] = witness > 0
            row[_LOCKTIME] = facts.locktime[transaction] > 0
            row[_INPUTS] = inputs
            row[_EPOCH] = facts.block_height[block] // EPOCH_BLOCKS
            count += 1
    return count


_VOTE_COLUMN = np.array([int(rule) for rule in MODEL_VOTES], dtype=np.int64)


def change_rows(
    columns: ChangeColumns,
    facts: FactColumns,
    blocks: Blocks,
    votes: Int8Array,
    excluded: UInt8Array,
    start: int,
    stop: int,
) -> ChangeRows:
    """Return the rows of the transactions `[start, stop)`, which lie within `blocks`.

    Parameters
    ----------
    columns, facts
        Of the whole ledger.
    blocks
        The ranges of transactions that were voted on, and what was known when each was judged.
    votes
        What `votes_of_blocks` returned for all of these.
    excluded
        Not 0 for transactions of these that several owners may have made.
    start, stop
        Keep the range in the ten thousands, the rows are held in memory.
    """
    transactions = len(columns.first_output) - 1
    check_offsets("first_transaction", facts.first_transaction, transactions)
    if not len(facts.version) == len(facts.locktime) == transactions:
        raise ValueError("each transaction needs a version and a lock time")
    if len(blocks.first_transaction) != len(blocks.horizon) + 1:
        raise ValueError("each block needs a horizon")
    first, last = int(blocks.first_transaction[0]), int(blocks.first_transaction[-1])
    if not 0 <= first <= start <= stop <= last <= transactions:
        raise ValueError(f"[{start}, {stop}) does not lie within [{first}, {last})")
    outputs = int(columns.first_output[last] - columns.first_output[first])
    if votes.shape[0] != outputs or votes.shape[1] <= int(_VOTE_COLUMN.max()):
        raise ValueError("votes must have a row for each output, a column for each rule")
    if len(excluded) != last - first:
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
        read_only_columns(facts),
        read_only_columns(blocks),
        read_only(votes),
        _VOTE_COLUMN,
        read_only(excluded),
        start,
        stop,
        rows,
    )
    return ChangeRows._make(column[:count] for column in rows)
