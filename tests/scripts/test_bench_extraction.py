import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_extraction.py"


@pytest.mark.slow
def test_bench_extraction__measures_speed_recall_and_hostile_text(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny", "--json", file],
        check=True,
        capture_output=True,
        text=True,
    )
    figures = json.loads(file.read_text())
    assert figures == json.loads(done.stdout)
    speed = figures["speed"]
    assert speed["megabytes"] == 0.1
    assert all(rate > 0 for rate in speed["megabytes_a_second"].values())
    assert sum(speed["found_by_role"].values()) == -(-speed["pages"] // 20)
    for row in figures["recall"]:
        assert row["planted"] == row["found"] == row["by_its_rules"]
        assert row["others"] == 0
    for row in figures["hostile"].values():
        assert row["found"] == 0
