"""A view: everything that an account ledger said at one moment, as arrays.

All analysis reads a view, whether it was opened from disk or assembled in memory. A view is
fixed: blocks that arrive later are not in it. Arrays are read-only; numbers never leave the
process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from arien_flows.account_ledger.columns import (
    NATIVE,
    NULL_ACCOUNT,
    AccountTransactionColumns,
    AssetColumns,
    BlockColumns,
    CodeColumns,
    EventColumns,
    LedgerMovementColumns,
)
from arien_flows.errors import InputError, NotFoundError
from arien_flows.shapes import AsOf
from chains.errors import AddressError
from chains.ethereum.address import checksummed, parse_ethereum_address
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.tables import NO_ACCOUNT, CallCoverage, MovementKind, Ordering, TransactionKind
from chains.types import Int64Array, UInt8Array, UInt32Array, UInt64Array
from heuristics.account_events import Movement, MovementColumns

TX_HASH_DIGITS = 64


class AccountCounts(NamedTuple):
    """Rows of each table that a view covers."""

    blocks: int = 0
    transactions: int = 0
    """System transactions included."""

    movements: int = 0
    events: int = 0
    codes: int = 0
    accounts: int = 0
    assets: int = 0


class AccountTip(NamedTuple):
    """The last block of a view."""

    height: int
    block_hash: str
    """`0x` and 64 digits."""

    time: datetime


class AccountTotals(NamedTuple):
    """What an account did with one asset, in base units."""

    movements: int
    received: int
    sent: int
    """Gas included, for the coin."""

    first_movement: int
    """-1 where there is none."""

    last_movement: int

    @property
    def balance(self) -> int:
        """Return what it holds after the last block; negative only where movements are missing."""
        return self.received - self.sent


class AccountIndex(Protocol):
    """Finds rows of a view; all answers are ascending and end with the view."""

    def find_account(self, address: bytes) -> int | None:
        """Return the number of an address of 20 bytes."""
        ...

    def find_transaction(self, tx_hash: bytes) -> int | None:
        """Return the first row of that id; system transactions are found by their block's hash."""
        ...

    def find_asset(self, contract: int) -> int | None:
        """Return the asset whose contract is that account."""
        ...

    def movements_of(self, account: int, asset: int | None) -> Int64Array:
        """Return movements that an account gave or received, of one asset or of all."""
        ...

    def assets_of(self, account: int) -> UInt32Array:
        """Return assets that an account ever gave or received."""
        ...

    def has_moved(self, account: int, asset: int) -> bool:
        """Return whether an account ever gave or received an asset."""
        ...

    def transactions_of(self, account: int) -> Int64Array:
        """Return transactions that an account sent, was sent to, or has a movement in."""
        ...

    def events_of(self, account: int) -> Int64Array:
        """Return events that name an account, as contract or otherwise."""
        ...

    def codes_of(self, account: int) -> Int64Array:
        """Return the rows of code that was put at an account."""
        ...

    def totals(self, account: int, asset: int) -> AccountTotals:
        """Return what an account did with an asset."""
        ...


class Amounts(Protocol):
    """The amounts of all movements."""

    def of(self, rows: Int64Array | slice) -> UInt64Array:
        """Return amounts in base units, shape (rows, 4); see `heuristics.wide`."""
        ...


class TokenIds(Protocol):
    """The token ids of movements that name one."""

    def of(self, movement: int) -> int | None:
        """Return the token id of a movement; nothing where it names none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFacts:
    """What is known of an asset. What a contract says of itself proves nothing."""

    number: int
    contract: bytes | None
    """20 bytes; nothing for the native coin."""

    standard: MovementKind
    symbol: str
    """As the list of main assets or the contract says; empty where neither does."""

    name: str
    decimals: int | None
    """Digits after the point; nothing where it is not known: then only base units are shown."""

    is_listed: bool
    """Whether the program's own list of main assets names this contract."""

    is_conserving: bool = True
    """Whether what left always arrived; not so for tokens with a fee or balances that change by
    themselves."""


_KIND_OF = np.full(256, 255, np.uint8)
for _kind, _moved in {
    MovementKind.CALL: Movement.TRANSFER,
    MovementKind.CREATE: Movement.TRANSFER,
    MovementKind.SELF_DESTRUCT: Movement.TRANSFER,
    MovementKind.WITHDRAWAL: Movement.CREDIT,
    MovementKind.GENESIS: Movement.CREDIT,
    MovementKind.REWARD: Movement.CREDIT,
    MovementKind.GAS_BURNT: Movement.GAS_BURNT,
    MovementKind.GAS_TIP: Movement.GAS_TIP,
    MovementKind.OPENING: Movement.OPENING,
    MovementKind.TOKEN: Movement.TRANSFER,
    MovementKind.WRAP: Movement.TRANSFER,
    MovementKind.UNWRAP: Movement.TRANSFER,
    MovementKind.NFT: Movement.TRANSFER,
    MovementKind.MULTI_TOKEN: Movement.TRANSFER,
    MovementKind.DIFFERENCE_UP: Movement.CREDIT,
    MovementKind.DIFFERENCE_DOWN: Movement.BURN,
}.items():
    _KIND_OF[_kind] = _moved


@dataclass(frozen=True, kw_only=True)
class AccountView:
    """A fixed state of an account ledger."""

    network: EthereumNetwork
    counts: AccountCounts
    generation: int
    """Raised by each roll-back; numbers of different generations must not meet."""

    blocks: BlockColumns
    transactions: AccountTransactionColumns
    movements: LedgerMovementColumns
    events: EventColumns
    codes: CodeColumns
    assets: AssetColumns
    addresses: UInt8Array
    """Shape (accounts, 20)."""

    amounts: Amounts
    token_ids: TokenIds
    index: AccountIndex
    asset_facts: Sequence[AssetFacts]
    """By asset number."""

    # --- the state of the chain

    @cached_property
    def tip(self) -> AccountTip:
        """Return the last block; `NotFoundError` for an empty ledger."""
        if self.counts.blocks == 0:
            raise NotFoundError("the ledger is empty: fill it with `arien-flows ledger ingest`")
        return AccountTip(
            int(self.blocks.height[-1]),
            "0x" + self.blocks.block_hash[-1].tobytes().hex(),
            datetime.fromtimestamp(int(self.blocks.time[-1]), tz=UTC),
        )

    def as_of(self) -> AsOf:
        """Return the state of the chain in the words of every answer."""
        tip = self.tip
        return AsOf(
            network=self.network.name, height=tip.height, block_hash=tip.block_hash, time=tip.time
        )

    @property
    def begins_at_genesis(self) -> bool:
        """Whether nothing came before the first block."""
        return self.counts.blocks > 0 and int(self.blocks.height[0]) == 0

    @cached_property
    def calls(self) -> CallCoverage:
        """Return the least that any block knows of value that contracts moved."""
        return CallCoverage(int(self.blocks.calls.max(initial=0)))

    @cached_property
    def ordering(self) -> Ordering:
        """Return the least that any block tells of the order inside transactions."""
        return Ordering(int(self.blocks.ordering.max(initial=0)))

    # --- names

    def find_account(self, text: str) -> int:
        """Return the number of an address.

        `InputError` for what is no address, `NotFoundError` for one that the ledger never saw.
        """
        try:
            parsed = parse_ethereum_address(text.strip())
        except AddressError as error:
            raise InputError(f"{text!r}: {error}") from error
        number = self.index.find_account(bytes.fromhex(parsed.text[2:]))
        if number is None or number >= self.counts.accounts:
            raise NotFoundError(
                f"{checksummed(parsed.text)} was never used in {self.network.name} up to block "
                f"{self.tip.height:,}"
            )
        return number

    def account_text(self, account: int) -> str:
        """Return an address as people read it, with its checksum (EIP-55)."""
        return checksummed(self.account_id(account))

    def account_id(self, account: int) -> str:
        """Return an address as programs compare it, in small letters."""
        raw: bytes = self.addresses[account].tobytes()
        return "0x" + raw.hex()

    def find_transaction(self, text: str) -> int:
        """Return the row of a transaction id; `InputError`, `NotFoundError` as for accounts."""
        digits = text.strip().lower().removeprefix("0x")
        if len(digits) != TX_HASH_DIGITS or set(digits) - set("0123456789abcdef"):
            raise InputError(f"{text!r} is not a transaction id: 0x and 64 hexadecimal digits")
        row = self.index.find_transaction(bytes.fromhex(digits))
        if row is None or row >= self.counts.transactions:
            raise NotFoundError(
                f"0x{digits} is not in {self.network.name} up to block {self.tip.height:,}"
            )
        return row

    def transaction_text(self, transaction: int) -> str:
        """Return a transaction's id; the block's hash for a system transaction."""
        raw: bytes = self.transactions.tx_hash[transaction].tobytes()
        return "0x" + raw.hex()

    # --- places in time

    def blocks_of(self, transactions: Int64Array | UInt32Array) -> Int64Array:
        """Return the row of the block of each transaction."""
        ends = self.blocks.first_transaction[1:]
        found: Int64Array = np.searchsorted(ends, transactions, side="right").astype(np.int64)
        return found

    def times_of(self, transactions: Int64Array | UInt32Array) -> Int64Array:
        """Return the time of the block of each transaction, in seconds since 1970."""
        times: Int64Array = self.blocks.time[self.blocks_of(transactions)]
        return times

    def heights_of(self, transactions: Int64Array | UInt32Array) -> Int64Array:
        """Return the height of the block of each transaction."""
        heights: Int64Array = self.blocks.height[self.blocks_of(transactions)]
        return heights

    def is_system(self, transaction: int) -> bool:
        """Tell whether a row stands for what moved outside any transaction."""
        return int(self.transactions.tx_kind[transaction]) == TransactionKind.SYSTEM

    # --- for kernels

    def movement_columns(self, rows: Int64Array | slice = slice(None)) -> MovementColumns:
        """Return movements as the accounting kernels take them.

        What the null address gives is new, and what it receives is destroyed, whether token or
        coin: nobody holds its key, and nothing may pass through it.
        """
        columns = self.movements
        kind = _KIND_OF[columns.kind[rows]]
        giver, receiver = columns.giver[rows].copy(), columns.receiver[rows].copy()
        moved = kind == Movement.TRANSFER
        made = moved & (giver == NULL_ACCOUNT)
        ended = moved & (receiver == NULL_ACCOUNT) & ~made
        kind = np.where(made, Movement.CREDIT, np.where(ended, Movement.BURN, kind))
        giver[made] = NO_ACCOUNT
        receiver[ended] = NO_ACCOUNT
        return MovementColumns(
            transaction=columns.transaction[rows].astype(np.int64),
            kind=kind.astype(np.uint8),
            giver=giver,
            receiver=receiver,
            asset=columns.asset[rows],
            amount=self.amounts.of(rows),
        )

    def native(self) -> AssetFacts:
        """Return the native coin."""
        return self.asset_facts[NATIVE]
