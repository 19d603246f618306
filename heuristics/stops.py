"""Stop rules that depend on the ledger and the tags alone, not on the amounts.

They are asked twice for the same coin: while the search looks for transactions to explore, and
when the amounts are computed over what it found. So they stand here once, as kernels.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from heuristics.columns import NO_ADDRESS, Int64Array, UInt8Array, UInt32Array, read_only
from heuristics.jit import kernel_part
from heuristics.taint import Number, Stop


class Direction(IntEnum):
    """Which way the money is followed."""

    FORWARD = 0
    BACKWARD = 1


_FORWARD = int(Direction.FORWARD)
_BACKWARD = int(Direction.BACKWARD)
_NO_ADDRESS = int(NO_ADDRESS)
_DESTROYED = int(Stop.DESTROYED)
_RETAINTED = int(Stop.RETAINTED)
_NEWLY_MINED = int(Stop.NEWLY_MINED)
_NOT_FETCHED = int(Stop.NOT_FETCHED)
_UNSPENT = int(Stop.UNSPENT)
_DORMANT = int(Stop.DORMANT)
_COINJOIN = int(Stop.COINJOIN)
_TIME_WINDOW = int(Stop.TIME_WINDOW)
_FOLLOWED = int(Stop.FOLLOWED)


class SpendColumns(NamedTuple):
    """The columns of a ledger that tracing reads; numbers are global and in chain order."""

    first_input: Int64Array
    first_output: Int64Array
    spent_output: Int64Array
    """-1 where the spent output lies outside the ledger."""

    input_value: Int64Array
    input_address: UInt32Array
    output_value: Int64Array
    output_address: UInt32Array
    spender: UInt32Array
    """A number at or past the number of transactions means unspent."""


class StopRules(NamedTuple):
    """Where paths end whatever the amount."""

    sources: Int64Array
    """Declared source outputs, ascending."""

    labels: UInt32Array
    """Entity root of each address; addresses past its end stand for themselves."""

    own_root: Int64Array
    """Roots of the sources' own entities, ascending: services among them do not stop."""

    tagged_address: Int64Array
    """Directly tagged service addresses, ascending."""

    tagged_stop: UInt8Array
    """`Stop` of each."""

    tagged_root: Int64Array
    """Roots of entities that hold a tagged service address, ascending."""

    root_stop: UInt8Array
    marks: UInt8Array
    """Non-zero for CoinJoin transactions; those past its end were not looked at."""

    unasked: Int64Array
    """Outputs whose spender nobody has asked for, ascending: none of a ledger of whole blocks."""

    first_transaction: int
    """Transactions before this one are outside the time window."""

    last_transaction: int
    """Transactions after this one are outside the time window."""

    dormant_before: int
    """Unspent outputs of transactions before this one are dormant."""

    outside_stop: int
    """`Stop` of outputs outside the ledger: BEFORE_LEDGER, or NOT_FETCHED where they can be had."""

    genesis_outputs: int = 0
    """The first so many outputs of the ledger are the genesis block's, which nobody can spend."""


def no_rules() -> StopRules:
    """Return rules where nothing is a source, tagged or marked, and nothing too late."""
    none, few = np.empty(0, np.int64), np.empty(0, np.uint8)
    return StopRules(
        sources=none,
        labels=np.empty(0, np.uint32),
        own_root=none,
        tagged_address=none,
        tagged_stop=few,
        tagged_root=none,
        root_stop=few,
        marks=few,
        unasked=none,
        first_transaction=0,
        last_transaction=2**62,
        dormant_before=0,
        outside_stop=int(Stop.BEFORE_LEDGER),
    )


def share_columns(columns: SpendColumns) -> SpendColumns:
    """Return the columns as the kernels are compiled for: plain and read-only."""
    return SpendColumns._make(read_only(column) for column in columns)


def share_rules(rules: StopRules) -> StopRules:
    """Return the rules as the kernels are compiled for: arrays plain and read-only."""
    return StopRules(
        read_only(rules.sources),
        read_only(rules.labels),
        read_only(rules.own_root),
        read_only(rules.tagged_address),
        read_only(rules.tagged_stop),
        read_only(rules.tagged_root),
        read_only(rules.root_stop),
        read_only(rules.marks),
        read_only(rules.unasked),
        *rules[9:],
    )


@kernel_part
def find_sorted(values: Int64Array, wanted: Number) -> int:
    """Return the place of `wanted` in ascending `values`, or -1."""
    low = 0
    high = len(values)
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(values) and values[low] == wanted else -1


@kernel_part
def owner_of_row(offsets: Int64Array, row: Number) -> int:
    """Return the `i` with offsets[i] <= row < offsets[i + 1]."""
    low = 0
    high = len(offsets) - 1
    while low < high:
        middle = (low + high) >> 1
        if offsets[middle + 1] <= row:
            low = middle + 1
        else:
            high = middle
    return low


@kernel_part
def entered_transaction(direction: int, coin: Number, columns: SpendColumns) -> Number:
    """Return the transaction that following `coin` leads into, or -1.

    Forward that is its spender, backward its creator; `coin` is an output number, or -1.
    """
    if coin < 0:
        return -1
    if direction == _BACKWARD:
        return owner_of_row(columns.first_output, coin)
    transaction = np.int64(columns.spender[coin])
    return transaction if transaction < len(columns.first_input) - 1 else -1


@kernel_part
def service_stop(address: Number, rules: StopRules) -> Number:
    """Return the stop that tags demand at an address; its own tag comes before its entity's."""
    if address == _NO_ADDRESS:
        return _FOLLOWED
    root = np.int64(rules.labels[address]) if address < len(rules.labels) else np.int64(address)
    if find_sorted(rules.own_root, root) >= 0:
        return _FOLLOWED
    place = find_sorted(rules.tagged_address, address)
    if place >= 0:
        return np.int64(rules.tagged_stop[place])
    place = find_sorted(rules.tagged_root, root)
    return np.int64(rules.root_stop[place]) if place >= 0 else _FOLLOWED


@kernel_part
def known_stop(
    direction: int,
    is_source: bool,
    coin: Number,
    address: Number,
    entered: Number,
    columns: SpendColumns,
    rules: StopRules,
) -> Number:
    """Return the first rule that ends a path at `coin`, or FOLLOWED.

    `entered` is what `entered_transaction` says. A coin that is itself a source is neither
    retainted nor stopped by a tag.
    """
    if not is_source and coin >= 0 and find_sorted(rules.sources, coin) >= 0:
        return _RETAINTED
    mined = entered >= 0 and columns.first_input[entered] == columns.first_input[entered + 1]
    # A coinbase "spends" an output only where it repeats its id, which voids it (BIP 30).
    if direction == _FORWARD and (
        address == _NO_ADDRESS or mined or 0 <= coin < rules.genesis_outputs
    ):
        return _DESTROYED
    reason = _FOLLOWED if is_source else service_stop(address, rules)
    if entered < 0:
        if direction == _BACKWARD:
            return min(reason, rules.outside_stop)
        if find_sorted(rules.unasked, coin) >= 0:
            return min(reason, _NOT_FETCHED)
        if owner_of_row(columns.first_output, coin) < rules.dormant_before:
            return min(reason, _DORMANT)
        return min(reason, _UNSPENT)
    if direction == _BACKWARD and columns.first_input[entered] == columns.first_input[entered + 1]:
        reason = min(reason, _NEWLY_MINED)
    if entered < len(rules.marks) and rules.marks[entered] != 0:
        reason = min(reason, _COINJOIN)
    if entered < rules.first_transaction or entered > rules.last_transaction:
        reason = min(reason, _TIME_WINDOW)
    return reason
