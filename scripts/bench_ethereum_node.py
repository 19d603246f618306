"""Measure taking a chain of accounts in from a local development node; prints JSON.

The node is made to hold blocks of token transfers, then asked for all of them: once for decoded
batches alone, once into a ledger on disk, each for the two ways of tracing. Node and reader share
the machine, so both the time that passed and the processor time of this process are told.
`--tiny` is for a test of the script itself.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from arien_flows.account_ledger.ingest import ingest_accounts
from arien_flows.account_ledger.writer import AccountLedgerWriter
from chains.endpoint import Endpoint
from chains.ethereum.networks import ETHEREUM_DEV
from chains.ethereum.rpc.source import EthereumNode
from chains.ethereum.tables import MovementKind

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.anvil import EthereumNode as RunningNode
from tests.anvil import anvil
from tests.dev_chain import DevChain
from tests.dev_contracts import call_data

WAYS = ("debug", "trace", "none")


def make_blocks(node: RunningNode, blocks: int, transfers: int) -> None:
    """Mine blocks of so many token transfers each, to ever other accounts."""
    chain = DevChain(node=node, people={"deployer": node.rpc("eth_accounts")[0].lower()})
    chain.deploy("token", "(string,uint8,uint256)", "USDX", 6, 10**30, name="usd")
    chain.block()
    for block in range(blocks):
        calls = []
        for place in range(transfers):
            receiver = f"0x{block * transfers + place + 2**100:040x}"
            request = {
                "from": chain.people["deployer"],
                "to": chain.contracts["usd"],
                "gas": hex(80_000),
                # Calls of one batch are not worked off in order; the first nonce made the token.
                "nonce": hex(1 + block * transfers + place),
                "input": "0x" + call_data("transfer(address,uint256)", receiver, 1 + place).hex(),
            }
            calls.append(("eth_sendTransaction", (request,)))
        node.rpc.batch(calls)
        chain.block()


def timed(work: Callable[[], int]) -> dict[str, Any]:
    """Return how long some work took that returns the transfers it read."""
    started, begun = time.perf_counter(), time.process_time()
    transfers = work()
    seconds, own = time.perf_counter() - started, time.process_time() - begun
    return {
        "transfers": transfers,
        "seconds": round(seconds, 3),
        "own_seconds": round(own, 3),
        "transfers_per_second": round(transfers / seconds),
    }


def read(source: EthereumNode) -> int:
    """Read everything as decoded batches."""
    batches = source.batches(0, source.tip().height + 1)
    return sum(int((batch.kind == MovementKind.TOKEN).sum()) for batch in batches)


def take_in(source: EthereumNode) -> int:
    """Take everything into a ledger on disk."""
    with (
        tempfile.TemporaryDirectory() as folder,
        AccountLedgerWriter(Path(folder), source.network) as writer,
    ):
        ingest_accounts(writer, source)
        return int((writer.view.movements.kind == MovementKind.TOKEN).sum())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tiny", action="store_true")
    given = arguments.parse_args()
    # Blocks are small: for each transaction that it traces with logs, this node executes all those
    # before it in the block again.
    blocks, transfers = (4, 5) if given.tiny else (150, 20)
    found: dict[str, Any] = {"blocks": blocks, "transfers_per_block": transfers}
    with tempfile.TemporaryDirectory() as folder, anvil(Path(folder)) as node:
        make_blocks(node, blocks, transfers)
        for way in WAYS:
            endpoint = Endpoint.parse(f"{node.source}?traces={way}")
            with EthereumNode(endpoint, ETHEREUM_DEV) as source:
                # Before the one that counts: kernels are compiled, and the node has warmed up.
                take_in(source)
                found[way] = {
                    "read": timed(lambda source=source: read(source)),
                    "ledger": timed(lambda source=source: take_in(source)),
                }
    print(json.dumps({**found, "python": platform.python_version()}, indent=2))


if __name__ == "__main__":
    main()
