"""Coins: making and spending them, their lists, and when somebody looks at them next."""

import numpy as np

from arien_flows.simulation.constants import constant
from arien_flows.simulation.rng import draw, spread
from arien_flows.simulation.roles import Purpose, Role
from arien_flows.simulation.state import (
    Counter,
    Request,
    Setting,
    State,
    deposit_list,
    postmix_list,
    premix_list,
)
from heuristics.jit import kernel

EVERYTHING_SAT = constant(2**62)
"""More than anybody has: picks as many coins as may be picked."""

MANY_COINS = constant(40)
SOME_COINS = constant(12)
FEW_COINS = constant(3)


@kernel
def enlist(s: State, coin: int, target: int) -> None:
    """Put a coin at the head of a list, where the newest are."""
    head = s.lists[target]["head"]
    if head < 0:
        s.lists[target]["tail"] = coin
    s.coins[coin]["list"] = target
    s.coins[coin]["list_next"] = head
    s.coins[coin]["list_previous"] = -1
    if head >= 0:
        s.coins[head]["list_previous"] = coin
    s.lists[target]["head"] = coin
    s.lists[target]["count"] += 1


@kernel
def delist(s: State, coin: int) -> None:
    """Take a coin off its list, if it is on one."""
    target = s.coins[coin]["list"]
    if target < 0:
        return
    before = s.coins[coin]["list_previous"]
    after = s.coins[coin]["list_next"]
    if before >= 0:
        s.coins[before]["list_next"] = after
    else:
        s.lists[target]["head"] = after
    if after >= 0:
        s.coins[after]["list_previous"] = before
    else:
        s.lists[target]["tail"] = before
    s.lists[target]["count"] -= 1
    s.coins[coin]["list"] = -1


@kernel
def schedule(s: State, coin: int, height: int) -> None:
    """Put a coin in the bucket of a block; past the tip it is never looked at."""
    if height <= s.settings[Setting.TIP_HEIGHT]:
        s.coins[coin]["bucket_next"] = s.buckets[height]
        s.buckets[height] = coin


@kernel
def owner_of(s: State, coin: int) -> int:
    """Return who holds a coin that has an address."""
    return int(np.int64(s.addresses[s.coins[coin]["address"]]["owner"]))


@kernel
def resting_list(s: State, owner: int, purpose: int) -> int:
    """Return the list on which a new coin of this purpose waits; -1 for none."""
    owners = s.settings[Setting.OWNERS]
    if purpose == Purpose.ORDINARY:
        return owner
    if (
        purpose == Purpose.ACCOUNT_DEPOSIT
        or purpose == Purpose.EXCHANGE_DEPOSIT
        or purpose == Purpose.MIXER_DEPOSIT
    ):
        return deposit_list(owners, owner)
    if purpose == Purpose.PREMIX:
        return premix_list(owners)
    if purpose == Purpose.POSTMIX:
        return postmix_list(owners)
    return -1


@kernel
def waiting_blocks(s: State, owner: int, purpose: int) -> int:
    """Return after how many blocks somebody looks at a new coin; -1 for never, 0 for the same.

    Spend ages are heavy-tailed, as on the real chain: about uniform in their logarithm up to the
    length of the whole chain for people, shorter for services, which sweep and pay out daily.
    """
    role = s.owners[owner]["role"]
    ten_days = s.settings[Setting.BLOCKS_PER_TEN_DAYS]
    if (
        purpose == Purpose.KEPT
        or role == Role.VICTIM
        or role == Role.THIEF
        or role == Role.COORDINATOR
    ):
        return -1
    if purpose == Purpose.COINBASE:
        return 100 + draw(s.random, 4)
    if role == Role.MARKET or role == Role.EXCHANGE or role == Role.MIXER or role == Role.PEELER:
        if purpose == Purpose.COLD:
            return int(ten_days * 3 + spread(s.random, s.settings[Setting.ECONOMY_BLOCKS]))
        return spread(s.random, ten_days + 1)
    if purpose == Purpose.PREMIX:
        return spread(s.random, ten_days + 1)
    if draw(s.random, 100) < 4:
        return 0
    return spread(s.random, s.settings[Setting.ECONOMY_BLOCKS])


@kernel
def add_coin(
    s: State,
    value_sat: int,
    address: int,
    purpose: int,
    party: int,
    height: int,
) -> int:
    """Append an output to the transaction in the making and return its number.

    `address` is -1 for an `OP_RETURN` output. A coinbase joins its owner's list once it is mature.
    """
    coin = s.counters[Counter.COINS]
    s.counters[Counter.COINS] = coin + 1
    s.coins[coin]["value_sat"] = value_sat
    s.coins[coin]["address"] = address
    s.coins[coin]["purpose"] = purpose
    s.coins[coin]["party"] = party
    s.coins[coin]["list"] = -1
    if address < 0:
        return int(coin)
    owner = owner_of(s, coin)
    target = resting_list(s, owner, purpose)
    if target >= 0:
        enlist(s, coin, target)
    wait = waiting_blocks(s, owner, purpose)
    if wait >= 0:
        schedule(
            s,
            coin,
            max(
                height + wait,
                s.settings[Setting.TIP_HEIGHT] - s.settings[Setting.ECONOMY_BLOCKS] + 1,
            ),
        )
    return int(coin)


@kernel
def spend_coin(s: State, coin: int) -> None:
    """Append an input that spends a coin to the transaction in the making."""
    delist(s, coin)
    s.coins[coin]["is_spent"] = 1
    row = s.counters[Counter.INPUTS]
    s.counters[Counter.INPUTS] = row + 1
    s.inputs[row] = coin


@kernel
def begin(s: State) -> None:
    """Forget what was proposed before."""
    s.request[Request.INPUTS] = 0
    s.request[Request.OUTPUTS] = 0


@kernel
def pick(s: State, coin: int) -> None:
    """Add an input to the proposal."""
    s.picked[s.request[Request.INPUTS]] = coin
    s.request[Request.INPUTS] += 1


@kernel
def has_picked(s: State, coin: int) -> bool:
    """Return whether a coin is among the picked ones."""
    found = False
    for i in range(s.request[Request.INPUTS]):
        found = found or s.picked[i] == coin
    return bool(found)


@kernel
def picked_sat(s: State) -> int:
    """Return the worth of the picked coins."""
    worth = 0
    for i in range(s.request[Request.INPUTS]):
        worth += s.coins[s.picked[i]]["value_sat"]
    return int(worth)


@kernel
def first_choice(s: State, source: int) -> int:
    """Return the coin of a list that its owner would spend first; -1 where there is none.

    One in three spends the newest first, the others the oldest.
    """
    return int(s.lists[source]["head"] if source % 3 == 0 else s.lists[source]["tail"])


@kernel
def next_choice(s: State, source: int, coin: int) -> int:
    """Return the coin that comes after another in that order; -1 at the end."""
    older = s.coins[coin]["list_next"]
    newer = s.coins[coin]["list_previous"]
    return int(np.int64(older if source % 3 == 0 else newer))


@kernel
def gather(s: State, source: int, first: int, wanted_sat: int, most: int) -> None:
    """Pick `first` and then coins of a list, as its owner would, until they are worth enough.

    At most `most` coins are picked, instead of those picked before; they may be worth less than
    `wanted_sat`.
    """
    s.request[Request.INPUTS] = 0
    pick(s, first)
    worth = s.coins[first]["value_sat"]
    coin = first_choice(s, source)
    while coin >= 0 and s.request[Request.INPUTS] < most and worth < wanted_sat:
        if coin != first:
            pick(s, coin)
            worth += s.coins[coin]["value_sat"]
        coin = next_choice(s, source, coin)
