"""A wallet as if it were a vendor's, by HTTP."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.main import service
from arien_flows.settings import Settings
from tests.api.conftest import BASE
from tests.small_case import COIN, NETWORK, SmallCase
from tests.small_vendor import ACCOUNT, OTHER, with_vendor


def profile_path(address: str) -> str:
    return f"/v1/{NETWORK}/entities/{address}/vendor-profile"


@pytest.mark.slow
def test_vendor_profile__of_an_ordinary_wallet_is_nothing(
    client: TestClient, small_case: SmallCase
):
    answer = client.get(profile_path(small_case.address("alice")))
    assert answer.status_code == 200
    told = answer.json()
    assert told["score"]["standing"] in ("nothing", "lead")
    assert told["score"]["score"] == sum(item["given"] for item in told["score"]["items"])
    verdicts = {item["name"]: item["verdict"] for item in told["score"]["items"]}
    assert verdicts["market_payouts"] == "undecided"
    assert told["markets"] == []
    assert told["revenue"]["revenue"] == "0"
    assert told["cash_out"][0]["label"] == "Exchange One"
    assert int(told["cash_out"][0]["value"]) == 60 * 100_000_000


@pytest.mark.slow
def test_vendor_profile__refuses_what_cannot_be_asked(client: TestClient, small_case: SmallCase):
    path = profile_path(small_case.address("alice"))
    assert client.get(path, params={"trace_budget": 10**9}).status_code == 422
    assert client.get(path, params={"fiat": "euros"}).status_code == 422
    assert client.get(profile_path("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")).status_code == 422


@pytest.mark.slow
def test_account_profile__joins_what_documents_name_as_one_owners(
    small_case: SmallCase, tmp_path: Path
):
    client = TestClient(service(Settings(data=with_vendor(small_case, tmp_path))), base_url=BASE)
    told = client.get(f"/v1/vendors/{ACCOUNT}/profile").json()
    assert (told["account"], told["accounts"]) == (ACCOUNT, [ACCOUNT, OTHER])
    # Alice's entity, and Erin's address with two coins of its own.
    assert [it["id"] for it in told["wallets"]["joined"]] == [small_case.address("erin")]
    alone = client.get(profile_path(small_case.address("alice"))).json()
    received = [
        int(it["revenue"]["revenue"]) + int(it["revenue"]["beside"]) for it in (told, alone)
    ]
    assert received[0] - received[1] == 100 * COIN
    assert told["cash_out"] == alone["cash_out"]
    assert client.get(f"/v1/vendors/{ACCOUNT}2/profile").status_code == 404
