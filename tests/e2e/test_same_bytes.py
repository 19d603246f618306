"""One request on one ledger gives one text, whoever runs it: threads, hashes, compiler, Python.

Another version of Python is tried where one with the dependencies of the program is at hand: the
one that `ARIEN_TEST_OTHER_PYTHON` names, or one on `PATH`.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from arien_flows.cli.main import run
from tests.ledgers import GENESIS_TIME
from tests.small_case import NETWORK, SmallCase

pytestmark = pytest.mark.slow

PROGRAM = """
import itertools, json, sys
from hashlib import sha256
from pathlib import Path
from typing import get_args
from arien_flows.answers.paths import connected
from arien_flows.answers.trace import compared, traced
from arien_flows.settings import Settings
from arien_flows.shapes import json_text
from arien_flows.tracing.paths_request import PathRequest
from arien_flows.tracing.request import FeeMode, LevelName, TraceRequest, policies_of
from arien_flows.workspace import Workspace

opened = Workspace(Settings(data=Path(sys.argv[1]))).open(sys.argv[2])
found = {}
for source, direction in itertools.product(json.loads(sys.argv[3]), ("forward", "backward")):
    def asked(**more):
        return TraceRequest(sources=tuple(source), direction=direction, min_value_sat=1, **more)
    answer = opened.ask(lambda it: compared(it, asked()))
    key = f"{direction} {' '.join(source)}"
    found[key] = {**answer.results, "comparison": answer.manifest.result_sha256}
    questions = {
        "plain": {},
        **{f"level {name}": {"level": name} for name in get_args(LevelName)},
        **{f"fees {name}": {"fee_mode": name} for name in get_args(FeeMode)},
        **{
            f"fees followed by {name}": {
                "fee_mode": "track_coinbase", "subsidy_order": "last", "policy": name
            }
            for name in policies_of(direction)
        },
        "candidates": {"demix": "candidates"},
        "worth": {"fiat": "EUR"},
    }
    for name, more in questions.items():
        whole = opened.ask(lambda it: traced(it, asked(**more)))
        found[key][name] = sha256(whole.json_bytes()).hexdigest()
origin, destination = json.loads(sys.argv[4])
for by in ("value", "hops"):
    path = PathRequest(origin=origin, destination=destination, by=by)
    told = opened.ask(lambda it: connected(it, path))
    found[f"path by {by}"] = {"bytes": sha256(json_text(told).encode()).hexdigest()}
print(json.dumps(found, sort_keys=True))
"""


@pytest.fixture(scope="module")
def priced(small_case: SmallCase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with prices."""
    folder = tmp_path_factory.mktemp("priced")
    data = folder / "data"
    shutil.copytree(small_case.data, data)
    rows = "".join(f"{GENESIS_TIME + 600 * number},{20_000 + number}\n" for number in range(20))
    (folder / "prices.csv").write_text(f"timestamp,price\n{rows}")
    terms = ("--asset", "tBTC", "--currency", "EUR", "--source", "made up")
    assert run(["--data", str(data), "prices", "import", str(folder / "prices.csv"), *terms]) == 0
    return data


def hashes(
    data: Path, case: SmallCase, folder: Path, python: str = sys.executable, **environment: str
) -> dict[str, dict[str, str]]:
    sources = [
        [case.address("alice-3"), case.address("bob")],
        [f"entity:{case.address('alice')}"],
        [f"{case.txid('crowd')}:0", f"{case.txid('merge')}:0"],
    ]
    ends = [case.address("alice"), case.address("exchange")]
    told_sources, told_ends = json.dumps(sources), json.dumps(ends)
    command = [python, "-c", PROGRAM, str(data), NETWORK, told_sources, told_ends]
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


def test_traces__are_the_same_whatever_runs_them(
    small_case: SmallCase, priced: Path, tmp_path: Path
):
    first = hashes(priced, small_case, tmp_path, PYTHONHASHSEED="1", NUMBA_NUM_THREADS="1")
    traces = {key: each for key, each in first.items() if not key.startswith("path")}
    assert (len(traces), len(first)) == (6, 8)
    assert all("fifo" in each and "haircut" in each for each in traces.values())
    # Different questions have different answers; a constant would be the same too.
    assert len({each["comparison"] for each in traces.values()}) == len(traces)
    for each in traces.values():
        # `entity` and `track` are what a question asks for that names none.
        assert each["plain"] == each["level entity"] == each["fees track"]
        others = [digest for name, digest in each.items() if name not in ("plain", "level entity")]
        assert len(set(others)) == len(others)
    for environment in (
        {"PYTHONHASHSEED": "2", "NUMBA_NUM_THREADS": str(min(2, os.cpu_count() or 1))},
        {"PYTHONHASHSEED": "3", "NUMBA_DISABLE_JIT": "1"},
        {"PYTHONHASHSEED": "4", "TZ": "Pacific/Auckland", "LC_ALL": "C"},
    ):
        assert hashes(priced, small_case, tmp_path, **environment) == first


def test_traces__are_the_same_in_another_version_of_python(
    small_case: SmallCase, priced: Path, tmp_path: Path
):
    other = os.environ.get("ARIEN_TEST_OTHER_PYTHON") or other_python()
    if other is None:
        pytest.skip(
            "no other version of Python with the program's dependencies is on PATH, and "
            "ARIEN_TEST_OTHER_PYTHON names none"
        )
    version = [other, "-c", "import sys; print(*sys.version_info[:2])"]
    theirs = subprocess.run(version, capture_output=True, text=True, check=True).stdout.split()
    assert theirs != [str(number) for number in sys.version_info[:2]]
    found = hashes(priced, small_case, tmp_path, other, NUMBA_DISABLE_JIT="1")
    assert found == hashes(priced, small_case, tmp_path, NUMBA_DISABLE_JIT="1")


def other_python() -> str | None:
    """Return an interpreter of another version that has what the program needs, if one is there."""
    needs = "import alembic, click, matplotlib, networkx, numba, pandas, pyarrow, sqlalchemy, yaml"
    for minor in range(11, 20):
        found = shutil.which(f"python3.{minor}")
        if found is None or minor == sys.version_info.minor:
            continue
        if subprocess.run([found, "-c", needs], capture_output=True, check=False).returncode == 0:
            return found
    return None
