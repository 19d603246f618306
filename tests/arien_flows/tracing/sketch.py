"""Chains of any size, sketched by numbers and made a ledger at once, without blocks or scripts.

Addresses are numbers, too; each is the P2WPKH address whose key hash is that number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from arien_flows.ledger.memory import view_of
from arien_flows.ledger.view import View
from chains.bitcoin.address import address_text
from chains.bitcoin.networks import REGTEST
from chains.tables import BlockBatch, ScriptType
from chains.types import UInt8Array
from tests.ledgers import BLOCK_SECONDS, GENESIS_TIME

Coin = tuple[int, int]
"""Transaction number and position of the output."""

_HASH_BYTES = 20


def address_of(number: int) -> str:
    """Return the text of an address."""
    text = address_text(ScriptType.P2WPKH, number.to_bytes(_HASH_BYTES, "big"), REGTEST)
    assert text is not None
    return text


@dataclass(kw_only=True)
class Sketch:
    """A chain under construction; its blocks hold `block_size` transactions and one coinbase."""

    block_size: int = 2_000
    spent: list[Coin] = field(default_factory=list)
    input_counts: list[int] = field(default_factory=list)
    paid: list[tuple[int, int]] = field(default_factory=list)
    """Address and value."""

    output_counts: list[int] = field(default_factory=list)
    block_starts: list[int] = field(default_factory=list)

    def mine(self, *outputs: tuple[int, int]) -> int:
        """Open a block with a coinbase that pays (address, value); return its number.

        What it pays can be spent in later blocks only, so a payment that follows opens another.
        """
        self.block_starts.append(len(self.input_counts))
        return self._add((), outputs)

    def pay(self, inputs: Sequence[Coin], outputs: Sequence[tuple[int, int]]) -> int:
        """Append a transaction and return its number."""
        coinbase = self.block_starts[-1]
        if self.output_counts[coinbase] or len(self.input_counts) - coinbase > self.block_size:
            self.mine()
        return self._add(inputs, outputs)

    def _add(self, inputs: Sequence[Coin], outputs: Sequence[tuple[int, int]]) -> int:
        self.spent.extend(inputs)
        self.input_counts.append(len(inputs))
        self.paid.extend(outputs)
        self.output_counts.append(len(outputs))
        return len(self.input_counts) - 1

    def view(self) -> View:
        """Return the ledger in memory."""
        blocks, transactions = len(self.block_starts), len(self.input_counts)
        random = np.random.default_rng(0)
        txid = random.integers(0, 256, (transactions, 32), np.uint8)
        spent = np.array(self.spent, np.int64).reshape(-1, 2)
        paid = np.array(self.paid, np.int64).reshape(-1, 2)
        used, place = np.unique(paid[:, 0], return_inverse=True)
        hashes = b"".join(number.to_bytes(_HASH_BYTES, "big") for number in used.tolist())
        batch = BlockBatch(
            raw=np.frombuffer(hashes, np.uint8),
            header=_headers(blocks),
            block_hash=random.integers(0, 256, (blocks, 32), np.uint8),
            first_transaction=np.array([*self.block_starts, transactions]),
            coinbase_script_start=np.zeros(blocks, np.int64),
            coinbase_script_length=np.zeros(blocks, np.int64),
            coinbase_sequence=np.zeros(blocks, np.uint32),
            txid=txid,
            version=np.full(transactions, 2, np.int32),
            locktime=np.zeros(transactions, np.uint32),
            stripped_size=np.full(transactions, 100, np.uint32),
            witness_size=np.zeros(transactions, np.uint32),
            first_input=np.concatenate([[0], np.cumsum(self.input_counts)]).astype(np.int64),
            first_output=np.concatenate([[0], np.cumsum(self.output_counts)]).astype(np.int64),
            spent_txid=txid[spent[:, 0]],
            spent_vout=spent[:, 1].astype(np.uint32),
            sequence=np.full(len(spent), 0xFFFFFFFF, np.uint32),
            input_script_start=np.zeros(len(spent), np.int64),
            input_script_length=np.zeros(len(spent), np.int64),
            witness_start=np.zeros(len(spent), np.int64),
            witness_length=np.zeros(len(spent), np.int64),
            value=paid[:, 1].copy(),
            script_type=np.full(len(paid), ScriptType.P2WPKH, np.uint8),
            payload_start=place * _HASH_BYTES,
            payload_length=np.full(len(paid), _HASH_BYTES, np.int64),
        )
        return view_of(batch, REGTEST, heights=np.arange(blocks, dtype=np.uint32))


def _headers(blocks: int) -> UInt8Array:
    header = np.zeros((blocks, 80), np.uint8)
    time = GENESIS_TIME + BLOCK_SECONDS * np.arange(1, blocks + 1)
    header[:, 68:72] = time.astype("<u4").view(np.uint8).reshape(-1, 4)
    return header
