import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_vendors.py"


@pytest.mark.slow
def test_bench_vendors__compares_with_the_truth_as_json() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny"], check=True, capture_output=True, text=True
    )
    told = json.loads(done.stdout)
    for each in told["payouts"].values():
        assert each["right"] <= min(each["found"], each["true"])
    assert set(told["wallets"]) == {"clustering", "with escrow key"}
    assert set(told["bands"]["published, with documents"]) == {
        "confirmed: 70 and more",
        "45 to 69",
        "30 to 44",
        "1 to 29",
        "0 and less",
    }
