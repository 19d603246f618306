"""Watches and alerts over the service."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import delete

from arien_flows.access.callers import Caller, local_caller
from arien_flows.access.cases import CaseAccess, CaseRole
from arien_flows.access.roles import PERMISSIONS, Role
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.cases import Cases
from arien_flows.casebook.watch_tables import alert_acts, alerts, watches
from arien_flows.settings import Settings
from arien_flows.watches.following import follow
from arien_flows.workspace import Workspace
from tests.api.asking import AskedBy
from tests.api.conftest import BASE
from tests.small_case import NETWORK, SmallCase

CASE = "case_" + "0" * 26


@pytest.fixture(scope="module")
def settings(small_case: SmallCase, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return settings of the small ledger with a casebook of these tests' own."""
    file = tmp_path_factory.mktemp("watches") / "casebook.sqlite"
    return Settings(data=small_case.data, casebook=f"sqlite:///{file}")


@pytest.fixture
def app(bare_application: FastAPI, settings: Settings) -> FastAPI:
    bare_application.state.workspace = Workspace(settings)
    return bare_application


@pytest.fixture
def client(app: FastAPI, settings: Settings) -> TestClient:
    """Return a client of somebody who may do everything, with no watches of the test before."""
    with Workspace(settings).casebook._writing() as connection:
        for table in (alert_acts, alerts, watches):
            connection.execute(delete(table))
    return TestClient(AskedBy(app, local_caller("tester")), base_url=BASE)


def watch(client: TestClient, *subjects: str, **more: object):
    return client.post("/v1/watches", json={"network": NETWORK, "subjects": subjects, **more})


def test_watches__from_the_list_to_the_acknowledgement(
    client: TestClient, settings: Settings, small_case: SmallCase
):
    made = watch(
        client, small_case.address("exchange"), small_case.address("erin"), list="shops", since=0
    )
    assert made.status_code == 201, made.text
    ids = [it["id"] for it in made.json()["items"]]
    assert [it["list"] for it in made.json()["items"]] == ["shops"] * 2
    follow(Workspace(settings), datetime.now(UTC))
    alerts = client.get(f"/v1/watches/{ids[0]}/alerts").json()["items"]
    assert [it["txid"] for it in alerts] == [small_case.txid("pay")]
    (alert,) = alerts
    assert alert["detail"]["moved"][0]["received"] == "6000000000"
    assert alert["certainty"] == "fact"
    assert {it["address"] for it in alert["detail"]["counterparts"]} == {
        small_case.address("alice"),
        small_case.address("p2pkh:alice-2"),
    }
    assert client.get(f"/v1/alerts/{alert['id']}").json() == alert
    page = client.get("/v1/alerts", params={"limit": 1, "unseen": "true"})
    assert "unseen=true" in page.headers["Link"]
    seen = client.post(f"/v1/alerts/{alert['id']}/acknowledgement", json={"note": "told Bob"})
    assert seen.status_code == 200
    assert seen.json()["acts"][-1]["why"] == "told Bob"
    again = client.post(f"/v1/alerts/{alert['id']}/acknowledgement", json={})
    assert again.status_code == 409
    left = client.get("/v1/alerts", params={"unseen": "true"}).json()["items"]
    assert {it["watch_id"] for it in left} == {ids[1]}


def test_watches__are_changed_by_their_version_and_ended(client: TestClient, small_case: SmallCase):
    (made,) = watch(client, small_case.address("bob")).json()["items"]
    path = f"/v1/watches/{made['id']}"
    tag = client.get(path).headers["ETag"]
    assert client.patch(path, json={"direction": "in"}).status_code == 428
    headers = {"If-Match": tag}
    changed = client.patch(path, json={"direction": "in", "list": "x"}, headers=headers)
    assert (changed.json()["direction"], changed.json()["list"]) == ("in", "x")
    assert client.patch(path, json={}, headers=headers).status_code == 412
    assert client.get("/v1/watches", params={"list": "y"}).json()["items"] == []
    assert client.delete(path).status_code == 204
    assert client.get("/v1/watches").json()["items"] == []
    (ended,) = client.get("/v1/watches", params={"ended": "true"}).json()["items"]
    assert ended["ended_at"] is not None


def test_watches__of_an_entity_name_its_profile(client: TestClient, small_case: SmallCase):
    (made,) = watch(client, small_case.address("alice"), kind="entity").json()["items"]
    assert (made["kind"], made["profile"]) == ("entity", "strict")


@pytest.mark.parametrize(
    "more",
    [
        {"subjects": ["nonsense"]},
        {"subjects": []},
        {"min_value": "-1"},
        {"min_value": "1.5"},
        {"asset": "USDT"},
        {"until": "2026-01-01T00:00:00"},
        {"kind": "entity", "profile": "standard"},
        {"surprise": 1},
    ],
)
def test_watches__refuse_what_they_cannot_mean(
    client: TestClient, small_case: SmallCase, more: dict[str, object]
):
    body = {"network": NETWORK, "subjects": [small_case.address("bob")], **more}
    assert client.post("/v1/watches", json=body).status_code == 422


def test_watches__of_a_network_without_ledger_are_not_found(client: TestClient):
    body = {"network": "bitcoin", "subjects": ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]}
    assert client.post("/v1/watches", json=body).status_code == 404


@pytest.fixture
def asking(
    app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], TestClient]:
    """Return how people ask who work on a case, or do not."""
    del client  # it only had to empty the casebook
    folder = CaseAccess(
        id=CASE,
        tlp=Tlp.AMBER,
        members={"ann": CaseRole.LEAD, "ben": CaseRole.READER},
    )
    monkeypatch.setattr(Cases, "access", lambda _, name: folder if name == CASE else None)

    def ask_as(name: str) -> TestClient:
        caller = Caller(
            name=name,
            role=Role.ANALYST,
            permissions=PERMISSIONS[Role.ANALYST],
            clearance=Tlp.AMBER,
            means="key",
        )
        return TestClient(AskedBy(app, caller), base_url=BASE)

    return ask_as


def test_watches__are_seen_by_those_who_see_their_case(
    asking: Callable[[str], TestClient], settings: Settings, small_case: SmallCase
):
    ann, ben, carl = asking("ann"), asking("ben"), asking("carl")
    made = watch(ann, small_case.address("exchange"), case_id=CASE, since=0)
    assert made.status_code == 201, made.text
    (shared,) = made.json()["items"]
    (own,) = watch(ann, small_case.address("bob"), since=0).json()["items"]
    assert watch(ben, small_case.address("bob"), case_id=CASE).status_code == 403
    assert watch(carl, small_case.address("bob"), case_id=CASE).status_code == 404
    follow(Workspace(settings), datetime.now(UTC))
    sees = {
        who: {it["id"] for it in client.get("/v1/watches").json()["items"]}
        for who, client in (("ann", ann), ("ben", ben), ("carl", carl))
    }
    assert sees == {"ann": {shared["id"], own["id"]}, "ben": {shared["id"]}, "carl": set()}
    (alert,) = ben.get("/v1/alerts").json()["items"]
    assert carl.get("/v1/alerts").json()["items"] == []
    for path in (
        f"/v1/watches/{shared['id']}",
        f"/v1/watches/{shared['id']}/alerts",
        f"/v1/alerts/{alert['id']}",
    ):
        assert ben.get(path).status_code == 200
        assert carl.get(path).status_code == 404
    assert ben.get(f"/v1/watches/{own['id']}").status_code == 404
    assert ben.delete(f"/v1/watches/{shared['id']}").status_code == 403
    noted = f"/v1/alerts/{alert['id']}/acknowledgement"
    assert ben.post(noted, json={}).status_code == 403
    assert carl.post(noted, json={}).status_code == 404
    assert carl.get("/v1/watches", params={"case_id": CASE}).status_code == 404
