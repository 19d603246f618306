"""Measure traces that are fetched from an Electrum server, transaction by transaction; prints JSON.

The script starts a regtest node of its own, has one coin split again and again into a tree of
transactions, puts a real Electrum server before it, and traces the coin to every end. Each
repetition begins with an empty archive; a second run over the full one follows. Kernels are
compiled before the clock starts. Node and server run on the same machine, so that the figures
hold no network: over a distance, round trips decide, a few for each round of the search.
`--tiny` runs in the tests.
"""

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from arien_flows.cli.inquiring import inquired
from arien_flows.cli.session import Session
from arien_flows.inquiry.trace import TraceQuestion
from arien_flows.settings import Settings
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.trace import TraceResult, trace
from arien_flows.workspace import Reading
from chains.bitcoin.networks import REGTEST

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.electrum import electrum_server
from tests.nodes import Node, Rpc, bitcoind
from tests.regtest_chain import NODE_OPTIONS, RegtestChain

BLOCK_TRANSACTIONS = 25
FEE = Decimal("0.00001")
MATURITY = 101


@dataclass(slots=True)
class Measured:
    """One trace."""

    seconds: float
    result: TraceResult
    rounds: list[int] = field(default_factory=list)
    """Coins that each round asked about."""


def split_on(wallet: Rpc, coin: tuple[str, int, Decimal]) -> list[tuple[str, int, Decimal]]:
    """Pay a coin to two new addresses, two thirds and one third; return the new coins."""
    txid, vout, value = coin
    larger = ((value - FEE) * 2 / 3).quantize(Decimal("0.00000001"))
    values = [larger, value - FEE - larger]
    outputs = [{wallet.getnewaddress("", "bech32"): str(each)} for each in values]
    bare = wallet.createrawtransaction([{"txid": txid, "vout": vout}], outputs)
    made = wallet.sendrawtransaction(wallet.signrawtransactionwithwallet(bare)["hex"])
    return [(made, position, each) for position, each in enumerate(values)]


def grow_tree(node: Node, transactions: int) -> str:
    """Mine a coin and split it until there are so many transactions; return the coin."""
    node.rpc.createwallet("tree")
    wallet = node.rpc.wallet("tree")
    mine_to = wallet.getnewaddress("", "bech32")
    node.rpc.generatetoaddress(MATURITY, mine_to)
    coinbase = node.rpc.getblock(node.rpc.getblockhash(1), 2)["tx"][0]
    coins = [(str(coinbase["txid"]), 0, Decimal(50))]
    for number in range(transactions):
        coins += split_on(wallet, coins.pop(0))
        if number % BLOCK_TRANSACTIONS == BLOCK_TRANSACTIONS - 1:
            node.rpc.generatetoaddress(1, mine_to)
    node.rpc.generatetoaddress(1, mine_to)
    return f"{coinbase['txid']}:0"


def measure(data: Path, uri: str, source: str) -> Measured:
    """Trace a coin to every end through the server."""
    rounds: list[int] = []
    request = TraceRequest(sources=(source,), min_value_sat=1, max_hops=10_000)
    question = TraceQuestion(
        requests=(request,), on_round=lambda _number, coins: rounds.append(coins)
    )
    session = Session(
        settings=Settings(data=data, network=REGTEST.name, source=uri),
        as_json=True,
        progress="none",
        requests=1_000_000,
    )

    def answer(reading: Reading) -> TraceResult:
        return trace(
            reading.view,
            request,
            entities=reading.entities,
            attribution=reading.tags.attribution,
            coinjoin_marks=reading.coinjoin_marks,
            fetched=reading.fetched,
        )

    started = time.perf_counter()
    result = inquired(session, answer, question)
    return Measured(seconds=time.perf_counter() - started, result=result, rounds=rounds)


def figures(runs: list[Measured], again: Measured) -> dict[str, Any]:
    """Return what was measured."""
    last = runs[-1]
    origin, later = last.result.answer.manifest.fetched, again.result.answer.manifest.fetched
    if origin is None or later is None:
        raise RuntimeError("the trace did not come from a server")
    return {
        "transactions": origin.transactions,
        "leaves": len(last.result.answer.leaves),
        "requests": origin.requests,
        "engine_rounds": len(last.rounds) + 1,
        "coins_asked_about": last.rounds,
        "seconds_median": round(statistics.median(run.seconds for run in runs), 3),
        "seconds_least": round(min(run.seconds for run in runs), 3),
        "again_seconds": round(again.seconds, 3),
        "again_requests": later.requests,
    }


def main() -> None:
    """Make the chain, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=500, help="size of the tree")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tiny", action="store_true", help="20 transactions, once")
    arguments = parser.parse_args()
    size = 20 if arguments.tiny else arguments.transactions
    repeats = 1 if arguments.tiny else arguments.repeats
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with bitcoind(folder / "node", *NODE_OPTIONS) as node:
            source = grow_tree(node, size)
            (folder / "electrum").mkdir()
            with electrum_server(RegtestChain(node=node), folder / "electrum") as server:
                measure(folder / "warm-up", server.uri, source)
                runs = [measure(folder / f"run-{i}", server.uri, source) for i in range(repeats)]
                again = measure(folder / "run-0", server.uri, source)
    print(
        json.dumps(
            {
                "machine": platform.platform(),
                "python": platform.python_version(),
                "repeats": repeats,
                **figures(runs, again),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
