"""What markets, exchanges and the custodial mixer do with coins they hold."""

import numpy as np

from arien_flows.simulation.coins import (
    EVERYTHING_SAT,
    FEW_COINS,
    MANY_COINS,
    SOME_COINS,
    gather,
    owner_of,
    pick,
    picked_sat,
)
from arien_flows.simulation.constants import constant
from arien_flows.simulation.payments import (
    UNSETTLED_SAT,
    ask,
    ask_all,
    ask_to_consolidate,
    put_payment,
    put_payment_as,
    transaction_weight,
    wallet_fee,
)
from arien_flows.simulation.people import any_user, any_vendor, plain_amount
from arien_flows.simulation.rng import draw, spread
from arien_flows.simulation.roles import COMMISSION_PERCENT, Actor, Kind, Purpose
from arien_flows.simulation.state import NOBODY, Counter, Request, Setting, State, deposit_list
from arien_flows.simulation.wallets import Form
from heuristics.jit import kernel

COMMISSION_A = COMMISSION_PERCENT[Actor.MARKET_A]
COMMISSION_B = COMMISSION_PERCENT[Actor.MARKET_B]

REFUND_EVERY = 16
"""One order in so many goes wrong, and the buyer gets his money back."""

SMALLEST_PAYOUT_SAT = 20_000

MIXER_FEE_PERCENT = 3
MIXER_UNIT_SAT = constant(100_000)
"""The mixer pays out this times powers of two."""

MIXER_FEE_RESERVE_SAT = 50_000

MOST_CHIPS = 12
"""Largest number of such outputs in a payout."""


@kernel
def commission_sat(market: int, amount_sat: int) -> int:
    """Return what a market keeps of an amount, rounded down."""
    percent = COMMISSION_A if market == Actor.MARKET_A else COMMISSION_B
    return amount_sat * percent // 100


@kernel
def sweep(s: State, service: int, coin: int, kind: int) -> bool:
    """Move deposits to the hot wallet; now and then a hot coin is spent with them."""
    source = deposit_list(s.settings[Setting.OWNERS], service)
    gather(s, source, coin, EVERYTHING_SAT, 4 + draw(s.random, 28))
    hot = s.lists[service]["head"]
    if hot >= 0 and draw(s.random, 3) == 0:
        pick(s, hot)
    put_payment(s, service, UNSETTLED_SAT, Purpose.ORDINARY.value, NOBODY)
    return ask_all(s, service, kind)


@kernel
def settle_order(s: State, market: int, coin: int, height: int) -> bool:
    """End an escrow: pay vendor and commission, or refund the buyer."""
    buyer = int(np.int64(s.coins[coin]["party"]))
    vendor = int(np.int64(s.addresses[s.coins[coin]["address"]]["party"]))
    pick(s, coin)
    s.counters[Counter.ORDERS] += 1
    if s.counters[Counter.ORDERS] % REFUND_EVERY == 0:
        put_payment(s, buyer, UNSETTLED_SAT, Purpose.ORDINARY.value, NOBODY)
        return ask_all(s, market, Kind.ESCROW_REFUND.value)
    # The fee comes off first, so that commission and vendor's share keep an exact ratio.
    put_payment(s, vendor, UNSETTLED_SAT, Purpose.ORDINARY.value, NOBODY)
    put_payment(s, market, UNSETTLED_SAT, Purpose.ORDINARY.value, NOBODY)
    weight = transaction_weight(s)
    wallet = s.owners[market]["wallet"]
    amount = s.coins[coin]["value_sat"] - wallet_fee(s, wallet, weight, height)
    commission = commission_sat(market, amount)
    if commission < 1_000:
        return False
    s.payments[0]["value_sat"] = amount - commission
    s.payments[1]["value_sat"] = commission
    return ask(s, market, Kind.ESCROW_RELEASE.value)


@kernel
def pay_vendors(s: State, market: int, coin: int) -> bool:
    """Pay out what the market owes to vendors, in one batch."""
    gather(s, market, coin, EVERYTHING_SAT, FEW_COINS)
    left = picked_sat(s) * 9 // 10
    for _ in range(12):
        vendor = any_vendor(s)
        owed = s.owners[vendor]["owed_sat"][market - Actor.MARKET_A.value]
        if SMALLEST_PAYOUT_SAT <= owed <= left and not is_paid(s, vendor):
            put_payment(s, vendor, owed, Purpose.ORDINARY.value, NOBODY)
            left -= owed
    if s.request[Request.OUTPUTS] == 0:
        return False
    return ask(s, market, Kind.VENDOR_PAYOUT.value)


@kernel
def is_paid(s: State, owner: int) -> bool:
    """Return whether the proposal already pays the owner."""
    found = False
    for i in range(s.request[Request.OUTPUTS]):
        found = found or s.payments[i]["owner"] == owner
    return bool(found)


@kernel
def act_as_market(s: State, coin: int, height: int) -> bool:
    """Sweep an account deposit, settle an escrow, or pay vendors."""
    market = owner_of(s, coin)
    purpose = s.coins[coin]["purpose"]
    if purpose == Purpose.ACCOUNT_DEPOSIT:
        return sweep(s, market, coin, Kind.MARKET_SWEEP.value)
    if purpose == Purpose.ESCROW or purpose == Purpose.ESCROW_MULTISIG:
        return settle_order(s, market, coin, height)
    if pay_vendors(s, market, coin):
        return True
    if s.lists[market]["count"] > SOME_COINS:
        gather(s, market, coin, EVERYTHING_SAT, MANY_COINS)
        return ask_to_consolidate(s, market)
    return False


@kernel
def withdraw(s: State, exchange: int, coin: int) -> bool:
    """Pay customers from the hot wallet: one, or a batch."""
    gather(s, exchange, coin, EVERYTHING_SAT, FEW_COINS)
    worth = picked_sat(s)
    payees = 1 if draw(s.random, 10) < 3 else 2 + draw(s.random, 40)
    payees = min(payees, 1 + worth // 200_000)
    for _ in range(payees):
        share = worth * 7 // 10 // payees
        amount = plain_amount(s, exchange, share * (100 - spread(s.random, 90)) // 100)
        if amount < SMALLEST_PAYOUT_SAT:
            return False
        put_payment(s, any_user(s), amount, Purpose.ORDINARY.value, NOBODY)
    return ask(s, exchange, Kind.EXCHANGE_WITHDRAWAL.value)


@kernel
def act_as_exchange(s: State, coin: int) -> bool:
    """Sweep deposits, pay withdrawals, keep a part cold."""
    exchange = owner_of(s, coin)
    purpose = s.coins[coin]["purpose"]
    if purpose == Purpose.EXCHANGE_DEPOSIT:
        return sweep(s, exchange, coin, Kind.EXCHANGE_SWEEP.value)
    if purpose == Purpose.COLD:
        pick(s, coin)
        put_payment(s, exchange, UNSETTLED_SAT, Purpose.ORDINARY.value, NOBODY)
        return ask_all(s, exchange, Kind.COLD_STORAGE.value)
    worth = s.coins[coin]["value_sat"]
    if draw(s.random, 100) < 6 and worth > 10_000_000:
        pick(s, coin)
        put_payment_as(
            s, exchange, Form.P2WSH_MULTISIG.value, worth // 2, Purpose.COLD.value, NOBODY
        )
        return ask(s, exchange, Kind.COLD_STORAGE.value)
    if withdraw(s, exchange, coin):
        return True
    if s.lists[exchange]["count"] > SOME_COINS:
        gather(s, exchange, coin, EVERYTHING_SAT, MANY_COINS)
        return ask_to_consolidate(s, exchange)
    return False


@kernel
def act_as_mixer(s: State, coin: int) -> bool:
    """Pay the customer of one deposit from other people's deposits, in fixed amounts.

    The deposit itself stays in the pool, where it pays somebody else later.
    """
    customer = int(np.int64(s.coins[coin]["party"]))
    if customer < 0:
        return False
    due = s.coins[coin]["value_sat"] * (100 - MIXER_FEE_PERCENT) // 100
    chips = 0
    chip = MIXER_UNIT_SAT
    while chip * 2 <= due:
        chip *= 2
    paid = 0
    while chip >= MIXER_UNIT_SAT and chips < MOST_CHIPS:
        if paid + chip <= due:
            put_payment(s, customer, chip, Purpose.ORDINARY.value, NOBODY)
            paid += chip
            chips += 1
        else:
            chip //= 2
    if not pick_from_pool(s, coin, paid + MIXER_FEE_RESERVE_SAT):
        return False
    return ask(s, Actor.MIXER.value, Kind.MIXER_PAYOUT.value)


@kernel
def pick_from_pool(s: State, apart_from: int, wanted_sat: int) -> bool:
    """Pick mixer coins other than one; return whether they are worth what is wanted."""
    worth = 0
    source = Actor.MIXER.value
    for _ in range(2):
        coin = s.lists[source]["head"]
        while coin >= 0 and worth < wanted_sat and s.request[Request.INPUTS] < MANY_COINS:
            if coin != apart_from:
                pick(s, coin)
                worth += s.coins[coin]["value_sat"]
            coin = int(np.int64(s.coins[coin]["list_next"]))
        source = deposit_list(s.settings[Setting.OWNERS], Actor.MIXER.value)
    return bool(worth >= wanted_sat)


@kernel
def keep_books(s: State, coin: int, number: int) -> None:
    """Note what a service's transaction changes in what it owes; `coin` is what came up."""
    transaction = s.transactions[number]
    kind = transaction["kind"]
    market = int(np.int64(transaction["sender"]))
    place = market - Actor.MARKET_A.value
    if kind == Kind.MIXER_PAYOUT:
        # The customer of this deposit has been served; the coin stays in the pool.
        s.coins[coin]["party"] = -1
    elif kind == Kind.MARKET_SWEEP:
        for row in range(transaction["first_input"], s.counters[Counter.INPUTS]):
            swept = s.coins[s.inputs[row]]
            if swept["purpose"] == Purpose.ACCOUNT_DEPOSIT:
                value = swept["value_sat"]
                owed = value - commission_sat(market, value)
                s.owners[swept["party"]]["owed_sat"][place] += owed
    elif kind == Kind.VENDOR_PAYOUT:
        for paid in range(transaction["first_output"], s.counters[Counter.COINS]):
            if not s.coins[paid]["is_change"]:
                s.owners[owner_of(s, paid)]["owed_sat"][place] -= s.coins[paid]["value_sat"]
