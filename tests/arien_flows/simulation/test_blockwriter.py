"""Block files roll over, hide behind a key, and take late blocks."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.simulation import blockwriter
from arien_flows.simulation.blockwriter import BlockWriter
from arien_flows.simulation.chain import LATE_BY, genesis_record, in_arrival_order
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import REGTEST


def records(sizes: list[int]) -> list[np.ndarray[tuple[int], np.dtype[np.uint8]]]:
    """Return records of different content."""
    return [np.full(size, i + 1, dtype=np.uint8) for i, size in enumerate(sizes)]


def test_writer__begins_a_file_where_the_next_record_would_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blockwriter, "LARGEST_FILE", 100)
    with BlockWriter(tmp_path) as files:
        for record in records([60, 40, 1, 100, 99, 2]):
            files.write(record)
    sizes = [file.stat().st_size for file in sorted(tmp_path.iterdir())]
    assert sizes == [100, 1, 100, 99, 2]
    assert sorted(file.name for file in tmp_path.iterdir())[-1] == "blk00004.dat"
    assert files.byte_count == sum(sizes)


def test_writer__xors_each_file_from_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blockwriter, "LARGEST_FILE", 50)
    key = bytes(range(1, 9))
    with BlockWriter(tmp_path, key) as files:
        for record in records([13, 21, 30]):
            files.write(record)
    assert (tmp_path / "xor.dat").read_bytes() == key
    for name, plain in (("blk00000.dat", b"\1" * 13 + b"\2" * 21), ("blk00001.dat", b"\3" * 30)):
        raw = (tmp_path / name).read_bytes()
        assert bytes(byte ^ key[i % 8] for i, byte in enumerate(raw)) == plain


def test_genesis__is_the_real_one(tmp_path: Path) -> None:
    with BlockWriter(tmp_path) as files:
        files.write(genesis_record())
    assert BlockFiles(tmp_path, REGTEST).block_hash(0) == REGTEST.genesis_hash


@given(st.sets(st.integers(1, 40)))
def test_arrival_order__puts_late_blocks_after_some_successors(late: set[int]) -> None:
    # Blocks that are late together would wait for one another.
    late = {height for height in late if height <= 40 - LATE_BY and height % 5 == 0}
    blocks = ((h, np.array([h], dtype=np.uint8)) for h in range(1, 41))
    order = [int(record[0]) for record in in_arrival_order(blocks, frozenset(late))]
    assert sorted(order) == list(range(1, 41))
    for height in late:
        assert order.index(height) == order.index(height + LATE_BY) + 1
    assert [h for h in order if h not in late] == [h for h in range(1, 41) if h not in late]
