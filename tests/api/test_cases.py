"""Cases over the service with accounts: who may do what, and what is told to whom."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from arien_flows.access.roles import Role
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.event_tables import events
from arien_flows.cases.signals import tell_signals
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from tests.api.conftest import Accounts
from tests.arien_flows.casebook.packs import GENESIS, SCRIPT, WITNESS
from tests.arien_flows.cases.filled import finished_job

LATER = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
NOBODY = f"case_{'0' * 26}"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    """Return a service with a handful of people."""
    folder = tmp_path_factory.mktemp("office")
    settings = Settings(data=folder, accounts=True, case_required=False, file_bytes=2_000_000)
    made = Accounts(settings)
    for name in ("ada", "ben", "cyd"):
        made.client(Role.INVESTIGATOR, name)
    made.client(Role.INVESTIGATOR, "low", clearance=Tlp.GREEN)
    made.client(Role.SUPERVISOR, "chief")
    made.client(Role.SUPERVISOR, "deputy", clearance=Tlp.AMBER)
    made.client(Role.AUDITOR, "eye")
    yield made
    made.close()


@pytest.fixture
def ada(office: Accounts) -> TestClient:
    return office.client(Role.INVESTIGATOR, "ada")


@pytest.fixture
def ben(office: Accounts) -> TestClient:
    return office.client(Role.INVESTIGATOR, "ben")


@pytest.fixture
def chief(office: Accounts) -> TestClient:
    return office.client(Role.SUPERVISOR, "chief")


NUMBERS = iter(range(1, 1_000))


def body(**more: object) -> dict[str, object]:
    return {
        "number": f"Js {next(NUMBERS)}/26",
        "title": "Parcels",
        "legal_basis": "§ 161 StPO",
        "authority": "Staatsanwaltschaft",
        "purpose": "To find who was paid.",
        "review_by": LATER,
        **more,
    }


def make(client: TestClient, **more: object) -> str:
    made = client.post("/v1/cases", json=body(**more))
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def put_in(client: TestClient, case_id: str, *texts: str, **more: object) -> list[str]:
    items = [
        {
            "network": "bitcoin",
            "text": text,
            "person_role": "suspect",
            "certainty": "attribution",
            **more,
        }
        for text in texts
    ]
    added = client.post(f"/v1/cases/{case_id}/addresses", json={"items": items})
    assert added.status_code == 200, added.text
    return [it["item"]["id"] for it in added.json()["items"]]


def test_case__is_made_read_and_changed_by_its_lead(ada: TestClient):
    made = ada.post("/v1/cases", json=body(title="  A  "))
    place, tag = made.headers["location"], made.headers["etag"]
    assert (made.status_code, made.json()["title"], made.json()["role"]) == (201, "A", "lead")
    assert ada.get(place).json() == made.json()
    assert ada.patch(place, json={"title": "B"}).json()["code"] == "unconditional"
    changed = ada.patch(place, json={"title": "B"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["title"]) == (200, "B")
    late = ada.patch(place, json={"title": "C"}, headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "lost_update")
    taken = ada.post("/v1/cases", json=body(number=made.json()["number"]))
    assert taken.status_code == 409
    acts = ada.get(f"{place}/acts").json()["items"]
    assert ("case_changed", "title", "ada") in {(it["kind"], it["what"], it["by"]) for it in acts}


def test_case__of_somebody_else_is_not_found_in_the_same_words(
    ada: TestClient, ben: TestClient, office: Accounts
):
    case_id = make(ada)
    for path in ("", "/acts", "/members", "/addresses", "/notes", "/files", "/traces", "/signals"):
        foreign = ben.get(f"/v1/cases/{case_id}{path}")
        absent = ben.get(f"/v1/cases/{NOBODY}{path}")
        assert foreign.status_code == absent.status_code == 404
        assert foreign.json()["detail"].replace(case_id, NOBODY) == absent.json()["detail"]
    assert case_id not in ben.get("/v1/cases").text
    low = office.client(Role.INVESTIGATOR, "low")
    assert low.get(f"/v1/cases/{case_id}").status_code == 404
    eye = office.client(Role.AUDITOR, "eye")
    assert eye.get(f"/v1/cases/{case_id}").status_code == 403


def test_members__are_named_by_leads_and_never_above_their_clearance(
    ada: TestClient, ben: TestClient, chief: TestClient
):
    case_id = make(ada)
    place = f"/v1/cases/{case_id}/members"
    assert ada.put(f"{place}/ben", json={"role": "reader"}).status_code == 200
    assert ben.get(f"/v1/cases/{case_id}").json()["role"] == "reader"
    assert ben.put(f"{place}/cyd", json={"role": "reader"}).status_code == 403
    refused = ben.post(f"/v1/cases/{case_id}/notes", json={"text": "x", "certainty": "fact"})
    assert refused.status_code == 403
    for name, why in (("low", "cleared up to green"), ("eye", "sees no case"), ("zoe", "nobody")):
        answered = ada.put(f"{place}/{name}", json={"role": "reader"})
        assert (answered.status_code, why in answered.json()["detail"]) == (422, True)
    assert chief.put(f"{place}/cyd", json={"role": "lead"}).status_code == 200
    assert ada.delete(f"{place}/ada").status_code == 204
    assert ada.get(f"/v1/cases/{case_id}").status_code == 404
    last = chief.delete(f"{place}/cyd")
    assert (last.status_code, "only lead" in last.json()["detail"]) == (409, True)


def test_deadlines__are_a_supervisors_and_content_is_not(
    ada: TestClient, chief: TestClient, office: Accounts
):
    case_id = make(ada, tlp="red")
    place = f"/v1/cases/{case_id}"
    mine = {"If-Match": ada.get(place).headers["etag"]}
    own = ada.patch(place, json={"erase_after": LATER}, headers=mine)
    assert own.status_code == 403
    tag = {"If-Match": chief.get(place).headers["etag"]}
    assert chief.patch(place, json={"title": "x"}, headers=tag).status_code == 403
    done = chief.patch(place, json={"erase_after": LATER}, headers=tag)
    assert done.json()["erase_after"] == LATER
    assert office.client(Role.SUPERVISOR, "deputy").get(place).status_code == 404
    assert ada.post("/v1/cases", json=body(lead="ben")).status_code == 403
    low = office.client(Role.INVESTIGATOR, "low")
    assert low.post("/v1/cases", json=body(tlp="red")).status_code == 422


def test_addresses__are_canonical_found_again_and_taken_once(ada: TestClient, ben: TestClient):
    case_id = make(ada)
    (item,) = put_in(ada, case_id, WITNESS.upper())
    assert put_in(ada, case_id, WITNESS) == [item]
    place = f"/v1/cases/{case_id}/addresses"
    shown = ada.get(f"{place}/{item}")
    assert (shown.json()["text"], shown.json()["person_role"]) == (WITNESS, "suspect")
    tag = {"If-Match": shown.headers["etag"]}
    changed = ada.patch(f"{place}/{item}", json={"person_role": "victim"}, headers=tag)
    assert changed.json()["person_role"] == "victim"
    again = ada.patch(f"{place}/{item}", json={"note": "x"}, headers=tag)
    assert again.status_code == 412
    query = {"network": "bitcoin", "address": WITNESS}
    assert [it["id"] for it in ada.get("/v1/cases", params=query).json()["items"]] == [case_id]
    assert ben.get("/v1/cases", params=query).json()["items"] == []
    wrong = {"network": "bitcoin", "text": "nope", "person_role": "other", "certainty": "fact"}
    good = {**wrong, "text": GENESIS}
    assert ada.post(place, json={"items": [good, wrong]}).status_code == 422
    assert len(ada.get(place).json()["items"]) == 1
    assert ada.delete(f"{place}/{item}").status_code == 204
    assert ada.get(place).json()["items"] == []


def test_notes__keep_what_they_said(ada: TestClient, chief: TestClient):
    case_id = make(ada)
    note = ada.post(f"/v1/cases/{case_id}/notes", json={"text": "<b>Seen</b>", "certainty": "fact"})
    place = note.headers["location"]
    new = {"text": "Heard", "certainty": "attribution"}
    assert ada.put(place, json=new).status_code == 428
    assert ada.put(place, json=new, headers={"If-Match": note.headers["etag"]}).status_code == 200
    assert ada.put(place, json=new, headers={"If-Match": note.headers["etag"]}).status_code == 412
    said = ada.get(f"{place}/versions", params={"limit": 1})
    assert [it["text"] for it in said.json()["items"]] == ["<b>Seen</b>"]
    rest = ada.get(f"{place}/versions", params={"cursor": said.json()["next_cursor"]})
    assert [it["certainty"] for it in rest.json()["items"]] == ["attribution"]
    assert "next" in said.headers["link"]
    assert chief.delete(place).status_code == 204
    assert ada.get(place).status_code == 404


def test_files__come_back_as_downloads_and_never_as_pages(ada: TestClient, ben: TestClient):
    case_id = make(ada)
    page = b"<html><script>alert(1)</script></html>"
    said = {"name": "..\\evil/page.html", "certainty": "fact"}
    made = ada.post(f"/v1/cases/{case_id}/files", params=said, content=page)
    assert made.status_code == 201, made.text
    assert made.json()["name"] == "page.html"
    assert made.json()["media_type"] == "text/plain; charset=utf-8"
    place = made.headers["location"]
    got = ada.get(f"{place}/content")
    assert (got.content, got.headers["etag"]) == (page, f'"{hashlib.sha256(page).hexdigest()}"')
    assert got.headers["content-disposition"] == 'attachment; filename="page.html"'
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    known = ada.get(f"{place}/content", headers={"If-None-Match": got.headers["etag"]})
    assert known.status_code == 304
    part = ada.get(f"{place}/content", headers={"Range": "bytes=1-4"})
    assert (part.status_code, part.content) == (206, b"html")
    assert ben.get(f"{place}/content").status_code == 404
    assert ada.delete(place).status_code == 204
    assert ada.get(f"{place}/content").status_code == 404


def test_files__may_be_longer_than_other_bodies_and_not_longer_than_allowed(
    ada: TestClient, office: Accounts
):
    place = f"/v1/cases/{make(ada)}/files"
    said = {"name": "image.bin", "certainty": "fact"}
    longer = b"\0" * (office.settings.body_bytes + 1)
    assert ada.post(place, params=said, content=longer).status_code == 201
    too_long = ada.post(place, params=said, content=b"\0" * 2_000_001)
    assert (too_long.status_code, too_long.json()["code"]) == (413, "too_large")

    def drip() -> Iterator[bytes]:
        for _ in range(21):
            yield b"\0" * 100_000

    assert ada.post(place, params=said, content=drip()).status_code == 413
    assert ada.post(place, params=said, content=b"").status_code == 422
    incoming = office.settings.data / "files" / "incoming"
    assert list(incoming.iterdir()) == []


def test_traces__are_kept_with_copies_of_their_files(
    ada: TestClient, ben: TestClient, office: Accounts
):
    case_id, workspace = make(ada), Workspace(office.settings)
    name = f"trace_{'1' * 26}"
    job = finished_job(workspace, datetime.now(UTC), subject=name)
    place = f"/v1/cases/{case_id}/traces"
    made = ada.post(place, json={"subject": name})
    assert made.status_code == 201, made.text
    assert (made.json()["subject"], made.json()["certainty"]) == (name, "inference")
    (file,) = made.json()["files"]
    got = ada.get(f"/v1/cases/{case_id}/files/{file['id']}/content")
    assert hashlib.sha256(got.content).hexdigest() == job.files[0].sha256 == file["sha256"]
    assert got.headers["content-type"] == "application/json"
    assert ada.post(place, json={"subject": name}).status_code == 409
    assert ada.delete(f"/v1/cases/{case_id}/files/{file['id']}").status_code == 409
    theirs = make(ben)
    foreign = ben.post(f"/v1/cases/{theirs}/traces", json={"subject": name})
    absent = ben.post(f"/v1/cases/{theirs}/traces", json={"subject": f"trace_{'2' * 26}"})
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json()["detail"] == absent.json()["detail"].replace("2" * 26, "1" * 26)
    assert ada.delete(made.headers["location"]).status_code == 204
    assert ada.get(f"/v1/cases/{case_id}/files/{file['id']}").status_code == 404
    workspace.casebook.close()


def test_signals__are_told_to_those_who_see_both_and_leads_when_introduced(
    ada: TestClient, ben: TestClient, chief: TestClient, office: Accounts
):
    first, second = make(ada), make(ben)
    put_in(ada, first, SCRIPT)
    alone = [ada.get(f"/v1/cases/{first}/signals"), ada.get(f"/v1/cases/{first}")]
    put_in(ben, second, SCRIPT)
    after = [ada.get(f"/v1/cases/{first}/signals"), ada.get(f"/v1/cases/{first}")]
    for before, then in zip(alone, after, strict=True):
        assert before.content == then.content
        assert before.headers.get("etag") == then.headers.get("etag")
    (signal,) = [
        it
        for it in chief.get("/v1/signals").json()["items"]
        if {case["id"] for case in it["cases"]} == {first, second}
    ]
    assert signal["needs_introduction"]
    assert signal["shared"] == [
        {"network": "bitcoin", "first": SCRIPT, "second": SCRIPT, "certainty": "fact"}
    ]
    place = f"/v1/signals/{signal['id']}"
    assert ada.get(place).status_code == 404
    assert ada.get("/v1/signals").status_code == 403
    workspace = Workspace(office.settings)
    tell_signals(workspace, datetime.now(UTC))
    assert tell_signals(workspace, datetime.now(UTC)) == 0
    with workspace.casebook._reading() as connection:
        told = select(events.c.owner, events.c.case_id).where(events.c.subject == signal["id"])
        assert set(connection.execute(told)) == {("chief", None), ("deputy", None)}
    workspace.casebook.close()
    acts = ada.get(f"/v1/cases/{first}/acts").json()
    assert chief.post(f"{place}/introduction").json()["introduced_by"] == "chief"
    (told_ada,) = ada.get(f"/v1/cases/{first}/signals").json()["introductions"]
    number = ben.get(f"/v1/cases/{second}").json()["number"]
    assert told_ada == {
        "id": signal["id"],
        "number": number,
        "leads": ["ben"],
        "introduced_at": told_ada["introduced_at"],
    }
    ada.put(f"/v1/cases/{first}/members/cyd", json={"role": "member"})
    cyd = office.client(Role.INVESTIGATOR, "cyd")
    seen = cyd.get(f"/v1/cases/{first}/signals").json()
    assert (seen["items"], seen["introductions"]) == ([], [])
    kinds = [it["kind"] for it in cyd.get(f"/v1/cases/{first}/acts").json()["items"]]
    assert (len(kinds), "introduced" in kinds) == (len(acts["items"]) + 1, False)
    assert "introduced" in ada.get(f"/v1/cases/{first}/acts").text
    ben.put(f"/v1/cases/{second}/members/cyd", json={"role": "reader"})
    assert [it["id"] for it in cyd.get(f"/v1/cases/{first}/signals").json()["items"]] == [
        signal["id"]
    ]
    assert cyd.get(place).status_code == 200


def test_erasure__needs_a_reason_and_leaves_the_acts(ada: TestClient, chief: TestClient):
    case_id = make(ada)
    put_in(ada, case_id, GENESIS, note="a rare word")
    place = f"/v1/cases/{case_id}"
    assert ada.delete(place).status_code == 403
    assert chief.delete(place).status_code == 422
    gone = chief.delete(place, headers={"X-Reason": "asked%20for"})
    assert (gone.status_code, gone.json()["state"]) == (200, "erased")
    assert (gone.json()["number"], gone.json()["erasure_reason"]) == (None, "asked for")
    assert ada.get(place).status_code == 404
    assert chief.get(f"{place}/addresses").json()["items"] == []
    kinds = {it["kind"] for it in chief.get(f"{place}/acts").json()["items"]}
    assert {"subject_added", "erasure_begun", "erased"} <= kinds
    assert chief.delete(place, headers={"X-Reason": "again"}).status_code == 409


def test_erasure__lets_no_kept_answer_quote_what_was_there(ada: TestClient, chief: TestClient):
    case_id, key = make(ada), {"Idempotency-Key": "the only one"}
    note = {"text": "a rare word", "certainty": "fact"}
    place = f"/v1/cases/{case_id}"
    assert ada.post(f"{place}/notes", json=note, headers=key).status_code == 201
    assert chief.delete(place, headers={"X-Reason": "x"}).status_code == 200
    again = ada.post(f"{place}/notes", json=note, headers=key)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


def test_repetition__is_answered_to_those_who_still_see_the_case(
    office: Accounts, ada: TestClient, ben: TestClient
):
    case_id = make(ada)
    ada.put(f"/v1/cases/{case_id}/members/ben", json={"role": "member"})
    note = {"text": "Paid on Monday.", "certainty": "inference"}
    sent = {"json": note, "headers": {"Idempotency-Key": "note 1"}}
    written = ben.post(f"/v1/cases/{case_id}/notes", **sent)
    again = ben.post(f"/v1/cases/{case_id}/notes", **sent)
    assert (written.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    ada.delete(f"/v1/cases/{case_id}/members/ben")
    after = ben.post(f"/v1/cases/{case_id}/notes", **sent)
    assert after.status_code == 404
    assert "Monday" not in after.text
    assert len(ada.get(f"/v1/cases/{case_id}/notes").json()["items"]) == 1
    eye = office.client(Role.AUDITOR, "eye")
    rows = eye.get(f"/v1/audit?limit=100&case={case_id}").json()["items"]
    written_rows = [
        (row["caller"], row["permission"], row["outcome"])
        for row in rows
        if row["operation"] == "write_case_note"
    ]
    assert written_rows == [("ben", "cases:write", outcome) for outcome in (404, 201, 201)]
