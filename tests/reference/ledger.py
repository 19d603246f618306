"""A ledger that a reader can check by eye: plain dictionaries over python-bitcoinlib's blocks."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from bitcoin.core import CBlock, Hash160

Output = tuple[bytes, int]


@dataclass
class ReferenceLedger:
    """What a ledger must say after the blocks it was given."""

    txids: list[bytes] = field(default_factory=list)
    fees: list[int] = field(default_factory=list)
    scripts: list[bytes] = field(default_factory=list)
    """By address number."""

    spender: dict[Output, int] = field(default_factory=dict)
    """Number of the transaction that spends (or, for a repeated coinbase, voids) an output."""

    movements: dict[bytes, dict[int, list[int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(lambda: [0, 0]))
    )
    """Script → transaction number → satoshi received and sent."""

    unspent: dict[Output, tuple[int, bytes]] = field(default_factory=dict)

    def take(self, blocks: Sequence[bytes]) -> "ReferenceLedger":
        for block in blocks:
            for transaction in CBlock.deserialize(block).vtx:
                self._take(transaction)
        return self

    def _take(self, transaction) -> None:
        number, txid = len(self.txids), transaction.GetTxid()
        self.txids.append(txid)
        paid = sum(output.nValue for output in transaction.vout)
        spent = 0
        if not transaction.is_coinbase():
            for spend in transaction.vin:
                output = (spend.prevout.hash, spend.prevout.n)
                value, script = self.unspent.pop(output)
                self.spender[output] = number
                self.movements[script][number][1] += value
                spent += value
        self.fees.append(0 if transaction.is_coinbase() else spent - paid)
        for position, output in enumerate(transaction.vout):
            script = bytes(output.scriptPubKey)
            if script[:1] == b"\x6a":
                continue
            if script not in self.movements:
                self.scripts.append(script)
            self.movements[script][number][0] += output.nValue
            if (txid, position) in self.unspent:
                self.spender[(txid, position)] = number
            self.unspent[(txid, position)] = (output.nValue, script)


def key_class(script: bytes) -> bytes | None:
    """Return the hash of the one key that a script names, or nothing."""
    if len(script) == 35 and script[-1] == 0xAC:
        return Hash160(script[1:34])
    if len(script) == 25 and script[:3] == b"\x76\xa9\x14":
        return script[3:23]
    if len(script) == 22 and script[:2] == b"\x00\x14":
        return script[2:22]
    return None
