import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.entities import draft as draft_module
from arien_flows.entities.draft import MemoryDraft, drafting
from arien_flows.entities.storage import (
    DerivedSet,
    Manifest,
    Rows,
    false_checksums,
    open_set,
)
from arien_flows.errors import (
    LedgerDamagedError,
    LedgerLockedError,
    LedgerVersionError,
    StorageFullError,
)

MANIFEST = Manifest(
    kind="test",
    rules={"rule": 1},
    parameters={},
    network="bitcoin-regtest",
    height=7,
    block_hash="00" * 32,
    counts={"rows": 3},
)
PROGRAM = """
import sys, time
from pathlib import Path
from arien_flows.entities.draft import drafting
with drafting(Path(sys.argv[1])) as draft:
    print("held", flush=True)
    time.sleep(60)
"""


def write(folder: Path, keep: int, rows: list[int], fixed: list[int] = ()) -> DerivedSet:
    with drafting(folder) as draft:
        append = draft.grow("log", "uint32", keep=keep, width=2)
        for row in rows:
            append(np.array([[row, row + 1]], dtype=np.uint32))
        draft.allocate("fixed", "int64", len(fixed))[:] = fixed
        return draft.commit(MANIFEST)


def log_of(derived: DerivedSet) -> list[int]:
    return derived.whole("log")[:, 0].tolist()


@given(st.lists(st.tuples(st.floats(0, 1), st.lists(st.integers(0, 99), max_size=6)), max_size=12))
def test_commit__keeps_the_rows_it_was_told_to_and_few_files(tmp_path_factory, runs) -> None:
    folder = tmp_path_factory.mktemp("set")
    expected: list[int] = []
    for share, rows in runs:
        keep = int(share * len(expected))
        expected = [*expected[:keep], *rows]
        derived = write(folder, keep, rows, fixed=rows)
        assert log_of(derived) == expected
        assert derived.whole("fixed").tolist() == rows
        opened = open_set(folder)
        assert opened is not None
        assert log_of(opened) == expected
        sizes = [segment.rows for segment in derived.manifest.arrays["log"].segments]
        assert all(one >= 2 * sum(sizes[i + 1 :]) for i, one in enumerate(sizes[:-1]) if rows)
        named = {s.file for e in derived.manifest.arrays.values() for s in e.segments}
        assert {path.name for path in folder.iterdir()} == named | {"manifest.json", "writer.lock"}
        assert false_checksums(folder, derived.manifest) == []


def test_commit__leaves_readers_of_replaced_files_alone(tmp_path: Path) -> None:
    reader = write(tmp_path, 0, [1, 2, 3], fixed=[4])
    write(tmp_path, 1, [9], fixed=[5])
    assert log_of(reader) == [1, 2, 3]
    assert reader.whole("fixed").tolist() == [4]


class CrashError(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("survived", range(6))
def test_commit__is_all_or_nothing(tmp_path: Path, monkeypatch, survived: int) -> None:
    write(tmp_path, 0, [1, 2, 3], fixed=[4])
    # Steps that reach the disk: the log, the folder, the new manifest, its renaming, the folder.
    steps = iter(range(survived))

    def guarded(real):
        def step(*arguments: object) -> object:
            if next(steps, None) is None:
                raise CrashError
            return real(*arguments)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", guarded(os.fsync))
        patch.setattr(Path, "replace", guarded(Path.replace))
        if survived < 5:
            with pytest.raises(CrashError):
                write(tmp_path, 1, [8, 9], fixed=[5, 6])
        else:
            write(tmp_path, 1, [8, 9], fixed=[5, 6])
    opened = open_set(tmp_path)
    assert opened is not None
    found = (log_of(opened), opened.whole("fixed").tolist())
    assert found == (([1, 2, 3], [4]) if survived < 4 else ([1, 8, 9], [5, 6]))
    assert log_of(write(tmp_path, 1, [7])) == [1, 7]


def test_drafting__clears_away_what_a_crashed_run_left(tmp_path: Path) -> None:
    write(tmp_path, 0, [1])
    (tmp_path / "log.2").write_bytes(b"half")
    (tmp_path / "manifest.json.new").write_text("{")
    assert log_of(write(tmp_path, 1, [2])) == [1, 2]
    assert not (tmp_path / "manifest.json.new").exists()


def test_drafting__one_process_writes_at_a_time(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LedgerLockedError, match=str(holder.pid)):
            write(tmp_path, 0, [1])
        # A killed writer leaves no lock behind.
        holder.kill()
    assert log_of(write(tmp_path, 0, [1])) == [1]


def test_drafting__a_full_device_says_so_and_changes_nothing(tmp_path: Path, monkeypatch) -> None:
    write(tmp_path, 0, [1])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(draft_module.os, "posix_fallocate", full, raising=False)
    with pytest.raises(StorageFullError, match="earlier result is intact"):
        write(tmp_path, 1, [2], fixed=[3])
    opened = open_set(tmp_path)
    assert opened is not None
    assert log_of(opened) == [1]


def test_grow__more_rows_than_there_are_is_damage(tmp_path: Path) -> None:
    write(tmp_path, 0, [1])
    with pytest.raises(LedgerDamagedError, match="lacks 1 rows of 'log'"):
        write(tmp_path, 2, [])


def test_open_set__nothing_is_there(tmp_path: Path) -> None:
    assert open_set(tmp_path / "absent") is None


def test_open_set__says_which_file_is_missing_or_short(tmp_path: Path) -> None:
    write(tmp_path, 0, [1, 2])
    (tmp_path / "log.1").write_bytes(b"\0" * 8)
    with pytest.raises(LedgerDamagedError, match=r"log\.1 holds 8 bytes instead of 16"):
        open_set(tmp_path)
    (tmp_path / "log.1").unlink()
    with pytest.raises(LedgerDamagedError, match=r"lacks .*log\.1"):
        open_set(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{", "{}", '{"format": 2}', "[]", '{"format": 2, "arrays": 3}']
)
def test_open_set__a_broken_manifest_is_damage(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(LedgerDamagedError, match="delete its folder"):
        open_set(tmp_path)


def test_open_set__a_newer_format_asks_for_a_newer_program(tmp_path: Path) -> None:
    write(tmp_path, 0, [1])
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 3}))
    with pytest.raises(LedgerVersionError, match="update the program"):
        open_set(tmp_path)


def test_open_set__an_earlier_format_is_made_anew(tmp_path: Path) -> None:
    write(tmp_path, 0, [1])
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 1}))
    assert open_set(tmp_path) is None
    assert log_of(write(tmp_path, 0, [2])) == [2]
    assert json.loads(path.read_text())["format"] == 2


def test_false_checksums__finds_one_changed_byte(tmp_path: Path) -> None:
    derived = write(tmp_path, 0, [1, 2], fixed=[3])
    content = bytearray((tmp_path / "fixed.1").read_bytes())
    content[0] ^= 1
    (tmp_path / "fixed.1").write_bytes(content)
    assert false_checksums(tmp_path, derived.manifest) == ["fixed.1"]


def test_memory_draft__holds_the_same_and_cannot_be_written_afterwards() -> None:
    draft = MemoryDraft()
    draft.grow("log", "uint8")(np.array([1, 2], dtype=np.uint8))
    draft.allocate("fixed", "int64", 2)[:] = [3, 4]
    derived = draft.commit(MANIFEST)
    assert derived.whole("log").tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        derived.whole("fixed")[0] = 1
    with pytest.raises(ValueError, match="no earlier set"):
        MemoryDraft().grow("log", "uint8", keep=1)


@given(st.lists(st.lists(st.integers(0, 99), max_size=5), min_size=1, max_size=4), st.data())
def test_rows__read_like_one_array(parts, data) -> None:
    rows = Rows.of(*(np.array(part, dtype=np.int64) for part in parts))
    whole = [value for part in parts for value in part]
    assert rows.whole().tolist() == whole
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    assert rows.slice(start, stop).tolist() == whole[start:stop]
    assert [value for chunk in rows.chunks(3) for value in chunk.tolist()] == whole
    if whole:
        wanted = data.draw(st.lists(st.integers(0, len(whole) - 1)))
        taken = rows.take(np.array(wanted, dtype=np.int64))
        assert taken.tolist() == [whole[index] for index in wanted]
