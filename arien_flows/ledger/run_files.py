"""The files of runs: laying them out, and writing those of a batch."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from arien_flows.ledger.disk import Disk
from arien_flows.ledger.files import run_path
from arien_flows.ledger.history import HistoryRun
from arien_flows.ledger.seals import checksum_in_pieces
from arien_flows.ledger.sorted_runs import RunName, sort_entries
from chains.types import Int64Array, UInt8Array, UInt32Array

Pause = Callable[[], None]
"""Called now and then during long work; may raise to end it."""


class RunFile:
    """A run's new file while it is being filled. Not durable until it is flushed."""

    def __init__(self, disk: Disk, family: str, name: RunName, entries: int, size: int) -> None:
        self.path = run_path(family, name)
        self._disk, self._name = disk, replace(name, entries=entries)
        self.bytes: UInt8Array = np.asarray(disk.allocate(self.path, max(size, 8)))

    def flush(self) -> None:
        """Bring what was filled in so far to the device."""
        self._disk.sync([self.path])

    def finish(self, pause: Pause) -> RunName:
        """Return the run's name with the checksum of what was filled in."""
        return replace(self._name, checksum=checksum_in_pieces(self.bytes, pause))


class KeyFile(RunFile):
    """A run of keys: the keys, then the numbers."""

    def __init__(self, disk: Disk, family: str, name: RunName, *, entries: int) -> None:
        super().__init__(disk, family, name, entries, 12 * entries)
        self.key: Int64Array = self.bytes[: 8 * entries].view("<i8")
        self.number: UInt32Array = self.bytes[8 * entries : 12 * entries].view("<u4")


class HistoryFile(RunFile):
    """A run of histories: the address count stands in its first word."""

    def __init__(self, disk: Disk, name: RunName, *, addresses: int, entries: int) -> None:
        sums = 8 * (2 + addresses)
        numbers = sums + 16 * entries
        size = numbers + 4 * (entries + addresses)
        super().__init__(disk, "history", name, entries, size)
        content = self.bytes
        content[:8].view("<i8")[0] = addresses
        self.run = HistoryRun(
            first=content[8:sums].view("<i8"),
            received_sat=content[sums : sums + 8 * entries].view("<i8"),
            sent_sat=content[sums + 8 * entries : numbers].view("<i8"),
            transaction=content[numbers : numbers + 4 * entries].view("<u4"),
            address=content[numbers + 4 * entries :].view("<u4"),
            limit=name.limit,
        )


class RunWriter:
    """Writes the runs of a batch and remembers which files are new."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self.written: list[str] = []

    def write_keys(
        self, family: str, *, key: Int64Array, number: UInt32Array, rows: tuple[int, int]
    ) -> tuple[RunName, ...]:
        """Write a run of keys; returns its name, or nothing where there are none."""
        if not len(key):
            return ()
        file = KeyFile(self._disk, family, _named(rows), entries=len(key))
        file.key[:], file.number[:] = sort_entries(key, number)
        return self._finished(file)

    def write_sorted(
        self, family: str, *, key: Int64Array, number: UInt32Array, rows: tuple[int, int]
    ) -> tuple[RunName, ...]:
        """Write a run of keys that stand in a run's order already."""
        if not len(key):
            return ()
        file = KeyFile(self._disk, family, _named(rows), entries=len(key))
        file.key[:], file.number[:] = key, number
        return self._finished(file)

    def write_history(self, run: HistoryRun, rows: tuple[int, int]) -> tuple[RunName, ...]:
        """Write a run of histories; returns its name."""
        file = HistoryFile(
            self._disk, _named(rows), addresses=len(run.address), entries=len(run.transaction)
        )
        for name in ("first", "received_sat", "sent_sat", "transaction", "address"):
            getattr(file.run, name)[:] = getattr(run, name)
        return self._finished(file)

    def _finished(self, file: RunFile) -> tuple[RunName, ...]:
        self.written.append(file.path)
        return (file.finish(lambda: None),)


def _named(rows: tuple[int, int]) -> RunName:
    return RunName(level=0, start=rows[0], end=rows[1], limit=rows[1], entries=0, checksum=0)
