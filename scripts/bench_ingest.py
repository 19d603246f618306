"""Measure the way from block files into a ledger on a simulated chain; prints JSON.

Compilation happens on a small chain before the clock starts. The peak is that of the whole
process, simulation excluded: it runs in a child. `--tiny` runs in the tests.
"""

import argparse
import json
import multiprocessing
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path

from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.verify import verify
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.simulation.parameters import SMALLEST, Parameters
from arien_flows.simulation.simulate import simulate
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import REGTEST

BATCH_BYTES = 64 << 20
WRITE_BYTES = Path("/proc/self/io")


def make_chain(transactions: int, folder: Path) -> None:
    """Simulate in a process of its own, so that its memory does not count."""
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=simulate, args=(Parameters(transactions=transactions), folder))
    child.start()
    child.join()
    if child.exitcode != 0:
        raise SystemExit("the simulation failed")


def written() -> int | None:
    """Return how many bytes this process has sent towards the disk, where Linux tells."""
    if not WRITE_BYTES.exists():
        return None
    lines = dict(line.split(": ") for line in WRITE_BYTES.read_text().splitlines())
    return int(lines["write_bytes"])


def take_in(chain: Path, ledger: Path, batch_bytes: int = BATCH_BYTES) -> dict[str, object]:
    """Ingest a simulated chain; return what it took."""
    before, started = written(), time.perf_counter()
    source = BlockFiles(chain / "blocks", REGTEST, batch_bytes=batch_bytes)
    scanned = time.perf_counter()
    with LedgerWriter(ledger, REGTEST) as writer:
        summary = ingest(writer, source)
    seconds = time.perf_counter() - started
    size = sum(file.stat().st_size for file in (chain / "blocks").glob("blk*.dat"))
    after = written()
    return {
        "transactions": summary.transactions_added,
        "blocks": summary.blocks_added,
        "block_bytes": size,
        "seconds": round(seconds, 3),
        "header_scan_seconds": round(scanned - started, 3),
        "transactions_per_second": round(summary.transactions_added / seconds),
        "megabytes_per_second": round(size / seconds / 1e6, 1),
        "ledger_bytes_per_transaction": round(
            Ledger(ledger).bytes_on_disk() / summary.transactions_added, 1
        ),
        "written_bytes_per_transaction": None
        if before is None or after is None
        else round((after - before) / summary.transactions_added, 1),
    }


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=1_000_000)
    parser.add_argument("--tiny", action="store_true", help="2,000 transactions: does it run?")
    options = parser.parse_args()
    transactions = SMALLEST if options.tiny else options.transactions
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_chain(SMALLEST, folder / "small")
        # Batches small enough that runs are merged: that has kernels of its own.
        take_in(folder / "small", folder / "warm", batch_bytes=20_000)
        make_chain(transactions, folder / "chain")
        figures = take_in(folder / "chain", folder / "ledger")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        verification = verify(Ledger(folder / "ledger"))
        figures |= {
            "peak_megabytes": round(peak / (1024 if sys.platform != "darwin" else 1024**2)),
            "verify_seconds": round(time.perf_counter() - started, 3),
            "verified": verification.ok,
            "machine": f"{platform.machine()}, Python {platform.python_version()}",
        }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
