"""The canonical tables taken apart into plain values, and put together again.

For what is small and comes in pieces: the histories of single accounts, which are joined row by
row. Whole blocks go straight into columns; nothing on that path uses this.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from chains.ethereum.tables import (
    NO_ACCOUNT,
    AccountBatch,
    CallCoverage,
    CodeKind,
    EventKind,
    MovementKind,
    Ordering,
    TransactionKind,
)
from chains.types import Int64Array, UInt8Array, UInt32Array, UInt64Array

_LIMB_BYTES = 8
_LIMBS = 4
_NO_HASH = bytes(32)


class MovePart(NamedTuple):
    """A movement. Addresses have 20 bytes; nothing stands where the tables have `NO_ACCOUNT`."""

    kind: MovementKind
    giver: bytes | None
    receiver: bytes | None
    contract: bytes | None
    amount: int
    token_id: int | None = None
    log_index: int = -1


class EventPart(NamedTuple):
    """An event that moves nothing."""

    kind: EventKind
    contract: bytes | None
    first: bytes | None
    second: bytes | None
    third: bytes | None
    word: bytes
    amount: int
    log_index: int


class CodePart(NamedTuple):
    """A code that was put at an account."""

    account: bytes
    creator: bytes | None
    kind: CodeKind = CodeKind.PLAIN
    code_hash: bytes = _NO_HASH
    target: bytes | None = None


@dataclass(slots=True, kw_only=True)
class TransactionPart:
    """A transaction with what it moved."""

    tx_hash: bytes
    kind: int = TransactionKind.LEGACY
    succeeded: bool = True
    sender: bytes | None = None
    receiver: bytes | None = None
    nonce: int = 0
    selector: int = 0
    value: int = 0
    gas_used: int = 0
    gas_price: int = 0
    moves: list[MovePart] = field(default_factory=list)
    events: list[EventPart] = field(default_factory=list)
    codes: list[CodePart] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class BlockPart:
    """A block with its transactions."""

    height: int
    time: int
    block_hash: bytes = _NO_HASH
    parent_hash: bytes = _NO_HASH
    fee_recipient: bytes | None = None
    transactions: list[TransactionPart] = field(default_factory=list)


def batch_of(
    blocks: Sequence[BlockPart], *, calls: CallCoverage, ordering: Ordering
) -> AccountBatch:
    """Put blocks, lowest first, together as a batch."""
    numbers: dict[bytes, int] = {}

    def place(address: bytes | None) -> int:
        if address is None:
            return int(NO_ACCOUNT)
        return numbers.setdefault(address, len(numbers))

    rows = [row for block in blocks for row in block.transactions]
    moves = [move for row in rows for move in row.moves]
    events = [event for row in rows for event in row.events]
    codes = [code for row in rows for code in row.codes]
    named = [at for at, move in enumerate(moves) if move.token_id is not None]
    accounts = {
        "fee_recipient": _places(place(block.fee_recipient) for block in blocks),
        "sender": _places(place(row.sender) for row in rows),
        "receiver": _places(place(row.receiver) for row in rows),
        "giver": _places(place(move.giver) for move in moves),
        "gets": _places(place(move.receiver) for move in moves),
        "asset": _places(place(move.contract) for move in moves),
        "contract": _places(place(event.contract) for event in events),
        "first": _places(place(event.first) for event in events),
        "second": _places(place(event.second) for event in events),
        "third": _places(place(event.third) for event in events),
        "code_account": _places(place(code.account) for code in codes),
        "code_creator": _places(place(code.creator) for code in codes),
        "code_target": _places(place(code.target) for code in codes),
    }
    return AccountBatch(
        address=_joined(numbers, 20),
        height=np.array([block.height for block in blocks], np.int64),
        block_hash=_joined((block.block_hash for block in blocks), 32),
        parent_hash=_joined((block.parent_hash for block in blocks), 32),
        time=np.array([block.time for block in blocks], np.int64),
        first_transaction=_firsts(len(block.transactions) for block in blocks),
        tx_hash=_joined((row.tx_hash for row in rows), 32),
        tx_kind=np.array([row.kind for row in rows], np.uint8),
        succeeded=np.array([row.succeeded for row in rows], np.bool_),
        nonce=np.array([row.nonce for row in rows], np.uint64),
        selector=np.array([row.selector for row in rows], np.uint32),
        value=_limbs(row.value for row in rows),
        gas_used=np.array([row.gas_used for row in rows], np.uint64),
        gas_price=np.array([row.gas_price for row in rows], np.uint64),
        first_movement=_firsts(len(row.moves) for row in rows),
        first_event=_firsts(len(row.events) for row in rows),
        first_code=_firsts(len(row.codes) for row in rows),
        kind=np.array([move.kind for move in moves], np.uint8),
        amount=_limbs(move.amount for move in moves),
        log_index=np.array([move.log_index for move in moves], np.int32),
        token_row=np.array(named, np.int64),
        token_id=_limbs(moves[at].token_id or 0 for at in named),
        event_kind=np.array([event.kind for event in events], np.uint8),
        event_log_index=np.array([event.log_index for event in events], np.int32),
        word=_joined((event.word for event in events), 32),
        event_amount=_limbs(event.amount for event in events),
        code_kind=np.array([code.kind for code in codes], np.uint8),
        code_hash=_joined((code.code_hash for code in codes), 32),
        calls=calls,
        ordering=ordering,
        **accounts,
    )


def parts_of(batch: AccountBatch) -> list[BlockPart]:
    """Take a batch apart."""
    addresses = [row.tobytes() for row in batch.address]
    transactions = _transactions(batch, addresses)
    bounds = batch.first_transaction.tolist()
    heights, times = batch.height.tolist(), batch.time.tolist()
    recipients = _named(addresses, batch.fee_recipient)
    return [
        BlockPart(
            height=heights[at],
            time=times[at],
            block_hash=batch.block_hash[at].tobytes(),
            parent_hash=batch.parent_hash[at].tobytes(),
            fee_recipient=recipients[at],
            transactions=transactions[start:stop],
        )
        for at, (start, stop) in enumerate(pairwise(bounds))
    ]


def _transactions(batch: AccountBatch, addresses: list[bytes]) -> list[TransactionPart]:
    moves, events, codes = (
        _moves(batch, addresses),
        _events(batch, addresses),
        _codes(batch, addresses),
    )
    firsts = [
        list(pairwise(first.tolist()))
        for first in (batch.first_movement, batch.first_event, batch.first_code)
    ]
    senders, receivers = _named(addresses, batch.sender), _named(addresses, batch.receiver)
    values = _numbers(batch.value)
    return [
        TransactionPart(
            tx_hash=batch.tx_hash[at].tobytes(),
            kind=int(batch.tx_kind[at]),
            succeeded=bool(batch.succeeded[at]),
            sender=senders[at],
            receiver=receivers[at],
            nonce=int(batch.nonce[at]),
            selector=int(batch.selector[at]),
            value=values[at],
            gas_used=int(batch.gas_used[at]),
            gas_price=int(batch.gas_price[at]),
            moves=moves[slice(*firsts[0][at])],
            events=events[slice(*firsts[1][at])],
            codes=codes[slice(*firsts[2][at])],
        )
        for at in range(batch.transaction_count)
    ]


def _moves(batch: AccountBatch, addresses: list[bytes]) -> list[MovePart]:
    ids = dict(zip(batch.token_row.tolist(), _numbers(batch.token_id), strict=True))
    columns = zip(
        batch.kind.tolist(),
        _named(addresses, batch.giver),
        _named(addresses, batch.gets),
        _named(addresses, batch.asset),
        _numbers(batch.amount),
        batch.log_index.tolist(),
        strict=True,
    )
    return [
        MovePart(MovementKind(kind), giver, gets, asset, amount, ids.get(at), log)
        for at, (kind, giver, gets, asset, amount, log) in enumerate(columns)
    ]


def _events(batch: AccountBatch, addresses: list[bytes]) -> list[EventPart]:
    columns = zip(
        batch.event_kind.tolist(),
        *(
            _named(addresses, column)
            for column in (batch.contract, batch.first, batch.second, batch.third)
        ),
        [row.tobytes() for row in batch.word],
        _numbers(batch.event_amount),
        batch.event_log_index.tolist(),
        strict=True,
    )
    return [EventPart(EventKind(kind), *rest) for kind, *rest in columns]


def _codes(batch: AccountBatch, addresses: list[bytes]) -> list[CodePart]:
    columns = zip(
        batch.code_account.tolist(),
        _named(addresses, batch.code_creator),
        batch.code_kind.tolist(),
        [row.tobytes() for row in batch.code_hash],
        _named(addresses, batch.code_target),
        strict=True,
    )
    return [
        CodePart(addresses[account], creator, CodeKind(kind), code_hash, target)
        for account, creator, kind, code_hash, target in columns
    ]


def _named(addresses: list[bytes], column: UInt32Array) -> list[bytes | None]:
    none = int(NO_ACCOUNT)
    return [None if number == none else addresses[number] for number in column.tolist()]


def _numbers(limbs: UInt64Array) -> list[int]:
    return [int.from_bytes(row.astype("<u8").tobytes(), "little") for row in limbs]


def _limbs(numbers: Iterable[int]) -> UInt64Array:
    raw = b"".join(number.to_bytes(_LIMBS * _LIMB_BYTES, "little") for number in numbers)
    return np.frombuffer(raw, "<u8").astype(np.uint64).reshape(-1, _LIMBS)


def _joined(rows: Iterable[bytes], width: int) -> UInt8Array:
    return np.frombuffer(b"".join(rows), np.uint8).reshape(-1, width)


def _places(numbers: Iterable[int]) -> UInt32Array:
    return np.fromiter(numbers, np.uint32)


def _firsts(counts: Iterable[int]) -> Int64Array:
    ends: Int64Array = np.cumsum([0, *counts], dtype=np.int64)
    return ends
