"""Small chains of accounts, written down in the words of a story.

    chain = AccountChain()
    chain.genesis(alice=10 * ETHER)
    chain.block()
    chain.pay("alice", "bob", 4 * ETHER, burnt=10**15, tip=10**14)
    with chain.transaction("alice", to="router") as tx:
        tx.move("alice", "pool", 3 * ETHER)
        tx.token("USD", "pool", "alice", 9_000_000)
    view = chain.view()

Names become addresses by hashing, so that the same name is the same address in every test.
`null` is the null address, and `0x…` any other. A token is named like an account: its name is its
contract.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

from arien_flows.account_ledger.memory import account_view_of
from arien_flows.account_ledger.view import AccountView, AssetFacts
from chains.ethereum.networks import ETHER_WEI, ETHEREUM_DEV, EthereumNetwork
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
from heuristics.wide import from_ints

ETHER = ETHER_WEI
START = 1_700_000_000
BLOCK_SECONDS = 12


def address_of(name: str) -> bytes:
    """Return the address of a name; `0x` and 40 digits are an address already."""
    if name.startswith("0x"):
        return bytes.fromhex(name[2:])
    return NULL_ADDRESS if name == "null" else sha256(name.encode()).digest()[:20]


def text_of(name: str) -> str:
    """Return the address of a name as text in small letters."""
    return "0x" + address_of(name).hex()


def hash_of(*parts: object) -> bytes:
    """Return 32 bytes that stand for a hash."""
    return sha256(repr(parts).encode()).digest()


@dataclass
class Transaction:
    """One transaction that is being written down."""

    sender: str | None
    receiver: str | None
    kind: int = TransactionKind.FEE_MARKET
    succeeded: bool = True
    nonce: int = 0
    selector: int = 0
    value: int = 0
    gas_used: int = 21_000
    gas_price: int = 0
    moves: list[tuple[MovementKind, str | None, str | None, str | None, int, int | None]] = field(
        default_factory=list
    )
    events: list[tuple[EventKind, str | None, str | None, str | None, str | None, bytes, int]] = (
        field(default_factory=list)
    )
    codes: list[tuple[str, str | None, CodeKind, bytes, str | None]] = field(default_factory=list)

    def move(
        self,
        giver: str | None,
        receiver: str | None,
        wei: int,
        kind: MovementKind = MovementKind.CALL,
    ) -> None:
        """Move the native coin."""
        self.moves.append((kind, giver, receiver, None, wei, None))

    def token(
        self,
        contract: str,
        giver: str | None,
        receiver: str | None,
        amount: int,
        kind: MovementKind = MovementKind.TOKEN,
        token_id: int | None = None,
    ) -> None:
        """Move a token."""
        self.moves.append((kind, giver, receiver, contract, amount, token_id))

    def wrap(self, weth: str, owner: str, wei: int) -> None:
        """Pay the coin into a WETH contract, which makes as much of its own."""
        self.move(owner, weth, wei)
        self.token(weth, "null", owner, wei, MovementKind.WRAP)

    def unwrap(self, weth: str, owner: str, wei: int) -> None:
        """Give wrapped coins back for the coin."""
        self.token(weth, owner, "null", wei, MovementKind.UNWRAP)
        self.move(weth, owner, wei)

    def event(
        self,
        kind: EventKind,
        contract: str | None,
        first: str | None = None,
        second: str | None = None,
        third: str | None = None,
        *,
        word: bytes = bytes(32),
        amount: int = 0,
    ) -> None:
        """Emit an event that moves nothing."""
        self.events.append((kind, contract, first, second, third, word, amount))

    def code(
        self,
        account: str,
        creator: str | None = None,
        kind: CodeKind = CodeKind.PLAIN,
        code_hash: bytes = bytes(32),
        target: str | None = None,
    ) -> None:
        """Put code at an account."""
        self.codes.append((account, creator, kind, code_hash, target))

    def gas(self, burnt: int, tip: int, fee_recipient: str) -> None:
        """Pay gas; comes last."""
        if burnt:
            self.moves.append((MovementKind.GAS_BURNT, self.sender, None, None, burnt, None))
        if tip:
            self.moves.append((MovementKind.GAS_TIP, self.sender, fee_recipient, None, tip, None))


class AccountChain:
    """Writes a chain down, block by block; begins with the genesis block, height 0."""

    def __init__(
        self,
        network: EthereumNetwork = ETHEREUM_DEV,
        *,
        first_height: int = 0,
        calls: CallCoverage = CallCoverage.TRACED,
        ordering: Ordering = Ordering.EXECUTION,
        salt: str = "",
    ) -> None:
        self.network = network
        self.first_height = first_height
        self.calls = calls
        self.ordering = ordering
        self.salt = salt
        self.blocks: list[list[Transaction]] = [[]]
        self.times: list[int] = [START]
        self.known: list[AssetFacts] = []
        self.fee_recipient = "miner"

    def block(self, seconds: int = BLOCK_SECONDS) -> None:
        """Begin the next block, so long after the one before."""
        self.blocks.append([])
        self.times.append(self.times[-1] + seconds)

    def system(self, kind: MovementKind, **amounts: int) -> None:
        """Give accounts new units of the coin outside any transaction."""
        transaction = Transaction(None, None, TransactionKind.SYSTEM, gas_used=0)
        for name, wei in amounts.items():
            transaction.move(None, name, wei, kind)
        self.blocks[-1].append(transaction)

    def genesis(self, **amounts: int) -> None:
        """Allocate coins before everything."""
        self.system(MovementKind.GENESIS, **amounts)

    @contextmanager
    def transaction(
        self, sender: str, to: str | None = None, *, burnt: int = 0, tip: int = 0, **facts: int
    ) -> Iterator[Transaction]:
        """Write down a transaction; its gas comes last."""
        written = Transaction(sender, to, **facts)
        yield written
        written.gas(burnt, tip, self.fee_recipient)
        if not written.value and written.moves and written.moves[0][1] == sender:
            written.value = written.moves[0][4] if written.moves[0][3] is None else 0
        self.blocks[-1].append(written)

    def pay(self, sender: str, receiver: str, wei: int, *, burnt: int = 0, tip: int = 0) -> None:
        """Pay the coin in a transaction of its own."""
        with self.transaction(sender, receiver, burnt=burnt, tip=tip) as transaction:
            transaction.move(sender, receiver, wei)

    def send(self, contract: str, sender: str, receiver: str, amount: int) -> None:
        """Send a token in a transaction of its own."""
        with self.transaction(sender, contract) as transaction:
            transaction.token(contract, sender, receiver, amount)

    def knows(self, contract: str, symbol: str, decimals: int, *, is_listed: bool = True) -> None:
        """Say what is known of a token."""
        self.known.append(
            AssetFacts(
                number=0, contract=address_of(contract), standard=MovementKind.TOKEN,
                symbol=symbol, name=symbol, decimals=decimals, is_listed=is_listed,
            )
        )  # fmt: skip

    def tx_hash(self, block: int, position: int) -> str:
        """Return the id of a transaction, as `0x` and 64 digits."""
        return "0x" + self._id(block, position).hex()

    def view(self) -> AccountView:
        """Return the chain as a ledger in memory."""
        return account_view_of([self.batch()], self.network, self.known)

    def batch(self, start: int = 0, stop: int | None = None) -> AccountBatch:
        """Return blocks, counted from the first one, as a source delivers them."""
        return _Batch(self, start, len(self.blocks) if stop is None else stop).made()

    def block_hash(self, block: int) -> bytes:
        """Return the hash of a block, counted from the first one."""
        return hash_of("block", self.salt, self.first_height + block)

    def _id(self, block: int, position: int) -> bytes:
        written = self.blocks[block][position]
        if written.kind == TransactionKind.SYSTEM:
            return self.block_hash(block)
        return hash_of("transaction", self.salt, self.first_height + block, position)


class _Batch:
    def __init__(self, chain: AccountChain, start: int, stop: int) -> None:
        self.chain = chain
        self.rows = range(start, stop)
        self.places: dict[bytes, int] = {}

    def place(self, name: str | None) -> int:
        """Return the place of an account in the batch's list."""
        if name is None:
            return int(NO_ACCOUNT)
        return self.places.setdefault(address_of(name), len(self.places))

    def made(self) -> AccountBatch:
        chain, place = self.chain, self.place
        written = [(b, p, tx) for b in self.rows for p, tx in enumerate(chain.blocks[b])]
        moves = [move for *_, tx in written for move in tx.moves]
        events = [event for *_, tx in written for event in tx.events]
        codes = [code for *_, tx in written for code in tx.codes]
        logs = self._log_indices(written)
        named = [row for row, move in enumerate(moves) if move[5] is not None]
        facts = [tx for *_, tx in written]
        columns = {
            "fee_recipient": _u32(place(chain.fee_recipient) for _ in self.rows),
            "sender": _u32(place(tx.sender) for tx in facts),
            "receiver": _u32(place(tx.receiver) for tx in facts),
            "giver": _u32(place(move[1]) for move in moves),
            "gets": _u32(place(move[2]) for move in moves),
            "asset": _u32(place(move[3]) for move in moves),
            "contract": _u32(place(event[1]) for event in events),
            "first": _u32(place(event[2]) for event in events),
            "second": _u32(place(event[3]) for event in events),
            "third": _u32(place(event[4]) for event in events),
            "code_account": _u32(place(code[0]) for code in codes),
            "code_creator": _u32(place(code[1]) for code in codes),
            "code_target": _u32(place(code[4]) for code in codes),
        }
        heights = [chain.first_height + b for b in self.rows]
        return AccountBatch(
            address=_bytes(list(self.places), 20),
            height=np.array(heights, np.int64),
            block_hash=_bytes([chain.block_hash(b) for b in self.rows], 32),
            parent_hash=_bytes([chain.block_hash(b - 1) for b in self.rows], 32),
            time=np.array([chain.times[b] for b in self.rows], np.int64),
            first_transaction=_offsets(len(chain.blocks[b]) for b in self.rows),
            tx_hash=_bytes([chain._id(b, p) for b, p, _ in written], 32),
            tx_kind=np.array([tx.kind for tx in facts], np.uint8),
            succeeded=np.array([tx.succeeded for tx in facts], np.bool_),
            nonce=np.array([tx.nonce for tx in facts], np.uint64),
            selector=_u32(tx.selector for tx in facts),
            value=from_ints([tx.value for tx in facts]),
            gas_used=np.array([tx.gas_used for tx in facts], np.uint64),
            gas_price=np.array([tx.gas_price for tx in facts], np.uint64),
            first_movement=_offsets(len(tx.moves) for tx in facts),
            first_event=_offsets(len(tx.events) for tx in facts),
            first_code=_offsets(len(tx.codes) for tx in facts),
            kind=np.array([move[0] for move in moves], np.uint8),
            amount=from_ints([move[4] for move in moves]),
            log_index=np.array([row[0] for row in logs if row[1]], np.int32),
            token_row=np.array(named, np.int64),
            token_id=from_ints([moves[row][5] or 0 for row in named]),
            event_kind=np.array([event[0] for event in events], np.uint8),
            event_log_index=np.array([row[0] for row in logs if not row[1]], np.int32),
            word=_bytes([event[5] for event in events], 32),
            event_amount=from_ints([event[6] for event in events]),
            code_kind=np.array([code[2] for code in codes], np.uint8),
            code_hash=_bytes([code[3] for code in codes], 32),
            calls=chain.calls,
            ordering=chain.ordering,
            **columns,
        )

    def _log_indices(self, written: list[tuple[int, int, Transaction]]) -> list[tuple[int, bool]]:
        """Return (place in the block, is a movement) of movements, then events, by transaction."""
        rows: list[tuple[int, bool]] = []
        block, at = -1, 0
        for number, _, tx in written:
            if number != block:
                block, at = number, 0
            for move in tx.moves:
                rows.append((at if move[3] is not None else -1, True))
                at += move[3] is not None
            for _ in tx.events:
                rows.append((at, False))
                at += 1
        return rows


def _u32(values: Iterator[int] | object) -> np.ndarray:
    return np.fromiter(values, np.uint32)  # type: ignore[call-overload]


def _bytes(rows: list[bytes], width: int) -> np.ndarray:
    return np.frombuffer(b"".join(rows), np.uint8).reshape(-1, width)


def _offsets(counts: object) -> np.ndarray:
    return np.cumsum([0, *counts], dtype=np.int64)  # type: ignore[misc]
