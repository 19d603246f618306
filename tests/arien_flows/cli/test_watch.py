"""`arien-flows watch`: hearing of movements on one machine."""

import json
from pathlib import Path

import pytest

from arien_flows.cli.main import run
from tests.small_case import SmallCase


def test_watch__from_the_file_of_addresses_to_the_end(
    small_case: SmallCase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("ARIEN_CASEBOOK", f"sqlite:///{tmp_path / 'c.sqlite'}")
    common = ["--data", str(small_case.data)]
    listed = tmp_path / "addresses.txt"
    listed.write_text(small_case.address("exchange") + "\n")
    assert run([*common, "watch", "list"]) == 0
    assert "Nothing is watched" in capsys.readouterr().out
    added = ["watch", "add", "--from-file", str(listed), "--list", "shops", "--since", "0"]
    assert run([*common, *added]) == 0
    assert "1 watch made." in capsys.readouterr().out
    assert run([*common, "watch", "alerts"]) == 0
    shown = capsys.readouterr().out
    assert small_case.txid("pay") in shown
    assert "+60.00000000 tBTC" in shown
    assert run([*common, "--json", "watch", "list"]) == 0
    (watch,) = json.loads(capsys.readouterr().out)["items"]
    assert watch["list"] == "shops"
    assert run([*common, "watch", "end", watch["id"]]) == 0
    assert "has ended" in capsys.readouterr().out
    assert run([*common, "watch", "add", "nonsense"]) == 2
    assert "cannot be watched" in capsys.readouterr().err
