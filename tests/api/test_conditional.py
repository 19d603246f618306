"""Tags of answers, conditional requests, and HEAD."""

import pytest
from fastapi.testclient import TestClient

from tests.small_case import NETWORK, SmallCase


@pytest.fixture
def path(small_case: SmallCase) -> str:
    return f"/v1/{NETWORK}/addresses/{small_case.address('alice')}"


def test_answers__have_a_tag_and_are_not_sent_twice(client: TestClient, path: str):
    first = client.get(path)
    tag = first.headers["etag"]
    assert tag == client.get(path).headers["etag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == first.headers["cache-control"]
        assert "content-type" not in again.headers
    assert client.get(path, headers={"If-None-Match": '"other"'}).content == first.content


def test_refusals__have_no_tag(client: TestClient):
    answer = client.get(f"/v1/{NETWORK}/addresses/x", headers={"If-None-Match": "*"})
    assert answer.status_code == 422
    assert "etag" not in answer.headers


@pytest.mark.parametrize("page", ["", "/nothing"])
def test_head__is_get_without_its_body(client: TestClient, path: str, page: str):
    answer, head = client.get(path + page), client.head(path + page)
    assert (head.status_code, head.content) == (answer.status_code, b"")
    for name in ("content-length", "content-type", "cache-control"):
        assert head.headers[name] == answer.headers[name]


def test_lines__are_sent_as_they_come(client: TestClient, path: str):
    answer = client.get(f"{path}/transactions", headers={"Accept": "application/jsonl"})
    assert "etag" not in answer.headers
