"""Lookups of many: each row as if it were asked about alone."""

import json

import pytest
from fastapi.testclient import TestClient

from api.main import service
from arien_flows.answers import lookups
from arien_flows.settings import Settings
from tests.account_chains import text_of as account_text
from tests.api.conftest import BASE
from tests.api.test_errors import UNUSED, checked
from tests.small_accounts import NETWORK as ACCOUNTS
from tests.small_accounts import SmallAccounts
from tests.small_case import NETWORK, SmallCase

PATH = f"/v1/{NETWORK}/lookups"
NAMES = ("alice", "p2pkh:alice-2", "alice-3", "exchange", "erin", "p2tr:fund")


def items(case: SmallCase) -> list[str]:
    names = [case.address(name) for name in NAMES]
    return [*names, "nonsense", UNUSED, case.txid("pay"), "0" * 64, names[0]]


def test_rows__are_what_each_question_answers(client, small_case: SmallCase, monkeypatch):
    monkeypatch.setattr(lookups, "TOGETHER", 2)
    answer = client.post(PATH, json={"items": items(small_case)}).json()
    assert [row["row"] for row in answer["items"]] == list(range(1, 12))
    for row, text in zip(answer["items"], items(small_case), strict=True):
        is_transaction = text in (small_case.txid("pay"), "0" * 64)
        if is_transaction:
            alone = client.get(f"/v1/{NETWORK}/transactions/{text}")
        else:
            alone = client.get(f"/v1/{NETWORK}/addresses/{text}")
        status = {200: "ok", 404: "not_found", 422: "invalid"}[alone.status_code]
        assert row["status"] == status
        if status != "ok":
            assert (row["code"], row["detail"]) == (alone.json()["code"], alone.json()["detail"])
        elif is_transaction:
            assert row["transaction"]["txid"] == text
        else:
            assert row["summary"] == alone.json()
    assert answer["counts"] == {"ok": 8, "invalid": 1, "not_found": 2}


def test_parts__are_those_that_were_asked_for(client: TestClient, small_case: SmallCase):
    body = {"items": [small_case.address("exchange")], "include": ["entity", "tags"]}
    (row,) = client.post(PATH, json=body).json()["items"]
    assert row["summary"] is None
    assert row["entity"]["address_count"] == 1
    assert row["tags"][0]["label"] == "Exchange One"


@pytest.mark.parametrize("media_type", ["application/jsonl", "application/x-ndjson"])
def test_lines__are_the_rows_and_an_end(client, small_case: SmallCase, media_type: str):
    body = {"items": items(small_case)}
    whole = client.post(PATH, json=body).json()
    answer = client.post(PATH, json=body, headers={"Accept": media_type})
    assert answer.headers["content-type"].partition(";")[0] == media_type
    *rows, end = map(json.loads, answer.text.splitlines())
    assert rows == whole["items"]
    assert end == {"end": {key: value for key, value in whole.items() if key != "items"}}


@pytest.mark.parametrize(
    "body",
    [{}, {"items": []}, {"items": ["x"], "include": []}, {"items": ["x"], "more": 1}, {"items": 1}],
)
def test_bodies__are_checked(client: TestClient, body):
    assert checked(client.post(PATH, json=body)).status == 422


def test_rows__are_ten_thousand_at_most(small_case: SmallCase):
    with TestClient(service(Settings(data=small_case.data)), base_url=BASE) as client:
        assert checked(client.post(PATH, json={"items": ["x"] * 10_001})).status == 422


def test_accounts__are_looked_up_too(small_accounts: SmallAccounts):
    with TestClient(service(Settings(data=small_accounts.data)), base_url=BASE) as client:
        alice = account_text("alice")
        answer = client.post(f"/v1/{ACCOUNTS}/lookups", json={"items": [alice, "0x12"]}).json()
        alone = client.get(f"/v1/{ACCOUNTS}/addresses/{alice}").json()
        assert answer["items"][0]["summary"] == alone
        assert answer["items"][1]["status"] == "invalid"
