"""Ledgers that begin late: a chain in memory that says what its blocks spend, as a node does."""

from collections.abc import Iterator, Sequence

import numpy as np
from bitcoin.core import CBlock, CTxOut

from arien_flows.ledger.beginning import row_of
from arien_flows.ledger.view import View
from chains.bitcoin.headers import header_bits, total_work
from chains.bitcoin.networks import REGTEST, Network
from chains.bitcoin.script import classify_scripts
from chains.closing import Closing
from chains.tables import BlockBatch, SpentOutputs
from tests.ledgers import batch_of


class ChainSource(Closing):
    """The blocks of one chain, as a source; `blocks` may be exchanged for those of another."""

    network: Network = REGTEST
    name = "test:chain"

    def __init__(self, blocks: Sequence[bytes], batch_blocks: int = 2) -> None:
        self.coming = list(blocks)
        self.batch_blocks = batch_blocks
        self.refresh()

    def refresh(self) -> None:
        self.blocks = list(self.coming)
        self.outputs: dict[tuple[bytes, int], CTxOut] = {}
        for block in self.blocks:
            for tx in CBlock.deserialize(block).vtx:
                for position, output in enumerate(tx.vout):
                    self.outputs[tx.GetTxid(), position] = output

    def first_height(self) -> int:
        return 0

    def tip_height(self) -> int:
        return len(self.blocks) - 1

    def block_hash(self, height: int) -> bytes:
        if not 0 <= height < len(self.blocks):
            raise ValueError(f"no block at height {height}")
        return CBlock.deserialize(self.blocks[height]).GetHash()

    def work_above(self, height: int) -> int:
        if not -1 <= height < len(self.blocks):
            raise ValueError(f"no block at height {height}")
        headers = b"".join(block[:80] for block in self.blocks[height + 1 :])
        return total_work(header_bits(np.frombuffer(headers, dtype=np.uint8).reshape(-1, 80)))

    def batches(self, start: int, stop: int) -> Iterator[BlockBatch]:
        return (batch for batch, _ in self.spending_batches(start, stop))

    def spending_batches(self, start: int, stop: int) -> Iterator[tuple[BlockBatch, SpentOutputs]]:
        for first in range(start, stop, self.batch_blocks):
            yield self.with_spent(self.blocks[first : min(first + self.batch_blocks, stop)])

    def with_spent(self, blocks: Sequence[bytes]) -> tuple[BlockBatch, SpentOutputs]:
        """Decode blocks; what their inputs spend stands behind them in the batch's bytes."""
        spent = [
            self.outputs[spend.prevout.hash, spend.prevout.n]
            for block in blocks
            for tx in CBlock.deserialize(block).vtx[1:]
            for spend in tx.vin
        ]
        scripts = [bytes(output.scriptPubKey) for output in spent]
        batch = batch_of([*blocks])
        raw = np.concatenate([batch.raw, np.frombuffer(b"".join(scripts), dtype=np.uint8)])
        lengths = np.array([len(script) for script in scripts], dtype=np.int64)
        starts = len(batch.raw) + np.cumsum(lengths) - lengths
        kind, start, length = classify_scripts(raw, starts, lengths)
        columns = {name: getattr(batch, name) for name in BlockBatch.__slots__}
        return BlockBatch(**{**columns, "raw": raw}), SpentOutputs(
            value=np.array([output.nValue for output in spent], dtype=np.int64),
            script_type=kind,
            payload_start=start,
            payload_length=length,
        )

    def notes(self) -> tuple[object, ...]:
        return ()

    def wait(self, seconds: float) -> None:
        pass

    def close(self) -> None:
        pass


def transactions_of(view: View, height: int) -> list[object]:
    """Return all that a ledger says of the transactions from a height on, without its numbers."""
    told = []
    for number in range(
        int(view.first_transaction[row_of(view, height)]), view.counts.transactions
    ):
        inputs = range(int(view.first_input[number]), int(view.first_input[number + 1]))
        outputs = range(int(view.first_output[number]), int(view.first_output[number + 1]))
        told.append(
            (
                view.txid_text(number),
                view.heights_of(np.array([number])).tolist(),
                (int(view.fee[number]), int(view.version[number]), int(view.locktime[number])),
                (int(view.stripped_size[number]), int(view.witness_size[number])),
                [
                    (
                        view.address_text(int(view.input_address[i])),
                        int(view.input_value[i]),
                        int(view.sequence[i]),
                        int(view.sighash[i]),
                        int(view.input_flags[i]),
                    )
                    for i in inputs
                ],
                [
                    (
                        view.address_text(int(view.output_address[i])),
                        int(view.output_value[i]),
                        spender_of(view, i),
                    )
                    for i in outputs
                ],
            )
        )
    return told


def spender_of(view: View, output: int) -> str | None:
    spender = int(view.spenders(np.array([output]))[0])
    return None if spender < 0 else view.txid_text(spender)
