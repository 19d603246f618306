"""Reviews of tags over the service: two people, each with a role that may do it."""

from arien_flows.access.roles import Role
from tests.api.conftest import Accounts
from tests.arien_flows.casebook.packs import GENESIS, SCRIPT, pack, row

YAML = {"Content-Type": "application/yaml"}


def test_tags__of_one_person_are_approved_by_another(accounts: Accounts):
    analyst = accounts.client(Role.ANALYST, "who proposes")
    head = accounts.client(Role.SUPERVISOR, "who approves")
    raw = pack(row(GENESIS, "Reviewed pool"), row(SCRIPT, "Reviewed shop"))
    imported = analyst.post("/v1/tags/imports", content=raw, headers=YAML)
    assert imported.json()["record"]["imported_by"] == "who proposes"
    reviews = f"{imported.headers['location']}/reviews"
    found = {"verdict": "approved", "reason": "looked at"}
    assert analyst.post(reviews, json=found).status_code == 403
    assert head.post(reviews, json=found | {"reason": " "}).status_code == 422
    assert head.post(reviews, json=found | {"row": 9}).status_code == 404
    made = head.post(reviews, json=found)
    assert (made.status_code, made.json()["record"]["state"]) == (201, "approved")
    assert made.json()["reviews"][0]["reviewed_by"] == "who approves"
    assert head.post(reviews, json={"verdict": "rejected", "reason": "a typo", "row": 2}).is_success
    labels = [it["label"] for it in analyst.get("/v1/tags?label=reviewed").json()["items"]]
    assert labels == ["Reviewed pool"]
    first = analyst.get(f"{reviews}?limit=1")
    assert first.headers["link"].endswith('rel="next"')
    second = analyst.get(f"{reviews}?cursor={first.json()['next_cursor']}").json()
    told = first.json()["items"] + second["items"]
    assert [(it["verdict"], it["row"]) for it in told] == [("approved", None), ("rejected", 2)]
    assert second["next_cursor"] is None
    assert analyst.get("/v1/tags/imports/999/reviews").status_code == 404


def test_tags__are_not_approved_by_who_brought_them_in(accounts: Accounts):
    head = accounts.client(Role.SUPERVISOR, "who does both")
    imported = head.post(
        "/v1/tags/imports", content=pack(row(GENESIS, "Own"), title="Own"), headers=YAML
    )
    place = imported.headers["location"]
    refused = head.post(f"{place}/reviews", json={"verdict": "approved", "reason": "mine"})
    assert (refused.status_code, "four eyes" in refused.json()["detail"]) == (422, True)
    analyst = accounts.client(Role.ANALYST, "who proposes")
    foreign = analyst.post(f"{place}/withdrawal", json={"reason": "not mine"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "forbidden")
    assert head.post(f"{place}/withdrawal", json={"reason": "mine"}).status_code == 200
