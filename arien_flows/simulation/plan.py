"""The plan of a chain: who pays whom, when and how much, before anything is written.

The economy runs from the first block to the last and leaves arrays: transactions, inputs, coins,
addresses. Transaction ids do not exist yet, so an input names a coin by its number.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.simulation.economy import (
    CROWDED,
    DRY,
    close_block,
    fill_block,
    open_block,
)
from arien_flows.simulation.errors import EconomyError
from arien_flows.simulation.parameters import (
    FUNDING_BLOCKS,
    SPAN_SECONDS,
    START_TIME,
    Parameters,
)
from arien_flows.simulation.people import publish_address
from arien_flows.simulation.rng import draw, seeded, spread
from arien_flows.simulation.roles import Action, first_user, first_vendor
from arien_flows.simulation.script import Script
from arien_flows.simulation.state import Counter, State, new_state, with_room
from arien_flows.simulation.theft import Theft
from chains.types import AnyArray, Int32Array, Int64Array, UInt64Array
from heuristics.jit import kernel

FORCED = (
    *(Action.BUY_DIRECTLY, Action.BUY_IN_MULTISIG, Action.BUY_IN_ESCROW, Action.BUY_ON_ACCOUNT),
    *(Action.MIX, Action.MIX_ENTRY, Action.MIX, Action.MIX_ENTRY, Action.MIX, Action.MIX_ENTRY),
    *(Action.EQUAL_OUTPUTS, Action.DENOMINATIONS, Action.PAYJOIN, Action.PAY_JOINTLY),
    *(Action.NOTE, Action.BARE_MULTISIG, Action.DONATE, Action.MIX, Action.MIX_ENTRY),
    *(Action.BUY_DIRECTLY, Action.BUY_IN_MULTISIG, Action.BUY_IN_ESCROW, Action.BUY_ON_ACCOUNT),
    *(Action.EQUAL_OUTPUTS, Action.PAYJOIN, Action.PAY_JOINTLY, Action.MIX, Action.MIX_ENTRY),
)
"""What must happen at least once in every chain, in the order in which users are made to."""

FIRST_QUOTA = 8
"""Transactions in the first block of the economy; each block may have a quarter more at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A finished economy. Rows of `transactions` are in chain order; genesis has none."""

    parameters: Parameters

    transactions: AnyArray
    """Of dtype `state.TRANSACTION`, one row more than transactions: the last closes the ranges."""

    inputs: Int32Array
    """The coin that each input spends; coinbases have no row."""

    coins: AnyArray
    """Of dtype `state.COIN`: every output of the chain."""

    addresses: AnyArray
    """Of dtype `state.ADDRESS`."""

    owners: AnyArray
    """Of dtype `state.OWNER`."""

    first_transaction: Int64Array
    """By height, with one entry more than blocks."""

    block_time: Int64Array
    """Seconds since 1970 in each header, by height; genesis' entry is unused."""

    fee_rate: Int64Array
    """Thousandths of a satoshi for each virtual byte, by height."""

    theft: Theft

    @property
    def transaction_count(self) -> int:
        """Return the number of transactions, coinbases included, genesis aside."""
        return len(self.transactions) - 1

    @property
    def tip_height(self) -> int:
        """Return the height of the last block."""
        return len(self.first_transaction) - 2


def fee_rates(parameters: Parameters) -> Int64Array:
    """Return the fee rate of each block: mostly low, sometimes high, never jumping."""
    random = seeded(parameters.seed, "fees")
    rates = np.full(parameters.tip_height + 1, 5_000, dtype=np.int64)
    wander(rates, random)
    return rates


@kernel
def wander(rates: Int64Array, random: UInt64Array) -> None:
    """Let each rate follow the one before, a third of the way to a new one of 1 to 60 sat."""
    for i in range(1, len(rates)):
        rates[i] = (2 * rates[i - 1] + spread(random, 60) * 1_000) // 3


@kernel
def tick(times: Int64Array, random: UInt64Array, mean: int) -> None:
    """Set block times, in place, from the second entry on: each later than the one before."""
    for i in range(1, len(times)):
        times[i] = times[i - 1] + 1 + draw(random, 2 * mean)


def block_times(parameters: Parameters) -> Int64Array:
    """Return the time of each block."""
    times = np.full(parameters.tip_height + 1, START_TIME, dtype=np.int64)
    tick(times, seeded(parameters.seed, "clock"), SPAN_SECONDS // parameters.tip_height)
    return times


@kernel
def vary(weights: Int64Array, random: UInt64Array) -> None:
    """Make some blocks up to a half larger or smaller, in place."""
    for i in range(len(weights)):
        weights[i] = weights[i] * (50 + draw(random, 101)) // 100


def quotas(parameters: Parameters) -> Int64Array:
    """Return how many transactions, its coinbase included, each block has by height.

    The economy starts small: there are few coins to spend in its first blocks.
    """
    blocks = parameters.economy_blocks
    left = parameters.transactions - parameters.tip_height
    plateau = 1_000_000
    weights = np.full(blocks, plateau, dtype=np.int64)
    weight = max(1, FIRST_QUOTA * plateau * blocks // left)
    for i in range(blocks):
        if weight >= plateau:
            break
        weights[i] = weight
        weight = weight * 5 // 4 + 1
    vary(weights, seeded(parameters.seed, "block sizes"))
    cumulated = np.cumsum(weights)
    # left * cumulated stays far below 2^63: 2e7 * 1e4 blocks * 1.5e6.
    ends = left * cumulated // cumulated[-1]
    sizes = np.ones(parameters.tip_height + 1, dtype=np.int64)
    sizes[FUNDING_BLOCKS + 1 :] += np.diff(ends, prepend=0)
    return sizes


def run_block(state: State, height: int, quota: int) -> State:
    """Fill one opened block; return the state, whose tables may have moved."""
    while True:
        answer = fill_block(state, height, quota)
        if answer == CROWDED:
            state = with_room(state)
            continue
        if answer == DRY:
            raise EconomyError(
                f"no coin could be spent any more at height {height}; try a new seed"
            )
        return state


def make_plan(parameters: Parameters) -> Plan:
    """Run the whole economy."""
    state = new_state(
        parameters,
        fee_rate=fee_rates(parameters),
        forced=np.array(FORCED, dtype=np.int64),
    )
    for vendor in range(first_vendor(parameters), first_user(parameters), 3):
        publish_address(state, vendor)
    script = Script(parameters)
    sizes = quotas(parameters)
    owed = 0
    for height in range(1, parameters.tip_height + 1):
        state = with_room(state)
        open_block(state, height)
        script.play(state, height)
        # A block that is full by weight leaves the rest of its quota to the next ones.
        wanted = int(sizes[height]) + owed
        state = run_block(state, height, wanted)
        owed = wanted - int(state.counters[Counter.BLOCK_TRANSACTIONS])
        close_block(state, height)
    if owed > 0:
        raise EconomyError(f"{owed} transactions found no room in the blocks; try another seed")
    if state.counters[Counter.FORCED] < len(FORCED):
        action = FORCED[int(state.counters[Counter.FORCED])]
        raise EconomyError(f"nobody could do {action.name}; try another seed")
    return _finished(parameters, state, script.theft())


def _finished(parameters: Parameters, state: State, theft: Theft) -> Plan:
    """Cut the tables to their rows."""
    counters = state.counters
    count = int(counters[Counter.TRANSACTIONS])
    closing = state.transactions[count]
    closing["first_input"] = counters[Counter.INPUTS]
    closing["first_output"] = counters[Counter.COINS]
    return Plan(
        parameters=parameters,
        transactions=state.transactions[: count + 1],
        inputs=state.inputs[: counters[Counter.INPUTS]],
        coins=state.coins[: counters[Counter.COINS]],
        addresses=state.addresses[: counters[Counter.ADDRESSES]],
        owners=state.owners,
        first_transaction=state.first_transaction,
        block_time=block_times(parameters),
        fee_rate=state.fee_rate,
        theft=theft,
    )
