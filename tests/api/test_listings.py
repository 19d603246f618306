"""Collected documents over HTTP."""

import getpass
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.main import service
from arien_flows.casebook.evidence import EvidenceKind
from arien_flows.settings import Settings
from tests.api.conftest import BASE
from tests.arien_flows.intake.desk import FIRST, MARKET, SECRET, Desk, page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("collected")


@pytest.fixture(scope="module")
def collected(folder: Path) -> Iterator[TestClient]:
    desk = Desk(folder)
    more = f"<p>{SECRET}</p>"
    desk.bring({"alice.html": page("Alice", FIRST, more=more), "bob.html": page("Bob", None)})
    desk.casebook.close()
    settings = Settings(data=folder / "data", page_rows=50)
    with TestClient(service(settings), base_url=BASE, raise_server_exceptions=False) as client:
        yield client


def test_list_listings__page_by_page(collected: TestClient):
    first = collected.get("/v1/listings", params={"limit": 1}).json()
    assert [item["path"] for item in first["items"]] == ["offer-1/alice.html"]
    rest = collected.get("/v1/listings", params={"cursor": first["next_cursor"]}).json()
    assert [item["path"] for item in rest["items"]] == ["offer-1/bob.html"]


def test_list_listings__by_market_and_address(collected: TestClient):
    found = collected.get("/v1/listings", params={"market": MARKET.upper(), "address": FIRST})
    assert len(found.json()["items"]) == 1
    assert collected.get("/v1/listings", params={"market": "other"}).json()["items"] == []


def test_read_listing__with_its_findings_and_without_secrets(collected: TestClient, folder: Path):
    (item, _) = collected.get("/v1/listings").json()["items"]
    read = collected.get(f"/v1/listings/{item['sha256']}")
    assert read.status_code == 200
    (version,) = read.json()["versions"]
    (finding,) = version["readings"][0]["findings"]
    assert finding["address"] == FIRST
    assert finding["certainty"] == "attribution"
    assert "send payment to my address" in finding["excerpt"]
    assert version["readings"][0]["secrets"][0]["kind"] == "private_key"
    assert SECRET not in read.text
    assert read.json()["tag_imports"] == [1]
    with closing(Desk(folder).casebook) as casebook:
        (viewed,) = casebook.evidence.page(limit=9, kind=EvidenceKind.SECRET_VIEWED)
    assert (viewed.recorded_by, viewed.told["document_sha256"]) == (
        getpass.getuser(),
        item["sha256"],
    )


@pytest.mark.parametrize(("name", "status"), [("0" * 64, 404), ("x", 422), ("a" * 63, 422)])
def test_read_listing__that_is_none(collected: TestClient, name: str, status: int):
    answer = collected.get(f"/v1/listings/{name}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_list_listings__a_damaged_cursor_is_refused(collected: TestClient):
    assert collected.get("/v1/listings", params={"cursor": "x"}).status_code == 422
