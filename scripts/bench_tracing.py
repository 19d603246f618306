"""Measure traces: what an investigator waits for, and whole-ledger taint; prints JSON.

*Interactive*: random outputs, each followed for two weeks, 12 hops and at most 10,000 transactions,
the whole way from the request to canonical JSON with a graph of 600 nodes. `default` follows what
the product follows by default, `every satoshi` every amount, however small, and `whole budget` has
no end in time and 1,000 hops, so that traces look at 10,000 transactions if they can. Warm means
that the same question was asked before; before each cold one all pages of the ledger and its
derived sets are unmapped and dropped from the system's cache, where the system lets that be done
(Linux). Kernels are compiled before the clock starts.

*Bulk*: taint from large sets of outputs to the tip, and the same by a plain dictionary and by
networkx in the same run (`bulk_taint_cases`); `--truth` names the folder of a simulated chain and
adds the receipts of one of its markets.

A ledger that is named with `--ledger` is only read, from links in a temporary folder. `--tiny` runs
in the tests.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from bench_queries import opened
from bulk_taint_cases import measure_bulk
from ingest_run import make_chain
from page_cache import PageCache

from arien_flows.answers.trace import traced
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.simulation.parameters import SMALLEST
from arien_flows.tracing.request import PolicyName, TraceRequest
from arien_flows.workspace import OpenNetwork
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import REGTEST

BUDGET = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of question."""

    policy: PolicyName
    min_value_sat: int | None = None
    horizon_days: int | None = 14
    max_hops: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Questions of a kind, and how many of the random outputs they are asked about."""

    kind: Kind
    every: int = 1
    """One in so many."""


INTERACTIVE = {
    "fifo, default": Asked(kind=Kind(policy="fifo")),
    "fifo, every satoshi": Asked(kind=Kind(policy="fifo", min_value_sat=1)),
    "haircut, default": Asked(kind=Kind(policy="haircut")),
    "haircut, every satoshi": Asked(kind=Kind(policy="haircut", min_value_sat=1)),
    "haircut, whole budget": Asked(
        kind=Kind(policy="haircut", min_value_sat=1, horizon_days=None, max_hops=1_000), every=10
    ),
}


def random_outputs(view: View, count: int, seed: int = 1) -> list[str]:
    """Return outputs that hold money and are locked to an address, drawn evenly."""
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    while len(chosen) < count:
        drawn = rng.integers(0, view.counts.outputs, count)
        usable = (view.output_value[drawn] > 0) & (view.output_address[drawn] != NO_ADDRESS)
        chosen += drawn[usable].tolist()
    outputs = np.array(chosen[:count])
    transactions = view.transactions_of_outputs(outputs)
    places = outputs - view.first_output[transactions]
    return [
        f"{view.txid_text(transaction)}:{place}"
        for transaction, place in zip(transactions.tolist(), places.tolist(), strict=True)
    ]


def asked(on: OpenNetwork, request: TraceRequest) -> tuple[float, int, int]:
    """Trace; return seconds, transactions looked at, and ends."""
    started = time.perf_counter()
    result = on.ask(lambda reading: traced(reading, request))
    result.json_bytes()
    seconds = time.perf_counter() - started
    return seconds, result.answer.manifest.transactions_explored, len(result.answer.leaves)


def spread(rows: Sequence[tuple[float, int, int]]) -> dict[str, Any]:
    """Return percentiles of seconds and sizes, and the rate over all."""
    figures = np.array(rows)
    seconds, explored, ends = figures.T
    p50, p95, p99 = np.percentile(seconds, [50, 95, 99])
    return {
        "traces": len(rows),
        "seconds": {
            "p50": round(float(p50), 4),
            "p95": round(float(p95), 4),
            "p99": round(float(p99), 4),
            "most": round(float(seconds.max()), 4),
        },
        "transactions": {
            "p50": int(np.percentile(explored, 50)),
            "p95": int(np.percentile(explored, 95)),
            "most": int(explored.max()),
        },
        "ends_most": int(ends.max()),
        "transactions_per_second": round(float(explored.sum() / seconds.sum())),
    }


def measure_interactive(
    on: OpenNetwork, traces: int, cold: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the figures of each kind of question."""
    cache = PageCache(on.root, on.read())
    sources = random_outputs(on.read().view, traces)
    for name, asking in INTERACTIVE.items():
        base = TraceRequest(sources=(sources[0],), budget=BUDGET, **asdict(asking.kind))
        requests = [replace(base, sources=(source,)) for source in sources[:: asking.every]]
        for request in requests:
            asked(on, request)
        figures = {"warm": spread([asked(on, request) for request in requests])}
        if cache.can_drop:
            rows = []
            for request in requests[: -(-cold // asking.every)]:
                cache.drop()
                rows.append(asked(on, request))
            figures["cold"] = spread(rows)
        yield name, figures


def measure(ledger: Path, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure everything that was asked for."""
    on, _ = opened(ledger, folder)
    view = on.read().view
    found: dict[str, Any] = {
        "benchmark": "tracing",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.platform()}",
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
        "ledger": {
            "transactions": view.counts.transactions,
            "inputs": view.counts.inputs,
            "outputs": view.counts.outputs,
            "days": int(view.median_times[-1] - view.median_times[0]) // 86_400,
        },
    }
    if "interactive" in options.what:
        found["interactive"] = dict(measure_interactive(on, options.traces, options.cold))
    if "bulk" in options.what:
        found["bulk"] = measure_bulk(on.read(), options.sources, options.truth)
    return found


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledger", type=Path, help="a ledger that exists")
    parser.add_argument("--transactions", type=int, default=1_000_000)
    parser.add_argument("--traces", type=int, default=1_000)
    parser.add_argument("--cold", type=int, default=100, help="traces asked cold, of each kind")
    parser.add_argument("--sources", type=int, nargs="+", default=[100, 3_000, 17_000])
    parser.add_argument("--truth", type=Path, help="folder of the simulated chain")
    parser.add_argument("--what", nargs="+", default=["interactive", "bulk"])
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--tiny", action="store_true", help="2,000 transactions: does it run?")
    options = parser.parse_args()
    if options.tiny:
        options.transactions, options.traces, options.cold = SMALLEST, 10, 2
        options.sources = [10]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ledger = options.ledger
        if ledger is None:
            make_chain(options.transactions, folder / "chain")
            ledger = folder / "made"
            with LedgerWriter(ledger, REGTEST) as writer:
                ingest(writer, BlockFiles(folder / "chain/blocks", REGTEST))
        text = json.dumps(measure(ledger, folder, options), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
