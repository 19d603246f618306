"""`POST /v1/traces` on a chain of accounts: the bytes of the command line."""

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from api.main import service
from arien_flows.account_tracing.answer import AccountTraceAnswer
from arien_flows.cli.main import run
from arien_flows.settings import Settings
from tests.account_chains import text_of
from tests.api.conftest import BASE
from tests.small_accounts import NETWORK, SmallAccounts


@pytest.fixture(scope="module")
def accounts_client(small_accounts: SmallAccounts) -> Iterator[TestClient]:
    with TestClient(service(Settings(data=small_accounts.data)), base_url=BASE) as client:
        yield client


def body(**changes: object) -> dict[str, object]:
    return {"network": NETWORK, "sources": [text_of("alice")], **changes}


def test_trace__is_that_of_the_command_line(accounts_client, small_accounts, capsys):
    typed = ["trace", text_of("alice"), "--policy", "lifo", "--budget", "500", "--json"]
    assert run(["--data", str(small_accounts.data), *typed]) == 0
    printed = json.loads(capsys.readouterr().out)
    response = accounts_client.post("/v1/traces", json=body(policy="lifo", budget=500))
    assert response.json() == printed
    answer = TypeAdapter(AccountTraceAnswer).validate_json(response.content)
    assert response.headers["etag"] == f'"{answer.manifest.result_sha256}"'
    assert [each.unit.asset for each in answer.assets] == ["ETH", "USDT"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"demix": "candidates", "direction": "backward"}, "only a trace forward"),
        ({"demix_depth": 2}, "demix_depth means nothing on a chain of accounts"),
        ({"pins": {"a": [0, 1]}}, "pins means nothing"),
        ({"level": "transaction"}, "level is entity or address"),
        ({"policy": "tiho"}, "a balance pays one receiver at a time"),
        ({"budget": 1_000_000}, "this service allows"),
    ],
)
def test_trace__names_what_means_nothing(accounts_client, changes, message):
    response = accounts_client.post("/v1/traces", json=body(**changes))
    assert response.status_code == 422
    assert message in response.json()["detail"]
