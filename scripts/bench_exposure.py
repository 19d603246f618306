"""Measure exposures: of random entities and of the largest ones, in both directions; prints JSON.

Each is asked the whole way from the request to JSON, both directions in one answer, with the limits
that the product has by default. `first` is the time of the first question about a subject, whose
pages may have to be read from the disk; `again` the same question right after. `cut` counts the
answers in which a limit ended paths, by direction and reason, and `cut_percent` how much of the
money that was, on the average and at most. Kernels are compiled before the clock starts.

The subjects are entities of addresses drawn evenly, so a large one may be drawn several times (it
is asked about once, and its figures count as often), and the entities with most addresses. Tags
come from a TagPack, the chain's own where it is simulated.

A ledger that is named with `--ledger` is only read, from links in a temporary folder; its
clustering is used where it has one. `--tiny` runs in the tests.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from bench_queries import opened
from ingest_run import make_chain

from arien_flows.answers.exposure import exposure_answer
from arien_flows.answers.exposure_shapes import ExposureAnswer
from arien_flows.entities.profiles import DEFAULT_PROFILE
from arien_flows.exposure.request import DEFAULT_BUDGET, DEFAULT_HOPS, ExposureRequest
from arien_flows.exposure.run import LIMITS
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.settings import Settings
from arien_flows.shapes import json_text
from arien_flows.simulation.parameters import SMALLEST
from arien_flows.workspace import OpenNetwork, Reading, Workspace
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import REGTEST
from chains.types import Int64Array

LIMIT_NAMES = {stop.name.lower() for stop in LIMITS}


@dataclass(slots=True)
class Figures:
    """What was measured of a kind of subject."""

    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    followed: list[int] = field(default_factory=list)
    cut: Counter[str] = field(default_factory=Counter)
    cut_share: dict[str, list[float]] = field(default_factory=dict)
    attributed: dict[str, list[float]] = field(default_factory=dict)

    def take(self, answer: ExposureAnswer, first: float, again: float) -> None:
        """Add one answer."""
        self.first.append(first)
        self.again.append(again)
        self.followed.append(sum(side.followed for side in answer.sides))
        for side in answer.sides:
            whole = max(int(side.total), 1)
            limited = {row.reason: int(row.value) for row in side.rest if row.reason in LIMIT_NAMES}
            for reason in limited:
                self.cut[f"{side.direction} {reason}"] += 1
            share = 100 * sum(limited.values()) / whole
            self.cut_share.setdefault(side.direction, []).append(share)
            share = 100 * int(side.attributed) / whole
            self.attributed.setdefault(side.direction, []).append(share)

    def shown(self) -> dict[str, Any]:
        """Return percentiles and counts."""
        return {
            "asked": len(self.first),
            "first_seconds": spread(self.first),
            "again_seconds": spread(self.again),
            "transactions_gone_through": spread(self.followed),
            "cut": dict(sorted(self.cut.items())),
            "cut_percent": _averages(self.cut_share),
            "attributed_percent": _averages(self.attributed),
        }


def _averages(shares: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    return {
        direction: {"mean": round(float(np.mean(each)), 2), "most": round(max(each), 2)}
        for direction, each in shares.items()
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return percentiles."""
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    named = {"p50": p50, "p95": p95, "p99": p99, "most": max(values)}
    return {name: round(float(value), 4) for name, value in named.items()}


def random_roots(reading: Reading, count: int, seed: int = 1) -> Int64Array:
    """Return entities of addresses drawn evenly."""
    drawn = np.random.default_rng(seed).integers(0, reading.view.counts.addresses, count)
    return np.array([reading.entities.root_of(int(each)) for each in drawn], np.int64)


def largest_roots(reading: Reading, count: int) -> Int64Array:
    """Return the entities with most addresses, the largest first."""
    sizes = np.bincount(reading.entities.labels)
    roots: Int64Array = np.argsort(-sizes, kind="stable")[:count]
    return roots


Asked = dict[int, tuple[ExposureAnswer, float, float]]
"""Answers by entity, each with the seconds that it took first and again."""


def measure(
    on: OpenNetwork, profile: str, roots: Int64Array, options: argparse.Namespace, known: Asked
) -> Figures:
    """Ask about each entity twice, unless that was done before."""
    figures = Figures()
    reading = on.read(profile)
    for root in roots.tolist():
        if root in known:
            figures.take(*known[root])
            continue
        text = f"entity:{reading.view.address_text(root)}"
        requests = [
            ExposureRequest(
                subjects=(text,), direction=way, max_hops=options.max_hops, budget=options.budget
            )
            for way in ("in", "out")
        ]
        seconds = []
        for _ in range(2):
            started = time.perf_counter()
            answer = on.ask(lambda now, asked=requests: exposure_answer(now, asked), profile)
            json_text(answer)
            seconds.append(time.perf_counter() - started)
        known[root] = answer, seconds[0], seconds[1]
        figures.take(*known[root])
    return figures


def report(ledger: Path, tags: Path | None, folder: Path, options: argparse.Namespace) -> Any:
    """Measure everything that was asked for."""
    on, _ = opened(ledger, folder)
    workspace = Workspace(Settings(data=folder / "data"))
    name = on.read().view.network.name
    if tags is not None:
        workspace.casebook.import_tagpack(
            tags.read_bytes(), name=tags.name, network=name, now=datetime.now(UTC), by="benchmark"
        )
    on = workspace.open(name)
    reading = on.read(options.profile)
    sizes = np.bincount(reading.entities.labels)
    largest = largest_roots(reading, options.largest)
    load = os.getloadavg()[0]
    measure(on, options.profile, largest[-1:], options, {})
    known: Asked = {}
    return {
        "benchmark": "exposure",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.platform()}",
        "python": platform.python_version(),
        "load": load,
        "ledger": {
            "transactions": reading.view.counts.transactions,
            "addresses": reading.view.counts.addresses,
            "profile": options.profile,
            "tagged_addresses": len(reading.tags.attribution.address),
        },
        "limits": {"max_hops": options.max_hops, "budget": options.budget},
        "random": measure(
            on, options.profile, random_roots(reading, options.random), options, known
        ).shown(),
        "largest": {
            "addresses": {"most": int(sizes[largest[0]]), "least": int(sizes[largest[-1]])},
            **measure(on, options.profile, largest, options, known).shown(),
        },
    }


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledger", type=Path, help="a ledger that exists")
    parser.add_argument("--tags", type=Path, help="a TagPack; by default the simulated chain's")
    parser.add_argument("--transactions", type=int, default=1_000_000)
    parser.add_argument("--random", type=int, default=1_000, help="random entities")
    parser.add_argument("--largest", type=int, default=100, help="entities with most addresses")
    parser.add_argument("--profile", default=DEFAULT_PROFILE)
    parser.add_argument("--max-hops", type=int, default=DEFAULT_HOPS)
    parser.add_argument("--budget", type=int, default=DEFAULT_BUDGET)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--tiny", action="store_true", help="2,000 transactions: does it run?")
    options = parser.parse_args()
    if options.tiny:
        options.transactions, options.random, options.largest = SMALLEST, 10, 3
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
