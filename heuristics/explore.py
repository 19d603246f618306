"""Best-first search: which transactions are worth looking at next.

A trace can meet far more transactions than anybody can wait for, so the largest amounts on the
shortest paths go first: the order is `tainted amount * 0.95 ** hops`, ties to the earlier output.
The search applies the policy to each transaction with what it knows at that moment. That is an
estimate, because more taint may arrive at a transaction later; it decides the order and nothing
else. The exact amounts come from `heuristics.propagate` over everything that was found.
"""

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heuristics.columns import NO_ADDRESS, Int64Array, read_only
from heuristics.jit import kernel
from heuristics.prefetch import THREADS, WORTH_THREADS, side_by_side
from heuristics.propagate import NO_DEADLINE, FlowLimits, compact_pool
from heuristics.rewards import (
    Rewards,
    collected,
    collects,
    led_into,
    share_rewards,
    stop_at,
    taken_by,
)
from heuristics.segments import gather_stream, stream_room
from heuristics.stops import (
    Direction,
    SpendColumns,
    StopRules,
    find_sorted,
    share_columns,
    share_rules,
)
from heuristics.taint import Policy, Stop, share_out, stop_reason

DECAY = 0.95
"""Weight lost with each hop [algorithm specification, §3.5]."""

_FORWARD = int(Direction.FORWARD)
_NO_ADDRESS = np.int64(NO_ADDRESS)
_FIFO = int(Policy.FIFO)
_LIFO = int(Policy.LIFO)
_FOLLOWED = int(Stop.FOLLOWED)

_POOL_LIMIT = 2**25
"""Segments by which a round may add to those of its frontier; with more of them it ends early."""


class Frontier(NamedTuple):
    """Tainted coins and fees that no rule stops and whose next transaction is not explored yet."""

    coin: Int64Array
    """Output numbers, or those of fees (`heuristics.rewards`)."""

    amount: Int64Array
    hops: Int64Array
    deadline: Int64Array
    segment_first: Int64Array
    segment_count: Int64Array
    pool_length: Int64Array
    pool_colour: Int64Array

    def at(self, rows: Int64Array) -> "Frontier":
        """Return some of the coins, and of the pool no more than their segments."""
        part = self._replace(**{name: getattr(self, name)[rows] for name in self._fields[:6]})
        length, colour, used = compact_pool(
            part.segment_first, part.segment_count, self.pool_length, self.pool_colour, 0
        )
        return part._replace(pool_length=length[:used], pool_colour=colour[:used])


@kernel
def _doubled(array: Int64Array, size: int) -> Int64Array:
    """Return a copy of `array` with at least `size` places, and twice as many as before."""
    larger = np.empty(max(size, 2 * len(array)), np.int64)
    larger[: len(array)] = array
    return larger


@kernel
def _explore(
    direction: int,
    policy: int,
    quota: int,
    crowded_width: int,
    limits: FlowLimits,
    weights: NDArray[np.float64],
    frontier: Frontier,
    explored: Int64Array,
    columns: SpendColumns,
    rules: StopRules,
    rewards: Rewards,
) -> Int64Array:
    outputs = len(columns.output_value)
    known = len(frontier.coin)
    entered = _doubled(np.empty(known, np.int64), 1024)
    amount = _doubled(frontier.amount, 1024)
    hops = _doubled(frontier.hops, 1024)
    deadline = _doubled(frontier.deadline, 1024)
    segment_first = _doubled(frontier.segment_first, 1024)
    segment_count = _doubled(frontier.segment_count, 1024)
    used = len(frontier.pool_length)
    pool_length = np.empty(used + 1024, np.int64)
    pool_colour = np.empty(used + 1024, np.int64)
    pool_length[:used] = frontier.pool_length
    pool_colour[:used] = frontier.pool_colour
    living = used
    most_living = used + _POOL_LIMIT
    stream_length = np.empty(64, np.int64)
    stream_colour = np.empty(64, np.int64)

    place_of = {np.int64(-1): np.int64(-1)}
    found_already = {np.int64(-1): True}
    heap = [(0.0, np.int64(-1), np.int64(-1))]
    heap.pop()
    for place in range(known):
        coin = frontier.coin[place]
        entered[place] = led_into(direction, coin, columns, rewards)
        place_of[coin] = np.int64(place)
        weight = -np.float64(amount[place]) * weights[hops[place]]
        heapq.heappush(heap, (weight, coin, np.int64(place)))

    found = np.empty(quota, np.int64)
    found_count = 0
    while len(heap) > 0 and found_count < quota:
        transaction = entered[heapq.heappop(heap)[2]]
        if transaction in found_already:
            continue
        found_already[transaction] = True
        found[found_count] = transaction
        found_count += 1

        first_in = columns.first_input[transaction]
        past_in = columns.first_input[transaction + 1]
        first_out = columns.first_output[transaction]
        past_out = columns.first_output[transaction + 1]
        taken_coins, taken = taken_by(direction, transaction, columns, rewards)
        slots = np.full(len(taken), -1, np.int64)
        tainted = 0
        total = 0
        fewest_hops = limits.max_hops
        latest = -NO_DEADLINE
        for k in range(len(taken)):
            total += taken[k]
            coin = taken_coins[k]
            if coin >= 0 and coin in place_of:
                slots[k] = place_of[coin]
                tainted += amount[slots[k]]
                fewest_hops = min(fewest_hops, hops[slots[k]])
                latest = max(latest, deadline[slots[k]])
        if tainted == 0:
            # Sources that are worth nothing lead nowhere.
            continue
        if past_out - first_out > crowded_width and (
            tainted * 100 < total * limits.crowded_percent
        ):
            continue

        follows_fee = False
        remainder = 0
        if direction == _FORWARD:
            given_coins = np.arange(first_out, past_out)
            given = columns.output_value[first_out:past_out].copy()
            remainder = max(total - given.sum(), 0)
            follows_fee = len(rewards.first_transaction) > 0 and past_in > first_in
        elif collects(transaction, columns, rewards):
            given_coins, given = collected(transaction, columns, rewards)
        else:
            given_coins = columns.spent_output[first_in:past_in].copy()
            given = columns.input_value[first_in:past_in].copy()
        width = len(given)
        shares = np.zeros(width + 1, np.int64)
        share_first = np.zeros(width + 1, np.int64)
        share_count = np.zeros(width + 1, np.int64)
        count = 0
        if policy in (_FIFO, _LIFO):
            room = stream_room(slots, segment_count)
            if room > len(stream_length):
                stream_length = np.empty(2 * room, np.int64)
                stream_colour = np.empty(2 * room, np.int64)
            count = gather_stream(
                slots,
                taken,
                segment_first,
                segment_count,
                pool_length,
                pool_colour,
                stream_length,
                stream_colour,
            )
            # A transaction is entered once, so nothing asks for the segments that it took again.
            for slot in slots:
                if slot >= 0:
                    living -= segment_count[slot]
                    segment_count[slot] = 0
            room = count + width + 2
            if living + room > most_living:
                break
            if used + room > len(pool_length):
                pool_length, pool_colour, used = compact_pool(
                    segment_first[:known], segment_count[:known], pool_length, pool_colour, room
                )
        used = share_out(
            policy,
            tainted,
            given,
            remainder,
            stream_length,
            stream_colour,
            count,
            shares,
            share_first,
            share_count,
            pool_length,
            pool_colour,
            used,
        )
        if known + width + 1 > len(amount):
            room = known + width + 1
            entered = _doubled(entered, room)
            amount = _doubled(amount, room)
            hops = _doubled(hops, room)
            deadline = _doubled(deadline, room)
            segment_first = _doubled(segment_first, room)
            segment_count = _doubled(segment_count, room)
        for j in range(width + 1 if follows_fee else width):
            if shares[j] == 0:
                continue
            coin = given_coins[j] if j < width else outputs + transaction
            address = _NO_ADDRESS
            if coin < outputs and direction == _FORWARD:
                address = np.int64(columns.output_address[first_out + j])
            elif coin < outputs:
                address = np.int64(columns.input_address[first_in + j])
            target = led_into(direction, coin, columns, rewards)
            reason = stop_reason(
                stop_at(direction, False, coin, address, target, columns, rules, rewards),
                shares[j],
                limits.min_value,
                fewest_hops + 1,
                limits.max_hops,
                target if direction == _FORWARD else -target,
                latest,
            )
            if reason != _FOLLOWED:
                continue
            if target in found_already or find_sorted(explored, target) >= 0:
                # Taint that arrives late; the exact pass accounts for it.
                continue
            entered[known] = target
            amount[known] = shares[j]
            hops[known] = fewest_hops + 1
            deadline[known] = latest
            segment_first[known] = share_first[j]
            segment_count[known] = share_count[j]
            living += share_count[j]
            place_of[coin] = np.int64(known)
            weight = -np.float64(shares[j]) * weights[fewest_hops + 1]
            heapq.heappush(heap, (weight, coin, np.int64(known)))
            known += 1
    return found[:found_count]


class Search(NamedTuple):
    """What decides how the search goes, besides the ledger and the stop rules."""

    direction: Direction
    policy: Policy
    crowded_width: int
    limits: FlowLimits


def explore(
    search: Search,
    quota: int,
    frontier: Frontier,
    explored: Int64Array,
    columns: SpendColumns,
    rules: StopRules,
    rewards: Rewards,
) -> Int64Array:
    """Return up to `quota` transactions to explore next, in the order in which they were chosen.

    `explored` holds the transactions known before, ascending; none of them leads on from the
    frontier. At least one transaction is returned where the frontier is not empty.

    Raises
    ------
    ValueError
        If the quota is not positive.
    """
    if quota < 1:
        raise ValueError("the quota must be positive")
    return _explore(
        int(search.direction),
        int(search.policy),
        quota,
        search.crowded_width,
        search.limits,
        read_only(_weights(search.limits)),
        Frontier._make(read_only(array) for array in frontier),
        read_only(explored),
        share_columns(columns),
        share_rules(rules),
        share_rewards(rewards),
    )


def read_ahead(
    search: Search,
    quota: int,
    frontier: Frontier,
    explored: Int64Array,
    columns: SpendColumns,
    rules: StopRules,
    rewards: Rewards,
) -> None:
    """Touch what exploring will read, by exploring from parts of the frontier side by side.

    Each thread takes every sixteenth coin of the frontier, the best first, and its share of the
    quota, so that together they go nearly where one search over the whole frontier goes; where
    they do not, pages are read that nobody needed, or one by one as without this.
    """
    if len(frontier.coin) < WORTH_THREADS:
        return
    best_first = np.argsort(-(frontier.amount * _weights(search.limits)[frontier.hops]))
    side_by_side(
        lambda rows: explore(
            search, -(-quota // THREADS), frontier.at(rows), explored, columns, rules, rewards
        ),
        [best_first[i::THREADS] for i in range(THREADS)],
    )


def _weights(limits: FlowLimits) -> NDArray[np.float64]:
    """Return the weight of an amount by its hops."""
    weights = np.full(limits.max_hops + 2, DECAY)
    weights[0] = 1.0
    return np.multiply.accumulate(weights)
