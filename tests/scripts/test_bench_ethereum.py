import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_ethereum.py"


@pytest.mark.slow
def test_bench_ethereum__prints_figures_of_decoding_and_of_files():
    finished = subprocess.run(
        [sys.executable, SCRIPT, "--tiny", "--what", "decode", "--what", "files"],
        check=True,
        capture_output=True,
        text=True,
    )
    figures = json.loads(finished.stdout)
    measured = [figures["decode"], *figures["files"].values()]
    assert [one["blocks"] for one in measured] == [4, 4, 4]
    assert all(one["transfers"] > 10 and one["transfers_per_second"] > 0 for one in measured)
