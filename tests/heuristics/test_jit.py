import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from heuristics import jit

ROOT = Path(jit.__file__).parents[1]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a tiny program with our `jit.py`: a kernel, its callee and its constant."""
    folder = tmp_path / "program"
    (folder / "heuristics").mkdir(parents=True)
    shutil.copy(jit.__file__, folder / "heuristics")
    files = {
        "__init__.py": "",
        "constants.py": "ADDED = 1\n",
        "callee.py": (
            "from heuristics.jit import kernel\n@kernel\ndef callee(x):\n    return x + 1\n"
        ),
        "caller.py": (
            "from heuristics.callee import callee\n"
            "from heuristics.constants import ADDED\n"
            "from heuristics.jit import kernel\n"
            "@kernel\ndef caller(x):\n    return 10 * callee(x) + ADDED\n"
        ),
    }
    for name, text in files.items():
        (folder / "heuristics" / name).write_text(text)
    return folder


def run(package: Path, **environment: str) -> tuple[int, int, str]:
    """Call the kernel in a new process: its answer, cache hits, and where the cache is."""
    script = (
        "from heuristics.caller import caller; import heuristics.jit as jit;"
        "print(caller(1), sum(caller.stats.cache_hits.values()), jit.CACHE_DIRECTORY)"
    )
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("NUMBA_", "XDG_", "COV"))
    }
    answer = subprocess.run(
        [sys.executable, "-c", script],
        cwd=package,
        env=clean
        | {
            "PYTHONPATH": str(package),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NUMBA_CACHE_DIR": str(package / "cache"),
        }
        | environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split(maxsplit=2)
    return int(answer[0]), int(answer[1]), answer[2].strip()


@pytest.mark.slow
def test_kernel__sees_an_edited_callee_and_an_edited_constant(package: Path) -> None:
    callee, constants = package / "heuristics/callee.py", package / "heuristics/constants.py"
    assert run(package)[:2] == (21, 0)
    assert run(package)[:2] == (21, 1)
    callee.write_text(callee.read_text().replace("x + 1", "x + 2"))
    assert run(package)[:2] == (31, 0)
    constants.write_text("ADDED = 7\n")
    assert run(package)[:2] == (37, 0)
    callee.write_text(callee.read_text().replace("x + 2", "x + 1"))
    constants.write_text("ADDED = 1\n")
    assert run(package)[:2] == (21, 1)


@pytest.mark.slow
def test_kernel__compiles_where_no_cache_can_be_written(package: Path) -> None:
    (package / "file").write_text("in the way")
    nowhere = str(package / "file" / "cache")
    answer, _, used = run(package, NUMBA_CACHE_DIR=nowhere, TMPDIR=str(package))
    assert answer == 21
    assert Path(used).parent == package / f"arien-flows-kernels-{os.getuid()}"
    shutil.rmtree(Path(used).parent)
    Path(used).parent.write_text("in the way, too")
    answer, hits, used = run(package, NUMBA_CACHE_DIR=nowhere, TMPDIR=str(package))
    assert (answer, hits, used) == (21, 0, "None")


def test_kernel_sources__holds_kernels_and_all_that_they_import() -> None:
    names = {file.relative_to(ROOT).as_posix() for file in jit.kernel_sources(ROOT)}
    assert {"heuristics/jit.py", "heuristics/union_find.py", "heuristics/columns.py"} <= names
    # It only asks where the cache is.
    assert "arien_flows/health.py" not in names
    assert "chains/tables.py" in names
    assert "heuristics/rules.py" not in names


def test_kernel_sources__follows_every_way_to_import_a_module(tmp_path: Path) -> None:
    folder = tmp_path / "heuristics"
    folder.mkdir()
    lines = [
        "from heuristics.jit import kernel",
        "from heuristics import (",
        "    first,  # with a remark",
        "    second as other,",
        ")",
        "from heuristics import third, fourth",
        "import heuristics.fifth",
    ]
    (folder / "caller.py").write_text("\n".join(lines))
    for name in ("first", "second", "third", "fourth", "fifth", "unused"):
        (folder / f"{name}.py").write_text("")
    found = [file.stem for file in jit.kernel_sources(tmp_path)]
    assert found == ["caller", "fifth", "first", "fourth", "second", "third"]


def test_cache_key__depends_on_names_and_contents(tmp_path: Path) -> None:
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text("a")
    other.write_text("a")
    keys = {jit.cache_key([one], tmp_path), jit.cache_key([other], tmp_path)}
    one.write_text("b")
    keys |= {jit.cache_key([one], tmp_path), jit.cache_key([one, other], tmp_path)}
    assert len(keys) == 4


def test_prune__removes_only_machine_code_that_nobody_used_for_a_month(tmp_path: Path) -> None:
    now = time.time()
    month = jit.KEEP_DAYS * 86_400
    ages = {"a" * 16: month + 60, "b" * 16: month - 60, "c" * 16: month + 60, "notes": 9 * month}
    for name, age in ages.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "kernel.nbi").write_text("")
        os.utime(tmp_path / name, (now - age, now - age))
    jit.prune(tmp_path, "c" * 16, now)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b" * 16, "c" * 16, "notes"]


def test_cache_directory__marks_its_use(tmp_path: Path) -> None:
    directory = jit.cache_directory([tmp_path])
    assert directory is not None
    os.utime(directory, (0, 0))
    assert jit.cache_directory([tmp_path]) == directory
    assert directory.stat().st_mtime > 0


def test_is_private__refuses_a_folder_that_others_can_reach(tmp_path: Path) -> None:
    assert jit.is_private(tmp_path / "own")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert not jit.is_private(tmp_path / "open")
    (tmp_path / "link").symlink_to(tmp_path / "own")
    assert not jit.is_private(tmp_path / "link")
