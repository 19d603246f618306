"""Filling an account ledger from a source, from where it stopped, and across reorganisations.

The source tells its chain. A ledger whose last blocks are not in it has them removed, down to the
block that both share, and takes in the other branch: on a chain with proof of stake the node knows
which branch counts. A source that merely is not as far as the ledger changes nothing.
"""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from threading import Event
from time import perf_counter

from arien_flows.account_ledger.balances import completed, tells_balances
from arien_flows.account_ledger.held_balances import ViewBalances
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_ledger.writer import AccountLedgerWriter
from arien_flows.errors import InputError, LedgerError, SourceError
from arien_flows.ledger.ingest import MOST_CHANGES, IngestStep, IngestSummary, Report
from chains.account_source import AccountBlockSource
from chains.errors import ChainChangedError, SourceUnavailableError
from chains.ethereum.tables import AccountBatch, MovementKind, OpeningCoverage


def ingest_accounts(
    writer: AccountLedgerWriter,
    source: AccountBlockSource,
    *,
    start: int | None = None,
    until: int | None = None,
    stop: Event | None = None,
    report: Report | None = None,
) -> IngestSummary:
    """Bring the ledger to the source's chain, and its indexes into the form that stays.

    `start` is where an empty ledger begins, by default with the first block that the source has;
    `until` is the height of the last block to take in.
    """
    begun = perf_counter()
    summary = catch_up_accounts(writer, source, start=start, until=until, stop=stop, report=report)
    writer.finish_merges(stop)
    return replace(summary, seconds=perf_counter() - begun)


def catch_up_accounts(
    writer: AccountLedgerWriter,
    source: AccountBlockSource,
    *,
    start: int | None = None,
    until: int | None = None,
    stop: Event | None = None,
    report: Report | None = None,
) -> IngestSummary:
    """Bring the ledger to the source's chain, or to the block at height `until` of it.

    Whatever interrupts it, the next one goes on after its last commit. Once `stop` is set, no
    further batch is begun.
    """
    if until is not None and until < 0:
        raise InputError(f"the height to stop at is {until}; heights start at 0")
    run = _Run(writer, source, start, until, stop or Event(), report)
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
                    f"the chain of {source.name} changed {changes} times while one batch of blocks "
                    "was read; run the command again when the node has settled"
                ) from error


class _Run:
    """One ingest, which may be begun again when the source's chain has changed."""

    def __init__(
        self,
        writer: AccountLedgerWriter,
        source: AccountBlockSource,
        start: int | None,
        until: int | None,
        stop: Event,
        report: Report | None,
    ) -> None:
        self.writer, self.source, self.stop, self.report = writer, source, stop, report
        self.start, self.until = start, until
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
        tip = self.source.tip().height
        self.summary = replace(self.summary, source_height=tip)
        target = tip if self.until is None else min(self.until, tip)
        self._part()
        start = self._start(tip)
        if start <= target:
            try:
                self._take_in(start, target)
            except Exception as error:
                # What came before the fault is sound.
                try:
                    self.writer.commit()
                except LedgerError as failure:
                    if not isinstance(error, LedgerError):
                        raise failure from error
                raise
            self.writer.commit()
        self.summary = replace(self.summary, seconds=perf_counter() - self.started)
        return self.summary

    def _start(self, tip: int) -> int:
        """Return the height of the block to go on with."""
        following = self.writer.next_height
        if following is not None:
            first = int(self.writer.view.blocks.height[0])
            if self.start is not None and self.start != first:
                raise InputError(
                    f"the ledger begins at block {first}, not at {self.start}: leave --from away "
                    "to continue it, or name another folder with --data"
                )
            return following
        start = self.source.first_height() if self.start is None else self.start
        if start > tip:
            raise InputError(
                f"a ledger cannot begin at block {start}: the chain of {self.source.name} ends "
                f"at block {tip}"
            )
        return start

    def _part(self) -> None:
        """Remove the ledger's last blocks as far as the source's chain lacks them."""
        view = self.writer.view
        if not view.counts.blocks:
            return
        first = max(int(view.blocks.height[0]), self.source.first_height())
        if first > view.tip.height:
            # Nothing can be compared; whether blocks follow is seen when they come.
            return
        fork = fork_height(view, self.source)
        if fork == min(view.tip.height, self.source.tip().height):
            return
        if fork < first:
            raise SourceError(
                f"{self.source.name} has another chain than the ledger: they share no block; "
                "choose another source, or another data folder with --data"
            )
        removed = view.tip.height - fork
        self.writer.roll_back(fork)
        self.summary = replace(self.summary, blocks_removed=self.summary.blocks_removed + removed)

    def _take_in(self, start: int, target: int) -> None:
        asks = tells_balances(self.source, max(start - 1, 0))
        parts = self.source.batches(start, target + 1)
        with closing(_each(parts)) as batches:
            for batch in batches:
                self._stage(batch, target, asks=asks)
                if self.stop.is_set():
                    return
                if self.writer.commit_is_due:
                    self.writer.commit()

    def _stage(self, batch: AccountBatch, target: int, *, asks: bool) -> None:
        writer, before = self.writer, self.writer.rows
        untold = what_is_untold(writer.view, batch)
        if asks and batch.block_count:
            whole = completed(batch, ViewBalances(writer.view), self.source, before=untold)
            writer.stage(
                whole.batch, self.source.assets, openings=whole.openings, marked=whole.marked
            )
        else:
            openings = OpeningCoverage.KNOWN if untold is None else OpeningCoverage.MISSING
            writer.stage(batch, self.source.assets, openings=openings)
        self.batches += 1
        rows = writer.rows
        self.summary = replace(
            self.summary,
            blocks_added=self.summary.blocks_added + rows.blocks - before.blocks,
            transactions_added=self.summary.transactions_added
            + rows.transactions
            - before.transactions,
        )
        if self.report is not None and rows.blocks:
            view = writer.view
            self.report(
                IngestStep(
                    height=view.tip.height,
                    first_height=int(view.blocks.height[0]),
                    target_height=target,
                    transactions=rows.transactions,
                    new_transactions=self.summary.transactions_added,
                    seconds=perf_counter() - self.started,
                )
            )


def what_is_untold(view: AccountView, batch: AccountBatch) -> MovementKind | None:
    """Return as what balances from before a ledger count; nothing where its blocks tell all.

    `batch` is what comes next, and counts where the ledger is empty.
    """
    if not view.counts.blocks:
        if not batch.block_count or int(batch.height[0]):
            return MovementKind.OPENING if batch.block_count else None
        kinds = batch.kind[: int(batch.first_movement[int(batch.first_transaction[1])])]
    elif not view.begins_at_genesis:
        return MovementKind.OPENING
    else:
        rows = slice(int(view.transactions.first_movement[view.blocks.first_transaction[1]]))
        # What a node was asked for stands where an account appears first, and in the genesis block
        # only its recipient of fees does.
        others = view.movements.receiver[rows] != view.blocks.fee_recipient[0]
        kinds = view.movements.kind[rows][others]
    return None if MovementKind.GENESIS in kinds else MovementKind.GENESIS


def _each(parts: Iterator[AccountBatch]) -> Generator[AccountBatch, None, None]:
    """Yield the batches; closing this closes what makes them ahead."""
    yield from parts


def fork_height(view: AccountView, source: AccountBlockSource) -> int:
    """Return the highest block that ledger and source share; one below the first for none.

    Chains that agree at a height agree below it, so the fork is found by halving; as a rule it
    lies near the end, so it is looked for there first, in steps that double.
    """
    first = int(view.blocks.height[0])

    def is_shared(height: int) -> bool:
        ours: bytes = view.blocks.block_hash[height - first].tobytes()
        return ours == source.place(height).block_hash

    # What a source no longer has cannot be compared.
    shared = max(first, source.first_height()) - 1
    top = min(view.tip.height, source.tip().height)
    probe, step = top, 1
    while probe > shared:
        if is_shared(probe):
            shared = probe
        else:
            top = probe - 1
            probe, step = probe - step, 2 * step
    while shared < top:
        middle = (shared + top + 1) // 2
        if is_shared(middle):
            shared = middle
        else:
            top = middle - 1
    return shared
