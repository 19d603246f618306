"""Checks of what a service needs; the others are tried through `doctor`."""

from datetime import UTC, datetime
from pathlib import Path

from arien_flows import health
from arien_flows.access.roles import Role
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.access_records import NewKey, NewPerson
from arien_flows.health import check_accounts, check_audit, check_room
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from tests.arien_flows.audit.entries import entry


def test_check_accounts__wants_somebody_who_can_come_in(tmp_path: Path):
    settings = Settings(data=tmp_path, accounts=True)
    casebook = Workspace(settings).casebook
    (found,) = check_accounts(settings, casebook)
    assert found.verdict == "wrong"
    assert "keys create" in found.remedy
    person = NewPerson(name="ada", role=Role.ADMIN, clearance=Tlp.AMBER)
    casebook.keys.make_with_owner(NewKey(owner="ada"), person, now=datetime.now(UTC), by="x")
    (found,) = check_accounts(settings, casebook)
    assert (found.verdict, found.detail) == ("good", "usable keys: 1")
    casebook.close()


def test_check_audit__tells_of_a_log_that_cannot_be_read(tmp_path: Path):
    log = Workspace(Settings(data=tmp_path)).audit
    log.append(entry())
    (found,) = check_audit(log)
    assert found.verdict == "good"
    assert found.detail.endswith("audit.sqlite, 1 rows")
    log.close()
    (tmp_path / "audit.sqlite").write_bytes(b"SQLite format 3\0" + bytes(200))
    for beside in tmp_path.glob("audit.sqlite-*"):
        beside.unlink()
    (found,) = check_audit(Workspace(Settings(data=tmp_path)).audit)
    assert found.verdict == "wrong"


def test_check_room__warns_before_the_device_is_full(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(health, "LEAST_ROOM", 0)
    (found,) = check_room(tmp_path / "not" / "there")
    assert found.verdict == "good"
    monkeypatch.setattr(health, "LEAST_ROOM", 2**80)
    (found,) = check_room(tmp_path)
    assert found.verdict == "warning"
