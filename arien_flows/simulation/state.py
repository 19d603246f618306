"""The running economy as arrays: owners, coins, addresses, transactions.

A *coin* is an output; its number is its position among all outputs of the chain. Tables are
structured arrays, so that one thing's facts lie together in memory and a kernel takes few
arguments. All integers are signed: mixing signed and unsigned ones would give floats.

A coin may be on one *list* (the coins that its owner may choose from; services keep received
deposits on a second one) and in one *bucket* (the block in which somebody looks at it next). Both
are chains of coin numbers through the coins; -1 ends a chain.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from arien_flows.simulation.constants import constant
from arien_flows.simulation.errors import EconomyError
from arien_flows.simulation.parameters import Parameters
from arien_flows.simulation.rng import draw, seeded
from arien_flows.simulation.roles import (
    ACTOR_ROLES,
    ACTORS,
    Role,
    first_user,
    first_vendor,
    owner_count,
)
from arien_flows.simulation.wallet_styles import FAMILIES
from chains.types import AnyArray, Int32Array, Int64Array, UInt64Array
from heuristics.jit import kernel

MARKETS = 2
PRICES_PER_VENDOR = 4
"""Products on a vendor's list."""

OWNER = np.dtype(
    [
        ("role", np.int64),
        ("wallet", np.int64),
        # The last receiving address, and a derived one that will be given out next; -1 for none.
        ("last_address", np.int64),
        ("spare_address", np.int64),
        # Addresses of this owner's accounts at the two exchanges; -1 until he opens one.
        ("account_a", np.int64),
        ("account_b", np.int64),
        # Published for deals outside of any market; -1 for none.
        ("direct_address", np.int64),
        # Of a vendor, for each market: whether he sells there, and what it owes him.
        ("sells_on", np.int64, (MARKETS,)),
        ("owed_sat", np.int64, (MARKETS,)),
        ("price_sat", np.int64, (PRICES_PER_VENDOR,)),
    ],
    align=True,
)

TWO_NAMES_EVERY = 6
"""One vendor in so many sells on both markets, under two names and from one wallet."""

LIST = np.dtype([("head", np.int64), ("tail", np.int64), ("count", np.int64)], align=True)

COIN = np.dtype(
    [
        ("value_sat", np.int64),
        ("address", np.int32),
        ("list", np.int32),
        ("list_next", np.int32),
        ("list_previous", np.int32),
        ("bucket_next", np.int32),
        # An owner number whose meaning depends on the purpose: vendor, buyer or customer; or -1.
        ("party", np.int32),
        ("purpose", np.int8),
        ("is_change", np.int8),
        ("is_spent", np.int8),
    ],
    align=True,
)

ADDRESS = np.dtype(
    [
        ("owner", np.int32),
        # Customer of an exchange deposit address, vendor of an escrow; or -1.
        ("party", np.int32),
        ("form", np.int8),
        ("flags", np.int8),
    ],
    align=True,
)

PLAIN = constant(0)
"""Address flags: none of the following."""

UNCOMPRESSED = constant(1)
"""Address flag: the key has 65 bytes; only P2PK and P2PKH can have that."""

TWIN = constant(2)
"""Address flag: locks with the key of the address before it."""

ESCROW = constant(4)
"""Address flag: the keys are the market's, the vendor's and one made for the order."""

TRANSACTION = np.dtype(
    [
        ("first_input", np.int32),
        ("first_output", np.int32),
        # An owner number, or -1 where several owners sign.
        ("sender", np.int32),
        ("locktime", np.int32),
        ("kind", np.int8),
        ("version", np.int8),
        # Distance of every input's sequence below 0xffffffff.
        ("sequence", np.int8),
        ("is_sorted", np.int8),
    ],
    align=True,
)

PAYMENT = np.dtype(
    [
        ("value_sat", np.int64),
        ("owner", np.int64),
        # -1: the owner's wallet gives one.
        ("address", np.int64),
        ("party", np.int64),
        # -1: as the owner's wallet likes; else a new address of this form.
        ("form", np.int64),
        ("flags", np.int64),
        ("purpose", np.int64),
        ("is_change", np.int64),
    ],
    align=True,
)
"""An output in the making."""

NOBODY = constant(-1)
"""The party of a coin that concerns nobody else (of NumPy's type: kernels are compiled once for
that, but once for each plain literal)."""

MOST_INPUTS = 256
MOST_OUTPUTS = 1024
ROOM = 4 * MOST_OUTPUTS
"""Free rows that every table must have before an event is run."""


class Counter(IntEnum):
    """Positions in `State.counters`."""

    TRANSACTIONS = 0
    INPUTS = 1
    COINS = 2
    ADDRESSES = 3
    FORCED = 4
    """How many of the forced actions have happened."""

    BLOCK_FEES = 5
    BLOCK_WEIGHT = 6
    BLOCK_TRANSACTIONS = 7
    """Of the block in the making, its coinbase included."""

    ORDERS = 8
    """Escrows that came up to be settled."""


class Setting(IntEnum):
    """Positions in `State.settings`: numbers that stay the same during a run."""

    OWNERS = 0
    FIRST_VENDOR = 1
    VENDORS = 2
    FIRST_USER = 3
    USERS = 4
    FIRST_SUPPLIER = 5
    SUPPLIERS = 6
    TIP_HEIGHT = 7
    ECONOMY_BLOCKS = 8
    ROUND_INPUTS = 9
    """Inputs of a CoinJoin into denominations."""

    BLOCKS_PER_TEN_DAYS = 10
    FORCED_FROM = 11
    """Height from which the forced actions happen."""


class Mode(IntEnum):
    """How a proposed transaction is completed."""

    WITH_CHANGE = 0
    """What is left of the inputs goes back to the sender, outputs in his wallet's order."""

    ALL = 1
    """Output 0 gets all but the fee."""

    SHUFFLED = 2
    """Amounts stand, fee included; outputs in random order."""

    FALLING = 3
    """Amounts stand, fee included; the largest output first."""

    AS_IT_IS = 4
    """Amounts and order stand."""


class Request(IntEnum):
    """Positions in `State.request`."""

    MODE = 0
    SENDER = 1
    """An owner number, or -1 where several sign."""

    WALLET = 2
    KIND = 3
    INPUTS = 4
    """How many coins have been picked."""

    OUTPUTS = 5
    """How many payments have been put."""


class State(NamedTuple):
    """Everything a kernel of the economy reads and writes."""

    owners: AnyArray
    lists: AnyArray
    coins: AnyArray
    addresses: AnyArray
    transactions: AnyArray
    inputs: Int32Array
    """The coin that each input spends."""

    buckets: Int32Array
    """First coin of each block's bucket."""

    fee_rate: Int64Array
    """Thousandths of a satoshi for each virtual byte, by height."""

    first_transaction: Int64Array
    """By height, one entry more than blocks; genesis has no row."""

    forced: Int64Array
    """Actions that must happen at least once, in this order."""

    picked: Int64Array
    """Scratch: the coins that the transaction in the making spends."""

    payments: AnyArray
    """Scratch: its outputs; the last row helps to exchange two others."""

    request: Int64Array
    """Scratch: the rest of the proposal."""

    settings: Int64Array
    counters: Int64Array
    random: UInt64Array


@kernel
def deposit_list(owners: int, service: int) -> int:
    """Return the list of unswept deposits of a market, exchange or mixer."""
    return owners + service


@kernel
def premix_list(owners: int) -> int:
    """Return the list of coins that wait for their first five-by-five mix."""
    return owners + ACTORS


@kernel
def postmix_list(owners: int) -> int:
    """Return the list of coins that came out of a five-by-five mix."""
    return owners + ACTORS + 1


def _owners(parameters: Parameters) -> AnyArray:
    """Return the table of owners, with prices but without addresses."""
    count = owner_count(parameters)
    vendor, user = first_vendor(parameters), first_user(parameters)
    owners = np.zeros(count, dtype=OWNER)
    for name in ("last_address", "spare_address", "account_a", "account_b", "direct_address"):
        owners[name] = -1
    owners["role"] = Role.USER
    family = FAMILIES[parameters.wallets]
    furnish(owners, family.people, vendor, user, seeded(parameters.seed, "owners"))
    for actor, role in ACTOR_ROLES.items():
        owners[actor]["role"] = role
        owners[actor]["wallet"] = family.actors[actor]
    owners["role"][ACTORS:vendor] = Role.SUPPLIER
    owners["role"][vendor:user] = Role.VENDOR
    rank = np.arange(user - vendor)
    both = rank % TWO_NAMES_EVERY == 0
    for market in range(MARKETS):
        owners["sells_on"][vendor:user, market] = (rank % MARKETS == market) | both
    return owners


@kernel
def furnish(
    owners: AnyArray, programs: Int64Array, vendor: int, user: int, random: UInt64Array
) -> None:
    """Give everybody one of the programs, and vendors (`[vendor, user)`) prices, in place."""
    for owner in range(len(owners)):
        owners[owner]["wallet"] = programs[draw(random, len(programs))]
        if vendor <= owner < user:
            for product in range(PRICES_PER_VENDOR):
                # Two digits and four or five zeros: 0.0011 to 0.099 BTC.
                unit = 10_000 if draw(random, 2) == 0 else 100_000
                owners[owner]["price_sat"][product] = (11 + draw(random, 89)) * unit


def new_state(parameters: Parameters, *, fee_rate: Int64Array, forced: Int64Array) -> State:
    """Return the economy before its first block."""
    owners = _owners(parameters)
    lists = np.zeros(len(owners) + ACTORS + 2, dtype=LIST)
    lists["head"] = -1
    lists["tail"] = -1
    blocks = parameters.tip_height + 1
    rows = parameters.transactions + blocks
    settings = np.zeros(len(Setting), dtype=np.int64)
    settings[Setting.OWNERS] = len(owners)
    settings[Setting.FIRST_VENDOR] = first_vendor(parameters)
    settings[Setting.VENDORS] = parameters.vendors
    settings[Setting.FIRST_USER] = first_user(parameters)
    settings[Setting.USERS] = parameters.users
    settings[Setting.FIRST_SUPPLIER] = ACTORS
    settings[Setting.SUPPLIERS] = parameters.suppliers
    settings[Setting.TIP_HEIGHT] = parameters.tip_height
    settings[Setting.ECONOMY_BLOCKS] = parameters.economy_blocks
    settings[Setting.ROUND_INPUTS] = 60 if parameters.users >= 4_000 else 24
    settings[Setting.BLOCKS_PER_TEN_DAYS] = max(1, parameters.tip_height // 54)
    settings[Setting.FORCED_FROM] = parameters.tip_height - parameters.economy_blocks * 4 // 5
    return State(
        owners=owners,
        lists=lists,
        coins=np.zeros(rows * 5 // 2 + 2 * ROOM, dtype=COIN),
        addresses=np.zeros(rows * 2 + 2 * ROOM, dtype=ADDRESS),
        transactions=np.zeros(rows + ROOM, dtype=TRANSACTION),
        inputs=np.zeros(rows * 2 + 2 * ROOM, dtype=np.int32),
        buckets=np.full(blocks + 1, -1, dtype=np.int32),
        fee_rate=fee_rate,
        first_transaction=np.zeros(blocks + 1, dtype=np.int64),
        forced=forced,
        picked=np.zeros(MOST_INPUTS, dtype=np.int64),
        payments=np.zeros(MOST_OUTPUTS + 1, dtype=PAYMENT),
        request=np.zeros(len(Request), dtype=np.int64),
        settings=settings,
        counters=np.zeros(len(Counter), dtype=np.int64),
        random=seeded(parameters.seed, "economy"),
    )


def with_room(state: State) -> State:
    """Return the state with tables that hold at least `ROOM` more rows, moved if need be."""
    coins, addresses, inputs = state.coins, state.addresses, state.inputs
    if len(coins) - state.counters[Counter.COINS] < 2 * ROOM:
        coins = _longer(coins)
    if len(addresses) - state.counters[Counter.ADDRESSES] < 2 * ROOM:
        addresses = _longer(addresses)
    if len(inputs) - state.counters[Counter.INPUTS] < 2 * ROOM:
        inputs = _longer(inputs)
    return state._replace(coins=coins, addresses=addresses, inputs=inputs)


def _longer(table: AnyArray) -> AnyArray:
    """Return a copy with a quarter more rows."""
    rows = len(table) + len(table) // 4 + 2 * ROOM
    if rows >= 2**31:
        raise EconomyError("the chain has more outputs than a signed 32-bit number counts")
    copy = np.zeros(rows, dtype=table.dtype)
    copy[: len(table)] = table
    return copy
