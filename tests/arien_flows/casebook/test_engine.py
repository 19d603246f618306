"""Connections: which databases are accepted, and that no password is ever told."""

import os
import sqlite3
import stat
import traceback
from contextlib import ExitStack
from pathlib import Path

import pytest

from arien_flows.casebook import engine as engines
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import (
    database_url,
    open_engine,
    reading,
    shown,
    sqlite_url,
    writing,
)
from arien_flows.casebook.records import TagFilter
from arien_flows.errors import CasebookBusyError, CasebookError, InputError
from arien_flows.settings import Settings, settings_from
from arien_flows.workspace import Workspace
from tests.arien_flows.casebook.packs import GENESIS, SCRIPT, bring_in, pack, row

SECRET = "s3cr3t-pass"  # noqa: S105 a made-up one


@pytest.mark.parametrize(
    "address",
    [
        f"mysql://user:{SECRET}@host/name",
        f"postgresql+asyncpg://user:{SECRET}@host/name",
        f"user:{SECRET}@host",
        "sqlite://",
        "sqlite:///:memory:",
        f"://{SECRET}",
        f"postgresql://host:{SECRET}",
    ],
)
def test_database_url__refuses_other_databases_without_repeating_the_address(address):
    with pytest.raises(InputError, match="ARIEN_CASEBOOK") as caught:
        database_url(address)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_database_url__takes_the_short_name_of_postgresql():
    assert database_url("postgresql://host/name").drivername == "postgresql+psycopg"


def test_shown__hides_the_password_and_what_follows_a_question_mark():
    url = database_url(f"postgresql://user:{SECRET}@host:5433/name?password={SECRET}&sslmode=x")
    assert SECRET not in shown(url)
    assert shown(url).startswith("postgresql+psycopg://user:***@host:5433/name")
    assert shown(database_url("sqlite:////folder/file.sqlite")) == "/folder/file.sqlite"


def test_casebook__is_made_for_its_owner_alone_and_keeps_the_mode_that_it_was_given(tmp_path: Path):
    file = tmp_path / "casebook.sqlite"
    # What an ordinary machine lets others read.
    before = os.umask(0o022)
    try:
        book = Casebook(sqlite_url(file))
        bring_in(book, pack(row(GENESIS, "X")))
        with book._reading():
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
        book.close()
        assert modes.pop("casebook.sqlite") == 0o600
        assert set(modes.values()) <= {0o600}
        file.chmod(0o640)
        bring_in(book, pack(row(GENESIS, "Y")))
        book.close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_settings__do_not_show_the_address_of_the_casebook():
    settings = settings_from({"ARIEN_CASEBOOK": f"postgresql://user:{SECRET}@host/name"})
    assert SECRET not in repr(settings)
    assert SECRET not in repr(Workspace(settings).casebook)


def test_casebook__with_a_wrong_password_or_no_server_says_so_without_the_password(
    postgresql_server, capfd
):
    port = postgresql_server.port
    for address in (
        f"postgresql://tests:{SECRET}@127.0.0.1:{port}/postgres",
        f"postgresql://tests:{SECRET}@127.0.0.1:1/postgres",
        f"postgresql://tests@127.0.0.1:{port}/postgres?password={SECRET}",
    ):
        book = Casebook(database_url(address))
        with pytest.raises(CasebookError, match=r"the casebook in postgresql\+psycopg") as caught:
            book.revision("bitcoin")
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        assert "\n" not in str(caught.value)
        book.close()
    printed = capfd.readouterr()
    assert SECRET not in printed.out + printed.err


def test_sqlite__is_set_up_explicitly(tmp_path: Path):
    engine = open_engine(database_url(f"sqlite:///{tmp_path / 'book'}"))
    with reading(engine) as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("foreign_keys", "journal_mode", "synchronous", "busy_timeout")
        }
    engine.dispose()
    assert settings == {
        "foreign_keys": 1,
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 1000 * engines.BUSY_SECONDS,
    }


def test_readers__read_while_somebody_writes_and_see_one_moment(casebook: Casebook):
    bring_in(casebook, pack(row(GENESIS, "Pool")))
    engine = casebook._engine
    with reading(engine) as reader:
        statement = "SELECT count(*) FROM tags"
        assert reader.exec_driver_sql(statement).scalar() == 1
        bring_in(casebook, pack(row(SCRIPT, "Shop")))
        assert reader.exec_driver_sql(statement).scalar() == 1
    with reading(engine) as reader:
        assert reader.exec_driver_sql(statement).scalar() == 2


def test_writer__that_waits_too_long_says_that_another_one_writes(
    casebook: Casebook, monkeypatch: pytest.MonkeyPatch
):
    bring_in(casebook, pack(row(GENESIS, "Pool")))
    monkeypatch.setattr(engines, "BUSY_SECONDS", 1)
    second = open_engine(casebook._engine.url)
    with (
        writing(casebook._engine),
        pytest.raises(CasebookBusyError, match="by another process"),
        writing(second),
    ):
        pass
    second.dispose()


def test_reader__for_whom_no_connection_is_left_is_told_to_come_again(
    casebook: Casebook, monkeypatch: pytest.MonkeyPatch
):
    bring_in(casebook, pack(row(GENESIS, "Pool")))
    monkeypatch.setattr(casebook._engine.pool, "_timeout", 0.01)
    with ExitStack() as held:
        for _ in range(15):  # the library's limit
            held.enter_context(reading(casebook._engine))
        with pytest.raises(CasebookBusyError, match="too many questions"):
            held.enter_context(reading(casebook._engine))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_sqlite__on_a_medium_that_cannot_be_written_to_is_read(tmp_path: Path):
    file = tmp_path / "medium" / "casebook.sqlite"
    book = Casebook(database_url(f"sqlite:///{file}"))
    bring_in(book, pack(row(GENESIS, "Pool")))
    book.close()
    file.parent.chmod(0o500)
    try:
        check_frozen(file)
    finally:
        file.parent.chmod(0o700)


def test_sqlite__that_must_not_be_written_to_is_opened_as_frozen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "a folder?#" / "casebook.sqlite"
    book = Casebook(engines.sqlite_url(file))
    bring_in(book, pack(row(GENESIS, "Pool")))
    book.close()
    monkeypatch.setattr(engines.os, "access", lambda *_: False)
    check_frozen(file)


def check_frozen(file: Path) -> None:
    before = sorted(file.parent.iterdir())
    book = Casebook(engines.sqlite_url(file))
    assert len(book.page(TagFilter(), 0, 10)) == 1
    with pytest.raises(CasebookError, match="readonly database"):
        bring_in(book, pack(row(SCRIPT, "Shop")))
    book.close()
    assert sorted(file.parent.iterdir()) == before
    assert sqlite3.connect(file).execute("SELECT count(*) FROM tags").fetchone() == (1,)


def test_workspace__keeps_the_casebook_in_the_data_folder_unless_one_is_named(tmp_path: Path):
    assert Workspace(Settings(data=tmp_path)).casebook.name == str(tmp_path / "casebook.sqlite")
    named = Settings(data=tmp_path, casebook=f"sqlite:///{tmp_path / 'other.sqlite'}")
    assert Workspace(named).casebook.name == str(tmp_path / "other.sqlite")
