import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_tables.py"


@pytest.mark.slow
def test_bench_tables__prints_each_part_as_json(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny", "--folder", tmp_path, "--json", tmp_path / "figures"],
        check=True,
        capture_output=True,
        text=True,
    )
    figures = json.loads(done.stdout)
    assert json.loads((tmp_path / "figures").read_text()) == figures
    assert figures["unspent"]["entries"] == 20_000
    assert figures["unspent"]["bytes_per_entry"] < 36
    assert figures["locks"]["unknown_keys_let_through"] < 0.03
    (commit,) = figures["spenders"]["commits"]
    assert commit["spends"] >= figures["spenders"]["rows"] // 32
    assert figures["start_up"]["cold"]["seconds"] > 0
