"""Erasure: whatever happens in between, in the end nothing is left but that it happened."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from arien_flows.access.cases import CaseRole
from arien_flows.casebook import case_erasure
from arien_flows.casebook.case_ending import CaseEnding
from arien_flows.casebook.case_erasure import _tables
from arien_flows.casebook.case_records import ActKind, CaseState
from arien_flows.casebook.doomed import WORKERS_NOTICE
from arien_flows.casebook.event_tables import events
from arien_flows.casebook.events import EventType
from arien_flows.casebook.job_tables import jobs
from arien_flows.casebook.models import metadata
from arien_flows.casebook.webhook_tables import deliveries
from arien_flows.cases.attaching import store_of
from arien_flows.cases.deadlines import erase, run_deadlines
from arien_flows.cases.file_store import FileStore
from arien_flows.errors import CasebookBusyError, ConflictError, NotFoundError
from arien_flows.jobs.folder import folder_of, make_folder, write_file
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from tests.arien_flows.casebook.case_folders import ERASE_AFTER, NOW, SMUGGLING, make_case
from tests.arien_flows.cases.filled import (
    RARE,
    attach_bytes,
    fill_case,
    finished_job,
    left_in_files,
)

DONE = {ActKind.ERASURE_BEGUN, ActKind.ERASED}
THE_DAY_AFTER = NOW.replace(year=2031) + timedelta(days=2)


def secret_case(workspace: Workspace) -> str:
    new = replace(SMUGGLING, title=f"Case {RARE}", purpose=RARE, number=f"{RARE}/26")
    case = workspace.casebook.cases.create(new, now=NOW, by="ada")
    workspace.casebook.cases.set_member(case.id, "ben", CaseRole.MEMBER, now=NOW, by="ada")
    fill_case(workspace, case.id, NOW)
    return case.id


def rows_holding(workspace: Workspace, word: str) -> list[str]:
    """Return the tables that hold a word anywhere."""
    with workspace.casebook._reading() as connection:
        return [
            table.name
            for table in metadata.sorted_tables
            if any(word in str(row) for row in connection.execute(select(table)))
        ]


def require_nothing_left(workspace: Workspace, case_id: str) -> None:
    case = workspace.casebook.cases.read(case_id)
    assert case.state is CaseState.ERASED
    assert (case.number, case.title, case.purpose) == (None, None, None)
    assert case.number_sha256 == hashlib.sha256(f"{RARE}/26".encode()).hexdigest()
    assert rows_holding(workspace, RARE) == []
    workspace.casebook.close()
    # Of PostgreSQL the folder holds the files of cases only; its own files are not ours to read.
    assert left_in_files(workspace.settings.data.parent) == []
    acts = workspace.casebook.cases.acts(case_id, before=None, limit=1_000)
    kinds = [act.kind for act in acts]
    assert [kinds.count(kind) for kind in sorted(DONE)] == [1, 1]
    assert ActKind.NOTE_WRITTEN in kinds


def test_erase__leaves_the_hash_the_dates_and_the_acts(workspace: Workspace):
    case_id = secret_case(workspace)
    assert {"case_note_versions", "case_files", "jobs", "events", "cases"} <= set(
        rows_holding(workspace, RARE)
    )
    assert left_in_files(workspace.settings.data)
    case = erase(workspace, case_id, reason="asked for", now=NOW, by="chief")
    assert (case.erasure_reason, case.erased_at, case.erase_after) == (
        "asked for",
        NOW,
        ERASE_AFTER,
    )
    require_nothing_left(workspace, case_id)
    found = workspace.casebook.cases.access(case_id)
    assert found is not None
    assert found.members == {}
    with pytest.raises(ConflictError, match="erased already"):
        erase(workspace, case_id, reason="again", now=NOW, by="chief")
    with pytest.raises(ConflictError, match="was erased"):
        attach_bytes(workspace, case_id, b"late", NOW)


STEPS = ("begin_erasure", "remove_content", "remove_doomed", "scrub", "end_erasure")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("comes_after", [False, True], ids=["before", "after"])
def test_erase__that_is_killed_at_a_step_is_ended_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, comes_after: bool
):
    workspace = Workspace(Settings(data=tmp_path / "data"))
    case_id = secret_case(workspace)
    whole: Callable[..., object] = getattr(CaseEnding, step)

    def killed(self: CaseEnding, *told: object, **named: object) -> None:
        if comes_after:
            whole(self, *told, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(CaseEnding, step, killed)
        with pytest.raises(KeyboardInterrupt):
            erase(workspace, case_id, reason="asked for", now=NOW, by="chief")
    is_hidden = step != "begin_erasure" or comes_after
    found = workspace.casebook.cases.access(case_id)
    assert found is not None
    assert (found.members == {}) is is_hidden
    if is_hidden:
        run_deadlines(workspace, NOW)
    else:
        erase(workspace, case_id, reason="asked for", now=NOW, by="chief")
    require_nothing_left(workspace, case_id)
    workspace.casebook.close()


def test_erase__that_cannot_remove_a_file_goes_on_when_it_can(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    case_id = secret_case(workspace)

    def refused(_self: FileStore, _path: str) -> None:
        raise PermissionError(13, "Permission denied", "files")

    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "remove", refused)
        with pytest.raises(PermissionError):
            erase(workspace, case_id, reason="asked for", now=NOW, by="chief")
    assert workspace.casebook.cases.read(case_id).state is CaseState.ERASING
    assert rows_holding(workspace, RARE) == []
    run_deadlines(workspace, NOW)
    require_nothing_left(workspace, case_id)


def test_erase__waits_for_who_still_reads_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(case_erasure, "LOCK_SECONDS", 0)
    workspace = Workspace(Settings(data=tmp_path / "data"))
    case_id = secret_case(workspace)
    reader = workspace.casebook._engine.connect()
    reader.exec_driver_sql("SELECT count(*) FROM cases").one()
    with pytest.raises(CasebookBusyError, match="goes on later by itself"):
        erase(workspace, case_id, reason="asked for", now=NOW, by="chief")
    assert workspace.casebook.cases.read(case_id).state is CaseState.ERASING
    reader.close()
    run_deadlines(workspace, NOW)
    require_nothing_left(workspace, case_id)
    workspace.casebook.close()


def test_erase__keeps_bytes_that_another_case_holds(workspace: Workspace):
    case_id, other = secret_case(workspace), make_case(workspace.casebook, "other").id
    kept = attach_bytes(workspace, other, f"{RARE} in a file".encode(), NOW)
    erase(workspace, case_id, reason="asked for", now=NOW, by="chief")
    assert store_of(workspace).path(kept.content).read_bytes() == f"{RARE} in a file".encode()
    content = workspace.casebook.cases.content
    content.remove_file(other, kept.id, now=NOW, by="ada")
    run_deadlines(workspace, NOW)
    with pytest.raises(NotFoundError, match="restore it"):
        store_of(workspace).path(kept.content)


def test_erase__knows_every_table_that_hangs_on_a_case(workspace: Workspace):
    hanging = {table.name for table in metadata.sorted_tables if "case_id" in table.columns}
    assert hanging - {table.name for table in _tables()} == {"case_acts", "doomed_paths"}
    case_id = secret_case(workspace)
    erase(workspace, case_id, reason="asked for", now=NOW, by="chief")
    with workspace.casebook._reading() as connection:
        for table in _tables():
            own = select(table).where(table.c.case_id == case_id)
            assert connection.execute(own).all() == [], table.name
        for table in (jobs, deliveries):
            assert connection.execute(select(table)).all() == [], table.name


def test_run_deadlines__erases_what_is_overdue_and_nothing_else(workspace: Workspace):
    case_id, other = secret_case(workspace), make_case(workspace.casebook, "other")
    later = replace(SMUGGLING, number="later", erase_after=date(2040, 1, 1))
    kept = workspace.casebook.cases.create(later, now=NOW, by="ada")
    run_deadlines(workspace, NOW.replace(year=2031))
    assert workspace.casebook.cases.read(case_id).state is CaseState.OPEN
    run_deadlines(workspace, THE_DAY_AFTER)
    require_nothing_left(workspace, case_id)
    assert workspace.casebook.cases.read(other.id).state is CaseState.ERASED
    assert workspace.casebook.cases.read(kept.id).state is CaseState.OPEN


def test_run_deadlines__removes_what_a_late_worker_wrote_into_the_folder(workspace: Workspace):
    case = make_case(workspace.casebook)
    job = finished_job(workspace, NOW, case_id=case.id, subject="trace_1")
    erase(workspace, case.id, reason="asked for", now=NOW, by="chief")
    folder = folder_of(workspace.settings.data, job.id)
    assert not folder.exists()
    write_file(
        make_folder(workspace.settings.data, job.id), "late.txt", "text/plain", RARE.encode()
    )
    run_deadlines(workspace, NOW + WORKERS_NOTICE + timedelta(seconds=1))
    assert not folder.exists()
    assert workspace.casebook.cases.ending.doomed() == []


def test_run_deadlines__tells_of_a_review_once_for_each_day(workspace: Workspace):
    case = make_case(workspace.casebook)
    moments = [NOW.replace(month=8, day=2), NOW.replace(month=8, day=3)]
    for now in moments:
        run_deadlines(workspace, now)
    workspace.casebook.cases.review(
        case.id, finding="needed", next_review_by=date(2026, 9, 1), now=moments[0], by="ada"
    )
    run_deadlines(workspace, NOW.replace(month=9, day=1))
    run_deadlines(workspace, NOW.replace(month=9, day=2))
    with workspace.casebook._reading() as connection:
        told = connection.execute(select(events.c.kind, events.c.case_id, events.c.created_at))
        assert told.all() == [
            (EventType.CASE_DUE.value, case.id, moments[0]),
            (EventType.CASE_DUE.value, case.id, NOW.replace(month=9, day=2)),
        ]
