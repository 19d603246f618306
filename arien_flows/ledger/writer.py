"""The one writer of a ledger: takes batches in, takes blocks back, and recovers what was cut off.

Batches are staged (`staging`) and a commit publishes all that are, in four steps, each durable
before the next begins: the new rows and runs are on the device; a note says that words may now be
written in place; they are; the manifest is replaced. A crash before the last step leaves the ledger
as it was, because nobody reads past the manifest's counts, and the next writer takes the words back
(`undo`). A roll-back is the same with counts that fall: the note, the manifest with its generation
raised, then the words.

When commits happen and how fast the disk is have no influence on the columns: the same blocks cut
into the same batches give the same bytes. How far the indexes are merged is a matter of time,
unless one waits for it (`finish_merges`): then they are the same, too. After a roll-back they may
still be filed in other runs, and say the same.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from threading import Event
from time import monotonic
from types import TracebackType

import numpy as np

from arien_flows.errors import InputError, LedgerDamagedError, LedgerError
from arien_flows.ledger.append import NewRows, build_rows
from arien_flows.ledger.beginning import first_height
from arien_flows.ledger.disk import Disk
from arien_flows.ledger.files import RUN_FOLDERS, map_array, run_path
from arien_flows.ledger.lock import exclusive
from arien_flows.ledger.manifest import INTENT, MANIFEST, Manifest, read_manifest
from arien_flows.ledger.merging import MergeStep
from arien_flows.ledger.new_addresses import ExternalOutputs
from arien_flows.ledger.numbering import Locks
from arien_flows.ledger.preparing import PreparedBatch, prepare
from arien_flows.ledger.resident import Resident
from arien_flows.ledger.schema import SCHEMA
from arien_flows.ledger.seals import SEALS, WORDS, counts_of
from arien_flows.ledger.staging import Staging
from arien_flows.ledger.undo import SPENDER, counts_at, rolled_back, undo_spends
from arien_flows.ledger.validity import check_chain, check_first_height, check_subsidies
from arien_flows.ledger.view import Counts, View
from chains.bitcoin.networks import Network
from chains.tables import BlockBatch, SpentOutputs
from chains.types import Int64Array

LEAST_SPENDS = 1 << 22
SPENDS_SHARE = 32
"""A commit is due when so many spends are staged, or one for so many outputs of the ledger."""

LONGEST_STAGING_SECONDS = 60.0
STAGING_TIMES = 4
"""After a minute a commit is due in any case, or after four times what the last one took; so much
work is lost at most when the writer is killed."""

LOOK_SECONDS = 0.2
"""How often whoever waits for merges looks whether to stop."""


class LedgerWriter:
    """Holds a ledger for writing from `open` to `close`; use it as a context manager."""

    def __init__(self, root: Path, network: Network, disk: Disk | None = None) -> None:
        """Open the ledger in `root`, or begin one.

        Raises
        ------
        LedgerLockedError
            Another process holds it.
        LedgerVersionError
            A newer or an earlier version of the program wrote it.
        InputError
            It is the ledger of another network.
        """
        self._disk = disk or Disk(root)
        self._lock = exclusive(root)
        self._lock.__enter__()
        self._usable = self._can_commit = True
        self._committed_at = monotonic()
        self._commit_seconds = 0.0
        self._resident: Resident | None = None
        self._staging: Staging | None = None
        try:
            self._manifest = self._opened(network)
            self._recover()
            self._remove_orphans()
            self._staging = Staging(self._disk, self._manifest)
            self._view = self._staging.view
            self._first_height = first_height(self._view)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "LedgerWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the ledger; what was staged and not committed is dropped."""
        self._usable = False
        self._can_commit = False
        try:
            if self._staging is not None:
                self._staging.close()
        finally:
            self._lock.__exit__(None, None, None)

    @property
    def view(self) -> View:
        """What is committed."""
        return self._view

    @property
    def counts(self) -> Counts:
        """Rows that were taken in, staged ones included."""
        return self._staged.counts

    @property
    def first_height(self) -> int:
        """Where the ledger begins, or would begin with the next block."""
        return self._first_height

    @property
    def next_height(self) -> int:
        """The height of the block that comes next, after those that are staged."""
        return self._first_height + self.counts.blocks

    @property
    def _staged(self) -> Staging:
        assert self._staging is not None  # noqa: S101 - set by __init__
        return self._staging

    def begin_at(self, height: int) -> None:
        """Let an empty ledger begin at a height; `InputError` where it begins elsewhere."""
        if height < 0:
            raise InputError(f"a ledger cannot begin at block {height}; heights start at 0")
        if self.counts.blocks and height != self._first_height:
            raise InputError(
                f"the ledger in {self._disk.root} begins at block {self._first_height}, not at "
                f"{height}: leave --from away to continue it, or name another folder with --data"
            )
        self._first_height = height

    def append(self, batch: BlockBatch, spent: SpentOutputs | None = None) -> None:
        """Stage blocks and commit."""
        self.stage(self.prepare(batch, spent))
        self.commit()

    def prepare(self, batch: BlockBatch, spent: SpentOutputs | None = None) -> PreparedBatch:
        """Do for a batch what can be done before those that it follows are staged.

        A ledger that begins late needs to be told what the blocks spend. May run on any thread.
        """
        return prepare(batch, self._external(batch, spent))

    def stage(self, prepared: PreparedBatch) -> None:
        """Take in blocks that follow the last one; the next commit makes them part of the ledger.

        After any error nothing more can be staged; what was before can still be committed, and a
        new writer goes on.

        Raises
        ------
        SourceError
            The blocks do not follow, or break a rule that every valid chain keeps.
        StorageFullError
            The device is full; nothing that was committed is lost.
        """
        with self._spent_unless_done():
            batch, base = prepared.batch, self._staged.view
            heights = np.arange(
                self.next_height, self.next_height + batch.block_count, dtype=np.uint32
            )
            check_chain(batch.header, base, self._first_height)
            if self._first_height and not base.counts.blocks:
                check_first_height(batch, self._first_height, base.network)
            resident = self._resident or Resident.of(base)
            rows = build_rows(prepared, base, resident, heights=heights)
            check_subsidies(batch, rows.columns["transactions/fee"], heights, base.network)
            self._staged.add(rows)
            self._resident = resident

    def append_rows(self, rows: NewRows) -> None:
        """Commit rows that follow the last ones, as another ledger exported them.

        Only that their headers continue the chain is checked here; `verify` checks the rest.
        """
        with self._spent_unless_done():
            check_chain(rows.columns["blocks/header"], self._view, self._first_height)
            self._resident = None
            self._staged.add(rows)
        self.commit()

    @property
    def commit_is_due(self) -> bool:
        """Whether enough is staged to be worth a sweep over the column of spenders.

        A sweep writes at most the whole column; with one for every 32nd part of it that is spent, a
        spend costs at most 128 bytes of writing, however large the ledger grows. Where that takes
        long to gather, time decides, but commits never take more than a fifth of it.
        """
        least = max(LEAST_SPENDS, self.counts.outputs // SPENDS_SHARE)
        longest = max(LONGEST_STAGING_SECONDS, STAGING_TIMES * self._commit_seconds)
        return monotonic() - self._committed_at > longest or self._staged.spend_count >= least

    def commit(self) -> None:
        """Publish everything that is staged.

        Raises
        ------
        StorageFullError
            The device is full; the ledger is as it was at the last commit.
        LedgerError
            An earlier commit failed. What it could not bring to the device may be lost, although
            the system reports that only once; so the ledger must be opened again.
        """
        if not self._can_commit:
            raise LedgerError("the ledger was closed by an earlier error: open it again")
        staged, begun = self._staged, monotonic()
        self._committed_at = begun
        if staged.is_empty:
            return
        self._can_commit = False
        manifest = staged.make_durable()
        self._note(manifest.counts)
        for outputs, spenders in staged.spends.in_order():
            self._disk.write_words(SPENDER, outputs, spenders)
        self._disk.sync([SPENDER])
        self._publish(manifest)
        self._disk.remove(INTENT)
        replaced = staged.replaced
        staged.begin(manifest)
        self._view = staged.view
        for path in replaced:
            self._disk.remove(path)
        self._committed_at = monotonic()
        self._commit_seconds = self._committed_at - begun
        self._can_commit = True

    def finish_merges(
        self,
        stop: Event | None = None,
        report: Callable[[MergeStep], None] = lambda _step: None,
    ) -> None:
        """Commit, and stay until all runs that have gathered are merged, or until `stop` is set.

        For the end of a long ingest, and for whoever opens a ledger again and again for a few
        blocks: merges that are under way when it is closed are given up. `report` hears of each
        change, and of nothing where nothing has to be waited for.
        """
        merging = self._staged.merging
        self._staged.settle()
        self.commit()
        told: MergeStep | None = None
        while merging.is_under_way and not (stop is not None and stop.is_set()):
            if merging.step != told:
                told = merging.step
                report(told)
            merging.wait(LOOK_SECONDS)
            self.commit()
        if told not in (None, merging.step):
            report(merging.step)

    def roll_back(self, height: int) -> None:
        """Remove all blocks above `height`; -1, or the height before its first, empties the ledger.

        A ledger that is emptied begins where it began until the writer is closed.
        """
        self.commit()
        first, last = self._first_height, self.next_height - 1
        if height != -1 and not first - 1 <= height <= last:
            raise InputError(
                f"the ledger holds blocks {first} to {last}; there is no height {height}"
            )
        if height == last or not self._view.counts.blocks:
            return
        with self._spent_unless_done():
            reached = self._view.counts
            counts = counts_at(self._view, height)
            self._staged.merging.drop()
            if self._resident is not None:
                self._resident.roll_back(self._view, counts)
            segments, sealed = self._whole_segments(counts)
            manifest = rolled_back(self._manifest, self._view, counts, sealed)
            self._note(reached)
            self._publish(replace(manifest, segments=segments))
            self._recover()
            self._staged.begin(self._manifest)
            self._view = self._staged.view

    def _external(self, batch: BlockBatch, spent: SpentOutputs | None) -> ExternalOutputs | None:
        """Return what to take for outputs from before a ledger that begins late."""
        if not self._first_height:
            return None
        if spent is None:
            raise ValueError("a ledger that begins late must be told what its blocks spend")
        return ExternalOutputs(
            value_sat=spent.value,
            locks=Locks(
                source=batch.raw,
                script_type=spent.script_type,
                start=spent.payload_start,
                length=spent.payload_length,
            ),
        )

    @contextmanager
    def _spent_unless_done(self) -> Iterator[None]:
        if not (self._usable and self._can_commit):
            raise LedgerError("the ledger was closed by an earlier error: open it again")
        self._usable = False
        yield
        self._usable = True

    # --- opening

    def _opened(self, network: Network) -> Manifest:
        manifest = read_manifest(self._disk.root)
        if manifest is None:
            for column in SCHEMA:
                start = np.zeros(1 if column.shape == "offsets" else 0, dtype=column.dtype)
                self._disk.write(column.path, 0, start)
            self._disk.write(SEALS, 0, np.empty(0, dtype="<i8"))
            self._disk.sync([SEALS, *(column.path for column in SCHEMA)])
            manifest = Manifest(network=network.name)
            self._publish(manifest)
        if manifest.network != network.name:
            raise InputError(
                f"{self._disk.root} holds the ledger of {manifest.network}, not of "
                f"{network.name}: choose another data folder or network"
            )
        return manifest

    # --- publishing

    def _whole_segments(self, counts: Counts) -> tuple[int, Counts]:
        """Return how many batches end at or below `counts`, and where the last of them ends."""
        rows = self._seal_rows()
        whole = int(np.searchsorted(rows[:, 0], counts.blocks, side="right")) if len(rows) else 0
        return whole, counts_of(rows[whole - 1]) if whole else Counts()

    def _seal_rows(self) -> Int64Array:
        words = map_array(self._disk.root / SEALS, "int64", self._manifest.segments * WORDS)
        return words.reshape(-1, WORDS)

    def _note(self, reached: Counts) -> None:
        self._disk.replace(INTENT, json.dumps(asdict(reached), sort_keys=True).encode())

    def _publish(self, manifest: Manifest) -> None:
        self._disk.replace(MANIFEST, manifest.encode())
        self._manifest = manifest

    def _remove_orphans(self) -> None:
        """Remove run files that no manifest names: an interrupted commit has left them."""
        for family, folder in RUN_FOLDERS.items():
            named = {run_path(family, run) for run in getattr(self._manifest.runs, family)}
            for file in sorted((self._disk.root / folder).glob("*")):
                path = f"{folder}/{file.name}"
                if path not in named:
                    self._disk.remove(path)

    def _recover(self) -> None:
        """Take back what an interrupted commit or roll-back wrote in place."""
        note = self._disk.root / INTENT
        if not note.exists():
            return
        try:
            reached = Counts(**json.loads(note.read_bytes()))
        except (ValueError, TypeError) as error:
            raise LedgerDamagedError(
                f"{note} is unreadable: restore the ledger from a copy, or remove it and "
                "ingest anew"
            ) from error
        undo_spends(self._disk, self._manifest.counts, reached)
        self._disk.remove(INTENT)
