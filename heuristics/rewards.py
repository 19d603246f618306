"""Fees that go on: from the transactions of a block to its coinbase, and back.

A coinbase collects the subsidy and the fees of its block's other transactions. Its stream is the
fees in the order of their transactions with the subsidy before or after them (programs disagree,
so it is a parameter); what its outputs leave of it, the unclaimed reward, is destroyed. Backward
the same coinbase gives the subsidy, which was newly mined, and each transaction its fee.

A fee is no output, so it has no number of its own. Here the fee of transaction `t` counts as coin
`outputs + t`, behind all outputs of the ledger. A coinbase pays no fee; its number stands for the
subsidy backward and for the unclaimed reward forward.

A coinbase stands first in its block and still takes from all others, so it is processed after
them (`processing_order`). Nothing in the block can depend on it: it has to mature.
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import Int64Array, UInt8Array, UInt32Array, read_only
from heuristics.jit import kernel
from heuristics.stops import (
    Direction,
    SpendColumns,
    StopRules,
    entered_transaction,
    known_stop,
    owner_of_row,
    share_columns,
    share_rules,
)
from heuristics.taint import Number, Stop

_FORWARD = int(Direction.FORWARD)
_BACKWARD = int(Direction.BACKWARD)
_DESTROYED = int(Stop.DESTROYED)
_NEWLY_MINED = int(Stop.NEWLY_MINED)
_FEE = int(Stop.FEE)
_COINJOIN = int(Stop.COINJOIN)
_TIME_WINDOW = int(Stop.TIME_WINDOW)
_FOLLOWED = int(Stop.FOLLOWED)


class Rewards(NamedTuple):
    """What is needed to follow fees; without blocks they are not followed."""

    first_transaction: Int64Array
    """Shape (blocks + 1): the coinbases, and the number of transactions; or empty."""

    subsidy: Int64Array
    """What each block may create."""

    subsidy_last: bool
    """Whether the subsidy comes after the fees in a coinbase's stream."""


def no_rewards() -> Rewards:
    """Return what says that fees are not followed."""
    return Rewards(np.empty(0, np.int64), np.empty(0, np.int64), subsidy_last=False)


def share_rewards(rewards: Rewards) -> Rewards:
    """Return the rewards as the kernels are compiled for."""
    return Rewards(
        read_only(rewards.first_transaction), read_only(rewards.subsidy), bool(rewards.subsidy_last)
    )


@kernel
def collects(transaction: Number, columns: SpendColumns, rewards: Rewards) -> bool:
    """Return whether fees are followed and the transaction is a coinbase."""
    return (
        len(rewards.first_transaction) > 0
        and columns.first_input[transaction] == columns.first_input[transaction + 1]
    )


@kernel
def fee_of(transaction: Number, columns: SpendColumns) -> int:
    """Return what a transaction takes and does not give; not positive for a coinbase."""
    fee = 0
    for row in range(columns.first_input[transaction], columns.first_input[transaction + 1]):
        fee += columns.input_value[row]
    for row in range(columns.first_output[transaction], columns.first_output[transaction + 1]):
        fee -= columns.output_value[row]
    return fee


@kernel
def collected(
    coinbase: Number, columns: SpendColumns, rewards: Rewards
) -> tuple[Int64Array, Int64Array]:
    """Return the stream of a coinbase: coin numbers and amounts."""
    block = owner_of_row(rewards.first_transaction, coinbase)
    past = rewards.first_transaction[block + 1]
    outputs = len(columns.output_value)
    coins = np.empty(past - coinbase, np.int64)
    values = np.empty(past - coinbase, np.int64)
    subsidy = past - coinbase - 1 if rewards.subsidy_last else 0
    coins[subsidy] = outputs + coinbase
    values[subsidy] = rewards.subsidy[block]
    row = 0 if rewards.subsidy_last else 1
    for transaction in range(coinbase + 1, past):
        coins[row] = outputs + transaction
        values[row] = fee_of(transaction, columns)
        row += 1
    return coins, values


@kernel
def taken_by(
    direction: int, transaction: Number, columns: SpendColumns, rewards: Rewards
) -> tuple[Int64Array, Int64Array]:
    """Return the coin numbers (-1: from outside) and amounts that a transaction takes, in order."""
    first_in, past_in = columns.first_input[transaction], columns.first_input[transaction + 1]
    first_out, past_out = columns.first_output[transaction], columns.first_output[transaction + 1]
    if direction == _FORWARD:
        if collects(transaction, columns, rewards):
            coins, values = collected(transaction, columns, rewards)
            # New money is clean, and the number stands for the unclaimed reward.
            coins[len(coins) - 1 if rewards.subsidy_last else 0] = -1
            return coins, values
        return (
            columns.spent_output[first_in:past_in].copy(),
            columns.input_value[first_in:past_in].copy(),
        )
    width = past_out - first_out
    if len(rewards.first_transaction) == 0 or first_in == past_in:
        return np.arange(first_out, past_out), columns.output_value[first_out:past_out].copy()
    coins = np.arange(first_out, past_out + 1)
    values = np.empty(width + 1, np.int64)
    values[:width] = columns.output_value[first_out:past_out]
    coins[width] = len(columns.output_value) + transaction
    values[width] = fee_of(transaction, columns)
    return coins, values


@kernel
def reward_stop(
    direction: int,
    transaction: Number,
    entered: Number,
    columns: SpendColumns,
    rules: StopRules,
) -> Number:
    """Return the first rule that ends a path at the fee (or subsidy) of a transaction."""
    if columns.first_input[transaction] == columns.first_input[transaction + 1]:
        return _DESTROYED if direction == _FORWARD else _NEWLY_MINED
    if entered < 0:
        return _FEE
    if direction == _BACKWARD and entered < len(rules.marks) and rules.marks[entered] != 0:
        return _COINJOIN
    return _TIME_WINDOW if is_outside(entered, rules) else _FOLLOWED


@kernel
def is_outside(entered: Number, rules: StopRules) -> bool | np.bool_:
    """Return whether a transaction lies outside the time window."""
    return entered < rules.first_transaction or entered > rules.last_transaction


@kernel
def led_into(direction: int, coin: Number, columns: SpendColumns, rewards: Rewards) -> Number:
    """Return the transaction that following a coin or a fee leads into, or -1."""
    transaction = coin - len(columns.output_value)
    if transaction < 0:
        return entered_transaction(direction, coin, columns)
    if (
        len(rewards.first_transaction) == 0
        or columns.first_input[transaction] == columns.first_input[transaction + 1]
    ):
        return -1
    if direction == _BACKWARD:
        return transaction
    block = owner_of_row(rewards.first_transaction, transaction)
    return np.int64(rewards.first_transaction[block])


@kernel
def stop_at(
    direction: int,
    is_source: bool,
    coin: Number,
    address: Number,
    entered: Number,
    columns: SpendColumns,
    rules: StopRules,
    rewards: Rewards,
) -> Number:
    """Return the first rule that ends a path at a coin or a fee, or FOLLOWED.

    As `heuristics.stops.known_stop`, but that a coinbase is no end backward where fees are
    followed: part of what it pays is newly mined, and part is fees.
    """
    if coin >= len(columns.output_value):
        transaction = coin - len(columns.output_value)
        return reward_stop(direction, transaction, entered, columns, rules)
    reason = known_stop(direction, is_source, coin, address, entered, columns, rules)
    if reason == _NEWLY_MINED and len(rewards.first_transaction) > 0:
        return _TIME_WINDOW if is_outside(entered, rules) else _FOLLOWED
    return reason


@kernel
def _stops_at(
    direction: int,
    coins: Int64Array,
    addresses: UInt32Array,
    columns: SpendColumns,
    rules: StopRules,
    rewards: Rewards,
) -> tuple[UInt8Array, Int64Array]:
    stops = np.empty(len(coins), np.uint8)
    entered = np.empty(len(coins), np.int64)
    for i in range(len(coins)):
        entered[i] = led_into(direction, coins[i], columns, rewards)
        stops[i] = stop_at(
            direction,
            i < len(rules.sources),
            coins[i],
            np.int64(addresses[i]),
            entered[i],
            columns,
            rules,
            rewards,
        )
    return stops, entered


def stops_at(
    direction: Direction,
    coins: Int64Array,
    addresses: UInt32Array,
    columns: SpendColumns,
    rules: StopRules,
    rewards: Rewards,
) -> tuple[UInt8Array, Int64Array]:
    """Return for each coin or fee the stop known beforehand and the transaction it leads into.

    That is -1 where there is none. The first `len(rules.sources)` coins are the sources
    themselves; others are output numbers, numbers of fees, or -1 for outputs from outside.
    """
    return _stops_at(
        int(direction),
        read_only(coins),
        read_only(addresses),
        share_columns(columns),
        share_rules(rules),
        share_rewards(rewards),
    )


def processing_order(
    direction: Direction, explored: Int64Array, columns: SpendColumns, rewards: Rewards
) -> Int64Array:
    """Return ascending transactions in the order in which taint passes through them."""
    forward = direction == Direction.FORWARD
    if len(rewards.first_transaction) == 0:
        return explored if forward else explored[::-1].copy()
    key = 2 * explored
    is_coinbase = columns.first_input[explored] == columns.first_input[explored + 1]
    coinbases = explored[is_coinbase]
    blocks = np.searchsorted(rewards.first_transaction, coinbases, side="right") - 1
    key[is_coinbase] = 2 * rewards.first_transaction[blocks + 1].astype(np.int64) - 1
    return explored[np.argsort(key if forward else -key, kind="stable")]
