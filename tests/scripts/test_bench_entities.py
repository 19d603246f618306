import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_entities.py"


@pytest.mark.slow
def test_bench_entities__prints_rates_as_json() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny", "--repeats", "1"],
        check=True,
        capture_output=True,
        text=True,
    )
    runs = json.loads(done.stdout)["runs"]
    assert len(runs) == 2
    for run in runs:
        assert run["inputs"] > run["transactions"]
        assert all(rate > 0 for rate in run["million_a_second"].values())
