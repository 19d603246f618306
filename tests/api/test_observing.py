"""Metrics and log lines: what they tell, and that they name nothing of an investigation."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from api.main import service
from api.routers.metrics import _forget_the_dead
from arien_flows.access.roles import Role
from arien_flows.logs import write_logs
from arien_flows.settings import Settings
from tests.api.conftest import Accounts
from tests.small_case import SmallCase

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
TXID = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Write all logs of the process to a text, and put everything back."""
    root = logging.getLogger()
    kept = {name: logging.getLogger(name).level for name in ("", "arien_flows", "uvicorn")}
    handlers, stream = root.handlers, io.StringIO()
    write_logs("json", stream)
    yield stream
    root.handlers = handlers
    for name, level in kept.items():
        logging.getLogger(name).setLevel(level)


def test_log__has_one_line_a_request_and_names_nothing(
    accounts: Accounts, lines: io.StringIO
) -> None:
    key = accounts.key(Role.ANALYST, "ann of the logs")
    client = accounts.anonymous(
        {"Authorization": f"Bearer {key}", "X-Request-ID": "r-1", "X-Reason": "the reason"}
    )
    client.get(f"/v1/bitcoin/addresses/{ADDRESS}?profile=wide")
    client.get(f"/v1/bitcoin/transactions/{TXID}")
    client.post("/v1/traces", json={"network": "bitcoin", "sources": [ADDRESS]})
    client.get(f"/v1/nothing/{ADDRESS}/{key}")
    client.get("/livez")
    text = lines.getvalue()
    told = [json.loads(line) for line in text.splitlines()]
    asked = [line for line in told if line["event"] == "request"]
    assert [(line["operation"], line["status"]) for line in asked] == [
        ("read_address", 404), ("read_transaction", 404), ("make_trace", 404), ("none", 404),
    ]  # fmt: skip
    assert {line["caller"] for line in asked} == {"ann of the logs"}
    for line in asked:
        assert line["request_id"] == "r-1"
        assert line["level"] == "info"
        assert line["milliseconds"] >= 0
        assert line["bytes"] > 0
    for secret in (ADDRESS, TXID, key, key.split("_")[2], "the reason", "profile", "/v1/"):
        assert secret not in text


def test_log__may_be_text_for_people() -> None:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    write_logs("text", stream)
    logging.getLogger("uvicorn.error").warning("the port is taken")
    root.handlers = handlers
    root.setLevel(level)
    assert "the port is taken" in stream.getvalue()
    assert "warning" in stream.getvalue()


def samples(text: str) -> dict[str, float]:
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line and not line.startswith("#")
    }


def test_metrics__count_by_operation_and_never_by_path(
    client: TestClient, small_case: SmallCase
) -> None:
    name = 'arien_flows_requests_total{operation="read_address",status="404"}'
    before = samples(client.get("/metrics").text)
    client.get(f"/v1/bitcoin-regtest/addresses/{ADDRESS}")
    answer = client.get("/metrics")
    after = samples(answer.text)
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert after[name] == before.get(name, 0) + 1
    assert after['arien_flows_request_seconds_count{operation="read_address"}'] >= 1
    assert after["arien_flows_requests_in_flight"] == 1
    assert after["arien_flows_audit_rows_total"] > before["arien_flows_audit_rows_total"]
    assert after['arien_flows_ledger_height{network="bitcoin-regtest"}'] > 0
    assert after['arien_flows_jobs{state="queued"}'] == 0
    assert after["arien_flows_pending_deliveries"] == 0
    assert ADDRESS not in answer.text
    assert str(small_case.data) not in answer.text


def test_metrics__need_a_permission_where_there_are_accounts(accounts: Accounts) -> None:
    assert accounts.anonymous().get("/metrics").status_code == 401
    assert accounts.client(Role.INVESTIGATOR).get("/metrics").status_code == 403
    assert accounts.client(Role.ADMIN).get("/metrics").status_code == 200


def test_metrics__of_several_processes_are_added_up(tmp_path: Path) -> None:
    """One that has ended counts, but is about to do nothing any more."""
    code = (
        "from api import measures\n"
        "measures.requests.labels('read_address', '200').inc()\n"
        "measures.in_flight.inc()\n"
    )
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    _forget_the_dead(tmp_path)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, tmp_path)
    found = samples(generate_latest(registry).decode())
    assert found['arien_flows_requests_total{operation="read_address",status="200"}'] == 2
    assert found.get("arien_flows_requests_in_flight", 0) == 0


def test_service__writes_nothing_before_something_is_asked(tmp_path: Path) -> None:
    service(Settings(data=tmp_path))
    assert list(tmp_path.iterdir()) == []
