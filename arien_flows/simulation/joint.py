"""Transactions that several owners sign: CoinJoins in three shapes, PayJoin, joint payments.

The shapes are those that published detection rules describe (equal outputs of a taker and his
makers, five-by-five mixes, many standard amounts), so that each rule has something to find.
PayJoin and joint payments have no shape: there the multi-input rule must fail.
"""

import numpy as np

from arien_flows.simulation.coins import gather, owner_of, pick, picked_sat
from arien_flows.simulation.constants import constant
from arien_flows.simulation.payments import (
    UNSETTLED_SAT,
    ask,
    ask_jointly,
    fee_of,
    put_change_as,
    put_data,
    put_payment,
    put_payment_as,
    transaction_weight,
    wallet_column,
)
from arien_flows.simulation.people import any_user, plain_amount
from arien_flows.simulation.rng import draw
from arien_flows.simulation.roles import Actor, Kind, Purpose
from arien_flows.simulation.state import (
    NOBODY,
    Request,
    Setting,
    State,
    postmix_list,
    premix_list,
)
from arien_flows.simulation.wallets import Column, Form
from heuristics.jit import kernel

FULL_RATE = constant(100)
"""Per cent of the block's fee rate that joint transactions pay."""

MAKER_FEE_SAT = 1_200
SMALLEST_JOIN_CHANGE_SAT = 12_000

POOL_SAT = constant(1_000_000)
"""The amount of the five-by-five pool: 0.01 BTC."""

POOL_FEE_SAT = constant(50_000)
PREMIX_SURPLUS_SAT = 25_000
"""What a coin carries into its first mix, for the miner."""

MOST_ENTRIES = 8
ENTRY_COINS = constant(4)
"""Most coins that are split together on the way into the pool."""

SMALLEST_DENOMINATION_SAT = constant(8_192)
DENOMINATIONS_EACH = 8
"""Most standard outputs of one participant; the rest is change."""

ROUND_SHARE_WEIGHT = constant(272 + DENOMINATIONS_EACH * 172)
"""Weight units that each coin of a round pays for: its input and as much as eight outputs."""

MIX_SIZE = constant(5)
SMALLEST_ROUND_COIN_SAT = 100_000

TRIES = 400
"""Users asked before a round is given up."""


@kernel
def takes_part(s: State, owner: int) -> bool:
    """Return whether the owner has one of the picked coins."""
    found = False
    for i in range(s.request[Request.INPUTS]):
        found = found or owner_of(s, s.picked[i]) == owner
    return bool(found)


@kernel
def find_makers(s: State, parties: int, smallest_sat: int) -> None:
    """Pick coins of users who do not take part yet, until there are `parties` coins or no luck."""
    for _ in range(TRIES):
        if s.request[Request.INPUTS] == parties:
            return
        maker = any_user(s)
        offer = s.lists[maker]["head"]
        if offer >= 0 and s.coins[offer]["value_sat"] >= smallest_sat and not takes_part(s, maker):
            pick(s, offer)


@kernel
def equal_outputs(s: State, coin: int, height: int) -> bool:
    """Join a taker's coin with two to five makers' in equal outputs, each with its change."""
    value = s.coins[coin]["value_sat"]
    amount = plain_amount(s, owner_of(s, coin), value * (40 + draw(s.random, 40)) // 100)
    if amount < SMALLEST_ROUND_COIN_SAT:
        return False
    pick(s, coin)
    find_makers(s, 3 + draw(s.random, 4), amount + 2 * SMALLEST_JOIN_CHANGE_SAT)
    parties = s.request[Request.INPUTS]
    if parties < 3:
        return False
    for i in range(parties):
        owner = owner_of(s, s.picked[i])
        form = wallet_column(s, owner, Column.RECEIVE_FORM.value)
        put_payment_as(s, owner, form, amount, Purpose.ORDINARY.value, NOBODY)
        rest = s.coins[s.picked[i]]["value_sat"] - amount
        put_change_as(s, owner, form, rest + MAKER_FEE_SAT)
    # The taker pays the miner and the makers.
    fee = fee_of(s, transaction_weight(s), FULL_RATE, height)
    s.payments[1]["value_sat"] -= fee + parties * MAKER_FEE_SAT
    if s.payments[1]["value_sat"] < SMALLEST_JOIN_CHANGE_SAT or not changes_differ(s, amount):
        return False
    return ask_jointly(s, s.owners[Actor.COORDINATOR]["wallet"], Kind.EQUAL_OUTPUTS.value)


@kernel
def changes_differ(s: State, amount: int) -> bool:
    """Return whether every change is unlike the others and unlike the joined amount."""
    for i in range(s.request[Request.INPUTS]):
        value = s.payments[2 * i + 1]["value_sat"]
        if value == amount:
            return False
        for j in range(i):
            if s.payments[2 * j + 1]["value_sat"] == value:
                return False
    return True


@kernel
def suits_round(s: State, coin: int) -> bool:
    """Return whether a coin is large enough and P2WPKH or P2TR, as standard rounds demand."""
    form = s.addresses[s.coins[coin]["address"]]["form"]
    native = form == Form.P2WPKH or form == Form.P2TR
    return bool(native and s.coins[coin]["value_sat"] >= SMALLEST_ROUND_COIN_SAT)


@kernel
def find_round(s: State, wanted: int) -> bool:
    """Pick suitable coins of many users, at most two of each; return whether there are enough."""
    for _ in range(TRIES):
        user = any_user(s)
        if takes_part(s, user):
            continue
        offer = s.lists[user]["head"]
        taken = 0
        while offer >= 0 and taken < 2 and s.request[Request.INPUTS] < wanted:
            if suits_round(s, offer):
                pick(s, offer)
                taken += 1
            offer = int(np.int64(s.coins[offer]["list_next"]))
        if s.request[Request.INPUTS] == wanted:
            return True
    return False


@kernel
def sort_picked(s: State) -> None:
    """Order the picked coins by falling value."""
    for i in range(1, s.request[Request.INPUTS]):
        coin = s.picked[i]
        j = i
        while j > 0 and s.coins[s.picked[j - 1]]["value_sat"] < s.coins[coin]["value_sat"]:
            s.picked[j] = s.picked[j - 1]
            j -= 1
        s.picked[j] = coin


@kernel
def put_denominations(s: State, owner: int, amount_sat: int) -> None:
    """Add a participant's outputs: powers of two, the largest first, and change.

    What is left and too little for change goes to the miner.
    """
    form = Form.P2WPKH.value
    if wallet_column(s, owner, Column.RECEIVE_FORM.value) == Form.P2TR:
        form = Form.P2TR.value
    amount = amount_sat
    chip = SMALLEST_DENOMINATION_SAT
    while chip * 2 <= amount:
        chip *= 2
    chips = 0
    while chip >= SMALLEST_DENOMINATION_SAT and chips < DENOMINATIONS_EACH:
        if chip <= amount:
            put_payment_as(s, owner, form, chip, Purpose.ORDINARY.value, NOBODY)
            amount -= chip
            chips += 1
        chip //= 2
    if amount >= SMALLEST_JOIN_CHANGE_SAT:
        put_change_as(s, owner, form, amount)


@kernel
def denominations(s: State, coin: int, height: int) -> bool:
    """Join coins of many users into standard amounts, inputs and outputs sorted by value."""
    if not suits_round(s, coin):
        return False
    pick(s, coin)
    if not find_round(s, s.settings[Setting.ROUND_INPUTS]):
        return False
    share = fee_of(s, ROUND_SHARE_WEIGHT, FULL_RATE, height)
    for i in range(s.request[Request.INPUTS]):
        owner = owner_of(s, s.picked[i])
        amount = 0
        is_first = True
        for j in range(s.request[Request.INPUTS]):
            if owner_of(s, s.picked[j]) == owner:
                is_first = is_first and j >= i
                amount += s.coins[s.picked[j]]["value_sat"] - share
        if is_first and amount >= SMALLEST_DENOMINATION_SAT:
            put_denominations(s, owner, amount)
    sort_picked(s)
    return ask_jointly(s, s.owners[Actor.COORDINATOR]["wallet"], Kind.DENOMINATIONS.value)


@kernel
def enter_mix(s: State, owner: int, coin: int) -> bool:
    """Split coins into equal ones for the five-by-five pool, pay its fee, keep the change."""
    each = POOL_SAT + PREMIX_SURPLUS_SAT
    gather(s, owner, coin, 3 * each, ENTRY_COINS)
    entries = min(MOST_ENTRIES, (picked_sat(s) - POOL_FEE_SAT - 300_000) // each)
    if entries < 1:
        return False
    put_data(s)
    coordinator = Actor.COORDINATOR.value
    put_payment_as(s, coordinator, Form.P2WPKH.value, POOL_FEE_SAT, Purpose.ORDINARY.value, NOBODY)
    for _ in range(entries):
        put_payment_as(s, owner, Form.P2WPKH.value, each, Purpose.PREMIX.value, NOBODY)
    return ask(s, owner, Kind.MIX_ENTRY.value)


@kernel
def pick_apart(s: State, source: int, wanted: int) -> None:
    """Pick coins of a list until `wanted` are picked in all, each of another owner.

    Only the coordinator's coins, with which the pool started, may be picked together.
    """
    coin = s.lists[source]["head"]
    for _ in range(TRIES):
        if coin < 0 or s.request[Request.INPUTS] == wanted:
            return
        owner = owner_of(s, coin)
        if owner == Actor.COORDINATOR or not takes_part(s, owner):
            pick(s, coin)
        coin = int(np.int64(s.coins[coin]["list_next"]))


@kernel
def five_by_five(s: State) -> bool:
    """Mix two to four new coins with remixed ones of the pool into five equal outputs."""
    owners = s.settings[Setting.OWNERS]
    pick_apart(s, premix_list(owners), 2 + draw(s.random, 3))
    if s.request[Request.INPUTS] < 2:
        return False
    pick_apart(s, postmix_list(owners), MIX_SIZE)
    if s.request[Request.INPUTS] < MIX_SIZE:
        return False
    for i in range(MIX_SIZE):
        owner = owner_of(s, s.picked[i])
        put_payment_as(s, owner, Form.P2WPKH.value, POOL_SAT, Purpose.POSTMIX.value, NOBODY)
    # New coins and remixed ones must not be told apart by their place.
    for i in range(MIX_SIZE - 1, 0, -1):
        j = draw(s.random, i + 1)
        s.picked[i], s.picked[j] = s.picked[j], s.picked[i]
    return ask_jointly(s, s.owners[Actor.COORDINATOR]["wallet"], Kind.FIVE_BY_FIVE.value)


@kernel
def payjoin(s: State, sender: int, coin: int, height: int) -> bool:
    """Pay a user who adds a coin of his own, which he gets back with the payment."""
    payee = any_user(s)
    other = s.lists[payee]["head"]
    if payee == sender or other < 0:
        return False
    share = 10 + draw(s.random, 60)
    amount = plain_amount(s, sender, s.coins[coin]["value_sat"] * share // 100)
    pick(s, coin)
    pick(s, other)
    together = amount + s.coins[other]["value_sat"]
    put_payment(s, payee, together, Purpose.ORDINARY.value, NOBODY)
    put_change_as(s, sender, wallet_column(s, sender, Column.CHANGE_FORM.value), UNSETTLED_SAT)
    fee = fee_of(s, transaction_weight(s), FULL_RATE, height)
    change = s.coins[coin]["value_sat"] - amount - fee
    if change < SMALLEST_JOIN_CHANGE_SAT:
        return False
    s.payments[1]["value_sat"] = change
    return ask_jointly(s, s.owners[sender]["wallet"], Kind.PAYJOIN.value)


@kernel
def pay_jointly(s: State, owner: int, coin: int, height: int) -> bool:
    """Pay somebody together with another user, each from one coin and with change."""
    partner = any_user(s)
    other = s.lists[partner]["head"]
    if partner == owner or other < 0:
        return False
    pick(s, coin)
    pick(s, other)
    mine = s.coins[coin]["value_sat"] * (20 + draw(s.random, 50)) // 100
    yours = s.coins[other]["value_sat"] * (20 + draw(s.random, 50)) // 100
    put_payment(s, any_user(s), mine + yours, Purpose.ORDINARY.value, NOBODY)
    for i in range(2):
        payer = owner_of(s, s.picked[i])
        rest = s.coins[s.picked[i]]["value_sat"] - (mine if i == 0 else yours)
        put_change_as(s, payer, wallet_column(s, payer, Column.CHANGE_FORM.value), rest)
    s.payments[1]["value_sat"] -= fee_of(s, transaction_weight(s), FULL_RATE, height)
    one, two = s.payments[1]["value_sat"], s.payments[2]["value_sat"]
    if min(one, two) < SMALLEST_JOIN_CHANGE_SAT or one == two:
        return False
    return ask_jointly(s, s.owners[owner]["wallet"], Kind.JOINT_PAYMENT.value)
