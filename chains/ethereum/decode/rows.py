"""What any source says of blocks, as columns that are not yet the canonical tables.

JSON from a node and files of an export are read into the same rows, and one set of rules
(`events`, `gas`, `assemble`) makes the canonical tables of them. Accounts are numbers of an
`AddressPool`, which may hold an address several times. Rows of transactions are counted through
all blocks, without system transactions; a `sequence` orders what happened within a transaction.
"""

from dataclasses import dataclass

import numpy as np

from chains.ethereum.tables import NO_ACCOUNT
from chains.types import BoolArray, Int32Array, Int64Array, UInt8Array, UInt32Array, UInt64Array

TOPICS = 4
"""The most topics that an event has."""

AFTER_CALLS = np.int64(1) << 40
"""Sequence from which events stand where a source does not tell how they interleave with calls."""

AT_THE_END = 2 * int(AFTER_CALLS)
"""Sequence of what happens when a transaction ends, before it pays for its gas."""


class AddressPool:
    """Gives addresses numbers; the same address may have several until `settled`."""

    def __init__(self) -> None:
        self._parts: list[UInt8Array] = []
        self._known: dict[bytes, int] = {}
        self._waiting: list[bytes] = []
        self._count = 0

    def one(self, address: bytes) -> int:
        """Return the number of an address of 20 bytes."""
        number = self._known.get(address)
        if number is None:
            number = self._known[address] = self._count
            self._waiting.append(address)
            self._count += 1
        return number

    def one_or_none(self, address: bytes | None) -> int:
        """Return the number of an address, or `NO_ACCOUNT`."""
        return int(NO_ACCOUNT) if address is None else self.one(address)

    def many(self, addresses: UInt8Array) -> UInt32Array:
        """Return new numbers for rows of 20 bytes."""
        self._flush()
        self._parts.append(addresses)
        numbers = np.arange(self._count, self._count + len(addresses)).astype(np.uint32)
        self._count += len(addresses)
        return numbers

    def addresses(self) -> UInt8Array:
        """Return the address of each number, shape (numbers, 20)."""
        self._flush()
        return np.concatenate([np.empty((0, 20), np.uint8), *self._parts])

    def _flush(self) -> None:
        if self._waiting:
            self._parts.append(np.frombuffer(b"".join(self._waiting), np.uint8).reshape(-1, 20))
            self._waiting = []


def unique_rows(rows: UInt8Array) -> tuple[Int64Array, Int64Array]:
    """Return the first row of each distinct one, and for each row the place of its like in these.

    Rows are compared by a mix of 64 bits and then in full, so that nobody can make two addresses
    one by choosing them alike.
    """
    padded = np.zeros((len(rows), 24), np.uint8)
    padded[:, :20] = rows
    words = padded.view(np.uint64).reshape(-1, 3)
    key = words[:, 0] ^ (words[:, 1] << np.uint64(17)) ^ (words[:, 1] >> np.uint64(47))
    key ^= words[:, 2] << np.uint64(31)
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    if not np.array_equal(words[first[place]], words):
        _, first, place = np.unique(words, axis=0, return_index=True, return_inverse=True)
    return first.astype(np.int64), place.reshape(-1).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRows:
    """Blocks, consecutive and in order."""

    height: Int64Array
    block_hash: UInt8Array
    parent_hash: UInt8Array
    time: Int64Array
    fee_recipient: UInt32Array
    base_fee: UInt64Array
    """Wei per gas; 0 before London."""

    first_transaction: Int64Array
    """Shape (blocks + 1)."""

    keeps_destroyed: BoolArray
    """Since Cancun (EIP-6780): a self-destruct leaves a contract that is older than its
    transaction as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRows:
    """Transactions, in order."""

    tx_hash: UInt8Array
    kind: UInt8Array
    succeeded: BoolArray
    sender: UInt32Array
    receiver: UInt32Array
    nonce: UInt64Array
    selector: UInt32Array
    value: UInt64Array
    gas_used: UInt64Array
    gas_price: UInt64Array
    blob_fee: UInt64Array
    """Wei paid for blobs, shape (transactions, 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRows:
    """Events, in order of the block."""

    transaction: Int64Array
    sequence: Int64Array
    log_index: Int32Array
    contract: UInt32Array
    topic_count: UInt8Array
    topics: UInt8Array
    """Shape (events, 4, 32); zeros for those that an event has not."""

    payload: UInt8Array
    """Data of all events, one after another."""

    payload_start: Int64Array
    """Shape (events + 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRows:
    """Movements of value or of tokens, in any order."""

    transaction: Int64Array
    sequence: Int64Array
    kind: UInt8Array
    giver: UInt32Array
    gets: UInt32Array
    asset: UInt32Array
    amount: UInt64Array
    log_index: Int32Array
    names_token: BoolArray
    token_id: UInt64Array
    """Shape (movements, 4); zeros where `names_token` is false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRows:
    """Events that move nothing, in any order."""

    transaction: Int64Array
    kind: UInt8Array
    log_index: Int32Array
    contract: UInt32Array
    first: UInt32Array
    second: UInt32Array
    third: UInt32Array
    word: UInt8Array
    amount: UInt64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRows:
    """Code that was put at accounts, in order."""

    transaction: Int64Array
    account: UInt32Array
    creator: UInt32Array
    kind: UInt8Array
    code_hash: UInt8Array
    target: UInt32Array


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRows:
    """What moves coins outside any transaction, in order of the blocks."""

    block: Int64Array
    """Counted from the first of the batch."""

    is_first: BoolArray
    """Whether it comes before the block's transactions."""

    kind: UInt8Array
    giver: UInt32Array
    gets: UInt32Array
    amount: UInt64Array


def no_moves() -> MoveRows:
    """Return no movements."""
    return coin_moves([], [], [], [], [], np.empty((0, 4), np.uint64))


def coin_moves(
    transaction: list[int] | Int64Array,
    sequence: list[int] | Int64Array,
    kind: list[int] | UInt8Array,
    giver: list[int] | UInt32Array,
    gets: list[int] | UInt32Array,
    amount: UInt64Array,
) -> MoveRows:
    """Return movements of the native coin."""
    count = len(amount)
    return MoveRows(
        transaction=np.asarray(transaction, np.int64),
        sequence=np.asarray(sequence, np.int64),
        kind=np.asarray(kind, np.uint8),
        giver=np.asarray(giver, np.uint32),
        gets=np.asarray(gets, np.uint32),
        asset=np.full(count, NO_ACCOUNT, np.uint32),
        amount=amount,
        log_index=np.full(count, -1, np.int32),
        names_token=np.zeros(count, np.bool_),
        token_id=np.zeros((count, 4), np.uint64),
    )


def joined(parts: list[MoveRows]) -> MoveRows:
    """Return movements of several lists as one."""
    return MoveRows(
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in MoveRows.__dataclass_fields__
        }
    )
