"""Files of jobs: whole or not at all, under safe names, by one attempt at a time."""

import hashlib
from pathlib import Path

import pytest

from arien_flows.access.ids import new_id
from arien_flows.casebook.job_records import JobFile
from arien_flows.jobs.folder import (
    FolderInUseError,
    folder_of,
    is_safe_name,
    locked,
    make_folder,
    measured,
    write_file,
    writing_file,
)
from arien_flows.jobs.run import MadeFile
from tests.arien_flows.casebook.queued import NOW


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path, new_id("job", NOW))


def test_file__is_measured_as_it_lies(folder: Path):
    made = write_file(folder, "a.txt", "text/plain", b"abc")
    assert measured(folder, made) == JobFile(
        name="a.txt", media_type="text/plain", size=3, sha256=hashlib.sha256(b"abc").hexdigest()
    )


def test_file__that_fails_leaves_the_one_before(folder: Path):
    write_file(folder, "a.txt", "text/plain", b"old")

    def fail() -> None:
        with writing_file(folder, "a.txt") as stream:
            stream.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("a.txt", b"old")]


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../a", "a/b", "/a", ".lock", "a.part", "a b", "a\n", "ä", "-", "x" * 101],
)
def test_names__that_could_be_anything_else_are_refused(folder: Path, name: str):
    assert not is_safe_name(name)
    with pytest.raises(ValueError, match="no name"), writing_file(folder, name):
        pass
    with pytest.raises(ValueError, match="no name"):
        measured(folder, MadeFile(name=name, media_type="text/plain"))


@pytest.mark.parametrize("name", ["..", "job_x", "", "job_" + "0" * 25 + "/"])
def test_folder__is_of_a_job_only(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match="no id"):
        folder_of(tmp_path, name)


def test_folder__is_held_by_one_at_a_time(folder: Path):
    with locked(folder), pytest.raises(FolderInUseError), locked(folder):
        pass
    with locked(folder):
        pass


def test_folder__is_for_its_owner_alone(folder: Path):
    assert folder.stat().st_mode & 0o077 == 0
    assert folder.parent.stat().st_mode & 0o077 == 0
