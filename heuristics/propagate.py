"""Taint through a set of transactions, in processing order: every amount exact.

The transactions and what they take and give stand in flat local arrays (`FlowArrays`). A *slot*
is a coin that taint may rest on: first the declared sources, then every coin that one of the
transactions gives. Slots are the only state. Because a transaction comes after everything that it
takes from, one pass suffices, and the result does not depend on how the set was found.

Forward, transactions stand in chain order and give outputs; backward, in reverse chain order and
give inputs (`heuristics.taint` explains the mirror).

Memory: under first-in-first-out every tainted coin holds segments. Segments of coins that were
passed on are dead, and are dropped whenever the pool is full, so that its size stays within twice
the living ones and the number of slots.
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import (
    BoolArray,
    Int64Array,
    UInt8Array,
    check_offsets,
    read_only,
)
from heuristics.exact import LARGEST_AMOUNT
from heuristics.jit import kernel
from heuristics.taint import (
    TAINTED_COLOUR,
    Policy,
    Stop,
    gather_stream,
    share_out,
    stop_reason,
    stream_room,
)

_FIFO = int(Policy.FIFO)
_FAN_OUT = int(Stop.FAN_OUT)
_FOLLOWED = int(Stop.FOLLOWED)

NO_DEADLINE = 2**62
"""Deadline of a source without a horizon."""


class FlowArrays(NamedTuple):
    """Transactions in processing order with everything that a policy needs to know of them.

    The slots are the sources followed by the rows of `given_value`.
    """

    taken_first: Int64Array
    """Shape (transactions + 1): rows of `taken_slot` and `taken_value`."""

    taken_slot: Int64Array
    """Slot of each taken coin, always one of an earlier transaction or a source; -1: clean."""

    taken_value: Int64Array

    given_first: Int64Array
    """Shape (transactions + 1): rows of `given_value`."""

    given_value: Int64Array

    remainder: Int64Array
    """Taken and not given: the fee, or 0 backward."""

    crowded: BoolArray
    """Transactions so wide that they are entered only with a large enough tainted share."""

    source_value: Int64Array

    source_deadline: Int64Array
    """Last rank that each source's horizon allows."""

    slot_stop: UInt8Array
    """What is known to end the path at each slot whatever the amount, else FOLLOWED."""

    slot_rank: Int64Array
    """Place in processing order of the transaction that following the slot would enter."""


class FlowLimits(NamedTuple):
    """Limits that depend on amounts, so that they can only be applied on the way."""

    min_value: int
    max_hops: int
    crowded_percent: int
    """A crowded transaction is entered from this tainted percentage of what it takes."""


class Flow(NamedTuple):
    """Where the taint went; one entry a slot unless said otherwise."""

    amount: Int64Array
    """Tainted units that arrived."""

    reason: UInt8Array
    """`Stop`."""

    hops: Int64Array
    """Fewest transactions between a source and the slot."""

    deadline: Int64Array
    """The latest deadline among the sources that reach the slot."""

    remainder_taint: Int64Array
    """Taint in each transaction's remainder."""

    entered: BoolArray
    """Which transactions passed taint on."""

    segment_first: Int64Array
    """Where the slot's segments start in the pool (first-in-first-out only)."""

    segment_count: Int64Array
    """0 for slots that were passed on: their segments are gone."""

    pool_length: Int64Array
    pool_colour: Int64Array

    def segments(self, slot: int) -> list[tuple[int, int]]:
        """Return the (length, colour) segments of a slot that was not passed on."""
        first = int(self.segment_first[slot])
        rows = slice(first, first + int(self.segment_count[slot]))
        lengths, colours = self.pool_length[rows].tolist(), self.pool_colour[rows].tolist()
        return list(zip(lengths, colours, strict=True))


@kernel
def compact_pool(
    segment_first: Int64Array,
    segment_count: Int64Array,
    pool_length: Int64Array,
    pool_colour: Int64Array,
    room: int,
) -> tuple[Int64Array, Int64Array, int]:
    """Return a new pool of the living segments, with space for `room` more; slots are updated.

    Space as large as the number of slots is left free, so that the walk over them pays off.
    """
    living = 0
    for slot in range(len(segment_count)):
        living += segment_count[slot]
    size = 2 * (living + room) + len(segment_count)
    new_length = np.empty(size, np.int64)
    new_colour = np.empty(size, np.int64)
    used = 0
    for slot in range(len(segment_count)):
        first = segment_first[slot]
        segment_first[slot] = used
        for piece in range(segment_count[slot]):
            new_length[used] = pool_length[first + piece]
            new_colour[used] = pool_colour[first + piece]
            used += 1
    return new_length, new_colour, used


@kernel
def _propagate(policy: int, arrays: FlowArrays, limits: FlowLimits) -> Flow:
    sources = len(arrays.source_value)
    steps = len(arrays.remainder)
    slot_count = len(arrays.slot_stop)
    amount = np.zeros(slot_count, np.int64)
    reason = np.zeros(slot_count, np.uint8)
    hops = np.zeros(slot_count, np.int64)
    deadline = np.zeros(slot_count, np.int64)
    remainder_taint = np.zeros(steps, np.int64)
    entered = np.zeros(steps, np.bool_)
    segment_first = np.zeros(slot_count, np.int64)
    segment_count = np.zeros(slot_count, np.int64)
    pool_length = np.empty(sources + 64, np.int64)
    pool_colour = np.empty(sources + 64, np.int64)
    for slot in range(sources):
        amount[slot] = arrays.source_value[slot]
        deadline[slot] = arrays.source_deadline[slot]
        # The smallest amount that is worth following does not apply to a declared source.
        reason[slot] = stop_reason(
            arrays.slot_stop[slot],
            amount[slot],
            0,
            0,
            limits.max_hops,
            arrays.slot_rank[slot],
            deadline[slot],
        )
        pool_length[slot] = amount[slot]
        pool_colour[slot] = TAINTED_COLOUR
        segment_first[slot] = slot
        segment_count[slot] = 1
    used = sources
    stream_length = np.empty(64, np.int64)
    stream_colour = np.empty(64, np.int64)
    for step in range(steps):
        rows = slice(arrays.taken_first[step], arrays.taken_first[step + 1])
        slots = arrays.taken_slot[rows].copy()
        values = arrays.taken_value[rows]
        tainted = 0
        taken = 0
        fewest_hops = limits.max_hops
        latest = -NO_DEADLINE
        for k in range(len(slots)):
            taken += values[k]
            slot = slots[k]
            if slot >= 0 and reason[slot] == _FOLLOWED:
                tainted += amount[slot]
                fewest_hops = min(fewest_hops, hops[slot])
                latest = max(latest, deadline[slot])
            else:
                slots[k] = -1
        if tainted == 0:
            continue
        if arrays.crowded[step] and tainted * 100 < taken * limits.crowded_percent:
            for slot in slots:
                if slot >= 0:
                    reason[slot] = _FAN_OUT
            continue
        entered[step] = True
        given = arrays.given_value[arrays.given_first[step] : arrays.given_first[step + 1]]
        base = sources + arrays.given_first[step]
        past = base + len(given)
        count = 0
        if policy == _FIFO:
            room = stream_room(slots, segment_count)
            if room > len(stream_length):
                stream_length = np.empty(2 * room, np.int64)
                stream_colour = np.empty(2 * room, np.int64)
            count = gather_stream(
                slots,
                values,
                segment_first,
                segment_count,
                pool_length,
                pool_colour,
                stream_length,
                stream_colour,
            )
            for slot in slots:
                if slot >= 0:
                    segment_count[slot] = 0
            room = count + len(given) + 1
            if used + room > len(pool_length):
                pool_length, pool_colour, used = compact_pool(
                    segment_first[:base], segment_count[:base], pool_length, pool_colour, room
                )
        remainder_taint[step], used = share_out(
            policy,
            tainted,
            given,
            arrays.remainder[step],
            stream_length,
            stream_colour,
            count,
            amount[base:past],
            segment_first[base:past],
            segment_count[base:past],
            pool_length,
            pool_colour,
            used,
        )
        for slot in range(base, past):
            if amount[slot] > 0:
                hops[slot] = fewest_hops + 1
                deadline[slot] = latest
                reason[slot] = stop_reason(
                    arrays.slot_stop[slot],
                    amount[slot],
                    limits.min_value,
                    fewest_hops + 1,
                    limits.max_hops,
                    arrays.slot_rank[slot],
                    latest,
                )
    return Flow(
        amount,
        reason,
        hops,
        deadline,
        remainder_taint,
        entered,
        segment_first,
        segment_count,
        pool_length[:used],
        pool_colour[:used],
    )


def propagate(arrays: FlowArrays, policy: Policy, limits: FlowLimits) -> Flow:
    """Apply `policy` to all transactions and say where every unit of taint came to rest.

    Raises
    ------
    ValueError
        If the arrays contradict each other or an amount is out of range.
    """
    _check(arrays)
    return _propagate(int(policy), FlowArrays._make(read_only(array) for array in arrays), limits)


def _check(arrays: FlowArrays) -> None:
    steps = len(arrays.remainder)
    slots = len(arrays.source_value) + len(arrays.given_value)
    for name, length in (
        ("taken_first", steps + 1),
        ("given_first", steps + 1),
        ("crowded", steps),
        ("taken_slot", len(arrays.taken_value)),
        ("source_deadline", len(arrays.source_value)),
        ("slot_stop", slots),
        ("slot_rank", slots),
    ):
        if len(getattr(arrays, name)) != length:
            raise ValueError(f"{name} must have {length} rows")
    check_offsets("taken_first", arrays.taken_first, len(arrays.taken_value))
    check_offsets("given_first", arrays.given_first, len(arrays.given_value))
    if np.any(np.diff(arrays.taken_first) < 0) or np.any(np.diff(arrays.given_first) < 0):
        raise ValueError("offsets must not fall")
    for name in ("taken_value", "given_value", "remainder", "source_value"):
        column: Int64Array = getattr(arrays, name)
        if len(column) and not 0 <= int(column.min()) <= int(column.max()) <= LARGEST_AMOUNT:
            raise ValueError(f"{name} holds an amount outside 0 to {LARGEST_AMOUNT}")
    taker = np.repeat(np.arange(steps), np.diff(arrays.taken_first))
    giver = np.repeat(np.arange(steps), np.diff(arrays.given_first))
    known = len(arrays.source_value) + arrays.given_first[taker]
    if np.any((arrays.taken_slot < -1) | (arrays.taken_slot >= known)):
        raise ValueError("a transaction takes a coin that no earlier one gives")
    taken = arrays.taken_slot[arrays.taken_slot >= 0]
    if len(taken) and int(np.bincount(taken).max()) > 1:
        raise ValueError("a coin is taken twice")
    balance = arrays.remainder.astype(np.int64)
    np.add.at(balance, giver, arrays.given_value)
    np.subtract.at(balance, taker, arrays.taken_value)
    if np.any(balance < 0):
        raise ValueError("a transaction takes more than it gives and leaves")
