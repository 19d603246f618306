"""What a measured ingest means for the whole Bitcoin chain, each figure with its arithmetic.

Nothing here is hoped: a figure is a formula over constants of the chain, over constants of the
program (read from it, not repeated), and over what one run measured. Each entry says so.
"""

from typing import Any

from arien_flows.ledger.key_filter import BLOCK_BITS, FULL_AT, MOST_BLOCKS
from arien_flows.ledger.lock_memory import MOST_ADDRESSES
from arien_flows.ledger.schema import TABLES
from arien_flows.ledger.sorted_runs import FAN_IN
from arien_flows.ledger.unspent import FULLEST_PERCENT
from arien_flows.ledger.writer import SPENDS_SHARE

Entry = dict[str, Any]

# --- the chain at the end of 2026

TRANSACTIONS = 1_460_000_000
"""1,315,805,869 on 2026-02-25 21:32 UTC and 5.40111 a second from there on, as Bitcoin Core's own
`chainTxData` of the main network states (`src/kernel/chainparams.cpp`)."""

INPUTS = 3_700_000_000
"""2.55 a transaction, estimated; 10 % either way."""

OUTPUTS = 3_900_000_000
"""2.7 a transaction, estimated; 10 % either way."""

ADDRESSES = 1_600_000_000
"""Distinct scripts, the upper end of an estimate: the address table of GraphSense is said to have
about 1.5 billion rows, and a published graph of 1.08 billion transactions has about 1.3 billion."""

UNSPENT = 180_000_000
"""Upper end of an estimate; the unspent set has shrunk or stood still since 2025."""

BLOCKS = 983_000
"""Height 935,000 on 2026-02-05 and 144 a day from there on."""

BLOCK_BYTES = 856_000_000_000
"""Bitcoin Core's assumption about the disk space of all blocks (`m_assumed_blockchain_size`)."""

CHAIN_ROWS = {
    "blocks": BLOCKS,
    "transactions": TRANSACTIONS,
    "inputs": INPUTS,
    "outputs": OUTPUTS,
    "addresses": ADDRESSES,
}

KEY_ENTRY_BYTES = 12
"""Of the lookup runs: a 64-bit key and a 32-bit number."""

GIB = 1 << 30

UNSPENT_SLOT_BYTES = 24
UNSPENT_LEAST_FULL = (FULLEST_PERCENT - 4) / 100
"""Of the table of unspent outputs, which grows by a sixteenth when it is as full as it may be."""

FILTER_MOST_BYTES = MOST_BLOCKS * BLOCK_BITS // 8

RECENT_ADDRESS_BYTES = 2 * 8 / 0.375
RECENT_MOST_BYTES = 2 * 8 * MOST_ADDRESSES
"""Of the addresses met lately: two tables of 8 bytes a slot, that double when they are three
quarters full."""

WAITING_SPEND_BYTES = 8
"""Of a spender that waits for the next sweep."""


def entry(value: float, unit: str, formula: str, stands_on: str) -> Entry:
    return {"value": round(value, 3), "unit": unit, "formula": formula, "stands_on": stands_on}


def chain_rows(run: dict[str, Any]) -> dict[str, float]:
    """Return the rows of each table for the whole chain.

    Tables that nobody has counted keep the proportion that they have in the run: reveals and links
    to addresses, the rest to outputs.
    """
    counts = run["ledger"]["counts"]
    rows: dict[str, float] = dict(CHAIN_ROWS)
    for table in TABLES:
        if table not in rows:
            of = "addresses" if table in ("reveals", "links") else "outputs"
            rows[table] = rows[of] * counts[table] / max(counts[of], 1)
    return rows


def rewrites(batches: float) -> float:
    """Return how often an entry of an index is written anew by merges, on average.

    Every `FAN_IN` runs of a level become one of the next, so after `b` batches the share
    `floor(b / FAN_IN^k) FAN_IN^k / b` of all entries has reached level `k`.
    """
    times, size = 0.0, float(FAN_IN)
    while size <= batches:
        times += (batches // size) * size / batches
        size *= FAN_IN
    return times


def batches_of(run: dict[str, Any]) -> float:
    """Return how many batches the run had, from the span of its lookup runs and their levels."""
    runs = run["ledger"]["runs"]["transactions"]
    return float(sum(FAN_IN ** one["level"] for one in runs))


def disk(run: dict[str, Any]) -> Entry:
    """Return the bytes of the whole ledger on disk."""
    counts, sizes = run["ledger"]["counts"], run["ledger"]["bytes"]
    rows = chain_rows(run)
    value = sum(rows[table] * sizes[table] / counts[table] for table in TABLES if counts[table])
    value += KEY_ENTRY_BYTES * (rows["transactions"] + rows["addresses"])
    value += sizes.get("index/reveals", 0) * rows["reveals"] / max(counts["reveals"], 1)
    value += history_bytes(run)
    return entry(
        value / 1e9,
        "GB",
        "sum over tables of bytes per row x rows of the chain + 12 B x (transactions + addresses) "
        "for the lookups + bytes per reveal x reveals + bytes per movement x movements for "
        "histories",
        "bytes per row and the share of reveals, links and data outputs measured in the largest "
        "run; rows of the chain are estimates",
    )


def history_bytes(run: dict[str, Any]) -> float:
    """Return the bytes of the whole history index: they follow the inputs and outputs."""
    counts = run["ledger"]["counts"]
    per_movement = run["ledger"]["bytes"].get("index/history", 0) / (
        counts["inputs"] + counts["outputs"]
    )
    return float(per_movement * (INPUTS + OUTPUTS))


def spender_bytes() -> float:
    """Return what the words of the spender column cost at most, for each transaction.

    A sweep writes the column once at worst, and comes when as many spends wait as make one
    `SPENDS_SHARE`-th of the outputs.
    """
    return 4 * SPENDS_SHARE * INPUTS / TRANSACTIONS


def written(run: dict[str, Any], disk_bytes: float, batches: float) -> Entry:
    """Return the bytes that an ingest of the chain writes, for each transaction."""
    rows = chain_rows(run)
    runs_bytes = KEY_ENTRY_BYTES * (rows["transactions"] + rows["addresses"]) + history_bytes(run)
    runs_bytes += KEY_ENTRY_BYTES * rows["reveals"]
    value = (disk_bytes + runs_bytes * rewrites(batches)) / TRANSACTIONS + spender_bytes()
    return entry(
        value,
        "bytes per transaction",
        f"(disk + bytes of the runs x {rewrites(batches):.2f} rewrites) / transactions + 4 B x "
        f"{SPENDS_SHARE} x inputs per transaction; rewrites = sum over levels k of "
        f"floor(b / {FAN_IN}^k) {FAN_IN}^k / b for b = {batches:,.0f} batches",
        "disk as above; one sweep of the spender column for each 1/"
        f"{SPENDS_SHARE} of the outputs that is spent, at worst writing all of it; measured in the "
        f"run: {run['written_bytes_per_transaction']}",
    )


def hours(run: dict[str, Any], batches: float) -> Entry:
    """Return the hours that the chain takes."""
    counts = run["ledger"]["counts"]
    ours = (counts["inputs"] + counts["outputs"]) / counts["transactions"]
    wider = (INPUTS + OUTPUTS) / TRANSACTIONS / ours
    seconds = run["microseconds_per_transaction"] / 1e6
    merging = merge_seconds(run)
    more = max(rewrites(batches) - rewrites(batches_of(run)), 0.0)
    value = TRANSACTIONS * (seconds * wider + merging * more)
    return entry(
        value / 3600,
        "hours",
        f"transactions x ({1e6 * seconds:.3f} us x {wider:.3f} + {1e6 * merging:.3f} us x "
        f"{more:.2f})",
        "time per transaction of the largest run; wider by the chain's inputs and outputs per "
        "transaction over the run's; processor time of merging per transaction and rewrite, as if "
        "nothing ran beside it, for the levels that the run did not reach",
    )


def merge_seconds(run: dict[str, Any]) -> float:
    """Return the processor time of merging, for each transaction and rewrite."""
    spent = sum(one["cpu_seconds"] for one in run["heaviest"] if "merge" in one["function"])
    times = rewrites(batches_of(run)) * run["transactions"]
    return float(spent / times) if times else 0.0


def tables(unspent: float, addresses: float, outputs: float) -> dict[str, float]:
    """Return the bytes of what the writer keeps of the chain itself (see `ledger/resident.py`)."""
    return {
        "unspent outputs": unspent * UNSPENT_SLOT_BYTES / UNSPENT_LEAST_FULL,
        "filter of locks": min(FILTER_MOST_BYTES, 2 * addresses * FULL_AT / 8),
        "addresses met lately": min(RECENT_MOST_BYTES, addresses * RECENT_ADDRESS_BYTES),
        "revealed addresses": addresses / 8,
        "spenders that wait": WAITING_SPEND_BYTES * outputs / SPENDS_SHARE,
    }


def resident(run: dict[str, Any]) -> Entry:
    """Return the memory that an ingest of the chain can't do without, at its peak."""
    peak = run["peak_anonymous_bytes"] or run["peak_resident_bytes"]
    counts, ours = run["ledger"]["counts"], run["ledger"]["unspent_outputs"]
    work = max(peak - sum(tables(ours, counts["addresses"], counts["outputs"]).values()), 0.0)
    parts = tables(UNSPENT, ADDRESSES, OUTPUTS)
    shown = " + ".join(f"{size / GIB:.2f} ({name})" for name, size in parts.items())
    return entry(
        (work + sum(parts.values())) / GIB,
        "GiB",
        f"{shown} + {work / GIB:.2f} (batches in flight)",
        "sizes of slots and bounds of the tables as their modules state them; batches in flight: "
        f"the run's peak of {peak / GIB:.2f} GiB less its own tables; pages of mapped files are "
        "not counted, the system takes them back when it needs room",
    )


def projected(run: dict[str, Any]) -> dict[str, Any]:
    """Return what the largest run means for the whole chain."""
    batches = batches_of(run) * TRANSACTIONS / run["transactions"]
    space = disk(run)
    return {
        "chain": {**CHAIN_ROWS, "unspent": UNSPENT, "block_bytes": BLOCK_BYTES},
        "hours": hours(run, batches),
        "disk": space,
        "written_bytes_per_transaction": written(run, space["value"] * 1e9, batches),
        "peak_memory": resident(run),
    }
