"""Backups through the command line: made, restored, refused."""

import json
import re
import stat
import zipfile
from pathlib import Path

import pytest

from arien_flows.audit.log import AuditLog
from arien_flows.backup.archive import MANIFEST
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.cli.main import run
from tests.arien_flows.audit.entries import entry
from tests.arien_flows.casebook.packs import GENESIS, bring_in, pack, row


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    book = Casebook(sqlite_url(folder / "casebook.sqlite"))
    bring_in(book, pack(row(GENESIS, "One")))
    book.close()
    log = AuditLog(sqlite_url(folder / "audit.sqlite"))
    log.append(entry("/v1/me"), entry("/v1/cases"))
    log.close()
    for name in ("files/ab/abc", "jobs/job_1/trace.json", "jobs/job_1/half.part"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode() * 1000)
    return folder


def backup(data: Path, file: Path) -> Path:
    assert run(["--data", str(data), "casebook", "backup", str(file)]) == 0
    return file


def test_backup__comes_back_with_its_files(data: Path, tmp_path: Path, capsys):
    file = backup(data, tmp_path / "kept.zip")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert re.search(r"^Files +2$", capsys.readouterr().out, re.MULTILINE)
    there = tmp_path / "elsewhere"
    assert run(["--data", str(there), "--json", "casebook", "restore", str(file)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["path"] for each in told["files"]] == ["files/ab/abc", "jobs/job_1/trace.json"]
    assert (there / "files/ab/abc").read_bytes() == (data / "files/ab/abc").read_bytes()
    assert run(["--data", str(there), "evidence", "verify", "--head", told["evidence_head"]]) == 0
    assert told["audit_head"].startswith("2:")
    assert run(["--data", str(there), "audit", "verify", "--expect", told["audit_head"]]) == 0


def test_restore__beside_another_audit_log_is_refused(data: Path, tmp_path: Path, capsys):
    file = backup(data, tmp_path / "kept.zip")
    there = tmp_path / "elsewhere"
    log = AuditLog(sqlite_url(there / "audit.sqlite"))
    log.append(entry("/v1/elsewhere"))
    log.close()
    assert run(["--data", str(there), "casebook", "restore", str(file)]) == 2
    assert "another audit log" in capsys.readouterr().err
    assert not (there / "casebook.sqlite").exists()


def test_backup__overwrites_nothing(data: Path, tmp_path: Path, capsys):
    file = backup(data, tmp_path / "kept.zip")
    assert run(["--data", str(data), "casebook", "backup", str(file)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_backup__of_nothing_leaves_no_file(tmp_path: Path, capsys):
    file = tmp_path / "kept.zip"
    assert run(["--data", str(tmp_path / "none"), "casebook", "backup", str(file)]) == 2
    assert "nothing was written to the casebook" in capsys.readouterr().err
    assert list(tmp_path.glob("kept*")) == []


def test_restore__goes_on_after_it_was_cut_off(data: Path, tmp_path: Path):
    file = backup(data, tmp_path / "kept.zip")
    there = tmp_path / "elsewhere"
    (there / "files/ab").mkdir(parents=True)
    (there / "files/ab/abc").write_bytes((data / "files/ab/abc").read_bytes())
    assert run(["--data", str(there), "casebook", "restore", str(file)]) == 0


def test_restore__does_not_overwrite_another_file(data: Path, tmp_path: Path, capsys):
    file = backup(data, tmp_path / "kept.zip")
    there = tmp_path / "elsewhere"
    (there / "files/ab").mkdir(parents=True)
    (there / "files/ab/abc").write_bytes(b"another")
    assert run(["--data", str(there), "casebook", "restore", str(file)]) == 2
    assert "is there already and differs" in capsys.readouterr().err
    assert not (there / "casebook.sqlite").exists()


def test_restore__over_a_casebook_is_refused(data: Path, tmp_path: Path, capsys):
    file = backup(data, tmp_path / "kept.zip")
    assert run(["--data", str(data), "casebook", "restore", str(file)]) == 2
    assert "restore into an empty place" in capsys.readouterr().err


def rewritten(source: Path, target: Path, **parts: bytes | None) -> Path:
    """Copy an archive with some of its parts changed, or left out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            raw = parts.get(name, old.read(name))
            if raw is not None:
                new.writestr(name, raw)
    return target


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        (MANIFEST, None, "or was not finished"),
        (MANIFEST, b"{}", "cannot be read"),
        (MANIFEST, b"[" * 100_000, "cannot be read"),
        ("files/ab/abc", b"changed", "the backup was changed after it was made: see files/ab/abc"),
        ("files/ab/abc", None, "lacks files/ab/abc"),
        ("casebook/tags.jsonl", b"", "the backup was changed after it was made"),
        ("casebook/tags.jsonl", b"no row\n", "the backup cannot be read"),
    ],
)
def test_restore__of_a_changed_archive_is_refused(
    data: Path, tmp_path: Path, capsys, name: str, raw: bytes | None, said: str
):
    file = backup(data, tmp_path / "kept.zip")
    changed = rewritten(file, tmp_path / "changed.zip", **{name: raw})
    there = tmp_path / "elsewhere"
    assert run(["--data", str(there), "casebook", "restore", str(changed)]) == 2
    assert said in capsys.readouterr().err
    assert run(["--data", str(there), "casebook", "restore", str(file)]) == 0


@pytest.mark.parametrize("path", ["../x", "/etc/x", "files/../../x", "ledger/x", "files", ""])
def test_restore__writes_nowhere_else(data: Path, tmp_path: Path, capsys, path: str):
    file = backup(data, tmp_path / "kept.zip")
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read(MANIFEST))
    manifest["files"][0]["path"] = path
    changed = rewritten(file, tmp_path / "changed.zip", **{MANIFEST: json.dumps(manifest).encode()})
    assert run(["--data", str(tmp_path / "there"), "casebook", "restore", str(changed)]) == 2
    assert "names a file where none belongs" in capsys.readouterr().err


def test_restore__of_another_file_is_refused(data: Path, tmp_path: Path, capsys):
    assert run(["--data", str(tmp_path), "casebook", "restore", str(data / "files/ab/abc")]) == 2
    assert "is not a backup" in capsys.readouterr().err
