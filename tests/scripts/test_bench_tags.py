import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts/bench_tags.py"


def test_bench_tags__reads_back_what_it_exports() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny"], check=True, capture_output=True, text=True
    )
    figures = json.loads(done.stdout)["import"]
    assert figures["tags_read"] == figures["tags_in_effect"] == 1_000
    assert figures["exported_tags_read_back"] == 1_000
    assert figures["exported_tags_faulty"] == 0
