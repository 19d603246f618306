"""Measure the ways from one node into a ledger: REST, JSON-RPC and block files; prints JSON.

The script starts a regtest node of its own and has it mine blocks of real size: payments of one
to three inputs and two to three outputs. Their coins lie behind the script "anybody may spend",
hashed into a witness program, so that the node checks scripts without anybody having to sign.
Compilation happens before the clock starts, and what the node has just mined is in its caches, so
the figures compare the ways and not disks. `--tiny` runs in the tests.
"""

import argparse
import hashlib
import json
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.core.place import Transport
from chains.bitcoin.core.source import CoreNode
from chains.bitcoin.networks import COIN_SAT, REGTEST
from chains.endpoint import Endpoint
from chains.source import BlockSource

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.nodes import Node, bitcoind

ANYBODY = b"\x51"
"""The witness script: true, whoever asks."""

ANYBODY_PROGRAM = b"\x00\x20" + hashlib.sha256(ANYBODY).digest()

FEE_SAT = 500
FAN_OUT = 1_000
FAN_OUTS_PER_BLOCK = 8
PAYMENTS_PER_BLOCK = 4_000
MATURITY = 100


@dataclass(frozen=True, slots=True)
class Coin:
    """An output that anybody may spend."""

    txid: bytes
    vout: int
    value_sat: int


def transaction(coins: list[Coin], outputs: list[tuple[int, bytes]]) -> tuple[bytes, bytes]:
    """Return a transaction that spends the coins, and its id as stored."""
    inputs = bytes([len(coins)]) + b"".join(
        coin.txid + coin.vout.to_bytes(4, "little") + b"\x00\xff\xff\xff\xff" for coin in coins
    )
    count = len(outputs)
    counted = bytes([count]) if count < 0xFD else b"\xfd" + count.to_bytes(2, "little")
    made = counted + b"".join(
        value.to_bytes(8, "little") + bytes([len(script)]) + script for value, script in outputs
    )
    version, locktime = b"\x02\x00\x00\x00", bytes(4)
    witness = (b"\x01" + bytes([len(ANYBODY)]) + ANYBODY) * len(coins)
    stripped = version + inputs + made + locktime
    txid = hashlib.sha256(hashlib.sha256(stripped).digest()).digest()
    return version + b"\x00\x01" + inputs + made + witness + locktime, txid


class Economy:
    """Coins that are split and passed on."""

    def __init__(self, node: Node, seed: int = 1) -> None:
        self.node = node
        self.random = random.Random(seed)  # noqa: S311 (no secret)
        descriptor = f"raw({ANYBODY_PROGRAM.hex()})"
        self.payee = node.rpc.getdescriptorinfo(descriptor)["descriptor"]
        self.coins: list[Coin] = []
        self.transactions = 0

    def found(self, count: int) -> list[Coin]:
        """Mine coins that have ripened."""
        hashes = self.node.rpc.generatetodescriptor(count, self.payee)
        self.node.rpc.generatetodescriptor(MATURITY, self.payee)
        blocks = [self.node.rpc.getblock(name, 2) for name in hashes]
        coinbases = [block["tx"][0] for block in blocks]
        return [
            Coin(bytes.fromhex(made["txid"])[::-1], 0, int(made["vout"][0]["value"] * COIN_SAT))
            for made in coinbases
        ]

    def mine(self, transactions: list[bytes]) -> None:
        self.node.rpc.generateblock(self.payee, [raw.hex() for raw in transactions])
        self.transactions += len(transactions)

    def fan_out(self, riches: list[Coin]) -> None:
        """Split each coin into many."""
        for start in range(0, len(riches), FAN_OUTS_PER_BLOCK):
            raws = []
            for coin in riches[start : start + FAN_OUTS_PER_BLOCK]:
                share = (coin.value_sat - 100 * FEE_SAT) // FAN_OUT
                raw, txid = transaction([coin], [(share, ANYBODY_PROGRAM)] * FAN_OUT)
                raws.append(raw)
                self.coins += [Coin(txid, vout, share) for vout in range(FAN_OUT)]
            self.mine(raws)

    def trade(self, payments: int) -> None:
        """Mine one block of payments; each pays a stranger and keeps the rest."""
        self.random.shuffle(self.coins)
        raws, kept = [], []
        for _ in range(payments):
            spent = [self.coins.pop() for _ in range(self.random.choice((1, 1, 2, 3)))]
            rest = sum(coin.value_sat for coin in spent) - FEE_SAT
            paid = self.random.randint(1, rest // 4)
            outputs = [(paid, self.stranger())]
            parts = self.random.choice((1, 2))
            outputs += [((rest - paid) // parts, ANYBODY_PROGRAM)] * parts
            raw, txid = transaction(spent, outputs)
            raws.append(raw)
            kept += [
                Coin(txid, vout, value)
                for vout, (value, script) in enumerate(outputs)
                if script == ANYBODY_PROGRAM
            ]
        self.coins += kept
        self.mine(raws)

    def stranger(self) -> bytes:
        """Return a script of a usual kind, new each time."""
        kind = self.random.randrange(4)
        if kind == 0:
            return b"\x76\xa9\x14" + self.random.randbytes(20) + b"\x88\xac"
        if kind == 1:
            return b"\xa9\x14" + self.random.randbytes(20) + b"\x87"
        if kind == 2:
            return b"\x00\x14" + self.random.randbytes(20)
        return b"\x51\x20" + self.random.randbytes(32)


def make_chain(node: Node, transactions: int) -> None:
    """Mine about so many transactions, beside the coinbases."""
    economy = Economy(node)
    economy.fan_out(economy.found(2 * transactions // FAN_OUT + 1))
    while economy.transactions < transactions:
        economy.trade(min(PAYMENTS_PER_BLOCK, transactions - economy.transactions))


def ways(node: Node) -> Iterator[tuple[str, Callable[[], BlockSource]]]:
    """Yield the ways of reading the node's chain."""
    yield "blockfiles", lambda: BlockFiles(node.datadir, REGTEST)
    for transport in Transport:
        endpoint = Endpoint.parse(f"{node.source}?transport={transport}")
        yield f"core_{transport}", lambda endpoint=endpoint: CoreNode(endpoint, REGTEST)


def measure(source: BlockSource, ledger: Path, size: int) -> dict[str, object]:
    """Read the chain alone, with what it spends, and into a new ledger; return what it took."""
    stop = source.tip_height() + 1
    started = time.perf_counter()
    transactions = sum(batch.transaction_count for batch in source.batches(0, stop))
    read = time.perf_counter() - started
    spending = None
    if isinstance(source, CoreNode):
        started = time.perf_counter()
        for _ in source.spending_batches(0, stop):
            pass
        spending = time.perf_counter() - started
    started = time.perf_counter()
    with LedgerWriter(ledger, REGTEST) as writer:
        ingest(writer, source)
    seconds = time.perf_counter() - started
    return {
        "ingest_seconds": round(seconds, 3),
        "transactions_per_second": round(transactions / seconds),
        "blocks_per_second": round(stop / seconds),
        "megabytes_per_second": round(size / seconds / 1e6, 1),
        "read_only_seconds": round(read, 3),
        "read_only_transactions_per_second": round(transactions / read),
        "read_with_spent_outputs_seconds": None if spending is None else round(spending, 3),
    }


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=100_000)
    parser.add_argument("--tiny", action="store_true", help="2,000 transactions: does it run?")
    options = parser.parse_args()
    wanted = 2_000 if options.tiny else options.transactions
    with tempfile.TemporaryDirectory() as name, bitcoind(Path(name) / "node") as node:
        make_chain(node, wanted)
        for way, open_source in ways(node):
            with open_source() as source:
                measure(source, Path(name) / f"warm-{way}", 1)
        blocks = node.rpc.getblockcount() + 1
        size = sum(
            len(node.rpc.getblock(node.rpc.getblockhash(height), 0)) // 2
            for height in range(blocks)
        )
        transactions = node.rpc.getchaintxstats()["txcount"]
        figures: dict[str, object] = {
            "transactions": transactions,
            "blocks": blocks,
            "block_bytes": size,
        }
        for way, open_source in ways(node):
            with open_source() as source:
                figures[way] = measure(source, Path(name) / way, size)
        figures["node"] = node.rpc.getnetworkinfo()["subversion"]
        figures["machine"] = f"{platform.machine()}, Python {platform.python_version()}"
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
