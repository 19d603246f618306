import pytest

from tests import nodes


@pytest.fixture
def nothing_installed(monkeypatch, tmp_path):
    monkeypatch.delenv("ARIEN_TEST_BITCOIND", raising=False)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(nodes, "DEFAULT_PREFIX", tmp_path / "prefix")


@pytest.mark.usefixtures("nothing_installed")
def test_bitcoind_program__skips_where_there_is_none():
    with pytest.raises(pytest.skip.Exception, match="scripts/install-bitcoin-node"):
        nodes.bitcoind_program()


@pytest.mark.usefixtures("nothing_installed")
def test_bitcoind_program__fails_in_ci_where_there_is_none(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="scripts/install-bitcoin-node"):
        nodes.bitcoind_program()


@pytest.mark.usefixtures("nothing_installed")
def test_bitcoind_program__prefers_the_one_that_is_named(monkeypatch, tmp_path):
    installed = tmp_path / "prefix" / "bin" / "bitcoind"
    installed.parent.mkdir(parents=True)
    installed.touch()
    assert nodes.bitcoind_program() == str(installed)
    monkeypatch.setenv("ARIEN_TEST_BITCOIND", "/elsewhere/bitcoind")
    assert nodes.bitcoind_program() == "/elsewhere/bitcoind"
