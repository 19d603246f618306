import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.anvil import anvil_program

SCRIPT = Path(__file__).parents[2] / "scripts/bench_ethereum_node.py"


@pytest.mark.slow
def test_bench_ethereum_node__prints_rates_as_json() -> None:
    anvil_program()  # skips where there is none
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny"], check=True, capture_output=True, text=True
    )
    figures = json.loads(done.stdout)
    for way in ("debug", "trace", "none"):
        for what in ("read", "ledger"):
            # The token's supply is one transfer more.
            assert figures[way][what]["transfers"] == 4 * 5 + 1
            assert figures[way][what]["transfers_per_second"] > 0
