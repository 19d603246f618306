"""CoinJoins: transactions that several people make together so that nobody can tell who paid whom.

Two uses need two thresholds: clustering must not join the inputs of any such transaction, so it
leaves out whatever *any* rule suspects; a report names a design only where a rule does that is
made for it. The rules themselves are in `coinjoin_rules` (without a coordinator),
`coinjoin_wasabi` and `coinjoin_whirlpool`.

Marks depend on one transaction and nothing else, so a mark is made once and never changes. What
its neighbours say (a Tx0 was spent in a mix, no input comes from a round) is not stored.
"""

from enum import IntEnum, IntFlag

import numpy as np

from heuristics.coinjoin_columns import (
    ANY_TIME,
    CoinJoinColumns,
    Eras,
    Scratch,
    most_rows,
    new_scratch,
)
from heuristics.coinjoin_rules import (
    definite,
    equal_outputs,
    joinmarket,
    payjoin_possible,
    possible,
    proven,
    stonewall,
)
from heuristics.coinjoin_shape import (
    LEAST_SURPLUS_SAT,
    MOST_SURPLUS_SAT,
    MOST_TX0_OUTPUTS,
    SMALLEST_LEVEL_SAT,
    TX0_POOLS_SAT,
    Shape,
    measure,
    sort_ascending,
)
from heuristics.coinjoin_wasabi import (
    WASABI_1_0_CONFIDENCE,
    WASABI_2_CONFIDENCE,
    is_standard,
    wasabi_1,
    wasabi_1_0,
    wasabi_1_1,
    wasabi_1_1_confidence,
    wasabi_2,
    wasabi_2_lookalike,
    wasabi_2_reuse,
    wasabi_2_shape,
)
from heuristics.coinjoin_whirlpool import WHIRLPOOL_CONFIDENCE, whirlpool, whirlpool_tx0
from heuristics.columns import (
    NO_ADDRESS,
    Int64Array,
    UInt8Array,
    UInt16Array,
    check_offsets,
    read_only,
    read_only_columns,
)
from heuristics.jit import kernel

VERSION = 1
"""Raised whenever a rule can give another answer on the same transaction."""


class CoinJoinMark(IntFlag):
    """Which rules fired on a transaction (stored on disk, 16 bits)."""

    DEFINITE = 1
    JOINMARKET = 2
    EQUAL_OUTPUTS = 4
    POSSIBLE = 8
    """Says only that a CoinJoin of two cannot be ruled out."""

    WASABI_1_0 = 16
    WASABI_1_1 = 32
    WASABI_2 = 64
    STONEWALL = 128
    """Veto, stored only beside a mark that it objects to."""

    WHIRLPOOL = 256
    WHIRLPOOL_TX0 = 512
    """No CoinJoin: the splitting before one."""

    PAYJOIN_POSSIBLE = 1024
    """No detection: the co-spend is less certain."""

    LOOKALIKE = 2048
    """The amounts of those who imitate Wasabi 2; a veto only if nothing else speaks for it."""

    PROVEN = 4096
    WASABI_1 = 8192
    WASABI_2_SHAPE = 16384
    ADDRESS_REUSE = 32768
    """Veto, stored only beside a mark of Wasabi 2."""


VETOES = CoinJoinMark.STONEWALL | CoinJoinMark.ADDRESS_REUSE
"""The marks stand, but reports and traces do not treat it as a CoinJoin."""

WASABI_2_MARKS = CoinJoinMark.WASABI_2 | CoinJoinMark.WASABI_2_SHAPE
WASABI_1_MARKS = CoinJoinMark.WASABI_1 | CoinJoinMark.WASABI_1_0 | CoinJoinMark.WASABI_1_1
EQUAL_MARKS = (
    CoinJoinMark.DEFINITE
    | CoinJoinMark.PROVEN
    | CoinJoinMark.JOINMARKET
    | CoinJoinMark.EQUAL_OUTPUTS
)
DETECTIONS = WASABI_2_MARKS | WASABI_1_MARKS | EQUAL_MARKS | CoinJoinMark.WHIRLPOOL
"""What takes a transaction for a CoinJoin."""

STANDARD_EXCLUSION = DETECTIONS
"""What clustering leaves out: every detection, vetoed or not."""

STRICT_EXCLUSION = DETECTIONS | CoinJoinMark.POSSIBLE
"""The same where a false merge is worse than a missed one."""

JOINMARKET_CONFIDENCE = 49
"""GraphSense's own figure, below its cut of 50 on purpose: other designs look the same."""

NOT_MEASURED = -1
"""Confidence of a rule for which no source gives a figure."""

REPORTING_CONFIDENCE = 60
"""A report cites a design from this confidence on."""


class Design(IntEnum):
    """What a detection takes a transaction for, the most specific first."""

    WHIRLPOOL = 1
    WASABI_2 = 2
    WASABI_1 = 3
    EQUAL_OUTPUTS = 4
    """JoinMarket or another design without a coordinator."""

    WHIRLPOOL_TX0 = 5
    POSSIBLE = 6


class DetailField(IntEnum):
    """What the columns of the detail table hold; it is `int64` of shape (described, 6)."""

    TRANSACTION = 0
    MARKS = 1
    DESIGN = 2
    CONFIDENCE = 3
    """Of the design's rules, 0 to 100 or `NOT_MEASURED`."""

    PARTICIPANTS = 4
    """Presumed: the most outputs of one amount or, by GraphSense's rules for Wasabi 1, of one
    mixing level; for Wasabi 2 a tenth of the input addresses, the least that there must be; for a
    Tx0, how many coins it prepares."""

    DENOMINATION_SAT = 5
    """The amount of most outputs; for a Tx0 the pool's. Where `WASABI_1_1` alone takes it for
    Wasabi 1, what the outputs of the fullest level are near: they need not be equal."""


class AmountField(IntEnum):
    """What the columns of the table of amounts hold; it is `int64` of shape (amounts, 3)."""

    TRANSACTION = 0
    VALUE_SAT = 1
    OUTPUTS = 2


DETAIL_WIDTH = len(DetailField)
AMOUNT_WIDTH = len(AmountField)
DESCRIBED = DETECTIONS | CoinJoinMark.WHIRLPOOL_TX0
"""Marks that have a row of details. The others are common, and say nothing more than their name."""

_COMPARED_OUTPUTS = 8
"""Up to so many outputs are compared with one another before they are sorted."""

_DEFINITE = np.uint16(CoinJoinMark.DEFINITE)
_JOINMARKET = np.uint16(CoinJoinMark.JOINMARKET)
_EQUAL_OUTPUTS = np.uint16(CoinJoinMark.EQUAL_OUTPUTS)
_POSSIBLE = np.uint16(CoinJoinMark.POSSIBLE)
_WASABI_1_0 = np.uint16(CoinJoinMark.WASABI_1_0)
_WASABI_1_1 = np.uint16(CoinJoinMark.WASABI_1_1)
_WASABI_2 = np.uint16(CoinJoinMark.WASABI_2)
_STONEWALL = np.uint16(CoinJoinMark.STONEWALL)
_WHIRLPOOL = np.uint16(CoinJoinMark.WHIRLPOOL)
_WHIRLPOOL_TX0 = np.uint16(CoinJoinMark.WHIRLPOOL_TX0)
_PAYJOIN_POSSIBLE = np.uint16(CoinJoinMark.PAYJOIN_POSSIBLE)
_LOOKALIKE = np.uint16(CoinJoinMark.LOOKALIKE)
_PROVEN = np.uint16(CoinJoinMark.PROVEN)
_WASABI_1 = np.uint16(CoinJoinMark.WASABI_1)
_WASABI_2_SHAPE = np.uint16(CoinJoinMark.WASABI_2_SHAPE)
_ADDRESS_REUSE = np.uint16(CoinJoinMark.ADDRESS_REUSE)
_ANY_WASABI_2 = np.uint16(WASABI_2_MARKS)
_ANY_WASABI_1 = np.uint16(WASABI_1_MARKS)
_ANY_EQUAL = np.uint16(EQUAL_MARKS)
_ANY_DETECTION = np.uint16(DETECTIONS)
_DESCRIBED = np.uint16(DESCRIBED)
_NONE = np.uint16(0)


@kernel
def _equal_marks(
    columns: CoinJoinColumns, transaction: int, shape: Shape, scratch: Scratch
) -> np.uint16:
    """Return the marks of rules that know no coordinator."""
    marks = _NONE
    if definite(shape):
        marks |= _DEFINITE
    if proven(columns, transaction, shape, scratch):
        marks |= _PROVEN
    if joinmarket(shape):
        marks |= _JOINMARKET
    if equal_outputs(shape):
        marks |= _EQUAL_OUTPUTS
    if possible(columns, transaction, shape, scratch):
        marks |= _POSSIBLE
    return marks


@kernel
def _coordinator_marks(
    columns: CoinJoinColumns, transaction: int, shape: Shape, eras: Eras
) -> np.uint16:
    """Return the marks of rules for Wasabi and Whirlpool, and the vetoes on them."""
    marks = _NONE
    if wasabi_1(columns, transaction, shape, eras):
        marks |= _WASABI_1
    if wasabi_1_0(transaction, shape, eras):
        marks |= _WASABI_1_0
    if wasabi_1_1(transaction, shape, eras):
        marks |= _WASABI_1_1
    if wasabi_2(columns, transaction, shape, eras):
        marks |= _WASABI_2
    if wasabi_2_shape(transaction, shape, eras):
        marks |= _WASABI_2_SHAPE
    if whirlpool(columns, transaction, shape, eras):
        marks |= _WHIRLPOOL
    if marks & _ANY_WASABI_2 != 0:
        if wasabi_2_reuse(shape):
            marks |= _ADDRESS_REUSE
        if wasabi_2_lookalike(columns, transaction, shape):
            marks |= _LOOKALIKE
    return marks


@kernel
def _marks_of(
    columns: CoinJoinColumns, transaction: int, shape: Shape, eras: Eras, scratch: Scratch
) -> np.uint16:
    """Return the marks of a transaction; a veto is added only where a rule fired.

    A Tx0 has equal outputs of its own accord, so no rule detects a CoinJoin in it; but its shape
    must not hide several owners from who wants to be safe.
    """
    if whirlpool_tx0(transaction, shape, eras):
        if definite(shape) or possible(columns, transaction, shape, scratch):
            return _WHIRLPOOL_TX0 | _POSSIBLE
        return _WHIRLPOOL_TX0
    marks = _NONE
    if shape.every.repeated_values > 0 or shape.paid.level_count >= 3:
        marks |= _equal_marks(columns, transaction, shape, scratch)
        marks |= _coordinator_marks(columns, transaction, shape, eras)
        if marks & _ANY_DETECTION != 0 and stonewall(shape):
            marks |= _STONEWALL
    return marks


@kernel
def _sift(columns: CoinJoinColumns, start: int, wanted: UInt8Array) -> None:
    """Tell which transactions have to be measured: all that can have a mark, and few others.

    Two outputs must be equal, from several inputs. More must hold an equal pair or three large
    amounts, again from several inputs, or one that carries data and one that enters a pool.

    A loop of its own, without calls: one that hands on so many arrays counts each of them as used
    and released, which costs many times what is done here.
    """
    first_input, first_output = columns.first_input, columns.first_output
    values, addresses = columns.output_value_sat, columns.output_address
    for offset in range(len(wanted)):
        inputs = first_input[start + offset + 1] - first_input[start + offset]
        first, last = first_output[start + offset], first_output[start + offset + 1]
        outputs, is_wanted = last - first, False
        if outputs == 2:
            is_wanted = inputs > 1 and values[first] == values[first + 1]
        elif outputs > 2 and (inputs > 1 or (inputs == 1 and outputs <= MOST_TX0_OUTPUTS)):
            data, large = 0, 0
            for i in range(first, last):
                data += addresses[i] == NO_ADDRESS
                large += values[i] >= SMALLEST_LEVEL_SAT
            if data == 1 and outputs <= MOST_TX0_OUTPUTS:
                for i in range(first, last):
                    for pool in TX0_POOLS_SAT:
                        surplus = values[i] - pool
                        is_wanted |= LEAST_SURPLUS_SAT <= surplus <= MOST_SURPLUS_SAT
            if inputs > 1 and not is_wanted:
                is_wanted = large >= 3 or outputs > _COMPARED_OUTPUTS
                if not is_wanted:
                    for i in range(first + 1, last):
                        for j in range(first, i):
                            is_wanted |= values[i] == values[j]
        wanted[offset] = is_wanted


@kernel
def _mark(
    columns: CoinJoinColumns,
    start: int,
    eras: Eras,
    wanted: UInt8Array,
    marks: UInt16Array,
    scratch: Scratch,
) -> int:
    """Mark the wanted transactions; return how many need a row of details."""
    described = 0
    for offset in range(len(marks)):
        if wanted[offset] != 0:
            shape = measure(columns, start + offset, scratch)
            found = _marks_of(columns, start + offset, shape, eras, scratch)
            marks[offset] = found
            described += found & _DESCRIBED != 0
    return described


@kernel
def _design_of(marks: np.uint16) -> int:
    """Return the most specific design that fired."""
    if marks & _WHIRLPOOL != 0:
        return 1
    if marks & _WASABI_2 != 0:
        return 2
    if marks & _ANY_WASABI_1 != 0:
        return 3
    if marks & _WASABI_2_SHAPE != 0:
        return 2
    if marks & _ANY_EQUAL != 0:
        return 4
    return 5


@kernel
def _confidence_of(design: int, marks: np.uint16, shape: Shape) -> int:
    """Return the highest confidence of the design's rules that fired."""
    confidence = NOT_MEASURED
    if design == 1 or design == 5:
        confidence = WHIRLPOOL_CONFIDENCE
    elif design == 2 and marks & _WASABI_2_SHAPE != 0:
        confidence = WASABI_2_CONFIDENCE
    elif design == 3:
        if marks & _WASABI_1_0 != 0:
            confidence = WASABI_1_0_CONFIDENCE
        if marks & _WASABI_1_1 != 0:
            confidence = max(confidence, wasabi_1_1_confidence(shape))
    elif design == 4 and marks & _JOINMARKET != 0:
        confidence = JOINMARKET_CONFIDENCE
    return confidence


@kernel
def _list_amounts(
    columns: CoinJoinColumns, transaction: int, design: int, scratch: Scratch, amounts: Int64Array
) -> int:
    """Write the amounts that a round of Wasabi pays out, ascending; return how many.

    Those that repeat, and for Wasabi 2 the standard ones, too. With room for no row they are
    only counted.
    """
    first, last = columns.first_output[transaction], columns.first_output[transaction + 1]
    values = scratch.values
    for i in range(first, last):
        values[i - first] = columns.output_value_sat[i]
    sort_ascending(values, last - first)
    found, i = 0, 0
    while i < last - first:
        j = i + 1
        while j < last - first and values[j] == values[i]:
            j += 1
        if j - i > 1 or (design == 2 and is_standard(values[i])):
            if found < len(amounts):
                amounts[found, 0] = transaction
                amounts[found, 1] = values[i]
                amounts[found, 2] = j - i
            found += 1
        i = j
    return found


@kernel
def _describe(
    columns: CoinJoinColumns,
    start: int,
    marks: UInt16Array,
    details: Int64Array,
    amounts: Int64Array,
    scratch: Scratch,
) -> int:
    """Fill one row of `details` for each marked transaction; return how many amounts there are.

    The amounts are written as far as there is room for them.
    """
    row, listed = 0, 0
    for offset in range(len(marks)):
        mark = marks[offset]
        if mark & _DESCRIBED == 0:
            continue
        transaction = start + offset
        shape = measure(columns, transaction, scratch)
        design = _design_of(mark)
        participants, amount = shape.every.top_count, shape.every.top_value_sat
        if design == 2:
            participants = max(1, (shape.distinct_inputs + 9) // 10)
        elif design == 5:
            participants, amount = shape.premix_outputs, shape.premix_pool_sat
        elif design == 3 and mark & _WASABI_1 == 0:
            participants = max(shape.paid.level_count, shape.paid.base_count)
            amount = shape.paid.level_base_sat
            if mark & _WASABI_1_0 != 0:
                amount = shape.paid.base_value_sat
        elif mark & _JOINMARKET != 0:
            participants, amount = shape.paid.pool_count, shape.paid.pool_value_sat
        details[row, 0] = transaction
        details[row, 1] = mark
        details[row, 2] = design
        details[row, 3] = _confidence_of(design, mark, shape)
        details[row, 4] = participants
        details[row, 5] = amount
        row += 1
        if design == 2 or design == 3:
            listed += _list_amounts(
                columns, transaction, design, scratch, amounts[min(listed, len(amounts)) :]
            )
    return listed


def _check(columns: CoinJoinColumns, start: int, stop: int) -> None:
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


def mark_coinjoins(
    columns: CoinJoinColumns, start: int, stop: int, eras: Eras = ANY_TIME
) -> tuple[UInt16Array, Int64Array, Int64Array]:
    """Judge the transactions `[start, stop)`; each by itself.

    Every address number in the columns must have its script type there.

    Returns
    -------
    One `CoinJoinMark` for each transaction; one row of details (`DetailField`) for each that has a
    mark of `DESCRIBED`, in chain order; and the amounts (`AmountField`) of each that is taken for
    Wasabi, in chain order and ascending.
    """
    _check(columns, start, stop)
    fixed = read_only_columns(columns)
    scratch = new_scratch(most_rows(fixed, start, stop))
    marks = np.zeros(stop - start, dtype=np.uint16)
    wanted = np.empty(stop - start, dtype=np.uint8)
    _sift(fixed, start, wanted)
    described = _mark(fixed, start, eras, read_only(wanted), marks, scratch)
    payjoin_possible(fixed, start, _PAYJOIN_POSSIBLE, marks)
    details = np.empty((described, DETAIL_WIDTH), dtype=np.int64)
    none = np.empty((0, AMOUNT_WIDTH), dtype=np.int64)
    found = read_only(marks)
    listed = _describe(fixed, start, found, details, none, scratch)
    amounts = np.empty((listed, AMOUNT_WIDTH), dtype=np.int64)
    if listed:
        _describe(fixed, start, found, details, amounts, scratch)
    return marks, details, amounts


def excluded(marks: UInt16Array, rules: CoinJoinMark) -> UInt8Array:
    """Return 1 for each transaction that has one of these marks: what clustering leaves out."""
    left_out: UInt8Array = ((marks & np.uint16(rules)) != 0).astype(np.uint8)
    return left_out


def stopping(marks: UInt16Array) -> UInt8Array:
    """Return 1 for each transaction that a trace may stop at: detected, and no veto stands."""
    detected = (marks & _ANY_DETECTION) != 0
    stops: UInt8Array = (detected & ((marks & np.uint16(VETOES)) == 0)).astype(np.uint8)
    return stops
