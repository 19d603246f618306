"""Measure the Ethereum half: decoding and reading exports; prints JSON.

`decode` decodes what a node answers (blocks, receipts, traces of calls with logs), `files` reads
the same blocks from an export of ethereum-etl, with its traces and without. The blocks are made
up (`planted_ethereum`). A transfer is a movement of a token. With `--peer`, the path of the
program `ethereumetl`, its own extraction of token transfers from the same file of logs is timed
beside it. Times are processor seconds of one thread; for the peer, those of its process.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from planted_ethereum import PlantedBlock, export, planted_blocks

from chains.ethereum.decode.batch import decode_blocks
from chains.ethereum.etl.source import EtlExport
from chains.ethereum.networks import ETHEREUM_DEV
from chains.ethereum.tables import AccountBatch, MovementKind

TRANSACTIONS = 150
"""Of each block: what blocks of the main net have."""

_TOKENS = [MovementKind.TOKEN, MovementKind.WRAP, MovementKind.UNWRAP]


def figures(batches: list[AccountBatch], seconds: float) -> dict[str, Any]:
    """Return what was read and how fast."""
    blocks = sum(batch.block_count for batch in batches)
    transfers = sum(int(np.isin(batch.kind, _TOKENS).sum()) for batch in batches)
    movements = sum(len(batch.kind) for batch in batches)
    return {
        "blocks": blocks,
        "transactions": sum(batch.transaction_count for batch in batches),
        "transfers": transfers,
        "movements": movements,
        "seconds": round(seconds, 3),
        "blocks_per_second": round(blocks / seconds),
        "transfers_per_second": round(transfers / seconds),
        "movements_per_second": round(movements / seconds),
        "largest_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def timed(work: Callable[[], list[AccountBatch]]) -> dict[str, Any]:
    """Return the figures of some work, which is done once before."""
    work()
    started = time.process_time()
    batches = work()
    return figures(batches, time.process_time() - started)


def decode(blocks: list[PlantedBlock]) -> dict[str, Any]:
    """Measure decoding what a node answers, decoding of JSON not included."""

    def work() -> list[AccountBatch]:
        stretches = (blocks[at : at + 100] for at in range(0, len(blocks), 100))
        return [
            decode_blocks(
                [one.block for one in some],
                [one.receipts for one in some],
                [one.traces for one in some],
                ETHEREUM_DEV,
            )
            for some in stretches
        ]

    return timed(work)


def files(blocks: list[PlantedBlock], peer: str | None) -> dict[str, Any]:
    """Measure reading an export of the blocks."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as made:
        for name, traces in (("with_traces", True), ("without_traces", False)):
            folder = Path(made) / name
            export(blocks, folder, traces=traces)

            def work(folder: Path = folder) -> list[AccountBatch]:
                with EtlExport(folder, ETHEREUM_DEV) as source:
                    return list(source.batches(1, len(blocks) + 1))

            found[name] = timed(work)
            size = sum(path.stat().st_size for path in folder.iterdir())
            found[name]["bytes_of_files"] = size
        if peer:
            found["ethereum_etl"] = _peer(peer, Path(made) / "without_traces" / "logs.csv")
    return found


def _peer(program: str, logs: Path) -> dict[str, Any]:
    """Time ethereum-etl's extraction of token transfers, its start left out."""
    output = logs.with_name("peer.csv")
    empty = logs.with_name("no_logs.csv")
    with logs.open() as file:
        empty.write_text(file.readline())
    seconds = []
    for given in (empty, logs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [program, "extract_token_transfers", "--logs", str(given), "--output", str(output)],
            check=True,
            capture_output=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        seconds.append(spent)
    with output.open() as file:
        transfers = sum(1 for _ in file) - 1
    own = seconds[1] - seconds[0]
    return {
        "what": "extract_token_transfers from the same logs, nothing else",
        "transfers": transfers,
        "seconds": round(own, 3),
        "seconds_to_start": round(seconds[0], 3),
        "transfers_per_second": round(transfers / own),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=["decode", "files"], action="append")
    parser.add_argument("--blocks", type=int, default=1_000)
    parser.add_argument("--accounts", type=int, default=50_000)
    parser.add_argument("--peer", help="path of ethereum-etl's program `ethereumetl`")
    parser.add_argument("--tiny", action="store_true", help="a second's work, for the tests")
    options = parser.parse_args()
    count, transactions = (4, 10) if options.tiny else (options.blocks, TRANSACTIONS)
    blocks = list(planted_blocks(count, transactions, 50 if options.tiny else options.accounts))
    printed: dict[str, Any] = {"benchmark": "ethereum", "machine": platform.machine()}
    for what in options.what or ["decode", "files"]:
        printed[what] = decode(blocks) if what == "decode" else files(blocks, options.peer)
    sys.stdout.write(json.dumps(printed, indent=1) + "\n")


if __name__ == "__main__":
    main()
