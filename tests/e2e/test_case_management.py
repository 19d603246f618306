"""The example of a case-management system, as another vendor would run it, against a real service.

`serve` with accounts and its worker, and the script, are processes of their own. The key, the audit
log and what the case holds are looked at from the command line and over HTTP.
"""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.served import CLI, served
from tests.small_case import SmallCase

SCRIPT = Path(__file__).parents[2] / "scripts/case_management.py"
REASON = "Zahlungen für 4711: ₿"
NUMBER = "4711/26"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def command(environment: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [*CLI, *arguments], env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout


def managed(
    base: str, key: str, table: Path, port: int, *, number: str = NUMBER
) -> "subprocess.CompletedProcess[str]":
    environment = {"ARIEN_KEY": key, "PATH": os.environ["PATH"], "PYTHONUTF8": "1"}
    return subprocess.run(
        [
            *(sys.executable, SCRIPT, base, table, "--number", number, "--reason", REASON),
            *("--results", table.parent / "results", "--port", str(port), "--seconds", "120"),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )


def asked(base: str, key: str, path: str, **headers: str) -> Any:
    headers["Authorization"] = f"Bearer {key}"
    answer = requests.get(base + path, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.slow
def test_case_management__works_from_the_case_to_the_kept_result(
    small_case: SmallCase, tmp_path: Path
) -> None:
    data, port = tmp_path / "data", free_port()
    shutil.copytree(small_case.data, data, ignore=shutil.ignore_patterns("casebook.sqlite*"))
    environment = os.environ | {
        "ARIEN_DATA": str(data),
        "ARIEN_ACCOUNTS": "1",
        "ARIEN_WEBHOOK_ALLOW": f"127.0.0.1,127.0.0.1/32,{port}",
    }
    key = command(environment, "keys", "create", "cms", "--role", "service").strip()
    auditor = command(environment, "keys", "create", "eve", "--role", "auditor").strip()
    table = tmp_path / "table.csv"
    addresses = [small_case.address(name) for name in ("alice", "exchange")]
    table.write_text("\n".join(["address", *addresses, "no address"]) + "\n")

    with served(environment=environment) as service:
        base = service.base
        done = managed(base, key, table, port)
        assert (done.returncode, done.stderr) == (0, "")
        told = json.loads(done.stdout)
        again = json.loads(managed(base, key, table, port).stdout)
        foreign = managed(base, auditor, table, port, number="another")

        batches = asked(base, key, "/v1/batches", **{"X-Case-ID": told["case"]})["items"]
        kept = asked(base, key, f"/v1/cases/{told['case']}/traces")["items"]
        rows = asked(base, auditor, "/v1/audit?limit=500")["items"]
        hooks = asked(base, key, "/v1/webhooks")["items"]

    assert told["counts"] == {"ok": 2, "invalid": 1}
    assert told["receiver"] == {"forged": 401, "late": 401, "repeated": 204}
    assert told["messages"] == {"accepted": 1, "repeated": 1, "refused": 2}
    assert [(it["event"], it["state"]) for it in told["deliveries"]] == [
        ("batch.completed", "delivered")
    ]
    assert told["url"] == f"{base}/v1/batches/{told['batch']}"
    assert told["sent_again"] == told["batch"]
    assert [batch["id"] for batch in batches] == [told["batch"]]
    same = ("case", "batch", "files", "kept_as")
    assert {name: again[name] for name in same} == {name: told[name] for name in same}
    assert again["deliveries"] == []

    assert [result["id"] for result in kept] == [told["kept_as"]]
    assert {file["name"]: file["sha256"] for file in kept[0]["files"]} == told["files"]
    assert {"summary.csv", "manifest.json", "report.xlsx"} <= set(told["files"])
    for name, sha256 in told["files"].items():
        assert hashlib.sha256((tmp_path / "results" / name).read_bytes()).hexdigest() == sha256

    assert (foreign.returncode, foreign.stdout) == (1, "")
    assert foreign.stderr.startswith("forbidden: eve (auditor) may not do this")
    assert hooks == []

    acts = {row["operation"] for row in rows if row["caller"] == "cms"}
    assert acts >= {
        "make_case", "make_webhook", "make_batch", "read_batch", "fetch_batch_file",
        "attach_case_trace", "delete_webhook",
    }  # fmt: skip
    of_batch = [row for row in rows if row["operation"] == "make_batch"]
    assert {(row["case_id"], row["reason"]) for row in of_batch} == {(told["case"], REASON)}
    verified = json.loads(command(environment, "audit", "verify", "--json"))
    assert verified["ok"]
    assert verified["rows"] >= len(rows)
