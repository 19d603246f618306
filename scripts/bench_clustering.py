"""Measure clustering by co-spending, beside two other programs; prints JSON.

Three seeded models of who spends with whom, each with 2.5 inputs a transaction, addresses
numbered at random:

- `powerlaw`: addresses are used by a power law with exponent 0.5, which joins most of them;
- `wallets`: a transaction spends from one of many wallets, whose sizes follow Zipf's law;
- `scattered` (`--largest`): small wallets over as many addresses as are asked for, by default as
  many as Bitcoin has, so that nearly every read misses every cache.

Every case runs in a process of its own, in rounds: each case once, then all of them again, and the
best of the rounds counts, so that other work on the machine hits all alike. All have to find the
same sets, and this program the same merge log with any number of threads; otherwise the benchmark
fails. Compilation happens before the clock starts. Cases:

- `with evidence`: `join_cospends` as a run calls it, a million transactions at a time, with the
  merge log written, CoinJoin marks, signature classes and links looked at, addresses checked;
- `without evidence`: the bare union of the inputs, to show what evidence costs;
- `graphsense-clustering`: fed with one Arrow array without copying; labels only;
- `scipy`: `connected_components`; building its matrix is given apart.

`more_memory_bytes` is the peak of the process less what it held before the forest was made. The
other programs can be in an environment of their own:
`python -m venv .venv-peer && .venv-peer/bin/pip install graphsense-clustering pyarrow scipy`, and
`--peer-python .venv-peer/bin/python`. What is not installed is reported as unavailable.

`--tiny` runs in the tests.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from clustering_cases import (
    Spending,
    Stopwatch,
    checksum,
    memory_bytes,
    print_result,
    read_spending,
    write_spending,
)

from heuristics.columns import Int64Array, LinkColumns, UInt32Array
from heuristics.cospend import SpendColumns, join_cospends
from heuristics.jit import kernel
from heuristics.union_find import finalise, find, new_forest

SIZES = {"tiny": (2_000,), "default": (5_000_000, 20_000_000)}
THREADS = (1, 2)
ADDRESSES_OF_BITCOIN = 1_600_000_000
LARGEST_TRANSACTIONS = 40_000_000
CHUNK = 1 << 20
SCATTER = 2_654_435_761
"""A prime, so that multiplying by it modulo the number of addresses hits each address once."""


# --- models


def first_inputs(random: np.random.Generator, transactions: int) -> Int64Array:
    """Return offsets of inputs; two in five transactions have one, and 2.5 is the mean."""
    first = np.zeros(transactions + 1, dtype=np.int64)
    np.cumsum(random.geometric(0.4, transactions), out=first[1:])
    return first


def powerlaw(transactions: int, addresses: int) -> Spending:
    """Return spending from addresses of which few are used often and many seldom."""
    random = np.random.default_rng(1)
    first = first_inputs(random, transactions)
    rank = (addresses * random.random(int(first[-1])) ** 2).astype(np.uint32)
    return Spending(first, random.permutation(addresses).astype(np.uint32)[rank], addresses)


def wallets(transactions: int, addresses: int) -> Spending:
    """Return spending from wallets that never mix."""
    random = np.random.default_rng(2)
    weight = np.arange(1, addresses // 4 + 1) ** -0.8
    size = random.multinomial(addresses, weight / weight.sum())
    start = np.concatenate([[0], np.cumsum(size)])
    first = first_inputs(random, transactions)
    owner = np.repeat(np.arange(len(size), dtype=np.uint32), size)
    spender = owner[random.integers(0, addresses, transactions)]
    wallet = np.repeat(spender, np.diff(first))
    place = start[wallet] + (random.random(len(wallet)) * size[wallet]).astype(np.int64)
    return Spending(first, random.permutation(addresses).astype(np.uint32)[place], addresses)


def scattered(transactions: int, addresses: int) -> Spending:
    """Return spending from wallets of eight addresses, without an array of all addresses."""
    random = np.random.default_rng(3)
    first = first_inputs(random, transactions)
    wallet = np.repeat(random.integers(0, addresses // 8, transactions), np.diff(first))
    place = wallet * 8 + random.integers(0, 8, len(wallet))
    return Spending(first, (place * SCATTER % addresses).astype(np.uint32), addresses)


MODELS = {"powerlaw": powerlaw, "wallets": wallets, "scattered": scattered}


# --- cases of this program


def spend_columns(spending: Spending) -> SpendColumns:
    """Return columns in which every input was signed for all others."""
    return SpendColumns(
        first_input=spending.first_input,
        input_address=spending.address,
        input_sighash=np.ones(len(spending.address), dtype=np.uint8),
        script_type=np.zeros(spending.address_count, dtype=np.uint8),
        sighash_effect=np.zeros(256, dtype=np.uint8),
        needs_signature=np.ones(256, dtype=np.uint8),
    )


def compile_kernels(threads: int) -> None:
    """Run everything that is measured once on a small chain."""
    spending = powerlaw(100, 50)
    join_all(new_forest(50), spend_columns(spending), threads, Stopwatch())
    join_bare(new_forest(50), spending.first_input, spending.address)
    finalise(new_forest(50))


def join_all(
    parent: UInt32Array, spends: SpendColumns, threads: int, watch: Stopwatch
) -> dict[str, int]:
    """Join the whole chain, a chunk at a time as a run does; return what identifies the log."""
    none = np.empty(0, dtype=np.uint32)
    links = LinkColumns(none, none, none, np.empty(0, dtype=np.uint8))
    transactions, rows, log_checksum = len(spends.first_input) - 1, 0, 0
    for start in range(0, transactions, CHUNK):
        marks = np.zeros(min(CHUNK, transactions - start), dtype=np.uint8)
        with watch:
            log = join_cospends(parent, spends, links, marks, start, threads=threads)
        rows += len(log)
        log_checksum = zlib.crc32(log, log_checksum)
    return {"log_rows": rows, "log_checksum": log_checksum}


@kernel
def join_bare(parent: UInt32Array, first_input: Int64Array, address: UInt32Array) -> None:
    """Join the inputs of each transaction, and write down nothing."""
    for transaction in range(len(first_input) - 1):
        begin, end = first_input[transaction], first_input[transaction + 1]
        if end - begin > 1:
            top = find(parent, address[begin])
            for i in range(begin + 1, end):
                root = find(parent, address[i])
                if root < top:
                    parent[top] = root
                    top = root
                elif top < root:
                    parent[root] = top


def run_case(folder: Path, evidence: bool, threads: int) -> None:
    """Measure this program in this process."""
    compile_kernels(threads)
    spending = read_spending(folder)
    spends = spend_columns(spending)
    before, watch = memory_bytes("VmRSS"), Stopwatch()
    parent = new_forest(spending.address_count)
    identity: dict[str, int] = {}
    if evidence:
        identity = join_all(parent, spends, threads, watch)
    else:
        with watch:
            join_bare(parent, spending.first_input, spending.address)
    peak = memory_bytes("VmHWM")
    labels = Stopwatch()
    with labels:
        finalise(parent)
    # A part at a time: all numbers at once would be as large as the forest.
    sums = [
        checksum(np.arange(at, min(at + CHUNK, len(parent)), dtype=np.uint32), parent[at:][:CHUNK])
        for at in range(0, len(parent), CHUNK)
    ]
    print_result(
        watch,
        before,
        peak,
        label_seconds=labels.seconds,
        checksum=sum(sums) % (1 << 64),
        **identity,
    )


# --- all cases of one chain


def commands(folder: Path, peer_python: str, scipy: bool) -> dict[str, tuple[list[str], int]]:
    """Return, by name, how each case is started, and with how many threads."""
    own = [sys.executable, __file__, "--case", str(folder)]
    peer = [peer_python, str(Path(__file__).with_name("clustering_peers.py"))]
    cases = {"without evidence, 1 thread": ([*own, "--no-evidence"], 1)}
    for threads in THREADS:
        s = "s" if threads > 1 else ""
        cases[f"with evidence, {threads} thread{s}"] = ([*own, "--threads", str(threads)], threads)
        cases[f"graphsense-clustering, {threads} thread{s}"] = (
            [*peer, "graphsense", str(folder)],
            threads,
        )
    if scipy:
        cases["scipy, 1 thread"] = ([*peer, "scipy", str(folder)], 1)
    return cases


def best_of(rounds: list[dict[str, Any]], transactions: int, addresses: int) -> dict[str, Any]:
    """Sum up the rounds of one case: the best time of each kind, the most memory."""
    if "unavailable" in rounds[0]:
        return rounds[0]
    fastest = min(each["seconds"] for each in rounds)
    memory = max(each["more_memory_bytes"] for each in rounds)
    return {
        **rounds[0],
        **{
            name: round(min(each[name] for each in rounds), 4)
            for name in rounds[0]
            if name.endswith("seconds")
        },
        "all_seconds": [round(each["seconds"], 4) for each in rounds],
        "million_transactions_a_second": round(transactions / fastest / 1e6, 2),
        "more_memory_bytes": memory,
        "more_memory_bytes_an_address": round(memory / addresses, 2),
    }


def check_agreement(cases: dict[str, dict[str, Any]]) -> None:
    """Fail unless all found the same sets, and this program wrote one log."""
    for name in ("checksum", "log_checksum"):
        found = {each[name] for each in cases.values() if name in each}
        if len(found) != 1:
            raise SystemExit(f"the cases disagree about the {name}: {cases}")


def times_faster(cases: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return how many times faster than graphsense-clustering, with evidence."""
    ratios = {}
    for ours, theirs in zip(
        (name for name in cases if name.startswith("with evidence")),
        (name for name in cases if name.startswith("graphsense")),
        strict=True,
    ):
        if "seconds" in cases[theirs]:
            for clock in ("seconds", "cpu_seconds"):
                ratio = cases[theirs][clock] / max(cases[ours][clock], 1e-9)
                ratios[f"{ours}, by {clock}"] = round(ratio, 2)
    return ratios


def report(model: str, transactions: int, addresses: int, options: Any) -> dict[str, Any]:
    """Measure one chain in all cases."""
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        write_spending(MODELS[model](transactions, addresses), folder)
        cases = commands(folder, options.peer_python, scipy=model != "scattered")
        results: dict[str, list[dict[str, Any]]] = {name: [] for name in cases}
        for _ in range(options.rounds):
            for name, (command, threads) in cases.items():
                environment = {**os.environ, "RAYON_NUM_THREADS": str(threads)}
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
                results[name].append(json.loads(done.stdout))
        inputs = len(np.load(folder / "address.npy", mmap_mode="r"))
    summed = {name: best_of(each, transactions, addresses) for name, each in results.items()}
    check_agreement(summed)
    return {
        "model": model,
        "transactions": transactions,
        "inputs": inputs,
        "addresses": addresses,
        "cases": summed,
        "times_faster_than_graphsense_clustering": times_faster(summed),
    }


def parsed_options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tiny", action="store_true", help="a few seconds' work, for the tests")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--transactions", type=int, nargs="+", help="other sizes than usual")
    parser.add_argument("--peer-python", default=sys.executable, metavar="PATH")
    parser.add_argument("--folder", type=Path, help="where the chains are kept meanwhile")
    parser.add_argument(
        "--largest",
        type=int,
        nargs="?",
        const=ADDRESSES_OF_BITCOIN,
        metavar="ADDRESSES",
        help="only the scattered model, over so many addresses (as many as Bitcoin has)",
    )
    parser.add_argument("--case", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--no-evidence", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Print the measurements."""
    options = parsed_options()
    if options.case:
        run_case(options.case, not options.no_evidence, options.threads)
        return
    if options.largest:
        transactions = options.transactions or [LARGEST_TRANSACTIONS]
        chains = [("scattered", each, options.largest) for each in transactions]
    else:
        sizes = options.transactions or SIZES["tiny" if options.tiny else "default"]
        chains = [
            (model, each, each * 4 // 5) for each in sizes for model in ("powerlaw", "wallets")
        ]
    result = {
        "benchmark": "clustering",
        "machine": f"{platform.machine()} {platform.system()}",
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "rounds": options.rounds,
        "runs": [report(*chain, options) for chain in chains],
    }
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
