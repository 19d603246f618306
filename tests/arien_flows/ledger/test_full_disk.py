"""A real file system that runs full in the middle of a commit."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from threading import Event

import numpy as np
import pytest

from arien_flows.errors import StorageFullError
from arien_flows.ledger.disk import Disk
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.sorted_runs import FAN_IN
from arien_flows.ledger.verify import verify
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import BITCOIN, REGTEST
from chains.types import AnyArray, UInt8Array
from tests.arien_flows.ledger.chains import random_chain
from tests.arien_flows.ledger.stores import columns_of, everything_of, fill
from tests.ledgers import batch_of


def mounted(folder: Path, size: str) -> Iterator[Path]:
    """Yield a file system of its own; only root may mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    made = subprocess.run(mount, check=False, capture_output=True)
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607


@pytest.fixture
def small_device(tmp_path: Path) -> Iterator[Path]:
    yield from mounted(tmp_path / "device", "1m")


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Path]:
    yield from mounted(tmp_path / "device", "32m")


@pytest.mark.slow
@pytest.mark.parametrize("staging_seconds", [0.0, 60.0])
def test_ingest__goes_on_after_the_disk_was_full(
    staging_seconds: float,
    small_device: Path,
    tmp_path: Path,
    shared_data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # With a commit after every batch most of the chain is kept; with one for all there is none yet.
    monkeypatch.setattr("arien_flows.ledger.writer.LONGEST_STAGING_SECONDS", staging_seconds)
    file = shared_data / "btc_blocks" / "chain_mainnet_0_4312.dat"
    source = BlockFiles(file, BITCOIN, batch_bytes=100_000)
    root = small_device / "ledger"
    with (
        LedgerWriter(root, BITCOIN) as writer,
        pytest.raises(StorageFullError, match="make room and run the same command again"),
    ):
        ingest(writer, source)
    held = Ledger(root).view().counts.blocks
    assert held < 4313
    assert held > 0 or staging_seconds
    remount = ["mount", "-o", "remount,size=64m", str(small_device)]
    subprocess.run(remount, check=True)
    with LedgerWriter(root, BITCOIN) as writer:
        assert writer.view.counts.blocks == held
        ingest(writer, source)
    with LedgerWriter(tmp_path / "whole", BITCOIN) as writer:
        ingest(writer, source)
    assert columns_of(root) == columns_of(tmp_path / "whole")


class CrowdedDisk(Disk):
    """Fills the device up right before one kind of file is written, so that it fails there."""

    def __init__(self, root: Path, crowded: str) -> None:
        super().__init__(root)
        self.crowded = re.compile(crowded)
        self.filler = root.parent / "filler"

    def _crowd(self, path: str) -> None:
        if not self.crowded.fullmatch(path):
            return
        with self.filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                with suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def write(self, path: str, offset: int, content: AnyArray) -> None:
        self._crowd(path)
        super().write(path, offset, content)

    def allocate(self, path: str, size: int) -> UInt8Array:
        self._crowd(path)
        return super().allocate(path, size)

    def replace(self, path: str, content: bytes) -> None:
        self._crowd(path)
        super().replace(path, content)


def shown(root: Path) -> dict[str, bytes]:
    """Return what a reader is shown; spenders past the end may be left until the next writer."""
    view = Ledger(root).view()
    spenders = view.spenders(np.arange(view.counts.outputs)).tobytes()
    return columns_of(root) | {"outputs/spender": spenders}


@pytest.mark.slow
@pytest.mark.parametrize(
    "crowded",
    [
        "transactions/txid",
        "addresses/payload",
        "segments",
        "index/transactions/00-.*",
        "index/addresses/00-.*",
        "index/reveals/00-.*",
        "index/history/00-.*",
        "intent.json",
        "manifest.json",
    ],
)
def test_append__the_disk_runs_full_at_any_kind_of_file(device: Path, crowded: str) -> None:
    blocks = random_chain(Random(5), 12).blocks
    # Columns fill whole pages.
    batches = [[block] for block in blocks[:7]] + [blocks[7:]]
    root = device / "ledger"
    fill(root, batches[:-1])
    before = shown(root)
    disk = CrowdedDisk(root, crowded)
    with (
        LedgerWriter(root, REGTEST, disk) as writer,
        pytest.raises(StorageFullError, match="make room and run the same command again"),
    ):
        writer.append(batch_of(batches[-1]))
    disk.filler.unlink()
    assert shown(root) == before
    assert verify(Ledger(root)).ok
    fill(root, batches[-1:])
    fill(device / "whole", batches)
    assert columns_of(root) == columns_of(device / "whole")
    assert verify(Ledger(root)).ok


class LaterCrowdedDisk(CrowdedDisk):
    """Holds the file up until it is told that the commit is over."""

    def __init__(self, root: Path, crowded: str) -> None:
        super().__init__(root, crowded)
        self.committed = Event()

    def _crowd(self, path: str) -> None:
        if self.crowded.fullmatch(path):
            assert self.committed.wait(60)
        super()._crowd(path)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["transactions", "history"])
def test_finish_merges__the_disk_runs_full(device: Path, family: str) -> None:
    blocks = random_chain(Random(5), 12).blocks
    batches = [[block] for block in blocks[: FAN_IN - 1]] + [blocks[FAN_IN - 1 :]]
    root = device / "ledger"
    fill(root, batches[:-1])
    disk = LaterCrowdedDisk(root, f"index/{family}/01-.*")
    with LedgerWriter(root, REGTEST, disk) as writer:
        writer.append(batch_of(batches[-1]))
        disk.committed.set()
        with pytest.raises(StorageFullError, match="make room and run the same command again"):
            writer.finish_merges()
    disk.filler.unlink()
    assert Ledger(root).view().counts.blocks == len(blocks)
    assert verify(Ledger(root)).ok
    assert not list((root / "index" / family).glob("01-*"))
    fill(root, [])
    fill(device / "whole", batches)
    assert everything_of(root) == everything_of(device / "whole")
