import json
from pathlib import Path

import pytest

from arien_flows.cli.main import run
from tests.small_case import make_small_case


def test_why__names_the_votes_that_were_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = make_small_case(tmp_path, cluster=False, tags=False)
    common = ["--data", str(case.data), "--progress", "none"]
    assert run([*common, "cluster", "run", "--profile", "wide", "--decision-lag", "1"]) == 0
    capsys.readouterr()
    question = ["why", case.address("alice"), case.address("alice-3"), "--profile", "wide"]
    assert run([*common, *question, "--json"]) == 0
    (step,) = json.loads(capsys.readouterr().out)["steps"]
    assert (step["rule"], step["txid"]) == ("change_vote", case.txid("pay"))
    assert "change_optimal_change" in step["votes_for"]
    assert step["votes"] == len(step["votes_for"]) - len(step["votes_against"])
    assert run([*common, *question]) == 0
    text = capsys.readouterr().out
    assert f"ahead by {step['votes']} votes" in text
    assert f"   votes for it: {', '.join(step['votes_for'])}\n" in text
    assert "   votes against it: " in text
