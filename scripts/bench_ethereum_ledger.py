"""Measure the account ledger on disk: taking transfers in, its size, and looking accounts up.

The transfers are made up: few accounts and tokens are in most of them. Each stands in a transaction
of its own and is followed by the gas, burnt part and tip. Prints JSON.
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

from arien_flows.account_ledger.ledger import AccountLedger
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_ledger.writer import AccountLedgerWriter
from chains.ethereum.networks import ETHEREUM_DEV
from chains.ethereum.tables import (
    NO_ACCOUNT,
    AccountBatch,
    CallCoverage,
    MovementKind,
    Ordering,
    TransactionKind,
)
from chains.types import Int64Array, UInt8Array

BLOCK_TRANSACTIONS = 150
BATCH_BLOCKS = 100
TOKENS = 1000
LOOKUPS = 2000
TERABYTE = 10**12


def main() -> None:
    """Run the measurement that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transfers", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where the ledger is made")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        # Compiles what has to be compiled.
        measure_ledger(Path(folder) / "small", 1000, 1000)
        found = measure_ledger(Path(folder) / "ledger", asked.transfers, asked.accounts)
    found |= {"python": platform.python_version(), "machine": platform.machine()}
    json.dump(found, sys.stdout, indent=1)
    sys.stdout.write("\n")


def measure_ledger(root: Path, transfers: int, accounts: int) -> dict[str, Any]:
    """Return what taking transfers in and looking accounts up costs."""
    seconds: list[float] = []
    taking, at_first = 0.0, time.process_time()
    making = 0.0
    with AccountLedgerWriter(root, ETHEREUM_DEV) as writer:
        mark = time.process_time()
        for batch in transfers_of(transfers, accounts):
            making += time.process_time() - mark
            begun, used = time.perf_counter(), time.thread_time()
            writer.stage(batch)
            seconds.append(time.thread_time() - used)
            if writer.commit_is_due:
                writer.commit()
            taking += time.perf_counter() - begun
            mark = time.process_time()
        begun = time.perf_counter()
        writer.finish_merges()
        taking += time.perf_counter() - begun
    processor = time.process_time() - at_first - making
    ledger = AccountLedger(root)
    size = sum(file.stat().st_size for file in root.rglob("*") if file.is_file())
    tenth = max(len(seconds) // 10, 1)
    return {
        "transfers": transfers,
        "movements": ledger.view().counts.movements,
        "transfers_per_second": round(transfers / taking),
        "transfers_per_second_of_processor": round(transfers / processor),
        "batch_processor_milliseconds_first_tenth": _milliseconds(seconds[:tenth]),
        "batch_processor_milliseconds_last_tenth": _milliseconds(seconds[-tenth:]),
        "largest_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "bytes_per_transfer": round(size / transfers, 1),
        "transfers_per_terabyte": TERABYTE * transfers // size,
        "lookups": lookups(ledger.view()),
    }


def _milliseconds(seconds: list[float]) -> float:
    return round(1000 * float(np.median(seconds)), 1)


def lookups(view: AccountView) -> dict[str, Any]:
    """Return how long lookups take, in microseconds, median and 99th percentile."""
    chosen = np.random.default_rng(1).integers(1, view.counts.accounts, LOOKUPS)
    index, receiver = view.index, view.movements.receiver[:100_000]
    busiest = int(np.bincount(receiver[receiver != NO_ACCOUNT]).argmax())
    asked: dict[str, Callable[[int], object]] = {
        "find_account": lambda account: index.find_account(view.addresses[account].tobytes()),
        "movements_of": lambda account: index.movements_of(account, None),
        "assets_of": index.assets_of,
        "totals": lambda account: index.totals(account, 0),
    }
    found: dict[str, Any] = {}
    for name, ask in asked.items():
        times = []
        for account in [*chosen[:100].tolist(), *chosen.tolist()]:
            begun = time.perf_counter()
            ask(account)
            times.append(1e6 * (time.perf_counter() - begun))
        middle, high = np.percentile(times[100:], [50, 99])
        found[name] = {"p50": round(float(middle), 1), "p99": round(float(high), 1)}
    begun = time.perf_counter()
    totals = index.totals(busiest, 0)
    found["busiest_account"] = {
        "movements": totals.movements,
        "milliseconds": round(1000 * (time.perf_counter() - begun), 1),
    }
    return found


def transfers_of(transfers: int, accounts: int) -> Iterator[AccountBatch]:
    """Yield batches of blocks with so many transfers of tokens between so many accounts."""
    random = np.random.default_rng(7)
    address = random.integers(0, 256, (accounts + TOKENS + 1, 20), np.uint8)
    parent, height, left = random.integers(0, 256, (1, 32), np.uint8), 1, transfers
    while left:
        count = min(left, BLOCK_TRANSACTIONS * BATCH_BLOCKS)
        batch = _batch(random, address, accounts, count, height, parent)
        parent, height, left = batch.block_hash[-1:], height + batch.block_count, left - count
        yield batch


def _batch(
    random: np.random.Generator,
    address: UInt8Array,
    accounts: int,
    count: int,
    height: int,
    parent: UInt8Array,
) -> AccountBatch:
    sender, receiver = (_skewed(random, count, accounts) for _ in range(2))
    token = accounts + _skewed(random, count, TOKENS)
    miner = accounts + TOKENS
    used, places = np.unique(
        np.concatenate([sender, receiver, token, [miner]]), return_inverse=True
    )
    place = places.astype(np.uint32)
    giver, gets, asset = place[:count], place[count : 2 * count], place[2 * count : 3 * count]
    tip = place[-1]
    blocks = -(-count // BLOCK_TRANSACTIONS)
    hashes = random.integers(0, 256, (blocks, 32), np.uint8)
    first = np.minimum(np.arange(blocks + 1) * BLOCK_TRANSACTIONS, count)
    none = np.zeros(count + 1, np.int64)
    nobody, empty = np.full(count, NO_ACCOUNT), np.empty(0, np.uint32)
    amount = np.zeros((3 * count, 4), np.uint64)
    amount[:, 0] = random.integers(1, 2**63, 3 * count)
    amount[::3, 1] = random.integers(0, 100, count)
    return AccountBatch(
        address=address[used],
        height=np.arange(height, height + blocks),
        block_hash=hashes,
        parent_hash=np.concatenate([parent, hashes[:-1]]),
        time=1_700_000_000 + 12 * np.arange(height, height + blocks),
        fee_recipient=np.full(blocks, tip),
        first_transaction=first.astype(np.int64),
        tx_hash=random.integers(0, 256, (count, 32), np.uint8),
        tx_kind=np.full(count, TransactionKind.FEE_MARKET, np.uint8),
        succeeded=np.ones(count, np.bool_),
        sender=giver,
        receiver=asset,
        nonce=random.integers(0, 1000, count).astype(np.uint64),
        selector=np.full(count, 0xA9059CBB, np.uint32),
        value=np.zeros((count, 4), np.uint64),
        gas_used=np.full(count, 60_000, np.uint64),
        gas_price=np.full(count, 2 * 10**10, np.uint64),
        first_movement=3 * np.arange(count + 1),
        first_event=none,
        first_code=none,
        kind=np.tile(
            np.array([MovementKind.TOKEN, MovementKind.GAS_BURNT, MovementKind.GAS_TIP], np.uint8),
            count,
        ),
        giver=np.repeat(giver, 3),
        gets=np.column_stack([gets, nobody, np.full(count, tip)]).reshape(-1),
        asset=np.column_stack([asset, nobody, nobody]).reshape(-1),
        amount=amount,
        log_index=np.tile(np.array([0, -1, -1], np.int32), count),
        token_row=np.empty(0, np.int64),
        token_id=np.empty((0, 4), np.uint64),
        event_kind=np.empty(0, np.uint8),
        event_log_index=np.empty(0, np.int32),
        contract=empty,
        first=empty,
        second=empty,
        third=empty,
        word=np.empty((0, 32), np.uint8),
        event_amount=np.empty((0, 4), np.uint64),
        code_account=empty,
        code_creator=empty,
        code_kind=np.empty(0, np.uint8),
        code_hash=np.empty((0, 32), np.uint8),
        code_target=empty,
        calls=CallCoverage.TRACED,
        ordering=Ordering.EXECUTION,
    )


def _skewed(random: np.random.Generator, count: int, below: int) -> Int64Array:
    """Return numbers below a limit, the lower the more often."""
    found: Int64Array = (below ** random.random(count)).astype(np.int64) - 1
    np.minimum(found, below - 1, out=found)
    return found


if __name__ == "__main__":
    main()
