"""What the rows of each list say, as values; pure, no input or output.

Five lists tell of one account: the transactions that it sent or that were sent to it, the calls
with value inside transactions ("internal transactions"), the transfers of tokens, what it got for
blocks, and what the beacon chain paid out to it.

Servers differ: the id of a call's transaction is `hash` or `transactionHash`, its place `traceId`
("0_1_1": the path in the tree of calls) or `index`; only some tell the place of an event. Where a
transaction failed, or a call did (`isError`), nothing moved but gas; before the Byzantium fork
there is no `txreceipt_status`. A `delegatecall` shows the value of the call around it and moves
nothing.
"""

from dataclasses import dataclass
from typing import NamedTuple

from chains.ethereum.explorer.answers import Row
from chains.ethereum.explorer.errors import UnexpectedAnswerError
from chains.ethereum.tables import MovementKind

GENESIS = "GENESIS"
"""What stands in place of the sender and before the hash for the allocation of block 0."""

WEI_PER_GWEI = 10**9
"""Withdrawals are told in gwei."""

Place = tuple[int, ...]
"""Where a call stands in the tree of calls; sorts like the execution."""

_HEIGHT = 1 << 40
_UINT64 = 1 << 64
_UINT31 = 1 << 31
_MOVES_NOTHING = frozenset({"delegatecall", "staticcall", "callcode"})
_MADE = frozenset({"create", "create2", "create3"})
_DESTROYED = frozenset({"suicide", "selfdestruct"})


class BlockFacts(NamedTuple):
    """What a row tells of its block."""

    height: int
    time: int
    """Seconds since 1970."""

    block_hash: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTransaction:
    """A row of `txlist`."""

    block: BlockFacts
    tx_hash: bytes
    index: int
    """Place in its block."""

    sender: bytes
    receiver: bytes | None
    created: bytes | None
    """The contract that it was to create."""

    value: int
    gas_used: int
    gas_price: int
    nonce: int
    selector: int
    succeeded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """A row of `txlist` that tells what the genesis block gave."""

    block: BlockFacts
    account: bytes
    wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A row of `txlistinternal`."""

    block: BlockFacts
    tx_hash: bytes
    kind: MovementKind
    giver: bytes
    receiver: bytes
    wei: int
    took_effect: bool
    moves: bool
    """Whether its value moved: not for calls that run in the caller's place."""

    place: Place
    """Empty where it is not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTransfer:
    """A row of `tokentx`, `tokennfttx` or `token1155tx`."""

    block: BlockFacts
    tx_hash: bytes
    index: int | None
    """Place of the transaction in its block."""

    kind: MovementKind
    contract: bytes
    giver: bytes
    receiver: bytes
    amount: int
    token_id: int | None
    log_index: int | None
    symbol: str
    name: str
    decimals: int | None
    gas_used: int
    gas_price: int
    nonce: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MinedBlock:
    """A row of `getminedblocks`."""

    block: BlockFacts
    wei: int | None
    """Reward with what transactions tipped; nothing where the explorer does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A row of `txsBeaconWithdrawal`."""

    block: BlockFacts
    index: int
    """Number of the withdrawal on the whole chain."""

    account: bytes
    wei: int


def read_transaction(row: Row) -> ListedTransaction | Allocation:
    """Read a row of `txlist`."""
    if row.text("hash").startswith(GENESIS):
        return Allocation(block=_block(row), account=row.address("to"), wei=row.number("value"))
    status = row.text("txreceipt_status")
    return ListedTransaction(
        block=_block(row),
        tx_hash=row.hash("hash"),
        index=row.number("transactionIndex", below=_UINT31),
        sender=row.address("from"),
        receiver=row.optional_address("to"),
        created=row.optional_address("contractAddress"),
        value=row.number("value"),
        gas_used=row.number("gasUsed", below=_UINT64),
        gas_price=row.number("gasPrice", below=_UINT64),
        nonce=row.number("nonce", below=_UINT64),
        selector=row.selector(),
        succeeded=not _failed(row) and status != "0",
    )


def read_call(row: Row) -> Call:
    """Read a row of `txlistinternal` that was asked for by address."""
    kind = row.text("type").lower()
    created = row.optional_address("contractAddress")
    receiver = row.optional_address("to") or created
    is_made = kind in _MADE
    if is_made and created is not None:
        receiver = created
    moved = MovementKind.CALL
    if is_made:
        moved = MovementKind.CREATE
    elif kind in _DESTROYED:
        moved = MovementKind.SELF_DESTRUCT
    ran_as_caller = {kind, row.text("callType").lower()} & _MOVES_NOTHING
    return Call(
        block=_block(row),
        tx_hash=row.hash("hash", "transactionHash"),
        kind=moved,
        giver=row.address("from"),
        # A creation that failed names no contract, and moved nothing.
        receiver=bytes(20) if receiver is None else receiver,
        wei=row.number("value"),
        took_effect=not _failed(row) and receiver is not None,
        moves=not ran_as_caller,
        place=_place(row),
    )


def read_token(row: Row) -> TokenTransfer:
    """Read a row of `tokentx`."""
    return _transfer(row, MovementKind.TOKEN, row.number("value"), None)


def read_nft(row: Row) -> TokenTransfer:
    """Read a row of `tokennfttx`: one token, known by its number."""
    return _transfer(row, MovementKind.NFT, 1, row.number("tokenID", "tokenId"))


def read_multi_token(row: Row) -> TokenTransfer:
    """Read a row of `token1155tx`: some of the tokens of one number."""
    amount = row.number("tokenValue", "value")
    return _transfer(row, MovementKind.MULTI_TOKEN, amount, row.number("tokenID", "tokenId"))


def read_mined(row: Row) -> MinedBlock:
    """Read a row of `getminedblocks`."""
    return MinedBlock(block=_block(row), wei=row.optional_number("blockReward"))


def read_withdrawal(row: Row) -> Withdrawal:
    """Read a row of `txsBeaconWithdrawal`."""
    return Withdrawal(
        block=_block(row),
        index=row.number("withdrawalIndex", "index", below=_UINT64),
        account=row.address("address"),
        wei=row.number("amount") * WEI_PER_GWEI,
    )


def _transfer(row: Row, kind: MovementKind, amount: int, token_id: int | None) -> TokenTransfer:
    decimals = row.text("tokenDecimal")
    return TokenTransfer(
        block=_block(row),
        tx_hash=row.hash("hash"),
        index=row.optional_number("transactionIndex", below=_UINT31),
        kind=kind,
        contract=row.address("contractAddress"),
        giver=row.address("from"),
        receiver=row.address("to"),
        amount=amount,
        token_id=token_id,
        log_index=row.optional_number("logIndex", below=_UINT31),
        symbol=row.text("tokenSymbol"),
        name=row.text("tokenName"),
        # A contract may say anything, or nothing.
        decimals=int(decimals)
        if decimals.isascii() and decimals.isdigit() and len(decimals) <= 3 and int(decimals) <= 255
        else None,
        gas_used=row.number("gasUsed", below=_UINT64),
        gas_price=row.number("gasPrice", below=_UINT64),
        nonce=row.number("nonce", below=_UINT64) if row.has("nonce") else 0,
    )


def _block(row: Row) -> BlockFacts:
    return BlockFacts(
        row.number("blockNumber", below=_HEIGHT), row.time(), row.optional_hash("blockHash")
    )


def _failed(row: Row) -> bool:
    said = row.text("isError")
    if said not in ("", "0", "1"):
        raise UnexpectedAnswerError(f"{row.place}.isError is {said[:20]!r} and not 0 or 1")
    return said == "1"


def _place(row: Row) -> Place:
    index = row.text("index", "traceId")
    parts = index.split("_") if index else []
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise UnexpectedAnswerError(f"{row.place} has the place {index[:40]!r} in its transaction")
    return tuple(int(part) for part in parts)
