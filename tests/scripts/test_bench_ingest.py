import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_ingest.py"


@pytest.mark.slow
def test_bench_ingest__measures_phases_floor_peers_and_projects(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny", "--json", file, "--keep", tmp_path / "kept"],
        check=True,
        capture_output=True,
        text=True,
    )
    figures = json.loads(file.read_text())
    assert figures == json.loads(done.stdout)
    (run,) = figures["runs"]
    assert run["transactions"] == 2_001
    assert run["verified"] is True
    phases = run["phases"]
    worked = ["read", "parse", "hash", "resolve", "address_ids", "history", "write", "fsync"]
    assert all(phases[phase]["cpu_seconds"] > 0 for phase in worked)
    accounted = sum(phase["cpu_seconds"] for phase in phases.values())
    hooked = run["hooked"]["cpu_seconds"]
    assert 0.5 * hooked < accounted <= 1.05 * hooked
    assert figures["peers"]["python-bitcoinlib"]["transactions"] > 0
    assert figures["ratio_to_python_bitcoinlib"] > 0
    assert run["floor"]["compressions"] > 3 * 2_001
    assert all(
        set(entry) == {"value", "unit", "formula", "stands_on"} and entry["value"] > 0
        for name, entry in figures["projection"].items()
        if name != "chain"
    )
    (ledger,) = (tmp_path / "kept").iterdir()
    assert (ledger / "manifest.json").exists()
