"""Tags over HTTP: import, look up, page, withdraw."""

from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from api.main import service
from arien_flows.answers.address_tags import AddressTagsAnswer
from arien_flows.answers.tag_imports import (
    ImportReport,
    TagImportAnswer,
    TagImportDetail,
    TagImportPage,
)
from arien_flows.answers.tag_records import TagPage
from arien_flows.settings import Settings
from tests.api.conftest import BASE
from tests.api.questions import WITHDRAWN, ask
from tests.arien_flows.casebook.packs import GENESIS, SCRIPT, WITNESS, pack, row
from tests.small_case import NETWORK, SmallCase, make_small_case

YAML = {"Content-Type": "application/yaml; charset=utf-8"}
SHAPES = {
    "list_address_tags": AddressTagsAnswer,
    "list_tags": TagPage,
    "list_tag_imports": TagImportPage,
    "read_tag_import": TagImportDetail,
    "import_tags": ImportReport,
    WITHDRAWN: TagImportAnswer,
}


@pytest.fixture
def empty(tmp_path: Path) -> TestClient:
    """Return a service over an empty data folder."""
    settings = Settings(data=tmp_path, page_rows=50, body_bytes=4_096)
    return TestClient(service(settings), base_url=BASE, raise_server_exceptions=False)


@pytest.mark.parametrize("operation", SHAPES)
def test_answers__are_as_described(client: TestClient, small_case: SmallCase, operation: str):
    response = ask(client, small_case, operation)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    TypeAdapter(SHAPES[operation]).validate_json(response.content, strict=True)


def test_import__is_made_once_and_told_by_its_status(empty: TestClient):
    raw = pack(row(GENESIS, "Pool"), row("nonsense", "Nobody"))
    first = empty.post("/v1/tags/imports?name=pack.yaml", content=raw, headers=YAML)
    assert first.status_code == 201
    assert first.headers["location"] == "/v1/tags/imports/1"
    report = first.json()
    assert (report["result"], report["file"], report["record"]["tags"]) == (
        "imported",
        "pack.yaml",
        1,
    )
    assert [fault["subject"] for fault in report["faults"]] == ["nonsense"]
    second = empty.post("/v1/tags/imports", content=raw, headers=YAML)
    assert second.status_code == 200
    assert second.json() == report | {"result": "already_imported"}
    detail = empty.get(first.headers["location"]).json()
    assert detail == {
        "record": report["record"],
        "faults": report["faults"],
        "reviews": [],
        "rejected_before": 0,
    }


def test_import__of_something_else_is_refused(empty: TestClient):
    path = "/v1/tags/imports"
    refused = empty.post(path, content=b"title: [", headers=YAML)
    assert (refused.status_code, refused.json()["code"]) == (422, "input")
    assert "upload.yaml: not valid YAML" in refused.json()["detail"]
    assert empty.post(path, json={"tags": []}).status_code == 415
    assert empty.post(path, content=b"x" * 5_000, headers=YAML).status_code == 413
    unknown = empty.post(f"{path}?network=dogecoin", content=pack(row(GENESIS, "x")), headers=YAML)
    assert unknown.json()["code"] == "unknown_network"
    assert empty.get(path).json() == {"items": [], "next_cursor": None}


def test_withdrawal__needs_a_reason_and_happens_once(empty: TestClient):
    empty.post("/v1/tags/imports", content=pack(row(GENESIS, "Pool")), headers=YAML)
    path = "/v1/tags/imports/1/withdrawal"
    assert empty.post(path, json={"reason": "  "}).status_code == 422
    assert empty.post(path, json={}).status_code == 422
    withdrawn = empty.post(path, json={"reason": "mistaken"}).json()
    assert withdrawn["withdrawal"]["reason"] == "mistaken"
    assert withdrawn["current"] == 0
    assert empty.post(path, json={"reason": "mistaken"}).status_code == 422
    assert empty.post("/v1/tags/imports/9/withdrawal", json={"reason": "x"}).status_code == 404
    assert empty.get("/v1/tags").json()["items"] == []


def test_tags__pages_join_to_the_whole_list(empty: TestClient):
    for number, address in enumerate((GENESIS, WITNESS, SCRIPT)):
        raw = pack(row(address, f"Shop {number}"), row(address, f"Pool {number}"))
        assert empty.post("/v1/tags/imports", content=raw, headers=YAML).status_code == 201
    for path in ("/v1/tags", "/v1/tags/imports"):
        whole = empty.get(path).json()
        seen, cursor = [], ""
        while cursor is not None:
            page = empty.get(f"{path}?limit=2{cursor and f'&cursor={cursor}'}").json()
            seen += page["items"]
            cursor = page["next_cursor"]
        assert seen == whole["items"]
        assert whole["next_cursor"] is None

    def labels(query: str) -> list[str]:
        return [tag["label"] for tag in empty.get(f"/v1/tags?{query}").json()["items"]]

    assert labels("label=shop") == ["Shop 0", "Shop 1", "Shop 2"]
    assert labels(f"network=bitcoin&address={WITNESS.upper()}") == ["Shop 1", "Pool 1"]
    assert labels(f"creator={quote('the tests')}&limit=1") == ["Shop 0"]
    assert labels("network=ethereum") == []


@pytest.mark.parametrize("written", ["{0}", "0x{0}", "0X{1}", " {1} "])
def test_tags__of_a_transaction_are_found_however_its_id_is_written(
    empty: TestClient, written: str
):
    raw = pack(f"tx_hash: {'ab' * 32}, label: Theft")
    empty.post("/v1/tags/imports", content=raw, headers=YAML)
    wanted = quote(written.format("ab" * 32, "AB" * 32))
    (found,) = empty.get(f"/v1/tags?network=bitcoin&address={wanted}").json()["items"]
    assert (found["transaction"], found["address"]) == ("ab" * 32, None)


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        (f"/v1/tags?address={GENESIS}", 422, "name its network"),
        ("/v1/tags?network=bitcoin&address=x", 422, "base58"),
        (f"/v1/tags?network=ethereum&address={'ab' * 32}", 422, "0x and 64 hexadecimal"),
        ("/v1/a%00b/addresses/x/tags", 404, "known are bitcoin"),
        ("/v1/tags?cursor=abc", 422, "the cursor is damaged"),
        ("/v1/tags/imports?cursor=YWZ0ZXIgLTE", 422, "the cursor is damaged"),
        ("/v1/tags/imports/1", 404, "nothing was imported"),
        ("/v1/tags/imports/0", 422, "greater than or equal to 1"),
        ("/v1/bitcoin/addresses/x/tags", 422, "base58"),
        ("/v1/dogecoin/addresses/x/tags", 404, "known are bitcoin"),
    ],
)
def test_refusals__say_what_is_wrong(empty: TestClient, path: str, status: int, detail: str):
    refused = empty.get(path)
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert detail in refused.json()["detail"]


def test_tags__of_an_address_without_a_ledger_are_its_own(empty: TestClient):
    empty.post("/v1/tags/imports", content=pack(row(GENESIS, "Pool")), headers=YAML)
    found = empty.get(f"/v1/bitcoin/addresses/{GENESIS}/tags").json()
    assert found["as_of"] is None
    assert [tag["label"] for tag in found["tags"]] == ["Pool"]
    assert found["truncations"][0]["reason"] == "no_entity"


def test_tags__that_arrive_while_the_service_runs_are_shown_at_once(tmp_path: Path):
    case = make_small_case(tmp_path, tags=False)
    client = TestClient(service(Settings(data=case.data)), base_url=BASE)
    path = f"/v1/{NETWORK}/addresses/{case.address('exchange')}"
    assert client.get(path).json()["tags"] == []
    imported = client.post(
        f"/v1/tags/imports?network={NETWORK}", content=case.pack.read_bytes(), headers=YAML
    )
    assert imported.status_code == 201
    assert [tag["label"] for tag in client.get(path).json()["tags"]] == ["Exchange One"]
    assert client.get(path).json()["naming"]["combined_confidence"] == 50


def test_tags__of_an_unknown_network_are_told_which_there_are(empty):
    answer = empty.get("/v1/tags?network=bitcion")
    assert answer.status_code == 422
    assert "bitcoin-regtest" in answer.json()["detail"]
