"""A real file system that runs full in the middle of a commit."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from arien_flows.errors import StorageFullError
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import BITCOIN
from tests.arien_flows.ledger.stores import columns_of


@pytest.fixture
def small_device(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 1 MB of its own; only root may mount one."""
    folder = tmp_path / "device"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    made = subprocess.run(mount, check=False, capture_output=True)
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607


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
