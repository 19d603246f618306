"""Measure a batch: rows per second with and without exposure and risk, and memory; prints JSON.

The table is like an analyst's list. Of 100 rows 70 are addresses drawn evenly from all of the
ledger, most of them of small wallets; 20 are addresses of the 100 entities with most addresses,
drawn evenly from each, as the deposit addresses of services that turn up in every case; 10 repeat
an earlier row. Rows are in random order, from a seed.

Each run goes the whole way, from the bytes of the table to the files, in a folder of its own:
`answers` is the working out with its checkpoint, `files` the writing of tables, workbook and
charts. `first` is a run whose pages of the ledger may have to be read from the disk, `again` the
same once more. `cpu_seconds` count all threads. The peak of resident memory counts pages of mapped
ledger files, which the system takes back at need; `own_memory` leaves these out. Kernels are
compiled, and what all answers share is made, by a small batch before the clock starts.

A ledger that is named with `--ledger` is only read, from links in a temporary folder; its
clustering is used where it has one. `--tiny` runs in the tests.
"""

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from bench_queries import opened
from ingest_run import make_chain

from arien_flows.batch.reading import ReadingOptions, read_table
from arien_flows.batch.request import BatchRequest
from arien_flows.batch.running import BatchOrder, run_batch
from arien_flows.entities.profiles import DEFAULT_PROFILE
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.settings import Settings
from arien_flows.simulation.parameters import SMALLEST
from arien_flows.workspace import Reading, Workspace
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import REGTEST

SERVICES = 100
"""Largest entities that rows are drawn from."""

OF_SERVICES, REPEATED = 0.2, 0.1


def sample(reading: Reading, rows: int, seed: int) -> list[str]:
    """Return addresses as an analyst's list has them; see the module."""
    view, random = reading.view, np.random.default_rng(seed)
    sizes = np.bincount(reading.entities.labels)
    largest = np.argsort(-sizes, kind="stable")[:SERVICES]
    numbers: list[int] = []
    for _ in range(int(rows * OF_SERVICES)):
        members = reading.entities.members(int(random.choice(largest)))
        numbers.append(int(members[random.integers(len(members))]))
    while len(numbers) < rows - int(rows * REPEATED):
        numbers.append(int(random.integers(view.counts.addresses)))
    numbers += random.choice(numbers, rows - len(numbers)).tolist()
    random.shuffle(numbers)
    return [text for each in numbers if (text := view.address_text(each)) is not None]


def own_memory_bytes() -> int:
    """Return what this process holds in memory besides mapped files; 0 where nobody tells."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return int(lines["RssAnon"].split()[0]) * 1024


def measured(workspace: Workspace, order: BatchOrder, folder: Path) -> dict[str, Any]:
    """Run a batch; return times and counts."""
    ends: dict[str, float] = {}
    most = 0

    def report(step: str, _done: int, _total: int | None, _unit: str) -> None:
        nonlocal most
        ends[step] = time.perf_counter()
        most = max(most, own_memory_bytes())

    started, spent = time.perf_counter(), time.process_time()
    manifest = run_batch(workspace, order, folder, report)
    ended, used = time.perf_counter(), time.process_time() - spent
    rows = len(order.table.rows)
    return {
        "rows": rows,
        "subjects": manifest.input.subjects,
        "rows_per_second": round(rows / (ended - started), 1),
        "rows_per_cpu_second": round(rows / used, 1),
        "seconds": round(ended - started, 2),
        "cpu_seconds": round(used, 2),
        "answers_seconds": round(ends["answers"] - started, 2),
        "files_seconds": round(ended - ends["answers"], 2),
        "own_memory_mib": round(most / 2**20),
        "statuses": manifest.counts,
        "result_sha256": manifest.result_sha256,
    }


def report(ledger: Path, tags: Path, folder: Path, options: argparse.Namespace) -> Any:
    """Measure everything that was asked for."""
    opened(ledger, folder)
    workspace = Workspace(Settings(data=folder / "data"))
    name = workspace.networks()[0]
    workspace.casebook.import_tagpack(
        tags.read_bytes(), name=tags.name, network=name, now=datetime.now(UTC), by="benchmark"
    )
    reading = workspace.open(name).read(options.profile)
    addresses = sample(reading, options.rows, options.seed)
    requests = {
        "summaries": BatchRequest(profile=options.profile, exposure=False, risk=False),
        "exposure_and_risk": BatchRequest(profile=options.profile),
        "exposure_and_risk_of_entities": BatchRequest(profile=options.profile, scope="entity"),
    }
    chosen = {key: requests[key] for key in options.runs or requests}
    runs: dict[str, Any] = {}
    load = os.getloadavg()[0]
    for key, request in chosen.items():
        orders = [
            BatchOrder(
                table=read_table(
                    "\n".join(listed).encode(), "list.txt", options=ReadingOptions(networks=(name,))
                ),
                name="list.txt",
                request=request,
            )
            for listed in (addresses[:3], addresses)
        ]
        measured(workspace, orders[0], folder / f"{key}-warming")
        runs[key] = {
            turn: measured(workspace, orders[1], folder / f"{key}-{turn}")
            for turn in ("first", "again")
        }
    return {
        "benchmark": "batch",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.platform()}",
        "python": platform.python_version(),
        "load": load,
        "ledger": {
            "transactions": reading.view.counts.transactions,
            "addresses": reading.view.counts.addresses,
            "profile": options.profile,
            "tagged_addresses": len(reading.tags.attribution.address),
        },
        "peak_resident_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "runs": runs,
    }


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledger", type=Path, help="a ledger that exists")
    parser.add_argument("--tags", type=Path, help="its TagPack")
    parser.add_argument("--transactions", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", default=DEFAULT_PROFILE)
    parser.add_argument("--runs", nargs="*", help="only these")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--tiny", action="store_true", help="2,000 transactions: does it run?")
    options = parser.parse_args()
    if options.tiny:
        options.transactions, options.rows = SMALLEST, 20
    if (options.ledger is None) != (options.tags is None):
        parser.error("--ledger and --tags go together")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ledger, tags = options.ledger, options.tags
        if ledger is None:
            make_chain(options.transactions, folder / "chain")
            ledger, tags = folder / "made", folder / "chain/tags.yaml"
            with LedgerWriter(ledger, REGTEST) as writer:
                ingest(writer, BlockFiles(folder / "chain/blocks", REGTEST))
        text = json.dumps(report(ledger, tags, folder, options), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
