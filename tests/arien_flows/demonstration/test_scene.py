"""The demonstration's folder: never at the cost of somebody's data."""

from pathlib import Path

import pytest

from arien_flows.demonstration.documents import first_address
from arien_flows.demonstration.scene import MARK, fresh_scene
from arien_flows.errors import InputError, NotFoundError
from chains.bitcoin.networks import BITCOIN, REGTEST
from tests.ledgers import text_of_name


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


def test_first_address__takes_the_first_that_is_one(tmp_path: Path):
    address = text_of_name("alice")
    document = tmp_path / "post.txt"
    document.write_text(f"key 6ACB56EA09A8073077A254835A27FA4CC8D49B21 pay {address}, now\n")
    found = first_address(document, REGTEST)
    assert found.address == address
    assert len(found.sha256) == 64
    with pytest.raises(NotFoundError, match="holds no address of bitcoin"):
        first_address(document, BITCOIN)
