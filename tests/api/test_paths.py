"""`POST /v1/paths`: the bytes of the command line, bounded, with exact errors."""

import json

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from arien_flows.cli.main import run
from arien_flows.tracing.paths_answer import PathAnswer
from tests.small_case import COIN, NETWORK, SmallCase


def body(case: SmallCase, **changes: object) -> dict[str, object]:
    ends = {"origin": case.address("alice"), "destination": case.address("exchange")}
    return {"network": NETWORK, **ends, **changes}


def test_paths__answers_as_described(client: TestClient, small_case: SmallCase):
    response = client.post("/v1/paths", json=body(small_case))
    assert response.status_code == 200
    answer = TypeAdapter(PathAnswer).validate_json(response.content)
    assert response.headers["etag"] == f'"{answer.manifest.result_sha256}"'
    assert answer.connections[0].carried == str(50 * COIN)


def test_paths__are_those_of_the_command_line(client: TestClient, small_case: SmallCase, capsys):
    typed = ["path", small_case.address("alice"), "category:exchange", "--budget", "500"]
    assert run(["--data", str(small_case.data), "--json", *typed]) == 0
    printed = json.loads(capsys.readouterr().out)
    asked = body(small_case, destination="category:exchange", budget=500)
    assert client.post("/v1/paths", json=asked).json() == printed


def test_paths__are_as_of_an_earlier_block_where_asked(
    client: TestClient, small_case: SmallCase, capsys
):
    typed = ["path", small_case.address("alice"), "category:exchange", "--budget", "500"]
    assert run(["--data", str(small_case.data), "--json", *typed, "--as-of", "7"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["as_of"]["height"] == 7
    asked = body(small_case, destination="category:exchange", budget=500, as_of=7)
    assert client.post("/v1/paths", json=asked).json() == printed
    # Joining addresses as of an earlier block than the clustering's is no work for a service.
    refused = client.post("/v1/paths", json={**asked, "as_of": 4})
    assert refused.status_code == 422
    assert "`--as-of 4` on the command line" in refused.json()["detail"]


def test_paths__none_is_an_answer(client: TestClient, small_case: SmallCase):
    asked = body(small_case, destination=small_case.address("dave"))
    answer = client.post("/v1/paths", json=asked)
    assert answer.status_code == 200
    assert answer.json()["statement"].startswith("No path from")


@pytest.mark.parametrize(
    ("changes", "status", "detail"),
    [
        ({"budget": 20_001}, 422, "this service allows 20,000"),
        ({"max_hops": 101}, 422, "/body/max_hops"),
        ({"limit": 1_001}, 422, "/body/limit"),
        ({"through": ["walls"]}, 422, "/body/through"),
        ({"min_value": 1}, 422, "/body/min_value"),
        ({"destination": "txid:x"}, 422, "is not an output"),
        ({"destination": "category:bank"}, 404, "no tag names a category"),
    ],
)
def test_paths__bad_requests_name_the_fault(client, small_case, changes, status, detail):
    response = client.post("/v1/paths", json=body(small_case, **changes))
    assert response.status_code == status
    assert detail in response.text
