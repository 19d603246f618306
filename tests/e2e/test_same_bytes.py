"""One request on one ledger gives one text, whoever runs it: threads, hashes, compiler, Python.

Another version of Python is tried where one with the program's dependencies is at hand: name its
interpreter in `ARIEN_TEST_OTHER_PYTHON`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.small_case import NETWORK, SmallCase

pytestmark = pytest.mark.slow

PROGRAM = """
import itertools, json, sys
from pathlib import Path
from arien_flows.answers.trace import compared, traced
from arien_flows.settings import Settings
from arien_flows.tracing.request import POLICIES, TraceRequest
from arien_flows.workspace import Workspace

opened = Workspace(Settings(data=Path(sys.argv[1]))).open(sys.argv[2])
found = {}
for source, direction in itertools.product(json.loads(sys.argv[3]), ("forward", "backward")):
    def asked(**more):
        return TraceRequest(sources=tuple(source), direction=direction, min_value_sat=1, **more)
    answer = opened.ask(lambda it: compared(it, asked()))
    key = f"{direction} {' '.join(source)}"
    found[key] = {**answer.results, "comparison": answer.manifest.result_sha256}
    whole = opened.ask(lambda it: traced(it, asked()))
    found[key]["bytes"] = __import__("hashlib").sha256(whole.json_bytes()).hexdigest()
print(json.dumps(found, sort_keys=True))
"""


def hashes(
    case: SmallCase, folder: Path, python: str = sys.executable, **environment: str
) -> dict[str, dict[str, str]]:
    sources = [
        [case.address("alice-3"), case.address("bob")],
        [f"entity:{case.address('alice')}"],
        [f"{case.txid('crowd')}:0", f"{case.txid('merge')}:0"],
    ]
    command = [python, "-c", PROGRAM, str(case.data), NETWORK, json.dumps(sources)]
    own = {"NUMBA_CACHE_DIR": str(folder)} if python != sys.executable else {}
    run = subprocess.run(
        command,
        env={**os.environ, **own, **environment},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    told: dict[str, dict[str, str]] = json.loads(run.stdout)
    return told


def test_traces__are_the_same_whatever_runs_them(small_case: SmallCase, tmp_path: Path):
    first = hashes(small_case, tmp_path, PYTHONHASHSEED="1", NUMBA_NUM_THREADS="1")
    assert len(first) == 6
    assert all("fifo" in each and "haircut" in each for each in first.values())
    # Different questions have different answers; a constant would be the same too.
    assert len({each["comparison"] for each in first.values()}) == len(first)
    for environment in (
        {"PYTHONHASHSEED": "2", "NUMBA_NUM_THREADS": str(min(2, os.cpu_count() or 1))},
        {"PYTHONHASHSEED": "3", "NUMBA_DISABLE_JIT": "1"},
        {"PYTHONHASHSEED": "4", "TZ": "Pacific/Auckland", "LC_ALL": "C"},
    ):
        assert hashes(small_case, tmp_path, **environment) == first


def test_traces__are_the_same_in_another_version_of_python(small_case: SmallCase, tmp_path: Path):
    other = os.environ.get("ARIEN_TEST_OTHER_PYTHON")
    if other is None:
        pytest.skip("ARIEN_TEST_OTHER_PYTHON names no interpreter with the program's dependencies")
    version = [other, "-c", "import sys; print(sys.version_info[:2])"]
    theirs = subprocess.run(version, capture_output=True, text=True, check=True).stdout.strip()
    assert theirs != str(sys.version_info[:2])
    found = hashes(small_case, tmp_path, other, NUMBA_DISABLE_JIT="1")
    assert found == hashes(small_case, tmp_path, NUMBA_DISABLE_JIT="1")
