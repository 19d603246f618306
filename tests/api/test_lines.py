"""Long lists as JSON lines: all pages of one state, and an end that says so."""

import json

import pytest
from fastapi.testclient import TestClient

from tests.api.test_errors import checked
from tests.small_case import NETWORK, SmallCase

LINES = {"Accept": "application/jsonl"}


def paths(case: SmallCase) -> dict[str, str]:
    base = f"/v1/{NETWORK}"
    return {
        f"{base}/addresses/{case.address('alice')}/transactions": "",
        f"{base}/addresses/{case.address('alice')}/transactions?order=oldest": "",
        f"{base}/entities/{case.address('alice')}": "addresses",
        f"{base}/addresses/{case.address('alice')}/entity": "addresses",
        f"{base}/conflicts": "",
        "/v1/tags": "",
        "/v1/tags/imports": "",
        "/v1/listings": "",
        "/v1/vendors": "",
    }


@pytest.mark.parametrize("number", range(9))
def test_lines__are_all_items_of_all_pages(client, small_case: SmallCase, number: int):
    path, part = list(paths(small_case).items())[number]
    whole = client.get(path).json()
    page = whole[part] if part else whole
    mark = "&" if "?" in path else "?"
    answer = client.get(f"{path}{mark}limit=1", headers=LINES)
    assert answer.headers["content-type"] == "application/jsonl"
    *items, last = map(json.loads, answer.text.splitlines())
    assert items == page["items"]
    (end,) = last.values()
    kept = {key: value for key, value in whole.items() if key not in (part, "items", "next_cursor")}
    if number != 4:  # rates of the items' rules are those of the last page
        assert last == {"end": kept}
    assert "next_cursor" not in end


def test_lines__begin_where_a_cursor_says(client: TestClient, small_case: SmallCase):
    path = next(iter(paths(small_case)))
    page = client.get(f"{path}?limit=1").json()
    rest = client.get(f"{path}?cursor={page['next_cursor']}", headers=LINES)
    whole = client.get(path).json()["items"]
    assert [json.loads(line) for line in rest.text.splitlines()][:-1] == whole[1:]


def test_lines__of_what_is_not_there_are_a_refusal(client: TestClient):
    assert checked(client.get(f"/v1/{NETWORK}/entities/nonsense", headers=LINES)).status == 422


def test_lines__that_break_off_say_so(client, small_case: SmallCase, monkeypatch):
    monkeypatch.setattr("arien_flows.workspace.OpenNetwork.holds", lambda *_: False)
    path = next(iter(paths(small_case)))
    first = client.get(path, headers=LINES)
    assert checked(first).code == "stale_snapshot"
    asked = iter([True, False])
    monkeypatch.setattr("arien_flows.workspace.OpenNetwork.holds", lambda *_: next(asked))
    lines = client.get(f"{path}?limit=1", headers=LINES).text.splitlines()
    assert json.loads(lines[-1])["error"]["code"] == "stale_snapshot"
    assert len(lines) == 2
