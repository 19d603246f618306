"""Writing a made-up chain of accounts down as the tables that a source delivers.

Accounts are numbers of the writer's own, from 1; their addresses are hashes of them, and 0 is the
null address. Amounts are wei and base units. There is one transaction for each payment, and only
what rules read is filled in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

from chains.ethereum.tables import (
    NO_ACCOUNT,
    NULL_ADDRESS,
    AccountBatch,
    CallCoverage,
    CodeKind,
    EventKind,
    MovementKind,
    Ordering,
    TransactionKind,
)
from chains.types import Int64Array, UInt8Array, UInt32Array
from heuristics.wide import from_ints

GAS_PRICE_WEI = 20 * 10**9
FEE_WEI = 21_000 * GAS_PRICE_WEI
_NOBODY = -1
_SECONDS = 12
_START = 1_700_000_000


@dataclass(slots=True)
class AccountWriter:
    """A chain in the making; blocks follow one another, and each payment is in the present one."""

    seed: int
    accounts: int = 0
    height: int = 0
    _heights: list[int] = field(default_factory=lambda: [0])
    _first: list[int] = field(default_factory=lambda: [0])
    _sent: list[tuple[int, int]] = field(default_factory=list)
    _moves: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    """Transaction, kind, giver, receiver, asset, amount."""

    _events: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Transaction, contract, owner, spender."""

    _codes: list[tuple[int, int, int]] = field(default_factory=list)
    """Transaction, contract, creator."""

    def account(self) -> int:
        """Return a new account."""
        self.accounts += 1
        return self.accounts

    def wait(self, blocks: int) -> None:
        """Let blocks pass; empty ones but for the last are not written down."""
        if blocks:
            self.height += blocks
            self._heights.append(self.height)
            self._first.append(len(self._sent))

    def pay(self, giver: int, receiver: int, wei: int) -> None:
        """Pay coins."""
        self._moves.append(
            (self._send(giver, receiver), MovementKind.CALL, giver, receiver, _NOBODY, wei)
        )

    def send(self, token: int, giver: int, receiver: int, amount: int) -> None:
        """Send tokens."""
        row = self._send(giver, token), MovementKind.TOKEN, giver, receiver, token, amount
        self._moves.append(row)

    def approve(self, token: int, owner: int, spender: int) -> None:
        """Let a spender take tokens."""
        self._events.append((self._send(owner, token), token, owner, spender))

    def deploy(self, creator: int) -> int:
        """Put a contract there; return it."""
        contract = self.account()
        self._codes.append((self._send(creator, contract), contract, creator))
        return contract

    def address(self, account: int) -> bytes:
        """Return the 20 bytes of an account."""
        if account == 0:
            return NULL_ADDRESS
        return sha256(f"{self.seed}:{account}".encode()).digest()[:20]

    def _send(self, sender: int, receiver: int) -> int:
        self._sent.append((sender, receiver))
        return len(self._sent) - 1

    def batch(self) -> AccountBatch:
        """Return everything as one batch."""
        count, blocks = len(self._sent), len(self._heights)
        heights = np.array(self._heights, np.int64)
        moves = _columns(self._moves, 6)
        events, codes = _columns(self._events, 4), _columns(self._codes, 3)
        sent = _columns(self._sent, 2)
        everybody = b"".join(self.address(number) for number in range(self.accounts + 1))
        none = np.full(len(events[0]), NO_ACCOUNT, np.uint32)
        zeros = np.zeros(count, np.uint64)
        return AccountBatch(
            address=np.frombuffer(everybody, np.uint8).reshape(-1, 20),
            height=heights,
            block_hash=_hashes(self.seed, "block", blocks),
            parent_hash=_hashes(self.seed, "parent", blocks),
            time=_START + _SECONDS * heights,
            fee_recipient=np.zeros(blocks, np.uint32),
            first_transaction=np.array([*self._first, count], np.int64),
            tx_hash=_hashes(self.seed, "transaction", count),
            tx_kind=np.full(count, TransactionKind.FEE_MARKET, np.uint8),
            succeeded=np.ones(count, np.bool_),
            sender=_accounts(sent[0]),
            receiver=_accounts(sent[1]),
            nonce=zeros,
            selector=np.zeros(count, np.uint32),
            value=from_ints([0] * count),
            gas_used=zeros + np.uint64(21_000),
            gas_price=zeros + np.uint64(GAS_PRICE_WEI),
            first_movement=_starts(moves[0], count),
            first_event=_starts(events[0], count),
            first_code=_starts(codes[0], count),
            kind=np.array(moves[1], np.uint8),
            giver=_accounts(moves[2]),
            gets=_accounts(moves[3]),
            asset=_accounts(moves[4]),
            amount=from_ints(list(moves[5])),
            log_index=np.zeros(len(moves[0]), np.int32),
            token_row=np.empty(0, np.int64),
            token_id=from_ints([]),
            event_kind=np.full(len(events[0]), EventKind.APPROVAL, np.uint8),
            event_log_index=np.zeros(len(events[0]), np.int32),
            contract=_accounts(events[1]),
            first=_accounts(events[2]),
            second=_accounts(events[3]),
            third=none,
            word=np.zeros((len(events[0]), 32), np.uint8),
            event_amount=from_ints([1] * len(events[0])),
            code_account=_accounts(codes[1]),
            code_creator=_accounts(codes[2]),
            code_kind=np.full(len(codes[0]), CodeKind.PLAIN, np.uint8),
            code_hash=np.zeros((len(codes[0]), 32), np.uint8),
            code_target=np.full(len(codes[0]), NO_ACCOUNT, np.uint32),
            calls=CallCoverage.TRACED,
            ordering=Ordering.EXECUTION,
        )


def _columns(rows: Sequence[tuple[int, ...]], width: int) -> list[tuple[int, ...]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _accounts(numbers: tuple[int, ...]) -> UInt32Array:
    column = np.array(numbers, np.int64)
    return np.where(column == _NOBODY, NO_ACCOUNT, column).astype(np.uint32)


def _starts(transactions: tuple[int, ...], count: int) -> Int64Array:
    """Return where the rows of each transaction start; rows are in order of transactions."""
    starts: Int64Array = np.searchsorted(np.array(transactions, np.int64), np.arange(count + 1))
    return starts.astype(np.int64)


def _hashes(seed: int, kind: str, count: int) -> UInt8Array:
    raw = b"".join(sha256(f"{seed}:{kind}:{number}".encode()).digest() for number in range(count))
    return np.frombuffer(raw, np.uint8).reshape(-1, 32)
