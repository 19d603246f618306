"""Writing the planned chain: genesis, the blocks, and the disorder that real nodes leave.

A node stores blocks as they arrive: some after their successors, some that lost a race and belong
to no chain in the end. A reader of block files has to cope with both, so both are written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bitcoin.core import CoreRegTestParams

from arien_flows.simulation.address_book import AddressBook, new_address_book
from arien_flows.simulation.blockwriter import BlockWriter
from arien_flows.simulation.parameters import FUNDING_BLOCKS
from arien_flows.simulation.plan import Plan
from arien_flows.simulation.scripts import put_locking_script
from arien_flows.simulation.serialise import (
    HEADER_BYTES,
    LARGEST_BLOCK,
    Writer,
    new_writer,
    put_block,
    put_header,
    put_height,
)
from chains.bitcoin.hashing import double_sha256
from chains.bitcoin.networks import REGTEST
from chains.types import UInt8Array

LATE_EVERY = 97
"""One block in so many is written late."""

LATE_BY = 3
"""How many successors are written before a late block."""

STALE_BLOCKS = 2
"""Length of the branch that lost."""

STALE_FORK_DISTANCE = 4
"""The branch leaves the chain this many blocks after the economy begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written."""

    txid: UInt8Array
    """Shape (transactions, 32), as stored."""

    stale_hashes: tuple[bytes, ...]
    """Hashes, as stored, of blocks that belong to no chain."""

    late_heights: tuple[int, ...]
    byte_count: int
    tip_hash: bytes


def genesis_record() -> UInt8Array:
    """Return regtest's real first block, framed."""
    return framed(CoreRegTestParams.GENESIS_BLOCK.serialize())


def framed(block: bytes) -> UInt8Array:
    """Return a block with magic and length in front."""
    length = len(block).to_bytes(4, "little")
    return np.frombuffer(REGTEST.magic + length + block, dtype=np.uint8)


def stale_block(writer: Writer, previous: bytes, height: int, time: int) -> tuple[bytes, bytes]:
    """Return an empty block at a height beside the chain, and its hash, both as stored.

    It pays the same miner's script as the block of that height on the chain does.
    """
    transaction = int(writer.first_transaction[height])
    address = int(writer.coins[int(writer.transactions[transaction]["first_output"])]["address"])
    script = np.zeros(256, dtype=np.uint8)
    script_end = put_locking_script(writer.keyring, address, script, 0)
    number = np.zeros(16, dtype=np.uint8)
    number_end = put_height(number, 0, height)
    signature = number[:number_end].tobytes() + b"\x07/stale/"
    coinbase = b"".join(
        (
            *((2).to_bytes(4, "little"), b"\x01", bytes(32), b"\xff" * 4),
            *(bytes([len(signature)]), signature, b"\xff" * 4, b"\x01"),
            *(REGTEST.subsidy(height).to_bytes(8, "little"), bytes([script_end])),
            *(script[:script_end].tobytes(), bytes(4)),
        )
    )
    header = np.zeros(HEADER_BYTES, dtype=np.uint8)
    header[36:68] = np.frombuffer(double_sha256(coinbase), dtype=np.uint8)
    block_hash = np.zeros(32, dtype=np.uint8)
    put_header(np.frombuffer(previous, dtype=np.uint8).copy(), time, header, 0, block_hash)
    return header.tobytes() + b"\x01" + coinbase, block_hash.tobytes()


def late_heights(plan: Plan) -> tuple[int, ...]:
    """Return the heights whose blocks are written after `LATE_BY` of their successors."""
    if not plan.parameters.disorder:
        return ()
    last = plan.tip_height - LATE_BY
    return tuple(range(LATE_EVERY, last + 1, LATE_EVERY))


def in_arrival_order(
    blocks: Iterator[tuple[int, UInt8Array]], late: frozenset[int]
) -> Iterator[UInt8Array]:
    """Yield framed blocks as they arrived: late ones after `LATE_BY` of their successors."""
    held: dict[int, UInt8Array] = {}
    for height, record in blocks:
        if height in late:
            held[height + LATE_BY] = record.copy()
            continue
        yield record
        if height in held:
            yield held.pop(height)


def write_chain(plan: Plan, directory: Path) -> tuple[Written, AddressBook]:
    """Write all block files of a plan, genesis first; the address book knows all payloads.

    The inputs of sorting wallets get their final order in `plan.inputs` by this.
    """
    writer = new_writer(plan)
    late = late_heights(plan)
    stale: list[bytes] = []
    with BlockWriter(directory, plan.parameters.xor_key) as files:
        files.write(genesis_record())
        for record in in_arrival_order(framed_blocks(plan, writer, stale), frozenset(late)):
            files.write(record)
        byte_count = files.byte_count
    written = Written(
        txid=writer.txid_rows,
        stale_hashes=tuple(stale),
        late_heights=late,
        byte_count=byte_count,
        tip_hash=writer.previous_hash.tobytes(),
    )
    return written, new_address_book(plan, writer.keyring)


def framed_blocks(
    plan: Plan, writer: Writer, stale: list[bytes]
) -> Iterator[tuple[int, UInt8Array]]:
    """Yield every block with its height, and those of a branch that loses with height 0.

    A yielded block is valid until the next one. The hashes of lost blocks are added to `stale`.
    """
    fork = FUNDING_BLOCKS + STALE_FORK_DISTANCE if plan.parameters.disorder else 0
    out = np.zeros(LARGEST_BLOCK, dtype=np.uint8)
    for height in range(1, plan.tip_height + 1):
        previous = writer.previous_hash.tobytes()
        yield height, out[: put_block(writer, height, out)]
        if fork < height <= fork + STALE_BLOCKS and fork:
            parent = stale[-1] if stale else previous
            time = int(plan.block_time[height]) + 1
            block, block_hash = stale_block(writer, parent, height, time)
            stale.append(block_hash)
            yield 0, framed(block)
