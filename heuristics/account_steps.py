"""What the taint kernels read of movements: steps between pots, forward in time or mirrored.

On a chain of accounts nobody spends a coin; amounts flow together in a balance. So the state of a
trace is one *pot* per account and asset, and a step takes units out of one pot and puts them into
another, in the order of execution.

Time can be read backwards. The mirror of a movement takes the same units out of the receiver's
pot and puts them into the giver's. A queue read backwards is a queue again (the unit that came in
last is the first to be given back), a stack is a stack, and pro rata is its own transpose, because
the `amount` units that arrived are `amount / balance` of the balance after the movement. So one
kernel a policy serves both directions; here the mirror is made.

A conversion takes units out of one pot of an account and puts another number of them into its pot
of another asset; in the mirror, the reverse.

A trace may begin after genesis. An account that then pays more than it received must have had
something before: the smallest balance that explains all its payments is put before the first
movement, as units of unknown origin (`OPENING`), never as clean ones.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heuristics.account_events import Conversions, FeeMode, Movement, MovementColumns
from heuristics.columns import NO_ADDRESS, BoolArray, Int64Array, UInt32Array, read_only
from heuristics.jit import kernel
from heuristics.segments import MOST_TOLD_APART
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

OPENING_COLOUR = 1 << MOST_TOLD_APART
"""Bit of units that were there before the first movement; the bits below are those of sources."""

NO_POT = -1
NO_CONVERSION = -1


class Pots(NamedTuple):
    """The balances that movements touch, one for each account and asset."""

    account: UInt32Array
    asset: UInt32Array


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

    conversion: Int64Array
    """Row of the table of what conversions got, of a step that is one; else `NO_CONVERSION`."""


def conversion_rows(conversions: Conversions, count: int) -> Int64Array:
    """Return which conversion each of so many movements is; `NO_CONVERSION` where it is none."""
    found = np.full(count, NO_CONVERSION)
    found[conversions.row] = np.arange(len(conversions.row))
    return found


def number_pots(
    movements: MovementColumns, conversion: Int64Array, got_asset: UInt32Array
) -> tuple[Pots, Int64Array, Int64Array]:
    """Return the pots by account and asset, and the pot of each giver and receiver.

    `got_asset` is what each conversion got, and `conversion` says which movement is which.
    """
    count = len(movements.kind)
    received = movements.asset.copy()
    received[conversion >= 0] = got_asset[conversion[conversion >= 0]]
    account = np.concatenate([movements.giver, movements.receiver]).astype(np.uint64)
    asset = np.concatenate([movements.asset, received]).astype(np.uint64)
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
    conversion: Int64Array,
    fee_mode: FeeMode,
) -> Steps:
    """Return the movements as steps forward in time."""
    return Steps(
        movement=np.arange(len(giver)),
        giver=giver,
        receiver=receiver,
        amount=movements.amount,
        fresh=np.where(movements.kind == Movement.OPENING, OPENING_COLOUR, 0),
        ends=(movements.kind == Movement.GAS_TIP) & (fee_mode != FeeMode.TRACK_COINBASE),
        declared=declared,
        conversion=conversion,
    )


def mirrored(steps: Steps, got: UInt64Array, balance: UInt64Array) -> tuple[Steps, UInt64Array]:
    """Return the mirror images of steps, last first, on pots that begin with `balance`.

    What is asked for is declared at its own step; everything else is clean until asked for. With
    them, what the mirrored conversions get.
    """
    turned = Steps._make(column[::-1] for column in steps)
    turning = np.flatnonzero(turned.conversion >= 0)
    amount = turned.amount.copy()
    amount[turning] = got[turned.conversion[turning]]
    given = np.empty_like(got)
    given[turned.conversion[turning]] = turned.amount[turning]
    turned = turned._replace(
        giver=turned.receiver,
        receiver=turned.giver,
        amount=amount,
        fresh=np.zeros_like(turned.fresh),
    )
    held = np.flatnonzero(balance.any(axis=1))
    return beginning_with(turned, held, balance[held], 0), given


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
        conversion=np.full(count, NO_CONVERSION),
    )
    columns: Iterable[tuple[NDArray[Any], NDArray[Any]]] = zip(before, steps, strict=True)
    return Steps._make(np.concatenate(pair) for pair in columns)


@kernel
def _balances(
    giver: Int64Array,
    receiver: Int64Array,
    amount: UInt64Array,
    conversion: Int64Array,
    got: UInt64Array,
    pots: int,
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
        if conversion[step] >= 0:
            moved = load(got, conversion[step])
        if pot >= 0:
            total, carry = add(load(balance, pot), moved)
            if carry:
                return balance, missing, first_missing, step
            store(balance, pot, total)
    return balance, missing, first_missing, -1


def balances(steps: Steps, got: UInt64Array, pots: int) -> tuple[UInt64Array, UInt64Array, int]:
    """Return the last balance of each pot, what was missing, and the step that first lacked it.

    What is missing from a pot is the smallest balance before the first step with which every step
    has enough. The step is -1 where nothing was missing.

    Raises
    ------
    ValueError
        If a balance has more than 256 bits.
    """
    balance, missing, first_missing, too_large = _balances(
        read_only(steps.giver),
        read_only(steps.receiver),
        read_only(steps.amount),
        read_only(steps.conversion),
        read_only(got),
        pots,
    )
    if too_large >= 0:
        row = int(steps.movement[too_large])
        raise ValueError(f"movement {row} makes a balance of 2**256 units or more")
    return balance, missing, first_missing
