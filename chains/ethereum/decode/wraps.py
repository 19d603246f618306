"""Wrapping the native coin: `Deposit` and `Withdrawal` as WETH9 emits them.

WETH9 makes and destroys its units without a `Transfer`, so these two events are the only trace of
it. Other contracts use the same two names for other things. One that is not on the list of assets
is believed where the coin moves with the event: as much comes in by a call as a `Deposit` says,
or goes out by a call as a `Withdrawal` says, each call for one event. A contract that tells the
same by a `Transfer` from or to the null address is not counted twice.
"""

from collections import Counter
from collections.abc import Callable

import numpy as np

from chains.ethereum.decode.rows import AddressPool, MoveRows, joined, no_moves
from chains.ethereum.decode.signatures import UNWRAPPED, WRAPPED
from chains.ethereum.decode.words import Chosen, EventIndex, is_one_of, token_moves
from chains.ethereum.quantities import ints_of
from chains.ethereum.tables import NULL_ADDRESS, MovementKind
from chains.ethereum.tokens import listed_assets
from chains.types import BoolArray, Int64Array, UInt8Array

_Key = tuple[int, bytes, int]
"""Transaction, contract, amount."""


def wraps_of(
    index: EventIndex, moved: MoveRows, coin: MoveRows, pool: AddressPool, chain_id: int | None
) -> MoveRows:
    """Return what was wrapped and unwrapped.

    `moved` is what other events moved, `coin` what calls moved of the native coin.
    """
    null = pool.one(NULL_ADDRESS)
    parts = [no_moves()]
    for text, kind in ((WRAPPED, MovementKind.WRAP), (UNWRAPPED, MovementKind.UNWRAP)):
        for topics in (1, 2):
            chosen = index.of(text, topics, 2)
            chosen = chosen.where(chosen.holds_addresses(0))
            is_wrap = kind == MovementKind.WRAP
            chosen = chosen.where(_believed(chosen, is_wrap, moved, coin, pool, chain_id))
            owner = chosen.accounts(0, pool)
            nobody = np.full(len(owner), null, np.uint32)
            giver, gets = (nobody, owner) if is_wrap else (owner, nobody)
            parts.append(token_moves(chosen, kind, giver, gets, chosen.amounts(1)))
    return joined(parts)


def _believed(
    chosen: Chosen,
    is_wrap: bool,
    moved: MoveRows,
    coin: MoveRows,
    pool: AddressPool,
    chain_id: int | None,
) -> BoolArray:
    listed = [asset.contract for asset in listed_assets(chain_id) if asset.wraps_native]
    believed = is_one_of(chosen, listed, pool)
    unknown = np.flatnonzero(~believed)
    if len(unknown):
        addresses = pool.addresses()
        keys = _keys(chosen.where(~believed), addresses)
        believed[unknown] = _paid(keys, is_wrap, moved, coin, addresses)
    return believed


def _keys(chosen: Chosen, addresses: UInt8Array) -> list[_Key]:
    logs, rows = chosen.logs, chosen.rows
    emitters = (addresses[number].tobytes() for number in logs.contract[rows].tolist())
    amounts = ints_of(chosen.amounts(1))
    return list(zip(logs.transaction[rows].tolist(), emitters, amounts, strict=True))


def _paid(
    keys: list[_Key], is_wrap: bool, moved: MoveRows, coin: MoveRows, addresses: UInt8Array
) -> list[bool]:
    """Return which events go with a call that no earlier event went with."""
    wanted = np.unique(np.array([transaction for transaction, *_ in keys], np.int64))
    calls = _counted(
        coin, wanted, lambda row: addresses[(coin.gets if is_wrap else coin.giver)[row]].tobytes()
    )
    null = NULL_ADDRESS
    told = _counted(
        moved,
        wanted,
        lambda row: addresses[moved.asset[row]].tobytes(),
        lambda row: addresses[(moved.giver if is_wrap else moved.gets)[row]].tobytes() == null,
    )
    believed = []
    for key in keys:
        if told[key] > 0:
            told[key] -= 1
            believed.append(False)
            continue
        believed.append(calls[key] > 0)
        calls[key] -= calls[key] > 0
    return believed


def _counted(
    moves: MoveRows,
    transactions: Int64Array,
    contract: Callable[[int], bytes],
    counts: Callable[[int], bool] = lambda _: True,
) -> "Counter[_Key]":
    rows = [
        row
        for row in np.flatnonzero(np.isin(moves.transaction, transactions)).tolist()
        if counts(row)
    ]
    amounts = ints_of(moves.amount[rows])
    return Counter(
        (int(moves.transaction[row]), contract(row), amount)
        for row, amount in zip(rows, amounts, strict=True)
    )
