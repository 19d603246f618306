"""Progress goes to standard error, in the form that was asked for."""

import json

import pytest

from arien_flows.cli.progress import JsonProgress, QuietProgress, TerminalProgress, progress_in


@pytest.mark.parametrize("kind", [QuietProgress, JsonProgress, TerminalProgress])
def test_progress__never_touches_standard_output(kind, capsys):
    progress = kind()
    progress.step("ingest", 1, 2, "blocks")
    progress.note("Not used: the end of a file")
    progress.step("ingest", 2, 2, "blocks")
    progress.end()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Not used: the end of a file" in captured.err


def test_json__is_one_object_a_line(capsys):
    progress = JsonProgress()
    progress.step("ingest", 1, None, "blocks")
    progress.note("cut")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        {"step": "ingest", "done": 1, "total": None, "unit": "blocks"},
        {"note": "cut"},
    ]


def test_terminal__the_last_state_of_each_step_is_left_standing(capsys):
    progress = TerminalProgress()
    for done in range(101):
        progress.step("ingest", done, 100, "blocks")
    progress.step("cluster", 5, None, "merges")
    progress.end()
    first, second, rest = capsys.readouterr().err.split("\n")
    assert "100 of 100 blocks" in first.split("\r")[-1]
    assert "·" not in first.split("\r")[-1]
    assert second.split("\r")[-1].startswith("cluster: 5 merges")
    assert rest == ""


def test_progress_in__is_quiet_where_nobody_watches():
    assert isinstance(progress_in("auto"), QuietProgress)
    assert isinstance(progress_in("none"), QuietProgress)
    assert isinstance(progress_in("json"), JsonProgress)
