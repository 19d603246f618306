"""Vendors over HTTP."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from api.main import service
from arien_flows.answers.vendor_account_shapes import VendorAnswer, VendorLinkAnswer, VendorPage
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from tests.api.conftest import BASE
from tests.arien_flows.casebook.observations import observe, page


@pytest.fixture
def filled(tmp_path: Path) -> TestClient:
    settings = Settings(data=tmp_path, page_rows=50, body_bytes=4_096)
    casebook = Workspace(settings).casebook
    observe(casebook, b"one", page())
    observe(casebook, b"two", page(market="apollon"))
    casebook.close()
    return TestClient(service(settings), base_url=BASE, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/vendors?sort=sales&limit=1", VendorPage),
        ("/v1/vendors/empire/GreenShop", VendorAnswer),
        ("/v1/vendors/empire/GreenShop/links?other=apollon/GreenShop", VendorLinkAnswer),
    ],
)
def test_answers__are_as_described(filled: TestClient, path: str, shape: type):
    response = filled.get(path)
    assert response.status_code == 200
    TypeAdapter(shape).validate_json(response.content, strict=True)


def test_vendors__pages_and_finds(filled: TestClient):
    first = filled.get("/v1/vendors?limit=1").json()
    assert [each["id"] for each in first["items"]] == ["apollon/GreenShop"]
    rest = filled.get("/v1/vendors", params={"cursor": first["next_cursor"]}).json()
    assert [each["id"] for each in rest["items"]] == ["empire/GreenShop"]
    assert rest["items"][0]["accounts_of_owner"] == 2
    assert filled.get("/v1/vendors/empire/Nobody").status_code == 404
    same = filled.get("/v1/vendors/empire/GreenShop/links?other=empire/GreenShop")
    assert same.status_code == 422
    # Of a network without a ledger documents alone are asked.
    assert filled.get("/v1/vendors/empire/GreenShop?network=bitcoin").status_code == 200
