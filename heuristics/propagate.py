"""Taint through a set of transactions, in processing order: every amount exact.

The transactions and what they take and give stand in flat local arrays (`FlowArrays`). A *slot*
is something that taint may rest on: the declared sources, every coin that one of the transactions
gives, the rewards that coinbases collect, and the fees. Slots are the only state. Because a
transaction comes after everything that it takes from, one pass suffices, and the result does not
depend on how the set was found.

Forward, transactions stand in chain order and give outputs; backward, in reverse chain order and
give inputs (`heuristics.taint` explains the mirror).

Taint that comes back to a declared source ends there, so that it is counted once; what leaves
the source is the source's own. Where sources are told apart the coin takes over the colours that
came back, beside its own.

Memory: where units have an order, or sources are told apart, every tainted coin holds segments.
Those of coins that were passed on are dead, and are dropped whenever the pool is full, so that its
size stays within twice the living ones and the number of slots.
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
from heuristics.segments import gather_stream, overlay, stream_room
from heuristics.shares import add_own_colour, gather_colours
from heuristics.taint import Policy, Stop, segment_room, share_out, stop_reason

_POISON = int(Policy.POISON)
_FIFO = int(Policy.FIFO)
_LIFO = int(Policy.LIFO)
_FAN_OUT = int(Stop.FAN_OUT)
_FOLLOWED = int(Stop.FOLLOWED)

NO_DEADLINE = 2**62
"""Deadline of a source without a horizon."""

MOST_COLOURS = 256
"""Different sets of sources that may meet in one transaction where order is not kept. With a few
dozen sources that descend from one another there could be more of them than there are units."""


class FlowArrays(NamedTuple):
    """Transactions in processing order with everything that a policy needs to know of them.

    The slots are, in this order: the sources, the rows of `given_value`, the rows of
    `reward_value`, and the remainders that have one.
    """

    taken_first: Int64Array
    """Shape (transactions + 1): rows of `taken_slot` and `taken_value`."""

    taken_slot: Int64Array
    """Slot of each taken amount, always one of an earlier transaction or a source; -1: clean."""

    taken_value: Int64Array

    given_first: Int64Array
    """Shape (transactions + 1): rows of `given_value`."""

    given_value: Int64Array

    reward_first: Int64Array
    """Shape (transactions + 1): rows of `reward_value`."""

    reward_value: Int64Array
    """What is given that is no coin: the subsidy and fees that a coinbase collects, backward."""

    remainder: Int64Array
    """Taken and not given: the fee, or 0 backward."""

    remainder_slot: Int64Array
    """Slot of each remainder; -1 where there is none, backward."""

    crowded: BoolArray
    """Transactions so wide that they are entered only with a large enough tainted share."""

    source_value: Int64Array

    source_deadline: Int64Array
    """Last rank that each source's horizon allows."""

    source_colour: Int64Array
    """Which of the asked sources name the coin, as bits; the same for all: not told apart."""

    slot_stop: UInt8Array
    """What is known to end the path at each slot whatever the amount, else FOLLOWED."""

    slot_rank: Int64Array
    """Place in processing order of the transaction that following the slot would enter."""

    returns_to: Int64Array
    """Slot of the declared source that each row of `given_value` is, else -1."""


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
    """Where the slot's segments start in the pool. They are runs of units where the policy keeps
    order; else, and only where sources are told apart, amounts that ascend by colour."""

    segment_count: Int64Array
    """0 for slots that were passed on: their segments are gone."""

    pool_length: Int64Array
    pool_colour: Int64Array

    told_apart: bool
    """Whether the colours are good; if not, too many of them met, and nothing here is."""

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
    rewards = sources + len(arrays.given_value)
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
    in_order = policy in (_FIFO, _LIFO)
    many = False
    told_apart = True
    for slot in range(sources):
        many = many or arrays.source_colour[slot] != arrays.source_colour[0]
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
        pool_colour[slot] = arrays.source_colour[slot]
        segment_first[slot] = slot
        segment_count[slot] = 1 if in_order or many else 0
    used = sources
    stream_length = np.empty(64, np.int64)
    stream_colour = np.empty(64, np.int64)
    shares = np.empty(64, np.int64)
    share_first = np.empty(64, np.int64)
    share_count = np.empty(64, np.int64)
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
        coins = arrays.given_first[step + 1] - arrays.given_first[step]
        given = arrays.given_value[arrays.given_first[step] : arrays.given_first[step + 1]]
        if arrays.reward_first[step + 1] > arrays.reward_first[step]:
            collected = slice(arrays.reward_first[step], arrays.reward_first[step + 1])
            given = np.concatenate((given, arrays.reward_value[collected]))
        width = len(given)
        if width + 1 > len(shares):
            shares = np.empty(2 * (width + 1), np.int64)
            share_first = np.empty(len(shares), np.int64)
            share_count = np.empty(len(shares), np.int64)
        count = 0
        if in_order or many:
            room = stream_room(slots, segment_count)
            if room > len(stream_length):
                stream_length = np.empty(2 * room, np.int64)
                stream_colour = np.empty(2 * room, np.int64)
            if in_order:
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
            else:
                count = gather_colours(
                    slots,
                    segment_first,
                    segment_count,
                    pool_length,
                    pool_colour,
                    stream_length,
                    stream_colour,
                )
                if count > MOST_COLOURS:
                    told_apart = False
                    break
            for slot in slots:
                if slot >= 0:
                    segment_count[slot] = 0
            room = segment_room(policy, count, width + 1)
            if many:
                # Coins of declared sources take over the colours that came back to them.
                room = 2 * room + width
            if used + room > len(pool_length):
                pool_length, pool_colour, used = compact_pool(
                    segment_first, segment_count, pool_length, pool_colour, room
                )
        used = share_out(
            policy,
            tainted,
            given,
            arrays.remainder[step],
            stream_length,
            stream_colour,
            count,
            shares[: width + 1],
            share_first[: width + 1],
            share_count[: width + 1],
            pool_length,
            pool_colour,
            used,
        )
        remainder_taint[step] = shares[width]
        for j in range(width + 1):
            if shares[j] == 0:
                continue
            if j < coins:
                slot = sources + arrays.given_first[step] + j
            elif j < width:
                slot = rewards + arrays.reward_first[step] + j - coins
            else:
                slot = arrays.remainder_slot[step]
            if slot < 0:
                continue
            amount[slot] = shares[j]
            segment_first[slot] = share_first[j]
            segment_count[slot] = share_count[j]
            hops[slot] = fewest_hops + 1
            deadline[slot] = latest
            reason[slot] = stop_reason(
                arrays.slot_stop[slot],
                shares[j],
                limits.min_value,
                fewest_hops + 1,
                limits.max_hops,
                arrays.slot_rank[slot],
                latest,
            )
            if not many or j >= coins:
                continue
            source = arrays.returns_to[slot - sources]
            if source >= 0:
                past = used
                if in_order or policy == _POISON:
                    past = overlay(
                        share_first[j],
                        share_count[j],
                        arrays.source_colour[source],
                        pool_length,
                        pool_colour,
                        used,
                    )
                else:
                    past = add_own_colour(
                        share_first[j],
                        share_count[j],
                        amount[source],
                        arrays.source_colour[source],
                        pool_length,
                        pool_colour,
                        used,
                    )
                segment_first[source] = used
                segment_count[source] = past - used
                used = past
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
        told_apart,
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
    sources, given = len(arrays.source_value), len(arrays.given_value)
    has_slot = arrays.remainder_slot >= 0
    coins = sources + given + len(arrays.reward_value)
    slots = coins + int(np.count_nonzero(has_slot))
    for name, length in (
        ("taken_first", steps + 1),
        ("given_first", steps + 1),
        ("reward_first", steps + 1),
        ("remainder_slot", steps),
        ("crowded", steps),
        ("taken_slot", len(arrays.taken_value)),
        ("source_deadline", sources),
        ("source_colour", sources),
        ("slot_stop", slots),
        ("slot_rank", slots),
        ("returns_to", given),
    ):
        if len(getattr(arrays, name)) != length:
            raise ValueError(f"{name} must have {length} rows")
    for name, rows in (("taken", "taken_value"), ("given", "given_value"),
                       ("reward", "reward_value")):  # fmt: skip
        offsets: Int64Array = getattr(arrays, f"{name}_first")
        check_offsets(f"{name}_first", offsets, len(getattr(arrays, rows)))
        if np.any(np.diff(offsets) < 0):
            raise ValueError("offsets must not fall")
    for name in ("taken_value", "given_value", "reward_value", "remainder", "source_value"):
        column: Int64Array = getattr(arrays, name)
        if len(column) and not 0 <= int(column.min()) <= int(column.max()) <= LARGEST_AMOUNT:
            raise ValueError(f"{name} holds an amount outside 0 to {LARGEST_AMOUNT}")
    if np.any(arrays.source_colour <= 0):
        raise ValueError("a source without a colour would be clean")
    if np.any(arrays.remainder_slot[has_slot] != np.arange(coins, slots)):
        raise ValueError("the remainders have the last slots, in order")
    if np.any((arrays.returns_to < -1) | (arrays.returns_to >= sources)):
        raise ValueError("a coin returns to no source")
    _check_balance(arrays, has_slot)


def _check_balance(arrays: FlowArrays, has_slot: BoolArray) -> None:
    """Check that coins are taken once, after they were given, and that nothing is made."""
    steps = np.arange(len(arrays.remainder))
    taker = np.repeat(steps, np.diff(arrays.taken_first))
    giver = np.repeat(steps, np.diff(arrays.given_first))
    collector = np.repeat(steps, np.diff(arrays.reward_first))
    origin = np.concatenate(
        [np.full(len(arrays.source_value), -1), giver, collector, steps[has_slot]]
    )
    is_tainted = arrays.taken_slot >= 0
    taken = arrays.taken_slot[is_tainted]
    if np.any(arrays.taken_slot < -1) or np.any(taken >= len(origin)):
        raise ValueError("a transaction takes a coin that no earlier one gives")
    if np.any(origin[taken] >= taker[is_tainted]):
        raise ValueError("a transaction takes a coin that no earlier one gives")
    if len(taken) and int(np.bincount(taken).max()) > 1:
        raise ValueError("a coin is taken twice")
    balance = arrays.remainder.astype(np.int64)
    np.add.at(balance, giver, arrays.given_value)
    np.add.at(balance, collector, arrays.reward_value)
    np.subtract.at(balance, taker, arrays.taken_value)
    if np.any(balance < 0):
        raise ValueError("a transaction takes more than it gives and leaves")
