"""The service on a ledger of accounts: the same routes, the same bytes as `--json`."""

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from api.main import service
from arien_flows.account_tracing.paths_answer import AccountPathAnswer
from arien_flows.answers.account_address import AccountAnswer
from arien_flows.answers.account_entity import AccountEntityAnswer
from arien_flows.answers.account_exposure import AccountExposureAnswer
from arien_flows.answers.account_history import AccountHistoryAnswer
from arien_flows.answers.account_ranking import RankingAnswer
from arien_flows.answers.account_risk import AccountRiskAnswer
from arien_flows.answers.account_transaction import AccountTransactionAnswer
from arien_flows.answers.account_why import AccountWhyAnswer
from arien_flows.answers.address_tags import AddressTagsAnswer
from arien_flows.cli.main import run
from arien_flows.settings import Settings
from arien_flows.warm_up import compile_kernels
from tests.account_chains import text_of
from tests.api.conftest import BASE
from tests.small_accounts import NETWORK, USDT, SmallAccounts

ALICE, BOB = text_of("alice"), text_of("bob")
ADDRESS = f"/v1/{NETWORK}/addresses/{ALICE}"
BUDGET = ("--budget", "20000")
"""What a service allows by default."""


@pytest.fixture(scope="module")
def client(small_accounts: SmallAccounts) -> Iterator[TestClient]:
    settings = Settings(data=small_accounts.data, page_rows=50)
    with TestClient(service(settings), base_url=BASE, raise_server_exceptions=False) as client:
        yield client


QUESTIONS: dict[str, tuple[type, str, tuple[str, ...]]] = {
    "address": (AccountAnswer, ADDRESS, ("address", ALICE)),
    "history": (
        AccountHistoryAnswer,
        f"{ADDRESS}/transactions?limit=50",
        ("address", ALICE, "--transactions"),
    ),
    "whole history": (
        AccountHistoryAnswer,
        f"{ADDRESS}/transactions?limit=50&all=true",
        ("address", ALICE, "--transactions", "--all"),
    ),
    "entity": (
        AccountEntityAnswer,
        f"{ADDRESS}/entity?limit=50",
        ("entity", ALICE, "--limit", "50"),
    ),
    "entity by any": (
        AccountEntityAnswer,
        f"/v1/{NETWORK}/entities/{BOB}?limit=50",
        ("entity", BOB, "--limit", "50"),
    ),
    "why": (AccountWhyAnswer, f"/v1/{NETWORK}/why?a={ALICE}&b={BOB}", ("why", ALICE, BOB)),
    "tags": (AddressTagsAnswer, f"{ADDRESS}/tags", ("tags", "of", ALICE)),
    "exposure": (AccountExposureAnswer, f"{ADDRESS}/exposure", ("exposure", ALICE, *BUDGET)),
    "exposure of a token": (
        AccountExposureAnswer,
        f"{ADDRESS}/exposure?asset=USDT",
        ("exposure", ALICE, "--asset", "USDT", *BUDGET),
    ),
    "exposure of an entity": (
        AccountExposureAnswer,
        f"/v1/{NETWORK}/entities/{ALICE}/exposure",
        ("exposure", f"entity:{ALICE}", *BUDGET),
    ),
    "next": (RankingAnswer, f"{ADDRESS}/next?by=weight", ("next", ALICE, "--by", "weight")),
    "risk": (AccountRiskAnswer, f"{ADDRESS}/risk", ("risk", ALICE, *BUDGET)),
    "risk by a token": (
        AccountRiskAnswer,
        f"{ADDRESS}/risk?asset={USDT}",
        ("risk", ALICE, "--asset", USDT, *BUDGET),
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_answers__are_as_described_and_the_same_as_the_command_lines(
    client: TestClient,
    small_accounts: SmallAccounts,
    capsys: pytest.CaptureFixture[str],
    name: str,
):
    shape, path, command = QUESTIONS[name]
    response = client.get(path)
    assert response.status_code == 200, response.text
    TypeAdapter(shape).validate_json(response.content, strict=True)
    assert run(["--data", str(small_accounts.data), *command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == response.json()


def test_paths__are_those_of_the_command_line(client, small_accounts, capsys):
    ends = (ALICE, text_of("exchange"))
    body = {"network": NETWORK, "origin": ends[0], "destination": ends[1]}
    response = client.post("/v1/paths", json={**body, "asset": "USDT", "budget": 500})
    assert response.status_code == 200, response.text
    TypeAdapter(AccountPathAnswer).validate_json(response.content, strict=True)
    typed = ["path", *ends, "--asset", "USDT", "--budget", "500", "--max-hops", "8", "--json"]
    assert run(["--data", str(small_accounts.data), *typed]) == 0
    assert json.loads(capsys.readouterr().out) == response.json()
    assert response.json()["connections"]
    refused = client.post("/v1/paths", json={**body, "min_value": "9" * 30})
    assert refused.status_code == 422
    assert "needs an asset" in refused.json()["detail"]


def test_transaction__is_as_described_and_paged(client: TestClient, small_accounts: SmallAccounts):
    path = f"/v1/{NETWORK}/transactions/{small_accounts.txid(1, 1)}"
    response = client.get(f"{path}?limit=2&offset=1")
    TypeAdapter(AccountTransactionAnswer).validate_json(response.content, strict=True)
    assert [it["position"] for it in response.json()["movements"]] == [1, 2]
    assert response.json()["truncations"][0]["reason"] == "page"


def test_history__leads_to_the_next_page(client: TestClient):
    response = client.get(f"{ADDRESS}/transactions?limit=2&all=true")
    cursor = response.json()["next_cursor"]
    assert response.headers["Link"] == f'<?limit=2&all=true&cursor={cursor}>; rel="next"'


def test_networks_and_readiness__know_both_kinds(client: TestClient):
    compile_kernels()
    (status,) = client.get("/v1/networks").json()["items"]
    assert (status["network"], status["accounts"]) == (NETWORK, 13)
    assert client.get("/readyz").json()["networks"] == [NETWORK]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/v1/{NETWORK}/addresses/0x12", 422),
        (f"/v1/{NETWORK}/addresses/0x{'ab' * 20}", 404),
        (f"/v1/{NETWORK}/transactions/0x{'ab' * 32}", 404),
        (f"/v1/{NETWORK}/transactions/12", 422),
        (f"{ADDRESS}/transactions?cursor=abc", 422),
        (f"{ADDRESS}/exposure?asset=NOPE", 422),
        (f"/v1/{NETWORK}/conflicts", 422),
        ("/v1/ethereum-dev/addresses/" + ALICE, 404),
        ("/v1/etherum/addresses/" + ALICE, 404),
    ],
)
def test_problems__say_what_is_wrong(client: TestClient, path: str, status: int):
    response = client.get(path)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]
