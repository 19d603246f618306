"""Movements of value on a chain of accounts, and what the taint kernels read of them.

On such a chain nobody spends a coin; amounts flow together in a balance, one for every account
and asset. So the state of a trace is one *pot* per (account, asset), and a movement takes units
out of one pot and puts them into another, in the order of execution.

A movement has a giver, a receiver, or both. Mint, genesis allocation and beacon-chain withdrawal
have only a receiver; a burn has only a giver. Gas is two movements of its sender, the base fee,
which is burnt, and after it the tip, which the fee recipient receives.

Time can be read backwards. The mirror of a movement takes the same units out of the receiver's
pot and puts them into the giver's. A queue read backwards is a queue again (the unit that came in
last is the first to be given back), a stack is a stack, and pro rata is its own transpose, because
the `amount` units that arrived are `amount / balance` of the balance after the movement. So one
kernel a policy serves both directions; here the mirror is made.

A trace may begin after genesis. An account that then pays more than it received must have had
something before: the smallest balance that explains all its payments is put before the first
movement, as units of unknown origin (`OPENING`), never as clean ones.

Zero amounts move nothing, so they pass no taint on. (Transfers of 0 tokens that anybody can make
in anybody's name are a known trick to appear in somebody's history.)
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heuristics.columns import (
    NO_ADDRESS,
    BoolArray,
    Int64Array,
    UInt8Array,
    UInt32Array,
    read_only,
)
from heuristics.jit import kernel
from heuristics.wide import (
    LIMBS,
    ZERO,
    UInt64Array,
    Wide,
    add,
    is_less,
    is_zero,
    load,
    store,
    subtract,
)

OPENING_COLOUR = 1 << 62
"""Bit of units that were there before the first movement; the bits below are colours of sources."""

COLOURS = 62
"""How many groups of sources can be told apart."""

NO_POT = -1


class Movement(IntEnum):
    """Kinds of movement; the numbers are what columns hold."""

    TRANSFER = 0
    """A successful call with value, creation, self-destruction or token transfer."""

    CREDIT = 1
    """New units: mint, genesis allocation, withdrawal from the beacon chain, block reward."""

    OPENING = 2
    """A balance that existed before the first movement; what it stems from is not known."""

    BURN = 3
    """Units that cease to exist."""

    GAS_BURNT = 4
    """The part of a transaction's gas that is burnt: base fee and blob fee."""

    GAS_TIP = 5
    """The part of a transaction's gas that the fee recipient receives."""


class GasOrder(IntEnum):
    """Whether a transaction's gas is paid after its value, as a Bitcoin fee is, or before."""

    LAST = 0
    FIRST = 1


class FeeMode(IntEnum):
    """What becomes of taint in a tip. Taint in burnt gas is destroyed whatever the mode."""

    TRACK = 0
    """It ends there, and every such tip is listed."""

    DROP = 1
    """It ends there; only the sum is told."""

    TRACK_COINBASE = 2
    """It is followed into the fee recipient's balance."""


class MovementColumns(NamedTuple):
    """Movements in order of execution."""

    transaction: Int64Array
    """Number of the transaction (or block, for what stands outside one), never falling."""

    kind: UInt8Array
    """`Movement`."""

    giver: UInt32Array
    """Account number, `NO_ADDRESS` for new units."""

    receiver: UInt32Array
    """Account number, `NO_ADDRESS` for units that cease to exist."""

    asset: UInt32Array

    amount: UInt64Array
    """Base units, shape (movements, 4); see `heuristics.wide`."""


class Pots(NamedTuple):
    """The balances that movements touch, one for each account and asset."""

    account: UInt32Array
    asset: UInt32Array


class Settled(NamedTuple):
    """Movements as the differences of balances show them."""

    movements: MovementColumns

    origin: Int64Array
    """The row that each movement comes from."""

    non_conserving: UInt32Array
    """Assets of which units vanished or appeared in a transfer, ascending."""


class Steps(NamedTuple):
    """What kernels read: movements forward in time, or their mirror images."""

    movement: Int64Array
    """Row of the movement; -1 for what a pot begins with."""

    giver: Int64Array
    """Pot, or `NO_POT`."""

    receiver: Int64Array
    """Pot, or `NO_POT`: taint ends here."""

    amount: UInt64Array

    fresh: Int64Array
    """Colour of the units that a step without a giver makes."""

    ends: BoolArray
    """Taint ends here although the units arrive: tips whose taint is not followed."""

    declared: Int64Array
    """Colours of the source that the units are declared to be, else 0."""


_OPENING = int(Movement.OPENING)
_GAS_TIP = int(Movement.GAS_TIP)
MAKES_UNITS = (Movement.CREDIT, Movement.OPENING)
ENDS_UNITS = (Movement.BURN, Movement.GAS_BURNT)


def check_movements(movements: MovementColumns) -> None:
    """Raise ValueError unless the columns describe movements in order."""
    count = len(movements.kind)
    for name in ("transaction", "giver", "receiver", "asset"):
        if getattr(movements, name).shape != (count,):
            raise ValueError(f"{name} must have {count} rows")
    if movements.amount.shape != (count, LIMBS) or movements.amount.dtype != np.uint64:
        raise ValueError(f"amount must have {count} rows of {LIMBS} limbs")
    if np.any(np.diff(movements.transaction) < 0):
        raise ValueError("transaction numbers must not fall")
    makes, ends = np.isin(movements.kind, MAKES_UNITS), np.isin(movements.kind, ENDS_UNITS)
    wrong = (
        (movements.kind > max(Movement))
        | ((movements.giver == NO_ADDRESS) != makes)
        | ((movements.receiver == NO_ADDRESS) != ends)
    )
    if np.any(wrong):
        row = int(np.argmax(wrong))
        raise ValueError(f"movement {row} lacks an account, or names one that its kind cannot have")


def gas_permutation(movements: MovementColumns, gas_order: GasOrder) -> Int64Array:
    """Return the rows in which gas comes last, or first, of each transaction."""
    is_gas = np.isin(movements.kind, (Movement.GAS_BURNT, Movement.GAS_TIP))
    late = is_gas if gas_order == GasOrder.LAST else ~is_gas
    return np.lexsort((late, movements.transaction))


def by_balance_differences(movements: MovementColumns, received: UInt64Array) -> Settled:
    """Return the movements of assets whose transfers do not arrive as they left.

    Tokens that keep a fee of each transfer, or whose balances grow and shrink by themselves, are
    read from the differences of balances, not from what their events say: `amount` is what the
    giver's balance lost and `received` what the receiver's gained. Units that did not arrive are a
    burn after the transfer, units that appeared a credit after it.
    """
    count = len(movements.kind)
    arriving, extra, appeared = _differences(
        read_only(movements.giver != NO_ADDRESS),
        read_only(movements.receiver != NO_ADDRESS),
        read_only(movements.amount),
        read_only(received),
    )
    rows = np.flatnonzero(extra.any(axis=1))
    kind = np.where(appeared[rows], Movement.CREDIT, Movement.BURN).astype(np.uint8)
    added = MovementColumns(
        transaction=movements.transaction[rows],
        kind=kind,
        giver=np.where(appeared[rows], NO_ADDRESS, movements.giver[rows]),
        receiver=np.where(appeared[rows], movements.receiver[rows], NO_ADDRESS),
        asset=movements.asset[rows],
        amount=extra[rows],
    )
    origin = np.concatenate([np.arange(count), rows])
    order = np.argsort(origin, kind="stable")
    whole = movements._replace(amount=arriving)
    return Settled(
        movements=_joined(whole, added, order),
        origin=origin[order],
        non_conserving=np.unique(added.asset),
    )


def _joined(first: MovementColumns, second: MovementColumns, order: Int64Array) -> MovementColumns:
    columns: Iterable[tuple[NDArray[Any], NDArray[Any]]] = zip(first, second, strict=True)
    return MovementColumns._make(np.concatenate(pair)[order] for pair in columns)


@kernel
def _differences(
    has_giver: BoolArray, has_receiver: BoolArray, amount: UInt64Array, received: UInt64Array
) -> tuple[UInt64Array, UInt64Array, BoolArray]:
    arriving = amount.copy()
    extra = np.zeros_like(amount)
    appeared = np.zeros(len(amount), np.bool_)
    for row in range(len(amount)):
        if not (has_giver[row] and has_receiver[row]):
            continue
        left = load(amount, row)
        came = load(received, row)
        if is_less(came, left):
            store(arriving, row, came)
            store(extra, row, subtract(left, came))
        else:
            store(extra, row, subtract(came, left))
            appeared[row] = True
    return arriving, extra, appeared


def number_pots(movements: MovementColumns) -> tuple[Pots, Int64Array, Int64Array]:
    """Return the pots by account and asset, and the pot of each giver and receiver."""
    count = len(movements.kind)
    account = np.concatenate([movements.giver, movements.receiver]).astype(np.uint64)
    asset = np.concatenate([movements.asset, movements.asset]).astype(np.uint64)
    somebody = np.flatnonzero(account != NO_ADDRESS)
    key, place = np.unique(
        account[somebody] << np.uint64(32) | asset[somebody], return_inverse=True
    )
    pot = np.full(2 * count, NO_POT)
    pot[somebody] = place
    pots = Pots(
        account=(key >> np.uint64(32)).astype(np.uint32),
        asset=(key & np.uint64(0xFFFF_FFFF)).astype(np.uint32),
    )
    return pots, pot[:count], pot[count:]


def forward_steps(
    movements: MovementColumns,
    giver: Int64Array,
    receiver: Int64Array,
    declared: Int64Array,
    fee_mode: FeeMode,
) -> Steps:
    """Return the movements as steps forward in time."""
    return Steps(
        movement=np.arange(len(giver)),
        giver=giver,
        receiver=receiver,
        amount=movements.amount,
        fresh=np.where(movements.kind == _OPENING, OPENING_COLOUR, 0),
        ends=(movements.kind == _GAS_TIP) & (fee_mode != FeeMode.TRACK_COINBASE),
        declared=declared,
    )


def mirrored(steps: Steps, balance: UInt64Array) -> Steps:
    """Return the mirror images of steps, last first, on pots that begin with `balance`.

    What is asked for is declared at its own step; everything else is clean until asked for.
    """
    turned = Steps._make(column[::-1] for column in steps)
    turned = turned._replace(
        giver=turned.receiver, receiver=turned.giver, fresh=np.zeros_like(turned.fresh)
    )
    held = np.flatnonzero(balance.any(axis=1))
    return beginning_with(turned, held, balance[held], 0)


def beginning_with(steps: Steps, pots: Int64Array, amount: UInt64Array, colour: int) -> Steps:
    """Return the steps after others that fill each of `pots` with units of a colour."""
    count = len(pots)
    before = Steps(
        movement=np.full(count, -1),
        giver=np.full(count, NO_POT),
        receiver=pots,
        amount=amount,
        fresh=np.full(count, colour),
        ends=np.zeros(count, np.bool_),
        declared=np.zeros(count, np.int64),
    )
    columns: Iterable[tuple[NDArray[Any], NDArray[Any]]] = zip(before, steps, strict=True)
    return Steps._make(np.concatenate(pair) for pair in columns)


@kernel
def _balances(
    giver: Int64Array, receiver: Int64Array, amount: UInt64Array, pots: int
) -> tuple[UInt64Array, UInt64Array, int, int]:
    balance = np.zeros((pots, LIMBS), np.uint64)
    missing = np.zeros((pots, LIMBS), np.uint64)
    first_missing = -1
    zero: Wide = ZERO
    for step in range(len(giver)):
        moved = load(amount, step)
        if is_zero(moved):
            continue
        pot = giver[step]
        if pot >= 0:
            held = load(balance, pot)
            if is_less(held, moved):
                if first_missing < 0:
                    first_missing = step
                total, carry = add(load(missing, pot), subtract(moved, held))
                if carry:
                    return balance, missing, first_missing, step
                store(missing, pot, total)
                store(balance, pot, zero)
            else:
                store(balance, pot, subtract(held, moved))
        pot = receiver[step]
        if pot >= 0:
            total, carry = add(load(balance, pot), moved)
            if carry:
                return balance, missing, first_missing, step
            store(balance, pot, total)
    return balance, missing, first_missing, -1


def balances(steps: Steps, pots: int) -> tuple[UInt64Array, UInt64Array, int]:
    """Return the last balance of each pot, what was missing, and the step that first lacked it.

    What is missing from a pot is the smallest balance before the first step with which every step
    has enough. The step is -1 where nothing was missing.

    Raises
    ------
    ValueError
        If a balance has more than 256 bits.
    """
    balance, missing, first_missing, too_large = _balances(
        read_only(steps.giver), read_only(steps.receiver), read_only(steps.amount), pots
    )
    if too_large >= 0:
        row = int(steps.movement[too_large])
        raise ValueError(f"movement {row} makes a balance of 2**256 units or more")
    return balance, missing, first_missing
