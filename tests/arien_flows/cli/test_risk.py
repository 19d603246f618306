"""`arien-flows risk`: a score on the command line and over HTTP, by the same words."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.main import service
from arien_flows.cli.main import run
from arien_flows.settings import Settings
from tests.ledgers import text_of_name
from tests.small_case import NETWORK, SmallCase


def test_risk__is_the_same_on_the_command_line_and_over_http(
    small_case: SmallCase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def do(*arguments: str, code: int = 0) -> str:
        assert run(["--data", str(small_case.data), "--network", NETWORK, *arguments]) == code
        captured = capsys.readouterr()
        return captured.out if not code else captured.err

    alice = text_of_name("alice")
    short = do("risk", alice)
    assert "Score     0.00 of 100" in short
    assert "Nothing that was found adds a point. That does not mean that it is clean." in short
    full = do("risk", f"entity:{alice}", "--explain")
    assert "5. What the score does not say" in full
    told = json.loads(do("risk", alice, "--json"))
    assert told["policy"]["version"] == "standard-1"

    file = tmp_path / "risk.json"
    file.write_text(json.dumps(told))
    assert json.loads(do("replay", str(file), "--json"))["outcome"] == "same"
    told["score"] = "1.00"
    file.write_text(json.dumps(told))
    assert "was changed or damaged" in do("replay", str(file), code=2)

    settings = Settings(data=small_case.data)
    told = json.loads(do("risk", alice, "--json", "--budget", str(settings.trace_budget)))
    with TestClient(service(settings), base_url="http://127.0.0.1:8000") as client:
        got = client.get(f"/v1/{NETWORK}/addresses/{alice}/risk")
        assert got.status_code == 200
        # The service states its limit as the budget.
        assert got.json() == told
        more = client.get(f"/v1/{NETWORK}/addresses/{alice}/risk?budget=20001")
        assert more.status_code == 422
        got = client.get(f"/v1/{NETWORK}/entities/{alice}/risk")
        assert got.json()["subject"] == f"entity:{alice}"
        assert client.get(f"/v1/{NETWORK}/addresses/{alice[:-1]}/risk").status_code == 422

    own = tmp_path / "own.toml"
    raw = (files("arien_flows.risk") / "policies" / "standard_1.toml").read_text()
    own.write_text(raw.replace("standard-1", "unit 7").replace("exchange = 0.0", "exchange = 0.5"))
    strict = json.loads(do("risk", alice, "--json", "--policy", str(own)))
    assert strict["policy"]["version"] == "unit 7"
    assert float(strict["score"]) > 0
    (line,) = strict["contributions"]
    assert (line["category"], line["direction"]) == ("exchange", "out")
    own.write_text(raw.replace("scam = 0.80", "scam = 2"))
    wrong = do("risk", alice, "--policy", str(own), code=2)
    assert "severity.scam has to be a number from 0 to 1" in wrong
    assert "cannot be read" in do("risk", alice, "--policy", str(tmp_path / "no"), code=2)
