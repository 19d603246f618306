"""Measure one ingest in a process of its own; prints JSON. `bench_ingest.py` starts it.

Kernels are compiled on a small chain first, then the files are read once (for the floor, and so
that all sizes find them in the page cache), then they are taken in: once for the clock, and once
more under a profiling hook that tells the phases (`phases.py`). The hook costs time, so no rate is
taken from the second run; `hooked` says how long it took.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from phases import PhaseClock
from process_memory import MemoryWatch, peak_resident_bytes, written_bytes

from arien_flows.ledger.ingest import IngestSummary, ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.manifest import read_manifest
from arien_flows.ledger.verify import verify
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.simulation.parameters import SMALLEST, Parameters
from arien_flows.simulation.simulate import simulate
from chains.bitcoin.blockfiles import BATCH_BYTES, BlockFiles
from chains.bitcoin.decode import compressions_needed
from chains.bitcoin.networks import BITCOIN, REGTEST, Network

SMALL_BATCH_BYTES = 20_000
"""Batches so small that a smallest chain has runs merged: that has kernels of its own."""

READ_BYTES = 8 << 20


def make_chain(transactions: int, folder: Path) -> None:
    """Simulate in a process of its own, so that its memory does not count."""
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=simulate, args=(Parameters(transactions=transactions), folder))
    child.start()
    child.join()
    if child.exitcode != 0:
        raise SystemExit("the simulation failed")


def block_files(source: Path) -> list[Path]:
    """Return the files of a folder of block files, or the one file that is named."""
    return [source] if source.is_file() else sorted(source.glob("blk*.dat"))


def read_all(source: Path) -> dict[str, Any]:
    """Read every file once, from the disk as far as the system lets its cache go."""
    files = block_files(source)
    if hasattr(os, "posix_fadvise"):
        for file in files:
            with file.open("rb") as opened:
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    speeds = {}
    for cache in ("cold", "warm"):
        buffer, size, started = bytearray(READ_BYTES), 0, time.perf_counter()
        for file in files:
            with file.open("rb", buffering=0) as opened:
                while count := opened.readinto(buffer):
                    size += count
        speeds[cache] = time.perf_counter() - started
    return {
        "bytes": size,
        "dropped_from_cache_first": hasattr(os, "posix_fadvise"),
        "cold_seconds": round(speeds["cold"], 3),
        "cold_megabytes_per_second": round(size / speeds["cold"] / 1e6),
        "warm_megabytes_per_second": round(size / speeds["warm"] / 1e6),
    }


def compressions_per_second(transactions: int = 200_000) -> float:
    """Return how many compressions one core makes when it does nothing but hash ids."""
    from chains.bitcoin.sha256_lanes import double_sha256_many, order_by_blocks

    length = np.full(transactions, 250, dtype=np.int64)
    raw = np.random.default_rng(1).integers(0, 256, 250 * transactions, dtype=np.uint8)
    starts = np.arange(transactions, dtype=np.int64) * 250
    nothing, out = np.zeros(transactions, np.int64), np.empty((transactions, 32), np.uint8)
    best = 0.0
    for _ in range(3):
        started = time.thread_time()
        double_sha256_many(raw, starts, length, nothing, nothing, order_by_blocks(length), out)
        best = max(best, 6 * transactions / (time.thread_time() - started))
    return best


def take_in(
    source: Path, network: Network, ledger: Path, batch_bytes: int
) -> tuple[IngestSummary, float]:
    """Take a chain into a new ledger; return also how long its headers were looked for."""
    started = time.perf_counter()
    files = BlockFiles(source, network, batch_bytes=batch_bytes)
    scanned = time.perf_counter() - started
    with LedgerWriter(ledger, network) as writer:
        return ingest(writer, files), scanned


def timed(source: Path, network: Network, ledger: Path, batch_bytes: int) -> dict[str, Any]:
    """Return what taking in a chain takes, with nothing looking on but a watch on the memory."""
    before, started, cpu = written_bytes(), time.perf_counter(), time.process_time()
    with MemoryWatch() as memory:
        summary, scanned = take_in(source, network, ledger, batch_bytes)
    seconds = time.perf_counter() - started
    cpu, after = time.process_time() - cpu, written_bytes()
    added = summary.transactions_added
    size = sum(file.stat().st_size for file in block_files(source))
    return {
        "transactions": added,
        "blocks": summary.blocks_added,
        "block_bytes": size,
        "seconds": round(seconds, 3),
        "header_scan_seconds": round(scanned, 3),
        "cpu_seconds": round(cpu, 3),
        "transactions_per_second": round(added / seconds),
        "microseconds_per_transaction": round(1e6 * seconds / added, 3),
        "cpu_microseconds_per_transaction": round(1e6 * cpu / added, 3),
        "megabytes_per_second": round(size / seconds / 1e6, 1),
        "peak_resident_bytes": peak_resident_bytes(),
        "peak_anonymous_bytes": memory.peak_anonymous_bytes,
        "ledger_bytes_per_transaction": round(Ledger(ledger).bytes_on_disk() / added, 1),
        "written_bytes_per_transaction": None
        if before is None or after is None
        else round((after - before) / added, 1),
    }


def split(source: Path, network: Network, batch_bytes: int, folder: Path) -> dict[str, Any]:
    """Take a chain in once more, into a ledger that does not stay, and tell where the time goes."""
    started, cpu = time.perf_counter(), time.process_time()
    with PhaseClock() as clock:
        take_in(source, network, folder, batch_bytes)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    shutil.rmtree(folder)
    return {
        "phases": clock.by_phase(),
        "heaviest": clock.heaviest(),
        "hooked": {
            "seconds": round(seconds, 3),
            "cpu_seconds": round(cpu, 3),
            "events": clock.events,
        },
    }


def contents(ledger: Path) -> dict[str, Any]:
    """Return what a ledger holds and how its bytes are shared out."""
    manifest = read_manifest(ledger)
    if manifest is None:
        raise SystemExit(f"{ledger} holds no ledger")
    folders: dict[str, int] = {}
    for file in sorted(ledger.rglob("*")):
        if file.is_file():
            place = file.relative_to(ledger)
            name = "/".join(place.parts[:-1]) or place.name
            folders[name] = folders.get(name, 0) + file.stat().st_size
    names = ("transactions", "addresses", "reveals", "history")
    return {
        "counts": {
            name: getattr(manifest.counts, name) for name in manifest.counts.__dataclass_fields__
        },
        "bytes": folders,
        "unspent_outputs": unspent_outputs(ledger),
        "runs": {
            name: [
                {"level": run.level, "rows": run.end - run.start, "entries": run.entries}
                for run in getattr(manifest.runs, name)
            ]
            for name in names
        },
    }


def unspent_outputs(ledger: Path) -> int:
    """Count the outputs that somebody can still spend."""
    view = Ledger(ledger).view()
    unspent = int(np.count_nonzero(view.spender >= view.counts.transactions))
    return unspent - view.counts.op_returns


def floor(run: dict[str, Any], needed: int, rate: float) -> dict[str, Any]:
    """Return the least time that the work could take, and how far the measured one is from it."""
    reading = run["reading"]["cold_seconds"]
    hashing = needed / rate
    cores = os.cpu_count() or 1
    least = max(reading, hashing / cores)
    phases = {
        name: spent["cpu_seconds"]
        for name, spent in run["phases"].items()
        if name not in ("waiting", "hash")
    }
    return {
        "read_seconds": reading,
        "compressions": needed,
        "compressions_per_second_and_core": round(rate),
        "hash_cpu_seconds": round(hashing, 3),
        "cores": cores,
        "seconds": round(least, 3),
        "formula": "max(read_seconds, hash_cpu_seconds / cores)",
        "measured_over_floor": round(run["seconds"] / least, 2),
        "cpu_seconds_above_hashing": round(run["cpu_seconds"] - hashing, 3),
        "held_by": dict(sorted(phases.items(), key=lambda item: -item[1])),
    }


def run_one(options: argparse.Namespace) -> dict[str, Any]:
    """Do one size in this process."""
    network = BITCOIN if options.mainnet else REGTEST
    with tempfile.TemporaryDirectory() as name:
        make_chain(SMALLEST, Path(name) / "small")
        take_in(Path(name) / "small/blocks", REGTEST, Path(name) / "warm", SMALL_BATCH_BYTES)
        rate = compressions_per_second()
    reading = read_all(options.source)
    figures = timed(options.source, network, options.ledger, options.batch_bytes)
    figures["reading"] = reading
    figures["ledger"] = contents(options.ledger)
    ledger = Ledger(options.ledger)
    view = ledger.view()
    needed = compressions_needed(view.stripped_size, view.first_transaction)
    started = time.perf_counter()
    verification = verify(ledger)
    seconds = time.perf_counter() - started
    figures["verified"] = verification.ok
    figures["verify_seconds"] = round(seconds, 3)
    figures["verify_megabytes_per_second"] = round(ledger.bytes_on_disk() / seconds / 1e6)
    again = options.ledger.with_name(f"{options.ledger.name}-again")
    figures |= split(options.source, network, options.batch_bytes, again)
    figures["floor"] = floor(figures, needed, rate)
    return figures


def run_apart(source: Path, ledger: Path, batch_bytes: int, *more: str) -> dict[str, Any]:
    """Do one size in a fresh process, whose memory is its own."""
    command = [sys.executable, __file__, str(source), str(ledger)]
    done = subprocess.run(
        [*command, "--batch-bytes", str(batch_bytes), *more],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="a folder of block files, or one file")
    parser.add_argument("ledger", type=Path, help="where the new ledger goes, and stays")
    parser.add_argument("--batch-bytes", type=int, default=BATCH_BYTES)
    parser.add_argument("--mainnet", action="store_true", help="the blocks are of the main chain")
    print(json.dumps(run_one(parser.parse_args())))


if __name__ == "__main__":
    main()
