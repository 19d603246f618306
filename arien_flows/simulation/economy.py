"""The economy: block after block, coins come up and their owners decide.

A coin comes up in the block for which it was scheduled when it was made. If a block needs more
transactions than coins come up, coins of later blocks are looked at early; if it needs fewer, the
rest is put off. So the number of transactions in every block, and in all, is exactly as planned.
"""

import numpy as np

from arien_flows.simulation.coins import (
    EVERYTHING_SAT,
    SOME_COINS,
    add_coin,
    begin,
    enlist,
    gather,
    owner_of,
    schedule,
    waiting_blocks,
)
from arien_flows.simulation.constants import constant
from arien_flows.simulation.joint import (
    denominations,
    enter_mix,
    equal_outputs,
    five_by_five,
    pay_jointly,
    payjoin,
)
from arien_flows.simulation.payments import ask_to_consolidate, new_address, receiving_address
from arien_flows.simulation.people import (
    act_as_supplier,
    act_as_vendor,
    any_exchange,
    any_user,
    buy,
    buy_directly,
    deposit,
    mix,
    note,
    pay,
    pay_out,
    pay_wages,
    peel,
    store_in_multisig,
)
from arien_flows.simulation.rng import draw
from arien_flows.simulation.roles import Action, Actor, Kind, Purpose, Role
from arien_flows.simulation.services import (
    act_as_exchange,
    act_as_market,
    act_as_mixer,
    keep_books,
)
from arien_flows.simulation.state import (
    NOBODY,
    ROOM,
    UNCOMPRESSED,
    Counter,
    Request,
    Setting,
    State,
)
from arien_flows.simulation.wallets import Form
from arien_flows.simulation.writing import carry_out
from heuristics.jit import kernel

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
"""Answer of `make_block`: no coin could be spent."""

CROWDED = -2
"""Answer of `make_block`: the tables need more room; call again with larger ones."""


@kernel
def subsidy_sat(height: int) -> int:
    """Return the new coins of a block: 50 BTC, halved every 150 blocks."""
    halvings = height // 150
    return 5_000_000_000 >> halvings if halvings < 33 else 0


SHARES = (
    (Action.DEPOSIT, 130),
    (Action.BUY_ON_ACCOUNT, 80),
    (Action.BUY_IN_ESCROW, 70),
    (Action.BUY_IN_MULTISIG, 50),
    (Action.BUY_DIRECTLY, 20),
    (Action.MIX, 20),
    (Action.EQUAL_OUTPUTS, 8),
    (Action.DENOMINATIONS, 2),
    (Action.MIX_ENTRY, 6),
    (Action.PAYJOIN, 4),
    (Action.PAY_JOINTLY, 3),
    (Action.NOTE, 10),
    (Action.BARE_MULTISIG, 3),
    (Action.DONATE, 8),
    (Action.CONSOLIDATE, 46),
    (Action.PAY, 540),
)
"""What users feel like doing, in thousandths."""

ACTIONS = np.repeat([int(action) for action, _ in SHARES], [share for _, share in SHARES])
"""Each action as often as its share says."""


@kernel
def do_action(s: State, coin: int, action: int, height: int) -> bool:
    """Let a user propose something; return whether he did."""
    owner = owner_of(s, coin)
    if action == Action.DEPOSIT:
        return deposit(s, owner, coin, any_exchange(s))
    if action == Action.BUY_ON_ACCOUNT:
        return buy(s, owner, coin, Purpose.ACCOUNT_DEPOSIT.value)
    if action == Action.BUY_IN_ESCROW:
        return buy(s, owner, coin, Purpose.ESCROW.value)
    if action == Action.BUY_IN_MULTISIG:
        return buy(s, owner, coin, Purpose.ESCROW_MULTISIG.value)
    if action == Action.BUY_DIRECTLY:
        return buy_directly(s, owner, coin)
    if action == Action.MIX:
        return mix(s, owner, coin)
    if action == Action.EQUAL_OUTPUTS:
        return equal_outputs(s, coin, height)
    if action == Action.DENOMINATIONS:
        return denominations(s, coin, height)
    if action == Action.MIX_ENTRY:
        return enter_mix(s, owner, coin)
    if action == Action.PAYJOIN:
        return payjoin(s, owner, coin, height)
    if action == Action.PAY_JOINTLY:
        return pay_jointly(s, owner, coin, height)
    if action == Action.NOTE:
        return note(s, owner, coin)
    if action == Action.BARE_MULTISIG:
        return store_in_multisig(s, owner, coin)
    if action == Action.DONATE:
        return pay(s, owner, coin, Actor.DONATION.value, Kind.DONATION.value)
    if action == Action.CONSOLIDATE:
        gather(s, owner, coin, EVERYTHING_SAT, SOME_COINS)
        return bool(s.request[Request.INPUTS] > 2 and ask_to_consolidate(s, owner))
    return pay(s, owner, coin, any_user(s), Kind.PAYMENT.value)


@kernel
def act_as_user(s: State, coin: int, attempt: int, height: int) -> bool:
    """Propose what must happen once, else what the user feels like, else to pay somebody."""
    done = s.counters[Counter.FORCED]
    if attempt == 0:
        if done < len(s.forced) and height >= s.settings[Setting.FORCED_FROM]:
            return do_action(s, coin, s.forced[done], height)
        return False
    if attempt == 1:
        return do_action(s, coin, ACTIONS[draw(s.random, len(ACTIONS))], height)
    return do_action(s, coin, Action.PAY.value, height)


@kernel
def propose(s: State, coin: int, attempt: int, height: int) -> bool:
    """Let the owner of a coin propose a transaction; return whether he did.

    Only users try something else at another attempt.
    """
    owner = owner_of(s, coin)
    role = s.owners[owner]["role"]
    if s.coins[coin]["purpose"] == Purpose.PREMIX:
        return attempt == 0 and five_by_five(s)
    if role == Role.USER:
        return act_as_user(s, coin, attempt, height)
    if attempt > 0:
        return False
    if role == Role.VENDOR:
        return act_as_vendor(s, coin)
    if role == Role.EXCHANGE:
        return act_as_exchange(s, coin)
    if role == Role.MARKET:
        return act_as_market(s, coin, height)
    if role == Role.MINER:
        return pay_out(s, owner, coin)
    if role == Role.MIXER:
        return act_as_mixer(s, coin)
    if role == Role.PEELER:
        return peel(s, owner, coin)
    if role == Role.PAYROLL:
        return pay_wages(s, owner, coin)
    if role == Role.SUPPLIER:
        return act_as_supplier(s, coin)
    return deposit(s, owner, coin, any_exchange(s))


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
def next_coin(s: State, height: int) -> int:
    """Take the next unspent coin of the block's bucket, or of the nearest later one; or -1."""
    bucket = height
    while bucket <= s.settings[Setting.TIP_HEIGHT]:
        coin = s.buckets[bucket]
        if coin < 0:
            bucket += 1
            continue
        s.buckets[bucket] = s.coins[coin]["bucket_next"]
        # A coinbase comes up at its maturity and never before.
        if not s.coins[coin]["is_spent"] and not (
            bucket > height and s.coins[coin]["purpose"] == Purpose.COINBASE
        ):
            return int(np.int64(coin))
        if not s.coins[coin]["is_spent"]:
            schedule(s, coin, bucket + 1)
            if s.buckets[bucket] < 0:
                bucket += 1
    return False


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
