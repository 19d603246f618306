"""What a check of the log finds, whatever was done to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, text

from arien_flows.audit.log import AuditLog
from arien_flows.audit.verify import SHOWN_FAULTS
from arien_flows.casebook.engine import database_url, open_engine, writing
from tests.arien_flows.audit.entries import entry

OFF = {
    "sqlite": [f"DROP TRIGGER audit_log_no_{act}" for act in ("update", "delete", "replace")],
    "postgresql": ["ALTER TABLE audit_log DISABLE TRIGGER USER"],
}


@contextmanager
def unguarded(address: str) -> Iterator[Connection]:
    """Connect as somebody who owns the database."""
    engine = open_engine(database_url(address))
    with writing(engine) as connection:
        for statement in OFF[engine.dialect.name]:
            connection.execute(text(statement))
        yield connection
    engine.dispose()


def fill(log: AuditLog) -> None:
    log.append(*(entry(f"/{number}", caller="somebody") for number in range(1, 8)))


def faults(log: AuditLog, **how: tuple[int, str]) -> list[tuple[str, int | None]]:
    """Return what was found beside the triggers that had to go."""
    found = log.verify(**how)
    assert not found.ok
    return [(each.kind, each.seq) for each in found.faults if each.kind != "trigger"]


@pytest.mark.parametrize(
    "column", ["caller", "target", "at", "outcome", "subjects", "reason", "case_id", "row_hash"]
)
def test_verify__names_the_row_that_was_changed(address: str, log: AuditLog, column: str) -> None:
    fill(log)
    value = 404 if column == "outcome" else "'[]x'"
    with unguarded(address) as connection:
        connection.execute(text(f"UPDATE audit_log SET {column} = {value} WHERE seq = 4"))  # noqa: S608
    assert faults(log)[0] == ("row", 4)


CUTS: dict[str, tuple[Callable[[Connection], object], list[tuple[str, int]]]] = {
    "a row in the middle": (
        lambda connection: connection.execute(text("DELETE FROM audit_log WHERE seq = 4")),
        [("link", 5)],
    ),
    "the beginning": (
        lambda connection: connection.execute(text("DELETE FROM audit_log WHERE seq <= 2")),
        [("link", 3)],
    ),
}


@pytest.mark.parametrize("cut", CUTS)
def test_verify__names_the_place_where_rows_are_missing(
    address: str, log: AuditLog, cut: str
) -> None:
    fill(log)
    do, wanted = CUTS[cut]
    with unguarded(address) as connection:
        do(connection)
    assert faults(log) == wanted


def test_verify__finds_a_cut_end_by_a_head_that_was_kept(address: str, log: AuditLog) -> None:
    fill(log)
    kept = log.head()
    assert log.verify(expected=(kept.seq, kept.row_hash)).ok
    with unguarded(address) as connection:
        connection.execute(text("DELETE FROM audit_log WHERE seq = 7"))
    assert faults(log, expected=(kept.seq, kept.row_hash)) == [("head", 7)]


def test_verify__says_which_triggers_are_gone_or_other_ones(address: str, log: AuditLog) -> None:
    fill(log)
    with unguarded(address):
        pass
    found = log.verify()
    assert {each.kind for each in found.faults} == {"trigger"}
    assert found.fault_count >= 2


def test_verify__reads_what_is_no_text_any_more(tmp_path_factory: pytest.TempPathFactory) -> None:
    address = f"sqlite:///{tmp_path_factory.mktemp('audit') / 'audit.sqlite'}"
    log = AuditLog(database_url(address))
    fill(log)
    with unguarded(address) as connection:
        connection.execute(text("UPDATE audit_log SET reason = x'ff00' WHERE seq = 3"))
    assert faults(log) == [("row", 3)]
    log.close()


def test_verify__lists_some_faults_and_counts_all(address: str, log: AuditLog) -> None:
    log.append(*(entry() for _ in range(SHOWN_FAULTS + 20)))
    with unguarded(address) as connection:
        connection.execute(text("UPDATE audit_log SET caller = 'another'"))
    found = log.verify()
    assert len(found.faults) == SHOWN_FAULTS
    assert found.fault_count > SHOWN_FAULTS + 20
