import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_api.py"


@pytest.mark.slow
def test_bench_api__loads_the_service_and_finds_every_request_recorded(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny", "--json", file],
        check=True,
        capture_output=True,
        text=True,
    )
    figures = json.loads(file.read_text())
    assert figures == json.loads(done.stdout)
    assert set(figures["loads"]) == {
        "warm_up", "open_20_summaries", "open_20_mix", "closed_2_summaries",
    }  # fmt: skip
    for load in figures["loads"].values():
        assert set(load["statuses"]) == {"200"}
        assert load["requests"] > 0
        for times in load["milliseconds"].values():
            assert 0 < times["p50"] <= times["p99"] <= times["most"]
    assert figures["audit"]["ok"]
    assert figures["audit"]["rows"] == figures["audit"]["requests"]
    assert len(figures["memory"]["after"]) == 1
