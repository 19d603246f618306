"""Writing a proposed transaction into the tables: change, order of outputs, fee."""

import numpy as np

from arien_flows.simulation.coins import add_coin, picked_sat, spend_coin
from arien_flows.simulation.constants import constant
from arien_flows.simulation.payments import (
    form_weight,
    new_address,
    own_address,
    put_payment_to,
    receiving_address,
    transaction_weight,
    wallet_column,
    wallet_fee,
)
from arien_flows.simulation.rng import draw
from arien_flows.simulation.roles import Purpose
from arien_flows.simulation.state import NOBODY, PLAIN, Counter, Mode, Request, State
from arien_flows.simulation.wallet_styles import WALLETS
from arien_flows.simulation.wallets import Column, Order
from heuristics.jit import kernel

FIRST_OUTPUT = constant(0)

SMALLEST_CHANGE_SAT = 1_000
"""Less than that is left to the miner."""


@kernel
def change_address(s: State, owner: int, first_input: int) -> int:
    """Return where the owner's wallet sends change of a transaction that spends `first_input`."""
    if wallet_column(s, owner, Column.CHANGE_TO_INPUT.value):
        return int(np.int64(s.coins[first_input]["address"]))
    last = s.owners[owner]["last_address"]
    if last >= 0 and wallet_column(s, owner, Column.REUSE_PERMILLE.value) > 900:
        return int(last)
    return own_address(s, owner, wallet_column(s, owner, Column.CHANGE_FORM.value))


@kernel
def swap_payments(s: State, one: int, other: int) -> None:
    """Exchange two outputs of the transaction in the making."""
    spare = len(s.payments) - 1
    s.payments[spare] = s.payments[one]
    s.payments[one] = s.payments[other]
    s.payments[other] = s.payments[spare]


@kernel
def shuffle_payments(s: State) -> None:
    """Put the outputs in random order."""
    for i in range(s.request[Request.OUTPUTS] - 1, 0, -1):
        swap_payments(s, i, draw(s.random, i + 1))


@kernel
def sort_payments(s: State, falling: bool) -> None:
    """Order the outputs by amount; equal ones stay as they are."""
    for i in range(1, s.request[Request.OUTPUTS]):
        j = i
        while j > 0 and (
            (s.payments[j - 1]["value_sat"] > s.payments[j]["value_sat"]) != falling
            and s.payments[j - 1]["value_sat"] != s.payments[j]["value_sat"]
        ):
            swap_payments(s, j - 1, j)
            j -= 1


@kernel
def order_outputs(s: State, has_change: bool, order: int) -> None:
    """Order the outputs as the wallet program does; change, if any, comes as the last of them."""
    if order == Order.RANDOM:
        shuffle_payments(s)
    elif order == Order.SORTED:
        sort_payments(s, False)
    elif order == Order.CHANGE_FIRST and has_change:
        swap_payments(s, FIRST_OUTPUT, s.request[Request.OUTPUTS] - 1)


@kernel
def locktime(s: State, wallet: int, height: int) -> int:
    """Return the locktime that a wallet program writes."""
    habit = WALLETS[wallet, Column.LOCKTIME]
    if habit == 0:
        return 0
    if habit == 2 and draw(s.random, 10) == 0:
        return max(0, height - 1 - draw(s.random, 100))
    return height - 1


@kernel
def mimicked(s: State, change_sat: int) -> int:
    """Return change with as many zeros at its end as the first payment has, up to two."""
    payment = s.payments[0]["value_sat"]
    unit = 1
    while payment > 0 and unit < 100 and payment % (unit * 10) == 0:
        unit *= 10
    return int(change_sat - change_sat % unit)


@kernel
def emit(s: State, height: int) -> int:
    """Append the transaction that the request, `picked` and `payments` describe.

    Returns its number. The inputs are worth more than the outputs; the rest is the fee.
    """
    wallet = s.request[Request.WALLET]
    fee = picked_sat(s)
    s.counters[Counter.BLOCK_WEIGHT] += transaction_weight(s)
    number = s.counters[Counter.TRANSACTIONS]
    s.counters[Counter.TRANSACTIONS] = number + 1
    transaction = s.transactions[number]
    transaction["first_input"] = s.counters[Counter.INPUTS]
    transaction["first_output"] = s.counters[Counter.COINS]
    transaction["sender"] = s.request[Request.SENDER]
    transaction["kind"] = s.request[Request.KIND]
    transaction["version"] = WALLETS[wallet, Column.VERSION]
    transaction["sequence"] = WALLETS[wallet, Column.SEQUENCE]
    transaction["locktime"] = locktime(s, wallet, height)
    transaction["is_sorted"] = 1 if WALLETS[wallet, Column.ORDER] == Order.SORTED else 0
    for i in range(s.request[Request.INPUTS]):
        spend_coin(s, s.picked[i])
    for i in range(s.request[Request.OUTPUTS]):
        fee -= s.payments[i]["value_sat"]
        add_output(s, i, height)
    s.counters[Counter.BLOCK_FEES] += fee
    s.counters[Counter.BLOCK_TRANSACTIONS] += 1
    return int(number)


@kernel
def add_output(s: State, at: int, height: int) -> None:
    """Append one payment of the proposal as a coin, with a new address where it has none."""
    payment = s.payments[at]
    address = payment["address"]
    if address < 0 and payment["purpose"] != Purpose.DATA:
        if payment["form"] >= 0:
            address = new_address(
                s, payment["owner"], payment["form"], payment["flags"], payment["party"]
            )
        else:
            address = receiving_address(s, payment["owner"])
    coin = add_coin(s, payment["value_sat"], address, payment["purpose"], payment["party"], height)
    s.coins[coin]["is_change"] = payment["is_change"]


@kernel
def add_change(s: State, height: int) -> bool:
    """Add change and order the outputs; return whether the coins suffice."""
    sender = s.request[Request.SENDER]
    wallet = s.request[Request.WALLET]
    outputs = s.request[Request.OUTPUTS]
    rest = picked_sat(s)
    for i in range(outputs):
        rest -= s.payments[i]["value_sat"]
    weight = transaction_weight(s)
    if rest < wallet_fee(s, wallet, weight, height):
        return False
    change_weight = form_weight(WALLETS[wallet, Column.CHANGE_FORM], PLAIN)
    change = rest - wallet_fee(s, wallet, weight + change_weight, height)
    if WALLETS[wallet, Column.CHANGE_MIMICS] and change > 0:
        change = mimicked(s, change)
    has_change = change >= SMALLEST_CHANGE_SAT
    if has_change:
        # Sorting wallets break ties of amount by script, which is not known yet.
        for i in range(outputs):
            if s.payments[i]["value_sat"] == change:
                change -= 1
        address = change_address(s, sender, s.picked[0])
        put_payment_to(s, address, change, Purpose.ORDINARY.value, NOBODY)
        s.payments[outputs]["is_change"] = 1
    order_outputs(s, has_change, WALLETS[wallet, Column.ORDER])
    return True


@kernel
def carry_out(s: State, height: int) -> int:
    """Write the proposed transaction; return its number, or -1 where the coins do not suffice."""
    mode = s.request[Request.MODE]
    if mode == Mode.WITH_CHANGE:
        if not add_change(s, height):
            return -1
    elif mode == Mode.ALL:
        fee = wallet_fee(s, s.request[Request.WALLET], transaction_weight(s), height)
        s.payments[0]["value_sat"] = picked_sat(s) - fee
        if s.payments[0]["value_sat"] < SMALLEST_CHANGE_SAT:
            return -1
    elif mode == Mode.SHUFFLED:
        shuffle_payments(s)
    elif mode == Mode.FALLING:
        sort_payments(s, True)
    return emit(s, height)
