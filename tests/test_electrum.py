import pytest

from tests import electrum


@pytest.fixture
def nothing_installed(monkeypatch, tmp_path):
    monkeypatch.delenv("ARIEN_TEST_ELECTRUM", raising=False)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(electrum, "DEFAULT_PREFIX", tmp_path / "prefix")


@pytest.mark.usefixtures("nothing_installed")
def test_electrum_program__skips_where_there_is_none():
    with pytest.raises(pytest.skip.Exception, match="scripts/install-electrum-server"):
        electrum.electrum_program()


@pytest.mark.usefixtures("nothing_installed")
def test_electrum_program__fails_in_ci_where_there_is_none(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="scripts/install-electrum-server"):
        electrum.electrum_program()


@pytest.mark.usefixtures("nothing_installed")
def test_electrum_program__may_be_named_itself_or_by_its_prefix(monkeypatch, tmp_path):
    program = tmp_path / "elsewhere" / electrum.PROGRAM
    program.parent.mkdir(parents=True)
    program.touch()
    for named in (program, tmp_path / "elsewhere"):
        monkeypatch.setenv("ARIEN_TEST_ELECTRUM", str(named))
        assert electrum.electrum_program() == str(program)
