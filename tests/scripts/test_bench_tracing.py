import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_tracing.py"


@pytest.mark.slow
def test_bench_tracing__follows_money_warm_cold_and_in_bulk(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny", "--json", file],
        check=True,
        capture_output=True,
        text=True,
    )
    figures = json.loads(file.read_text())
    assert figures == json.loads(done.stdout)
    for kind in figures["interactive"].values():
        for times in kind.values():
            assert (
                0 < times["seconds"]["p50"] <= times["seconds"]["p95"] <= times["seconds"]["most"]
            )
            assert times["transactions"]["most"] >= 1
    assert {row["policy"] for row in figures["bulk"]} >= {"fifo", "tiho", "haircut", "poison"}
