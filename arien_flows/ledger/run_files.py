"""Writing the runs of a batch, and merging those that have gathered."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from arien_flows.errors import LedgerDamagedError
from arien_flows.ledger.disk import Disk
from arien_flows.ledger.files import map_array, map_history_run, map_key_run, run_path
from arien_flows.ledger.history import HistoryRun
from arien_flows.ledger.history_runs import merge_history_runs, merged_size
from arien_flows.ledger.seals import checksum
from arien_flows.ledger.sorted_runs import (
    RunName,
    live_entries,
    merge_key_runs,
    sort_entries,
)
from chains.types import Int64Array, UInt8Array, UInt32Array


class RunWriter:
    """Writes runs of one ledger and remembers which files are new."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self.written: list[str] = []

    @property
    def _root(self) -> Path:
        return self._disk.root

    def write_keys(
        self, family: str, *, key: Int64Array, number: UInt32Array, rows: tuple[int, int]
    ) -> tuple[RunName, ...]:
        """Write a run of keys; returns its name, or nothing where there are none."""
        if not len(key):
            return ()
        key, number = sort_entries(key, number)
        content = self._allocate(family, rows, 0, len(key), 12 * len(key))
        content.bytes[: 8 * len(key)].view("<i8")[:] = key
        content.bytes[8 * len(key) :].view("<u4")[:] = number
        return (content.finish(),)

    def write_history(self, run: HistoryRun, rows: tuple[int, int]) -> tuple[RunName, ...]:
        """Write a run of histories; returns its name."""
        content = self._allocate(
            "history",
            rows,
            0,
            len(run.transaction),
            _history_size(len(run.address), len(run.transaction)),
        )
        target = _history_arrays(content.bytes, len(run.address), len(run.transaction))
        for name in ("first", "received_sat", "sent_sat", "transaction", "address"):
            getattr(target, name)[:] = getattr(run, name)
        return (content.finish(),)

    def merge(self, family: str, due: Sequence[RunName]) -> RunName:
        """Write one run of several; `LedgerDamagedError` where one is not what was written."""
        for run in due:
            path = self._root / run_path(family, run)
            if checksum(map_array(path, "uint8", path.stat().st_size)) != run.checksum:
                raise LedgerDamagedError(
                    f"{path} is damaged: restore it from a copy, or remove the ledger and "
                    "ingest anew"
                )
        return self._merge_history(due) if family == "history" else self._merge_keys(family, due)

    def _merge_keys(self, family: str, due: Sequence[RunName]) -> RunName:
        sources = [map_key_run(self._root, family, run) for run in due]
        entries = sum(live_entries(source) for source in sources)
        content = self._allocate(family, _span(due), due[0].level + 1, entries, 12 * entries)
        merge_key_runs(
            sources,
            content.bytes[: 8 * entries].view("<i8"),
            content.bytes[8 * entries : 12 * entries].view("<u4"),
        )
        return content.finish()

    def _merge_history(self, due: Sequence[RunName]) -> RunName:
        sources = [map_history_run(self._root, run) for run in due]
        addresses, entries = merged_size(sources)
        content = self._allocate(
            "history", _span(due), due[0].level + 1, entries, _history_size(addresses, entries)
        )
        merge_history_runs(sources, _history_arrays(content.bytes, addresses, entries))
        return content.finish()

    def _allocate(
        self, family: str, rows: tuple[int, int], level: int, entries: int, size: int
    ) -> "_Content":
        name = RunName(
            level=level, start=rows[0], end=rows[1], limit=rows[1], entries=entries, checksum=0
        )
        path = run_path(family, name)
        self.written.append(path)
        return _Content(name, np.asarray(self._disk.allocate(path, max(size, 8))))


class _Content:
    """A run file while it is being filled."""

    def __init__(self, name: RunName, content: UInt8Array) -> None:
        self._name = name
        self.bytes = content

    def finish(self) -> RunName:
        """Return the run's name with the checksum of what was filled in."""
        name = self._name
        return RunName(
            level=name.level,
            start=name.start,
            end=name.end,
            limit=name.limit,
            entries=name.entries,
            checksum=checksum(self.bytes),
        )


def _span(runs: Sequence[RunName]) -> tuple[int, int]:
    """Return the rows of a merged run.

    After a roll-back the last run may have been written for more rows than count; its limit is
    where the next run begins.
    """
    return runs[0].start, runs[-1].limit


def _history_size(addresses: int, entries: int) -> int:
    return 8 * (2 + addresses) + 20 * entries + 4 * addresses


def _history_arrays(content: UInt8Array, addresses: int, entries: int) -> HistoryRun:
    """Return a run's arrays inside its file; writes the address count to its first word."""
    sums = 8 * (2 + addresses)
    numbers = sums + 16 * entries
    content[:8].view("<i8")[0] = addresses
    return HistoryRun(
        first=content[8:sums].view("<i8"),
        received_sat=content[sums : sums + 8 * entries].view("<i8"),
        sent_sat=content[sums + 8 * entries : numbers].view("<i8"),
        transaction=content[numbers : numbers + 4 * entries].view("<u4"),
        address=content[numbers + 4 * entries :].view("<u4"),
        limit=0,
    )
