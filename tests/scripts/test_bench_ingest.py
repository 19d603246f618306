import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_ingest.py"


@pytest.mark.slow
def test_bench_ingest__prints_rates_as_json() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny"], check=True, capture_output=True, text=True
    )
    figures = json.loads(done.stdout)
    assert figures["transactions"] == 2_001
    assert figures["verified"] is True
    assert figures["transactions_per_second"] > 0
