"""Neighbours over the service: pages of one state of the chain, and refusals."""

import base64
from itertools import pairwise

import pytest
from fastapi.testclient import TestClient

from api.main import service
from arien_flows.settings import Settings
from tests.account_chains import text_of as account_text
from tests.api.conftest import BASE
from tests.api.test_errors import checked
from tests.small_accounts import NETWORK as ACCOUNTS
from tests.small_accounts import SmallAccounts
from tests.small_case import NETWORK, SmallCase


def path(case: SmallCase, name: str, kind: str = "addresses") -> str:
    return f"/v1/{NETWORK}/{kind}/{case.address(name)}/neighbours"


def test_neighbours__sum_to_what_was_sent(client: TestClient, small_case: SmallCase):
    page = client.get(path(small_case, "alice", "entities")).json()
    values = [int(item["value"]) for item in page["items"]]
    assert sum(values) + sum(map(int, page["rest"].values())) == int(page["total"])
    assert all(more >= less for more, less in pairwise(values))
    assert page["items"][0]["address"] == small_case.address("exchange")
    assert page["items"][0]["tags"][0]["label"] == "Exchange One"
    assert page["certainty"] == "inference"
    assert page["address_count"] == 3


def test_coinjoin__names_nobody(client: TestClient, small_case: SmallCase):
    page = client.get(path(small_case, "bob")).json()
    assert page["items"] == []
    assert page["rest"]["coinjoin"] == page["total"]
    assert page["certainty"] == "inference"


def test_pages__make_the_whole_list(client: TestClient, small_case: SmallCase):
    whole = client.get(path(small_case, "alice", "entities")).json()
    first = client.get(path(small_case, "alice", "entities") + "?limit=1&level=entity")
    following = first.headers["link"].removeprefix("<").removesuffix('>; rel="next"')
    second = client.get(path(small_case, "alice", "entities") + following)
    assert first.json()["items"] + second.json()["items"] == whole["items"]
    assert second.json()["next_cursor"] is None
    assert "link" not in second.headers


def cursor_of(*parts: object) -> str:
    told = ".".join(str(part) for part in parts)
    return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("cursor", "status"),
    [
        ("!!", 422),
        (cursor_of("x"), 422),
        (cursor_of(7, "0" * 16, "0" * 16, 10**10), 422),
        (cursor_of(7, "0" * 16, "0" * 16, 1), 409),
        (cursor_of(999_999_999, "0" * 16, "0" * 16, 1), 409),
    ],
)
def test_cursors__that_are_forged_are_refused(client, small_case: SmallCase, cursor, status):
    assert checked(client.get(path(small_case, "alice") + f"?cursor={cursor}")).status == status


def test_cursors__belong_to_one_list(client: TestClient, small_case: SmallCase):
    cursor = client.get(path(small_case, "alice", "entities") + "?limit=1").json()["next_cursor"]
    other = client.get(path(small_case, "alice", "entities") + f"?direction=in&cursor={cursor}")
    assert checked(other).status == 409


def test_refusals__say_why(client: TestClient, small_case: SmallCase):
    for query, status in (("asset=USDT", 422), ("direction=up", 422), ("level=all", 422)):
        assert checked(client.get(path(small_case, "alice") + f"?{query}")).status == status


def test_accounts__are_told_exactly(small_accounts: SmallAccounts):
    with TestClient(service(Settings(data=small_accounts.data)), base_url=BASE) as client:
        base = f"/v1/{ACCOUNTS}/addresses/{account_text('alice')}"
        for direction in ("in", "out"):
            page = client.get(f"{base}/neighbours?direction={direction}").json()
            values = sum(int(item["value"]) for item in page["items"])
            assert values + sum(map(int, page["rest"].values())) == int(page["total"])
            assert (page["rule"], page["certainty"]) == ("transfers/1", "fact")
        own = client.get(base).json()
        assert page["total"] == own["sent"]
