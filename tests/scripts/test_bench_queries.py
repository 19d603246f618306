import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_queries.py"


@pytest.mark.slow
def test_bench_queries__asks_everything_warm_and_cold(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny", "--json", file],
        check=True,
        capture_output=True,
        text=True,
    )
    figures = json.loads(file.read_text())
    assert figures == json.loads(done.stdout)
    assert figures["ledger"]["transactions"] > 2_000
    assert figures["ledger"]["hot_transactions"] >= 300
    assert set(figures["queries"]["address_summary"]) == {"random", "hot", "missing"}
    for question in figures["queries"].values():
        for times in question.values():
            assert 0 < times["warm"]["p50"] <= times["warm"]["p99"] <= times["warm"]["most"]
            assert ("cold" in times) == figures["cold_is_dropped_from_page_cache"]
