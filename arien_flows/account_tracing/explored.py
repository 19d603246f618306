"""The movements of the balances that were looked into, as the accounting kernels take them.

A balance that was not looked into has no pot. What it pays to one that was is clean from outside,
and what it receives leaves the explored part there: so every amount inside is exact, and what
crosses the edge is known movement by movement. A conversion that is known takes the place of all
the movements that it explains, on its owner's side: who dealt with the owner, and was looked into
as well, still gave and received what it did, but what it gave in somebody else's conversion is
traced no further.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from arien_flows.account_ledger.view import AccountView
from arien_flows.account_tracing.ground import Ground, Pot
from arien_flows.account_tracing.window import Window
from arien_flows.passages.conversion import Conversion
from chains.ethereum.tables import NO_ACCOUNT
from chains.types import BoolArray, Int64Array, UInt32Array, UInt64Array
from heuristics.account_events import (
    Conversions,
    GasOrder,
    Movement,
    MovementColumns,
    gas_permutation,
)
from heuristics.wide import from_ints, sums

BEFORE = -1
"""In the place of a movement: what a balance held before the window."""

_SHIFT = np.uint64(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """Movements of balances that were looked into, in order of execution."""

    columns: MovementColumns
    conversions: Conversions
    row: Int64Array
    """Movement of the ledger; of a conversion the last one by which it gave; `BEFORE` for what a
    balance held before the window."""

    conversion: Int64Array
    """Place in `applied`, or -1."""

    applied: tuple[Conversion, ...]
    giver: UInt32Array
    """As the ledger has it, whether it was looked into or not."""

    receiver: UInt32Array
    kind: Int64Array
    """`Movement` as the ledger has it."""

    giver_inside: BoolArray
    receiver_inside: BoolArray
    exchanged: BoolArray
    """Part of a conversion of the account on its other side."""


def key_of(pot: Pot) -> int:
    """Return one number for a balance."""
    return pot[0] << 32 | pot[1]


def explored_movements(
    ground: Ground,
    pots: Int64Array,
    rows: Int64Array,
    conversions: Sequence[Conversion],
    window: Window,
    gas_order: GasOrder,
) -> Explored:
    """Return what the kernels need to know of `pots`, keys that stand in ascending order.

    `rows` are all movements of these balances in the window, ascending; `conversions` are those of
    their owners that are to be applied.
    """
    view = ground.view
    given, gotten = _explained(conversions)
    rows = rows[~(np.isin(rows, given) & np.isin(rows, gotten))]
    base = view.movement_columns(rows)
    rest = ~_explained_away(base, rows, pots, given, gotten)
    rows, base = rows[rest], MovementColumns._make(column[rest] for column in base)
    opened, held = _held_before(view, pots, window)
    turned = _conversion_rows(conversions)
    count, turns, begun = len(rows), len(conversions), len(opened)
    columns = MovementColumns(
        transaction=np.concatenate(
            [np.full(begun, -1), base.transaction, [each.transaction for each in conversions]]
        ).astype(np.int64),
        kind=np.concatenate(
            [
                np.full(begun, Movement.OPENING),
                base.kind,
                np.full(turns, Movement.CONVERSION),
            ]
        ).astype(np.uint8),
        giver=_joined(np.full(begun, NO_ACCOUNT), base.giver, [c.owner for c in conversions]),
        receiver=_joined(opened >> 32, base.receiver, [c.owner for c in conversions]),
        asset=_joined(opened & 0xFFFF_FFFF, base.asset, [c.gave for c in conversions]),
        amount=np.concatenate([held, base.amount, from_ints([c.gave_amount for c in conversions])]),
    )
    row = np.concatenate([np.full(begun, BEFORE), rows, turned])
    which = np.concatenate([np.full(begun + count, -1), np.arange(turns)])
    order = np.lexsort((which, row))
    columns = MovementColumns._make(column[order] for column in columns)
    order = order[gas_permutation(columns, gas_order)]
    columns = MovementColumns._make(
        column[gas_permutation(columns, gas_order)] for column in columns
    )
    row, which = row[order], which[order]
    owned = np.isin(row, given) & (which < 0), np.isin(row, gotten) & (which < 0)
    return _at_the_edge(ground, columns, pots, row, which, owned, tuple(conversions))


def _at_the_edge(
    ground: Ground,
    columns: MovementColumns,
    pots: Int64Array,
    row: Int64Array,
    which: Int64Array,
    owned: tuple[BoolArray, BoolArray],
    applied: tuple[Conversion, ...],
) -> Explored:
    """Cut what leads out of the explored balances, and into them.

    `owned` says of which movements the giver's side, and the receiver's, is part of a conversion.
    """
    kind = columns.kind.astype(np.int64)
    giver_inside = _inside(columns.giver, columns.asset, pots) & ~owned[0]
    receiver_inside = _inside(columns.receiver, columns.asset, pots) & ~owned[1]
    burnt = np.isin(columns.receiver, ground.burns) & (kind == Movement.TRANSFER)
    moved = (kind == Movement.TRANSFER) | (kind == Movement.GAS_TIP)
    comes = moved & ~giver_inside
    # A tip stays one, whoever receives it: what becomes of taint in tips is the fee mode's matter.
    leaves = (kind == Movement.TRANSFER) & giver_inside & (~receiver_inside | burnt)
    seen = np.where(comes, Movement.CREDIT, np.where(leaves, Movement.BURN, kind))
    giver, receiver = columns.giver.copy(), columns.receiver.copy()
    giver[comes], receiver[leaves] = NO_ACCOUNT, NO_ACCOUNT
    turning = np.flatnonzero(which >= 0)
    chosen = [applied[place] for place in which[turning].tolist()]
    return Explored(
        columns=columns._replace(kind=seen.astype(np.uint8), giver=giver, receiver=receiver),
        conversions=Conversions(
            row=turning,
            asset=np.array([each.got for each in chosen], np.uint32),
            amount=from_ints([each.got_amount for each in chosen]),
        ),
        row=row,
        conversion=which,
        applied=applied,
        giver=columns.giver,
        receiver=columns.receiver,
        kind=np.where(burnt, Movement.BURN, kind),
        giver_inside=giver_inside,
        receiver_inside=receiver_inside & ~burnt,
        exchanged=owned[0] | owned[1],
    )


def _explained(conversions: Sequence[Conversion]) -> tuple[Int64Array, Int64Array]:
    """Return the movements by which owners gave in conversions, and those by which they got."""
    given = [row for each in conversions for row in each.given_rows]
    gotten = [row for each in conversions for row in each.gotten_rows]
    return np.array(given, np.int64), np.array(gotten, np.int64)


def _explained_away(
    base: MovementColumns, rows: Int64Array, pots: Int64Array, given: Int64Array, gotten: Int64Array
) -> BoolArray:
    """Return movements that say nothing beside conversions: nobody else in them was looked into."""
    is_given, is_gotten = np.isin(rows, given), np.isin(rows, gotten)
    giver = _inside(base.giver, base.asset, pots) & ~is_given
    receiver = _inside(base.receiver, base.asset, pots) & ~is_gotten
    silent: BoolArray = (is_given | is_gotten) & ~giver & ~receiver
    return silent


def _inside(account: UInt32Array, asset: UInt32Array, pots: Int64Array) -> BoolArray:
    keys = account.astype(np.uint64) << _SHIFT | asset.astype(np.uint64)
    found: BoolArray = np.isin(keys, pots.astype(np.uint64)) & (account != NO_ACCOUNT)
    return found


def _joined(*parts: Iterable[int]) -> UInt32Array:
    return np.concatenate([np.asarray(part, np.uint32) for part in parts])


def _conversion_rows(conversions: Sequence[Conversion]) -> Int64Array:
    return np.array([max(each.given_rows) for each in conversions], np.int64)


def _held_before(
    view: AccountView, pots: Int64Array, window: Window
) -> tuple[Int64Array, UInt64Array]:
    """Return the balances that held something before the window, and what."""
    keys: list[int] = []
    amounts: list[int] = []
    for key in pots.tolist() if window.first_row else ():
        account, asset = key >> 32, key & 0xFFFF_FFFF
        rows = view.index.movements_of(account, asset)
        rows = rows[rows < window.first_row]
        moved, amount = view.movements, view.amounts.of(rows)
        zero = np.zeros(len(rows), np.int64)
        came = sums(amount, np.where(moved.receiver[rows] == account, zero, -1), 1)[0]
        went = sums(amount, np.where(moved.giver[rows] == account, zero, -1), 1)[0]
        if came > went:
            keys.append(key)
            amounts.append(came - went)
    return np.array(keys, np.int64), from_ints(amounts)
