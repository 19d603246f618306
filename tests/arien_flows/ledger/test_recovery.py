"""What is left after the process is killed, or the power is cut, at any moment."""

import os
import signal
import time
from pathlib import Path
from random import Random

import pytest

from arien_flows.ledger.disk import Disk
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.verify import verify
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import BITCOIN, REGTEST
from tests.arien_flows.ledger.chains import random_chain
from tests.arien_flows.ledger.power_cut import PowerCutDisk, PowerCutError
from tests.arien_flows.ledger.stores import (
    CountingDisk,
    columns_of,
    cut,
    everything_of,
    fill,
    manifest_of,
)
from tests.ledgers import batch_of

KILLS = 50
BATCH_BYTES = 20_000
"""Small, so that the main chain's first 4,313 blocks make some fifty commits."""


def grow(root: Path, blocks: list[bytes], disk: Disk | None = None) -> None:
    """Append, roll back and append again: everything that a writer does."""
    with LedgerWriter(root, REGTEST, disk) as writer:
        for batch in cut(blocks[:9], [4, 2, 2]):
            writer.append(batch_of(batch))
        writer.roll_back(5)
        for batch in cut(blocks[6:], [2]):
            writer.append(batch_of(batch))


def states_of(blocks: list[bytes], folder: Path) -> list[dict[str, bytes]]:
    """Return the columns after every step of `grow`, the empty ledger first."""
    states = []
    for index, stop in enumerate((0, 4, 6, 8, 9, 6, 8, len(blocks))):
        fill(folder / str(index), [blocks[:stop]] if stop else [])
        states.append(columns_of(folder / str(index)))
    return states


@pytest.mark.slow
def test_power_cut__leaves_the_old_state_or_the_new(tmp_path: Path) -> None:
    blocks = random_chain(Random(11), 12).blocks
    states = states_of(blocks, tmp_path / "states")
    counting = CountingDisk(tmp_path / "whole")
    grow(tmp_path / "whole", blocks, counting)
    random = Random(7)
    moments = random.sample(range(counting.operations), 150)
    found = set()
    for moment in moments:
        image = tmp_path / "images" / str(moment)
        image.mkdir(parents=True)
        live = tmp_path / "live" / str(moment)
        live.mkdir(parents=True)
        with pytest.raises(PowerCutError):
            grow(live, blocks, PowerCutDisk(live, image, random, moment))
        with LedgerWriter(image, REGTEST) as writer:
            left = columns_of(image)
            assert left in states, f"operation {moment} left a state that never was"
            found.add(states.index(left))
            held = writer.view.counts.blocks
            if held < len(blocks):
                writer.append(batch_of(blocks[held:]))
        assert columns_of(image) == states[-1]
    assert found >= set(range(4)), "the cuts did not reach every state"


@pytest.mark.slow
def test_recovery__survives_a_power_cut_of_its_own(tmp_path: Path) -> None:
    blocks = random_chain(Random(12), 12).blocks
    states = states_of(blocks, tmp_path / "states")
    counting = CountingDisk(tmp_path / "whole")
    grow(tmp_path / "whole", blocks, counting)
    operations = counting.operations
    random = Random(9)
    for trial in range(40):
        folder = tmp_path / str(trial)
        first, second = folder / "first", folder / "second"
        for path in (first, second, folder / "live"):
            path.mkdir(parents=True)
        moment = random.randrange(operations)
        with pytest.raises(PowerCutError):
            grow(folder / "live", blocks, PowerCutDisk(folder / "live", first, random, moment))
        for file in [file for file in first.rglob("*") if file.is_file()]:
            target = second / file.relative_to(first)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
        try:
            LedgerWriter(first, REGTEST, PowerCutDisk(first, second, random, trial % 4)).close()
        except PowerCutError:
            LedgerWriter(second, REGTEST).close()
            assert columns_of(second) in states


def ingest_main_chain(root: Path, file: Path) -> None:
    with LedgerWriter(root, BITCOIN) as writer:
        ingest(writer, BlockFiles(file, BITCOIN, batch_bytes=BATCH_BYTES))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit after every batch, as if each had been staged for long."""
    monkeypatch.setattr("arien_flows.ledger.writer.LONGEST_STAGING_SECONDS", 0.0)


def killed_after(seconds: float, root: Path, file: Path) -> bool:
    """Ingest in a child process, kill it, and return whether it was still at work."""
    child = os.fork()
    if child == 0:
        # The child must never run the parent's clean-up, so it leaves without unwinding.
        status = 1
        try:
            ingest_main_chain(root, file)
            status = 0
        finally:
            os._exit(status)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
def test_kill__at_fifty_random_moments_loses_nothing(tmp_path: Path, shared_data: Path) -> None:
    file = shared_data / "btc_blocks" / "chain_mainnet_0_4312.dat"
    whole = tmp_path / "whole"
    ingest_main_chain(whole, file)
    started = time.perf_counter()
    ingest_main_chain(tmp_path / "timed", file)
    duration = time.perf_counter() - started

    random = Random(20_090_103)
    killed, trial = 0, 0
    while killed < KILLS:
        root = tmp_path / f"killed-{trial}"
        trial += 1
        while killed < KILLS and killed_after(random.uniform(0, duration), root, file):
            killed += 1
            if (root / "manifest.json").exists():
                assert manifest_of(root).counts.blocks <= 4313
        ingest_main_chain(root, file)
        assert everything_of(root) == everything_of(whole)
        assert verify(Ledger(root)).ok
