import subprocess
import sys

import pytest

from chains.errors import SourceUnavailableError, UnknownNetworkError
from chains.registry import BLOCK_SCHEMES, open_blocks
from tests.blocks import GENESIS, framed, write_files


def test_open_blocks__opens_block_files(tmp_path):
    write_files(tmp_path / "a folder", [framed(GENESIS)])
    source = open_blocks(f"blockfiles:{tmp_path}/a folder", "bitcoin-regtest")
    assert source.tip_height() == 0
    assert source.network.name == "bitcoin-regtest"


def test_open_blocks__expands_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_files(tmp_path / ".bitcoin" / "regtest" / "blocks", [framed(GENESIS)])
    assert open_blocks("blockfiles:~/.bitcoin", "bitcoin-regtest").tip_height() == 0


@pytest.mark.parametrize("uri", ["nonsense+http://user:secret@host", "secret", ""])
def test_open_blocks__lists_the_known_schemes_and_keeps_secrets(uri):
    with pytest.raises(SourceUnavailableError) as caught:
        open_blocks(uri, "bitcoin")
    assert all(scheme in str(caught.value) for scheme in BLOCK_SCHEMES)
    assert "secret" not in str(caught.value)


def test_open_blocks__needs_a_path():
    with pytest.raises(SourceUnavailableError, match="blockfiles:PATH"):
        open_blocks("blockfiles:", "bitcoin")


def test_open_blocks__refuses_an_unknown_network():
    with pytest.raises(UnknownNetworkError, match="bitcoin-regtest"):
        open_blocks("blockfiles:.", "regtest")


def test_registry__loads_no_source_before_it_is_asked_for():
    program = "import sys, chains.registry; sys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
