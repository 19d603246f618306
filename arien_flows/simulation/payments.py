"""Proposing a transaction: addresses, inputs, outputs, weight, fee.

What people do is decided by kernels that only *propose*: they fill `State.picked` and
`State.payments` and end with `ask`, `ask_all` or `ask_jointly`. `writing.carry_out` then writes
the transaction, if the coins suffice. (Were every decision to write for itself, the machine code
of writing would be compiled into each of them.)
"""

import numpy as np

from arien_flows.simulation.constants import constant
from arien_flows.simulation.rng import draw
from arien_flows.simulation.roles import Kind, Purpose
from arien_flows.simulation.state import (
    NOBODY,
    PLAIN,
    TWIN,
    UNCOMPRESSED,
    Counter,
    Mode,
    Request,
    State,
)
from arien_flows.simulation.wallet_styles import WALLETS
from arien_flows.simulation.wallets import (
    DATA_OUTPUT_WEIGHT,
    INPUT_WEIGHT,
    OUTPUT_WEIGHT,
    TRANSACTION_WEIGHT,
    UNCOMPRESSED_WEIGHT,
    Column,
    Form,
    Keys,
)
from heuristics.jit import kernel

UNSETTLED_SAT = constant(0)
"""The value of an output that is settled only when the proposal is carried out."""


@kernel
def new_address(s: State, owner: int, form: int, flags: int, party: int) -> int:
    """Make an address and return its number."""
    address = s.counters[Counter.ADDRESSES]
    s.counters[Counter.ADDRESSES] = address + 1
    s.addresses[address]["owner"] = owner
    s.addresses[address]["party"] = party
    s.addresses[address]["form"] = form
    s.addresses[address]["flags"] = flags
    return int(address)


@kernel
def wallet_column(s: State, owner: int, column: int) -> int:
    """Return what the owner's wallet program does about one matter."""
    return int(WALLETS[s.owners[owner]["wallet"], column])


@kernel
def own_address(s: State, owner: int, form: int) -> int:
    """Return a new address of the owner's wallet, in the given form."""
    keys = wallet_column(s, owner, Column.KEYS.value)
    if keys == Keys.TWINS:
        if form == Form.P2WPKH and s.owners[owner]["spare_address"] >= 0:
            spare = s.owners[owner]["spare_address"]
            s.owners[owner]["spare_address"] = -1
            return int(spare)
        if form == Form.P2PKH and s.owners[owner]["spare_address"] < 0:
            address = new_address(s, owner, Form.P2PKH.value, PLAIN, NOBODY)
            s.owners[owner]["spare_address"] = new_address(
                s, owner, Form.P2WPKH.value, TWIN, NOBODY
            )
            return address
    is_long = keys == Keys.UNCOMPRESSED and form == Form.P2PKH
    flags = UNCOMPRESSED if is_long else PLAIN
    return new_address(s, owner, form, flags, NOBODY)


@kernel
def receiving_address(s: State, owner: int) -> int:
    """Return the address that the owner's wallet gives to a payer."""
    last = s.owners[owner]["last_address"]
    if last >= 0 and draw(s.random, 1000) < wallet_column(s, owner, Column.REUSE_PERMILLE.value):
        return int(last)
    address = own_address(s, owner, wallet_column(s, owner, Column.RECEIVE_FORM.value))
    s.owners[owner]["last_address"] = address
    return address


@kernel
def put_payment(s: State, owner: int, value_sat: int, purpose: int, party: int) -> None:
    """Add an output to the proposal, to an address that the owner's wallet chooses."""
    at = s.request[Request.OUTPUTS]
    s.request[Request.OUTPUTS] = at + 1
    payment = s.payments[at]
    payment["value_sat"] = value_sat
    payment["owner"] = owner
    payment["address"] = -1
    payment["party"] = party
    payment["form"] = -1
    payment["flags"] = 0
    payment["purpose"] = purpose
    payment["is_change"] = 0


@kernel
def put_payment_to(s: State, address: int, value_sat: int, purpose: int, party: int) -> None:
    """Add an output to a known address."""
    put_payment(s, int(np.int64(s.addresses[address]["owner"])), value_sat, purpose, party)
    s.payments[s.request[Request.OUTPUTS] - 1]["address"] = address


@kernel
def put_payment_as(
    s: State, owner: int, form: int, value_sat: int, purpose: int, party: int
) -> None:
    """Add an output to a new address of the given form."""
    put_payment(s, owner, value_sat, purpose, party)
    s.payments[s.request[Request.OUTPUTS] - 1]["form"] = form


@kernel
def put_change_as(s: State, owner: int, form: int, value_sat: int) -> None:
    """Add change, to a new address of the given form."""
    put_payment_as(s, owner, form, value_sat, Purpose.ORDINARY.value, NOBODY)
    s.payments[s.request[Request.OUTPUTS] - 1]["is_change"] = 1


@kernel
def put_data(s: State) -> None:
    """Add an `OP_RETURN` output of no value."""
    put_payment(s, NOBODY, UNSETTLED_SAT, Purpose.DATA.value, NOBODY)


@kernel
def form_weight(form: int, flags: int) -> int:
    """Return the weight of an output."""
    extra = UNCOMPRESSED_WEIGHT if form == Form.P2PK and flags & UNCOMPRESSED else 0
    return int(OUTPUT_WEIGHT[form]) + extra


@kernel
def output_weight(s: State, at: int) -> int:
    """Return the weight of output `at` of the transaction in the making."""
    payment = s.payments[at]
    if payment["purpose"] == Purpose.DATA:
        return DATA_OUTPUT_WEIGHT
    if payment["address"] >= 0:
        address = s.addresses[payment["address"]]
        return form_weight(address["form"], address["flags"])
    if payment["form"] >= 0:
        return form_weight(payment["form"], 0)
    return form_weight(wallet_column(s, payment["owner"], Column.RECEIVE_FORM.value), 0)


@kernel
def input_weight(s: State, coin: int) -> int:
    """Return the weight of an input that spends a coin."""
    address = s.addresses[s.coins[coin]["address"]]
    extra = 0
    if address["form"] == Form.P2PKH and address["flags"] & UNCOMPRESSED:
        extra = UNCOMPRESSED_WEIGHT
    return int(INPUT_WEIGHT[address["form"]]) + extra


@kernel
def transaction_weight(s: State) -> int:
    """Return the weight of the transaction in the making."""
    weight = TRANSACTION_WEIGHT
    for i in range(s.request[Request.INPUTS]):
        weight += input_weight(s, s.picked[i])
    for i in range(s.request[Request.OUTPUTS]):
        weight += output_weight(s, i)
    return weight


@kernel
def fee_of(s: State, weight: int, percent: int, height: int) -> int:
    """Return the fee at a share of the block's rate, rounded up; at least 1 satoshi a vbyte."""
    rate = max(1_000, s.fee_rate[height] * percent // 100)
    return int(((weight + 3) // 4 * rate + 999) // 1000)


@kernel
def wallet_fee(s: State, wallet: int, weight: int, height: int) -> int:
    """Return the fee that a wallet program pays."""
    unit = WALLETS[wallet, Column.FEE_UNIT_SAT]
    fee = fee_of(s, weight, WALLETS[wallet, Column.FEE_PERCENT], height)
    return int((fee + unit - 1) // unit * unit)


@kernel
def ask(s: State, sender: int, kind: int) -> bool:
    """Propose to pay the outputs; what is left goes back to the sender as change."""
    s.request[Request.MODE] = Mode.WITH_CHANGE.value
    s.request[Request.SENDER] = sender
    s.request[Request.WALLET] = s.owners[sender]["wallet"]
    s.request[Request.KIND] = kind
    return True


@kernel
def ask_all(s: State, sender: int, kind: int) -> bool:
    """Propose to give all of the picked coins, less the fee, to the only output."""
    ask(s, sender, kind)
    s.request[Request.MODE] = Mode.ALL.value
    return True


@kernel
def ask_jointly(s: State, wallet: int, kind: int) -> bool:
    """Propose a transaction of several owners, whose change and fee are settled already.

    Standard amounts are sorted, the largest first; the outputs of other kinds are shuffled.
    """
    falling = kind == Kind.DENOMINATIONS
    s.request[Request.MODE] = Mode.FALLING.value if falling else Mode.SHUFFLED.value
    s.request[Request.SENDER] = -1
    s.request[Request.WALLET] = wallet
    s.request[Request.KIND] = kind
    return True


@kernel
def ask_to_consolidate(s: State, sender: int) -> bool:
    """Propose to join the picked coins in one new coin of the sender."""
    s.request[Request.OUTPUTS] = 0
    put_payment(s, sender, UNSETTLED_SAT, Purpose.ORDINARY.value, NOBODY)
    return ask_all(s, sender, Kind.CONSOLIDATION.value)
