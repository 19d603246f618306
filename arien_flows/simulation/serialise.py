"""From the plan to bytes: transactions, merkle roots, headers.

A transaction names its parents by id, so this runs strictly in chain order; one block a call.
Coinbases carry their height (BIP-34) and commit to the witnesses (BIP-141). The nonce of each
header is searched until its hash meets regtest's target, which takes two tries on average.
"""

from typing import NamedTuple

import numpy as np

from arien_flows.simulation.constants import constant
from arien_flows.simulation.keys import Keyring, new_keyring, put, put_bytes
from arien_flows.simulation.plan import Plan
from arien_flows.simulation.rng import fill_bytes, seeded
from arien_flows.simulation.scripts import (
    has_witness,
    put_input_script,
    put_locking_script,
    put_witness,
)
from arien_flows.simulation.state import MOST_INPUTS, MOST_OUTPUTS
from chains.bitcoin.hashing import double_sha256_into
from chains.bitcoin.merkle import merkle_roots
from chains.bitcoin.networks import REGTEST
from chains.bitcoin.sha256_lanes import double_sha256_many, order_by_blocks
from chains.types import AnyArray, Int32Array, Int64Array, UInt8Array, UInt64Array
from heuristics.jit import kernel

BLOCK_VERSION = 0x20000000
TARGET_BITS = 0x207FFFFF
FRAME_BYTES = 8
HEADER_BYTES = 80
LARGEST_TRANSACTION = 350 * MOST_INPUTS + 90 * MOST_OUTPUTS
LARGEST_BLOCK = 8_000_000
"""Room for one framed block; a block of full weight has 4,000,000 bytes at most."""

MAGIC = np.frombuffer(REGTEST.magic, dtype=np.uint8).copy()
COINBASE_TEXT = np.frombuffer(b"/simulated/", dtype=np.uint8).copy()
COMMITMENT_HEADER = np.array([0x6A, 0x24, 0xAA, 0x21, 0xA9, 0xED], dtype=np.uint8)
NOTE_BYTES = 20
FINAL_SEQUENCE = constant(0xFFFFFFFF)


class Writer(NamedTuple):
    """What the serialiser reads and writes."""

    keyring: Keyring
    random: UInt64Array
    """Generator of signatures and notes."""

    transactions: AnyArray
    inputs: Int32Array
    """Reordered in place where a wallet sorts its inputs by outpoint."""

    coins: AnyArray
    coin_transaction: Int32Array
    """The transaction that made each coin."""

    first_transaction: Int64Array
    block_time: Int64Array
    txid: UInt8Array
    """Flat, 32 bytes for each transaction, as stored; filled in as they become known."""

    txid_rows: UInt8Array
    """The same memory, shape (transactions, 32)."""

    previous_hash: UInt8Array
    """Hash of the block before, as stored; changed by every block."""

    stripped: UInt8Array
    """Scratch for a transaction without its witness."""


@kernel
def put_count(out: UInt8Array, at: int, count: int) -> int:
    """Write a count in Bitcoin's variable-length form; return where it ends."""
    if count < 0xFD:
        return put(out, at, count, 1)
    out[at] = 0xFD
    return put(out, at + 1, count, 2)


@kernel
def comes_before(w: Writer, one: int, other: int) -> bool:
    """Return whether one coin's outpoint sorts before another's: by shown txid, then position."""
    parent = int(np.int64(w.coin_transaction[one]))
    other_parent = int(np.int64(w.coin_transaction[other]))
    if parent == other_parent:
        return one < other
    for i in range(31, -1, -1):
        left, right = w.txid[parent * 32 + i], w.txid[other_parent * 32 + i]
        if left != right:
            return bool(left < right)
    return False


@kernel
def sort_inputs(w: Writer, first: int, stop: int) -> None:
    """Order the inputs `[first, stop)` as BIP-69 says, in place."""
    for i in range(first + 1, stop):
        coin = w.inputs[i]
        j = i
        while j > first and comes_before(w, int(np.int64(coin)), int(np.int64(w.inputs[j - 1]))):
            w.inputs[j] = w.inputs[j - 1]
            j -= 1
        w.inputs[j] = coin


@kernel
def put_input(w: Writer, coin: int, sequence: int, out: UInt8Array, at: int) -> int:
    """Write an input; return where it ends."""
    parent = int(np.int64(w.coin_transaction[coin]))
    at = put_bytes(out, at, w.txid, parent * 32, 32)
    at = put(out, at, coin - w.transactions[parent]["first_output"], 4)
    address = int(np.int64(w.coins[coin]["address"]))
    # The length fits one byte unless the input is a 2-of-3 behind P2SH.
    stop = put_input_script(w.keyring, w.random, address, out, at + 1)
    length = stop - at - 1
    if length >= 0xFD:
        for i in range(stop - 1, at, -1):
            out[i + 2] = out[i]
        stop += 2
    put_count(out, at, length)
    return put(out, stop, sequence, 4)


@kernel
def put_output(w: Writer, coin: int, out: UInt8Array, at: int) -> int:
    """Write an output; return where it ends."""
    at = put(out, at, w.coins[coin]["value_sat"], 8)
    address = int(np.int64(w.coins[coin]["address"]))
    if address < 0:
        out[at] = NOTE_BYTES + 2
        out[at + 1] = 0x6A
        out[at + 2] = NOTE_BYTES
        fill_bytes(w.random, out, at + 3, NOTE_BYTES)
        return at + 3 + NOTE_BYTES
    stop = put_locking_script(w.keyring, address, out, at + 1)
    out[at] = stop - at - 1
    return stop


@kernel
def put_stripped(w: Writer, number: int) -> int:
    """Write a transaction without its witness to the scratch; return its length."""
    out = w.stripped
    transaction = w.transactions[number]
    after = w.transactions[number + 1]
    first, stop = int(np.int64(transaction["first_input"])), int(np.int64(after["first_input"]))
    if transaction["is_sorted"]:
        sort_inputs(w, first, stop)
    sequence = FINAL_SEQUENCE - transaction["sequence"]
    at = put(out, 0, int(np.int64(transaction["version"])), 4)
    at = put_count(out, at, stop - first)
    for i in range(first, stop):
        at = put_input(w, int(np.int64(w.inputs[i])), sequence, out, at)
    first, stop = int(np.int64(transaction["first_output"])), int(np.int64(after["first_output"]))
    at = put_count(out, at, stop - first)
    for coin in range(first, stop):
        at = put_output(w, coin, out, at)
    return put(out, at, int(np.int64(transaction["locktime"])), 4)


@kernel
def put_transaction(w: Writer, number: int, out: UInt8Array, at: int) -> int:
    """Write a transaction that is no coinbase, and note its id; return where it ends."""
    length = put_stripped(w, number)
    double_sha256_into(w.stripped, 0, length, w.txid, number * 32)
    first = int(np.int64(w.transactions[number]["first_input"]))
    stop = int(np.int64(w.transactions[number + 1]["first_input"]))
    with_witness = False
    for i in range(first, stop):
        address = int(np.int64(w.coins[w.inputs[i]]["address"]))
        with_witness = with_witness or has_witness(w.keyring, address)
    if not with_witness:
        return put_bytes(out, at, w.stripped, 0, length)
    at = put_bytes(out, at, w.stripped, 0, 4)
    out[at] = 0
    out[at + 1] = 1
    at = put_bytes(out, at + 2, w.stripped, 4, length - 8)
    for i in range(first, stop):
        address = int(np.int64(w.coins[w.inputs[i]]["address"]))
        at = put_witness(w.keyring, w.random, address, out, at)
    return put_bytes(out, at, w.stripped, length - 4, 4)


@kernel
def put_height(out: UInt8Array, at: int, height: int) -> int:
    """Push a height as script numbers are pushed (BIP-34); return where it ends."""
    if height <= 16:
        out[at] = 0x50 + height
        return at + 1
    size = 1
    # A script number is signed: the top bit must stay free.
    while height >= 1 << (8 * size - 1):
        size += 1
    out[at] = size
    return put(out, at + 1, height, size)


@kernel
def put_coinbase(w: Writer, height: int, commitment: UInt8Array, out: UInt8Array, at: int) -> int:
    """Write a block's coinbase, and note its id; return where it ends.

    Its length does not depend on the commitment.
    """
    number = w.first_transaction[height]
    reward = int(np.int64(w.transactions[number]["first_output"]))
    stripped = w.stripped
    end = put(stripped, 0, 2, 4)
    end = put_count(stripped, end, 1)
    for _ in range(32):
        end = put(stripped, end, 0, 1)
    end = put(stripped, end, FINAL_SEQUENCE, 4)
    stop = put_height(stripped, end + 1, height)
    stop = put(stripped, stop, len(COINBASE_TEXT), 1)
    stop = put_bytes(stripped, stop, COINBASE_TEXT, 0, len(COINBASE_TEXT))
    stripped[end] = stop - end - 1
    end = put(stripped, stop, FINAL_SEQUENCE, 4)
    end = put_count(stripped, end, 2)
    end = put_output(w, reward, stripped, end)
    end = put(stripped, end, 0, 8)
    end = put_count(stripped, end, len(COMMITMENT_HEADER) + 32)
    end = put_bytes(stripped, end, COMMITMENT_HEADER, 0, len(COMMITMENT_HEADER))
    end = put_bytes(stripped, end, commitment, 0, 32)
    end = put(stripped, end, 0, 4)
    double_sha256_into(stripped, 0, end, w.txid, number * 32)
    at = put_bytes(out, at, stripped, 0, 4)
    out[at] = 0
    out[at + 1] = 1
    at = put_bytes(out, at + 2, stripped, 4, end - 8)
    # The witness that goes into the commitment with the root: one item of 32 zero bytes.
    out[at] = 1
    out[at + 1] = 32
    for i in range(32):
        out[at + 2 + i] = 0
    return put_bytes(out, at + 34, stripped, end - 4, 4)


@kernel
def root_of(hashes: UInt8Array, out: UInt8Array, at: int) -> None:
    """Write the merkle root of hashes of shape (n, 32) to `out[at : at + 32]`."""
    bounds = np.empty(2, np.int64)
    bounds[0] = 0
    bounds[1] = len(hashes)
    root = np.empty((1, 32), np.uint8)
    merkle_roots(hashes, bounds, root, np.empty(1, np.bool_))
    put_bytes(out, at, root[0], 0, 32)


@kernel
def witness_commitment(out: UInt8Array, start: Int64Array, length: Int64Array) -> UInt8Array:
    """Return the commitment to the transactions whose full bytes stand at these places of `out`.

    The first entry is the coinbase, which counts as 32 zero bytes.
    """
    hashes = np.zeros((len(start), 32), np.uint8)
    none = np.zeros(len(start), np.int64)
    order = order_by_blocks(length)
    double_sha256_many(out, start, length, none, none, order, hashes)
    hashes[0, :] = 0
    both = np.zeros(64, np.uint8)
    root_of(hashes, both, 0)
    commitment = np.empty(32, np.uint8)
    double_sha256_into(both, 0, 64, commitment, 0)
    return commitment


@kernel
def put_header(
    previous_hash: UInt8Array, time: int, out: UInt8Array, at: int, block_hash: UInt8Array
) -> None:
    """Write a header whose merkle root is in place, search its nonce, write its hash."""
    put(out, at, BLOCK_VERSION, 4)
    put_bytes(out, at + 4, previous_hash, 0, 32)
    put(out, at + 68, time, 4)
    put(out, at + 72, TARGET_BITS, 4)
    nonce = 0
    while True:
        put(out, at + 76, nonce, 4)
        double_sha256_into(out, at, HEADER_BYTES, block_hash, 0)
        # Below 0x7f00... is below the target 0x7fffff00...
        if block_hash[31] < 0x7F:
            return
        nonce += 1


@kernel
def put_block(w: Writer, height: int, out: UInt8Array) -> int:
    """Write a framed block to the start of `out`; return its length with the frame."""
    first = w.first_transaction[height]
    stop = w.first_transaction[height + 1]
    count = stop - first
    start = np.empty(count, np.int64)
    length = np.empty(count, np.int64)
    commitment = np.zeros(32, np.uint8)
    start[0] = put_count(out, FRAME_BYTES + HEADER_BYTES, count)
    at = put_coinbase(w, height, commitment, out, start[0])
    length[0] = at - start[0]
    for i in range(1, count):
        start[i] = at
        at = put_transaction(w, first + i, out, at)
        length[i] = at - start[i]
    commitment = witness_commitment(out, start, length)
    put_coinbase(w, height, commitment, out, start[0])
    root_of(w.txid_rows[first:stop], out, FRAME_BYTES + 36)
    put_header(w.previous_hash, w.block_time[height], out, FRAME_BYTES, w.previous_hash)
    put_bytes(out, 0, MAGIC, 0, 4)
    put(out, 4, at - FRAME_BYTES, 4)
    return at


def new_writer(plan: Plan) -> Writer:
    """Return a serialiser at the first block after genesis."""
    count = plan.transaction_count
    outputs = np.diff(plan.transactions["first_output"])
    txid = np.zeros(count * 32, dtype=np.uint8)
    return Writer(
        keyring=new_keyring(plan.parameters.seed, plan.addresses),
        random=seeded(plan.parameters.seed, "signatures"),
        transactions=plan.transactions,
        inputs=plan.inputs,
        coins=plan.coins,
        coin_transaction=np.repeat(np.arange(count, dtype=np.int32), outputs),
        first_transaction=plan.first_transaction,
        block_time=plan.block_time,
        txid=txid,
        txid_rows=txid.reshape(count, 32),
        previous_hash=np.frombuffer(REGTEST.genesis_hash, dtype=np.uint8).copy(),
        stripped=np.zeros(LARGEST_TRANSACTION, dtype=np.uint8),
    )
