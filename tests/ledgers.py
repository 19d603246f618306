"""Hand-made chains: a few named transactions become real blocks, and those a ledger.

Addresses are named, too. The name's prefix picks the script: `p2pk:`, `p2pkh:`, `p2sh:` (P2WPKH
nested in P2SH), `p2wpkh:` (the default), `p2tr:` or `data:` (OP_RETURN). One name is one key,
whatever the prefix.
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from bitcoin.core import (
    CMutableTxIn,
    COutPoint,
    CTransaction,
    CTxIn,
    CTxInWitness,
    CTxOut,
    CTxWitness,
    Hash,
    Hash160,
)
from bitcoin.core.script import CScript, CScriptWitness

from arien_flows.ledger.memory import view_of
from arien_flows.ledger.view import View
from chains.bitcoin.address import address_text
from chains.bitcoin.decode import decode_blocks
from chains.bitcoin.networks import REGTEST
from chains.bitcoin.script import classify_scripts
from chains.tables import BlockBatch, ScriptType

REGTEST_GENESIS = bytes.fromhex(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac7"
    "2c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f20020000000101000000010000000000000"
    "000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65"
    "732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e642062616"
    "96c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b710"
    "5cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11"
    "d5fac00000000"
)
"""Block 0 of every regtest chain (Bitcoin Core, `chainparams.cpp`)."""

REGTEST_BITS = 0x207FFFFF
GENESIS_TIME = 1_296_688_602
BLOCK_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class Tx:
    """A transaction by names; without inputs it is the coinbase of a new block."""

    name: str
    inputs: Sequence[str] = ()
    """Spent outputs as `name:position`."""

    outputs: Sequence[tuple[str, int]] = ()
    """Address name and satoshi of each output."""

    sighash: int = 1
    sequence: int = 0xFFFFFFFF
    locktime: int = 0


def public_key(name: str) -> bytes:
    return b"\x02" + hashlib.sha256(name.encode()).digest()


def script_of_name(name: str) -> bytes:
    """Return the output script that an address name stands for."""
    # What an output carries as data may hold colons of its own.
    parts = name.partition(":") if name.startswith("data:") else name.rpartition(":")
    kind, _, bare = parts
    key = public_key(bare)
    key_hash = Hash160(key)
    match kind:
        case "p2pk":
            return bytes([len(key)]) + key + b"\xac"
        case "p2pkh":
            return b"\x76\xa9\x14" + key_hash + b"\x88\xac"
        case "p2sh":
            return b"\xa9\x14" + Hash160(b"\x00\x14" + key_hash) + b"\x87"
        case "p2tr":
            return b"\x51\x20" + key[1:]
        case "data":
            return b"\x6a" + bytes([len(bare)]) + bare.encode()
        case _:
            return b"\x00\x14" + key_hash


def text_of_name(name: str) -> str:
    """Return the address text (or descriptor) that an address name stands for."""
    script = np.frombuffer(script_of_name(name), dtype=np.uint8)
    kind, start, length = classify_scripts(script, np.array([0]), np.array([len(script)]))
    payload = script[start[0] : start[0] + length[0]].tobytes()
    text = address_text(ScriptType(int(kind[0])), payload, REGTEST)
    assert text is not None
    return text


@dataclass
class Chain:
    """Blocks under construction on regtest."""

    blocks: list[bytes] = field(default_factory=list)
    transactions: dict[str, CTransaction] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    tip: bytes = b"\x00" * 32
    height: int = 0

    @classmethod
    def from_genesis(cls) -> "Chain":
        return cls(blocks=[REGTEST_GENESIS], tip=Hash(REGTEST_GENESIS[:80]), height=1)

    def copy(self) -> "Chain":
        return Chain(
            list(self.blocks), dict(self.transactions), dict(self.names), self.tip, self.height
        )

    def txid(self, name: str) -> str:
        return self.transactions[name].GetTxid()[::-1].hex()

    def add(self, transactions: Sequence[Tx], *, salt: int = 0) -> "Chain":
        """Append transactions; each coinbase opens a block. Returns the chain itself."""
        for block in _blocks(transactions):
            self._add_block(block, salt)
        return self

    def _add_block(self, block: list[Tx], salt: int) -> None:
        built = [self._build(tx, salt) for tx in block]
        root = _merkle_root([tx.GetTxid() for tx in built])
        time = GENESIS_TIME + BLOCK_SECONDS * (self.height + 1)
        start = struct.pack("<i32s32sII", 4, self.tip, root, time, REGTEST_BITS)
        nonce = 0
        while Hash(start + struct.pack("<I", nonce))[31] >= 0x80:
            nonce += 1
        header = start + struct.pack("<I", nonce)
        assert len(built) < 0xFD
        self.blocks.append(header + bytes([len(built)]) + b"".join(tx.serialize() for tx in built))
        self.tip = Hash(header)
        self.height += 1

    def _build(self, tx: Tx, salt: int) -> CTransaction:
        outputs = [CTxOut(value, CScript(script_of_name(name))) for name, value in tx.outputs]
        if not tx.inputs:
            script = CScript([self.height, salt.to_bytes(4, "little")])
            built = CTransaction([CTxIn(COutPoint(), script)], outputs or [CTxOut(0, CScript())])
        else:
            spends = [self._spend(spent, tx) for spent in tx.inputs]
            witness = CTxWitness([CTxInWitness(CScriptWitness(stack)) for _, stack in spends])
            built = CTransaction(
                [spend for spend, _ in spends],
                outputs,
                tx.locktime,
                2,
                witness if any(stack for _, stack in spends) else CTxWitness(),
            )
        self.transactions[tx.name] = built
        self.names[tx.name] = [name for name, _ in tx.outputs]
        return built

    def _spend(self, spent: str, tx: Tx) -> tuple[CTxIn, tuple[bytes, ...]]:
        name, _, position = spent.rpartition(":")
        outpoint = COutPoint(self.transactions[name].GetTxid(), int(position))
        kind, _, bare = self.names[name][int(position)].rpartition(":")
        key = public_key(bare)
        signature = _signature(f"{tx.name}/{spent}", tx.sighash)
        script, stack = b"", ()
        if kind == "p2pk":
            script = bytes(CScript([signature]))
        elif kind == "p2pkh":
            script = bytes(CScript([signature, key]))
        elif kind == "p2tr":
            stack = (signature[:64],)
        else:
            stack = (signature, key)
            if kind == "p2sh":
                script = bytes(CScript([b"\x00\x14" + Hash160(key)]))
        spend = CMutableTxIn(outpoint, CScript(script), tx.sequence)
        return CTxIn.from_txin(spend), stack


def _signature(seed: str, sighash: int) -> bytes:
    """Return bytes of the form of a DER signature; nobody here checks signatures."""
    r = b"\x01" + hashlib.sha256(seed.encode()).digest()[1:]
    s = b"\x02" + hashlib.sha256(r).digest()[1:]
    return b"\x30\x44\x02\x20" + r + b"\x02\x20" + s + bytes([sighash])


def _blocks(transactions: Sequence[Tx]) -> Iterator[list[Tx]]:
    block: list[Tx] = []
    for tx in transactions:
        if not tx.inputs and block:
            yield block
            block = []
        block.append(tx)
    if block:
        assert not block[0].inputs, "a block opens with a coinbase: a Tx without inputs"
        yield block


def _merkle_root(txids: list[bytes]) -> bytes:
    while len(txids) > 1:
        if len(txids) % 2:
            txids = [*txids, txids[-1]]
        txids = [Hash(txids[i] + txids[i + 1]) for i in range(0, len(txids), 2)]
    return txids[0]


def batch_of(blocks: Sequence[bytes]) -> BlockBatch:
    """Decode serialised blocks into one batch."""
    lengths = np.array([len(block) for block in blocks], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    return decode_blocks(np.frombuffer(b"".join(blocks), dtype=np.uint8), starts, lengths)


def build_view(transactions: Sequence[Tx]) -> View:
    """Return the ledger in memory that holds just these transactions."""
    chain = Chain().add(transactions)
    heights = np.arange(len(chain.blocks), dtype=np.uint32)
    return view_of(batch_of(chain.blocks), REGTEST, heights=heights)


def write_block_file(path: Path, blocks: Sequence[bytes]) -> None:
    """Write blocks as a node does: magic, length, block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"".join(REGTEST.magic + struct.pack("<I", len(block)) + block for block in blocks)
    )
