"""`arien-flows audit`: what an auditor runs beside the service."""

import hashlib
import json
import sqlite3
from datetime import timedelta
from pathlib import Path

from arien_flows.audit.log import AuditLog
from arien_flows.casebook.engine import sqlite_url
from arien_flows.cli.main import run
from tests.arien_flows.audit.entries import NOON, entry


def test_audit__is_checked_and_exported_and_names_what_was_changed(tmp_path: Path, capsys) -> None:
    def do(*arguments: str, code: int = 0) -> str:
        assert run(["--data", str(tmp_path), "audit", *arguments]) == code
        captured = capsys.readouterr()
        return captured.out if not code else captured.out + captured.err

    assert "nothing yet" in do("head")
    assert do("export") == ""
    assert "Nothing was changed" in do("verify")

    log = AuditLog(sqlite_url(tmp_path / "audit.sqlite"))
    log.append(*(entry(f"/{day}", at=NOON + timedelta(days=day)) for day in range(5)))
    log.close()
    head = json.loads(do("head", "--json"))
    name = f"{head['seq']}:{head['row_hash']}"
    assert name in do("head")
    assert "Nothing was changed" in do("verify", "--expect", name)
    assert "is no head" in do("verify", "--expect", "5", code=2)

    file = tmp_path / "audit.jsonl"
    do("export", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    link = "0" * 64
    for row in rows:
        own, prev = row.pop("row_hash"), row.pop("prev_hash")
        content = json.dumps(row, sort_keys=True, separators=(",", ":"))
        assert (prev, hashlib.sha256((prev + content).encode()).hexdigest()) == (link, own)
        link = own
    assert link == head["row_hash"]
    assert "exists" in do("export", str(file), code=2)
    some = do("export", "--since", "2026-03-02", "--until", "2026-03-04T12:00:00")
    assert [json.loads(line)["target"] for line in some.splitlines()] == ["/1", "/2"]

    with sqlite3.connect(tmp_path / "audit.sqlite") as connection:
        connection.execute("DROP TRIGGER audit_log_no_update")
        connection.execute("UPDATE audit_log SET caller = 'somebody else' WHERE seq = 3")
    connection.close()
    found = json.loads(do("verify", "--json", code=1))
    assert [(each["kind"], each["seq"]) for each in found["faults"]] == [
        ("row", 3), ("trigger", None),
    ]  # fmt: skip
    assert "WRONG  row 3 was changed" in do("verify", code=1)
