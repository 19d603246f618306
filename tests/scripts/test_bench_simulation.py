import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_simulation.py"


@pytest.mark.slow
def test_bench_simulation__prints_rates_as_json() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny"], check=True, capture_output=True, text=True
    )
    (run,) = json.loads(done.stdout)["runs"]
    assert run["transactions"] == 2_000
    assert run["block_bytes"] > 100 * run["transactions"]
    assert run["transactions_a_second"] > 0
    assert run["peak_bytes"] > 0
