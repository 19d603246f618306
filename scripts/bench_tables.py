"""Measure what an ingest holds in memory, and the column that it writes in place, at full size.

Prints JSON. The parts can be run alone (`--part unspent`), as each needs the whole machine:

`unspent`: the table of unspent outputs, grown from nothing to `--entries`; then outputs are found,
taken out and put in at that size. Where an entry stands does not depend on its age, so random ones
are as good as those that a chain would spend.

`locks`: the filter of locks, filled with `--keys` of them, and the table of recent addresses.

`spenders`: a column of `--rows` spenders in an allocated file, written by the commits of a chain
that has reached that size, and for comparison in place after each batch. Run it in a control group
whose memory is smaller than the column; the limit that holds is printed.

`start_up`: rebuilding the table from columns on disk of `--transactions` transactions, cold and
warm.

The ages of spent outputs are an assumption, in transactions between the funding and the spending
one: 15 % within 3,000, 25 % within 20,000 (an hour), half within 470,000 (a day), 75 % within
14 million (a month), 90 % within 170 million (a year), the rest up to the age of the chain; evenly
by logarithm between. A transaction has 2.55 inputs and 2.67 outputs, a batch 160,000 of them.
"""

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from arien_flows.ledger.disk import Disk
from arien_flows.ledger.files import map_array
from arien_flows.ledger.key_filter import KeyFilter
from arien_flows.ledger.lock_memory import MOST_ADDRESSES
from arien_flows.ledger.rebuilding import rebuild_unspent
from arien_flows.ledger.recent_rows import RecentRows
from arien_flows.ledger.spend_links import SpendLinks
from arien_flows.ledger.unspent import Found, Makers, Outpoints, UnspentOutputs, entries_of
from arien_flows.ledger.view import Counts

AGES = np.array([1, 3_000, 20_000, 470_000, 14_000_000, 170_000_000, 1_460_000_000])
SHARES = np.array([0, 0.15, 0.25, 0.5, 0.75, 0.9, 1])
INPUTS, OUTPUTS = 2.55, 2.67
BATCH = 160_000
SPENDS_SHARE = 32
"""A commit is due when so small a part of all outputs waits for its spenders."""

PARTS = ("unspent", "locks", "spenders", "start_up")

CHUNK = 1 << 21
UNSPENT = np.uint32(0xFFFF_FFFF)


def ids_of(numbers):
    """Return an id for each transaction number, words that look random (SplitMix64)."""
    words = numbers.astype(np.uint64)[:, None] * np.uint64(4) + np.arange(4, dtype=np.uint64)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def made(numbers):
    """Return transactions with one output each."""
    return Makers(ids=ids_of(numbers), first_output=np.arange(len(numbers) + 1))


def entries_for(table, first, count):
    """Return the entries of outputs `[first, first + count)`, one a transaction."""
    numbers = np.arange(first, first + count)
    return entries_of(
        made(numbers),
        range(count),
        numbered_from=first,
        spender=np.full(count, UNSPENT),
        limit=int(UNSPENT),
        value=numbers,
        address=(numbers % 1_600_000_000).astype(np.uint32),
        salt=table.salt,
    )


class Clock:
    """Sums up the processor time of this thread by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def run(self, name, work, *arguments):
        started = time.thread_time()
        result = work(*arguments)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.thread_time() - started
        return result

    def nanoseconds(self, name: str, count: int) -> float:
        return round(self.seconds.get(name, 0.0) / count * 1e9, 1)


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure_unspent(entries: int, rounds: int) -> dict[str, object]:
    """Grow a table to so many entries, then spend and add at that size."""
    before = peak_bytes()
    table, clock = UnspentOutputs.with_room_for(0), Clock()
    for first in range(0, entries, CHUNK):
        new = entries_for(table, first, min(CHUNK, entries - first))
        clock.run("grow", table.reserve, len(new))
        clock.run("fill", table.add, new)
    figures = {
        "entries": entries,
        "bytes": table.slots.nbytes,
        "bytes_per_entry": round(table.slots.nbytes / entries, 1),
        "load": round(table.count / table.homes, 3),
        "peak_bytes_above_start": peak_bytes() - before,
        "grow_ns_per_entry": clock.nanoseconds("grow", entries),
        "fill_ns_per_entry": clock.nanoseconds("fill", entries),
    }
    # A step that shares no factor with the count meets every entry once, in no order.
    step = next(s for s in range(entries * 5 // 8 | 1, 2 * entries, 2) if np.gcd(s, entries) == 1)
    size = min(400_000, entries // rounds)
    for turn in range(rounds):
        chosen = (np.arange(turn * size, (turn + 1) * size) * step) % entries
        spent = Outpoints(ids=ids_of(chosen), vout=np.zeros(size, dtype=np.uint32))
        found = Found.nothing(size, 0)
        rows = np.arange(size)
        spend = partial(table.spend, is_certain=True)
        clock.run("spend", spend, made(chosen[:1]), spent, rows, found)
        if not np.array_equal(found.output, chosen):
            raise SystemExit("the table does not hold what was put in")
        new = entries_for(table, entries + turn * size, size)
        table.reserve(size)
        clock.run("add", table.add, new)
    figures |= {
        "spend_ns": clock.nanoseconds("spend", rounds * size),
        "add_ns": clock.nanoseconds("add", rounds * size),
    }
    return figures


def measure_locks(keys: int, rounds: int) -> dict[str, object]:
    """Fill the filter of locks and the table of recent addresses as far as a chain would."""
    random, clock = np.random.default_rng(11), Clock()
    filtered = KeyFilter(keys)

    def drawn(count: int):
        return random.integers(-(1 << 63), 1 << 63, count)

    for first in range(0, keys, CHUNK):
        clock.run("fill", filtered.add, drawn(min(CHUNK, keys - first)))
    size = min(400_000, keys // rounds)
    passed = 0
    for _ in range(rounds):
        passed += int(clock.run("add", filtered.add, drawn(size)).sum())
    # As many as make the table change generations once.
    most = min(MOST_ADDRESSES, 1 << keys.bit_length())
    recent, added = RecentRows(most), 0
    while added < most:
        new = drawn(size)
        recent.begin_batch(size)
        clock.run("recent", recent.add, new, np.arange(added, added + size))
        added += size
    return {
        "keys": keys,
        "filter_bytes": filtered.words.nbytes,
        "filter_fill_ns": clock.nanoseconds("fill", keys),
        "filter_add_ns": clock.nanoseconds("add", rounds * size),
        "unknown_keys_let_through": round(passed / (rounds * size), 4),
        "recent_rows": added,
        "recent_bytes": recent.young.nbytes + recent.old.nbytes,
        "recent_add_ns": clock.nanoseconds("recent", added),
    }


def ages(random, count: int, most: int):
    """Draw ages of spent outputs, in transactions, below the age of the chain."""
    drawn = np.exp(np.interp(random.random(count), SHARES, np.log(AGES)))
    return np.where(drawn < most, drawn, random.random(count) * most).astype(np.int64)


def spends_of_batch(random, first: int, batch: int):
    """Return outputs that a batch from transaction `first` spends of earlier ones, and by whom."""
    spender = first + np.sort(random.integers(0, batch, round(batch * INPUTS)))
    funding = spender - ages(random, len(spender), first)
    older = funding < first
    row = (funding[older] * OUTPUTS).astype(np.int64)
    row += random.integers(0, 3, len(row))
    return row, spender[older].astype(np.uint32)


def written_bytes() -> int:
    """Return how many bytes this process has made dirty, where Linux tells."""
    path = Path("/proc/self/io")
    if not path.exists():
        return 0
    return int(dict(line.split(": ") for line in path.read_text().splitlines())["write_bytes"])


def memory_limit() -> int | None:
    """Return the limit of the control group that this process is in."""
    groups = Path("/proc/self/cgroup")
    limits = []
    for line in groups.read_text().splitlines() if groups.exists() else []:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            limits.append(Path("/sys/fs/cgroup") / path.lstrip("/") / "memory.max")
        elif "memory" in controllers.split(","):
            folder = Path("/sys/fs/cgroup/memory") / path.lstrip("/")
            limits.append(folder / "memory.limit_in_bytes")
    stated = [limit.read_text().strip() for limit in limits if limit.exists()]
    known = [int(text) for text in stated if text.isdigit() and int(text) < 1 << 60]
    return min(known, default=None)


def measure_spenders(rows: int, commits: int, folder: Path) -> dict[str, object]:
    """Write a column of spenders as an ingest does that has come to its end."""
    disk, random = Disk(folder), np.random.default_rng(7)
    started = time.perf_counter()
    for first in range(0, rows, 1 << 24):
        disk.write("spender", 4 * first, np.full(min(1 << 24, rows - first), UNSPENT))
    disk.sync(["spender"])
    figures: dict[str, object] = {
        "rows": rows,
        "bytes": 4 * rows,
        "memory_limit_bytes": memory_limit(),
        "allocated_seconds": round(time.perf_counter() - started, 1),
    }
    end = int(rows / OUTPUTS)
    batch = min(BATCH, end // 100)
    # So many transactions before the end, or somewhat fewer, the commits fit.
    transaction = end - commits * int(1.2 * rows / SPENDS_SHARE / (0.7 * INPUTS) + 2 * batch)
    figures["batch_transactions"] = batch
    figures["commits"] = []
    for _ in range(commits):
        begun, cpu = time.perf_counter(), time.process_time()
        links, first, drawing = SpendLinks(transaction), transaction, 0.0
        while len(links) < rows // SPENDS_SHARE and transaction + batch < end:
            started = time.perf_counter()
            spends = spends_of_batch(random, transaction, batch)
            drawing += time.perf_counter() - started
            links.add(*spends)
            transaction += batch
        gathering = time.perf_counter() - begun - drawing
        begun, cpu, before = time.perf_counter(), time.process_time(), written_bytes()
        for outputs, spenders in links.in_order():
            disk.write_words("spender", outputs, spenders)
        disk.sync(["spender"])
        covered, written = transaction - first, written_bytes() - before
        figures["commits"].append(
            {
                "transactions": covered,
                "spends": len(links),
                "waiting_bytes": 8 * len(links),
                "gather_seconds": round(gathering, 2),
                "sweep_seconds": round(time.perf_counter() - begun, 2),
                "sweep_cpu_seconds": round(time.process_time() - cpu, 2),
                "written_bytes_per_transaction": round(written / covered, 1),
                "written_bytes_per_spend": round(written / len(links), 1),
            }
        )
    figures["in_place"] = _in_place(disk, random, end, batch)
    figures["peak_bytes"] = peak_bytes()
    return figures


def _in_place(disk: Disk, random, end: int, batch: int) -> dict[str, object]:
    """Write the spends of each batch at once, as near the tip; some batches are enough."""
    before, begun = written_bytes(), time.perf_counter()
    for number in range(3):
        first = end - (4 - number) * batch
        links = SpendLinks(first)
        links.add(*spends_of_batch(random, first, batch))
        for outputs, spenders in links.in_order():
            disk.write_words("spender", outputs, spenders)
        disk.sync(["spender"])
    return {
        "transactions": 3 * batch,
        "seconds": round(time.perf_counter() - begun, 2),
        "written_bytes_per_transaction": round((written_bytes() - before) / (3 * batch), 1),
    }


def measure_start_up(transactions: int, folder: Path) -> dict[str, object]:
    """Rebuild the table from columns on disk, of which 4.4 % of outputs are unspent."""
    random, disk = np.random.default_rng(3), Disk(folder)
    first_output = np.zeros(transactions + 1, dtype=np.int64)
    np.cumsum(random.choice([1, 2, 2, 2, 2, 7], size=transactions), out=first_output[1:])
    outputs = int(first_output[-1])
    disk.write("first_output", 0, first_output)
    unspent = 0
    for first in range(0, outputs, CHUNK):
        count = min(CHUNK, outputs - first)
        is_unspent = random.random(count) < 0.044
        unspent += int(is_unspent.sum())
        disk.write("spender", 4 * first, np.where(is_unspent, UNSPENT, 0).astype("<u4"))
        disk.write("value", 8 * first, np.arange(first, first + count))
        disk.write("address", 4 * first, np.arange(count, dtype="<u4"))
    for first in range(0, transactions, CHUNK):
        numbers = np.arange(first, min(first + CHUNK, transactions))
        disk.write("txid", 32 * first, ids_of(numbers))
    names = ("first_output", "spender", "value", "address", "txid")
    disk.sync(names)
    size = sum((folder / name).stat().st_size for name in names)
    figures: dict[str, object] = {
        "transactions": transactions,
        "outputs": outputs,
        "unspent": unspent,
        "bytes_of_columns": size,
        "bytes_per_transaction": round(size / transactions, 1),
    }
    _drop(folder, names)
    started = time.perf_counter()
    for name in names:
        with (folder / name).open("rb", buffering=0) as file:
            while file.read(1 << 24):
                pass
    figures["plain_reading_megabytes_per_second"] = round(
        size / (time.perf_counter() - started) / 1e6
    )
    for state in ("cold", "warm"):
        if state == "cold":
            _drop(folder, names)
        view = SimpleNamespace(
            counts=Counts(
                transactions=transactions, outputs=outputs, inputs=outputs - unspent, op_returns=0
            ),
            first_output=map_array(folder / "first_output", "int64", transactions + 1),
            spender=map_array(folder / "spender", "uint32", outputs),
            output_value=map_array(folder / "value", "int64", outputs),
            output_address=map_array(folder / "address", "uint32", outputs),
            txid=map_array(folder / "txid", "uint8", 32 * transactions).reshape(-1, 32),
        )
        begun, cpu = time.perf_counter(), time.process_time()
        table = rebuild_unspent(view)
        seconds = time.perf_counter() - begun
        if table.count != unspent:
            raise SystemExit("the rebuilt table does not hold what is unspent")
        figures[state] = {
            "seconds": round(seconds, 2),
            "cpu_seconds": round(time.process_time() - cpu, 2),
            "megabytes_per_second": round(size / seconds / 1e6),
        }
        del view, table
    return figures


def _drop(folder: Path, names) -> None:
    """Have the system forget the pages of files, where it can be asked to."""
    if not hasattr(os, "posix_fadvise"):
        return
    for name in names:
        with (folder / name).open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--entries", type=int, default=180_000_000)
    parser.add_argument("--keys", type=int, default=1_600_000_000)
    parser.add_argument("--rows", type=int, default=3_900_000_000)
    parser.add_argument("--commits", type=int, default=1)
    parser.add_argument("--transactions", type=int, default=20_000_000)
    parser.add_argument("--folder", type=Path, help="where files go; by default a temporary one")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--tiny", action="store_true", help="a second's work, for the tests")
    options = parser.parse_args()
    if options.tiny:
        options.entries, options.rows, options.transactions = 20_000, 2_000_000, 20_000
        options.keys = 20_000
    parts = options.part or PARTS
    measure_unspent(20_000, 2)
    measure_locks(20_000, 2)
    figures: dict[str, object] = {
        "benchmark": "tables",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
    }
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        if "unspent" in parts:
            figures["unspent"] = measure_unspent(options.entries, 2 if options.tiny else 8)
        if "locks" in parts:
            figures["locks"] = measure_locks(options.keys, 2 if options.tiny else 8)
        if "spenders" in parts:
            figures["spenders"] = measure_spenders(options.rows, options.commits, Path(name))
        if "start_up" in parts:
            figures["start_up"] = measure_start_up(options.transactions, Path(name) / "columns")
    text = json.dumps(figures, indent=1)
    if options.json:
        options.json.write_text(text + "\n")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
