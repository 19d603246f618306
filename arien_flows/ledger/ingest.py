"""Filling a ledger from a source of blocks, from where it stopped, and across reorganisations.

The source tells its best chain. Where it and the ledger part, the ledger keeps its branch unless
the source's has more work: then the ledger's blocks above the fork are removed, exactly, and the
other branch is taken in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from arien_flows.errors import InputError
from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.decode import header_hashes
from chains.bitcoin.headers import header_bits, total_work
from chains.source import BlockSource


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestStep:
    """How far an ingest has come after a commit."""

    height: int
    target_height: int
    transactions: int
    """In the ledger."""

    new_transactions: int
    """Since this ingest began."""

    seconds: float
    """Since this ingest began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSummary:
    """What an ingest has done."""

    blocks_added: int
    blocks_removed: int
    transactions_added: int
    seconds: float


def ingest(
    writer: LedgerWriter,
    source: BlockSource,
    *,
    until: int | None = None,
    report: Callable[[IngestStep], None] | None = None,
) -> IngestSummary:
    """Bring the ledger to the source's best chain, or to the block at height `until` of it.

    Every batch is one commit: whatever interrupts an ingest, the next one goes on where it was.
    """
    started = perf_counter()
    if until is not None and until < 0:
        raise InputError(f"the height to stop at is {until}; heights start at 0")
    target = source.tip_height() if until is None else min(until, source.tip_height())
    held = writer.view.counts.blocks
    fork = fork_height(writer.view, source)
    removed = 0
    if fork < held - 1 and _work_above(writer.view, fork) < source.work_above(fork):
        removed = held - 1 - fork
        writer.roll_back(fork)
    elif fork < held - 1:
        target = fork
    first_transactions = writer.view.counts.transactions
    first_blocks = writer.view.counts.blocks
    for batch in source.batches(first_blocks, target + 1) if target >= first_blocks else ():
        writer.append(batch)
        counts = writer.view.counts
        if report is not None:
            report(
                IngestStep(
                    height=counts.blocks - 1,
                    target_height=target,
                    transactions=counts.transactions,
                    new_transactions=counts.transactions - first_transactions,
                    seconds=perf_counter() - started,
                )
            )
    counts = writer.view.counts
    return IngestSummary(
        blocks_added=counts.blocks - first_blocks,
        blocks_removed=removed,
        transactions_added=counts.transactions - first_transactions,
        seconds=perf_counter() - started,
    )


def fork_height(view: View, source: BlockSource) -> int:
    """Return the highest block that ledger and source share; -1 where they share none.

    Chains that agree at a height agree below it, so the fork is found by halving.
    """
    low, high = -1, min(view.counts.blocks - 1, source.tip_height())
    while low < high:
        middle = (low + high + 1) // 2
        ours = header_hashes(view.header[middle : middle + 1])[0].tobytes()
        if ours == source.block_hash(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _work_above(view: View, height: int) -> int:
    return total_work(header_bits(view.header[height + 1 :]))
