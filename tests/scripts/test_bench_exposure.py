import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_exposure.py"


@pytest.mark.slow
def test_bench_exposure__asks_about_random_and_the_largest_entities(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny", "--json", file],
        check=True,
        capture_output=True,
        text=True,
    )
    figures = json.loads(file.read_text())
    assert figures == json.loads(done.stdout)
    assert figures["random"]["asked"] == 10
    assert figures["largest"]["asked"] == 3
    for kind in ("random", "largest"):
        times = figures[kind]["again_seconds"]
        assert 0 < times["p50"] <= times["p95"] <= times["most"]
        risk = figures[kind]["risk"]
        assert risk["asked"] == figures[kind]["asked"] == sum(risk["bands"].values())
        assert 0 < risk["again_seconds"]["p50"] <= risk["again_seconds"]["most"]
        assert 0 < max(risk["cut"].values()) <= risk["asked"]
    assert figures["largest"]["attributed_percent"]["in"]["most"] <= 100
