"""`POST /v1/traces`: the bytes of the command line, bounded, with exact errors."""

import json

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from api.errors import Problem
from api.main import service
from arien_flows.cli.main import run
from arien_flows.settings import Settings
from arien_flows.tracing.answer import TraceAnswer
from tests.api.conftest import BASE
from tests.ledgers import GENESIS_TIME
from tests.small_case import COIN, NETWORK, SmallCase


def body(case: SmallCase, **changes: object) -> dict[str, object]:
    return {"network": NETWORK, "sources": [case.address("alice")], **changes}


def test_trace__answers_as_described_and_adds_up(client: TestClient, small_case: SmallCase):
    response = client.post("/v1/traces", json=body(small_case))
    assert response.status_code == 200
    answer = TypeAdapter(TraceAnswer).validate_json(response.content)
    assert response.headers["etag"] == f'"{answer.manifest.result_sha256}"'
    assert answer.totals.source == str(50 * COIN)
    ended = sum(map(int, answer.totals.by_reason.values()))
    assert ended + int(answer.totals.fees) + int(answer.totals.destroyed) == 50 * COIN
    assert [service.label for service in answer.services] == ["Exchange One"]


def test_trace__is_that_of_the_command_line(client: TestClient, small_case: SmallCase, capsys):
    typed = ["trace", small_case.address("alice"), "--policy", "haircut", "--budget", "500"]
    assert run(["--data", str(small_case.data), "--json", *typed]) == 0
    printed = json.loads(capsys.readouterr().out)
    asked = body(small_case, policy="haircut", budget=500)
    assert client.post("/v1/traces", json=asked).json() == printed


def test_trace__lists_candidates_behind_coinjoins_if_asked(client, small_case: SmallCase):
    asked = body(
        small_case,
        sources=[f"{small_case.txid('mined-3')}:0"],
        demix="candidates",
        demix_depth=2,
    )
    response = client.post("/v1/traces", json=asked)
    answer = TypeAdapter(TraceAnswer).validate_json(response.content)
    assert answer.inferences is not None
    assert answer.inferences.depth == 2
    assert [told.coinjoin for told in answer.inferences.coinjoins] == [small_case.txid("join")]


def test_trace__values_by_the_prices_of_the_casebook(small_case: SmallCase, tmp_path, capsys):
    data = tmp_path / "data"
    data.mkdir()
    (data / NETWORK).symlink_to(small_case.data / NETWORK)
    rows = "".join(f"{GENESIS_TIME + 600 * i},{20_000 + i}\n" for i in range(20))
    (tmp_path / "prices.csv").write_text(f"timestamp,price\n{rows}")
    common = ["--data", str(data)]
    terms = ["--asset", "tBTC", "--currency", "EUR", "--source", "made up"]
    assert run([*common, "prices", "import", str(tmp_path / "prices.csv"), *terms]) == 0
    capsys.readouterr()
    question = ("trace", small_case.address("alice"), "--fiat", "EUR", "--budget", "500")
    assert run([*common, "--json", *question]) == 0
    printed = json.loads(capsys.readouterr().out)
    settings = Settings(data=data)
    with TestClient(service(settings), base_url=BASE, raise_server_exceptions=False) as client:
        response = client.post("/v1/traces", json=body(small_case, fiat="EUR", budget=500))
        answer = TypeAdapter(TraceAnswer).validate_json(response.content)
        assert answer.totals.fiat is not None
        assert answer.manifest.prices[0].source == "made up"
        assert response.json() == printed
        refused = client.post("/v1/traces", json=body(small_case, fiat="USD"))
        assert refused.status_code == 422
        assert "worth nothing" in refused.json()["detail"]
        assert client.post("/v1/traces", json=body(small_case, fiat="eur")).status_code == 422


def test_trace__the_same_question_gives_the_same_bytes(client: TestClient, small_case: SmallCase):
    first, second = (client.post("/v1/traces", json=body(small_case)) for _ in range(2))
    assert first.content == second.content


def test_trace__of_an_earlier_block_does_not_join_addresses_anew(client, small_case: SmallCase):
    tip = client.post("/v1/traces", json=body(small_case)).json()["as_of"]["height"]
    assert client.post("/v1/traces", json=body(small_case, as_of=tip)).status_code == 200
    refused = client.post("/v1/traces", json=body(small_case, as_of=tip - 1))
    assert refused.status_code == 422
    assert f"`--as-of {tip - 1}`" in refused.json()["detail"]
    missing = client.post("/v1/traces", json=body(small_case, as_of=tip + 1))
    assert missing.status_code == 422
    assert "holds blocks 0 to" in missing.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"budget": 20_001}, "this service allows 20,000"),
        ({"budget": 0}, "/body/budget"),
        ({"budget": 2_000_001}, "/body/budget"),
        ({"policy": "lilo"}, "/body/policy"),
        ({"sources": []}, "/body/sources"),
        ({"demix": "guess"}, "/body/demix"),
        ({"demix_depth": 11}, "/body/demix_depth"),
        ({"sources": ["x"] * 1001}, "/body/sources"),
        ({"min_value": "1.5"}, "/body/min_value"),
        ({"min_value": 1}, "/body/min_value"),
        ({"since": "2026-03-01T00:00:00"}, "needs a time zone"),
        ({"max_hop": 3}, "/body/max_hop"),
        ({"sources": ["txid:x"]}, "is not an output"),
    ],
)
def test_trace__bad_requests_name_the_fault(client, small_case: SmallCase, changes, detail):
    response = client.post("/v1/traces", json=body(small_case, **changes))
    assert response.status_code == 422
    assert detail in TypeAdapter(Problem).validate_json(response.content).detail


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", {"Content-Type": "application/json"}, 422, "invalid_request"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "media_type"),
        (b'"\xff"', {"Content-Type": "application/json"}, 400, "bad_request"),
        (b" " * 20_000, {"Content-Type": "application/json"}, 413, "too_large"),
        (b"[" * 9000, {"Content-Type": "application/json"}, 400, "bad_request"),
    ],
)
def test_bodies__that_are_no_request_are_problems(client, content, headers, status, code):
    response = client.post("/v1/traces", content=content, headers=headers)
    problem = TypeAdapter(Problem).validate_json(response.content)
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, problem.code) == (status, code)


def test_bodies__that_do_not_say_how_long_they_are_are_cut_off_too(client: TestClient):
    response = client.post(
        "/v1/traces",
        content=(b" " * 100 for _ in range(200)),
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code == 413
    assert response.json()["code"] == "too_large"


def test_trace__of_a_foreign_page_is_refused(client: TestClient, small_case: SmallCase):
    response = client.post(
        "/v1/traces", json=body(small_case), headers={"Origin": "http://evil.example"}
    )
    assert response.status_code == 403
