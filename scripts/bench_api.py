"""Measure the service under load, over loopback and with the audit log on; prints JSON.

`serve` runs with accounts and several processes that answer. A client in this process, which has a
key, asks for summaries, entities, tags and risk scores of addresses drawn evenly: first in an open
loop at a fixed rate, with summaries only and with a mix of all, then in closed loops over 1, 16 and
64 connections. Latencies are in milliseconds; in the open loop they count from the moment when a
request was due (`http_load`).
Afterwards the audit log is checked, and has to hold one row for each request. Cold starts are the
time from the start of `serve` to its first answer, and of commands to their end.

A ledger that is named with `--ledger` is only read, from links in a temporary folder, where its
clustering is made, too. `--tiny` runs in the tests.
"""

import argparse
import asyncio
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from bench_queries import opened
from http_load import Outcome, Pick, chooser, closed_loop, open_loop
from ingest_run import make_chain

from arien_flows.access.roles import Role
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.access_records import NewKey, NewPerson
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.settings import Settings
from arien_flows.simulation.parameters import SMALLEST
from arien_flows.workspace import OpenNetwork, Workspace
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import REGTEST

MIX = {"summary": 7, "entity": 1, "tags": 1, "risk": 1}
PATHS = {"summary": "", "entity": "/entity", "tags": "/tags", "risk": "/risk"}
READY_SECONDS = 300
STOP_SECONDS = 30

Load = Callable[[int], Coroutine[Any, Any, Outcome]]


# --- the service


@dataclass(frozen=True, slots=True)
class Service:
    """A running `serve`."""

    port: int
    process: "subprocess.Popen[bytes]"
    seconds_to_answer: float

    def memory(self) -> list[dict[str, int]]:
        """Return of each process that answers its memory, and how much of it is no mapped file."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [_memory(int(pid)) for pid in children.read_text().split()]


@contextmanager
def serving(data: Path, processes: int, first: bytes) -> Iterator[Service]:
    """Start the service on a folder, and stop it afterwards; `first` is the first question."""
    port, began = _free_port(), time.perf_counter()
    command = [
        *(sys.executable, "-c", "from arien_flows.cli.main import main; main()"),
        *("serve", "--port", str(port), "--processes", str(processes), "--workers", "0"),
    ]
    environment = os.environ | {
        "ARIEN_DATA": str(data),
        "ARIEN_LOG": "json",
        "ARIEN_ACCOUNTS": "1",
        "ARIEN_CASE_REQUIRED": "0",
        "ARIEN_RATE_PER_MINUTE": "10000000",
    }
    with (
        (data.parent / "log").open("wb") as log,
        subprocess.Popen(command, env=environment, stderr=log) as started,
    ):
        try:
            _wait_for_answer(port, first, started)
            yield Service(port, started, time.perf_counter() - began)
        finally:
            started.send_signal(signal.SIGTERM)
            started.wait(STOP_SECONDS)


def make_key(data: Path) -> str:
    """Return the key of an investigator who is made for it."""
    book = Workspace(Settings(data=data)).casebook
    made, _ = book.keys.make_with_owner(
        NewKey(owner="a program"),
        NewPerson(name="a program", role=Role.SERVICE, clearance=Tlp.RED),
        now=datetime.now(UTC),
        by="the benchmark",
    )
    book.close()
    return made.text


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_answer(port: int, request: bytes, started: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if started.poll() is not None:
            raise SystemExit("the service has ended")
        try:
            with socket.create_connection(("127.0.0.1", port), READY_SECONDS) as connection:
                connection.sendall(request)
                answer = connection.recv(64)
        except ConnectionError:
            time.sleep(0.01)
            continue
        if not answer.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"the service answers {answer[:12].decode()}")
        return
    raise SystemExit("the service does not answer")


def _memory(pid: int) -> dict[str, int]:
    lines = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return {
        name: int(lines[field].split()[0]) * 1024
        for name, field in (("resident_bytes", "VmRSS"), ("own_bytes", "RssAnon"))
    }


# --- questions


def requests_of(on: OpenNetwork, count: int, key: str) -> dict[str, list[bytes]]:
    """Return requests by kind, about addresses drawn evenly."""
    view = on.read().view
    numbers = np.random.default_rng(1).integers(0, view.counts.addresses, count).tolist()
    addresses = [str(view.address_text(number)) for number in numbers]
    prefix = f"/v1/{view.network.name}/addresses"
    return {
        kind: [_request(f"{prefix}/{address}{ending}", key) for address in addresses]
        for kind, ending in PATHS.items()
    }


def _request(path: str, key: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Reason: measuring\r\n"
        f"Authorization: Bearer {key}\r\nAccept: application/json\r\n\r\n"
    ).encode()


def path_of(request: bytes) -> str:
    return request.split(b" ")[1].decode()


# --- figures


def figures(outcome: Outcome) -> dict[str, Any]:
    """Return rates and percentiles."""
    count = sum(outcome.statuses.values())
    return {
        "requests": count,
        "requests_per_second": round(count / outcome.seconds, 1),
        "statuses": dict(outcome.statuses),
        "broken_connections": outcome.broken,
        "milliseconds": {
            kind: {
                "p50": _percentile(times, 50),
                "p99": _percentile(times, 99),
                "p99.9": _percentile(times, 99.9),
                "most": round(max(times) * 1000, 2),
            }
            for kind, times in sorted(outcome.latencies.items())
        },
    }


def _percentile(times: Sequence[float], share: float) -> float:
    return round(float(np.percentile(times, share)) * 1000, 2)


def loads(
    requests: dict[str, list[bytes]], options: argparse.Namespace
) -> Iterator[tuple[str, Load]]:
    """Yield each way of loading the service, by name."""
    summaries = chooser(requests, {"summary": 1}, 1)
    mixed = chooser(requests, MIX, 2)

    def opened_at(pick: Pick) -> Load:
        return lambda port: open_loop(port, pick, options.rate, options.seconds, options.pool)

    def closed_over(connections: int) -> Load:
        return lambda port: closed_loop(port, summaries, connections, options.seconds)

    yield "warm_up", lambda port: closed_loop(port, mixed, 8, min(options.seconds, 5))
    yield f"open_{options.rate:g}_summaries", opened_at(summaries)
    if not options.summaries_only:
        yield f"open_{options.rate:g}_mix", opened_at(mixed)
    for connections in options.connections:
        yield f"closed_{connections}_summaries", closed_over(connections)


def cold_starts(data: Path, address: str) -> dict[str, float]:
    """Return the seconds that commands take from their start to their end."""
    code = "from arien_flows.cli.main import main; main()"
    program = [sys.executable, "-c", code]
    environment = os.environ | {"ARIEN_DATA": str(data)}
    taken = {}
    for name, arguments in (("--help", ["--help"]), ("address", ["address", address])):
        began = time.perf_counter()
        subprocess.run(
            [*program, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment
        )
        taken[name] = round(time.perf_counter() - began, 3)
    return taken


def measure(ledger: Path, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Start the service, load it in every way, and check what it recorded."""
    on, clustering_seconds = opened(ledger, folder)
    data = folder / "data"
    requests = requests_of(on, options.addresses, make_key(data))
    counts = on.read().view.counts
    first = requests["summary"][0]
    del on
    measured: dict[str, Any] = {}
    asked = 1
    with serving(data, options.processes, first) as service:
        before = service.memory()
        for name, load in loads(requests, options):
            outcome = asyncio.run(load(service.port))
            asked += sum(outcome.statuses.values())
            measured[name] = figures(outcome)
        after = service.memory()
    audit = Workspace(Settings(data=data)).audit
    began = time.perf_counter()
    found = audit.verify()
    audit.close()
    return {
        "benchmark": "api",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.platform()}",
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
        "processes": options.processes,
        "ledger": {"transactions": counts.transactions, "addresses": counts.addresses},
        "clustering_seconds": round(clustering_seconds, 3),
        "seconds_to_first_answer": round(service.seconds_to_answer, 3),
        "command_seconds": cold_starts(data, path_of(first).rsplit("/", 1)[1]),
        "loads": measured,
        "memory": {"before": before, "after": after},
        "audit": {
            "ok": found.ok,
            "rows": found.rows,
            "requests": asked,
            "verify_seconds": round(time.perf_counter() - began, 3),
        },
    }


def make_ledger(folder: Path, transactions: int) -> Path:
    """Return a new ledger of a simulated chain."""
    make_chain(transactions, folder / "chain")
    with LedgerWriter(folder / "made", REGTEST) as writer:
        ingest(writer, BlockFiles(folder / "chain/blocks", REGTEST))
    return folder / "made"


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledger", type=Path, help="a ledger that exists")
    parser.add_argument("--transactions", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rate", type=float, default=500, help="requests a second, open loop")
    parser.add_argument("--seconds", type=float, default=30, help="of each load")
    parser.add_argument("--pool", type=int, default=64, help="connections of the open loop")
    parser.add_argument("--connections", type=int, nargs="*", default=[1, 16, 64])
    parser.add_argument("--addresses", type=int, default=20_000, help="that are asked about")
    parser.add_argument("--summaries-only", action="store_true")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--tiny", action="store_true", help="2,000 transactions: does it run?")
    options = parser.parse_args()
    if options.tiny:
        options.transactions, options.processes, options.seconds = SMALLEST, 1, 0.5
        options.rate, options.connections, options.addresses = 20, [2], 50
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ledger = options.ledger or make_ledger(folder, options.transactions)
        text = json.dumps(measure(ledger, folder, options), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
