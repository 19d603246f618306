import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.ledger import disk as module
from arien_flows.ledger.disk import Disk

WORDS = 40_000
"""Of the column: forty pages."""


@settings(max_examples=25)
@given(
    rows=st.sets(st.integers(0, WORDS - 1), max_size=300),
    piece=st.integers(1, 40),
    most_dirty=st.integers(1, 12),
)
def test_write_words__sets_these_words_and_no_others(
    tmp_path_factory: pytest.TempPathFactory, rows: set[int], piece: int, most_dirty: int
) -> None:
    folder = tmp_path_factory.mktemp("disk")
    before = np.arange(WORDS, dtype="<u4")
    disk = Disk(folder)
    disk.write("column", 0, before)
    chosen = np.array(sorted(rows), dtype=np.int64)
    words = (chosen + 1_000_000).astype(np.uint32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE", piece)
        patch.setattr(module, "MOST_DIRTY", most_dirty)
        disk.write_words("column", chosen, words)
    after = np.fromfile(folder / "column", dtype="<u4")
    before[chosen] = words
    assert np.array_equal(after, before)


def test_write_words__flushes_a_long_sweep_as_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_DIRTY", 4)
    monkeypatch.setattr(module, "PIECE", 2)
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append(handle))
    disk = Disk(tmp_path)
    disk.write("column", 0, np.zeros(WORDS, dtype="<u4"))
    few = np.arange(3, dtype=np.int64) * 1024
    disk.write_words("column", few, np.ones(3, dtype=np.uint32))
    assert not flushed
    many = np.arange(39, dtype=np.int64) * 1024
    disk.write_words("column", many, np.ones(39, dtype=np.uint32))
    # Every four pages, but not behind the last: that is for `sync`.
    assert len(flushed) == 9


def test_write_words__finds_the_last_word_of_a_column_beyond_four_gigabytes(tmp_path: Path) -> None:
    count = 3 * 10**9
    with (tmp_path / "column").open("wb") as file:
        file.truncate(4 * count)
    rows = np.array([0, 1 << 30, count - 1], dtype=np.int64)
    Disk(tmp_path).write_words("column", rows, np.array([7, 8, 9], dtype=np.uint32))
    column = np.memmap(tmp_path / "column", dtype="<u4", mode="r")
    assert column[rows].tolist() == [7, 8, 9]
    assert len(column) == count


@given(rows=st.sets(st.integers(0, WORDS - 1), max_size=100), piece=st.integers(1, 40))
def test_read_words__returns_these_words(
    tmp_path_factory: pytest.TempPathFactory, rows: set[int], piece: int
) -> None:
    disk = Disk(tmp_path_factory.mktemp("disk"))
    disk.write("column", 0, np.arange(WORDS, dtype="<u4") * 3)
    chosen = np.array(sorted(rows), dtype=np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE", piece)
        assert disk.read_words("column", chosen).tolist() == [3 * row for row in sorted(rows)]
