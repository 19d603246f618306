"""What users, vendors, suppliers, miners and small services do with their coins.

Every act takes the coin that came up and proposes a transaction (see `payments`); it returns
whether it did. Whether the coins suffice is seen when the proposal is carried out.
"""

from arien_flows.simulation.coins import (
    EVERYTHING_SAT,
    FEW_COINS,
    MANY_COINS,
    SOME_COINS,
    first_choice,
    gather,
    has_picked,
    next_choice,
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
    new_address,
    own_address,
    put_data,
    put_payment,
    put_payment_as,
    put_payment_to,
    wallet_column,
)
from arien_flows.simulation.rng import draw, spread
from arien_flows.simulation.roles import Actor, Kind, Purpose
from arien_flows.simulation.state import (
    ESCROW,
    MARKETS,
    NOBODY,
    PLAIN,
    PRICES_PER_VENDOR,
    Request,
    Setting,
    State,
)
from arien_flows.simulation.wallets import Column, Form
from heuristics.jit import kernel

MARGIN_SAT = 20_000
"""What people keep back for the fee when they choose coins."""

SMALLEST_PAYMENT_SAT = 5_000

RICH_SAT = constant(10_000_000)
"""Miners gather that much before they pay out."""


@kernel
def any_user(s: State) -> int:
    """Return a user; most are met equally often, some are known to everybody."""
    users = s.settings[Setting.USERS]
    if draw(s.random, 10) < 7:
        return int(s.settings[Setting.FIRST_USER] + draw(s.random, users))
    return int(s.settings[Setting.FIRST_USER] + spread(s.random, users) - 1)


@kernel
def any_vendor(s: State) -> int:
    """Return a vendor; a few have most of the customers."""
    rank = spread(s.random, s.settings[Setting.VENDORS]) - 1
    return int(s.settings[Setting.FIRST_VENDOR] + rank)


@kernel
def any_supplier(s: State) -> int:
    """Return a supplier."""
    return int(s.settings[Setting.FIRST_SUPPLIER] + draw(s.random, s.settings[Setting.SUPPLIERS]))


@kernel
def plain_amount(s: State, payer: int, amount_sat: int) -> int:
    """Round most amounts as people do, to two digits; leave those converted from a price."""
    if draw(s.random, 10) < wallet_column(s, payer, Column.EXACT_TENTHS.value):
        return amount_sat
    unit = 1
    while amount_sat >= unit * 100:
        unit *= 10
    return amount_sat // unit * unit


@kernel
def choose_coins(s: State, owner: int, coin: int, wanted_sat: int) -> None:
    """Pick coins for a payment; full wallets add some more to grow less crowded."""
    gather(s, owner, coin, wanted_sat, MANY_COINS)
    if s.lists[owner]["count"] <= 5:
        return
    extra = draw(s.random, 1 + wallet_column(s, owner, Column.MOST_EXTRA_COINS.value))
    other = first_choice(s, owner)
    while other >= 0 and extra > 0:
        if not has_picked(s, other):
            pick(s, other)
            extra -= 1
        other = next_choice(s, owner, other)


@kernel
def affordable_sat(s: State, owner: int, coin: int) -> int:
    """Return an amount that the owner can pay: a share of this coin, or of a few of his."""
    worth = s.coins[coin]["value_sat"]
    if draw(s.random, 100) < 45:
        gather(s, owner, coin, worth * 4, FEW_COINS)
        worth = picked_sat(s)
    return plain_amount(s, owner, worth * (5 + draw(s.random, 86)) // 100)


@kernel
def account_at(s: State, customer: int, exchange: int) -> int:
    """Return the customer's deposit address, opened at the first call."""
    first = exchange == Actor.EXCHANGE_A
    known = s.owners[customer]["account_a"] if first else s.owners[customer]["account_b"]
    if known >= 0:
        return int(known)
    form = Form.P2WPKH.value if first else Form.P2SH_P2WPKH.value
    address = new_address(s, exchange, form, PLAIN, customer)
    if first:
        s.owners[customer]["account_a"] = address
    else:
        s.owners[customer]["account_b"] = address
    return address


@kernel
def any_exchange(s: State) -> int:
    """Return an exchange; the first has more customers."""
    return Actor.EXCHANGE_A.value if draw(s.random, 10) < 6 else Actor.EXCHANGE_B.value


@kernel
def pay(s: State, owner: int, coin: int, payee: int, kind: int) -> bool:
    """Pay somebody an affordable amount."""
    amount = affordable_sat(s, owner, coin)
    if amount < SMALLEST_PAYMENT_SAT:
        return False
    choose_coins(s, owner, coin, amount + MARGIN_SAT)
    put_payment(s, payee, amount, Purpose.ORDINARY.value, NOBODY)
    return ask(s, owner, kind)


@kernel
def deposit(s: State, owner: int, coin: int, exchange: int) -> bool:
    """Cash out: pay the owner's account at an exchange, often with all of the chosen coins."""
    address = account_at(s, owner, exchange)
    if draw(s.random, 10) < 4:
        choose_coins(s, owner, coin, UNSETTLED_SAT)
        put_payment_to(s, address, UNSETTLED_SAT, Purpose.EXCHANGE_DEPOSIT.value, owner)
        return ask_all(s, owner, Kind.EXCHANGE_DEPOSIT.value)
    amount = affordable_sat(s, owner, coin)
    if amount < SMALLEST_PAYMENT_SAT:
        return False
    choose_coins(s, owner, coin, amount + MARGIN_SAT)
    put_payment_to(s, address, amount, Purpose.EXCHANGE_DEPOSIT.value, owner)
    return ask(s, owner, Kind.EXCHANGE_DEPOSIT.value)


@kernel
def order_sat(s: State, vendor: int) -> int:
    """Return the price of an order from a vendor's list: one to three pieces of one product."""
    price = s.owners[vendor]["price_sat"][draw(s.random, PRICES_PER_VENDOR)]
    return int(price) * (1 + draw(s.random, 3))


@kernel
def any_market_of(s: State, vendor: int) -> int:
    """Return a market on which the vendor sells."""
    place = draw(s.random, MARKETS)
    if not s.owners[vendor]["sells_on"][place]:
        place = 1 - place
    return Actor.MARKET_A.value + place


@kernel
def buy(s: State, owner: int, coin: int, purpose: int) -> bool:
    """Buy from a vendor through his market.

    `purpose` says how it is paid: to the buyer's market account, to an escrow of the market, or
    to a 2-of-3 of market, vendor and buyer.
    """
    vendor = any_vendor(s)
    market = any_market_of(s, vendor)
    amount = order_sat(s, vendor)
    choose_coins(s, owner, coin, amount + MARGIN_SAT)
    first_market = market == Actor.MARKET_A
    if purpose == Purpose.ESCROW_MULTISIG:
        form = Form.P2WSH_MULTISIG.value if first_market else Form.P2SH_MULTISIG.value
        address = new_address(s, market, form, ESCROW, vendor)
    else:
        form = Form.P2PKH.value if first_market else Form.P2WPKH.value
        address = new_address(s, market, form, PLAIN, vendor)
    kind = Kind.ESCROW_FUNDING.value
    party = owner
    if purpose == Purpose.ACCOUNT_DEPOSIT:
        kind = Kind.MARKET_DEPOSIT.value
        party = vendor
    put_payment_to(s, address, amount, purpose, party)
    return ask(s, owner, kind)


@kernel
def buy_directly(s: State, owner: int, coin: int) -> bool:
    """Buy from a vendor past the market, at the address that he publishes."""
    vendor = any_vendor(s)
    address = s.owners[vendor]["direct_address"]
    if address < 0:
        return False
    amount = order_sat(s, vendor)
    choose_coins(s, owner, coin, amount + MARGIN_SAT)
    put_payment_to(s, address, amount, Purpose.ORDINARY.value, NOBODY)
    return ask(s, owner, Kind.DIRECT_DEAL.value)


@kernel
def mix(s: State, owner: int, coin: int) -> bool:
    """Pay the custodial mixer, at a new address of its own, in the owner's name."""
    amount = affordable_sat(s, owner, coin)
    if amount < 300_000:
        return False
    choose_coins(s, owner, coin, amount + MARGIN_SAT)
    put_payment_as(
        s, Actor.MIXER.value, Form.P2WPKH.value, amount, Purpose.MIXER_DEPOSIT.value, owner
    )
    return ask(s, owner, Kind.MIXER_DEPOSIT.value)


@kernel
def note(s: State, owner: int, coin: int) -> bool:
    """Make a payment with an `OP_RETURN` output beside it."""
    amount = affordable_sat(s, owner, coin)
    if amount < SMALLEST_PAYMENT_SAT:
        return False
    choose_coins(s, owner, coin, amount + MARGIN_SAT)
    put_data(s)
    put_payment(s, any_user(s), amount, Purpose.ORDINARY.value, NOBODY)
    return ask(s, owner, Kind.NOTE.value)


@kernel
def store_in_multisig(s: State, owner: int, coin: int) -> bool:
    """Move a coin to a bare 1-of-2 of the owner's own keys."""
    pick(s, coin)
    put_payment_as(s, owner, Form.MULTISIG.value, UNSETTLED_SAT, Purpose.ORDINARY.value, NOBODY)
    return ask_all(s, owner, Kind.BARE_MULTISIG.value)


@kernel
def pay_out(s: State, owner: int, coin: int) -> bool:
    """Share a miner's coin among many: users, services, exchanges."""
    gather(s, owner, coin, RICH_SAT, MANY_COINS)
    worth = picked_sat(s)
    if worth < 200_000:
        return bool(s.request[Request.INPUTS] > 10 and ask_to_consolidate(s, owner))
    payees = max(2, min(min(100, worth // 200_000), s.settings[Setting.USERS] // 4))
    for _ in range(payees):
        turn = draw(s.random, 40)
        payee = any_user(s)
        if turn < 4:
            payee = any_exchange(s)
        elif turn == 4:
            payee = Actor.PAYROLL.value
        elif turn < 7:
            payee = any_vendor(s)
        elif turn == 7:
            payee = Actor.PEELER.value
        amount = worth * (30 + draw(s.random, 61)) // 100 // payees
        put_payment(s, payee, amount, Purpose.ORDINARY.value, NOBODY)
    return ask(s, owner, Kind.BATCH_PAYOUT.value)


@kernel
def pay_wages(s: State, owner: int, coin: int) -> bool:
    """Pay the same employees at the same addresses, month after month."""
    worth = s.coins[coin]["value_sat"]
    employees = min(30, worth // 100_000)
    if employees < 3:
        return deposit(s, owner, coin, any_exchange(s))
    pick(s, coin)
    wage = plain_amount(s, owner, worth * 6 // 10 // employees)
    for i in range(employees):
        user = int(s.settings[Setting.FIRST_USER]) + i
        put_payment(s, user, wage + i * 100, Purpose.ORDINARY.value, NOBODY)
        if s.owners[user]["last_address"] >= 0:
            s.payments[i]["address"] = s.owners[user]["last_address"]
    return ask(s, owner, Kind.BATCH_PAYOUT.value)


@kernel
def peel(s: State, owner: int, coin: int) -> bool:
    """Pay one winner from a large coin; the rest goes on to the next."""
    worth = s.coins[coin]["value_sat"]
    if worth < 1_000_000:
        return deposit(s, owner, coin, Actor.EXCHANGE_B.value)
    pick(s, coin)
    prize = plain_amount(s, owner, worth * (10 + draw(s.random, 40)) // 1000)
    winner = any_user(s)
    if draw(s.random, 4) == 0:
        address = account_at(s, winner, any_exchange(s))
        put_payment_to(s, address, prize, Purpose.EXCHANGE_DEPOSIT.value, winner)
    else:
        put_payment(s, winner, prize, Purpose.ORDINARY.value, NOBODY)
    return ask(s, owner, Kind.PEEL.value)


@kernel
def act_as_vendor(s: State, coin: int) -> bool:
    """Spend what a vendor earned: cash out, buy wholesale, mix, live."""
    owner = owner_of(s, coin)
    turn = draw(s.random, 100)
    if turn < 45:
        # A vendor is loyal to one exchange, so that his accounts there tell him apart.
        return deposit(s, owner, coin, Actor.EXCHANGE_A + owner % 2)
    if turn < 75:
        return pay(s, owner, coin, any_supplier(s), Kind.SUPPLY.value)
    if turn < 82:
        return mix(s, owner, coin)
    if turn < 92:
        return pay(s, owner, coin, any_user(s), Kind.PAYMENT.value)
    gather(s, owner, coin, EVERYTHING_SAT, SOME_COINS)
    return ask_to_consolidate(s, owner)


@kernel
def act_as_supplier(s: State, coin: int) -> bool:
    """Spend what a supplier earned."""
    owner = owner_of(s, coin)
    turn = draw(s.random, 100)
    if turn < 65:
        return deposit(s, owner, coin, Actor.EXCHANGE_A + owner % 2)
    if turn < 90:
        return pay(s, owner, coin, any_user(s), Kind.PAYMENT.value)
    gather(s, owner, coin, EVERYTHING_SAT, MANY_COINS)
    return ask_to_consolidate(s, owner)


@kernel
def publish_address(s: State, vendor: int) -> None:
    """Give a vendor a lasting address for direct deals."""
    s.owners[vendor]["direct_address"] = own_address(s, vendor, Form.P2WPKH.value)
