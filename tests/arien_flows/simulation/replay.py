"""Simulated block files read with python-bitcoinlib and replayed in plain Python."""

import io
from dataclasses import dataclass, field
from pathlib import Path

from bitcoin.core import CBlock, CTransaction

from chains.bitcoin.networks import REGTEST

Outpoint = tuple[bytes, int]


@dataclass(frozen=True, slots=True)
class Spend:
    """An input with the output that it spends."""

    script: bytes
    value: int
    made_at: int
    """Height."""

    by_coinbase: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """A transaction in its place, with what it spends; a coinbase spends nothing."""

    height: int
    transaction: CTransaction
    spends: tuple[Spend, ...]

    @property
    def fee(self) -> int:
        """Return what the inputs are worth beyond the outputs."""
        paid: int = sum(output.nValue for output in self.transaction.vout)
        return sum(spend.value for spend in self.spends) - paid


@dataclass(slots=True)
class Replay:
    """The best chain of a folder, transaction by transaction."""

    file_order: list[CBlock]
    blocks: list[CBlock]
    """By height, genesis first."""

    seen: list[Seen] = field(default_factory=list)
    """In chain order, genesis aside: as the truth numbers transactions."""

    unspent: dict[Outpoint, Spend] = field(default_factory=dict)


def read_blocks(folder: Path) -> list[CBlock]:
    """Return all blocks of plain block files, in file order."""
    blocks = []
    for file in sorted(folder.glob("blk*.dat")):
        stream = io.BytesIO(file.read_bytes())
        while frame := stream.read(8):
            assert frame[:4] == REGTEST.magic
            start = stream.tell()
            blocks.append(CBlock.stream_deserialize(stream))
            assert stream.tell() - start == int.from_bytes(frame[4:], "little")
    return blocks


def longest_chain(blocks: list[CBlock]) -> list[CBlock]:
    """Return the chain with most blocks, genesis first."""
    by_hash = {block.GetHash(): block for block in blocks}
    height = {REGTEST.genesis_hash: 0}
    left = [block for block in blocks if block.GetHash() not in height]
    while left:
        known = [block for block in left if block.hashPrevBlock in height]
        assert known, "a block without a parent"
        for block in known:
            height[block.GetHash()] = height[block.hashPrevBlock] + 1
        left = [block for block in left if block.GetHash() not in height]
    tip = max(height, key=lambda block_hash: height[block_hash])
    chain = [by_hash[tip]]
    while chain[-1].GetHash() != REGTEST.genesis_hash:
        chain.append(by_hash[chain[-1].hashPrevBlock])
    return chain[::-1]


def replay(folder: Path) -> Replay:
    """Spend and make outputs in order; `KeyError` if an input spends what is not there."""
    blocks = read_blocks(folder)
    result = Replay(file_order=blocks, blocks=longest_chain(blocks))
    for height, block in enumerate(result.blocks[1:], start=1):
        for position, transaction in enumerate(block.vtx):
            inputs = transaction.vin if position else ()
            spends = tuple(result.unspent.pop((one.prevout.hash, one.prevout.n)) for one in inputs)
            result.seen.append(Seen(height, transaction, spends))
            for vout, output in enumerate(transaction.vout):
                made = Spend(bytes(output.scriptPubKey), output.nValue, height, position == 0)
                result.unspent[transaction.GetTxid(), vout] = made
    return result
