import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_votes.py"


@pytest.mark.slow
def test_bench_votes__prints_speeds_and_what_was_voted() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny"], check=True, capture_output=True, text=True
    )
    figures = json.loads(done.stdout)
    assert figures["transactions"] == 2_001
    assert figures["all_rules_transactions_per_cpu_second"] > 0
    assert set(figures["steps"]) == {
        "coinjoin_marks",
        "multisig_scripts",
        "fingerprints",
        "votes_with_fingerprints",
        "vote_difference",
    }
    assert 0 < figures["judged_transactions"] < figures["transactions"]
    assert figures["votes_cast"]["fresh"] > 0
