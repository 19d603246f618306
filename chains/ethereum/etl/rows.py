"""From the tables of an export to rows, a stretch of blocks at a time."""

import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chains.errors import MalformedBlockError
from chains.ethereum.decode.answers import created_address
from chains.ethereum.decode.rewards import GWEI_WEI
from chains.ethereum.decode.rows import (
    AFTER_CALLS,
    AddressPool,
    BlockRows,
    LogRows,
    TransactionRows,
)
from chains.ethereum.etl.files import EtlFolder
from chains.ethereum.etl.text import (
    amounts,
    fixed_bytes,
    heights,
    is_there,
    numbers,
    split_topics,
    texts,
    varied_bytes,
)
from chains.ethereum.quantities import UINT64, products
from chains.ethereum.tables import NULL_ADDRESS, TransactionKind
from chains.types import BoolArray, Int64Array, UInt8Array, UInt32Array

CANCUN_TIME = 1_710_338_135
"""When the main net forked, in seconds since 1970."""

_BLOCKS = ("number", "hash", "parent_hash", "miner", "timestamp", "base_fee_per_gas",
           "excess_blob_gas", "withdrawals")  # fmt: skip
_SENT = ("hash", "nonce", "block_number", "transaction_index", "from_address", "to_address",
         "value", "gas", "gas_price", "input", "transaction_type")  # fmt: skip
_PAID = ("gas_used", "status", "effective_gas_price", "blob_gas_price", "blob_gas_used")
_LOGS = ("log_index", "transaction_index", "block_number", "address", "data", "topics")
_PLAIN_GAS = 21_000

PLACE_BITS = 31
"""Of an event's place in its block."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive blocks whose rows are read together."""

    folder: EtlFolder
    first: int
    last: int
    """Inclusive."""

    pool: AddressPool


@dataclass(frozen=True, slots=True)
class StretchBlocks:
    """The blocks of a stretch."""

    table: "pa.Table"
    """In order of height."""

    rows: BlockRows
    miner: UInt8Array


@dataclass(frozen=True, slots=True)
class StretchTransactions:
    """The transactions of a stretch."""

    rows: TransactionRows
    is_creation: BoolArray
    states_success: BoolArray
    """Whether a receipt says if it succeeded; where none does, `rows` holds a guess."""


def read_blocks(stretch: Stretch) -> StretchBlocks:
    """Read the blocks of a stretch; the first transactions are filled in by the caller."""
    table = stretch.folder.rows("blocks", _BLOCKS, stretch.first, stretch.last)
    table = table.take(pa.array(np.argsort(heights(table["number"], "number"), kind="stable")))
    height = heights(table["number"], "blocks.number")
    expected = np.arange(stretch.first, stretch.last + 1)
    if not np.array_equal(height, expected):
        missing = np.setdiff1d(expected, height)
        what = f"block {missing[0]} is missing" if len(missing) else "a block is there twice"
        raise MalformedBlockError(f"blocks {stretch.first} to {stretch.last}: {what}")
    time = heights(table["timestamp"], "blocks.timestamp")
    miner = fixed_bytes(table["miner"], 20, "blocks.miner")
    rows = BlockRows(
        height=height,
        block_hash=fixed_bytes(table["hash"], 32, "blocks.hash"),
        parent_hash=fixed_bytes(table["parent_hash"], 32, "blocks.parent_hash"),
        time=time,
        fee_recipient=stretch.pool.many(miner),
        base_fee=numbers(table["base_fee_per_gas"], "blocks.base_fee_per_gas", 0),
        first_transaction=np.zeros(len(height) + 1, np.int64),
        keeps_destroyed=is_there(table["excess_blob_gas"]) | (time >= CANCUN_TIME),
    )
    return StretchBlocks(table, rows, miner)


def withdrawals_of(blocks: StretchBlocks, stretch: Stretch) -> list[tuple[int, bytes, int]]:
    """Return block (counted from the first), account and wei of each withdrawal.

    They stand in a column of the blocks, or in a table of their own.
    """
    if stretch.folder.has("withdrawals"):
        return _own_withdrawals(stretch)
    column = blocks.table["withdrawals"]
    found = []
    for row in np.flatnonzero(is_there(column)).tolist():
        for entry in _withdrawal_list(column[row].as_py(), int(blocks.rows.height[row])):
            account, amount = _withdrawal(entry, int(blocks.rows.height[row]))
            found.append((row, account, amount * GWEI_WEI))
    return found


def _withdrawal_list(value: object, height: int) -> list[dict[str, object]]:
    try:
        entries = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        entries = None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise MalformedBlockError(f"block {height}: withdrawals are not a list")
    return entries


def _withdrawal(entry: dict[str, object], height: int) -> tuple[bytes, int]:
    """Return account and gwei."""
    try:
        account = bytes.fromhex(str(entry["address"])[2:])
        amount = int(str(entry["amount"]))
    except (KeyError, ValueError):
        account, amount = b"", 0
    if len(account) != len(NULL_ADDRESS) or not 0 <= amount <= UINT64:
        raise MalformedBlockError(f"block {height}: withdrawals are not readable")
    return account, amount


def _own_withdrawals(stretch: Stretch) -> list[tuple[int, bytes, int]]:
    table = stretch.folder.rows(
        "withdrawals", ("block_number", "address", "amount"), stretch.first, stretch.last
    )
    block = heights(table["block_number"], "withdrawals.block_number") - stretch.first
    account = fixed_bytes(table["address"], 20, "withdrawals.address")
    amount = numbers(table["amount"], "withdrawals.amount")
    order = np.argsort(block, kind="stable").tolist()
    return [(int(block[at]), account[at].tobytes(), int(amount[at]) * GWEI_WEI) for at in order]


def read_transactions(stretch: Stretch, blocks: BlockRows) -> StretchTransactions:
    """Read transactions and receipts of a stretch, and count them into `blocks`, in place."""
    table, paid = _sent_and_paid(stretch)
    block = heights(table["block_number"], "transactions.block_number") - stretch.first
    counts = np.bincount(block, minlength=len(blocks.height))
    blocks.first_transaction[1:] = np.cumsum(counts)
    gas, gas_used = (
        numbers(table["gas"], "transactions.gas"),
        numbers(paid["gas_used"], "receipts.gas_used"),
    )
    price = np.where(
        is_there(paid["effective_gas_price"]),
        numbers(paid["effective_gas_price"], "receipts.effective_gas_price", 0),
        numbers(table["gas_price"], "transactions.gas_price", 0),
    )
    states_success = is_there(paid["status"])
    is_plain = (gas_used == _PLAIN_GAS) & (_first_digits(table["input"]) == b"0x")
    guess = (gas_used != gas) | is_plain
    sender = fixed_bytes(table["from_address"], 20, "transactions.from_address")
    nonce = numbers(table["nonce"], "transactions.nonce")
    is_creation = ~is_there(table["to_address"])
    receiver = fixed_bytes(table["to_address"], 20, "transactions.to_address")
    for row in np.flatnonzero(is_creation).tolist():
        created = created_address(sender[row].tobytes(), int(nonce[row]))
        receiver[row] = np.frombuffer(created, np.uint8)
    rows = TransactionRows(
        tx_hash=fixed_bytes(table["hash"], 32, "transactions.hash"),
        kind=_kinds(table["transaction_type"]),
        succeeded=np.where(
            states_success, numbers(paid["status"], "receipts.status", 0) == 1, guess
        ),
        sender=stretch.pool.many(sender),
        receiver=stretch.pool.many(receiver),
        nonce=nonce,
        selector=_selectors(table["input"]),
        value=amounts(table["value"], "transactions.value"),
        gas_used=gas_used,
        gas_price=price,
        blob_fee=products(
            numbers(paid["blob_gas_used"], "receipts.blob_gas_used", 0),
            numbers(paid["blob_gas_price"], "receipts.blob_gas_price", 0),
        ),
    )
    return StretchTransactions(rows, is_creation, states_success)


def _sent_and_paid(stretch: Stretch) -> tuple["pa.Table", "pa.Table"]:
    """Return transactions in order, and what their receipts say, in the same order."""
    folder, span = stretch.folder, (stretch.first, stretch.last)
    own = tuple(f"receipt_{name}" for name in _PAID)
    table = folder.rows("transactions", (*_SENT, *own), *span)
    place = _places(table, "transactions")
    order = np.argsort(place, kind="stable")
    table, place = table.take(pa.array(order)), place[order]
    if not folder.has("receipts"):
        return table, table.select(list(own)).rename_columns(list(_PAID))
    paid = folder.rows(
        "receipts", ("block_number", "transaction_index", "transaction_hash", *_PAID), *span
    )
    paid_place = _places(paid, "receipts")
    paid_order = np.argsort(paid_place, kind="stable")
    paid = paid.take(pa.array(paid_order))
    if (
        not np.array_equal(paid_place[paid_order], place)
        or not pc.all(
            pc.equal(texts(paid["transaction_hash"]), texts(table["hash"])), min_count=0
        ).as_py()
    ):
        raise MalformedBlockError(
            f"blocks {stretch.first} to {stretch.last}: the receipts are not those of the "
            "transactions; export both of the same blocks"
        )
    return table, paid


def _kinds(column: "pa.ChunkedArray") -> UInt8Array:
    found = numbers(column, "transactions.transaction_type", TransactionKind.LEGACY)
    wrong = np.flatnonzero(found > TransactionKind.SET_CODE)
    if len(wrong):
        raise MalformedBlockError(
            f"transactions.transaction_type is {found[wrong[0]]}, which is no type of Ethereum's"
        )
    return found.astype(np.uint8)


def _places(table: "pa.Table", name: str) -> Int64Array:
    """Return one number for each row that orders rows by block and place in it."""
    block = heights(table["block_number"], f"{name}.block_number")
    within = heights(table["transaction_index"], f"{name}.transaction_index")
    return (block << 24) + within


def _first_digits(column: "pa.ChunkedArray") -> NDArray[np.bytes_]:
    short = pc.utf8_slice_codeunits(pc.fill_null(texts(column), "0x"), 0, 10)
    return np.asarray(short.to_numpy(zero_copy_only=False)).astype("S10")


def _selectors(column: "pa.ChunkedArray") -> UInt32Array:
    digits = _first_digits(column)
    whole = np.char.str_len(digits) == 10
    text = pa.array(np.where(whole, digits, b"0x00000000").astype("U10"))
    raw = fixed_bytes(pa.chunked_array([text]), 4, "transactions.input")
    return raw.view(">u4").reshape(-1).astype(np.uint32)


def read_logs(stretch: Stretch, blocks: BlockRows) -> LogRows:
    """Read the events of a stretch."""
    table = stretch.folder.rows("logs", _LOGS, stretch.first, stretch.last)
    block = heights(table["block_number"], "logs.block_number") - stretch.first
    log_index = heights(table["log_index"], "logs.log_index")
    place = (block << PLACE_BITS) + log_index
    if np.any(place[1:] <= place[:-1]):
        order = np.argsort(place, kind="stable")
        table, block, log_index = table.take(pa.array(order)), block[order], log_index[order]
        place = place[order]
    check_places(place, log_index, "logs")
    topics, counts = split_topics(table["topics"], "logs.topics")
    payload, payload_start = varied_bytes(table["data"], "logs.data")
    return LogRows(
        transaction=transactions_at(table, block, blocks, "logs"),
        sequence=log_index + AFTER_CALLS,
        log_index=log_index.astype(np.int32),
        contract=stretch.pool.many(fixed_bytes(table["address"], 20, "logs.address")),
        topic_count=counts,
        topics=topics,
        payload=payload,
        payload_start=payload_start,
    )


def check_places(place: Int64Array, log_index: Int64Array, name: str) -> None:
    """See that ascending places of events differ; twice told, money would move twice."""
    if len(log_index) and int(log_index.max()) >> PLACE_BITS:
        raise MalformedBlockError(f"{name}.log_index is {log_index.max()}")
    if np.any(place[1:] == place[:-1]):
        raise MalformedBlockError(
            f"an event of {name} is there twice: are there two exports of the same blocks?"
        )


def transactions_at(
    table: "pa.Table", block: Int64Array, blocks: BlockRows, name: str
) -> Int64Array:
    """Return the row of the transaction that each row of a table belongs to."""
    within = heights(table["transaction_index"], f"{name}.transaction_index")
    if np.any(within >= np.diff(blocks.first_transaction)[block]):
        raise MalformedBlockError(f"{name}.transaction_index is past the end of its block")
    return blocks.first_transaction[block] + within
