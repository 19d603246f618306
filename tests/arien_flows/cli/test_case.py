"""Cases on the command line."""

import json
from pathlib import Path

import pytest

from arien_flows.cli.main import run
from tests.arien_flows.casebook.packs import GENESIS
from tests.arien_flows.cases.filled import left_in_files

MAKING = (
    "--title=Parcels",
    "--legal-basis=§ 161 StPO",
    "--authority=StA",
    "--purpose=To find who was paid.",
    "--review-by=2099-01-01",
)


def test_case__is_made_filled_shown_and_erased(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data = tmp_path / "data"
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + b"quokka-picture")

    def told(*arguments: str) -> str:
        assert run([*arguments, "--data", str(data)]) == 0
        return capsys.readouterr().out

    made = json.loads(told("case", "create", "7/26", *MAKING, "--json"))
    person = ("--person", "suspect", "--certainty", "attribution")
    assert "added" in told("case", "add", "7/26", GENESIS, *person, "--note", "quokka-remark")
    assert "there already" in told("case", "add", made["id"], GENESIS, *person)
    told("case", "note", "7/26", "quokka-note\n\x1b[31mred", "--certainty", "inference")
    assert "image/png" in told("case", "attach", "7/26", str(photo))
    shown = told("case", "show", "7/26")
    assert GENESIS in shown
    assert "\x1b" not in shown
    overview = json.loads(told("case", "show", made["id"], "--json"))
    assert overview["case"]["number"] == "7/26"
    assert overview["files"]["items"][0]["name"] == "photo.png"
    assert "7/26" in told("case", "list")
    assert "7/26" not in told("case", "list", "--due")
    assert left_in_files(data, "quokka")
    assert "erased" in told("case", "erase", "7/26", "--reason", "done", "--yes")
    assert left_in_files(data, "quokka") == []
    assert "erased; SHA-256" in told("case", "show", "7/26")


def test_case__that_does_not_exist_is_said_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["case", "show", "8/26", "--data", str(tmp_path)]) == 2
    assert "case list" in capsys.readouterr().err
