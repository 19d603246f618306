"""Promises of the repository itself: names, scripts, texts."""

import os
import re
import subprocess
import tomllib
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from arien_flows.attribution.snapshot import service_stop
from arien_flows.attribution.tag import CONFIDENCE
from arien_flows.attribution.tagpack import parse_tagpack
from arien_flows.cli.main import COMMANDS
from heuristics.taint import Stop

ROOT = Path(__file__).parents[1]
PACKAGES = ("api", "arien_flows", "chains", "heuristics")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def tracked_files() -> list[Path]:
    """Return what git would ship; outside a checkout there is nothing to look at."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


@pytest.mark.parametrize("name", PACKAGES)
def test_package__is_claimed_by_no_other_distribution(name: str):
    assert set(packages_distributions().get(name, [])) <= {"arien-flows"}


@pytest.mark.parametrize("name", PACKAGES)
def test_package__is_the_one_of_this_checkout(name: str):
    assert Path(str(import_module(name).__file__)).parent == ROOT / name


def test_packages__all_are_shipped_checked_and_measured():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    shipped = settings["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(shipped) == sorted(PACKAGES)
    assert sorted(settings["mypy"]["packages"]) == sorted(PACKAGES)
    assert sorted(settings["coverage"]["run"]["source_pkgs"]) == sorted(PACKAGES)
    assert sorted(settings["importlinter"]["root_packages"]) == sorted(PACKAGES)


@pytest.mark.parametrize("top", [*PACKAGES, "tests"])
def test_folders__with_code_are_packages(top: str):
    """A folder of tests that is no package makes `import heuristics` find the tests."""
    folders = {file.parent for file in (ROOT / top).rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]


@pytest.mark.parametrize("name", ["check", "coverage", "demo", "fix", "test"])
def test_scripts__can_be_run_and_are_valid_shell(name: str):
    script = ROOT / "scripts" / name
    assert os.access(script, os.X_OK)
    subprocess.run(["sh", "-n", str(script)], check=True)  # noqa: S607


def test_ci__runs_what_the_readme_names():
    assert "scripts/test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "scripts/check" in (ROOT / "scripts" / "test").read_text(encoding="utf-8")
    assert "scripts/demo" in README
    assert "scripts/test" in README


def test_readme__names_every_command_and_no_other():
    table = README.split("| command | does |")[1].split("\n\n")[0]
    first_cells = re.findall(r"^\| (.+?) \|", table, flags=re.MULTILINE)
    named = {
        text.split()[0]
        for cell in first_cells
        for text in re.findall(r"`([^`]+)`", cell)
        if text.split()[0] in COMMANDS or cell.startswith(f"`{text}`")
    }
    assert named == set(COMMANDS)


def test_texts__links_to_files_of_the_repository_lead_somewhere():
    for name in ("README.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^):#]+)\)", text):
            assert (ROOT / target).exists(), f"{name} links to {target}"


def test_decisions__are_numbered_and_dated():
    text = (ROOT / "DECISIONS.md").read_text(encoding="utf-8")
    numbers = [
        int(n) for n in re.findall(r"^## (\d+)\. .+ \(\d{4}-\d\d-\d\d\)$", text, re.MULTILINE)
    ]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) == text.count("\n## ")


def test_files__hold_no_absolute_path_of_somebody_s_machine():
    pattern = re.compile(rb"(?<![\w.])/(?:home|Users|root)/\w")
    for file in tracked_files():
        if file != Path(__file__) and file.is_file():
            assert not pattern.search(file.read_bytes()), file


def test_files__are_small_enough_to_review():
    for file in tracked_files():
        if file.is_file():
            assert file.stat().st_size < 1_000_000, file


def test_modules__stay_within_the_limit():
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            assert len(file.read_text(encoding="utf-8").splitlines()) <= 500, file


def test_readme__shows_a_tagpack_that_is_one():
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    pack = parse_tagpack(shown.encode(), "README.md")
    assert [service_stop(tag) for tag in pack.tags] == [Stop.SERVICE_REACHED]
    for word, level in re.findall(r"\b([a-z_]+) (\d+),", shown):
        assert CONFIDENCE[word] == int(level)
