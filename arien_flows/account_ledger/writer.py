"""The one writer of an account ledger: takes batches in, takes blocks back.

All columns are appended to and nothing is written in place, so a batch costs the same however large
the ledger is. A batch is *staged*: its rows are written past the ends that the manifest names, and
its runs as new files. A commit brings them to the device and then replaces the manifest at one
stroke. Whatever interrupts the writer leaves the ledger as of the last commit: nobody reads past
the manifest's counts, and the next writer writes over what lies there. A roll-back lowers the
counts and raises the generation.

The same blocks give the same columns, however they were cut into batches and whatever was rolled
back in between; only in which block what a node says of balances shows (`balances`) can depend on
the cuts. How far the indexes are merged is a matter of time, unless one waits for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from time import monotonic
from types import TracebackType

import numpy as np

from arien_flows.account_ledger.disk_view import (
    mapped_columns,
    mapped_runs,
    open_account_view,
)
from arien_flows.account_ledger.known_accounts import NULL_ROW, KnownAccounts
from arien_flows.account_ledger.manifest import (
    AccountManifest,
    AccountRuns,
    read_account_manifest,
)
from arien_flows.account_ledger.rolling_back import rows_at, whole_segments
from arien_flows.account_ledger.rows import (
    KnownAssets,
    NewAccountRows,
    NumberedBatch,
    new_rows,
    numbered,
)
from arien_flows.account_ledger.schema import ACCOUNT_SCHEMA, FAMILIES, UNKNOWN_DECIMALS, Rows
from arien_flows.account_ledger.seals import SEALS, WORDS, seal, stretch
from arien_flows.account_ledger.view import AccountView
from arien_flows.errors import InputError, LedgerError, SourceError
from arien_flows.ledger.disk import Disk
from arien_flows.ledger.files import INDEX, map_array, run_path
from arien_flows.ledger.lock import exclusive
from arien_flows.ledger.manifest import MANIFEST
from arien_flows.ledger.merging import Merging, families_of
from arien_flows.ledger.run_files import RunWriter
from arien_flows.ledger.sorted_runs import cut_runs
from chains.account_source import AssetClaim
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.tables import (
    NO_ACCOUNT,
    AccountBatch,
    MovementKind,
    OpeningCoverage,
)
from chains.types import Int64Array

LONGEST_STAGING_SECONDS = 10.0
"""After so long a commit is due; so much work is lost at most when the writer is killed."""

LOOK_SECONDS = 0.2

Claims = Callable[[Sequence[bytes]], Sequence[AssetClaim]]
"""Returns what contracts say of themselves, one claim for each."""


def nothing_claimed(contracts: Sequence[bytes]) -> list[AssetClaim]:
    """Return that contracts say nothing."""
    return [AssetClaim(contract, "", "", None) for contract in contracts]


class AccountLedgerWriter:
    """Holds a ledger for writing from `open` to `close`; use it as a context manager."""

    _view: AccountView | None
    _replaced: list[str]
    """Run files that have served once the staged rows are published."""

    _unsynced: list[str]
    """Run files that are not on the device yet."""

    def __init__(
        self,
        root: Path,
        network: EthereumNetwork,
        disk: Disk | None = None,
    ) -> None:
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
        self._usable = True
        self._merging: Merging | None = None
        try:
            self._published = self._staged = self._opened(network)
            self._remove_orphans()
            self._merging = Merging(self._disk)
            self._begin()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "AccountLedgerWriter":
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
        try:
            if self._merging is not None:
                self._merging.close()
        finally:
            self._lock.__exit__(None, None, None)

    # --- what there is

    @property
    def view(self) -> AccountView:
        """What is committed or staged."""
        if self._view is None:
            self._view = open_account_view(self._disk.root, self._staged)
        return self._view

    @property
    def rows(self) -> Rows:
        """Rows that were taken in, staged ones included."""
        return self._staged.rows

    @property
    def next_height(self) -> int | None:
        """The height of the block that comes next; nothing where the ledger is empty."""
        return self.view.tip.height + 1 if self.rows.blocks else None

    # --- taking in

    def append(
        self,
        batch: AccountBatch,
        claims: Claims = nothing_claimed,
        *,
        openings: OpeningCoverage | None = None,
        marked: Sequence[tuple[bytes, int]] = (),
    ) -> None:
        """Stage blocks and commit; see `stage`."""
        self.stage(batch, claims, openings=openings, marked=marked)
        self.commit()

    def stage(
        self,
        batch: AccountBatch,
        claims: Claims = nothing_claimed,
        *,
        openings: OpeningCoverage | None = None,
        marked: Sequence[tuple[bytes, int]] = (),
    ) -> None:
        """Take in blocks that follow the last one; the next commit makes them part of the ledger.

        `claims` is asked about the contracts of new tokens. `openings` says whether accounts have
        what they held before the ledger; without it they have where it begins with the genesis
        block. `marked` are contracts of tokens whose transfers do not tell their balances, with the
        block of the batch in which that showed.

        Raises
        ------
        SourceError
            The blocks do not follow.
        StorageFullError
            The device is full; nothing that was committed is lost.
        """
        if not self._usable:
            raise LedgerError("the ledger was closed by an earlier error: open it again")
        self._check_follows(batch)
        it, keys = self._numbered(batch)
        # A source that fails here leaves the ledger as it was.
        said = self._said(it, claims)
        self._usable = False
        self._turn_merges()
        self._write(self._new_rows(it, keys, said, openings, marked))
        self._usable = True

    @property
    def commit_is_due(self) -> bool:
        """Whether the last commit is long enough ago."""
        return monotonic() - self._committed_at > LONGEST_STAGING_SECONDS

    def commit(self) -> None:
        """Publish everything that is staged.

        Raises
        ------
        StorageFullError
            The device is full; the ledger is as it was at the last commit.
        """
        if not self._usable:
            raise LedgerError("the ledger was closed by an earlier error: open it again")
        self._committed_at = monotonic()
        if self._staged == self._published:
            return
        self._usable = False
        self._disk.sync([SEALS, *(column.path for column in ACCOUNT_SCHEMA), *self._unsynced])
        self._publish(self._staged)
        for path in self._replaced:
            self._disk.remove(path)
        self._replaced, self._unsynced = [], []
        self._usable = True

    def finish_merges(self, stop: Event | None = None) -> None:
        """Commit, and stay until all runs that have gathered are merged, or `stop` is set."""
        self._turn_merges()
        self.commit()
        merging = self._merges
        while merging.is_under_way and not (stop is not None and stop.is_set()):
            merging.wait(LOOK_SECONDS)
            self._turn_merges()
            self.commit()

    def roll_back(self, height: int) -> None:
        """Remove all blocks above `height`; -1, or the height before its first, empties it."""
        self.commit()
        if not self.rows.blocks:
            if height != -1:
                raise InputError("the ledger is empty: there is nothing to remove")
            return
        view = self.view
        first, last = int(view.blocks.height[0]), view.tip.height
        if height != -1 and not first - 1 <= height <= last:
            raise InputError(
                f"the ledger holds blocks {first} to {last}; there is no height {height}"
            )
        if height == last:
            return
        self._usable = False
        columns = mapped_columns(self._disk.root, self._published)
        kept = rows_at(columns, self._published, max(0, height - first + 1))
        self._merges.drop()
        segments, sealed = whole_segments(self._seal_words(), kept)
        runs, rows = self._published.runs, kept
        self._publish(
            replace(
                self._published,
                generation=self._published.generation + 1,
                rows=rows,
                runs=AccountRuns(
                    transactions=cut_runs(runs.transactions, rows.transactions),
                    addresses=cut_runs(runs.addresses, rows.accounts),
                    touches=cut_runs(runs.touches, rows.transactions),
                ),
                segments=segments,
                sealed=sealed,
            )
        )
        self._remove_orphans()
        self._begin()
        self._usable = True

    # --- inside

    @property
    def _merges(self) -> Merging:
        assert self._merging is not None  # noqa: S101 - set by __init__
        return self._merging

    def _begin(self) -> None:
        """Begin anew from what is published."""
        self._staged = self._published
        self._view = None
        self._known = KnownAccounts()
        self._assets = KnownAssets(self.view.assets.contract)
        self._replaced, self._unsynced = [], []
        self._committed_at = monotonic()

    def _opened(self, network: EthereumNetwork) -> AccountManifest:
        manifest = read_account_manifest(self._disk.root)
        if manifest is None:
            manifest = self._made(network)
        if manifest.network != network.name:
            raise InputError(
                f"{self._disk.root} holds the ledger of {manifest.network}, not of "
                f"{network.name}: choose another data folder or network"
            )
        return manifest

    def _made(self, network: EthereumNetwork) -> AccountManifest:
        """Write an empty ledger: only the null address and the native coin are in it."""
        first = {
            "accounts/address": NULL_ROW,
            "blocks/first_account": np.array([1], "<i8"),
            "assets/first_byte": np.array([0, 0], "<i8"),
            "assets/contract": np.array([NO_ACCOUNT], "<u4"),
            "assets/standard": np.array([MovementKind.CALL], np.uint8),
            "assets/first_movement": np.array([-1], "<i8"),
            "assets/decimals": np.array([UNKNOWN_DECIMALS], "<i2"),
            "assets/name_byte": np.array([0], "<i8"),
        }
        for column in ACCOUNT_SCHEMA:
            start = np.zeros(1 if column.is_offsets else 0, dtype=column.dtype)
            self._disk.write(column.path, 0, first.get(column.path, start))
        self._disk.write(SEALS, 0, np.empty(0, dtype="<i8"))
        self._disk.sync([SEALS, *(column.path for column in ACCOUNT_SCHEMA)])
        begun = Rows(accounts=1, assets=1)
        manifest = AccountManifest(network=network.name, rows=begun, sealed=begun)
        self._publish(manifest)
        return manifest

    def _publish(self, manifest: AccountManifest) -> None:
        self._disk.replace(MANIFEST, manifest.encode())
        self._published = manifest

    def _check_follows(self, batch: AccountBatch) -> None:
        if not batch.block_count:
            return
        heights = batch.height
        if self.rows.blocks:
            tip = self.view.blocks
            expected, parent = int(tip.height[-1]) + 1, tip.block_hash[-1:]
        else:
            expected, parent = int(heights[0]), batch.parent_hash[:1]
        if (heights != np.arange(expected, expected + len(heights))).any():
            raise SourceError(
                f"the source delivered block {int(heights[0])} where block {expected} comes next"
            )
        broken = (batch.parent_hash != np.concatenate([parent, batch.block_hash[:-1]])).any(axis=1)
        if broken.any():
            height = int(heights[np.flatnonzero(broken)[0]])
            raise SourceError(
                f"block {height} does not follow the block before it: the hash that it names as "
                "its parent's is another"
            )

    def _numbered(self, batch: AccountBatch) -> tuple[NumberedBatch, Int64Array]:
        """Return a batch with the numbers of its accounts and assets, and its addresses' keys."""
        runs = mapped_runs(self._disk.root, self._staged)["addresses"]
        known, keys = self._known.find(batch.address, self.view.addresses, runs)
        return numbered(batch, known, self.rows.accounts, self._assets), keys

    def _said(self, it: NumberedBatch, claims: Claims) -> Sequence[AssetClaim]:
        """Ask what the contracts of new assets say of themselves."""
        held = self.rows.accounts
        contracts = [
            (
                it.new_accounts[number - held] if number >= held else self.view.addresses[number]
            ).tobytes()
            for number in it.new_contracts.tolist()
        ]
        return claims(contracts) if contracts else []

    def _new_rows(
        self,
        it: NumberedBatch,
        keys: Int64Array,
        said: Sequence[AssetClaim],
        openings: OpeningCoverage | None,
        marked: Sequence[tuple[bytes, int]],
    ) -> NewAccountRows:
        batch = it.batch
        if openings is None:
            first = self.view.blocks.height[:1] if self.rows.blocks else batch.height[:1]
            openings = OpeningCoverage.MISSING if first.any() else OpeningCoverage.KNOWN
        self._assets.add(it.new_contracts)
        places = {address.tobytes(): n for n, address in enumerate(batch.address)} if marked else {}
        found = [
            (
                int(self._assets.find(it.numbers[places[contract] : places[contract] + 1])[0]),
                self.rows.blocks + block,
            )
            for contract, block in marked
        ]
        self._known.met(keys, it.numbers)
        return new_rows(it, self.rows, claims=said, openings=openings, marked=found)

    def _write(self, new: NewAccountRows) -> None:
        """Write the rows, runs and checksums of a batch."""
        before = self._staged
        for column in ACCOUNT_SCHEMA:
            lead = 1 if column.is_offsets else 0
            offset = (getattr(before.rows, column.table) + lead) * column.row_bytes
            self._disk.write(column.path, offset, new.columns[column.path])
        writer = RunWriter(self._disk)
        runs = self._write_runs(new, writer)
        self._unsynced += writer.written
        self._staged = replace(
            before,
            rows=new.rows,
            runs=AccountRuns(
                **{name: getattr(before.runs, name) + getattr(runs, name) for name in FAMILIES}
            ),
            segments=before.segments + self._write_seals(new, before),
            sealed=new.rows,
        )
        self._view = None

    def _write_runs(self, new: NewAccountRows, writer: RunWriter) -> AccountRuns:
        start, stop = new.before, new.rows
        transactions = (start.transactions, stop.transactions)
        return AccountRuns(
            transactions=writer.write_keys(
                "transactions",
                key=new.hash_keys,
                number=np.arange(*transactions, dtype=np.uint32),
                rows=transactions,
            ),
            addresses=writer.write_keys(
                "addresses",
                key=new.address_keys,
                number=np.arange(start.accounts, stop.accounts, dtype=np.uint32),
                rows=(start.accounts, stop.accounts),
            ),
            touches=writer.write_sorted(
                "touches", key=new.touches.key, number=new.touches.transaction, rows=transactions
            ),
        )

    def _write_seals(self, new: NewAccountRows, before: AccountManifest) -> int:
        """Append the checksums of a batch; return how many rows of them were added."""
        words = [seal(new.rows, new.columns)]
        if before.sealed != before.rows:
            # Only after a roll-back into the middle of a batch, and so only for the first batch.
            rest = stretch(mapped_columns(self._disk.root, before), before.sealed, before.rows)
            words.insert(0, seal(before.rows, rest))
        self._disk.write(SEALS, before.segments * WORDS * 8, np.concatenate(words))
        return len(words)

    def _seal_words(self) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
        words = map_array(self._disk.root / SEALS, "int64", self._published.segments * WORDS)
        return words.reshape(-1, WORDS)

    def _turn_merges(self) -> None:
        """Take in merges that have ended; wait where they fall behind."""
        merging = self._merges
        runs, replaced = merging.turn(self._staged.runs)
        while merging.is_behind(runs):
            merging.wait()
            runs, more = merging.turn(runs)
            replaced += more
        if runs != self._staged.runs:
            self._staged = replace(self._staged, runs=runs)
            self._replaced += replaced
            self._view = None

    def _remove_orphans(self) -> None:
        """Remove run files that no manifest names: an interrupted commit has left them."""
        for family, names in families_of(self._published.runs).items():
            named = {run_path(family, run) for run in names}
            for file in sorted((self._disk.root / INDEX / family).glob("*")):
                path = f"{INDEX}/{family}/{file.name}"
                if path not in named:
                    self._disk.remove(path)
