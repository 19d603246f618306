"""Small blocks for the tests, valid in all that a block source checks, and files of them."""

from pathlib import Path

from bitcoin.core import (
    CBlock,
    CMutableTransaction,
    CoreRegTestParams,
    CTransaction,
    CTxIn,
    CTxOut,
)
from bitcoin.core.script import CScript

from chains.bitcoin.networks import REGTEST, Network

EASY_BITS = 0x207FFFFF
"""Regtest's target: every second hash meets it."""

GENESIS: CBlock = CoreRegTestParams.GENESIS_BLOCK


def mine(parent: CBlock, number: int, *, bits: int = EASY_BITS, padding: int = 0) -> CBlock:
    """Return a block on top of `parent`; `number` tells siblings apart, `padding` makes it big."""
    coinbase = CTransaction.from_tx(
        CMutableTransaction(
            [CTxIn(scriptSig=CScript(number.to_bytes(4, "little") + bytes(padding)))],
            [CTxOut(50, CScript(b"\x51"))],
        )
    )
    root = CBlock.build_merkle_tree_from_txs([coinbase])[-1]
    nonce = 0
    while True:
        block = CBlock(
            nVersion=1,
            hashPrevBlock=parent.GetHash(),
            hashMerkleRoot=root,
            nTime=parent.nTime + 1,
            nBits=bits,
            nNonce=nonce,
            vtx=[coinbase],
        )
        if does_work(block):
            return block
        nonce += 1


def does_work(block: CBlock) -> bool:
    """Return whether the block meets its target."""
    exponent, mantissa = block.nBits >> 24, block.nBits & 0x7FFFFF
    value = int.from_bytes(block.GetHash(), "little")
    target: int = mantissa << 8 * (exponent - 3)
    return value <= target


def chain_of(length: int) -> list[CBlock]:
    """Return blocks of heights 0 to `length - 1`."""
    blocks = [GENESIS]
    while len(blocks) < length:
        blocks.append(mine(blocks[-1], len(blocks)))
    return blocks


def framed(block: CBlock, network: Network = REGTEST) -> bytes:
    """Return the block as a record of a block file."""
    raw: bytes = block.serialize()
    return network.magic + len(raw).to_bytes(4, "little") + raw


def obfuscated(clear: bytes, key: bytes) -> bytes:
    """Return the content of a file XORed with the repeated key."""
    return bytes(byte ^ key[place % len(key)] for place, byte in enumerate(clear))


def write_files(folder: Path, contents: list[bytes], key: bytes | None = None) -> Path:
    """Write clear contents as `blk00000.dat` and so on, XORed if there is a key."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, clear in enumerate(contents):
        raw = obfuscated(clear, key) if key else clear
        (folder / f"blk{number:05d}.dat").write_bytes(raw)
    if key is not None:
        (folder / "xor.dat").write_bytes(key)
    return folder
