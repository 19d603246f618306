"""Movements of value on a chain of accounts, as a ledger lists them.

A movement has a giver, a receiver, or both. Mint, genesis allocation and beacon-chain withdrawal
have only a receiver; a burn has only a giver. Gas is two movements of its sender, the base fee,
which is burnt, and after it the tip, which the fee recipient receives.

A conversion is one movement of an account with itself: it gives units of one asset and gets units
of another for them, as in a swap or when a coin is wrapped. What was on the way between (pools,
routers) is left out; who finds conversions says by which rule.

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
    UInt64Array,
    is_less,
    load,
    store,
    subtract,
)


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

    CONVERSION = 6
    """Giver and receiver are one account; `Conversions` says what it got."""


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


class Conversions(NamedTuple):
    """What accounts got in the movements that are conversions."""

    row: Int64Array
    """The movements of kind `CONVERSION`, ascending."""

    asset: UInt32Array
    """What the account got; the movement's own asset is what it gave."""

    amount: UInt64Array
    """Base units of what it got, shape (conversions, 4)."""


class Settled(NamedTuple):
    """Movements as the differences of balances show them."""

    movements: MovementColumns

    origin: Int64Array
    """The row that each movement comes from."""

    non_conserving: UInt32Array
    """Assets of which units vanished or appeared in a transfer, ascending."""


MAKES_UNITS = (Movement.CREDIT, Movement.OPENING)
ENDS_UNITS = (Movement.BURN, Movement.GAS_BURNT)


def no_conversions() -> Conversions:
    """Return that no movement is a conversion."""
    return Conversions(
        np.empty(0, np.int64), np.empty(0, np.uint32), np.empty((0, LIMBS), np.uint64)
    )


def check_movements(movements: MovementColumns, conversions: Conversions) -> None:
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
    _check_conversions(movements, conversions)


def _check_conversions(movements: MovementColumns, conversions: Conversions) -> None:
    rows = np.flatnonzero(movements.kind == Movement.CONVERSION)
    if not np.array_equal(rows, conversions.row):
        raise ValueError("conversions must be the movements of that kind, ascending")
    count = len(rows)
    if conversions.asset.shape != (count,) or conversions.amount.shape != (count, LIMBS):
        raise ValueError(f"what was got must have {count} rows, amounts of {LIMBS} limbs")
    wrong = (
        (movements.giver[rows] != movements.receiver[rows])
        | (movements.asset[rows] == conversions.asset)
        | ~movements.amount[rows].any(axis=1)
        | ~conversions.amount.any(axis=1)
    )
    if np.any(wrong):
        row = int(rows[np.argmax(wrong)])
        raise ValueError(
            f"movement {row} is no conversion: one account gives some of one asset and gets some "
            "of another"
        )


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
