"""Filling a ledger from a source of blocks, from where it stopped, and across reorganisations.

The source tells its best chain. Where it and the ledger part, the ledger keeps its branch unless
the source's has more work: then the ledger's blocks above the fork are removed, exactly, and the
other branch is taken in. A source whose chain changes while it is read is asked anew.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from threading import Event
from time import perf_counter
from typing import TypeGuard

from arien_flows.errors import InputError, LedgerError, SourceError
from arien_flows.ledger.beginning import first_height, row_of
from arien_flows.ledger.merging import MergeStep
from arien_flows.ledger.preparing import PreparedBatch
from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from chains.ahead import made_ahead
from chains.bitcoin.decode import header_hashes
from chains.bitcoin.headers import header_bits, previous_hashes, total_work
from chains.errors import ChainChangedError, SourceUnavailableError
from chains.source import BlockSource, SpendingSource
from chains.tables import BlockBatch, SpentOutputs

MOST_CHANGES = 5
"""How often in a row the source's chain may change before a single block could be taken in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestStep:
    """How far an ingest has come after a batch, which need not be committed yet."""

    height: int
    first_height: int
    """Where the ledger begins."""

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
    source_height: int
    """Where the source's best chain ends."""

    blocks_kept: int
    """The ledger's last blocks that this chain lacks, although it goes on without them or ends
    before them; kept, because it has no more work than they have."""


Report = Callable[[IngestStep], None]


def ingest(
    writer: LedgerWriter,
    source: BlockSource,
    *,
    until: int | None = None,
    stop: Event | None = None,
    report: Report | None = None,
    report_merges: Callable[[MergeStep], None] = lambda _step: None,
) -> IngestSummary:
    """Bring the ledger to the source's best chain, and its indexes into the form that stays.

    `until` is the height of the last block to take in. The blocks are committed before the last
    merges are waited for.
    """
    summary = catch_up(writer, source, until=until, stop=stop, report=report)
    begun = perf_counter()
    writer.finish_merges(stop, report_merges)
    return replace(summary, seconds=summary.seconds + perf_counter() - begun)


def catch_up(
    writer: LedgerWriter,
    source: BlockSource,
    *,
    until: int | None = None,
    stop: Event | None = None,
    report: Report | None = None,
) -> IngestSummary:
    """Bring the ledger to the source's best chain, or to the block at height `until` of it.

    Whatever interrupts an ingest, the next one goes on after its last commit, which is at most
    about a minute old, or four times as old as a commit takes. Once `stop` is set, no further
    batch is begun.
    """
    if until is not None and until < 0:
        raise InputError(f"the height to stop at is {until}; heights start at 0")
    run = _Run(writer, source, until=until, stop=stop or Event(), report=report)
    changes = 0
    while True:
        reached = run.batches
        try:
            if changes:
                source.refresh()
            return run.go()
        except ChainChangedError as error:
            changes = changes + 1 if run.batches == reached else 1
            if changes == MOST_CHANGES:
                raise SourceUnavailableError(
                    f"the best chain of {source.name} changed {changes} times while one batch of "
                    "blocks was read; run the command again when the node has settled"
                ) from error


class _Run:
    """One ingest, which may be begun again when the source's chain has changed."""

    def __init__(
        self,
        writer: LedgerWriter,
        source: BlockSource,
        *,
        until: int | None,
        stop: Event,
        report: Report | None,
    ) -> None:
        self.writer, self.source = writer, source
        self.until, self.stop, self.report = until, stop, report
        self.batches = 0
        self.started = perf_counter()
        self.summary = IngestSummary(
            blocks_added=0,
            blocks_removed=0,
            transactions_added=0,
            seconds=0.0,
            source_height=-1,
            blocks_kept=0,
        )

    def go(self) -> IngestSummary:
        """Take in what is missing, after what has to go is removed."""
        tip = self.source.tip_height()
        self.summary = replace(self.summary, source_height=tip, blocks_kept=0)
        target = tip if self.until is None else min(self.until, tip)
        fork = self._goes_on_after()
        if fork is None:
            target = -1
        start = self.writer.next_height if fork is None else fork + 1
        if start > max(tip + 1, 0) and not self.writer.view.counts.blocks:
            raise InputError(
                f"a ledger cannot begin at block {start}: the chain of {self.source.name} ends "
                f"at block {tip}"
            )
        if start <= target:
            try:
                self._take_in(start, target)
            except Exception as error:
                # What came before the fault is sound.
                try:
                    self.writer.commit()
                except LedgerError as failure:
                    # A fault of the ledger says more than that nothing can be committed after it.
                    if not isinstance(error, LedgerError):
                        raise failure from error
                raise
            self.writer.commit()
        self.summary = replace(self.summary, seconds=perf_counter() - self.started)
        return self.summary

    def _take_in(self, start: int, target: int) -> None:
        """Stage the blocks `[start, target]`, and commit as often as that is due."""
        is_losing = start < self.writer.next_height
        parts = self._batches(start, target + 1)
        with closing(made_ahead(self._prepare, parts, "prepare")) as batches:
            for prepared in batches:
                if is_losing:
                    self._part_from_branch(start - 1, prepared.batch)
                    is_losing = False
                self._stage(prepared, target)
                if self.stop.is_set():
                    return
                if self.writer.commit_is_due:
                    self.writer.commit()

    def _prepare(self, part: tuple[BlockBatch, SpentOutputs | None]) -> PreparedBatch:
        return self.writer.prepare(*part)

    def _goes_on_after(self) -> int | None:
        """Return the height after which the source's chain is to be taken in.

        That is the ledger's last block, or a lower one where another branch claims more work;
        nothing where the ledger's own branch has as much.
        """
        view, source = self.writer.view, self.source
        fork = fork_height(view, source)
        last = self.writer.next_height - 1
        if fork == last or not view.counts.blocks:
            return last
        if source.tip_height() < first_height(view) - 1 or (
            work_above(view, fork) >= source.work_above(fork)
        ):
            self.summary = replace(self.summary, blocks_kept=last - fork)
            return None
        if fork < first_height(view):
            _refuse_fork_before(view, source)
        return fork

    def _part_from_branch(self, fork: int, batch: BlockBatch) -> None:
        """Remove the ledger's blocks above `fork`, now that the better branch has begun to come.

        A branch that is here whole must have done the work that the source claims for it.
        """
        last = self.writer.next_height - 1
        is_whole = fork + batch.block_count == self.source.tip_height()
        if is_whole and total_work(header_bits(batch.header)) <= work_above(self.writer.view, fork):
            raise SourceUnavailableError(
                f"{self.source.name} claims more work for its chain than its blocks above "
                f"{fork} did; the ledger is kept as it is"
            )
        self.writer.roll_back(fork)
        self.summary = replace(
            self.summary, blocks_removed=self.summary.blocks_removed + last - fork
        )

    def _batches(self, start: int, stop: int) -> Iterator[tuple[BlockBatch, SpentOutputs | None]]:
        first = self.writer.first_height
        if not first:
            return ((batch, None) for batch in self.source.batches(start, stop))
        if not says_what_is_spent(self.source):
            raise InputError(
                f"a ledger that begins at block {first} needs a source that says what the blocks "
                f"spend, and {self.source.name} does not: use a Bitcoin Core node (core+http://…)"
            )
        return self.source.spending_batches(start, stop)

    def _stage(self, prepared: PreparedBatch, target: int) -> None:
        writer, summary = self.writer, self.summary
        before = writer.counts
        writer.stage(prepared)
        self.batches += 1
        counts = writer.counts
        self.summary = replace(
            summary,
            blocks_added=summary.blocks_added + counts.blocks - before.blocks,
            transactions_added=summary.transactions_added
            + counts.transactions
            - before.transactions,
        )
        if self.report is not None:
            self.report(
                IngestStep(
                    height=writer.next_height - 1,
                    first_height=writer.first_height,
                    target_height=target,
                    transactions=counts.transactions,
                    new_transactions=self.summary.transactions_added,
                    seconds=perf_counter() - self.started,
                )
            )


def says_what_is_spent(source: BlockSource) -> TypeGuard[SpendingSource]:
    """Return whether a ledger may begin late with this source."""
    return hasattr(source, "spending_batches")


def fork_height(view: View, source: BlockSource) -> int:
    """Return the highest block that ledger and source share.

    Where they share none, that is the height before the ledger's first block. Chains that agree
    at a height agree below it, so the fork is found by halving; as a rule it lies near the end,
    so it is looked for there first, in steps that double.
    """
    shared = first_height(view) - 1
    top = min(shared + view.counts.blocks, source.tip_height())
    probe, step = top, 1
    while probe > shared:
        if _is_shared(view, source, probe):
            shared = probe
        else:
            top = probe - 1
            probe, step = probe - step, 2 * step
    while shared < top:
        middle = (shared + top + 1) // 2
        if _is_shared(view, source, middle):
            shared = middle
        else:
            top = middle - 1
    return shared


def _is_shared(view: View, source: BlockSource, height: int) -> bool:
    row = row_of(view, height)
    ours: bytes = header_hashes(view.header[row : row + 1])[0].tobytes()
    return ours == source.block_hash(height)


def work_above(view: View, height: int) -> int:
    """Return the summed work of a ledger's blocks above a height."""
    return total_work(header_bits(view.header[row_of(view, height + 1) :]))


def _refuse_fork_before(view: View, source: BlockSource) -> None:
    """Refuse a branch that leaves the ledger's chain before its first block.

    Whether the other branch has more work can't be told then: the ledger lacks the blocks to sum.
    """
    first = first_height(view)
    if first and previous_hashes(view.header[:1])[0].tobytes() != source.block_hash(first - 1):
        raise SourceError(
            f"the chain of {source.name} parts from the ledger's before block {first}, where the "
            "ledger begins: move its folder away and begin a new ledger"
        )
