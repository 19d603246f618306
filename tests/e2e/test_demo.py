"""The sample investigation from beginning to end, at its smallest size."""

import html
import json
import shlex
from pathlib import Path

import pytest

from arien_flows.cli.main import run


@pytest.mark.slow
def test_demo__tells_the_story_and_finds_the_stolen_money_exactly(
    tmp_path: Path, capsys, monkeypatch
):
    folder = tmp_path / "demo"
    command = ["demo", "--no-serve", "--transactions", "2000", "--progress", "none"]
    assert run([*command, "--folder", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "6 of 6 amounts are equal to the satoshi" in told
    assert "Attribution: " in told
    assert "paid to a service, where the money of many mixes" in told
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 3
    assert "DIFFERENT" not in page
    assert "accuse nobody" in told
    assert "role: pay to" in told
    assert "role: quoted" in told
    assert "25 points of 70 for a vendor's wallet" in told
    assert "Risk of the entity" in page
    assert "paid to a service, where the money of many mixes" in page
    assert "service reached" not in told + page
    answer = json.loads((folder / "results" / "theft" / "trace.json").read_bytes())
    assert "made-up prices" in told
    assert "made-up prices" in page
    assert answer["manifest"]["prices"][0]["source"] == "arien-flows simulation, made-up prices"
    assert all(leaf["fiat"]["currency"] == "EUR" for leaf in answer["leaves"])
    assert answer["manifest"]["result_sha256"] in page
    theft = answer["request"]["sources"][0]
    assert run(["--data", str(folder / "data"), "--json", "trace", theft, "--fiat", "EUR"]) == 0
    assert json.loads(capsys.readouterr().out) == answer
    monkeypatch.chdir(tmp_path)
    for line in commands(page):
        assert run(line) == 0
    repeated = capsys.readouterr().out
    for lead in ("vendor", "theft"):
        found = json.loads((folder / "results" / lead / "trace.json").read_bytes())
        assert f"Result {found['manifest']['result_sha256']}" in repeated


def commands(page: str) -> list[list[str]]:
    """Return the arguments of the commands that the report gives for repeating it."""
    text = html.unescape(page[page.rindex("<pre>") + 5 : page.rindex("</pre>")])
    lines = [shlex.split(line) for line in text.splitlines()]
    assert len(lines) == 7
    assert {line[0] for line in lines} == {"arien-flows"}
    return [line[1:] for line in lines]


def test_demo__refuses_a_folder_that_holds_something_else(tmp_path: Path, capsys):
    (tmp_path / "case.txt").write_text("keep")
    assert run(["demo", "--no-serve", "--folder", str(tmp_path)]) == 2
    assert "name another with --folder" in capsys.readouterr().err
    assert (tmp_path / "case.txt").read_text() == "keep"
