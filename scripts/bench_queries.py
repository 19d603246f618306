"""Measure what an investigator waits for: lookups, summaries and pages of histories; prints JSON.

The questions go the way that the command line and the service put them: through the workspace,
with the entities of a clustering and an empty casebook. `random` asks about things drawn evenly,
`hot` about the address with the longest history, `missing` about what the ledger does not hold.
Warm means that the same question was asked before; before each cold one all pages of the ledger
and its derived sets are unmapped and dropped from the system's cache, where the system lets that be
done (`posix_fadvise`, so Linux). Times are of the clock on the wall, in microseconds.

A ledger that is named with `--ledger` is only read, from links in a temporary folder, so that the
clustering goes there too; `--make-hot` appends blocks to it. `--tiny` runs in the tests.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from hot_address import heat
from ingest_run import make_chain
from page_cache import PageCache

from arien_flows.answers.address import address_answer
from arien_flows.answers.entity import entity_answer
from arien_flows.answers.history import history_answer, make_cursor
from arien_flows.answers.transaction import transaction_answer
from arien_flows.entities.clustering import run_clustering
from arien_flows.errors import NotFoundError
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.manifest import read_manifest
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.settings import Settings
from arien_flows.simulation.parameters import SMALLEST
from arien_flows.workspace import DERIVED, OpenNetwork, Workspace
from chains.bitcoin.address import address_text
from chains.bitcoin.blockfiles import BATCH_BYTES, BlockFiles
from chains.bitcoin.networks import REGTEST, network
from chains.tables import ScriptType

HOT_PAYMENTS = 100_000
PAGE_ROWS = 50

Question = Callable[[str], object]


# --- the ledger


def make_ledger(folder: Path, transactions: int, payments: int, batch_bytes: int) -> Path:
    """Return a new ledger of a simulated chain, with a hot address."""
    make_chain(transactions, folder / "chain")
    source = BlockFiles(folder / "chain/blocks", REGTEST, batch_bytes=batch_bytes)
    with LedgerWriter(folder / "made", REGTEST) as writer:
        ingest(writer, source)
        heat(writer, payments)
    return folder / "made"


def opened(ledger: Path, folder: Path) -> tuple[OpenNetwork, float]:
    """Open a ledger through links, with a clustering; return how long that one took to make."""
    manifest = read_manifest(ledger)
    if manifest is None:
        raise SystemExit(f"{ledger} holds no ledger")
    root = folder / "data" / network(manifest.network).name
    root.mkdir(parents=True)
    for entry in ledger.iterdir():
        (root / entry.name).symlink_to(entry.resolve())
    reading = Workspace(Settings(data=folder / "data")).open(manifest.network).read()
    started = time.perf_counter()
    if reading.clustering is None:
        run_clustering(reading.view, root / DERIVED)
    seconds = time.perf_counter() - started
    return Workspace(Settings(data=folder / "data")).open(manifest.network), seconds


# --- questions


def timed(question: Question, about: str) -> float:
    """Return the microseconds until an answer, or the word that there is none."""
    started = time.perf_counter_ns()
    with suppress(NotFoundError):
        question(about)
    return (time.perf_counter_ns() - started) / 1000


def spread(times: Sequence[float]) -> dict[str, float]:
    """Return the percentiles of times."""
    p50, p99 = np.percentile(times, [50, 99])
    return {
        "p50": round(float(p50), 1),
        "p99": round(float(p99), 1),
        "most": round(max(times), 1),
        "asked": len(times),
    }


def measured(
    question: Question, subjects: Sequence[str], repeats: int, cold: int, cache: PageCache
) -> dict[str, dict[str, float]]:
    """Ask about subjects again and again, warm and cold."""
    for about in subjects:
        timed(question, about)
    figures = {"warm": spread([timed(question, s) for s in islice(cycle(subjects), repeats)])}
    if cache.can_drop:
        times = []
        for about in islice(cycle(subjects), cold):
            cache.drop()
            times.append(timed(question, about))
        figures["cold"] = spread(times)
    return figures


def busiest(view: View) -> int:
    """Return the address that most outputs pay."""
    paid = view.output_address[view.output_address != NO_ADDRESS]
    return int(np.bincount(paid).argmax())


def subjects_of(view: View, count: int) -> dict[str, dict[str, list[str]]]:
    """Return addresses and transactions to ask about."""
    rng = np.random.default_rng(1)
    addresses = rng.integers(0, view.counts.addresses, count).tolist()
    transactions = rng.integers(0, view.counts.transactions, count).tolist()
    strangers = [rng.bytes(20) for _ in range(count)]
    hot = [str(view.address_text(busiest(view)))]
    return {
        "address": {
            "random": [str(view.address_text(number)) for number in addresses],
            "hot": hot,
            "missing": [
                str(address_text(ScriptType.P2WPKH, hash_, view.network)) for hash_ in strangers
            ],
        },
        "txid": {
            "random": [view.txid_text(number) for number in transactions],
            "missing": [rng.bytes(32).hex() for _ in range(count)],
        },
    }


def questions(on: OpenNetwork) -> dict[str, tuple[str, Question]]:
    """Return what is asked, by name, with the kind of its subject."""
    view = on.read().view

    def page(about: str, **more: Any) -> object:
        return on.ask(lambda reading: history_answer(reading, about, limit=PAGE_ROWS, **more))

    def middle(about: str) -> object:
        number = view.find_address(about)
        half = view.totals(number).transaction_count // 2
        transaction = int(view.history(number, half, half + 1).transaction[0])
        return page(
            about, order="oldest", cursor=make_cursor("oldest", view.txid_text(transaction))
        )

    return {
        "txid_lookup": ("txid", view.find_transaction),
        "address_lookup": ("address", view.find_address),
        "address_summary": (
            "address", lambda about: on.ask(lambda reading: address_answer(reading, about)),
        ),
        "history_newest": ("address", page),
        "history_oldest": ("address", lambda about: page(about, order="oldest")),
        "history_middle": ("address", middle),
        "entity_summary": (
            "address",
            lambda about: on.ask(lambda reading: entity_answer(reading, about, limit=PAGE_ROWS)),
        ),
        "transaction": (
            "txid",
            lambda about: on.ask(
                lambda reading: transaction_answer(reading, about, limit=PAGE_ROWS)
            ),
        ),
    }  # fmt: skip


def contents(on: OpenNetwork) -> dict[str, Any]:
    """Return what was asked about."""
    view = on.read().view
    hot = busiest(view)
    return {
        "transactions": view.counts.transactions,
        "outputs": view.counts.outputs,
        "addresses": view.counts.addresses,
        "runs": {
            "transactions": len(view.transactions_by_id.runs),
            "addresses": len(view.addresses_by_lock.runs),
            "history": len(view.histories.runs),
        },
        "hot_outputs": int(np.count_nonzero(view.output_address == hot)),
        "hot_transactions": view.totals(hot).transaction_count,
    }


def measure(ledger: Path, folder: Path, repeats: int, cold: int) -> dict[str, Any]:
    """Ask everything."""
    on, seconds = opened(ledger, folder)
    cache = PageCache(on.root, on.read())
    subjects = subjects_of(on.read().view, repeats)
    figures: dict[str, Any] = {}
    for name, (kind, question) in questions(on).items():
        figures[name] = {
            which: measured(question, about, repeats, cold, cache)
            for which, about in subjects[kind].items()
        }
    return {
        "benchmark": "queries",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.platform()}",
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
        "unit": "microseconds",
        "cold_is_dropped_from_page_cache": cache.can_drop,
        "clustering_seconds": round(seconds, 3),
        "ledger": contents(on),
        "queries": figures,
    }


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledger", type=Path, help="a ledger that exists")
    parser.add_argument("--make-hot", action="store_true", help="append a hot address to it")
    parser.add_argument("--transactions", type=int, default=1_000_000)
    parser.add_argument("--batch-bytes", type=int, default=BATCH_BYTES, help="smaller: more runs")
    parser.add_argument("--repeats", type=int, default=2_000)
    parser.add_argument("--cold", type=int, default=100, help="questions asked cold")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--tiny", action="store_true", help="2,000 transactions: does it run?")
    options = parser.parse_args()
    size, repeats, cold, payments = (
        options.transactions,
        options.repeats,
        options.cold,
        HOT_PAYMENTS,
    )
    if options.tiny:
        size, repeats, cold, payments = SMALLEST, 20, 2, 300
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ledger = options.ledger
        if ledger is None:
            ledger = make_ledger(folder, size, payments, options.batch_bytes)
        elif options.make_hot:
            with LedgerWriter(ledger, REGTEST) as writer:
                heat(writer, payments)
        text = json.dumps(measure(ledger, folder, repeats, cold), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
