"""The demonstration's folder: never at the cost of somebody's data."""

from pathlib import Path

import pytest

from arien_flows.demonstration.scene import MARK, fresh_scene
from arien_flows.errors import InputError


def test_fresh_scene__makes_a_folder_and_makes_it_again(tmp_path: Path):
    scene = fresh_scene(tmp_path / "a" / "demo")
    (scene.folder / "old").write_text("x")
    fresh_scene(scene.folder)
    assert [file.name for file in scene.folder.iterdir()] == [MARK]


def test_fresh_scene__takes_an_empty_folder(tmp_path: Path):
    assert fresh_scene(tmp_path).folder == tmp_path


def test_fresh_scene__leaves_other_folders_and_files_alone(tmp_path: Path):
    evidence = tmp_path / "evidence.txt"
    evidence.write_text("keep")
    for target in (tmp_path, evidence):
        with pytest.raises(InputError, match="is no demonstration"):
            fresh_scene(target)
    assert evidence.read_text() == "keep"
