"""Measure exposure and risk: of random entities and of the largest ones; prints JSON.

Each is asked the whole way from the request to JSON: the exposure with both directions in one
answer, and the score with its whole explanation, both with the limits that the product has by
default. `first` is the time of the first question about a subject, whose
pages may have to be read from the disk; `again` the same question right after. `cut` counts the
answers in which a limit ended paths, by direction and reason, and `cut_percent` how much of the
money that was, on the average and at most. Of scores, `cut` counts the answers that say of a place
(an exposure, the behaviour, the tags) that something was left out there; that tags came after the
clustering is so here of all, because they are imported last. Kernels are compiled before the clock
starts.

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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from bench_queries import opened
from ingest_run import make_chain

from arien_flows.answers.exposure import exposure_answer
from arien_flows.answers.exposure_shapes import ExposureAnswer
from arien_flows.answers.risk import risk_answer
from arien_flows.answers.risk_shapes import RiskAnswer
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

Answer = TypeVar("Answer")
Taken = TypeVar("Taken", contravariant=True)


class Taking(Protocol[Taken]):
    """Figures that answers of one kind are added to."""

    def take(self, answer: Taken, first: float, again: float) -> None:
        """Add one answer, with the seconds that it took first and again."""


@dataclass(slots=True)
class Figures:
    """What was measured of the exposures of a kind of subject."""

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


@dataclass(slots=True)
class RiskFigures:
    """What was measured of the scores of a kind of subject."""

    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    cut: Counter[str] = field(default_factory=Counter)
    bands: Counter[str] = field(default_factory=Counter)
    contributions: list[int] = field(default_factory=list)

    def take(self, answer: RiskAnswer, first: float, again: float) -> None:
        """Add one answer."""
        self.first.append(first)
        self.again.append(again)
        self.cut.update({f"{each.where}: {each.reason}" for each in answer.truncations})
        self.bands[answer.band] += 1
        self.contributions.append(len(answer.contributions))

    def shown(self) -> dict[str, Any]:
        """Return percentiles and counts."""
        return {
            "asked": len(self.first),
            "first_seconds": spread(self.first),
            "again_seconds": spread(self.again),
            "cut": dict(sorted(self.cut.items())),
            "bands": dict(sorted(self.bands.items())),
            "contributions": spread(self.contributions),
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


class Bench(Generic[Answer]):
    """Asks about entities, each twice, and about none a second time."""

    def __init__(
        self, on: OpenNetwork, profile: str, ask: Callable[[Reading, str], Answer]
    ) -> None:
        self.on, self.profile, self.ask = on, profile, ask
        self.known: dict[int, tuple[Answer, float, float]] = {}

    def measure(self, roots: Int64Array, figures: Taking[Answer]) -> None:
        """Add the answers about some entities to figures."""
        view = self.on.read(self.profile).view
        for root in roots.tolist():
            if root not in self.known:
                self.known[root] = self.asked(f"entity:{view.address_text(root)}")
            figures.take(*self.known[root])

    def asked(self, text: str) -> tuple[Answer, float, float]:
        """Return the answer about a subject, and the seconds that it took first and again."""
        seconds = []
        for _ in range(2):
            started = time.perf_counter()
            answer = self.on.ask(lambda reading: self.ask(reading, text), self.profile)
            json_text(answer)
            seconds.append(time.perf_counter() - started)
        return answer, seconds[0], seconds[1]


def exposure_bench(on: OpenNetwork, options: argparse.Namespace) -> Bench[ExposureAnswer]:
    """Return what asks for exposures in both directions."""

    def ask(reading: Reading, text: str) -> ExposureAnswer:
        requests = [
            ExposureRequest(
                subjects=(text,), direction=way, max_hops=options.max_hops, budget=options.budget
            )
            for way in ("in", "out")
        ]
        return exposure_answer(reading, requests)

    return Bench(on, options.profile, ask)


def risk_bench(on: OpenNetwork, options: argparse.Namespace) -> Bench[RiskAnswer]:
    """Return what asks for scores by the standard policy."""
    return Bench(
        on,
        options.profile,
        lambda reading, text: risk_answer(reading, text, budget=options.budget),
    )


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
    for warming in (exposure_bench(on, options), risk_bench(on, options)):
        warming.asked(f"entity:{reading.view.address_text(int(largest[-1]))}")
    chosen = {"random": random_roots(reading, options.random), "largest": largest}
    exposures, risks = exposure_bench(on, options), risk_bench(on, options)
    measured: dict[str, Any] = {}
    for kind, roots in chosen.items():
        exposed, scored = Figures(), RiskFigures()
        exposures.measure(roots, exposed)
        risks.measure(roots, scored)
        measured[kind] = {**exposed.shown(), "risk": scored.shown()}
    measured["largest"]["addresses"] = {
        "most": int(sizes[largest[0]]),
        "least": int(sizes[largest[-1]]),
    }
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
        **measured,
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
