"""Measure traces of balances: a million transfers of five assets, conversions among them.

What is timed is the accounting (`trace_accounts`, with all its checks) as processor time of one
thread, and the plain version with Python's own numbers, whose answer has to be the same, unit for
unit. A whole trace, from the question to the answer with its graph, is timed on a smaller chain.
Compilation happens before. Prints JSON.
"""

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from arien_flows.account_tracing.request import AccountTraceRequest
from arien_flows.account_tracing.trace import trace_accounts_in
from heuristics.account_events import Movement
from heuristics.account_taint import AccountQuestion, trace_accounts
from heuristics.stops import Direction
from heuristics.taint import Policy
from heuristics.wide import to_ints
from tests.account_chains import AccountChain, text_of
from tests.heuristics.account_cases import columns_of, conversions_of
from tests.reference import account as reference
from tests.reference.account import Case, Move

ASSETS = 5
POLICIES = (Policy.FIFO, Policy.LIFO, Policy.HAIRCUT)


def made_up(count: int, accounts: int, seed: int = 1) -> list[Move]:
    """Return transfers among accounts of which few do most; one in fifty is a conversion."""
    random = Random(seed)  # noqa: S311  # made-up payments, not secrets
    held: dict[tuple[int, int], int] = {}
    moves: list[Move] = []

    def somebody() -> int:
        return min(int(random.paretovariate(0.6)) - 1, accounts - 1)

    while len(moves) < count:
        asset, payer, payee = random.randrange(ASSETS), somebody(), somebody()
        has = held.get((payer, asset), 0)
        if has == 0 or random.random() < 0.05:
            amount = random.randrange(1, 10**21)
            moves.append(
                Move(transaction=len(moves), kind=Movement.CREDIT, receiver=payee, asset=asset,
                     amount=amount)
            )  # fmt: skip
            held[payee, asset] = held.get((payee, asset), 0) + amount
            continue
        amount = 1 + has * random.randrange(2, 700) // 1_000
        held[payer, asset] = has - amount
        if random.random() < 0.02:
            got, part = (asset + 1) % ASSETS, 1 + amount * random.randrange(1, 3_000) // 1_000
            moves.append(
                Move(transaction=len(moves), kind=Movement.CONVERSION, giver=payer, receiver=payer,
                     asset=asset, amount=amount, got=(got, part))
            )  # fmt: skip
            held[payer, got] = held.get((payer, got), 0) + part
            continue
        moves.append(
            Move(transaction=len(moves), giver=payer, receiver=payee, asset=asset, amount=amount)
        )
        held[payee, asset] = held.get((payee, asset), 0) + amount
    return moves


def question(moves: list[Move], policy: Policy) -> AccountQuestion:
    """Return a question of which one new payment in five is a source."""
    rows = [row for row, move in enumerate(moves) if move.kind == Movement.CREDIT][::5]
    return AccountQuestion(
        direction=Direction.FORWARD,
        policy=policy,
        declared=np.array(rows, np.int64),
        colours=np.ones(len(rows), np.int64),
    )


def measure_accounting(count: int, accounts: int) -> dict[str, Any]:
    """Return seconds of both versions under each policy, and whether they agree."""
    moves, small = made_up(count, accounts), made_up(500, 50)
    columns, conversions = columns_of(moves), conversions_of(moves)
    figures: dict[str, Any] = {}
    for policy in POLICIES:
        trace_accounts(columns_of(small), question(small, policy), conversions_of(small))
        asked = question(moves, policy)
        started = time.thread_time()
        flow = trace_accounts(columns, asked, conversions)
        seconds = time.thread_time() - started
        case = Case(moves=moves, declared=dict.fromkeys(asked.declared.tolist(), 1))
        started = time.thread_time()
        plain = reference.forward(case, policy)
        plain_seconds = time.thread_time() - started
        same = to_ints(flow.carried) == [plain.carried[row] for row in range(len(moves))]
        figures[policy.name.lower()] = {
            "seconds": round(seconds, 3),
            "transfers_per_second": round(count / seconds),
            "plain_seconds": round(plain_seconds, 3),
            "exact": same,
            "conversions": len(conversions.row),
        }
        if not same:
            raise SystemExit(f"{policy.name}: the two versions differ")
    return figures


def measure_whole(count: int) -> dict[str, Any]:
    """Return seconds of a whole trace, from the question to the answer with its graph."""
    random = Random(2)  # noqa: S311  # made-up payments, not secrets
    chain = AccountChain()
    chain.genesis(a0=10**30)
    people = max(count // 10, 2)
    for number in range(count):
        if number % 50 == 0:
            chain.block()
        payer = f"a{min(int(random.paretovariate(0.7)) - 1, people)}"
        chain.pay(payer, f"a{random.randrange(people)}", random.randrange(1, 10**18))
    view = chain.view()
    request = AccountTraceRequest(
        sources=(text_of("a0"),), budget=5_000_000, max_hops=10_000, min_value=1, fan_out=2**31
    )
    trace_accounts_in(view, request)
    started = time.thread_time()
    result = trace_accounts_in(view, request)
    return {
        "movements": view.counts.movements,
        "seconds": round(time.thread_time() - started, 3),
        "movements_looked_at": result.answer.manifest.transactions_explored,
        "ends": len(result.answer.leaves),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transfers", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=200_000)
    parser.add_argument("--tiny", action="store_true", help="a second's work, for the tests")
    options = parser.parse_args()
    count = 2_000 if options.tiny else options.transfers
    figures = {
        "benchmark": "ethereum_trace",
        "machine": platform.machine(),
        "transfers": count,
        "accounting": measure_accounting(count, options.accounts),
        "whole_trace": measure_whole(min(count, 20_000) if not options.tiny else 300),
    }
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
