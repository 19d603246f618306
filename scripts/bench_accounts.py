"""Measure taint on balances: seconds for a million movements under each convention; prints JSON.

The movements are made up: few accounts receive and pay most of the time, as on a real chain, and
each payment is a part of the balance that the account then has. Amounts are of 60 to 90 bits, and
once more 150 bits larger. Everything that `trace_accounts` does is timed, the checks included, as
processor time of one thread. Compilation happens before.
"""

import argparse
import json
import platform
import sys
import time
from random import Random
from typing import Any

import numpy as np

from heuristics.account_events import Movement, MovementColumns
from heuristics.account_taint import ACCOUNT_POLICIES, AccountQuestion, trace_accounts
from heuristics.columns import NO_ADDRESS
from heuristics.stops import Direction
from heuristics.wide import from_ints

SOURCES = 0.01
"""Share of the movements that are declared as sources."""


def movements(count: int, accounts: int, shift: int, seed: int = 1) -> MovementColumns:
    """Return made-up movements of one asset, each amount shifted up by so many bits."""
    random = Random(seed)  # noqa: S311  # made-up payments, not secrets
    balance = [0] * accounts
    kind, giver, receiver, amount = [], [], [], []
    for _ in range(count):
        payer, payee = (min(int(random.paretovariate(0.6)) - 1, accounts - 1) for _ in range(2))
        if balance[payer] == 0 or random.random() < 0.05:
            kind.append(Movement.CREDIT)
            giver.append(int(NO_ADDRESS))
            amount.append(random.randrange(1, 10**21) << shift)
        else:
            kind.append(Movement.TRANSFER)
            giver.append(payer)
            amount.append(1 + balance[payer] * random.randrange(2, 700) // 1_000)
            balance[payer] -= amount[-1]
        receiver.append(payee)
        balance[payee] += amount[-1]
    return MovementColumns(
        transaction=np.arange(count),
        kind=np.array(kind, np.uint8),
        giver=np.array(giver, np.uint32),
        receiver=np.array(receiver, np.uint32),
        asset=np.zeros(count, np.uint32),
        amount=from_ints(amount),
    )


def question(columns: MovementColumns, policy: Any, direction: Direction) -> AccountQuestion:
    """Return a question whose sources are spread evenly over the movements."""
    wanted = Movement.CREDIT if direction == Direction.FORWARD else Movement.TRANSFER
    rows = np.flatnonzero(columns.kind == wanted)
    rows = rows[:: max(1, int(len(rows) / (SOURCES * len(columns.kind))))]
    return AccountQuestion(
        direction=direction, policy=policy, declared=rows, colours=np.ones(len(rows), np.int64)
    )


def measure(count: int, accounts: int, shift: int) -> dict[str, dict[str, object]]:
    """Return the figures of each convention, both ways."""
    columns = movements(count, accounts, shift)
    small = movements(200, 20, shift)
    figures: dict[str, dict[str, object]] = {}
    for policy in ACCOUNT_POLICIES:
        for direction in Direction:
            trace_accounts(small, question(small, policy, direction))
            asked = question(columns, policy, direction)
            started = time.thread_time()
            flow = trace_accounts(columns, asked)
            figures[f"{policy.name.lower()} {direction.name.lower()}"] = {
                "seconds": round(time.thread_time() - started, 3),
                "tainted_movements": int(np.count_nonzero(flow.carried.any(axis=1))),
                "segments": len(flow.segments.colours) if flow.segments else None,
            }
    return figures


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--movements", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=200_000)
    parser.add_argument("--tiny", action="store_true", help="a second's work, for the tests")
    options = parser.parse_args()
    count = 2_000 if options.tiny else options.movements
    figures = {
        "benchmark": "accounts",
        "machine": platform.machine(),
        "movements": count,
        "amounts_of_60_to_90_bits": measure(count, options.accounts, 0),
        "amounts_of_210_to_240_bits": measure(count, options.accounts, 150),
    }
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
