"""What the service answers: the same as `--json`, as described, page by page."""

import json

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from arien_flows.answers.address import AddressAnswer
from arien_flows.answers.conflicts import ConflictPage
from arien_flows.answers.entity import EntityAnswer
from arien_flows.answers.history import HistoryAnswer
from arien_flows.answers.transaction import TransactionAnswer
from arien_flows.answers.why import WhyAnswer
from arien_flows.cli.main import run
from tests.api.questions import questions
from tests.small_case import NETWORK, SmallCase

SHAPES = {
    "read_address": AddressAnswer,
    "list_address_transactions": HistoryAnswer,
    "read_entity_of_address": EntityAnswer,
    "read_transaction": TransactionAnswer,
    "read_entity": EntityAnswer,
    "explain_link": WhyAnswer,
    "list_conflicts": ConflictPage,
}


@pytest.mark.parametrize("operation", SHAPES)
def test_answers__are_as_described(client: TestClient, small_case: SmallCase, operation: str):
    """What is sent is not validated on the way out, so it is here."""
    response = client.get(questions(small_case)[operation])
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    parsed = TypeAdapter(SHAPES[operation]).validate_json(response.content, strict=True)
    assert parsed.as_of.network == NETWORK


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
    ],
)
def test_answers__are_those_of_the_command_line(
    client: TestClient, small_case: SmallCase, capsys, operation, arguments
):
    names = {
        "alice": small_case.address("alice"),
        "alice-3": small_case.address("alice-3"),
        "pay": small_case.txid("pay"),
    }
    typed = [argument.format_map(names) for argument in arguments]
    assert run(["--data", str(small_case.data), "--json", *typed]) == 0
    printed = json.loads(capsys.readouterr().out)
    answered = client.get(questions(small_case)[operation]).json()
    assert printed == (answered["items"] if operation == "list_networks" else answered)


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
