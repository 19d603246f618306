import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.electrum import electrum_program
from tests.nodes import bitcoind_program

SCRIPT = Path(__file__).parents[2] / "scripts/bench_inquiry.py"


@pytest.mark.slow
def test_bench_inquiry__counts_requests_and_rounds() -> None:
    bitcoind_program(), electrum_program()
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny"], check=True, capture_output=True, text=True
    )
    figures = json.loads(done.stdout)
    # The tree, and the coinbase that it grows from.
    assert figures["transactions"] == 21
    assert figures["leaves"] == 21
    assert figures["again_requests"] < 8 < figures["requests"]
    assert figures["engine_rounds"] < 12
