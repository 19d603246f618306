"""Merges beside the work: nobody waits for them, and nothing depends on when they end."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from threading import Event

import pytest

from arien_flows.errors import StorageFullError
from arien_flows.ledger import merging, sorted_runs
from arien_flows.ledger.disk import Disk
from arien_flows.ledger.files import RUN_FOLDERS, run_path
from arien_flows.ledger.ingest import catch_up
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.sorted_runs import FAN_IN
from arien_flows.ledger.verify import verify
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.networks import REGTEST
from chains.types import UInt8Array
from tests.arien_flows.ledger.chains import random_chain
from tests.arien_flows.ledger.late import ChainSource
from tests.arien_flows.ledger.power_cut import PowerCutDisk, PowerCutError
from tests.arien_flows.ledger.stores import (
    CountingDisk,
    QuickDisk,
    SlowDisk,
    columns_of,
    everything_of,
    fill,
    manifest_of,
)
from tests.ledgers import batch_of


class HeldDisk(QuickDisk):
    """Lets no merge begin to write before it is told to."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reached, self.released = Event(), Event()

    def allocate(self, path: str, size: int) -> UInt8Array:
        if "/00-" not in path:
            self.reached.set()
            assert self.released.wait(60)
        return super().allocate(path, size)


@pytest.fixture
def blocks() -> list[bytes]:
    return random_chain(Random(21), FAN_IN + 5).blocks


def run_files(root: Path) -> set[str]:
    return {
        f"{folder}/{file.name}"
        for folder in RUN_FOLDERS.values()
        for file in (root / folder).glob("*")
    }


def named_files(root: Path) -> set[str]:
    runs = manifest_of(root).runs
    return {run_path(family, run) for family in RUN_FOLDERS for run in getattr(runs, family)}


def levels(root: Path) -> Counter[int]:
    """Return how many runs of each level the history has."""
    return Counter(run.level for run in manifest_of(root).runs.history)


def single(blocks: list[bytes]) -> Iterator[list[bytes]]:
    return ([block] for block in blocks)


def test_commit__does_not_wait_for_a_merge_and_a_later_one_takes_it_in(
    tmp_path: Path, blocks: list[bytes]
) -> None:
    root, disk = tmp_path / "ledger", HeldDisk(tmp_path / "ledger")
    with LedgerWriter(root, REGTEST, disk) as writer:
        for count, block in enumerate(blocks[:-1], start=1):
            writer.append(batch_of([block]))
            assert Ledger(root).view().counts.blocks == count
            assert levels(root) == {0: count}
        assert disk.reached.wait(60)
        assert verify(Ledger(root)).ok
        disk.released.set()
        while not writer._staged.merging.has_ended_any:
            writer._staged.merging.wait()
        writer.append(batch_of(blocks[-1:]))
        assert levels(root)[1] + levels(root)[0] <= len(blocks)
        writer.finish_merges()
        assert levels(root) == {1: 1, 0: len(blocks) - FAN_IN}
        assert run_files(root) == named_files(root)
    fill(tmp_path / "whole", single(blocks))
    assert everything_of(root) == everything_of(tmp_path / "whole")
    assert verify(Ledger(root)).ok


def test_roll_back__gives_up_merges_of_what_it_cuts(tmp_path: Path, blocks: list[bytes]) -> None:
    root, disk = tmp_path / "ledger", HeldDisk(tmp_path / "ledger")
    other = random_chain(Random(22), 3, salt=9).blocks
    with LedgerWriter(root, REGTEST, disk) as writer:
        for block in blocks:
            writer.append(batch_of([block]))
        assert disk.reached.wait(60)
        disk.released.set()
        writer.roll_back(0)
        for block in other[1:]:
            writer.append(batch_of([block]))
        assert run_files(root) >= named_files(root)
        writer.finish_merges()
    fill(tmp_path / "straight", [other])
    assert columns_of(root) == columns_of(tmp_path / "straight")
    assert verify(Ledger(root)).ok
    fill(root, [])
    assert run_files(root) == named_files(root)


@pytest.mark.slow
@pytest.mark.parametrize("height", [3, FAN_IN - 1, FAN_IN + 2])
def test_roll_back__says_the_same_whether_a_merge_was_under_way_or_done(
    tmp_path: Path, blocks: list[bytes], height: int
) -> None:
    root, disk = tmp_path / "ledger", HeldDisk(tmp_path / "ledger")
    with LedgerWriter(root, REGTEST, disk) as writer:
        for block in blocks:
            writer.append(batch_of([block]))
        assert disk.reached.wait(60)
        disk.released.set()
        writer.roll_back(height)
        for block in blocks[height + 1 :]:
            writer.append(batch_of([block]))
        writer.finish_merges()
    merged_before = tmp_path / "merged"
    fill(merged_before, single(blocks))
    with LedgerWriter(merged_before, REGTEST, QuickDisk(merged_before)) as writer:
        writer.roll_back(height)
        for block in blocks[height + 1 :]:
            writer.append(batch_of([block]))
    assert columns_of(root) == columns_of(merged_before)
    for each in (root, merged_before):
        assert verify(Ledger(each)).ok
    views = Ledger(root).view(), Ledger(merged_before).view()
    for number in range(views[0].counts.addresses):
        assert views[0].totals(number) == views[1].totals(number)
        assert views[0].find_lock(*views[1].lock(number)) == number


def test_close__stops_a_merge_between_two_steps(
    tmp_path: Path, blocks: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorted_runs, "STEP", 1)
    disk = SlowDisk(tmp_path, 0.2)
    with LedgerWriter(tmp_path, REGTEST, disk) as writer:
        for block in blocks:
            writer.append(batch_of([block]))
        entries = writer.view.counts.transactions
        assert disk.begun.wait(60)
        begun = time.monotonic()
    assert time.monotonic() - begun < 0.1 * entries
    assert levels(tmp_path) == {0: len(blocks)}
    assert run_files(tmp_path) == named_files(tmp_path)


def test_close__removes_what_was_merged_and_is_named_nowhere(
    tmp_path: Path, blocks: list[bytes]
) -> None:
    root, disk = tmp_path / "ledger", HeldDisk(tmp_path / "ledger")
    with LedgerWriter(root, REGTEST, disk) as writer:
        for block in blocks:
            writer.append(batch_of([block]))
        disk.released.set()
        while not writer._staged.merging.has_ended_any:
            writer._staged.merging.wait()
        assert run_files(root) > named_files(root)
    assert run_files(root) == named_files(root)
    assert levels(root) == {0: len(blocks)}


def test_finish_merges__ends_when_it_is_told_to_stop(
    tmp_path: Path, blocks: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorted_runs, "STEP", 1)
    stop = Event()
    with LedgerWriter(tmp_path, REGTEST, SlowDisk(tmp_path, 0.2)) as writer:
        catch_up(writer, ChainSource(blocks, batch_blocks=1))
        stop.set()
        begun = time.monotonic()
        writer.finish_merges(stop)
        assert time.monotonic() - begun < 1


def test_finish_merges__tells_what_it_waits_for(tmp_path: Path, blocks: list[bytes]) -> None:
    disk, told = HeldDisk(tmp_path), list[merging.MergeStep]()

    def hear(step: merging.MergeStep) -> None:
        told.append(step)
        disk.released.set()

    with LedgerWriter(tmp_path, REGTEST, disk) as writer:
        catch_up(writer, ChainSource(blocks, batch_blocks=1))
        writer.finish_merges(report=hear)
        assert told[0].ended < told[0].begun
        runs = manifest_of(tmp_path).runs
        merged = [run for family in RUN_FOLDERS for run in getattr(runs, family) if run.level]
        assert told[-1].ended == told[-1].begun == len(merged) > 1
        assert len(set(told)) == len(told)
        told.clear()
        writer.finish_merges(report=hear)
        assert told == []


@pytest.mark.slow
def test_stage__waits_while_merging_is_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "MOST_GATHERED", FAN_IN + 2)
    blocks = random_chain(Random(24), 3 * FAN_IN).blocks
    most = 0
    with LedgerWriter(tmp_path, REGTEST, SlowDisk(tmp_path, 0.1)) as writer:
        for block in blocks:
            writer.append(batch_of([block]))
            most = max(most, levels(tmp_path)[0])
    assert FAN_IN <= most <= FAN_IN + 2


class FullForMerges(QuickDisk):
    """Has no room for any merge."""

    def allocate(self, path: str, size: int) -> UInt8Array:
        if "/00-" not in path:
            (self.root / path).touch()
            raise StorageFullError("no space is left")
        return super().allocate(path, size)


def test_commit__tells_what_a_merge_has_failed_with(tmp_path: Path, blocks: list[bytes]) -> None:
    disk = FullForMerges(tmp_path)
    with LedgerWriter(tmp_path, REGTEST, disk) as writer:
        for block in blocks[:FAN_IN]:
            writer.append(batch_of([block]))
        while not writer._staged.merging.has_ended_any:
            writer._staged.merging.wait()
        with pytest.raises(StorageFullError):
            writer.append(batch_of(blocks[FAN_IN : FAN_IN + 1]))
    assert Ledger(tmp_path).view().counts.blocks == FAN_IN
    assert run_files(tmp_path) >= named_files(tmp_path)
    assert not [path for path in run_files(tmp_path) if "/00-" not in path]
    fill(tmp_path, single(blocks[FAN_IN:]))
    fill(tmp_path / "whole", single(blocks))
    assert everything_of(tmp_path) == everything_of(tmp_path / "whole")


def grow(root: Path, blocks: list[bytes], disk: Disk) -> None:
    """Append block by block, roll back and append again, with merges beside all of it."""
    with LedgerWriter(root, REGTEST, disk) as writer:
        for block in blocks[:7]:
            writer.append(batch_of([block]))
        writer.finish_merges()
        writer.roll_back(4)
        for block in blocks[5:]:
            writer.append(batch_of([block]))
        writer.finish_merges()


@pytest.mark.slow
def test_power_cut__while_merging_leaves_the_old_state_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorted_runs, "FAN_IN", 2)
    blocks = random_chain(Random(25), 9).blocks
    states = []
    for stop in range(len(blocks) + 1):
        fill(tmp_path / "states" / str(stop), [blocks[:stop]] if stop else [])
        states.append(columns_of(tmp_path / "states" / str(stop)))
    counting = CountingDisk(tmp_path / "whole")
    grow(tmp_path / "whole", blocks, counting)
    random = Random(26)
    found = set()
    # When merges are taken in depends on the moment, so the number of operations differs a little.
    for moment in random.sample(range(counting.operations), 60):
        live, image = tmp_path / "live" / str(moment), tmp_path / "images" / str(moment)
        for folder in (live, image):
            folder.mkdir(parents=True)
        with suppress(PowerCutError):
            grow(live, blocks, PowerCutDisk(live, image, random, moment))
        with LedgerWriter(image, REGTEST, QuickDisk(image)) as writer:
            left = columns_of(image)
            assert left in states, f"operation {moment} left a state that never was"
            found.add(states.index(left))
            assert run_files(image) == named_files(image)
            assert verify(Ledger(image)).ok
            for block in blocks[writer.view.counts.blocks :]:
                writer.append(batch_of([block]))
            writer.finish_merges()
        assert columns_of(image) == states[-1]
        assert verify(Ledger(image)).ok
    assert found >= set(range(1, len(blocks))), "the cuts did not reach every state"
