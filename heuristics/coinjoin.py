"""CoinJoins: transactions that several people make together so that nobody can tell who paid whom.

Each participant brings inputs and takes one output of an amount that all agreed on, and usually
one more output for the change. The equal outputs are what gives the shape away. Two uses need two
thresholds: clustering must not join the inputs of any such transaction, so it leaves out whatever
*any* rule suspects; a report names a protocol only where its measured confidence is 60 or more.

The rules here see one transaction and nothing else, so a mark is made once and never changes.
Three of them detect equal outputs of one amount, the shape that JoinMarket and other maker/taker
designs share; rules for coordinators (Wasabi, Whirlpool), whose shapes differ, are a matter of
their own. One shape is a veto: a *Stonewall* looks like a CoinJoin of two, and is most often one
wallet that imitates one.

How outputs that carry data (OP_RETURN) count differs between the sources. BlockSci counts every
output, and so does rule `definite`. GraphSense looks at outputs that have an address only, and so
do `joinmarket` and `stonewall`.
"""

from enum import IntEnum, IntFlag

import numpy as np

from heuristics.coinjoin_shape import LARGEST_DUST_SAT, Shape, measure, most_rows
from heuristics.columns import (
    Int64Array,
    TransactionColumns,
    UInt8Array,
    UInt32Array,
    check_offsets,
    read_only,
    read_only_columns,
)
from heuristics.jit import kernel

VERSION = 1
"""Raised whenever a rule can give another answer on the same transaction."""


class CoinJoinMark(IntFlag):
    """Which rules fired on a transaction (stored on disk); a veto alone is never stored."""

    DEFINITE = 1
    JOINMARKET = 2
    EQUAL_OUTPUTS = 4
    STONEWALL = 128
    """Veto: the marks stand, but reports and traces do not treat it as a CoinJoin."""


VETOES = CoinJoinMark.STONEWALL
JOINMARKET_CONFIDENCE = 49
"""GraphSense's own figure, below its cut of 50 on purpose: other designs look the same."""

NOT_MEASURED = -1
"""Confidence of a rule for which no source gives a figure."""

REPORTING_CONFIDENCE = 60
"""A report cites a protocol from this confidence on."""


class DetailField(IntEnum):
    """What the columns of the detail table hold; it is `int64` of shape (marked, 5)."""

    TRANSACTION = 0
    MARKS = 1
    CONFIDENCE = 2
    PARTICIPANTS = 3
    """The presumed number: the count of equal outputs."""

    DENOMINATION_SAT = 4


DETAIL_WIDTH = len(DetailField)

_DEFINITE = np.uint8(CoinJoinMark.DEFINITE)
_JOINMARKET = np.uint8(CoinJoinMark.JOINMARKET)
_EQUAL_OUTPUTS = np.uint8(CoinJoinMark.EQUAL_OUTPUTS)
_STONEWALL = np.uint8(CoinJoinMark.STONEWALL)

_STONEWALL_LEAST_SAT = 5_000
_ROOM_FOR_FEES_SAT = 10_000


@kernel
def definite(shape: Shape) -> bool:
    """Equal outputs for exactly half of the outputs: BlockSci's definite CoinJoin.

    Each of k = floor((outputs + 1) / 2) participants has one mixed output and at most one for
    change. The most frequent value must occur exactly k times and not be 546 or 2,730 satoshi,
    and there must be k distinct input addresses.

    Assumes: participants bring addresses of their own, and each takes one output of the agreed
        amount.
    Fails when: one wallet pays equal amounts from several addresses (batch payouts, Stonewall),
        and on designs with several amounts or with other than two outputs for each participant.
    Source: BlockSci 14ccc93, src/heuristics/tx_identification.cpp (isCoinjoin). Dumplings' authors
        put its accuracy for JoinMarket at 94 %, a second-hand figure that is not used.
    """
    participants = (shape.outputs + 1) // 2
    return (
        shape.inputs >= 2
        and shape.outputs >= 3
        and participants <= shape.inputs
        and participants <= shape.distinct_inputs
        and shape.top_count == participants
        and shape.top_value_sat != 546
        and shape.top_value_sat != 2_730
    )


@kernel
def joinmarket(shape: Shape) -> bool:
    """At least three equal outputs that are at least half of all: GraphSense's JoinMarket rule.

    The value has to exceed 2,730 satoshi, all output addresses must differ, at least one output
    must have another value, and there must be as many distinct input addresses as equal outputs.
    From 50 inputs on, at most 20 inputs and at least 1.7 outputs for each participant.

    Assumes: three or more participants, each with one equal output, and some with change.
    Fails when: somebody pays equal amounts to many from many addresses (an exchange's batch); it
        also fires on other equal-output designs, so it does not name the protocol.
    Source: GraphSense graphsense-lib a82914b, heuristics_service.py, after Schnoering and
        Vazirgiannis 2023. Confidence 49 is that program's own figure, not a measured error rate.
    """
    count = shape.pool_count
    if not (
        2 * count >= shape.spendable
        and 3 <= count <= shape.distinct_inputs
        and shape.distinct_outputs == shape.spendable
        and count < shape.spendable
    ):
        return False
    if shape.inputs >= 50:
        return shape.inputs <= 20 * count and 10 * shape.spendable >= 17 * count
    return True


@kernel
def equal_outputs(shape: Shape) -> bool:
    """One repeated value, enough money for it: Dumplings' "other" rule, narrowed by black-lists.

    Exactly one value repeats, above 2,730 satoshi, for half of the outputs (of an odd number: the
    larger half), to as many distinct addresses and from as many; no input exceeds that value plus
    the largest other output less 10,000 satoshi, or somebody brought more than anybody took. Never
    with OP_RETURN, with more than 100 inputs or outputs, with more than four times as many of one
    as of the other, or where one address makes up more than 34 % of all inputs and outputs.

    Assumes: no participant takes out more than one equal output and one change.
    Fails when: as `definite`, though payouts from a large input are ruled out. The source also
        rules out spends of Wasabi and Whirlpool outputs, which needs rules for those.
    Source: Dumplings 36f28f2 and its fork 4739bda; crocs-muni/coinjoin-analysis 097447a
        (black-lists). Neither gives an error rate. The dust limit is this program's.
    """
    count = shape.top_count
    smaller, larger = min(shape.inputs, shape.outputs), max(shape.inputs, shape.outputs)
    return (
        shape.repeated_values == 1
        and shape.top_value_sat > LARGEST_DUST_SAT
        and (2 * count == shape.outputs or 2 * count == shape.outputs + 1)
        and shape.distinct_outputs >= count
        and shape.distinct_inputs >= count
        and shape.largest_input_sat
        <= shape.top_value_sat + shape.largest_other_sat - _ROOM_FOR_FEES_SAT
        and shape.spendable == shape.outputs
        and larger <= 100
        and larger <= 4 * smaller
        and 100 * shape.most_reused <= 34 * (shape.inputs + shape.outputs)
    )


@kernel
def stonewall(shape: Shape) -> bool:
    """Three or four outputs with one equal pair: a spend that imitates a CoinJoin (veto).

    Assumes: a pair of at least 5,000 satoshi among three or four outputs to distinct addresses is
        one wallet's decoy.
    Fails when: two people really did mix; then the veto hides a CoinJoin from reports. Clustering
        leaves the transaction out all the same.
    Source: GraphSense graphsense-lib a82914b, heuristics_service.py. No error rate is given.
    """
    return (
        shape.inputs >= 2
        and (shape.spendable == 3 or shape.spendable == 4)
        and shape.distinct_outputs == shape.spendable
        and shape.pair_value_sat >= _STONEWALL_LEAST_SAT
    )


@kernel
def _marks_of(shape: Shape) -> np.uint8:
    """Return the marks of a transaction; a veto is added only where a rule fired."""
    marks = np.uint8(0)
    if definite(shape):
        marks |= _DEFINITE
    if joinmarket(shape):
        marks |= _JOINMARKET
    if equal_outputs(shape):
        marks |= _EQUAL_OUTPUTS
    if marks != 0 and stonewall(shape):
        marks |= _STONEWALL
    return marks


@kernel
def _mark(
    columns: TransactionColumns, start: int, marks: UInt8Array, values: Int64Array, ids: UInt32Array
) -> int:
    """Mark the transactions from `start` on; return how many are marked."""
    marked = 0
    for offset in range(len(marks)):
        transaction = start + offset
        inputs = columns.first_input[transaction + 1] - columns.first_input[transaction]
        outputs = columns.first_output[transaction + 1] - columns.first_output[transaction]
        # No rule fires below three outputs or two inputs; nearly all transactions end here.
        if inputs < 2 or outputs < 3:
            marks[offset] = 0
            continue
        marks[offset] = _marks_of(measure(columns, transaction, values, ids))
        marked += marks[offset] != 0
    return marked


@kernel
def _describe(
    columns: TransactionColumns,
    start: int,
    marks: UInt8Array,
    details: Int64Array,
    values: Int64Array,
    ids: UInt32Array,
) -> None:
    """Fill one row of `details` for each marked transaction."""
    row = 0
    for offset in range(len(marks)):
        if marks[offset] == 0:
            continue
        shape = measure(columns, start + offset, values, ids)
        by_joinmarket = marks[offset] & _JOINMARKET != 0
        details[row, 0] = start + offset
        details[row, 1] = marks[offset]
        details[row, 2] = JOINMARKET_CONFIDENCE if by_joinmarket else NOT_MEASURED
        details[row, 3] = shape.pool_count if by_joinmarket else shape.top_count
        details[row, 4] = shape.pool_value_sat if by_joinmarket else shape.top_value_sat
        row += 1


def mark_coinjoins(
    columns: TransactionColumns, start: int, stop: int
) -> tuple[UInt8Array, Int64Array]:
    """Judge the transactions `[start, stop)`; each by itself.

    Returns
    -------
    One `CoinJoinMark` byte for each transaction, and one row of details (`DetailField`) for each
    that is marked, in chain order.
    """
    check_offsets("first_input", columns.first_input, len(columns.input_address))
    check_offsets("first_output", columns.first_output, len(columns.output_address))
    if len(columns.first_input) != len(columns.first_output):
        raise ValueError("first_input and first_output speak of different transactions")
    if len(columns.input_value_sat) != len(columns.input_address):
        raise ValueError("every input needs an address and a value")
    if len(columns.output_value_sat) != len(columns.output_address):
        raise ValueError("every output needs an address and a value")
    if not 0 <= start <= stop < len(columns.first_input):
        raise ValueError(f"transactions {start} to {stop} are not all in the columns")
    fixed = read_only_columns(columns)
    room = most_rows(fixed, start, stop)
    values, ids = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.uint32)
    marks = np.empty(stop - start, dtype=np.uint8)
    details = np.empty((_mark(fixed, start, marks, values, ids), DETAIL_WIDTH), dtype=np.int64)
    _describe(fixed, start, read_only(marks), details, values, ids)
    return marks, details
