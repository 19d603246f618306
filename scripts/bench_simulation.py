"""Measure how quickly simulated chains are made; prints JSON.

Each size runs in a process of its own, after a smallest chain has compiled everything. The time
is that of the whole call: planning, writing block files, and writing the truth. `--tiny` runs in
the tests, so that this file does not rot.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from arien_flows.simulation.parameters import SMALLEST, Parameters
from arien_flows.simulation.simulate import simulate

SIZES = {"tiny": (SMALLEST,), "default": (200_000, 2_000_000)}


def measure(transactions: int, seed: int, folder: Path) -> dict[str, object]:
    """Return time and memory of one chain, in this process."""
    simulate(Parameters(transactions=SMALLEST, seed=seed), folder / "warm")
    start, start_cpu = time.perf_counter(), time.process_time()
    summary = simulate(Parameters(transactions=transactions, seed=seed), folder / "chain")
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "transactions": summary.transactions,
        "inputs": summary.inputs,
        "outputs": summary.outputs,
        "block_bytes": summary.block_bytes,
        "truth_bytes": sum(f.stat().st_size for f in (folder / "chain/truth").iterdir()),
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu, 3),
        "transactions_a_second": round(summary.transactions / seconds),
        "transactions_a_cpu_second": round(summary.transactions / cpu),
        "peak_bytes": peak * (1 if sys.platform == "darwin" else 1024),
    }


def measured_apart(transactions: int, seed: int) -> dict[str, object]:
    """Return the measurement of a fresh process, whose peak of memory is its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", str(transactions), "--seed", str(seed)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="only the smallest chain")
    parser.add_argument("--transactions", type=int, nargs="+", help="other sizes")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    if chosen.one:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(chosen.one, chosen.seed, Path(folder))))
        return
    sizes = chosen.transactions or SIZES["tiny" if chosen.tiny else "default"]
    runs = [measured_apart(size, chosen.seed) for size in sizes]
    print(
        json.dumps(
            {
                "benchmark": "simulation",
                "seed": chosen.seed,
                "python": platform.python_version(),
                "machine": platform.machine(),
                "runs": runs,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
