"""The benchmark of batches runs; its figures are not judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench_batch.py"


@pytest.mark.slow
def test_bench_batch__tiny_run_prints_figures():
    typed = [sys.executable, str(SCRIPT), "--tiny", "--runs", "exposure_and_risk"]
    printed = subprocess.run(typed, check=True, capture_output=True, text=True).stdout
    runs = json.loads(printed)["runs"]["exposure_and_risk"]
    assert runs["first"]["result_sha256"] == runs["again"]["result_sha256"]
    assert runs["first"]["subjects"] < runs["first"]["rows"] == 20
