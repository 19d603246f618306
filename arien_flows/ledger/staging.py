"""Rows that are written past the end of a ledger and wait for the commit that publishes them.

Taking in a whole chain, a commit for each batch would write the column of spenders a thousand
times over, because spends meet outputs of every age. So batches are staged: their columns are
appended, their index runs written, and only their spenders kept in memory, until a commit sets
them all in one ascending sweep. Nobody reads past the manifest's counts, so what is staged does
not exist yet for anybody but the writer, and a crash leaves the ledger at its last commit.

The runs of a batch are sorted on a thread of its own while the next batch is worked on, so the runs
of a staged view may lag one batch behind its columns. Runs that have gathered are merged beside all
this (`merging`); no commit waits for that.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from arien_flows.errors import LedgerError
from arien_flows.ledger.append import NewRows
from arien_flows.ledger.disk import Disk
from arien_flows.ledger.files import RUN_FOLDERS
from arien_flows.ledger.manifest import Manifest, Runs
from arien_flows.ledger.merging import Merging
from arien_flows.ledger.opening import open_view
from arien_flows.ledger.run_files import RunWriter
from arien_flows.ledger.schema import SCHEMA
from arien_flows.ledger.seals import SEALS, WORDS, seal, stretch
from arien_flows.ledger.spend_links import SpendLinks
from arien_flows.ledger.view import Counts, View
from chains.types import AnyArray


@dataclass(frozen=True, slots=True, kw_only=True)
class _Indexed:
    """What the other thread has made of a batch."""

    runs: Runs
    """New ones only."""

    segments: int


class Staging:
    """The batches taken in since the last commit."""

    def __init__(self, disk: Disk, published: Manifest) -> None:
        self._disk = disk
        self._indexer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="indexer")
        self._flusher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flusher")
        self.merging = Merging(disk)
        self.begin(published)

    def begin(self, published: Manifest) -> None:
        """Begin anew with nothing staged; merges that are under way go on."""
        self._manifest = self._published = published
        self._view: View | None = None
        self._is_whole = True
        self._indexing: Future[_Indexed] | None = None
        self._flushing: list[Future[None]] = []
        self.spends = SpendLinks(published.counts.transactions)
        """The outputs of earlier batches that were spent or voided, with their spenders."""

        self.replaced: list[str] = []
        """Run files that have served once the staged rows are published."""

    def close(self) -> None:
        """Stop what may be stopped, and wait until nothing is written any more."""
        self.merging.close()
        for worker in (self._indexer, self._flusher):
            worker.shutdown(cancel_futures=True)

    @property
    def view(self) -> View:
        """Everything that is published or staged; the runs lack at most the last batch."""
        if self._view is None:
            self._view = open_view(self._disk.root, self._manifest)
        return self._view

    @property
    def counts(self) -> Counts:
        """Rows that are published or staged."""
        return self._manifest.counts

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        return self._manifest is self._published and not self.merging.has_ended_any

    @property
    def spend_count(self) -> int:
        """How many spenders wait to be written."""
        return len(self.spends)

    def add(self, rows: NewRows) -> None:
        """Write rows that follow what is staged."""
        self.settle()
        while self.merging.is_behind(self._manifest.runs):
            self.merging.wait()
            self.settle()
        before = self._manifest
        columns = _as_on_disk(rows.columns)
        self._write_columns(columns)
        self._is_whole = False
        self.spends.add(rows.spent_output, rows.spender)
        self._indexing = self._indexer.submit(self._index, rows, columns, before)
        self._flush([column.path for column in SCHEMA])
        self._manifest = replace(
            before,
            counts=rows.counts,
            byte_counts={
                column.path: before.byte_counts.get(column.path, 0) + len(columns[column.path])
                for column in SCHEMA
                if column.shape == "bytes"
            },
            unspent_sat=before.unspent_sat + rows.unspent_sat,
            sealed=rows.counts,
        )
        self._view = None
        self._is_whole = True

    def settle(self) -> None:
        """Wait for the runs of the last batch, and take in the merges that have ended.

        From then on the runs lag behind nothing.
        """
        runs, segments = self._manifest.runs, self._manifest.segments
        if self._indexing is not None:
            indexed = self._indexing.result()
            self._indexing = None
            runs = Runs(
                **{
                    family: getattr(runs, family) + getattr(indexed.runs, family)
                    for family in RUN_FOLDERS
                }
            )
            segments = indexed.segments
        runs, replaced = self.merging.turn(runs)
        self.replaced += replaced
        if (runs, segments) != (self._manifest.runs, self._manifest.segments):
            self._manifest = replace(self._manifest, runs=runs, segments=segments)
            self._view = None

    def make_durable(self) -> Manifest:
        """Return the manifest of what is staged once all of it but the spenders is on the device.

        Raises again what went wrong on another thread, and `LedgerError` where a batch was only
        half taken in.
        """
        if not self._is_whole:
            raise LedgerError("the ledger was closed by an earlier error: open it again")
        self.settle()
        for flushed in self._flushing:
            flushed.result()
        self._disk.sync([SEALS, *(column.path for column in SCHEMA)])
        return self._manifest

    def _flush(self, paths: Sequence[str]) -> None:
        """Send files towards the device early, so that a commit has little to wait for."""
        self._flushing.append(self._flusher.submit(self._disk.sync, paths))

    def _write_columns(self, columns: dict[str, AnyArray]) -> None:
        counts = self._manifest.counts
        for column in SCHEMA:
            if column.shape == "bytes":
                offset = self._manifest.byte_counts.get(column.path, 0)
            else:
                lead = 1 if column.shape == "offsets" else 0
                offset = (getattr(counts, column.table) + lead) * column.row_bytes
            self._disk.write(column.path, offset, columns[column.path])

    def _index(self, rows: NewRows, columns: dict[str, AnyArray], before: Manifest) -> _Indexed:
        """Write the runs and the checksums of a batch."""
        writer = RunWriter(self._disk)
        runs = _write_runs(rows, writer)
        segments = self._write_seals(rows, columns, before)
        self._flush(writer.written)
        return _Indexed(runs=runs, segments=segments)

    def _write_seals(self, rows: NewRows, columns: dict[str, AnyArray], before: Manifest) -> int:
        """Append the checksums of a batch; return how many rows of them there are now."""
        new = [seal(rows.counts, columns)]
        if before.sealed != before.counts:
            # Only after a roll-back into the middle of a batch, and so only for the first batch.
            rest = stretch(open_view(self._disk.root, before), before.sealed, before.counts)
            new.insert(0, seal(before.counts, rest))
        self._disk.write(SEALS, before.segments * WORDS * 8, np.concatenate(new))
        return before.segments + len(new)


def _write_runs(rows: NewRows, writer: RunWriter) -> Runs:
    before, after = rows.before, rows.counts
    return Runs(
        transactions=writer.write_keys(
            "transactions",
            key=rows.id_keys,
            number=np.arange(before.transactions, after.transactions, dtype=np.uint32),
            rows=(before.transactions, after.transactions),
        ),
        addresses=writer.write_keys(
            "addresses",
            key=rows.lock_keys,
            number=np.arange(before.addresses, after.addresses, dtype=np.uint32),
            rows=(before.addresses, after.addresses),
        ),
        reveals=writer.write_keys(
            "reveals",
            key=rows.reveal_keys,
            number=rows.reveal_rows,
            rows=(before.reveals, after.reveals),
        ),
        history=writer.write_history(rows.history(), (before.transactions, after.transactions)),
    )


def _as_on_disk(columns: dict[str, AnyArray]) -> dict[str, AnyArray]:
    """Return the rows with the columns' own types."""
    return {
        column.path: columns[column.path].astype(
            np.dtype(column.dtype).newbyteorder("<"), copy=False
        )
        for column in SCHEMA
    }
