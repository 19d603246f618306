import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts/bench_casebook.py"


def test_bench_casebook__counts_what_it_imports_and_finds() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny"], check=True, capture_output=True, text=True
    )
    figures = json.loads(done.stdout)
    assert figures["tags"] == 1_000
    # Every fifth address is looked up; ten of these 200 are named by two sources.
    assert figures["looked_up"] == 210
    assert figures["tags_per_second"] > 0
