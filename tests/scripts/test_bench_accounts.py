import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench_accounts.py"


@pytest.mark.slow
def test_bench_accounts__prints_figures_of_every_convention():
    finished = subprocess.run(
        [sys.executable, SCRIPT, "--tiny"], check=True, capture_output=True, text=True
    )
    figures = json.loads(finished.stdout)
    for amounts in ("amounts_of_60_to_90_bits", "amounts_of_210_to_240_bits"):
        assert len(figures[amounts]) == 8
        for measured in figures[amounts].values():
            assert measured["seconds"] > 0
            assert measured["tainted_movements"] > 0
