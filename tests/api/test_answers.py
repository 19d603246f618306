"""What the service answers: the same as `--json`, as described, page by page."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from api.main import service
from arien_flows.answers.address import AddressAnswer
from arien_flows.answers.categories import CategoryList
from arien_flows.answers.conflicts import ConflictPage
from arien_flows.answers.entity import EntityAnswer
from arien_flows.answers.exposure_shapes import ExposureAnswer
from arien_flows.answers.history import HistoryAnswer
from arien_flows.answers.listings import ListingDetail, ListingPage
from arien_flows.answers.risk_shapes import RiskAnswer
from arien_flows.answers.transaction import TransactionAnswer
from arien_flows.answers.vendor_account_shapes import VendorAnswer, VendorLinkAnswer, VendorPage
from arien_flows.answers.vendor_shapes import VendorProfile
from arien_flows.answers.why import WhyAnswer
from arien_flows.cli.main import run
from arien_flows.settings import Settings
from tests.api.conftest import BASE
from tests.api.questions import ask, collect, collected_paths, questions
from tests.small_case import NETWORK, SmallCase

BUDGET = ["--budget", "20000"]
"""What a service allows by default."""

SHAPES = {
    "read_address": AddressAnswer,
    "list_address_transactions": HistoryAnswer,
    "read_entity_of_address": EntityAnswer,
    "read_transaction": TransactionAnswer,
    "read_entity": EntityAnswer,
    "explain_link": WhyAnswer,
    "list_conflicts": ConflictPage,
    "read_address_exposure": ExposureAnswer,
    "read_entity_exposure": ExposureAnswer,
    "find_exposure": ExposureAnswer,
    "read_address_risk": RiskAnswer,
    "read_entity_risk": RiskAnswer,
}

COLLECTED_SHAPES = {
    "list_listings": ListingPage,
    "read_listing": ListingDetail,
    "list_vendors": VendorPage,
    "read_vendor": VendorAnswer,
    "read_vendor_link": VendorLinkAnswer,
}


@pytest.mark.parametrize("operation", SHAPES)
def test_answers__are_as_described(client: TestClient, small_case: SmallCase, operation: str):
    """What is sent is not validated on the way out, so it is here."""
    response = ask(client, small_case, operation)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    parsed = TypeAdapter(SHAPES[operation]).validate_json(response.content, strict=True)
    assert parsed.as_of.network == NETWORK


@pytest.mark.slow
def test_answers__the_vendor_profile_is_as_described(client: TestClient, small_case: SmallCase):
    response = client.get(questions(small_case)["read_vendor_profile"])
    parsed = TypeAdapter(VendorProfile).validate_json(response.content, strict=True)
    assert parsed.as_of.network == NETWORK


def test_answers__categories_are_as_described(client: TestClient, small_case: SmallCase):
    response = client.get(questions(small_case)["list_categories"])
    parsed = TypeAdapter(CategoryList).validate_json(response.content, strict=True)
    assert [item.name for item in parsed.items] == ["darknet_market"]
    assert client.get("/v1/heuristics/categories?category=bank").status_code == 422


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Path]]:
    folder = tmp_path_factory.mktemp("collected")
    data = collect(folder)
    with TestClient(service(Settings(data=data)), base_url=BASE) as client:
        yield client, data


@pytest.mark.parametrize("operation", COLLECTED_SHAPES)
def test_answers__about_documents_are_as_described(
    collected: tuple[TestClient, Path], operation: str
):
    client, _ = collected
    response = client.get(collected_paths(client)[operation])
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    TypeAdapter(COLLECTED_SHAPES[operation]).validate_json(response.content, strict=True)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("list_listings", ["listings", "list", "--limit", "1"]),
        ("read_listing", ["listings", "show", "{sha256}"]),
        ("list_vendors", ["vendors", "list", "--limit", "1"]),
        ("read_vendor", ["vendors", "show", "{first}"]),
        ("read_vendor_link", ["vendors", "why", "{first}", "{second}"]),
    ],
)
def test_answers__about_documents_are_those_of_the_command_line(
    collected: tuple[TestClient, Path], capsys, operation: str, arguments: list[str]
):
    client, data = collected
    first, second = (item["id"] for item in client.get("/v1/vendors").json()["items"])
    names = {
        "sha256": client.get("/v1/listings").json()["items"][0]["sha256"],
        "first": first,
        "second": second,
    }
    typed = [argument.format_map(names) for argument in arguments]
    assert run(["--data", str(data), "--json", *typed]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert client.get(collected_paths(client)[operation]).json() == printed


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("read_address", ["address", "{alice}"]),
        ("list_address_transactions", ["address", "{alice}", "--transactions", "--limit", "1"]),
        ("read_transaction", ["tx", "{pay}"]),
        ("read_entity", ["entity", "{alice}"]),
        ("explain_link", ["why", "{alice}", "{alice-3}"]),
        ("list_conflicts", ["cluster", "conflicts", "--limit", "1"]),
        ("list_networks", ["ledger", "status"]),
        ("read_address_exposure", ["exposure", "{alice}", *BUDGET]),
        ("read_entity_exposure", ["exposure", "entity:{alice}", *BUDGET]),
        ("find_exposure", ["exposure", "{alice}", "entity:{bob}", *BUDGET]),
        ("read_address_risk", ["risk", "{alice}", *BUDGET]),
        ("read_entity_risk", ["risk", "entity:{alice}", *BUDGET]),
    ],
)
def test_answers__are_those_of_the_command_line(
    client: TestClient, small_case: SmallCase, capsys, operation, arguments
):
    names = {
        "alice": small_case.address("alice"),
        "alice-3": small_case.address("alice-3"),
        "bob": small_case.address("bob"),
        "pay": small_case.txid("pay"),
    }
    typed = [argument.format_map(names) for argument in arguments]
    assert run(["--data", str(small_case.data), "--json", *typed]) == 0
    printed = json.loads(capsys.readouterr().out)
    answered = ask(client, small_case, operation).json()
    assert printed == (answered["items"] if operation == "list_networks" else answered)


@pytest.mark.slow
def test_answers__the_vendor_profile_is_that_of_the_command_line(
    client: TestClient, small_case: SmallCase, capsys
):
    alice = small_case.address("alice")
    typed = ["vendors", "profile", f"entity:{alice}"]
    assert run(["--data", str(small_case.data), "--json", *typed]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert client.get(questions(small_case)["read_vendor_profile"]).json() == printed


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_transactions__pages_join_to_the_whole_list(
    client: TestClient, small_case: SmallCase, order: str
):
    path = f"/v1/{NETWORK}/addresses/{small_case.address('p2pkh:alice-2')}/transactions"
    whole = client.get(path, params={"order": order}).json()
    assert whole["next_cursor"] is None
    seen, link = [], f"{path}?limit=3&order={order}"
    while link:
        response = client.get(link)
        seen += response.json()["items"]
        link = response.links.get("next", {}).get("url")
        link = f"{path}{link}" if link else None
    assert seen == whole["items"]
    assert len(seen) == 4


def test_transactions__amounts_are_strings_and_times_utc(client: TestClient, small_case: SmallCase):
    path = f"/v1/{NETWORK}/addresses/{small_case.address('alice')}/transactions"
    (newest, oldest) = client.get(path).json()["items"]
    assert (newest["received"], newest["sent"]) == ("0", "5000000000")
    assert (oldest["received"], oldest["sent"]) == ("5000000000", "0")
    assert newest["time"].endswith("Z")


def test_ready__opens_every_ledger(client: TestClient):
    assert client.get("/readyz").json() == {"status": "ok", "networks": [NETWORK]}


def test_start_page__loads_nothing_from_elsewhere(client: TestClient):
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    for path in ("/", "/web/app.js", "/web/style.css"):
        text = client.get(path).text
        assert "http://" not in text
        assert "https://" not in text
        assert "innerHTML" not in text
