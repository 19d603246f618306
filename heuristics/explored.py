"""Explored transactions as local arrays: what they take and give, slot by slot.

The ledger's columns know outputs by number; taint is computed over slots (`heuristics.propagate`).
Here a set of explored transactions is read from the ledger, put into processing order, and its
coins and fees are given slots with the stops that are known beforehand.
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import NO_ADDRESS, BoolArray, Int64Array, UInt8Array, UInt32Array, read_only
from heuristics.jit import kernel
from heuristics.propagate import NO_DEADLINE, FlowArrays
from heuristics.rewards import (
    Rewards,
    collected,
    collects,
    processing_order,
    share_rewards,
    stops_at,
    taken_by,
)
from heuristics.stops import Direction, SpendColumns, StopRules, find_sorted, share_columns
from heuristics.taint import Stop

_FORWARD = int(Direction.FORWARD)


class RewardError(ValueError):
    """A block whose fees cannot be followed, because it breaks the rules of its chain."""

    def __init__(self, transaction: int, fault: str) -> None:
        super().__init__(f"transaction {transaction} {fault}")
        self.transaction = transaction
        self.fault = fault


class Layout(NamedTuple):
    """Explored transactions as local arrays, and what their rows are in the ledger."""

    transactions: Int64Array
    """Explored transactions in processing order: ascending forward, descending backward; where
    fees are followed, coinbases at the late end of their block."""

    coins: Int64Array
    """Output number of each slot that is a coin, -1 outside the ledger: the sources, then what
    each transaction gives (its outputs forward, what its inputs spend backward)."""

    given_row: Int64Array
    """Output (forward) or input (backward) number of each slot after the sources."""

    entered: Int64Array
    """Transaction that each slot leads into, or -1; slots of fees and subsidies come last."""

    rewards: Int64Array
    """Of each slot that is no coin: the transaction that pays the fee, or the coinbase whose
    subsidy or unclaimed reward it is."""

    arrays: FlowArrays


class _Rows(NamedTuple):
    """What transactions take and give, in ledger numbers."""

    taken_first: Int64Array
    taken_coin: Int64Array
    taken_value: Int64Array
    given_first: Int64Array
    given_row: Int64Array
    given_coin: Int64Array
    given_value: Int64Array
    given_address: UInt32Array
    reward_first: Int64Array
    reward_coin: Int64Array
    reward_value: Int64Array
    remainder: Int64Array


@kernel
def _read(
    direction: int,
    transactions: Int64Array,
    explored: Int64Array,
    columns: SpendColumns,
    rewards: Rewards,
) -> _Rows:
    steps = len(transactions)
    outputs = len(columns.output_value)
    most_taken = most_given = most_rewards = 0
    for transaction in transactions:
        width_in = columns.first_input[transaction + 1] - columns.first_input[transaction]
        width_out = columns.first_output[transaction + 1] - columns.first_output[transaction]
        block_size = 0
        if collects(transaction, columns, rewards):
            block_size = len(collected(transaction, columns, rewards)[0])
        if direction == _FORWARD:
            most_taken += width_in + block_size
            most_given += width_out
        else:
            most_taken += width_out + 1
            most_given += width_in
            most_rewards += block_size
    taken_first = np.zeros(steps + 1, np.int64)
    taken_coin = np.empty(most_taken, np.int64)
    taken_value = np.empty(most_taken, np.int64)
    given_first = np.zeros(steps + 1, np.int64)
    given_row = np.empty(most_given, np.int64)
    given_coin = np.empty(most_given, np.int64)
    given_value = np.empty(most_given, np.int64)
    given_address = np.empty(most_given, np.uint32)
    reward_first = np.zeros(steps + 1, np.int64)
    reward_coin = np.empty(most_rewards, np.int64)
    reward_value = np.empty(most_rewards, np.int64)
    remainder = np.zeros(steps, np.int64)
    taken = given = found = 0
    for step in range(steps):
        transaction = transactions[step]
        is_collector = collects(transaction, columns, rewards)
        coins, values = taken_by(direction, transaction, columns, rewards)
        if direction == _FORWARD:
            remainder[step] = values.sum()
        if direction == _FORWARD and is_collector:
            # A block has thousands of fees; those of unexplored transactions are clean.
            clean = 0
            for k in range(len(coins)):
                if coins[k] < 0 or find_sorted(explored, coins[k] - outputs) < 0:
                    clean += values[k]
                    continue
                if clean > 0:
                    taken_coin[taken], taken_value[taken] = -1, clean
                    clean = 0
                    taken += 1
                taken_coin[taken], taken_value[taken] = coins[k], values[k]
                taken += 1
            if clean > 0:
                taken_coin[taken], taken_value[taken] = -1, clean
                taken += 1
        else:
            past = taken + len(coins)
            taken_coin[taken:past], taken_value[taken:past] = coins, values
            taken = past
        if direction == _FORWARD:
            for row in range(
                columns.first_output[transaction], columns.first_output[transaction + 1]
            ):
                given_row[given] = row
                given_coin[given] = row
                given_value[given] = columns.output_value[row]
                given_address[given] = columns.output_address[row]
                remainder[step] -= given_value[given]
                given += 1
        else:
            for row in range(
                columns.first_input[transaction], columns.first_input[transaction + 1]
            ):
                given_row[given] = row
                given_coin[given] = columns.spent_output[row]
                given_value[given] = columns.input_value[row]
                given_address[given] = columns.input_address[row]
                given += 1
            if is_collector:
                coins, values = collected(transaction, columns, rewards)
                past = found + len(coins)
                reward_coin[found:past], reward_value[found:past] = coins, values
                found = past
        taken_first[step + 1], given_first[step + 1] = taken, given
        reward_first[step + 1] = found
    return _Rows(
        taken_first,
        taken_coin[:taken],
        taken_value[:taken],
        given_first,
        given_row,
        given_coin,
        given_value,
        given_address,
        reward_first,
        reward_coin,
        reward_value,
        remainder,
    )


def lay_out(
    direction: Direction,
    crowded_width: int,
    source_deadline: Int64Array,
    source_colour: Int64Array,
    explored: Int64Array,
    columns: SpendColumns,
    rules: StopRules,
    rewards: Rewards,
) -> Layout:
    """Return the explored transactions as local arrays; `explored` ascends.

    Raises
    ------
    RewardError
        If fees are followed, and a block pays itself more than it may or spends what it mines.
    """
    forward = direction == Direction.FORWARD
    transactions = processing_order(direction, explored, columns, rewards)
    rows = _read(
        int(direction),
        read_only(transactions),
        read_only(explored),
        share_columns(columns),
        share_rewards(rewards),
    )
    outputs, sources = len(columns.output_value), rules.sources
    _check_rewards(transactions, rows)
    fee_coin = transactions + outputs if forward else np.empty(0, np.int64)
    is_followed = len(rewards.first_transaction) > 0
    coins = np.concatenate([sources, rows.given_coin])
    others = np.concatenate([rows.reward_coin, fee_coin])
    addresses: UInt32Array = np.concatenate(
        [
            columns.output_address[sources],
            rows.given_address,
            np.full(len(others), NO_ADDRESS, np.uint32),
        ]
    )
    stops, entered = stops_at(
        direction,
        np.concatenate([coins, others]) if is_followed else coins,
        addresses,
        columns,
        rules,
        rewards,
    )
    if not is_followed:
        stops = np.concatenate([stops, np.full(len(others), Stop.FEE, np.uint8)])
        entered = np.concatenate([entered, np.full(len(others), -1)])
    stops[~_is_in(entered, explored) & (stops > Stop.BUDGET)] = Stop.BUDGET
    given = np.concatenate([rows.given_coin, others]) if is_followed else rows.given_coin
    past_coins = len(coins) + len(rows.reward_coin)
    width_out = columns.first_output[transactions + 1] - columns.first_output[transactions]
    arrays = FlowArrays(
        taken_first=rows.taken_first,
        taken_slot=_slots_of(rows.taken_coin, sources, given),
        taken_value=rows.taken_value,
        given_first=rows.given_first,
        given_value=rows.given_value,
        reward_first=rows.reward_first,
        reward_value=rows.reward_value,
        remainder=rows.remainder,
        remainder_slot=(
            np.arange(past_coins, past_coins + len(transactions))
            if forward
            else np.full(len(transactions), -1)
        ),
        crowded=width_out > crowded_width,
        source_value=columns.output_value[sources],
        source_deadline=source_deadline,
        source_colour=source_colour,
        slot_stop=stops,
        # What leads into no transaction that is known is past no deadline.
        slot_rank=np.where(entered < 0, -NO_DEADLINE, entered if forward else -entered),
        returns_to=_returns_to(rows.given_coin, stops[len(sources) :], sources),
    )
    if is_followed:
        _check_order(transactions, arrays, len(coins))
    return Layout(
        transactions=transactions,
        coins=coins,
        given_row=rows.given_row,
        entered=entered,
        rewards=others - outputs,
        arrays=arrays,
    )


def _check_rewards(transactions: Int64Array, rows: _Rows) -> None:
    balance = rows.remainder.copy()
    collectors = np.flatnonzero(np.diff(rows.reward_first))
    for step in collectors.tolist():
        taken = rows.taken_value[rows.taken_first[step] : rows.taken_first[step + 1]]
        reward = rows.reward_value[rows.reward_first[step] : rows.reward_first[step + 1]]
        balance[step] = int(reward.sum()) - int(taken.sum())
    if np.any(balance < 0):
        unpaid = int(transactions[np.flatnonzero(balance < 0)[0]])
        raise RewardError(unpaid, "pays more than its subsidy and the fees of its block")


def _check_order(transactions: Int64Array, arrays: FlowArrays, coins: int) -> None:
    """Refuse a coinbase that is spent in its own block, and so before it is all collected."""
    taker = np.repeat(np.arange(len(transactions)), np.diff(arrays.taken_first))
    known = len(arrays.source_value) + arrays.given_first[taker]
    early = np.flatnonzero((arrays.taken_slot >= known) & (arrays.taken_slot < coins))
    if len(early):
        raise RewardError(int(transactions[taker[early[0]]]), "spends what its own block mines")


def _returns_to(coins: Int64Array, stops: UInt8Array, sources: Int64Array) -> Int64Array:
    """Return the place of each coin among the sources where taint returns to one, else -1."""
    places = np.full(len(coins), -1, np.int64)
    returning = np.flatnonzero(stops[: len(coins)] == Stop.RETAINTED)
    places[returning] = np.searchsorted(sources, coins[returning])
    return places


def _is_in(wanted: Int64Array, ascending: Int64Array) -> BoolArray:
    if len(ascending) == 0:
        return np.zeros(len(wanted), np.bool_)
    place = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    found: BoolArray = ascending[place] == wanted
    return found


def _slots_of(coins: Int64Array, sources: Int64Array, given: Int64Array) -> Int64Array:
    """Return the slot of each coin: a source's own, else that of the step that gives it, else -1.

    A source that a transaction gives again keeps its own slot: taint that returns to it ends
    there, and what leaves it is the source's.
    """
    slots = np.full(len(coins), -1, np.int64)
    if len(given):
        order = np.argsort(given, kind="stable")
        ascending = given[order]
        place = np.minimum(np.searchsorted(ascending, coins), len(given) - 1)
        is_given = (ascending[place] == coins) & (coins >= 0)
        slots[is_given] = len(sources) + order[place[is_given]]
    place = np.minimum(np.searchsorted(sources, coins), len(sources) - 1)
    is_source = sources[place] == coins
    slots[is_source] = place[is_source]
    return slots
