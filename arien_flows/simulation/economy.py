"""The economy: block after block, coins come up and their owners decide.

A coin comes up in the block for which it was scheduled when it was made. If a block needs more
transactions than coins come up, coins of later blocks are looked at early; if it needs fewer, the
rest is put off. So the number of transactions in every block, and in all, is exactly as planned.
"""

import numpy as np

from arien_flows.simulation.coins import (
    add_coin,
    begin,
    enlist,
    owner_of,
    schedule,
    waiting_blocks,
)
from arien_flows.simulation.constants import constant
from arien_flows.simulation.decisions import propose
from arien_flows.simulation.payments import new_address, receiving_address
from arien_flows.simulation.rng import draw
from arien_flows.simulation.roles import Actor, Kind, Purpose, Role
from arien_flows.simulation.services import keep_books
from arien_flows.simulation.state import (
    NOBODY,
    ROOM,
    UNCOMPRESSED,
    Counter,
    Setting,
    State,
)
from arien_flows.simulation.wallets import Form
from arien_flows.simulation.writing import carry_out
from chains.bitcoin.networks import COIN_SAT, REGTEST
from heuristics.jit import kernel

HALVING_BLOCKS = REGTEST.halving_interval

FULL_WEIGHT = 3_500_000
"""A block takes no more transactions beyond this; the rules allow 4,000,000."""

KEY_OUTPUT_BLOCKS = 12
"""The first blocks pay a bare key, as the first miners did."""

KEPT_COINBASES = 2
"""The first blocks' rewards start the services and the theft."""

NO_VALUE_SAT = constant(0)
"""What the commitment to the witnesses is worth."""

LOWEST_COIN_SAT = 2_000
"""Coins below this are never spent on their own."""

DRY = -1
"""Answer of `fill_block`: no coin could be spent."""

CROWDED = -2
"""Answer of `fill_block`: the tables need more room; call again with larger ones."""


@kernel
def subsidy_sat(height: int) -> int:
    """Return the new coins of a block: 50 BTC, halved as on every regtest chain."""
    return 50 * COIN_SAT >> min(height // HALVING_BLOCKS, 63)


@kernel
def wake(s: State, coin: int, height: int) -> int:
    """Let the owner of a coin act; return the transaction or -1."""
    if s.coins[coin]["value_sat"] < LOWEST_COIN_SAT:
        return -1
    if s.coins[coin]["purpose"] == Purpose.COINBASE and s.coins[coin]["list"] < 0:
        enlist(s, coin, owner_of(s, coin))
    for attempt in range(3):
        begin(s)
        if propose(s, coin, attempt, height):
            number = carry_out(s, height)
            if number >= 0:
                keep_books(s, coin, number)
                is_user = s.owners[owner_of(s, coin)]["role"] == Role.USER
                if attempt == 0 and is_user and s.coins[coin]["purpose"] != Purpose.PREMIX:
                    s.counters[Counter.FORCED] += 1
                return number
    return -1


@kernel
def take_from(s: State, bucket: int, is_early: bool) -> int:
    """Take the first unspent coin of a bucket, and drop spent ones before it; or return -1.

    A block reward is left where it is when it `is_early`: it comes up at its maturity.
    """
    before = -1
    coin = s.buckets[bucket]
    while coin >= 0:
        after = s.coins[coin]["bucket_next"]
        is_spent = s.coins[coin]["is_spent"]
        is_ready = not (is_early and s.coins[coin]["purpose"] == Purpose.COINBASE)
        if is_spent or is_ready:
            if before < 0:
                s.buckets[bucket] = after
            else:
                s.coins[before]["bucket_next"] = after
            if not is_spent:
                return int(np.int64(coin))
        else:
            before = coin
        coin = after
    return -1


@kernel
def next_coin(s: State, height: int) -> int:
    """Take the next coin of the block's bucket, or of the nearest later one; or return -1."""
    for bucket in range(height, s.settings[Setting.TIP_HEIGHT] + 1):
        coin = take_from(s, bucket, bucket > height)
        if coin >= 0:
            return coin
    return -1


@kernel
def another_wait(s: State, coin: int) -> int:
    """Return after how many blocks, at least one, a coin comes up again."""
    purpose = s.coins[coin]["purpose"]
    if purpose == Purpose.COINBASE:
        return 1 + draw(s.random, 4)
    return max(1, waiting_blocks(s, owner_of(s, coin), purpose))


@kernel
def put_off(s: State, height: int) -> None:
    """Give every coin that is left in the block's bucket another day."""
    coin = s.buckets[height]
    s.buckets[height] = -1
    while coin >= 0:
        after = s.coins[coin]["bucket_next"]
        if not s.coins[coin]["is_spent"]:
            schedule(s, coin, height + another_wait(s, coin))
        coin = after


@kernel
def open_block(s: State, height: int) -> None:
    """Append the block's coinbase; its value is filled in when the block is closed."""
    number = s.counters[Counter.TRANSACTIONS]
    s.counters[Counter.TRANSACTIONS] = number + 1
    s.first_transaction[height] = number
    miner = Actor.MINER_A + draw(s.random, 2)
    if height <= KEY_OUTPUT_BLOCKS:
        address = new_address(s, miner, Form.P2PK.value, UNCOMPRESSED * (height % 2), NOBODY)
    else:
        address = receiving_address(s, miner)
    transaction = s.transactions[number]
    transaction["first_input"] = s.counters[Counter.INPUTS]
    transaction["first_output"] = s.counters[Counter.COINS]
    transaction["sender"] = -1
    transaction["kind"] = Kind.COINBASE
    transaction["version"] = 2
    transaction["sequence"] = 0
    transaction["locktime"] = 0
    transaction["is_sorted"] = 0
    purpose = Purpose.KEPT.value if height <= KEPT_COINBASES else Purpose.COINBASE.value
    add_coin(s, subsidy_sat(height), address, purpose, NOBODY, height)
    # The commitment to the witnesses.
    add_coin(s, NO_VALUE_SAT, NOBODY, Purpose.DATA.value, NOBODY, height)
    s.counters[Counter.BLOCK_FEES] = 0
    s.counters[Counter.BLOCK_WEIGHT] = 1_200
    s.counters[Counter.BLOCK_TRANSACTIONS] = 1


@kernel
def close_block(s: State, height: int) -> None:
    """Give the miner subsidy and fees, and the coins left over another day."""
    coinbase = s.transactions[s.first_transaction[height]]["first_output"]
    s.coins[coinbase]["value_sat"] = subsidy_sat(height) + s.counters[Counter.BLOCK_FEES]
    s.first_transaction[height + 1] = s.counters[Counter.TRANSACTIONS]
    put_off(s, height)


@kernel
def has_room(s: State) -> bool:
    """Return whether every table can take what one event adds at most."""
    return bool(
        len(s.coins) - s.counters[Counter.COINS] > ROOM
        and len(s.inputs) - s.counters[Counter.INPUTS] > ROOM
        and len(s.addresses) - s.counters[Counter.ADDRESSES] > ROOM
    )


@kernel
def fill_block(s: State, height: int, quota: int) -> int:
    """Run events until the block has `quota` transactions; return how many it has.

    Returns `CROWDED` where the tables must grow first, `DRY` where nobody can pay any more. A
    block that is full by weight ends early.
    """
    failures = 0
    while s.counters[Counter.BLOCK_TRANSACTIONS] < quota:
        if s.counters[Counter.BLOCK_WEIGHT] > FULL_WEIGHT:
            break
        if not has_room(s):
            return CROWDED
        coin = next_coin(s, height)
        if coin < 0 or failures > 1_000 + 100 * quota:
            return DRY
        if wake(s, coin, height) < 0:
            failures += 1
            if s.coins[coin]["value_sat"] >= LOWEST_COIN_SAT:
                schedule(s, coin, height + another_wait(s, coin))
    return int(s.counters[Counter.BLOCK_TRANSACTIONS])
