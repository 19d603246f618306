"""Failures: always a problem document, never a traceback."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from api import errors
from api.envelope import Envelope
from api.errors import Problem
from arien_flows.errors import LedgerLockedError, StaleSnapshotError
from chains.errors import SourceUnavailableError
from tests.api.conftest import BASE
from tests.small_case import NETWORK, SmallCase

UNUSED = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


def checked(response) -> Problem:
    """Return the problem of a response, which must be a whole one."""
    assert response.headers["content-type"] == "application/problem+json"
    problem = TypeAdapter(Problem).validate_json(response.content)
    assert problem.status == response.status_code
    assert problem.request_id == response.headers["x-request-id"]
    assert problem.type == f"urn:arien-flows:problem:{problem.code}"
    return problem


@pytest.mark.parametrize(
    ("path", "status", "code", "detail"),
    [
        ("/v2", 404, "no_such_path", "/openapi.json"),
        ("/docs", 404, "no_such_path", "/openapi.json"),
        ("/web/absent.js", 404, "no_such_path", ""),
        ("/v1/bitcoin/addresses/x", 404, "not_found", "there is no ledger"),
        ("/v1/dogecoin/addresses/x", 404, "unknown_network", "known are bitcoin"),
        (f"/v1/{NETWORK}/addresses/x", 422, "address", "characters"),
        (f"/v1/{NETWORK}/addresses/{UNUSED}", 404, "not_found", "was never used"),
        (f"/v1/{NETWORK}/transactions/xyz", 422, "input", "hexadecimal"),
        (f"/v1/{NETWORK}/transactions/{'0' * 64}", 404, "not_found", "no transaction"),
        (f"/v1/{NETWORK}/why?a=x", 422, "invalid_request", "/query/b"),
        (f"/v1/{NETWORK}/entities/{'x' * 30000}", 422, "invalid_request", "25000"),
    ],
)
def test_refusals__say_what_is_wrong(client: TestClient, path, status, code, detail):
    problem = checked(client.get(path))
    assert (problem.status, problem.code) == (status, code)
    assert detail in problem.detail


@pytest.mark.parametrize(
    ("query", "status", "detail"),
    [
        ("limit=0", 422, "greater than or equal to 1"),
        ("limit=51", 422, "this service allows 50"),
        ("limit=ten", 422, "integer"),
        ("order=sideways", 422, "'newest' or 'oldest'"),
        ("cursor=!!", 422, "the cursor is damaged"),
        ("cursor=bhK1", 422, "the cursor is damaged"),
    ],
)
def test_pages__are_bounded_and_cursors_checked(
    client, small_case: SmallCase, query, status, detail
):
    path = f"/v1/{NETWORK}/addresses/{small_case.address('alice')}/transactions?{query}"
    problem = checked(client.get(path))
    assert problem.status == status
    assert detail in problem.detail


def test_cursors__belong_to_one_list(client: TestClient, small_case: SmallCase):
    base = f"/v1/{NETWORK}/addresses"
    page = client.get(f"{base}/{small_case.address('alice')}/transactions?limit=1").json()
    cursor = page["next_cursor"]
    other = client.get(f"{base}/{small_case.address('erin')}/transactions?cursor={cursor}")
    assert "another list" in checked(other).detail
    turned = client.get(
        f"{base}/{small_case.address('alice')}/transactions?order=oldest&cursor={cursor}"
    )
    assert "other order" in checked(turned).detail


def test_methods__only_those_described(client: TestClient):
    response = client.post("/v1/networks")
    assert checked(response).code == "method_not_allowed"
    assert response.headers["allow"] == "GET, HEAD"
    for refused in (client.put("/v1/tags/imports"), client.options("/v1/tags/imports")):
        assert checked(refused).status == 405
        assert refused.headers["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b'{"items"', 422),
        (b"[1]", 422),
        (b'{"items": [NaN]}', 422),
        (b'{"items": ["\\ud800"]}', 422),
        (b'{"items": ["\xff"]}', 400),
        (b"[" * 8_000 + b"]" * 8_000, 400),
        (b'{"items": [' + b"9" * 5_000 + b"]}", 400),
        (b'{"items": ["' + b"x" * 20_000 + b'"]}', 413),
    ],
)
def test_bodies__that_cannot_be_read_are_refused(client: TestClient, body: bytes, status: int):
    kind = {"Content-Type": "application/json"}
    response = client.post(f"/v1/{NETWORK}/lookups", content=body, headers=kind)
    assert checked(response).status == status


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_bodies__of_another_kind_are_refused(client: TestClient, kind: str):
    headers = {"Content-Type": kind} if kind else {}
    response = client.post(f"/v1/{NETWORK}/lookups", content=b'{"items": ["x"]}', headers=headers)
    assert checked(response).code == "media_type"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (LedgerLockedError("busy: wait"), 409, "ledger_locked"),
        (StaleSnapshotError("ask again"), 503, "stale_snapshot"),
        (SourceUnavailableError("gone"), 502, "source"),
        (OSError(28, "No space left on device"), 507, "storage_full"),
        (ZeroDivisionError("secret detail"), 500, "bug"),
        (OSError("secret detail"), 500, "bug"),
    ],
)
def test_handlers__every_failure_becomes_a_problem(error, status, code):
    app = FastAPI()
    errors.install(app)

    @app.get("/fail")
    def fail() -> None:
        raise error

    outside = Envelope(app, body_bytes=100, body_seconds=20)
    client = TestClient(outside, base_url=BASE, raise_server_exceptions=False)
    response = client.get("/fail")
    problem = checked(response)
    assert (problem.status, problem.code) == (status, code)
    assert "secret" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"
