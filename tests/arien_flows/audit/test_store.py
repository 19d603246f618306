"""Appending to the log: durable, in one chain, to the file that is there, in both databases."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from arien_flows.audit import tables
from arien_flows.audit.chain import AuditRow
from arien_flows.audit.log import AuditLog, beside
from arien_flows.audit.reading import AuditFilter
from arien_flows.audit.store import Store, known_versions
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import database_url, open_engine, sqlite_url, writing
from arien_flows.errors import AuditUnavailableError, CasebookVersionError
from tests.arien_flows.audit.entries import entry


def rows_of(log: AuditLog) -> list[AuditRow]:
    return [row for some in log.export(AuditFilter()) for row in some]


def test_log__reads_as_empty_until_something_is_recorded(log: AuditLog) -> None:
    assert log.head().seq == 0
    assert log.page(AuditFilter(), before=None, limit=5) == []
    assert rows_of(log) == []
    assert log.verify().ok


def test_append__continues_the_chain(log: AuditLog) -> None:
    log.append(entry("/a"), entry("/b"))
    last = log.append(entry("/c"))
    assert log.head() == last
    assert [row.target for row in rows_of(log)] == ["/a", "/b", "/c"]
    found = log.verify(expected=(last.seq, last.row_hash))
    assert (found.ok, found.rows, found.head_seq) == (True, 3, 3)


def test_log__may_share_a_database_with_a_casebook(address: str, log: AuditLog) -> None:
    book = Casebook(database_url(address))
    book.upgrade()
    log.append(entry())
    assert book.evidence.verify().ok
    assert log.verify().ok
    book.close()


def test_migrations__lead_to_the_tables_that_the_program_expects(
    address: str, log: AuditLog
) -> None:
    log.append(entry())
    engine = open_engine(database_url(address))
    with writing(engine) as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": tables.VERSIONS, "compare_type": True}
        )
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


def test_migrations__lead_down_and_up_again(address: str) -> None:
    store = Store(database_url(address))
    store.append([entry()])
    store.migrate("base")
    with store.reading() as connection:
        assert connection is None
    store.migrate()
    assert store.append([entry()]).seq == 1
    assert known_versions()[-1] == tables.SCHEMA
    store.close()


def test_append__refuses_tables_of_a_newer_program(address: str, log: AuditLog) -> None:
    log.append(entry())
    engine = open_engine(database_url(address))
    with writing(engine) as connection:
        connection.execute(text("UPDATE audit_version SET version_num = 'z9'"))
    engine.dispose()
    newer = AuditLog(database_url(address))
    with pytest.raises(CasebookVersionError, match="newer version"):
        newer.append(entry())
    with pytest.raises(CasebookVersionError, match="newer version"):
        newer.head()
    newer.close()


CHANGES = {
    "update": "UPDATE audit_log SET caller = 'somebody else' WHERE seq = 1",
    "delete": "DELETE FROM audit_log WHERE seq = 2",
    "truncate": "TRUNCATE audit_log",
    "replace": "INSERT OR REPLACE INTO audit_log SELECT * FROM audit_log WHERE seq = 1",
    "upsert": "INSERT INTO audit_log SELECT * FROM audit_log WHERE seq = 1 "
    "ON CONFLICT (seq) DO UPDATE SET caller = 'somebody else'",
}


@pytest.mark.parametrize("change", CHANGES)
def test_table__refuses_every_change(address: str, log: AuditLog, change: str) -> None:
    log.append(entry(), entry())
    engine = open_engine(database_url(address))
    if change not in ("truncate", "replace") or (change == "truncate") == (
        engine.dialect.name == "postgresql"
    ):
        with pytest.raises(DBAPIError, match="only ever appended"), engine.begin() as connection:
            connection.execute(text(CHANGES[change]))
    engine.dispose()
    found = log.verify()
    assert (found.ok, found.rows) == (True, 2)


def test_append__by_several_processes_makes_one_chain(address: str, log: AuditLog) -> None:
    """The processes begin together, on a database that has no tables yet."""
    code = (
        "import sys; from arien_flows.audit.log import AuditLog\n"
        "from arien_flows.casebook.engine import database_url\n"
        "from tests.arien_flows.audit.entries import entry\n"
        "log = AuditLog(database_url(sys.argv[1]))\n"
        "for number in range(40): log.append(entry(f'/{sys.argv[2]}/{number}'))\n"
        "log.close()\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, address, name]) for name in ("left", "right")
    ]
    assert [process.wait(60) for process in started] == [0, 0]
    found = log.verify()
    assert (found.ok, found.rows) == (True, 80)
    for name in ("left", "right"):
        kept = [row.target for row in rows_of(log) if name in row.target]
        assert kept == [f"/{name}/{number}" for number in range(40)]


# --- files


def test_beside__is_a_file_of_its_own_or_the_same_server() -> None:
    assert beside(sqlite_url(Path("x/casebook.sqlite"))).database == "x/audit.sqlite"
    server = database_url("postgresql+psycopg://u@h/n")
    assert beside(server) == server


def test_file__is_for_its_owner_only(tmp_path: Path) -> None:
    log = AuditLog(sqlite_url(tmp_path / "data" / "audit.sqlite"))
    log.append(entry())
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()}
    log.close()
    assert set(modes) == {f"audit.sqlite{end}" for end in ("", "-wal", "-shm", ".lock")}
    assert set(modes.values()) == {0o600}


def test_append__refuses_where_the_file_was_removed_and_goes_on_when_it_is_back(
    tmp_path: Path,
) -> None:
    file, away = tmp_path / "audit.sqlite", tmp_path / "away.sqlite"
    log = AuditLog(sqlite_url(file))
    log.append(entry())
    log.close()
    file.rename(away)
    with pytest.raises(AuditUnavailableError, match="put it back"):
        log.append(entry())
    assert not file.exists()
    away.rename(file)
    assert log.append(entry()).seq == 2
    file.with_suffix(".copy").write_bytes(file.read_bytes())
    log.close()
    file.with_suffix(".copy").write_bytes(file.read_bytes())
    file.with_suffix(".copy").replace(file)
    assert log.append(entry()).seq == 3
    assert log.verify().ok
    log.close()
