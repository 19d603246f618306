"""Measure what follows the joining of addresses, on seeded random chains; prints JSON.

That is settling the forest, listing the members of each entity and summing up what they moved;
`bench_clustering.py` measures the joining itself.

The chain is made of columns only, with the shape of Bitcoin's: most inputs spend young outputs,
some spend old ones, and most transactions have one input and two outputs. Compilation happens
before the clock starts. `--tiny` runs in the tests, so that this file does not rot.
"""

import argparse
import json
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from heuristics.columns import Int64Array, LinkColumns, TransactionColumns, UInt32Array
from heuristics.cospend import SpendColumns, join_cospends
from heuristics.entity_totals import TOTAL_WIDTH, sum_entities
from heuristics.members import count_sets, list_members
from heuristics.union_find import finalise, new_forest

SIZES = {"tiny": (2_000,), "default": (300_000, 10_000_000)}


def offsets(random: np.random.Generator, count: int, choices: list[int]) -> Int64Array:
    """Return offsets of rows whose numbers are drawn from `choices`."""
    first = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(random.choice(choices, size=count), out=first[1:])
    return first


def addresses_of(
    random: np.random.Generator, rows: int, address_count: int, old_share: float
) -> UInt32Array:
    """Return an address for each row, most of them young: drawn near the row's own age."""
    age = random.geometric(1 / 3_000, size=rows)
    newest = np.linspace(0, address_count - 1, rows).astype(np.int64)
    young = np.maximum(newest - age, 0)
    old = (random.random(rows) * (newest + 1)).astype(np.int64)
    return np.where(random.random(rows) < old_share, old, young).astype(np.uint32)


def chain(transactions: int, old_share: float, seed: int) -> TransactionColumns:
    """Return the columns of a random chain."""
    random = np.random.default_rng(seed)
    first_input = offsets(random, transactions, [1, 1, 1, 1, 2, 2, 3, 6])
    first_output = offsets(random, transactions, [1, 2, 2, 2, 2, 2, 3, 8])
    inputs, outputs = int(first_input[-1]), int(first_output[-1])
    address_count = outputs // 2
    return TransactionColumns(
        first_input=first_input,
        first_output=first_output,
        input_address=addresses_of(random, inputs, address_count, old_share),
        input_value_sat=random.integers(1_000, 10**9, inputs),
        output_address=addresses_of(random, outputs, address_count, 0.05),
        output_value_sat=random.integers(1, 40, outputs) * 10**6,
    )


def measure(columns: TransactionColumns, repeats: int) -> dict[str, float]:
    """Return seconds of each step, the median of some repeats."""
    inputs = len(columns.input_address)
    address_count = 1 + int(max(columns.input_address.max(), columns.output_address.max()))
    spends = SpendColumns(
        first_input=columns.first_input,
        input_address=columns.input_address,
        input_sighash=np.ones(inputs, dtype=np.uint8),
        script_type=np.full(address_count, 2, dtype=np.uint8),
        sighash_effect=np.zeros(256, dtype=np.uint8),
        needs_signature=np.ones(256, dtype=np.uint8),
    )
    none = np.empty(0, dtype=np.uint32)
    links = LinkColumns(none, none, none, np.empty(0, dtype=np.uint8))
    marks = np.zeros(len(columns.first_input) - 1, dtype=np.uint8)
    seconds: dict[str, list[float]] = {}

    def timed(step: str, work: Callable[[], object]) -> None:
        start = time.perf_counter()
        work()
        seconds.setdefault(step, []).append(time.perf_counter() - start)

    for _ in range(repeats):
        parent = new_forest(address_count)
        join_cospends(parent, spends, links, marks, 0)
        timed("finalise", lambda p=parent: finalise(p))
        timed("members_and_totals", lambda p=parent: describe(columns, p))
    return {step: statistics.median(each) for step, each in seconds.items()}


def describe(columns: TransactionColumns, labels: UInt32Array) -> None:
    """List members and sum up totals of all entities."""
    counts, sets, member_count = count_sets(labels)
    roots, first = np.empty(sets, np.uint32), np.empty(sets + 1, np.int64)
    list_members(labels, counts, roots, first, np.empty(member_count, np.uint32))
    totals = np.zeros((sets, TOTAL_WIDTH), dtype=np.int64)
    sum_entities(columns, labels, counts, totals)


def report(transactions: int, old_share: float, repeats: int) -> dict[str, object]:
    """Measure one chain."""
    columns = chain(transactions, old_share, seed=1)
    inputs, outputs = len(columns.input_address), len(columns.output_address)
    seconds = measure(columns, repeats)
    return {
        "transactions": transactions,
        "inputs": inputs,
        "outputs": outputs,
        "share_of_inputs_that_spend_at_random": old_share,
        "seconds": {step: round(value, 4) for step, value in seconds.items()},
        "million_a_second": {
            "totals_inputs_and_outputs": round(
                (inputs + outputs) / seconds["members_and_totals"] / 1e6, 1
            ),
        },
    }


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="a second's work, for the tests")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    measure(chain(1_000, 0.1, seed=0), 1)
    runs = [
        report(transactions, old_share, options.repeats)
        for transactions in SIZES["tiny" if options.tiny else "default"]
        for old_share in (0.1, 1.0)
    ]
    result = {
        "benchmark": "entities",
        "machine": f"{platform.machine()} {platform.system()}",
        "python": platform.python_version(),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "repeats": options.repeats,
        "runs": runs,
    }
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
