"""`arien-flows evidence`: what an auditor runs."""

import json
import sqlite3
from pathlib import Path

from arien_flows.cli.main import run
from tests.arien_flows.casebook.packs import GENESIS, SCRIPT, pack, row


def test_evidence__shows_what_was_done_and_names_what_was_changed(tmp_path: Path, capsys):
    def do(*arguments: str, code: int = 0) -> str:
        assert run(["--data", str(tmp_path), *arguments]) == code
        captured = capsys.readouterr()
        return captured.out if not code else captured.out + captured.err

    assert "nothing was imported into the casebook" in do("evidence", "verify", code=2)
    file = tmp_path / "pack.yaml"
    file.write_bytes(pack(row(GENESIS, "Pool"), row(SCRIPT, "Shop")))
    do("tags", "import", str(file))
    do("tags", "withdraw", "1", "--reason", "mistaken list")

    log = do("evidence", "log")
    assert max(map(len, log.splitlines())) <= 100
    assert "null" not in log
    assert "withdrawal" in log
    assert "reason mistaken list" in log
    told = json.loads(do("evidence", "log", "--json", "--limit", "2"))
    assert [act["kind"] for act in told["acts"]] == ["document_kept", "tag_import"]
    assert "tags, import_id 1: 2" in told["acts"][1]["binds"]
    assert told["next_after"] == 2
    assert "add --after 1" in do("evidence", "log", "--limit", "1")
    assert [
        act["seq"]
        for act in json.loads(do("evidence", "log", "--json", "--kind", "withdrawal"))["acts"]
    ] == [3]
    assert "write one of" in do("evidence", "log", "--kind", "gossip", code=2)

    head = json.loads(do("evidence", "head", "--json"))
    name = f"{head['seq']}:{head['row_hash']}"
    assert name in do("evidence", "head")
    assert "nothing yet" in do("evidence", "head", "--on", "2020-01-01")
    assert "Nothing was changed" in do("evidence", "verify", "--head", name)
    assert "is no head" in do("evidence", "verify", "--head", "3", code=2)

    with sqlite3.connect(tmp_path / "casebook.sqlite") as connection:
        connection.execute("UPDATE statements SET label = 'Sh0p' WHERE id = 2")
    connection.close()
    found = json.loads(do("evidence", "verify", "--json", code=1))
    assert not found["ok"]
    assert [fault["where"] for fault in found["faults"]] == [
        "table statements, import_id 1",
        "tag 2 of import 1",
    ]
    assert "NOT AS IT WAS RECORDED: 2 findings" in do("evidence", "verify", code=1)
