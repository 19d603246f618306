"""Limits of how much, how long and how many: over small applications, with real clocks."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from api import errors
from api.callers import Act, allow, set_caller
from api.envelope import Envelope
from api.middleware.deadline import Deadline
from api.middleware.limiting import OPERATION_COSTS, Limiting, cost_of
from api.middleware.observing import Observing
from api.middleware.rates import SharedRates
from arien_flows.access.callers import local_caller
from arien_flows.access.permissions import Permission, Public
from tests.api.conftest import BASE
from tests.api.test_permissions import ROUTES


class As:
    """Names who asks by a header."""

    def __init__(self, app) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "http":
            who = dict(scope["headers"]).get(b"x-as")
            if who is not None:
                set_caller(scope, local_caller(who.decode()))
        await self.app(scope, receive, send)


class NoPurposes:
    def require(self, _permission: object) -> None: ...


def routes() -> FastAPI:
    app = FastAPI()
    app.state.purposes = NoPurposes()
    errors.install(app)

    @app.get("/cheap", operation_id="cheap", dependencies=[allow(Public)])
    def cheap() -> str:
        return "cheap"

    @app.get("/trace", operation_id="trace", dependencies=[allow(Permission.TRACE)])
    def trace() -> str:
        return "dear"

    @app.get("/slow", operation_id="slow")
    def slow() -> str:
        time.sleep(0.5)
        return "late"

    @app.post("/slow", operation_id="make_slow")
    def make_slow() -> str:
        time.sleep(0.5)
        return "late"

    @app.post("/body", operation_id="body")
    async def body(request: Request) -> int:
        return len(await request.body())

    return app


# --- how much


@pytest.fixture
def limited(tmp_path: Path) -> TestClient:
    app = Envelope(As(Limiting(routes(), SharedRates(tmp_path / "rates", 30))), body_bytes=100)
    return TestClient(app, base_url=BASE)


def limits(answer) -> tuple[int, int]:
    return tuple(int(answer.headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining"))


def test_limiting__tells_everybody_what_is_left(limited: TestClient) -> None:
    ann = {"X-As": "ann"}
    answer = limited.get("/cheap", headers=ann)
    assert limits(answer) == (30, 29)
    assert answer.headers["X-RateLimit-Reset"] == "2"
    assert "Retry-After" not in answer.headers
    assert limits(limited.get("/nothing", headers=ann)) == (30, 28)


def test_limiting__lets_strangers_ask_less(limited: TestClient) -> None:
    assert limits(limited.get("/cheap")) == (30, 20)


def test_limiting__refuses_in_a_problem_document(limited: TestClient) -> None:
    for _ in range(30):
        limited.get("/cheap", headers={"X-As": "ann"})
    refused = limited.get("/cheap", headers={"X-As": "ann"})
    assert refused.status_code == 429
    assert refused.json()["code"] == "too_many_requests"
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert 1 <= int(refused.headers["Retry-After"]) <= 2
    assert limits(refused) == (30, 0)
    # Others have buckets of their own.
    assert limits(limited.get("/cheap", headers={"X-As": "bob"})) == (30, 29)
    assert limits(limited.get("/cheap")) == (30, 20)


def test_limiting__counts_long_questions_more(limited: TestClient) -> None:
    assert limits(limited.get("/trace", headers={"X-As": "ann"})) == (30, 10)
    refused = limited.get("/trace", headers={"X-As": "ann"})
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert int(refused.headers["Retry-After"]) > 10
    # Who may not ask it pays for no long one.
    assert limited.get("/trace").status_code == 401
    assert limits(limited.get("/cheap")) == (30, 10)


def test_costs__are_of_operations_that_there_are() -> None:
    assert set(OPERATION_COSTS) <= set(ROUTES)
    assert cost_of(Act(operation="x", permission=Permission.TRACE)) == 20


# --- how long


def test_deadline__tells_a_caller_in_time_and_drops_what_comes_later() -> None:
    client = TestClient(Envelope(Deadline(routes(), seconds=0.05), body_bytes=100), base_url=BASE)
    for ask, words in ((client.get, "let a job do it"), (client.post, "may still be done")):
        began = time.perf_counter()
        answer = ask("/slow")
        assert time.perf_counter() - began < 5
        assert (answer.status_code, answer.json()["code"]) == (504, "deadline")
        assert words in answer.json()["detail"]
        assert answer.headers["Connection"] == "close"
    assert client.get("/cheap").json() == "cheap"


def test_deadline__does_not_end_what_has_begun() -> None:
    async def stream(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(3):
            await asyncio.sleep(0.05)
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(Deadline(stream, seconds=0.06)(scope, None, send))
    assert b"".join(each.get("body", b"") for each in sent) == b"xxx"


# --- bodies


def run(app, parts: list[tuple[float, bytes]], headers: list[tuple[bytes, bytes]]) -> Any:
    """Send a body in parts, each after a pause; return status and problem or answer."""
    waiting = list(parts)

    async def receive():
        pause, part = waiting.pop(0)
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": part, "more_body": bool(waiting)}

    sent: list[dict[str, Any]] = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/body", "raw_path": b"/body",
        "query_string": b"", "headers": [(b"host", b"127.0.0.1"), *headers], "http_version": "1.1",
        "scheme": "http", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 9), "state": {},
        "asgi": {"version": "3.0", "spec_version": "2.3"}, "root_path": "",
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])


def bounded() -> Envelope:
    return Envelope(routes(), body_bytes=100, body_seconds=0.2)


@pytest.mark.parametrize(
    ("parts", "headers", "status"),
    [
        ([(0, b"x" * 100)], [(b"content-length", b"100")], 200),
        ([(0, b"x" * 101)], [(b"content-length", b"101")], 413),
        ([(0, b"x" * 60), (0, b"x" * 60)], [(b"transfer-encoding", b"chunked")], 413),
        ([(0, b"x"), (0, b"y")], [], 200),
        ([(0.05, b"x")] * 20, [(b"transfer-encoding", b"chunked")], 408),
        ([(5, b"x")], [(b"content-length", b"1")], 408),
    ],
)
def test_body__is_bounded_in_length_and_time(parts, headers, status: int) -> None:
    found, said = run(bounded(), parts, headers)
    assert found == status
    if status != 200:
        assert said["code"] == {413: "too_large", 408: "too_slow"}[status]


# --- how many


def test_observing__refuses_more_at_once_than_it_may() -> None:
    app = Observing(routes(), most=1)
    app.count = 1
    client = TestClient(Envelope(app, body_bytes=100), base_url=BASE)
    answer = client.get("/cheap")
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    app.count = 0
    assert client.get("/cheap").status_code == 200
    assert app.count == 0
