"""Measure the CoinJoin rules, the fingerprints and the votes on change over a ledger; prints JSON.

All of it runs on one thread, and the figures are transactions for each second of that thread's
processor time, so that other work on the machine disturbs them little; the clock is given beside.
Each step passes over the whole ledger in portions, as a run does. Compilation happens before.

Without `--ledger` a chain is simulated first. `--tiny` runs in the tests.
"""

import argparse
import json
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from arien_flows.entities.change_votes import DECISION_LAG, VoteSources, decided_blocks, votes_of
from arien_flows.entities.coinjoins import coinjoin_columns, eras_of
from arien_flows.entities.position import transaction_chunks
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.simulation.parameters import SMALLEST, Parameters
from arien_flows.simulation.simulate import simulate
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import REGTEST
from heuristics.change import VOTES_NEEDED, vote_difference
from heuristics.change_rules import ChangeRule
from heuristics.coinjoin import STANDARD_EXCLUSION, excluded, mark_coinjoins
from heuristics.fingerprint import fingerprints

WARM_UP_LAG = 20
"""In blocks; a smallest chain is short."""


class Clock:
    """Adds up the time that one thread works, step by step."""

    def __init__(self) -> None:
        self.cpu: dict[str, float] = {}
        self.wall: dict[str, float] = {}

    def timed(self, step: str, work: Callable[[], Any]) -> Any:
        """Do a piece of work that belongs to a step; return its result."""
        cpu, wall = time.thread_time(), time.perf_counter()
        result = work()
        self.cpu[step] = self.cpu.get(step, 0) + time.thread_time() - cpu
        self.wall[step] = self.wall.get(step, 0) + time.perf_counter() - wall
        return result

    def portions(self, step: str, portions: Iterator[Any]) -> Iterator[Any]:
        """Yield what an iterator yields, timing it and not what is done in between."""
        while (portion := self.timed(step, lambda: next(portions, None))) is not None:
            yield portion


def measure(view: View, lag: int) -> dict[str, Any]:
    """Run every step over a view."""
    clock, count = Clock(), view.counts.transactions
    marks = []
    columns, eras = coinjoin_columns(view), eras_of(view)
    for start, stop in transaction_chunks(0, count):
        part = clock.timed(
            "coinjoin_marks", lambda s=start, e=stop: mark_coinjoins(columns, s, e, eras)
        )
        marks.append(excluded(part[0], STANDARD_EXCLUSION))
    marked = np.concatenate(marks)
    sources = clock.timed("multisig_scripts", lambda: VoteSources.of(view))
    for start, stop in transaction_chunks(0, count):
        clock.timed(
            "fingerprints", lambda s=start, e=stop: fingerprints(sources.fingerprints, s, e)
        )
    last = decided_blocks(view, lag)
    votes = votes_of(sources, lambda start, stop: marked[start:stop], lag=lag, last_block=last)
    cast, decided, judged = np.zeros(len(ChangeRule), dtype=np.int64), 0, 0
    for portion in clock.portions("votes_with_fingerprints", votes):
        outcome = clock.timed(
            "vote_difference", lambda p=portion: vote_difference(p.votes, p.first_row)
        )
        cast += np.count_nonzero(portion.votes > 0, axis=0)
        decided += int(np.count_nonzero(outcome.difference >= VOTES_NEEDED))
        judged += portion.stop - portion.start
    return figures(view, clock, judged) | {
        "decision_lag": lag,
        "judged_transactions": judged,
        "marked_transactions": int(np.count_nonzero(marked)),
        "decided_by_threshold_vote": decided,
        "votes_cast": {rule.name.lower(): int(cast[rule]) for rule in ChangeRule},
    }


def figures(view: View, clock: Clock, judged: int) -> dict[str, Any]:
    """Return the speed of each step and of all together."""
    seen = dict.fromkeys(clock.cpu, view.counts.transactions)
    seen |= {"votes_with_fingerprints": judged, "vote_difference": judged}
    each = {step: clock.cpu[step] / max(seen[step], 1) for step in clock.cpu}
    rules = ("coinjoin_marks", "votes_with_fingerprints", "vote_difference")
    together = sum(each[step] for step in rules)
    return {
        "transactions": view.counts.transactions,
        "blocks": view.counts.blocks,
        "inputs": view.counts.inputs,
        "outputs": view.counts.outputs,
        "steps": {
            step: {
                "cpu_seconds": round(clock.cpu[step], 3),
                "seconds": round(clock.wall[step], 3),
                "transactions_per_cpu_second": round(seen[step] / clock.cpu[step]),
            }
            for step in clock.cpu
        },
        "all_rules_transactions_per_cpu_second": round(1 / together),
    }


def simulated(transactions: int, folder: Path) -> Path:
    """Simulate a chain and take it into a ledger; return the ledger's folder."""
    folder.mkdir()
    simulate(Parameters(transactions=transactions), folder / "chain")
    with LedgerWriter(folder / "ledger", REGTEST) as writer:
        ingest(writer, BlockFiles(folder / "chain/blocks", REGTEST))
    return folder / "ledger"


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledger", type=Path, help="an existing ledger; nothing is written to it")
    parser.add_argument("--transactions", type=int, default=200_000, help="to simulate")
    parser.add_argument("--lag", type=int, default=DECISION_LAG)
    parser.add_argument("--tiny", action="store_true", help="a few seconds' work, for the tests")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        small = Ledger(simulated(SMALLEST, Path(name) / "small")).view()
        measure(small, WARM_UP_LAG)
        if options.tiny:
            run = measure(small, WARM_UP_LAG)
        elif options.ledger is not None:
            run = measure(Ledger(options.ledger).view(), options.lag)
        else:
            made = simulated(options.transactions, Path(name) / "made")
            run = measure(Ledger(made).view(), options.lag)
    result = {
        "benchmark": "votes",
        "machine": f"{platform.machine()} {platform.system()}",
        "python": platform.python_version(),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "threads": 1,
        **run,
    }
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
