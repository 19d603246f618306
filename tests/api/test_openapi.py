"""The description of the API: complete, true, and changed on purpose only."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.description import EXAMPLES
from api.main import application
from arien_flows.settings import Settings
from tests.api.openapi_document import STORED, document_text, examples, text_of
from tests.small_accounts import SmallAccounts
from tests.small_case import SmallCase

HINT = "the API changed: if it was meant, run `python -m tests.api.openapi_document`"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return application(Settings()).openapi()


@pytest.fixture(scope="module")
def whole(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with what operations have in common written into each of them."""
    parts = document["components"]

    def own(described: dict[str, Any], kind: str) -> dict[str, Any]:
        reference = described.get("$ref")
        found: dict[str, Any] = (
            parts[kind][reference.rpartition("/")[2]] if reference else described
        )
        return found

    paths = {
        path: {
            method: operation
            | {
                "parameters": [own(each, "parameters") for each in operation["parameters"]],
                "responses": {
                    status: own(response, "responses")
                    for status, response in operation["responses"].items()
                },
            }
            for method, operation in methods.items()
        }
        for path, methods in document["paths"].items()
    }
    return document | {"paths": paths}


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def test_document__is_the_stored_one(document):
    assert document_text(document) == STORED.read_text(encoding="utf-8"), HINT


def test_document__is_served(client: TestClient, document):
    assert client.get("/openapi.json").json() == document
    assert document["openapi"].startswith("3.1")


def test_examples__are_what_the_service_answers(
    client: TestClient, small_case: SmallCase, small_accounts: SmallAccounts
):
    made = text_of(examples(client, small_case, small_accounts))
    assert made == EXAMPLES.read_text(encoding="utf-8"), HINT


def shown(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the JSON of an operation's answers of success."""
    return [
        response["content"]["application/json"]
        for status, response in operation["responses"].items()
        if status < "300" and "application/json" in response.get("content", {})
    ]


def test_operations__say_what_they_do_show_an_answer_and_their_errors(whole):
    for operation in operations(whole):
        name = operation["operationId"]
        assert operation["summary"], name
        assert operation["description"], name
        assert any(status < "400" for status in operation["responses"]), name
        assert not shown(operation) or any("example" in each for each in shown(operation)), name
        errors = {status for status in operation["responses"] if status >= "400"}
        assert errors or name == "live"
        for status in errors:
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"]


def test_operations__tell_the_errors_that_any_may_answer_with(whole):
    for methods in whole["paths"].values():
        for method, operation in methods.items():
            told = set(operation["responses"])
            if operation.get("security") != []:
                assert told >= {"401", "403", "404", "422", "429", "500", "503"}
            if method == "post":
                assert "409" in told
                assert "Idempotency-Key" in {each["name"] for each in operation["parameters"]}
            if "requestBody" in operation:
                assert told >= {"400", "413", "415"}
            for response in operation["responses"].values():
                assert "X-Request-ID" in response["headers"]


def test_document__says_who_may_ask_and_what_each_group_is_about(whole):
    assert {"key", "session"} <= set(whole["components"]["securitySchemes"])
    assert whole["security"] == [{}, {"key": []}, {"session": []}]
    assert whole["paths"]["/livez"]["get"]["security"] == []
    used = {tag for operation in operations(whole) for tag in operation["tags"]}
    assert {tag["name"] for tag in whole["tags"] if tag["description"]} == used


def test_references__all_lead_somewhere(document):
    found = re.findall(r"#/components/([a-zA-Z]+)/([A-Za-z0-9_-]+)", json.dumps(document))
    assert {kind for kind, _ in found} == {"headers", "parameters", "responses", "schemas"}
    for kind, name in found:
        assert name in document["components"][kind]


def test_lists__turn_pages_in_one_way(whole):
    """A list has `limit` and `cursor`, answers `next_cursor`, and comes as lines, too."""
    schemas = whole["components"]["schemas"]
    for operation in operations(whole):
        given = {each["name"] for each in operation.get("parameters", ())}
        answers = json.dumps(shown(operation))
        names = re.findall(r"#/components/schemas/([A-Za-z0-9_]+)", answers)
        is_paged = any("next_cursor" in schemas[name].get("properties", {}) for name in names)
        if is_paged or "cursor" in given:
            assert given >= {"limit", "cursor"}, operation["operationId"]
            assert not given & {"offset", "page", "after", "per_page"}, operation["operationId"]


OF_DOCUMENTS = {"VendorAnswer", "VendorLinkAnswer"}
"""They may be cut, and are about documents; where a ledger is asked too, a part says its block."""

ABOUT_NO_BLOCK = {
    "Problem", "StatusAnswer", "AccountStatusAnswer", "FindingAnswer", "TagImportAnswer",
    "AlertAnswer", "InterestAnswer", "ListingDetail", "WatchAnswer",
}  # fmt: skip
"""Shapes with a network or truncations that are no answer about the chain: what ledgers hold,
what pages say, what people write or watch, and an alert, which names its own block."""


def is_day(described: dict[str, Any]) -> bool:
    """Tell whether a field is a day: `as_of` of a list of tags is no block."""
    return any(each.get("format") == "date" for each in described.get("anyOf", [described]))


def test_answers__about_the_chain_say_for_which_block_and_what_they_leave_out(whole):
    schemas = whole["components"]["schemas"]
    for operation in operations(whole):
        for answer in shown(operation):
            found = re.findall(
                r"#/components/schemas/([A-Za-z0-9_]+)", json.dumps(answer["schema"])
            )
            for name in found:
                described = schemas[name].get("properties", {})
                fields = {field for field in described if not is_day(described[field])}
                if name in ABOUT_NO_BLOCK:
                    continue
                if name in OF_DOCUMENTS:
                    assert fields >= {"complete", "truncations"}, name
                elif fields & {"as_of", "complete", "truncations"}:
                    assert fields >= {"as_of", "complete", "truncations"}, name
                else:
                    assert "network" not in fields, name


def test_operations__have_ids_of_their_own(whole):
    names = [operation["operationId"] for operation in operations(whole)]
    assert len(set(names)) == len(names)


def test_fields__are_all_described(whole):
    for name, schema in whole["components"]["schemas"].items():
        assert schema.get("description"), name
        for field, described in schema.get("properties", {}).items():
            assert described.get("description"), f"{name}.{field}"


def test_parameters__are_bounded(whole):
    for operation in operations(whole):
        for parameter in operation.get("parameters", ()):
            schema = parameter["schema"]
            kinds = schema.get("anyOf", [schema])
            for kind in kinds:
                if "$ref" in kind:
                    continue  # one of a fixed set of words
                if kind["type"] == "string":
                    is_moment = kind.get("format") == "date-time"
                    assert is_moment or "maxLength" in kind or "enum" in kind, parameter["name"]
                if kind["type"] == "integer":
                    assert "maximum" in kind, parameter["name"]
