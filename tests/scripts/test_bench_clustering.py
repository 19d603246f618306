import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_clustering.py"


def measured(*arguments: str) -> list[dict]:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--rounds", "1", *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)["runs"]


@pytest.mark.slow
def test_bench_clustering__measures_both_models() -> None:
    runs = measured("--tiny")
    assert [run["model"] for run in runs] == ["powerlaw", "wallets"]
    for run in runs:
        assert run["inputs"] > run["transactions"]
        ours = [each for name, each in run["cases"].items() if name.startswith("with evidence")]
        assert len({each["log_checksum"] for each in ours}) == 1
        assert all(each["million_transactions_a_second"] > 0 for each in ours)
        assert all(each["log_rows"] > 0 for each in ours)


@pytest.mark.slow
def test_bench_clustering__takes_the_number_of_addresses() -> None:
    (run,) = measured("--largest", "4000", "--transactions", "2000")
    assert (run["model"], run["addresses"]) == ("scattered", 4000)
    assert "scipy, 1 thread" not in run["cases"]
