"""The description of the API: complete, true, and changed on purpose only."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.description import EXAMPLES
from api.main import application
from arien_flows.settings import Settings
from tests.api.openapi_document import STORED, examples, text_of
from tests.small_accounts import SmallAccounts
from tests.small_case import SmallCase

HINT = "the API changed: if it was meant, run `python -m tests.api.openapi_document`"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return application(Settings()).openapi()


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def test_document__is_the_stored_one(document):
    assert text_of(document) == STORED.read_text(encoding="utf-8"), HINT


def test_document__is_served(client: TestClient, document):
    assert client.get("/openapi.json").json() == document
    assert document["openapi"].startswith("3.1")


def test_examples__are_what_the_service_answers(
    client: TestClient, small_case: SmallCase, small_accounts: SmallAccounts
):
    made = text_of(examples(client, small_case, small_accounts))
    assert made == EXAMPLES.read_text(encoding="utf-8"), HINT


def test_operations__say_what_they_do_show_an_answer_and_their_errors(document):
    for operation in operations(document):
        assert operation["summary"]
        assert operation["description"]
        assert "example" in operation["responses"]["200"]["content"]["application/json"]
        errors = {status for status in operation["responses"] if status >= "400"}
        assert errors or operation["operationId"] == "live"
        for status in errors:
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"]


def test_operations__have_ids_of_their_own(document):
    names = [operation["operationId"] for operation in operations(document)]
    assert len(set(names)) == len(names)


def test_fields__are_all_described(document):
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("description"), name
        for field, described in schema.get("properties", {}).items():
            assert described.get("description"), f"{name}.{field}"


def test_parameters__are_bounded(document):
    for operation in operations(document):
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
