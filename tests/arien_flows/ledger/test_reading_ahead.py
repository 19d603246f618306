"""Reading ahead changes nothing but time, and ends with what it is for."""

import threading
from pathlib import Path

import pytest

from arien_flows.ledger import reading_ahead as subject


def names() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_reading_ahead__reads_only_as_long_as_it_is_wanted(tmp_path: Path):
    column = tmp_path / subject.COLUMNS[0]
    column.parent.mkdir()
    column.write_bytes(bytes(3 * subject.AT_ONCE))
    with subject.reading_ahead(tmp_path, more=[tmp_path / "absent"]):
        pass
    assert "reading-ahead" not in names()


def test_reading_ahead__leaves_memory_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    column = tmp_path / subject.COLUMNS[0]
    column.parent.mkdir()
    column.write_bytes(bytes(1_000))
    monkeypatch.setattr(subject, "free_memory_bytes", lambda: 1_999)
    with subject.reading_ahead(tmp_path):
        assert "reading-ahead" not in names()


def test_free_memory__is_unknown_where_the_system_does_not_say(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(subject, "_MEMINFO", tmp_path / "absent")
    assert subject.free_memory_bytes() == 0
