"""Webhooks over the service."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from arien_flows.access.callers import local_caller
from arien_flows.settings import Settings
from arien_flows.webhooks.delivering import deliver
from arien_flows.workspace import Workspace
from tests.api.asking import AskedBy
from tests.api.conftest import BASE
from tests.webhook_receiver import Receiver, receiving

PUBLIC = "https://93.184.215.14/hook"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Settings:
    allowed = f"127.0.0.1,127.0.0.1/32,{receiver.port}"
    return Settings(data=tmp_path_factory.mktemp("webhooks"), webhook_allow=allowed)


@pytest.fixture
def client(bare_application: FastAPI, settings: Settings) -> TestClient:
    """Return a client of somebody who may do everything, with no webhooks of the test before."""
    bare_application.state.workspace = Workspace(settings)
    client = TestClient(AskedBy(bare_application, local_caller("tester")), base_url=BASE)
    for webhook in client.get("/v1/webhooks").json()["items"]:
        assert client.delete(f"/v1/webhooks/{webhook['id']}").status_code == 204
    return client


def test_webhooks__from_the_making_to_the_log(
    client: TestClient, settings: Settings, receiver: Receiver
):
    made = client.post(
        "/v1/webhooks",
        json={"url": receiver.url, "description": "the hive"},
        headers={"Idempotency-Key": "making"},
    )
    assert made.status_code == 201, made.text
    webhook, secret = made.json()["webhook"], made.json()["secret"]
    assert made.headers["Location"] == f"/v1/webhooks/{webhook['id']}"
    assert secret.startswith("whsec_")
    path = f"/v1/webhooks/{webhook['id']}"
    receiver.secrets.append(secret)
    pinged = client.post(f"{path}/ping")
    assert pinged.status_code == 202
    assert pinged.json()["state"] == "pending"
    deliver(Workspace(settings), datetime.now(UTC))
    (heard,) = receiver.heard
    assert (heard.type, heard.subject) == ("webhook.ping", webhook["id"])
    (delivery,) = client.get(f"{path}/deliveries").json()["items"]
    assert delivery["event_id"] == heard.id
    assert (delivery["state"], delivery["attempts"][0]["status"]) == ("delivered", 204)
    again = client.post(f"{path}/deliveries/{delivery['id']}/resend")
    assert again.status_code == 202
    assert client.post(f"{path}/deliveries/{delivery['id']}/resend").status_code == 409
    rotated = client.post(f"{path}/rotation", json={}, headers={"Idempotency-Key": "rotating"})
    assert rotated.json()["secret"] != secret
    deliver(Workspace(settings), datetime.now(UTC))
    assert [it.signatures for it in receiver.heard] == [1, 2]
    for answered in (client.get(path), client.get("/v1/webhooks"), rotated):
        if answered is not rotated:
            assert "whsec_" not in answered.text
    for file in settings.data.iterdir():
        content = file.read_bytes()
        assert secret.encode() not in content
        assert rotated.json()["secret"].encode() not in content


def test_webhooks__are_changed_by_their_version_and_deleted(client: TestClient):
    made = client.post("/v1/webhooks", json={"url": PUBLIC, "events": ["watch.hit"]})
    webhook = made.json()["webhook"]
    path, tag = f"/v1/webhooks/{webhook['id']}", made.headers["ETag"]
    assert client.patch(path, json={"enabled": False}).status_code == 428
    stale = client.patch(path, json={"enabled": False}, headers={"If-Match": '"0"'})
    assert stale.status_code == 412
    changed = client.patch(path, json={"enabled": False, "events": []}, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert (changed.json()["enabled"], changed.json()["events"]) == (False, [])
    assert changed.json()["url"] == PUBLIC
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.delete(path).status_code == 404
    assert client.get("/v1/webhooks").json()["items"] == []


def test_webhooks__pages_go_on_where_the_last_one_ended(client: TestClient):
    made = [
        client.post("/v1/webhooks", json={"url": PUBLIC}).json()["webhook"]["id"] for _ in range(3)
    ]
    first = client.get("/v1/webhooks", params={"limit": 2})
    assert first.headers["Link"].endswith('rel="next"')
    cursor = first.json()["next_cursor"]
    second = client.get("/v1/webhooks", params={"limit": 2, "cursor": cursor})
    assert second.json()["next_cursor"] is None
    shown = [it["id"] for page in (first, second) for it in page.json()["items"]]
    assert shown == sorted(made, reverse=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:127.0.0.1]/",
        "https://user:pass@93.184.215.14/",
        "https://93.184.215.14:22/",
        "https://2130706433/",
        "file:///etc/passwd",
        "x" * 2_001,
    ],
)
def test_webhooks__refuse_what_must_not_be_reached(client: TestClient, url: str):
    answered = client.post("/v1/webhooks", json={"url": url})
    assert answered.status_code == 422
    assert answered.headers["Content-Type"] == "application/problem+json"
    made = client.post("/v1/webhooks", json={"url": PUBLIC})
    path, tag = f"/v1/webhooks/{made.json()['webhook']['id']}", made.headers["ETag"]
    assert client.patch(path, json={"url": url}, headers={"If-Match": tag}).status_code == 422


def test_webhooks__of_one_caller_are_bounded(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("arien_flows.casebook.webhooks.MOST_OF_OWNER", 1)
    assert client.post("/v1/webhooks", json={"url": PUBLIC}).status_code == 201
    assert client.post("/v1/webhooks", json={"url": PUBLIC}).status_code == 409


def test_webhooks__absent_ones_are_not_found_whatever_is_asked(client: TestClient):
    name = "hook_" + "0" * 26
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/deliveries"),
        ("POST", "/ping"),
        ("POST", f"/deliveries/delivery_{'0' * 26}/resend"),
    ):
        assert client.request(method, f"/v1/webhooks/{name}{path}").status_code == 404
    assert client.post(f"/v1/webhooks/{name}/rotation", json={}).status_code == 404
    assert client.get("/v1/webhooks/nonsense").status_code == 422
