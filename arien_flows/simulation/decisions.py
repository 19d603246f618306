"""What owners decide when one of their coins comes up: a proposal for a transaction, or nothing."""

import numpy as np

from arien_flows.simulation.coins import (
    EVERYTHING_SAT,
    SOME_COINS,
    gather,
    owner_of,
)
from arien_flows.simulation.joint import (
    denominations,
    enter_mix,
    equal_outputs,
    five_by_five,
    pay_jointly,
    payjoin,
)
from arien_flows.simulation.payments import ask_to_consolidate
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
)
from arien_flows.simulation.state import (
    Counter,
    Request,
    Setting,
    State,
)
from heuristics.jit import kernel

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
