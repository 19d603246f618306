"""Ledgers on disk: filling them in chosen batches, and comparing them byte by byte."""

import itertools
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Event

import numpy as np

from arien_flows.ledger.disk import Disk
from arien_flows.ledger.files import column_elements, run_path
from arien_flows.ledger.manifest import Manifest, read_manifest
from arien_flows.ledger.schema import SCHEMA
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.networks import REGTEST
from tests.ledgers import batch_of


def cut(blocks: Sequence[bytes], sizes: Iterable[int]) -> list[Sequence[bytes]]:
    """Cut blocks into batches of these sizes; the last takes the rest."""
    batches, start = [], 0
    for size in sizes:
        batches.append(blocks[start : start + size])
        start += size
    return [batch for batch in [*batches, blocks[start:]] if batch]


class QuickDisk(Disk):
    """Does not wait for the device: tests of what is written need not survive a power cut."""

    def _flush(self, targets: Sequence[Path]) -> None:
        pass


class SlowDisk(QuickDisk):
    """Takes its time for each step of a merge."""

    def __init__(self, root: Path, seconds: float) -> None:
        super().__init__(root)
        self.seconds, self.begun = seconds, Event()

    def sync(self, paths: Iterable[str]) -> None:
        paths = list(paths)
        if any(path.startswith("index/") and "/00-" not in path for path in paths):
            self.begun.set()
            time.sleep(self.seconds)
        super().sync(paths)


class CountingDisk(QuickDisk):
    """Counts the operations of `PowerCutDisk`, to know where a cut can fall."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._counted = itertools.count()

    @property
    def operations(self) -> int:
        return next(self._counted)

    def __getattribute__(self, name: str):
        if name in {"write", "allocate", "write_words", "replace", "remove"}:
            next(self._counted)
        return super().__getattribute__(name)

    def sync(self, paths) -> None:
        paths = list(paths)
        for _ in paths:
            next(self._counted)
        super().sync(paths)


def fill(root: Path, batches: Iterable[Sequence[bytes]], disk: Disk | None = None) -> None:
    with LedgerWriter(root, REGTEST, disk or QuickDisk(root)) as writer:
        for blocks in batches:
            writer.append(batch_of(blocks))
        writer.finish_merges()


def manifest_of(root: Path) -> Manifest:
    manifest = read_manifest(root)
    assert manifest is not None
    return manifest


def columns_of(root: Path) -> dict[str, bytes]:
    """Return every column up to the counts; what no view can see does not count.

    A spender past the end of the ledger reads as unspent, but none may be left behind at rest.
    """
    manifest = manifest_of(root)
    columns = {}
    for column in SCHEMA:
        rows = getattr(manifest.counts, column.table)
        elements = column_elements(column, rows, manifest.byte_counts)
        size = elements * np.dtype(column.dtype).itemsize
        columns[column.path] = (root / column.path).read_bytes()[:size]
        assert len(columns[column.path]) == size
    return columns


def everything_of(root: Path) -> dict[str, bytes]:
    """Return columns, runs and manifest: all that a ledger consists of."""
    manifest = manifest_of(root)
    runs = {
        path: (root / path).read_bytes()
        for family in ("transactions", "addresses", "reveals", "history")
        for run in getattr(manifest.runs, family)
        for path in [run_path(family, run)]
    }
    return columns_of(root) | runs | {"manifest": manifest.encode()}
