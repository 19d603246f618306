"""Merging runs beside the work, so that neither a batch nor a commit waits for it.

A merge is under way on a thread of its own from when `FAN_IN` runs of a level have gathered until
its file is on the device. Meanwhile the runs that it is made of are published and searched as they
are; the first commit after its end names it in their place. A crash before that leaves a file that
no manifest names, and the merge is made again.

The runs of single batches are many and small, those of higher levels few and as large as the
ledger, so the small have a thread for themselves. Where merging falls behind all the same, taking
in batches waits for it.

Merges of one level come in the order of their rows, each of the first `FAN_IN` runs, and do not
depend on those of other levels: when they happen has no influence on what they make in the end. But
how far they are when a manifest is written depends on the machine.
"""

from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, fields
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from arien_flows.ledger.disk import Disk
from arien_flows.ledger.files import run_path
from arien_flows.ledger.run_files import Pause
from arien_flows.ledger.run_merging import merge_runs
from arien_flows.ledger.sorted_runs import FAN_IN, RunName, merges_due

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Runs = TypeVar("Runs", bound="DataclassInstance")
"""The runs of a ledger: a field for each family, which holds their names in chain order."""

MOST_GATHERED = 3 * FAN_IN
"""With so many runs of one level, taking in batches waits until some of them are merged: one merge
is under way and two are due. A view maps each run, and every search looks into each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeStep:
    """How far one has come who waits for merges."""

    ended: int
    begun: int
    """Those that have ended included; the end of one may let another begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Merge:
    """Runs of one family that stand one behind the other and are made into one."""

    family: str
    due: tuple[RunName, ...]
    merged: Future[RunName]


def families_of(runs: "DataclassInstance") -> dict[str, tuple[RunName, ...]]:
    """Return the runs of each family."""
    return {field.name: getattr(runs, field.name) for field in fields(runs)}


class MergeStopped(Exception):  # noqa: N818 - nothing has gone wrong
    """A merge was told to stop."""


def _pause_until(stop: Event) -> Pause:
    def pause() -> None:
        if stop.is_set():
            raise MergeStopped

    return pause


class Merging:
    """The merges of one ledger that are under way."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._small = ThreadPoolExecutor(max_workers=1, thread_name_prefix="merger")
        self._large = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large merger")
        self._under_way: list[_Merge] = []
        self._ended = 0
        self._stop = Event()

    @property
    def step(self) -> MergeStep:
        """What has become of the merges, as far as `turn` has taken notice."""
        return MergeStep(ended=self._ended, begun=self._ended + len(self._under_way))

    @property
    def has_ended_any(self) -> bool:
        """Whether `turn` has something to take in, or to raise."""
        return any(merge.merged.done() for merge in self._under_way)

    @property
    def is_under_way(self) -> bool:
        """Whether there is anything to wait for."""
        return bool(self._under_way)

    def turn(self, runs: Runs) -> tuple[Runs, list[str]]:
        """Take in the merges that have ended, and begin those that are due.

        Returns the runs that stand now, and the files of those that were replaced. Raises, each
        time, what a merge has failed with.
        """
        standing = families_of(runs)
        replaced = []
        ended = [merge for merge in self._under_way if merge.merged.done()]
        for merge, merged in [(merge, merge.merged.result()) for merge in ended]:
            names = standing[merge.family]
            at = names.index(merge.due[0])
            standing[merge.family] = (*names[:at], merged, *names[at + len(merge.due) :])
            replaced += [run_path(merge.family, run) for run in merge.due]
            self._under_way.remove(merge)
            self._ended += 1
        for family, names in standing.items():
            self._begin(family, names)
        return type(runs)(**standing), replaced

    def _begin(self, family: str, names: tuple[RunName, ...]) -> None:
        busy = {merge.due[0].level for merge in self._under_way if merge.family == family}
        for place in merges_due(names):
            due = names[place]
            if due[0].level not in busy:
                worker = self._large if due[0].level else self._small
                pause = _pause_until(self._stop)
                merged = worker.submit(merge_runs, self._disk, family, due, pause)
                self._under_way.append(_Merge(family=family, due=due, merged=merged))

    def is_behind(self, runs: "DataclassInstance") -> bool:
        """Whether so many runs have gathered that no more should be added."""
        return any(
            count >= MOST_GATHERED
            for names in families_of(runs).values()
            for count in Counter(run.level for run in names).values()
        )

    def wait(self, seconds: float | None = None) -> None:
        """Wait until a merge has ended, or for so long."""
        wait([merge.merged for merge in self._under_way], seconds, FIRST_COMPLETED)

    def drop(self) -> None:
        """Stop all merges and remove what they have made and nobody has taken in."""
        self._stop.set()
        for merge in [merge for merge in self._under_way if not merge.merged.cancel()]:
            # What failed will fail again, and be told, when it is made again.
            if merge.merged.exception() is None:
                self._disk.remove(run_path(merge.family, merge.merged.result()))
        self._under_way = []
        self._stop = Event()

    def close(self) -> None:
        """Stop all merges and forget them; returns when nothing is written any more."""
        try:
            self.drop()
        finally:
            for worker in (self._small, self._large):
                worker.shutdown(cancel_futures=True)
