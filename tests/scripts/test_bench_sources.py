import json
import subprocess
import sys
from pathlib import Path

import pytest

from chains.bitcoin.core.place import Transport
from tests.nodes import bitcoind_program

SCRIPT = Path(__file__).parents[2] / "scripts/bench_sources.py"


@pytest.mark.slow
def test_bench_sources__prints_rates_as_json() -> None:
    bitcoind_program()  # skips where there is none
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny"], check=True, capture_output=True, text=True
    )
    figures = json.loads(done.stdout)
    assert figures["transactions"] >= 2_000
    for way in ("blockfiles", *(f"core_{transport}" for transport in Transport)):
        assert figures[way]["transactions_per_second"] > 0
        assert (figures[way]["read_with_spent_outputs_seconds"] is None) == (way == "blockfiles")
