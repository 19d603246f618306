"""How one transaction passes taint on: seven accounting conventions, in whole units.

A transaction *takes* amounts, some of them tainted, and *gives* amounts. What it takes and does
not give is its remainder. A policy says which of the given units are the tainted ones. None is
true; each is an accounting convention, and an answer must name the one it used.

Forward, a transaction takes its inputs, gives its outputs, and the remainder is the fee. Backward
("where did this come from?") the same transaction is read in the mirror: it takes its outputs,
of which some units are asked for, and gives its inputs; the fee is taken after all outputs, and
nothing remains. Under this mirror first-in-first-out and last-in-first-out become their own
inverses (unit `x` of the input stream is unit `x` of the output stream, or unit `x` from its end)
and pro rata its own transpose. The policies that fill outputs by size or rank decide by sums and
have no inverse.

Units with an order are the matter of `heuristics.segments`, amounts that of `heuristics.shares`.
The fee is the last output under every policy.
"""

from enum import IntEnum

import numpy as np

from heuristics.columns import Int64Array
from heuristics.jit import kernel
from heuristics.segments import share_in_order, turn_round
from heuristics.shares import (
    paint_all,
    share_pro_rata,
    share_to_first,
    share_to_largest,
    share_to_last,
    split_by_colour,
)

Number = int | np.int64
"""A number inside a kernel; columns of unsigned numbers are converted before any arithmetic."""


class Policy(IntEnum):
    """Accounting conventions; the numbers are what kernels are told."""

    POISON = 0
    """Any tainted input taints every output and the fee completely; amounts grow."""

    HAIRCUT = 1
    """Every output carries the tainted fraction of the inputs."""

    FIFO = 2
    """Units leave in the order in which they came in (Clayton's case, 1816); fee last."""

    LIFO = 3
    """Units leave in the reverse of that order; fee last."""

    TIHO = 4
    """Taint fills the largest outputs first (taint in, highest out); fee last."""

    SENIORITY = 5
    """Taint fills the outputs in their order; fee last."""

    REVERSE_SENIORITY = 6
    """Clean money fills the outputs in their order, so that taint comes last and in the fee."""

    @property
    def keeps_order(self) -> bool:
        """Whether every unit has a place, so that coins hold segments."""
        return self in (Policy.FIFO, Policy.LIFO)

    @property
    def has_inverse(self) -> bool:
        """Whether the policy can be read backward: unit by unit, as a transpose, or as reach.

        The others decide by sums over all outputs, from which no input can be told.
        """
        return self not in (Policy.TIHO, Policy.SENIORITY, Policy.REVERSE_SENIORITY)


class Stop(IntEnum):
    """Why taint was not followed further, or that it was.

    Where several reasons hold the smallest number is given: what is certain about the coin comes
    before limits of the search. The numbers order the rules and are not stored.
    """

    CLEAN = 0
    """No taint arrived."""

    RETAINTED = 1
    """Came back to a declared source."""

    DESTROYED = 2
    """In an output that nobody can spend."""

    FEE = 3
    """Paid to a miner, where fees are not followed."""

    SERVICE_REACHED = 4
    MIXER = 5
    BRIDGE = 6
    NEWLY_MINED = 7
    BEFORE_LEDGER = 8
    UNSPENT = 9
    DORMANT = 10
    BELOW_MIN = 11
    COINJOIN = 12
    TIME_WINDOW = 13
    HOP_LIMIT = 14
    FAN_OUT = 15
    NOT_FETCHED = 16
    """Nobody has asked yet which transaction comes next; the ledger holds single transactions."""

    BUDGET = 17
    """The transaction to enter has not been explored."""

    FOLLOWED = 18


TAINTED_COLOUR = 1
"""Colour of every source where sources are not told apart."""

# Kernels compare plain integers.
_POISON = int(Policy.POISON)
_HAIRCUT = int(Policy.HAIRCUT)
_FIFO = int(Policy.FIFO)
_LIFO = int(Policy.LIFO)
_TIHO = int(Policy.TIHO)
_SENIORITY = int(Policy.SENIORITY)
_BELOW_MIN = int(Stop.BELOW_MIN)
_TIME_WINDOW = int(Stop.TIME_WINDOW)
_HOP_LIMIT = int(Stop.HOP_LIMIT)


@kernel
def share_out(
    policy: int,
    tainted: int,
    values: Int64Array,
    remainder: int,
    stream_length: Int64Array,
    stream_colour: Int64Array,
    stream_count: int,
    shares: Int64Array,
    segment_first: Int64Array,
    segment_count: Int64Array,
    pool_length: Int64Array,
    pool_colour: Int64Array,
    used: int,
) -> int:
    """Apply `policy` to one transaction that takes `tainted` > 0 units.

    Fills `shares` and the segments, which have one row more than `values`: the last is the
    remainder's. Returns how much of the pool is used; `segment_room` says how much may be needed.

    Under FIFO and LIFO the stream is what `gather_stream` lays down, with room for one segment
    more. Under the other policies it holds the amounts that `gather_colours` adds up, or nothing
    where sources are not told apart: then no segments are made.
    """
    last = len(values)
    if policy in (_FIFO, _LIFO):
        if policy == _LIFO:
            stream_count = turn_round(
                stream_length, stream_colour, stream_count, remainder + values.sum()
            )
        return share_in_order(
            stream_length,
            stream_colour,
            stream_count,
            values,
            remainder,
            shares,
            segment_first,
            segment_count,
            pool_length,
            pool_colour,
            used,
        )
    if policy == _POISON:
        shares[:last] = values
        shares[last] = remainder
    else:
        share_amounts(policy, tainted, values, remainder, shares)
    if stream_count == 0:
        segment_first[: last + 1] = used
        segment_count[: last + 1] = 0
        return used
    if policy == _POISON:
        return paint_all(
            stream_colour,
            stream_count,
            shares,
            segment_first,
            segment_count,
            pool_length,
            pool_colour,
            used,
        )
    return split_by_colour(
        stream_length,
        stream_colour,
        stream_count,
        shares,
        segment_first,
        segment_count,
        pool_length,
        pool_colour,
        used,
    )


@kernel
def share_amounts(
    policy: int, tainted: int, values: Int64Array, remainder: int, shares: Int64Array
) -> None:
    """Fill `shares` under a policy that decides by amounts; the last row is the remainder's."""
    last = len(values)
    if policy == _HAIRCUT:
        share_pro_rata(values, remainder + values.sum(), tainted, remainder, shares)
    elif policy == _TIHO:
        share_to_largest(values, tainted, shares)
    elif policy == _SENIORITY:
        share_to_first(values, tainted, shares)
    else:
        share_to_last(values, remainder + values.sum() - tainted, shares)
    shares[last] = tainted
    for j in range(last):
        shares[last] -= shares[j]


@kernel
def segment_room(policy: int, stream_count: int, recipients: int) -> int:
    """Return the most segments that `share_out` appends for so many recipients.

    The remainder is a recipient too; `stream_count` is what the stream has room for or more.
    """
    if policy in (_FIFO, _LIFO):
        return stream_count + recipients + 1
    return recipients if policy == _POISON else stream_count * recipients


@kernel
def stop_reason(
    known_stop: Number,
    amount: Number,
    min_value: int,
    hops: Number,
    max_hops: int,
    rank: Number,
    deadline: Number,
) -> Number:
    """Return the first rule that ends the path here, or FOLLOWED.

    `known_stop` is what holds whatever the amount; `rank` is the place in processing order of the
    transaction that would be entered, and `deadline` the last rank that the horizon allows.
    """
    reason = known_stop
    if amount < min_value:
        reason = min(reason, _BELOW_MIN)
    if rank > deadline:
        reason = min(reason, _TIME_WINDOW)
    if hops >= max_hops:
        reason = min(reason, _HOP_LIMIT)
    return reason
