"""`arien-flows batch`: exit codes, what it prints, and what it refuses."""

import json
from pathlib import Path

import pytest

from arien_flows.cli.main import run
from tests.small_case import SmallCase


def table(folder: Path, *addresses: str, columns: str = "address") -> Path:
    path = folder / "list.csv"
    path.write_text("\n".join([columns, *addresses]) + "\n")
    return path


def batch(case: SmallCase, *typed: object) -> int:
    common = ["--data", str(case.data), "--json", "--progress", "json"]
    return run([*common, "batch", *map(str, typed)])


def test_batch__answers_and_ends_with_0(small_case: SmallCase, tmp_path: Path, capsys):
    given = table(tmp_path, small_case.address("alice"), small_case.address("bob"))
    assert batch(small_case, given, "-o", tmp_path / "out") == 0
    printed = capsys.readouterr()
    manifest = json.loads(printed.out)
    assert manifest["counts"] == {"ok": 2}
    assert {"step": "answers", "done": 2, "total": 2, "unit": "subjects"} in [
        json.loads(line) for line in printed.err.splitlines()
    ]
    assert (tmp_path / "out" / "manifest.json").is_file()


def test_batch__ends_with_3_where_rows_failed(small_case: SmallCase, tmp_path: Path, capsys):
    given = table(tmp_path, small_case.address("alice"), small_case.address("nobody-at-all"))
    options = ["--no-exposure", "--no-risk"]
    common = ["--data", str(small_case.data)]
    typed = [*common, "batch", str(given), "-o", str(tmp_path / "out"), *options]
    assert run(typed) == 3
    out = capsys.readouterr().out
    assert "2 rows, 2 different subjects" in out
    assert "errors.csv names the rows" in out


@pytest.mark.parametrize("content", ["", "name\nx\n", "a" * 10_000_001])
def test_batch__ends_with_2_where_the_table_is_none(
    small_case: SmallCase, tmp_path: Path, capsys, content: str
):
    given = tmp_path / "list.csv"
    given.write_text(content)
    assert batch(small_case, given, "-o", tmp_path / "out") == 2
    assert "Error:" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_batch__leaves_other_files_alone(small_case: SmallCase, tmp_path: Path, capsys):
    given = table(tmp_path, small_case.address("alice"))
    assert batch(small_case, given, "-o", tmp_path) == 2
    assert "name an empty folder" in capsys.readouterr().err


def test_batch__says_that_columns_of_traces_have_no_bearing(
    small_case: SmallCase, tmp_path: Path, capsys
):
    given = table(tmp_path, f"{small_case.address('alice')},backward", columns="address,direction")
    assert batch(small_case, given, "-o", tmp_path / "out") == 0
    assert "add --trace forward" in capsys.readouterr().err


def test_batch__needs_entities_for_scores(tmp_path: Path, capsys, small_case: SmallCase):
    given = table(tmp_path, small_case.address("alice"))
    typed = [given, "-o", tmp_path / "out", "--profile", "wide"]
    assert batch(small_case, *typed) == 2
    assert "arien-flows cluster run" in capsys.readouterr().err
