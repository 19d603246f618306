"""The audit log over the service: for auditors, in pages, whole, and checked."""

import json

from arien_flows.access.roles import Role
from tests.api.conftest import Accounts


def test_audit__is_for_auditors_only(accounts: Accounts) -> None:
    for path in ("", "/head", "/export", "/verification"):
        for role in Role:
            if role not in (Role.AUDITOR, Role.LOCAL):
                assert accounts.client(role).get(f"/v1/audit{path}").status_code == 403
        assert accounts.client(Role.AUDITOR).get(f"/v1/audit{path}").status_code == 200
        assert accounts.anonymous().get(f"/v1/audit{path}").status_code == 401


def test_audit__is_read_in_pages_that_never_shift(accounts: Accounts) -> None:
    auditor = accounts.client(Role.AUDITOR)
    name = "ann of the pages"
    ann = accounts.client(Role.ANALYST, name)
    for number in range(5):
        ann.get(f"/v1/bitcoin/addresses/{number}")
    query, seen = f"caller={name}&limit=2", []
    page = auditor.get(f"/v1/audit?{query}")
    while True:
        told = page.json()
        seen += [row["target"][-1] for row in told["items"]]
        if told["next_cursor"] is None:
            break
        assert f'cursor={told["next_cursor"]}>; rel="next"' in page.headers["Link"]
        ann.get("/v1/bitcoin/addresses/9")
        page = auditor.get(f"/v1/audit?{query}&cursor={told['next_cursor']}")
    assert seen == ["4", "3", "2", "1", "0"]
    assert "Link" not in page.headers


def test_audit__is_filtered_by_what_auditors_ask(accounts: Accounts) -> None:
    auditor = accounts.client(Role.AUDITOR)
    accounts.client(Role.ANALYST).get("/v1/networks", headers={"X-Request-ID": "the-one"})

    def found(query: str) -> list[dict[str, object]]:
        answer = auditor.get(f"/v1/audit?{query}")
        assert answer.status_code == 200
        return answer.json()["items"]

    (row,) = found("request_id=the-one")
    assert (row["operation"], row["outcome"]) == ("list_networks", 200)
    at = row["at"]
    assert found(f"request_id=the-one&since={at}&operation=list_networks") == [row]
    assert found(f"request_id=the-one&until={at}") == []
    assert found("request_id=the-one&case=case_none") == []
    assert auditor.get("/v1/audit?since=2026-01-01T00:00:00").status_code == 422


def test_audit__proves_itself(accounts: Accounts) -> None:
    auditor = accounts.client(Role.AUDITOR)
    head = auditor.get("/v1/audit/head").json()
    name = f"{head['seq']}:{head['row_hash']}"
    assert auditor.get(f"/v1/audit/verification?expect={name}").json()["ok"]
    wrong = auditor.get(f"/v1/audit/verification?expect={head['seq']}:{'0' * 64}").json()
    assert (wrong["ok"], wrong["faults"][0]["kind"]) == (False, "head")
    assert auditor.get("/v1/audit/verification?expect=none").status_code == 422
    lines = auditor.get("/v1/audit/export")
    assert lines.headers["Content-Type"].startswith("application/jsonl")
    rows = [json.loads(line) for line in lines.text.splitlines()]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    # What was asked for this test is in it, too.
    assert "/v1/audit/verification?expect=none" in {row["target"] for row in rows}
