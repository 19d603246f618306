"""Measure the way from block files into a ledger; prints JSON.

Every size runs in a process of its own (`ingest_run.py`), for the clock and once more for its
phases. `phases` splits the second run by phase and `heaviest` by function; phases overlap on
threads, so their processor seconds add up to more than the clock shows. The floor is what nobody
can save: reading every byte once, and the SHA-256 compressions that ids and merkle trees need.
Other programs decode a sample of the same blocks (`ingest_peers.py`), real blocks are measured by
`real_blocks.py`, and `projection.py` says what the figures mean for the whole chain.

`--tiny` runs in the tests.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest_peers import PEER_PYTHON, peers, ratio, ratio_name, sample
from ingest_run import make_chain, run_apart
from projection import projected
from real_blocks import real_blocks

from arien_flows.simulation.parameters import SMALLEST
from chains.bitcoin.blockfiles import BATCH_BYTES
from chains.bitcoin.networks import REGTEST


def chains_of(options: argparse.Namespace, work: Path) -> Iterator[Path]:
    """Yield the folders of block files, those that are to be made anew last."""
    yield from (chain / "blocks" for chain in options.chain)
    sizes = [SMALLEST] if options.tiny else options.transactions
    for transactions in sizes:
        make_chain(transactions, work / str(transactions))
        yield work / str(transactions) / "blocks"


def measure(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Run everything that was asked for."""
    figures: dict[str, Any] = {
        "benchmark": "ingest",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.platform()}",
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
    }
    runs: list[dict[str, Any]] = []
    measured: dict[str, Any] = {}
    for source in chains_of(options, work):
        ledger = (options.keep or work) / f"ledger-{source.parent.name}"
        runs.append(run_apart(source, ledger, options.batch_bytes))
        print(f"{runs[-1]['transactions_per_second']} transactions/s", file=sys.stderr)
        measured = measured or peers(list(sample(source, REGTEST)), options.peer_python)
    runs.sort(key=lambda run: int(run["transactions"]))
    for run in runs:
        run |= {
            ratio_name(peer): ratio(run["transactions_per_second"], theirs)
            for peer, theirs in measured.items()
        }
    largest = runs[-1]
    figures |= {"runs": runs, "peers": measured}
    figures |= {ratio_name(peer): largest[ratio_name(peer)] for peer in measured}
    figures["time_per_transaction_largest_over_smallest"] = round(
        largest["microseconds_per_transaction"] / runs[0]["microseconds_per_transaction"], 3
    )
    figures["projection"] = projected(largest)
    if options.blocks is not None:
        figures["real_blocks"] = real_blocks(options.blocks, options.peer_python, work)
    return figures


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, nargs="+", default=[], help="sizes to simulate")
    parser.add_argument(
        "--chain", type=Path, nargs="+", default=[], help="simulated chains that exist"
    )
    parser.add_argument("--blocks", type=Path, help="a folder of real blocks")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--keep", type=Path, help="folder in which the ledgers stay")
    parser.add_argument("--peer-python", type=Path, default=PEER_PYTHON)
    parser.add_argument("--batch-bytes", type=int, default=BATCH_BYTES)
    parser.add_argument("--tiny", action="store_true", help="the smallest chain: does it run?")
    chosen = parser.parse_args()
    if not (chosen.transactions or chosen.chain or chosen.tiny):
        chosen.transactions = [1_000_000]
    return chosen


def main() -> None:
    """Run the benchmark and print its figures."""
    options = arguments()
    with tempfile.TemporaryDirectory() as name:
        text = json.dumps(measure(options, Path(name)), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
