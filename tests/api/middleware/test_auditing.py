"""What is recorded, when, and what happens where it cannot be: in both databases."""

import asyncio
import hashlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.callers import Act
from api.main import service
from api.middleware.auditing import Auditing
from arien_flows.access.roles import Role
from arien_flows.audit.chain import AuditRow
from arien_flows.audit.log import AuditLog
from arien_flows.audit.reading import AuditFilter
from arien_flows.casebook.engine import database_url, sqlite_url
from arien_flows.errors import AuditUnavailableError
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from tests.api.conftest import BASE, Accounts
from tests.arien_flows.casebook.conftest import address as address
from tests.postgres import Server

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


def rows_of(log: AuditLog) -> list[AuditRow]:
    return [row for some in log.export(AuditFilter()) for row in some]


def told(row: AuditRow, *names: str) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in names)


@pytest.fixture
def log(address: str) -> Iterator[AuditLog]:
    made = AuditLog(database_url(address))
    yield made
    made.close()


class Watched:
    """A service without accounts, and what it records."""

    def __init__(self, client: TestClient, data: Path) -> None:
        self.client = client
        self.file = data / "audit.sqlite"
        self._log = AuditLog(sqlite_url(self.file))
        self._before = 0

    def begin(self) -> "Watched":
        self._before = self._log.head().seq
        return self

    def rows(self) -> list[AuditRow]:
        """Return what was recorded since the test began."""
        return [row for row in rows_of(self._log) if row.seq > self._before]

    def close(self) -> None:
        self._log.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Make one service, since that takes a second or two."""
    data = tmp_path_factory.mktemp("audited")
    app = service(Settings(data=data))
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        watched = Watched(client, data)
        yield watched
        watched.close()


@pytest.fixture
def watched(made: Watched) -> Watched:
    return made.begin()


# --- what is recorded


def test_read__is_recorded_once_with_everything_that_was_said(
    watched: Watched,
) -> None:
    sent = {"X-Request-ID": "mine", "X-Reason": "Verdacht auf Geldw%C3%A4sche"}
    answer = watched.client.get(
        f"/v1/bitcoin-regtest/addresses/{ADDRESS}?profile=wide", headers=sent
    )
    (row,) = watched.rows()
    assert answer.status_code == row.outcome == 404
    assert told(row, "method", "operation", "request_id", "means", "role") == (
        "GET", "read_address", "mine", "local", "local",
    )  # fmt: skip
    assert row.target == f"/v1/bitcoin-regtest/addresses/{ADDRESS}?profile=wide"
    assert row.reason == "Verdacht auf Geldwäsche"
    assert row.permission == "chain:read"
    assert row.body_sha256 is None


def test_act__is_recorded_before_it_is_done_and_with_its_outcome(watched: Watched) -> None:
    body = json.dumps({"network": "bitcoin", "sources": [ADDRESS]}).encode()
    answer = watched.client.post(
        "/v1/traces", content=body, headers={"Content-Type": "application/json"}
    )
    begun, ended = watched.rows()
    assert (begun.outcome, ended.outcome) == (None, answer.status_code)
    assert begun.request_id == ended.request_id == answer.headers["X-Request-ID"]
    digest = hashlib.sha256(body).hexdigest()
    assert begun.body_sha256 == ended.body_sha256 == digest
    assert begun.operation == ended.operation == "make_trace"


REFUSED = {
    "an unknown path": ("GET", "/v1/nothing", 404),
    "a method that is not taken": ("DELETE", "/v1/networks", 405),
    "a parameter that is wrong": ("GET", "/v1/audit?limit=none", 422),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusal__is_recorded(watched: Watched, case: str) -> None:
    method, path, status = REFUSED[case]
    assert watched.client.request(method, path).status_code == status
    assert [told(row, "method", "target", "outcome") for row in watched.rows()] == [
        (method, path, status)
    ]


def test_act__that_is_no_valid_one_is_recorded_as_begun_and_refused(watched: Watched) -> None:
    assert watched.client.post("/v1/traces").status_code == 422
    assert [row.outcome for row in watched.rows()] == [None, 422]


def test_refusals_of_callers__are_recorded(accounts: Accounts) -> None:
    log = Workspace(accounts.settings).audit
    before = log.head().seq
    key = accounts.key(Role.ANALYST, "ann")
    public = key.split("_")[1]
    for client, status in (
        (accounts.anonymous(), 401),
        (accounts.anonymous({"Authorization": f"Bearer {key[:-1]}x"}), 401),
        (accounts.anonymous({"Authorization": f"Bearer {key}"}), 403),
    ):
        assert client.get("/v1/audit").status_code == status
    unknown, wrong, known = [row for row in rows_of(log) if row.seq > before]
    log.close()
    assert told(unknown, "caller", "outcome") == told(wrong, "caller", "outcome") == (None, 401)
    assert told(known, "caller", "role", "means", "outcome") == ("ann", "analyst", "key", 403)
    assert known.key_id is not None
    assert public in known.key_id


@pytest.mark.parametrize("path", ["/livez", "/openapi.json", "/", "/web/index.html", "/metrics"])
def test_what_tells_nothing__is_not_recorded(watched: Watched, path: str) -> None:
    watched.client.get(path)
    assert watched.rows() == []


def test_secrets__are_nowhere_in_the_log(accounts: Accounts) -> None:
    key = accounts.key(Role.AUDITOR, "an auditor of secrets")
    secret = key.split("_")[2]
    client = accounts.anonymous({"Authorization": f"Bearer {key}", "Cookie": "session=cookie-text"})
    sent = {"X-Reason": f"see {key} and whsec_c2VjcmV0LXRleHQ="}
    client.get(f"/v1/audit?caller={key}&apikey=query-text&code=code-text", headers=sent)
    client.get(f"/v1/{key}")
    file = accounts.settings.data / "audit.sqlite"
    kept = file.read_bytes() + file.with_name("audit.sqlite-wal").read_bytes()
    assert secret.encode() not in kept
    for other in (b"cookie-text", b"query-text", b"code-text", b"c2VjcmV0LXRleHQ"):
        assert other not in kept
    assert key.split("_")[1].encode() in kept


def test_stream__is_recorded_before_its_first_byte(log: AuditLog) -> None:
    seen: list[tuple[str, int]] = []

    async def stream(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(3):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        seen.append((message["type"], log.head().seq))

    asyncio.run(Auditing(stream, log)(scope_of("GET"), nothing, send))
    assert [seq for _, seq in seen] == [1] * 5


# --- what happens where it cannot be recorded


def scope_of(method: str) -> dict[str, object]:
    return {
        "type": "http", "method": method, "path": "/v1/x", "raw_path": b"/v1/x", "headers": [],
        "query_string": b"",
    }  # fmt: skip


async def nothing() -> dict[str, object]:
    return {"type": "http.request", "body": b"", "more_body": False}


@contextmanager
def full_disk(file: Path) -> Iterator[None]:
    """Let no file of this process grow past what the log has now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    wal = file.with_name(file.name + "-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def tiny(_scope, _receive, send):
    """Answer anything with two parts."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the ans", "more_body": True})
    await send({"type": "http.response.body", "body": b"wer"})


def ask(app: Auditing) -> tuple[int, bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope_of("GET"), nothing, send))
    return sent[0]["status"], b"".join(each["body"] for each in sent[1:])


def test_full_disk__answers_nothing_and_recovers_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "audit.sqlite"
    log = AuditLog(sqlite_url(file))
    app = Auditing(tiny, log)
    assert ask(app) == (200, b"the answer")
    with full_disk(file):
        refused = [ask(app) for _ in range(2)]
    assert ask(app) == (200, b"the answer")
    for status, body in refused:
        assert (status, json.loads(body)["code"]) == (503, "audit_unavailable")
        assert b"the answer" not in body
    assert [row.outcome for row in rows_of(log)] == [200, 200]
    assert log.verify().ok
    log.close()


def test_server__that_goes_away_and_comes_back(postgresql_server: Server) -> None:
    """It ends every connection and takes no new ones; then it does again."""
    name = "test-gone"
    log = AuditLog(database_url(postgresql_server.make_database(name)))
    app = Auditing(tiny, log)
    assert ask(app) == (200, b"the answer")
    with postgresql_server._connect("postgres") as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        gone = [ask(app) for _ in range(2)]
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
    assert ask(app) == (200, b"the answer")
    for status, body in gone:
        assert (status, json.loads(body)["code"]) == (503, "audit_unavailable")
        assert b"not:a/secret" not in body
        assert b"not%3Aa" not in body
    assert [row.outcome for row in rows_of(log)] == [200, 200]
    log.close()
    postgresql_server.drop_database(name)


class Failing:
    """A log that takes some rows and then no more."""

    def __init__(self, rows: int) -> None:
        self.left = rows

    async def record(self, _entry) -> None:
        self.left -= 1
        if self.left < 0:
            raise AuditUnavailableError("the disk is full")


def test_outcome__that_cannot_be_recorded_says_that_the_act_may_have_been_done() -> None:
    async def act(scope, _receive, send):
        for wait in scope["arien_flows.before_act"]:
            await wait(Act(operation="make", permission=None))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"the answer"})

    sent = []

    async def send(message):
        sent.append(message)

    scope = scope_of("POST") | {"arien_flows.request_id": "r7"}
    asyncio.run(Auditing(act, Failing(1))(scope, nothing, send))
    assert sent[0]["status"] == 503
    problem = json.loads(sent[1]["body"])
    assert problem["code"] == "audit_unavailable"
    assert "may have been done" in problem["detail"]
    assert "r7" in problem["detail"]
    assert len(sent) == 2


def test_act__that_cannot_be_recorded_is_not_done() -> None:
    done = []

    async def act(scope, _receive, _send):
        for wait in scope["arien_flows.before_act"]:
            await wait(Act(operation="make", permission=None))
        done.append("it")

    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(Auditing(act, Failing(0))(scope_of("POST"), nothing, send))
    assert sent[0]["status"] == 503
    assert done == []


def test_bug_outside_the_routes__is_answered_and_recorded(log: AuditLog) -> None:
    async def bug(_scope, _receive, _send):
        raise ZeroDivisionError("secret detail")

    sent = []

    async def send(message):
        sent.append(message)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(Auditing(bug, log)(scope_of("GET"), nothing, send))
    assert sent[0]["status"] == 500
    assert b"secret detail" not in sent[1]["body"]
    assert [row.outcome for row in rows_of(log)] == [500]


def test_killed_process__leaves_the_beginning_of_what_it_did(tmp_path: Path) -> None:
    """Nothing that was answered is missing, and the next process goes on with the chain."""
    code = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from arien_flows.audit.log import AuditLog\n"
        "from arien_flows.casebook.engine import sqlite_url\n"
        "from tests.arien_flows.audit.entries import entry\n"
        "async def main():\n"
        "    log = AuditLog(sqlite_url(Path(sys.argv[1])))\n"
        "    for number in range(1000):\n"
        "        await log.record(entry(f'/{number}', outcome=None))\n"
        "        print(number, flush=True)\n"
        "asyncio.run(main())\n"
    )
    file = tmp_path / "audit.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE, env=os.environ
    ) as process:
        assert process.stdout is not None
        for _ in range(20):
            process.stdout.readline()
        process.kill()
        answered = 20 + len(process.stdout.read().splitlines())
    log = AuditLog(sqlite_url(file))
    kept = log.head().seq
    assert answered <= kept <= answered + 1
    assert log.verify().ok
    log.close()


def test_refusals__for_asking_too_much_fill_no_log_for_strangers(tmp_path: Path):
    accounts = Accounts(Settings(data=tmp_path, accounts=True, rate_per_minute=30))
    stranger = accounts.anonymous()
    answers = [stranger.get("/v1/me").status_code for _ in range(6)]
    known = accounts.client(Role.ANALYST, "ann")
    while known.get("/v1/me").status_code == 200:
        pass
    log = Workspace(accounts.settings).audit
    recorded = [(row.caller, row.outcome) for row in rows_of(log)]
    log.close()
    accounts.close()
    assert answers == [401] * 3 + [429] * 3
    assert recorded.count((None, 401)) == 3
    assert (None, 429) not in recorded
    assert recorded.count(("ann", 429)) == 1
