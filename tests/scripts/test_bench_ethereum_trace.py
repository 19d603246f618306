"""The benchmark of traces of balances runs, and both versions agree."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_ethereum_trace.py"


@pytest.mark.slow
def test_bench_ethereum_trace__prints_figures_of_both_versions():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny"], check=True, capture_output=True, text=True
    )
    figures = json.loads(done.stdout)["accounting"]
    assert {policy for policy, found in figures.items() if found["exact"]} == {
        "fifo", "lifo", "haircut",
    }  # fmt: skip
