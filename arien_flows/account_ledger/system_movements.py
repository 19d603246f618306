"""Entering movements that no block tells: opening balances, and what balances gained or lost.

They hang on the system transactions of a block: what was there before it on the first, the rest on
the last. Where a block has none, one is added.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chains.ethereum.tables import NO_ACCOUNT, AccountBatch, MovementKind, TransactionKind
from chains.types import AnyArray, Int64Array
from heuristics.wide import from_ints

_BEFORE = (MovementKind.GENESIS, MovementKind.OPENING)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemMovement:
    """A movement that is entered into a block."""

    block: int
    """Of the batch."""

    kind: MovementKind
    giver: bytes | None = None
    receiver: bytes | None = None
    contract: bytes | None
    """Of the token; nothing for the native coin."""

    amount: int


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the batch a movement is entered."""

    transaction: int
    """Row before which a transaction is added, or the one that it joins."""

    movement: int
    joins: bool


def with_system_movements(batch: AccountBatch, added: Sequence[SystemMovement]) -> AccountBatch:
    """Return a batch in which movements are entered."""
    if not added:
        return batch
    # Openings come first in their block; otherwise they stay in the order in which they are told.
    ordered = sorted(added, key=lambda each: (each.block, each.kind not in _BEFORE))
    addresses, places = _addresses(batch, ordered)
    where = [_place(batch, each.block, is_first=each.kind in _BEFORE) for each in ordered]
    new: dict[tuple[int, bool], tuple[int, int]] = {}
    joined = np.zeros(batch.transaction_count, np.int64)
    for each, place in zip(ordered, where, strict=True):
        if place.joins:
            joined[place.transaction] += 1
        else:
            key = each.block, each.kind in _BEFORE
            new[key] = place.transaction, new.get(key, (0, 0))[1] + 1
    return _inserted(batch, ordered, where, joined, new, addresses, places)


def _addresses(
    batch: AccountBatch, ordered: Sequence[SystemMovement]
) -> tuple[AnyArray, dict[bytes, int]]:
    places = {row.tobytes(): place for place, row in enumerate(batch.address)}
    for each in ordered:
        for address in (each.giver, each.receiver, each.contract):
            if address is not None:
                places.setdefault(address, len(places))
    raw = b"".join(places)
    return np.frombuffer(raw, np.uint8).reshape(-1, 20), places


def _place(batch: AccountBatch, block: int, *, is_first: bool) -> _Place:
    start, stop = batch.first_transaction[block : block + 2].tolist()
    at = start if is_first else stop - 1
    if start < stop and int(batch.tx_kind[at]) == TransactionKind.SYSTEM:
        kinds = batch.kind[int(batch.first_movement[at]) : int(batch.first_movement[at + 1])]
        tells_before = bool(np.isin(kinds, _BEFORE).any())
        if tells_before is is_first:
            return _Place(at, int(batch.first_movement[at + 1]), joins=True)
    at = start if is_first else stop
    return _Place(at, int(batch.first_movement[at]), joins=False)


def _inserted(
    batch: AccountBatch,
    ordered: Sequence[SystemMovement],
    where: Sequence[_Place],
    joined: Int64Array,
    new: dict[tuple[int, bool], tuple[int, int]],
    addresses: AnyArray,
    places: dict[bytes, int],
) -> AccountBatch:
    # A system transaction of the same place comes first where it tells what was before.
    keys = sorted(new, key=lambda key: (key[0], not key[1]))
    at = [new[key][0] for key in keys]
    blocks = np.array([key[0] for key in keys], np.int64)
    movement_at = np.array([place.movement for place in where], np.int64)

    def accounts(values: Sequence[bytes | None]) -> AnyArray:
        found = [int(NO_ACCOUNT) if value is None else places[value] for value in values]
        return np.array(found, np.uint32)

    def grown(first: Int64Array, more: Int64Array | int, counts: Sequence[int]) -> Int64Array:
        sizes = np.insert(np.diff(first) + more, at, np.array(counts, np.int64))
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    none = [0] * len(keys)
    transactions: dict[str, AnyArray] = {
        "tx_hash": batch.block_hash[blocks],
        "tx_kind": np.full(len(keys), TransactionKind.SYSTEM, np.uint8),
        "succeeded": np.ones(len(keys), np.bool_),
        "sender": np.full(len(keys), NO_ACCOUNT),
        "receiver": np.full(len(keys), NO_ACCOUNT),
    } | dict.fromkeys(
        ("nonce", "selector", "value", "gas_used", "gas_price"), np.zeros(1, np.uint8)
    )
    movements: dict[str, AnyArray] = {
        "kind": np.array([each.kind for each in ordered], np.uint8),
        "giver": accounts([each.giver for each in ordered]),
        "gets": accounts([each.receiver for each in ordered]),
        "asset": accounts([each.contract for each in ordered]),
        "amount": from_ints([each.amount for each in ordered]),
        "log_index": np.array([-1], np.int32),
    }
    sizes = np.diff(batch.first_transaction) + np.bincount(blocks, minlength=batch.block_count)
    return replace(
        batch,
        address=addresses,
        first_transaction=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        first_movement=grown(batch.first_movement, joined, [new[key][1] for key in keys]),
        first_event=grown(batch.first_event, 0, none),
        first_code=grown(batch.first_code, 0, none),
        token_row=batch.token_row
        + np.searchsorted(np.sort(movement_at), batch.token_row, side="right"),
        **{
            name: np.insert(getattr(batch, name), at, values, axis=0)
            for name, values in transactions.items()
        },
        **{
            name: np.insert(getattr(batch, name), movement_at, values, axis=0)
            for name, values in movements.items()
        },
    )
