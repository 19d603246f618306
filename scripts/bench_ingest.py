"""Measure the way from block files into a ledger; prints JSON.

Every size runs in a process of its own: kernels are compiled on a small chain first, then the
files are read once (for the floor, and so that all sizes find them in the page cache), then they
are taken in. `phases` splits that run by phase and `heaviest` by function (`phases.py`); phases
overlap on threads, so their processor seconds add up to more than the clock shows. The floor is
what nobody can save: reading every byte once, and the SHA-256 compressions that ids and merkle
trees need. Other programs decode a sample of the same blocks (`bench_peers.py`). `projection.py`
says what the figures mean for the whole chain.

The peer blockchain-parser needs an environment of its own, because it insists on another
python-bitcoinlib: `python -m venv .venv-peer && .venv-peer/bin/pip install blockchain-parser`.

`--tiny` runs in the tests.
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from phases import PhaseClock
from projection import projected

from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.manifest import read_manifest
from arien_flows.ledger.verify import verify
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.simulation.parameters import SMALLEST, Parameters
from arien_flows.simulation.simulate import simulate
from chains.bitcoin.blockfiles import BATCH_BYTES, BlockFiles
from chains.bitcoin.decode import compressions_needed, decode_blocks
from chains.bitcoin.networks import BITCOIN, REGTEST, Network

SMALL_BATCH_BYTES = 20_000
"""Batches so small that a smallest chain has runs merged: that has kernels of its own."""

SAMPLED_BLOCKS = 12
READ_BYTES = 8 << 20
PEER_PYTHON = Path(__file__).parents[1] / ".venv-peer/bin/python"


# --- what the system tells of a process


def status_bytes(name: str) -> int | None:
    """Return a memory figure of this process, where Linux tells it."""
    file = Path("/proc/self/status")
    if not file.exists():
        return None
    lines = dict(line.split(":", 1) for line in file.read_text().splitlines())
    return int(lines[name].split()[0]) * 1024


def written_bytes() -> int | None:
    """Return how many bytes this process has sent towards the disk, where Linux tells it."""
    file = Path("/proc/self/io")
    if not file.exists():
        return None
    lines = dict(line.split(": ") for line in file.read_text().splitlines())
    return int(lines["write_bytes"])


class MemoryWatch:
    """Follows the memory that is this process's own: what no page cache could give back."""

    def __init__(self) -> None:
        self.peak_anonymous_bytes: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            now = status_bytes("RssAnon")
            if now is not None:
                self.peak_anonymous_bytes = max(self.peak_anonymous_bytes or 0, now)
            if self._stop.wait(0.02):
                return


def peak_resident_bytes() -> int:
    """Return the most memory that this process ever had, mapped files counted."""
    peak = status_bytes("VmHWM")
    if peak is not None:
        return peak
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


# --- chains


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


# --- one size, in its own process


def take_in(source: Path, network: Network, ledger: Path, batch_bytes: int) -> dict[str, Any]:
    """Take a chain into a new ledger; return what that took."""
    before, started, cpu = written_bytes(), time.perf_counter(), time.process_time()
    files = BlockFiles(source, network, batch_bytes=batch_bytes)
    scanned = time.perf_counter()
    with MemoryWatch() as memory, PhaseClock() as clock:
        with LedgerWriter(ledger, network) as writer:
            summary = ingest(writer, files)
        seconds = time.perf_counter() - started
    cpu, after = time.process_time() - cpu, written_bytes()
    added = summary.transactions_added
    size = sum(file.stat().st_size for file in block_files(source))
    return {
        "transactions": added,
        "blocks": summary.blocks_added,
        "block_bytes": size,
        "seconds": round(seconds, 3),
        "header_scan_seconds": round(scanned - started, 3),
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
        "phases": clock.by_phase(),
        "heaviest": clock.heaviest(),
        "hook_events": clock.events,
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
    reading = read_all(options.one)
    figures = take_in(options.one, network, options.ledger, options.batch_bytes)
    figures["reading"] = reading
    figures["ledger"] = contents(options.ledger)
    ledger = Ledger(options.ledger)
    view = ledger.view()
    needed = compressions_needed(view.stripped_size, view.first_transaction)
    figures["floor"] = floor(figures, needed, rate)
    started = time.perf_counter()
    verification = verify(ledger)
    seconds = time.perf_counter() - started
    figures["verified"] = verification.ok
    figures["verify_seconds"] = round(seconds, 3)
    figures["verify_megabytes_per_second"] = round(ledger.bytes_on_disk() / seconds / 1e6)
    return figures


def run_apart(source: Path, ledger: Path, batch_bytes: int, *more: str) -> dict[str, Any]:
    """Do one size in a fresh process, whose memory is its own."""
    command = [sys.executable, __file__, "--one", str(source), "--ledger", str(ledger)]
    done = subprocess.run(
        [*command, "--batch-bytes", str(batch_bytes), *more],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


# --- peers and real blocks


def sample(source: Path, network: Network) -> Iterator[bytes]:
    """Yield blocks from all over a chain."""
    files = BlockFiles(source, network, batch_bytes=1)
    tip = files.tip_height()
    for height in sorted({int(place) for place in np.linspace(0, tip, SAMPLED_BLOCKS)}):
        for batch in files.batches(height, height + 1):
            yield frames_of(batch.raw.tobytes(), batch.header[0].tobytes())


def frames_of(raw: bytes, header: bytes) -> bytes:
    """Return a block alone: a batch's bytes may have a few of the file's before and after."""
    return raw[raw.index(header) :]


def peers(blocks: list[bytes], interpreter: Path) -> dict[str, Any]:
    """Have other programs decode blocks."""
    interpreters = {"python-bitcoinlib": Path(sys.executable), "blockchain-parser": interpreter}
    script = Path(__file__).with_name("bench_peers.py")
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        records = Path(name) / "records"
        records.write_bytes(b"".join(len(raw).to_bytes(4, "little") + raw for raw in blocks))
        for peer, python in interpreters.items():
            if not python.exists():
                figures[peer] = {
                    "unavailable": f"no {python}: see the top of {Path(__file__).name}"
                }
                continue
            done = subprocess.run(
                [python, script, peer, records], check=True, stdout=subprocess.PIPE, text=True
            )
            figures[peer] = json.loads(done.stdout)
    return figures


def ratio(rate: float, peer: dict[str, Any]) -> float | None:
    """Return how many times a peer's rate ours is, where the peer could run."""
    theirs = peer.get("transactions_per_second")
    return round(rate / theirs, 1) if theirs else None


def decode_only(blocks: list[bytes]) -> dict[str, Any]:
    """Decode single blocks again and again for a second, on one thread."""
    raw = np.frombuffer(b"".join(blocks), dtype=np.uint8)
    lengths = np.array([len(block) for block in blocks], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    transactions = decode_blocks(raw, starts, lengths).transaction_count
    rounds, started = 0, time.perf_counter()
    while time.perf_counter() - started < 1:
        decode_blocks(raw, starts, lengths)
        rounds += 1
    seconds = (time.perf_counter() - started) / rounds
    return {
        "blocks": len(blocks),
        "transactions": transactions,
        "bytes": len(raw),
        "seconds": round(seconds, 4),
        "transactions_per_second": round(transactions / seconds),
        "megabytes_per_second": round(len(raw) / seconds / 1e6),
    }


def real_blocks(folder: Path, interpreter: Path, work: Path) -> dict[str, Any]:
    """Take in the consecutive blocks of a folder of real ones, and decode the single ones."""
    figures: dict[str, Any] = {}
    for chain in sorted(folder.glob("chain_mainnet_*.dat")):
        figures[chain.stem] = run_apart(chain, work / chain.stem, BATCH_BYTES, "--mainnet")
    singles = [file for file in sorted(folder.glob("*.raw")) if ".undo." not in file.name]
    if singles:
        blocks = [file.read_bytes() for file in singles]
        figures["single_blocks"] = decode_only(blocks)
        measured = peers(blocks, interpreter)
        figures["single_blocks"]["peers"] = measured
        rate = figures["single_blocks"]["transactions_per_second"]
        for peer, theirs in measured.items():
            figures["single_blocks"][ratio_name(peer)] = ratio(rate, theirs)
    return figures


def ratio_name(peer: str) -> str:
    return "ratio_to_" + peer.replace("-", "_")


# --- all


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
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--ledger", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--mainnet", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if not (chosen.transactions or chosen.chain or chosen.tiny):
        chosen.transactions = [1_000_000]
    return chosen


def main() -> None:
    """Run the benchmark and print its figures."""
    options = arguments()
    if options.one:
        print(json.dumps(run_one(options)))
        return
    with tempfile.TemporaryDirectory() as name:
        text = json.dumps(measure(options, Path(name)), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
