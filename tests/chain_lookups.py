"""A lookup source over blocks in memory: the fast, obvious counterpart of real servers.

It answers from whole blocks with simple loops, so that properties over many chains can be held
against a ledger of the same blocks. Real servers pass the same tests elsewhere; this one can also
be told to misbehave.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from bitcoin.core import CBlock, CTransaction, Hash

from chains.bitcoin.headers import median_time_past
from chains.bitcoin.merkle import merkle_path
from chains.bitcoin.networks import REGTEST, Network
from chains.closing import Closing
from chains.errors import LookupFailedError
from chains.exchange import Exchange, NoRecorder, Recorder
from chains.lookups import (
    BlockHeader,
    FetchedTransaction,
    MerkleBranch,
    OutputQuestion,
    Sighting,
    StatedOutput,
)
from chains.types import TxIdRaw

Tamper = Callable[[str, object], object]


class ChainLookups(Closing):
    """Answers about the transactions of some blocks, consecutive from height 0 on."""

    def __init__(
        self,
        blocks: Sequence[bytes],
        recorder: Recorder | None = None,
        *,
        network: Network = REGTEST,
        states_spent: bool = True,
        states_heights: bool = True,
        unconfirmed: Sequence[bytes] = (),
        name: str = "chain+memory://tests",
        tamper: Tamper = lambda _kind, answer: answer,
    ) -> None:
        self.network = network
        self.name = name
        self.recorder: Recorder = recorder or NoRecorder()
        self.asked: list[tuple[str, object]] = []
        """Every question, by kind."""

        self.states_spent = states_spent
        self.states_heights = states_heights
        self.unconfirmed = unconfirmed
        self.tamper = tamper
        self.latest = list(blocks)
        self.refresh()

    def refresh(self) -> None:
        self.blocks = [CBlock.deserialize(block) for block in self.latest]
        self.headers_raw = [block[:80] for block in self.latest]
        self.transactions_by_id: dict[bytes, CTransaction] = {}
        self.height: dict[bytes, int | None] = {}
        self.touched: dict[bytes, list[bytes]] = defaultdict(list)
        placed = [(tx, h) for h, block in enumerate(self.blocks) for tx in block.vtx]
        waiting = [(CTransaction.deserialize(raw), None) for raw in self.unconfirmed]
        for tx, height in [*placed, *waiting]:
            txid = tx.GetTxid()
            self.transactions_by_id[txid] = tx
            self.height[txid] = height
            scripts = [bytes(out.scriptPubKey) for out in tx.vout]
            if not tx.is_coinbase():
                scripts += [output.script for output in self.spent_by(tx)]
            for script in dict.fromkeys(scripts):
                self.touched[script].append(txid)
        times = np.array([block.nTime for block in self.blocks], dtype=np.uint32)
        self.median_times = median_time_past(times).tolist()

    def spent_by(self, tx: CTransaction) -> tuple[StatedOutput, ...]:
        if tx.is_coinbase():
            return ()
        spent = [self.transactions_by_id[i.prevout.hash].vout[i.prevout.n] for i in tx.vin]
        return tuple(
            StatedOutput(value_sat=out.nValue, script=bytes(out.scriptPubKey)) for out in spent
        )

    def tip_height(self) -> int:
        return len(self.blocks) - 1

    def block_hash(self, height: int) -> bytes:
        return bytes(self._ask("block_hash", height, Hash(self.headers_raw[height])))

    def notes(self) -> Sequence[object]:
        return ()

    def close(self) -> None:
        pass

    def _ask(self, kind: str, question: object, answer: Any = None) -> Any:
        """Count, keep and perhaps falsify one answer."""
        self.recorder.allow()
        self.asked.append((kind, question))
        answer = self.tamper(kind, answer)
        self.recorder.keep(
            Exchange(
                source=self.name,
                request=f"{kind} {question!r}",
                answer=repr(answer).encode(),
                received_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            )
        )
        return answer

    def histories(
        self, scripts: Sequence[bytes], *, most: int
    ) -> list[tuple[Sighting, ...] | LookupFailedError]:
        return [self._ask("history", script, self._history(script, most)) for script in scripts]

    def _history(self, script: bytes, most: int) -> tuple[Sighting, ...] | LookupFailedError:
        txids = self.touched.get(script, [])
        if len(txids) > most:
            return LookupFailedError(f"more than {most} transactions touch the script")
        return tuple(Sighting(txid=TxIdRaw(txid), height=self.height[txid]) for txid in txids)

    def candidates(
        self, outputs: Sequence[OutputQuestion], *, most: int
    ) -> list[tuple[Sighting, ...] | LookupFailedError]:
        return [self._ask("candidates", out, self._candidates(out, most)) for out in outputs]

    def _candidates(
        self, output: OutputQuestion, most: int
    ) -> tuple[Sighting, ...] | LookupFailedError:
        found = self._history(output.script, most)
        if isinstance(found, LookupFailedError):
            return found
        return tuple(
            seen
            for seen in found
            if seen.txid != output.txid and (seen.height is None or seen.height >= output.height)
        )

    def transactions(
        self, txids: Sequence[TxIdRaw]
    ) -> list[FetchedTransaction | LookupFailedError]:
        return [self._ask("transaction", txid, self._transaction(txid)) for txid in txids]

    def _transaction(self, txid: TxIdRaw) -> FetchedTransaction | LookupFailedError:
        tx = self.transactions_by_id.get(txid)
        if tx is None:
            return LookupFailedError(f"no transaction {txid[::-1].hex()}")
        return FetchedTransaction(
            raw=tx.serialize(),
            spent=self.spent_by(tx) if self.states_spent else None,
            height=self.height[txid] if self.states_heights else None,
        )

    def branches(
        self, confirmed: Sequence[tuple[TxIdRaw, int]]
    ) -> list[MerkleBranch | LookupFailedError]:
        return [self._ask("branch", each, self._branch(*each)) for each in confirmed]

    def _branch(self, txid: TxIdRaw, height: int) -> MerkleBranch | LookupFailedError:
        ids = [tx.GetTxid() for tx in self.blocks[height].vtx]
        if txid not in ids:
            return LookupFailedError("not in that block")
        position = ids.index(txid)
        rows = np.frombuffer(b"".join(ids), dtype=np.uint8).reshape(-1, 32)
        return MerkleBranch(position=position, path=tuple(merkle_path(rows, position)))

    def headers(self, heights: Sequence[int]) -> list[BlockHeader | LookupFailedError]:
        return [
            self._ask(
                "header",
                height,
                BlockHeader(
                    height=height,
                    header=self.headers_raw[height],
                    median_time=self.median_times[height],
                ),
            )
            for height in heights
        ]
