"""Blocks and receipts as JSON-RPC shows them, read into rows.

Every block is checked against its own hash, and every receipt against its transaction. What a
receipt says of success is used where it says it; before Byzantium receipts did not, and a trace
tells. Without a trace, a transaction of that time succeeded if it emitted an event or left gas
over, since a failure took all of it; one that used exactly what it had is taken for a plain
payment where it sent no data and had 21,000, and for a failure otherwise.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from chains.errors import MalformedBlockError
from chains.ethereum.address import keccak256
from chains.ethereum.decode.rows import (
    TOPICS,
    AddressPool,
    BlockRows,
    LogRows,
    TransactionRows,
)
from chains.ethereum.header import check_header
from chains.ethereum.quantities import (
    UINT256,
    Fields,
    a_list,
    an_object,
    limbs_of,
    quantity,
    quantity_or,
    raw,
    raw_of,
    raw_or_none,
    rows_of,
)
from chains.ethereum.rlp import encode
from chains.ethereum.tables import TransactionKind

_KINDS = frozenset(TransactionKind) - {TransactionKind.SYSTEM}
_PLAIN_GAS = 21_000


class StatedLog(NamedTuple):
    """An event of a receipt."""

    contract: bytes
    topics: list[bytes]
    payload: bytes
    log_index: int


class StatedTransaction(NamedTuple):
    """A transaction and its receipt."""

    fields: Fields
    tx_hash: bytes
    kind: int
    sender: bytes
    receiver: bytes
    """What it was sent to, or the address of the contract that it would create."""

    is_creation: bool
    nonce: int
    value: int
    payload: bytes
    gas_used: int
    gas_price: int
    blob_fee: int
    status: bool | None
    """Nothing where the receipt does not say."""

    guessed: bool
    """What to take for the status where neither receipt nor trace says."""

    logs: list[StatedLog]


class StatedBlock(NamedTuple):
    """A block with its transactions."""

    fields: Fields
    height: int
    block_hash: bytes
    miner: bytes
    transactions: list[StatedTransaction]


def read_block(block: object, receipts: object) -> StatedBlock:
    """Read a block with whole transactions, and its receipts; `MalformedBlockError` says where."""
    fields = an_object(block, "block")
    height = quantity(fields, "number")
    try:
        block_hash = check_header(fields)
        sent = a_list(fields.get("transactions"), "transactions")
        found = a_list(receipts, "receipts")
        if len(sent) != len(found):
            raise MalformedBlockError(f"{len(sent)} transactions and {len(found)} receipts")
        transactions = [
            _transaction(at, one, receipt)
            for at, (one, receipt) in enumerate(zip(sent, found, strict=True))
        ]
        _check_log_order(transactions)
        return StatedBlock(fields, height, block_hash, raw(fields, "miner", 20), transactions)
    except MalformedBlockError as error:
        raise MalformedBlockError(f"block {height}: {error}") from None


def _transaction(at: int, sent: object, receipt: object) -> StatedTransaction:
    try:
        return _read_transaction(an_object(sent, "transaction"), an_object(receipt, "receipt"))
    except MalformedBlockError as error:
        raise MalformedBlockError(f"transaction {at}: {error}") from None


def _read_transaction(sent: Fields, receipt: Fields) -> StatedTransaction:
    tx_hash = raw(sent, "hash", 32)
    if raw(receipt, "transactionHash", 32) != tx_hash:
        raise MalformedBlockError("transactionHash of the receipt is that of another transaction")
    kind = quantity_or(sent, "type", TransactionKind.LEGACY, 0xFF)
    if kind not in _KINDS:
        raise MalformedBlockError(f"type is {kind}, which is no type of Ethereum's")
    sender, nonce = raw(sent, "from", 20), quantity(sent, "nonce")
    to, payload = raw_or_none(sent, "to", 20), raw(sent, "input")
    gas_used = quantity(receipt, "gasUsed")
    logs = [_log(log) for log in a_list(receipt.get("logs"), "logs")]
    status = receipt.get("status")
    is_whole = gas_used == quantity(sent, "gas")
    is_plain = gas_used == _PLAIN_GAS and not payload
    blob_gas = quantity_or(receipt, "blobGasUsed", 0)
    return StatedTransaction(
        fields=sent,
        tx_hash=tx_hash,
        kind=kind,
        sender=sender,
        receiver=created_address(sender, nonce) if to is None else to,
        is_creation=to is None,
        nonce=nonce,
        value=quantity(sent, "value", UINT256),
        payload=payload,
        gas_used=gas_used,
        gas_price=_price(sent, receipt),
        blob_fee=blob_gas and blob_gas * quantity(receipt, "blobGasPrice"),
        status=None if status is None else bool(quantity(receipt, "status", 1)),
        guessed=bool(logs) or not is_whole or is_plain,
        logs=logs,
    )


def _price(sent: Fields, receipt: Fields) -> int:
    if receipt.get("effectiveGasPrice") is not None:
        return quantity(receipt, "effectiveGasPrice")
    return quantity(sent, "gasPrice")


def created_address(sender: bytes, nonce: int) -> bytes:
    """Return the address of the contract that a transaction creates."""
    return keccak256(encode([sender, nonce]))[12:]


def _log(log: object) -> StatedLog:
    fields = an_object(log, "logs")
    topics = [raw_of(topic, "topics", 32) for topic in a_list(fields.get("topics"), "topics")]
    if len(topics) > TOPICS:
        raise MalformedBlockError(f"an event has {len(topics)} topics")
    return StatedLog(
        raw(fields, "address", 20),
        topics,
        raw(fields, "data"),
        quantity(fields, "logIndex", 0x7FFF_FFFF),
    )


def _check_log_order(transactions: list[StatedTransaction]) -> None:
    places = [log.log_index for transaction in transactions for log in transaction.logs]
    if any(after <= before for before, after in pairwise(places)):
        raise MalformedBlockError("logIndex of the receipts does not ascend through the block")


def block_rows(blocks: Sequence[StatedBlock], pool: AddressPool) -> BlockRows:
    """Return blocks as rows."""
    fields = [block.fields for block in blocks]
    sizes = [len(block.transactions) for block in blocks]
    return BlockRows(
        height=np.array([block.height for block in blocks], np.int64),
        block_hash=rows_of([block.block_hash for block in blocks], 32),
        parent_hash=rows_of([raw(found, "parentHash", 32) for found in fields], 32),
        time=np.array([quantity(found, "timestamp", 1 << 62) for found in fields], np.int64),
        fee_recipient=np.array([pool.one(block.miner) for block in blocks], np.uint32),
        base_fee=np.array([quantity_or(found, "baseFeePerGas", 0) for found in fields], np.uint64),
        first_transaction=np.cumsum([0, *sizes], dtype=np.int64),
        keeps_destroyed=np.array(
            [found.get("excessBlobGas") is not None for found in fields], np.bool_
        ),
    )


def transaction_rows(
    transactions: Sequence[StatedTransaction], succeeded: Sequence[bool], pool: AddressPool
) -> TransactionRows:
    """Return transactions as rows."""
    every = transactions
    return TransactionRows(
        tx_hash=rows_of([one.tx_hash for one in every], 32),
        kind=np.array([one.kind for one in every], np.uint8),
        succeeded=np.array(succeeded, np.bool_),
        sender=np.array([pool.one(one.sender) for one in every], np.uint32),
        receiver=np.array([pool.one(one.receiver) for one in every], np.uint32),
        nonce=np.array([one.nonce for one in every], np.uint64),
        selector=np.array(
            [int.from_bytes(one.payload[:4], "big") if len(one.payload) > 3 else 0
             for one in every],
            np.uint32,
        ),
        value=limbs_of([one.value for one in every]),
        gas_used=np.array([one.gas_used for one in every], np.uint64),
        gas_price=np.array([one.gas_price for one in every], np.uint64),
        blob_fee=limbs_of([one.blob_fee for one in every]),
    )  # fmt: skip


def log_rows(
    transactions: Sequence[StatedTransaction], sequence: Sequence[int], pool: AddressPool
) -> LogRows:
    """Return the events of transactions as rows; `sequence` has one number for each."""
    owners = [at for at, one in enumerate(transactions) for _ in one.logs]
    logs = [log for one in transactions for log in one.logs]
    topics = [b"".join(log.topics) + bytes(32 * (TOPICS - len(log.topics))) for log in logs]
    return LogRows(
        transaction=np.array(owners, np.int64),
        sequence=np.array(sequence, np.int64),
        log_index=np.array([log.log_index for log in logs], np.int32),
        contract=np.array([pool.one(log.contract) for log in logs], np.uint32),
        topic_count=np.array([len(log.topics) for log in logs], np.uint8),
        topics=rows_of(topics, 32).reshape(-1, TOPICS, 32),
        payload=np.frombuffer(b"".join(log.payload for log in logs), np.uint8),
        payload_start=np.cumsum([0, *(len(log.payload) for log in logs)], dtype=np.int64),
    )
