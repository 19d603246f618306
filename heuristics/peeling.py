"""Peel chains: one coin that gets smaller and smaller while it pays one person after another.

Whoever pays from a large coin keeps the rest as change, and often pays the next person from that
change. Following the change, hop by hop, leads through all of these payments. The question at each
hop is which output is the change; the rule here answers it by the software that spends the
outputs. A wallet program leaves traces in what it makes (version, locktime, order, kinds of script,
how it pays fees), so the output whose spender bears the same traces as the transaction itself is
taken to have stayed with its owner. Where more than one output fits, or where a recipient uses the
same software, the rule names none: an investigator who knows better can go on from any output.

All traces of a transaction are packed into one word, so that two transactions are compared by one
comparison. The word is made of bits of the fingerprint (`heuristics.fingerprint`), the way in which
the fee was set, and the one script type of all inputs. Two bits that a fingerprint has are left
out: whether inputs and outputs are sorted, because with one input and two outputs chance sorts
every second transaction of a wallet that does not; and whether the script behind a hash is
multisig, which takes a pass over the ledger to know.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from heuristics.columns import (
    NO_ADDRESS,
    Int64Array,
    UInt8Array,
    UInt32Array,
    check_offsets,
    read_only,
    read_only_columns,
)
from heuristics.fingerprint import (
    INPUT_COUNT_BITS,
    LOCKTIME_BITS,
    OUTPUT_COUNT_BITS,
    FingerprintBit,
)
from heuristics.jit import kernel, kernel_part

VERSION = 1
"""Raised whenever the rule can give another answer on the same input."""

MOST_OUTPUTS = 3
"""A hop has two or three spendable outputs; one of them goes on."""

NOT_SPENT = -1
"""Stands where the features of a spender would, if there is no spender."""

MIXED = 255
"""Stands for the script type of inputs of several types, or of unknown ones."""

FIXED_FEE_SAT = 10_000
"""A fee that is a multiple of this was set by hand or by a program that knows no fee rates."""


class HopStop(IntEnum):
    """Why a transaction hands no output on."""

    AMBIGUOUS = -2
    """Several outputs fit, or a recipient uses the same software."""

    UNSPENT = -3
    """No output fits yet, but one that may is not spent."""

    NOT_CONTINUED = -4
    """No output fits: those that may be change are spent in another way."""

    NOT_A_HOP = -5
    """Other than two or three spendable outputs, or inputs of several script types."""

    COINBASE = -6
    COINJOIN = -7


_AMBIGUOUS = int(HopStop.AMBIGUOUS)
_UNSPENT = int(HopStop.UNSPENT)
_NOT_CONTINUED = int(HopStop.NOT_CONTINUED)
_NOT_A_HOP = int(HopStop.NOT_A_HOP)
_COINBASE = int(HopStop.COINBASE)
_COINJOIN = int(HopStop.COINJOIN)
_COMPARED = int(
    FingerprintBit.VERSION_2
    | FingerprintBit.VERSION_3
    | LOCKTIME_BITS
    | FingerprintBit.RBF
    | FingerprintBit.SEGWIT
    | INPUT_COUNT_BITS
    | OUTPUT_COUNT_BITS
)
_FEE_SHIFT = 32
_TYPE_SHIFT = 40


class PeelColumns(NamedTuple):
    """What the rule reads of a chain."""

    first_input: Int64Array
    """Inputs of transaction `t` are `[first_input[t], first_input[t + 1])`; likewise outputs."""

    first_output: Int64Array
    input_address: UInt32Array
    output_address: UInt32Array
    spender: UInt32Array
    """Of each output; a number at or past the number of transactions means unspent."""

    script_type: UInt8Array
    """Of each address."""


@kernel
def choose_next(own: int, followers: Int64Array, fresh: UInt8Array, kinds: UInt8Array) -> int:
    """Of two or three outputs, the one that is spent as the transaction was made is the change.

    An output fits if its address was never paid before, its script is of the type of the inputs,
    and the transaction that spends it has the same features as the transaction itself: version,
    locktime class, replaceability, witness, way of setting the fee, script type of the inputs, and
    one, two or more inputs and outputs. It must be the only such output, and no other fresh output
    may be spent by a transaction with these features.

    Assumes: a wallet keeps its software, and pays from the change of its last payment; recipients
        use other software, or leave the money, or give out an address again.
    Fails when: the recipient uses the same software while the sender's own change lies unspent or
        went to a used address (then the recipient is followed); most likely in early years, when
        nearly everybody used one program, and for the default settings of a common wallet today.
    Source: Kappos et al., How to Peel a Million, USENIX Security 2022 (arXiv:2205.13882), in this
        program's own definition. The paper's error rates are of its own rule and are not used.

    Parameters
    ----------
    own
        Features of the transaction.
    followers, fresh, kinds
        Of each spendable output: features of its spender or `NOT_SPENT`, whether its address is
        new, and its script type.

    Returns
    -------
    The place of the output, or a `HopStop`.
    """
    own_kind = own >> _TYPE_SHIFT
    chosen, fits, rivals, waiting = 0, 0, 0, 0
    for place in range(len(followers)):
        if not fresh[place]:
            continue
        of_kind = np.int64(kinds[place]) == own_kind
        if followers[place] == own:
            if of_kind:
                chosen = place
                fits += 1
            else:
                rivals += 1
        elif followers[place] == NOT_SPENT and of_kind:
            waiting += 1
    if fits == 1 and rivals == 0:
        return chosen
    if fits:
        return _AMBIGUOUS
    return _UNSPENT if waiting else _NOT_CONTINUED


@kernel
def input_type(columns: PeelColumns, transaction: int) -> int:
    """Return the script type that all inputs of a transaction have, or `MIXED`."""
    start, stop = columns.first_input[transaction], columns.first_input[transaction + 1]
    found = MIXED
    for i in range(start, stop):
        address = columns.input_address[i]
        if address == NO_ADDRESS:
            return MIXED
        kind = int(columns.script_type[address])
        if i > start and kind != found:
            return MIXED
        found = kind
    return found


@kernel
def _features(
    columns: PeelColumns,
    start: int,
    fingerprint: UInt32Array,
    fee_sat: Int64Array,
    features: Int64Array,
) -> None:
    """Fill the features of the transactions from `start` on."""
    for offset in range(len(features)):
        word = np.int64(fingerprint[offset]) & _COMPARED
        if fee_sat[offset] != 0:
            fixed = fee_sat[offset] % FIXED_FEE_SAT == 0
            word |= (1 if fixed else 2) << _FEE_SHIFT
        features[offset] = word | (input_type(columns, start + offset) << _TYPE_SHIFT)


def script_type_of(features: int) -> int:
    """Return the script type of all inputs that a word of features holds, or `MIXED`."""
    return features >> _TYPE_SHIFT


def hop_features(
    columns: PeelColumns, start: int, fingerprint: UInt32Array, fee_sat: Int64Array
) -> Int64Array:
    """Return the traces that the makers of some consecutive transactions left, a word for each.

    Parameters
    ----------
    columns
        Columns of the chain.
    start
        The first of the transactions.
    fingerprint
        Their fingerprints.
    fee_sat
        Their fees.
    """
    if len(fingerprint) != len(fee_sat):
        raise ValueError("every transaction needs a fingerprint and a fee")
    if not 0 <= start <= start + len(fee_sat) < len(columns.first_input):
        raise ValueError("the transactions are not all in the columns")
    features = np.empty(len(fee_sat), dtype=np.int64)
    _features(
        read_only_columns(columns), start, read_only(fingerprint), read_only(fee_sat), features
    )
    return features


@kernel
def _fresh(columns: PeelColumns, fresh: UInt8Array) -> None:
    """Mark the outputs whose address no earlier transaction names."""
    known = np.int64(0)
    for t in range(len(columns.first_output) - 1):
        for i in range(columns.first_input[t], columns.first_input[t + 1]):
            # In a ledger that begins late, an address may be spent from before it is paid.
            if columns.input_address[i] != NO_ADDRESS:
                known = max(known, np.int64(columns.input_address[i]) + 1)
        most = known
        for o in range(columns.first_output[t], columns.first_output[t + 1]):
            address = np.int64(columns.output_address[o])
            if columns.output_address[o] != NO_ADDRESS and address >= known:
                fresh[o] = 1
                most = max(most, address + 1)
        known = most


def fresh_outputs(columns: PeelColumns) -> UInt8Array:
    """Return 1 for each output whose transaction is the first in the chain to name its address.

    Addresses are numbered by first appearance, so one running maximum tells.
    """
    check_offsets("first_input", columns.first_input, len(columns.input_address))
    check_offsets("first_output", columns.first_output, len(columns.output_address))
    fresh = np.zeros(len(columns.output_address), dtype=np.uint8)
    _fresh(read_only_columns(columns), fresh)
    return fresh


@kernel_part
def _judge(
    columns: PeelColumns,
    features: Int64Array,
    fresh: UInt8Array,
    excluded: UInt8Array,
    transaction: int,
    followers: Int64Array,
    kinds: UInt8Array,
    news: UInt8Array,
    places: Int64Array,
) -> int:
    """Return the output that a transaction goes on with, or a `HopStop`."""
    if columns.first_input[transaction] == columns.first_input[transaction + 1]:
        return _COINBASE
    if excluded[transaction]:
        return _COINJOIN
    if features[transaction] >> _TYPE_SHIFT == MIXED:
        return _NOT_A_HOP
    count = 0
    for o in range(columns.first_output[transaction], columns.first_output[transaction + 1]):
        if columns.output_address[o] == NO_ADDRESS:
            continue
        if count == MOST_OUTPUTS:
            return _NOT_A_HOP
        spender = np.int64(columns.spender[o])
        followers[count] = features[spender] if spender < len(features) else NOT_SPENT
        kinds[count] = columns.script_type[columns.output_address[o]]
        news[count] = fresh[o]
        places[count] = o
        count += 1
    if count < 2:
        return _NOT_A_HOP
    chosen = choose_next(features[transaction], followers[:count], news[:count], kinds[:count])
    return places[chosen] if chosen >= 0 else chosen


@kernel
def _next_hops(
    columns: PeelColumns,
    features: Int64Array,
    fresh: UInt8Array,
    excluded: UInt8Array,
    start: int,
    found: Int64Array,
) -> None:
    """Judge the transactions from `start` on."""
    followers = np.empty(MOST_OUTPUTS, dtype=np.int64)
    places = np.empty(MOST_OUTPUTS, dtype=np.int64)
    kinds = np.empty(MOST_OUTPUTS, dtype=np.uint8)
    news = np.empty(MOST_OUTPUTS, dtype=np.uint8)
    for offset in range(len(found)):
        found[offset] = _judge(
            columns, features, fresh, excluded, start + offset, followers, kinds, news, places
        )


def next_hops(
    columns: PeelColumns,
    features: Int64Array,
    fresh: UInt8Array,
    excluded: UInt8Array,
    start: int,
    stop: int,
) -> Int64Array:
    """Return which output each of the transactions `[start, stop)` goes on with, or a `HopStop`.

    Parameters
    ----------
    columns
        Columns of the whole chain.
    features
        Of all transactions; see `hop_features`.
    fresh
        Of all outputs; see `fresh_outputs`.
    excluded
        Non-zero for each transaction of the chain that is a CoinJoin.
    start, stop
        The range.
    """
    check_offsets("first_input", columns.first_input, len(columns.input_address))
    check_offsets("first_output", columns.first_output, len(columns.output_address))
    if not len(features) == len(excluded) == len(columns.first_input) - 1:
        raise ValueError("every transaction needs its features and its mark")
    if not len(fresh) == len(columns.spender) == len(columns.output_address):
        raise ValueError("every output needs a spender and a mark")
    if not 0 <= start <= stop < len(columns.first_input):
        raise ValueError(f"transactions {start} to {stop} are not all in the columns")
    found = np.empty(stop - start, dtype=np.int64)
    _next_hops(
        read_only_columns(columns),
        read_only(features),
        read_only(fresh),
        read_only(excluded),
        start,
        found,
    )
    return found
