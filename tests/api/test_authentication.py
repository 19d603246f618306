"""Who asks: keys and what becomes of them, and what is said to those who show a wrong one."""

import itertools
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from starlette.types import Receive, Scope, Send

from api.callers import act_of, known_caller
from api.main import application
from api.middleware.authentication import FAILURES, Authentication
from arien_flows.access.cases import CaseAccess, CaseRole
from arien_flows.access.ids import new_id
from arien_flows.access.permissions import Permission
from arien_flows.access.roles import Role
from arien_flows.access.tlp import Tlp
from arien_flows.accounts.purposes import Purposes
from arien_flows.casebook.access_records import NewKey
from arien_flows.settings import Settings
from tests.api.conftest import BASE, Accounts

_NUMBERS = itertools.count(1)


def shown(accounts: Accounts, authorization: str, address: str | None = None) -> Response:
    """Ask who one is, from an address that has made no mistakes yet."""
    place = address or f"198.51.100.{next(_NUMBERS)}"
    client = TestClient(
        accounts.app, base_url=BASE, raise_server_exceptions=False, client=(place, 1)
    )
    return client.get("/v1/me", headers={"Authorization": authorization})


def made(accounts: Accounts, role: Role, **wanted: object) -> tuple[str, str]:
    """Return a key of a new person with such a role, and its id."""
    name = f"{role.value} {next(_NUMBERS)}"
    accounts.key(role, name)
    key, record = accounts.casebook.keys.make(
        NewKey(owner=name, **wanted),  # type: ignore[arg-type]  # fields of a key
        now=datetime.now(UTC) - timedelta(days=2),
        by="the tests",
    )
    return key.text, record.id


def eventually(question: Callable[[], bool]) -> None:
    """Wait until something is so: services heed what happened within two seconds."""
    deadline = time.monotonic() + 5
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_key__names_its_owner_and_opens_what_the_role_may(accounts: Accounts):
    analyst = accounts.client(Role.ANALYST)
    assert analyst.get("/v1/tags").status_code == 200
    auditor = accounts.client(Role.AUDITOR).get("/v1/tags")
    assert (auditor.status_code, auditor.json()["code"]) == (403, "forbidden")
    nobody = accounts.anonymous().get("/v1/tags")
    assert (nobody.status_code, nobody.json()["code"]) == (401, "not_authenticated")
    assert accounts.anonymous().get("/livez").status_code == 200


def test_key__does_what_its_scopes_and_its_clearance_leave_of_the_role(accounts: Accounts):
    scopes = frozenset({Permission.READ_TAGS, Permission.READ_JOBS})
    key, key_id = made(accounts, Role.SERVICE, scopes=scopes, clearance=Tlp.GREEN)
    me = shown(accounts, f"Bearer {key}").json()
    assert me["permissions"] == ["jobs:read", "tags:read"]
    assert (me["clearance"], me["means"], me["key_id"]) == ("green", "key", key_id)


def test_key__counts_no_more_once_it_is_revoked_or_its_owner_disabled(accounts: Accounts):
    key, key_id = made(accounts, Role.ANALYST)
    assert shown(accounts, f"Bearer {key}").status_code == 200
    accounts.casebook.keys.revoke(key_id, now=datetime.now(UTC), by="an admin")
    eventually(lambda: shown(accounts, f"Bearer {key}").status_code == 401)
    assert "was revoked" in shown(accounts, f"Bearer {key}").json()["detail"]
    key, key_id = made(accounts, Role.ANALYST)
    owner = shown(accounts, f"Bearer {key}").json()["name"]
    accounts.casebook.people.change(owner, is_disabled=True, now=datetime.now(UTC), by="an admin")
    eventually(lambda: shown(accounts, f"Bearer {key}").status_code == 401)


def test_key__that_has_expired_is_refused(accounts: Accounts):
    old, _ = made(accounts, Role.ANALYST, expires_at=datetime.now(UTC) - timedelta(days=1))
    refused = shown(accounts, f"Bearer {old}")
    assert (refused.status_code, refused.headers["content-type"]) == (
        401,
        "application/problem+json",
    )
    assert "has expired" in refused.json()["detail"]
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_key__counts_from_the_addresses_that_it_names(accounts: Accounts):
    networks = ("203.0.113.0/28", "2001:db8::/64")
    key, _ = made(accounts, Role.ANALYST, networks=networks)
    for address in ("203.0.113.5", "2001:db8::7", "::ffff:203.0.113.5"):
        assert shown(accounts, f"Bearer {key}", address).status_code == 200
    for address in ("203.0.113.99", "2001:db9::7", "testclient"):
        refused = shown(accounts, f"Bearer {key}", address)
        assert "may not be used from this address" in refused.json()["detail"]


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Basic YW5uOnNlY3JldA==",
        "Bearer af_short",
        f"Bearer af_{'0' * 26}_{'a' * 52}",
        "Bearer " + "x" * 9_000,
        "bearer a.b.c",
    ],
)
def test_credentials__that_are_none_are_refused_on_public_paths_too(
    accounts: Accounts, authorization: str
):
    client = TestClient(accounts.app, base_url=BASE, client=(f"198.51.100.{next(_NUMBERS)}", 1))
    refused = client.get("/livez", headers={"Authorization": authorization})
    assert refused.status_code == 401
    assert "x-request-id" in refused.headers


def test_key__with_another_secret_is_refused(accounts: Accounts):
    key, _ = made(accounts, Role.ANALYST)
    other, _ = made(accounts, Role.ANALYST)
    mixed = key.rpartition("_")[0] + "_" + other.rpartition("_")[2]
    assert (
        shown(accounts, f"Bearer {mixed}").json()["detail"]
        == (shown(accounts, f"Bearer af_{'0' * 26}_{'a' * 52}").json()["detail"])
    )


def test_headers__two_of_authorization_are_refused(accounts: Accounts):
    key, _ = made(accounts, Role.ANALYST)
    client = TestClient(accounts.app, base_url=BASE)
    given = [("Authorization", f"Bearer {key}"), ("Authorization", "Bearer af_other")]
    assert client.get("/v1/me", headers=given).status_code == 401


def test_address__that_shows_many_wrong_keys_is_not_listened_to(accounts: Accounts):
    good, _ = made(accounts, Role.ANALYST)
    fresh, _ = made(accounts, Role.ANALYST)
    place = "192.0.2.250"
    assert shown(accounts, f"Bearer {good}", place).status_code == 200
    for _ in range(FAILURES.amount):
        assert shown(accounts, f"Bearer af_{'0' * 26}_{'a' * 52}", place).status_code == 401
    late = shown(accounts, f"Bearer {fresh}", place)
    assert (late.status_code, late.json()["code"]) == (429, "too_many_failures")
    assert late.headers["retry-after"] == "60"
    # A key that was good a moment ago, and other addresses, are not shut out.
    assert shown(accounts, f"Bearer {good}", place).status_code == 200
    assert shown(accounts, f"Bearer {fresh}", "192.0.2.251").status_code == 200


def test_key__is_looked_up_once_a_second_however_often_it_is_used(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
):
    key, key_id = made(accounts, Role.ANALYST)
    statements: list[str] = []
    service = application(accounts.settings)
    authenticator = service.state.authenticator
    known = authenticator._casebook.keys.known
    monkeypatch.setattr(
        authenticator._keys, "_ask", lambda it: (statements.append(it), known(it))[1]
    )
    client = TestClient(Authentication(service, authenticator), base_url=BASE)
    started = time.monotonic()
    for _ in range(50):
        assert client.get("/v1/me", headers={"Authorization": f"Bearer {key}"}).is_success
    assert statements.count(key_id) <= 2 + (time.monotonic() - started)


def test_key__remembers_when_it_was_last_used_to_the_minute(accounts: Accounts):
    key, key_id = made(accounts, Role.ANALYST)
    before = datetime.now(UTC)
    for _ in range(3):
        shown(accounts, f"Bearer {key}")
    eventually(lambda: accounts.casebook.keys.read(key_id).last_used_at is not None)
    last = accounts.casebook.keys.read(key_id).last_used_at
    assert last is not None
    assert abs((last - before).total_seconds()) < 30


# --- routes of accounts


def test_keys__of_oneself_are_listed_without_secrets(accounts: Accounts):
    key, key_id = made(accounts, Role.INVESTIGATOR)
    client = accounts.anonymous({"Authorization": f"Bearer {key}"})
    listed = client.get("/v1/keys?limit=1")
    assert listed.json()["items"][0]["id"].startswith("key_")
    assert listed.headers["link"].endswith('rel="next"')
    assert key.rpartition("_")[2] not in client.get("/v1/keys").text
    assert client.get(f"/v1/keys/{key_id}").json()["id"] == key_id
    others = client.get("/v1/keys?owner=somebody")
    assert others.status_code == 403
    refused = client.post("/v1/keys", json={})
    assert (refused.status_code, "cannot make another" in refused.text) == (403, True)
    assert client.delete(f"/v1/keys/{key_id}").json()["revoked_at"] is not None
    eventually(lambda: client.get("/v1/me").status_code == 401)


def test_keys__are_made_by_administrators_and_shown_once(accounts: Accounts):
    admin = accounts.client(Role.ADMIN)
    name = f"program {next(_NUMBERS)}"
    person = {"name": name, "role": "service", "clearance": "green"}
    assert admin.post("/v1/people", json=person).status_code == 201
    taken = admin.post("/v1/people", json=person | {"name": name.upper()})
    assert (taken.status_code, taken.json()["code"]) == (409, "conflict")
    wanted = {"owner": name, "scopes": ["tags:read"], "expires_in_days": 2, "networks": []}
    answer = admin.post("/v1/keys", json=wanted)
    assert answer.status_code == 201
    told = answer.json()
    assert re.fullmatch(r"af_[0-9a-z]{26}_[a-z2-7]{52}", told["key"])
    assert answer.headers["location"] == f"/v1/keys/{told['id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert (told["owner"], told["clearance"]) == (name, "green")
    assert shown(accounts, f"Bearer {told['key']}").json()["name"] == name
    assert told["key"] not in admin.get(f"/v1/keys?owner={name}").text
    for wrong in (
        {"owner": name, "scopes": ["audit:read"]},
        {"owner": name, "networks": ["nowhere"]},
        {"owner": name, "scopes": []},
        {"owner": name, "secret": "mine"},
        {"owner": name, "expires_in_days": 0},
    ):
        assert admin.post("/v1/keys", json=wrong).status_code == 422
    assert admin.post("/v1/keys", json={"owner": "nobody at all"}).status_code == 404


def test_keys__are_not_kept_for_repetitions(accounts: Accounts):
    admin = accounts.client(Role.ADMIN)
    accounts.key(Role.SERVICE, "asks twice")
    header = {"Idempotency-Key": "once and once more"}
    first, second = (
        admin.post("/v1/keys", json={"owner": "asks twice"}, headers=header) for _ in range(2)
    )
    assert first.status_code == 201
    secret = first.json()["key"].rpartition("_")[2]
    assert secret not in second.text
    assert second.status_code != 500
    held = accounts.settings.data
    assert not [it for it in held.rglob("*") if it.is_file() and secret.encode() in it.read_bytes()]


def test_people__are_changed_by_others_only(accounts: Accounts):
    admin = accounts.client(Role.ADMIN, "the admin")
    accounts.key(Role.ANALYST, "the analyst")
    own = admin.patch("/v1/people/the admin", json={"role": "supervisor"})
    assert own.status_code == 409
    changed = admin.patch("/v1/people/the analyst", json={"role": "supervisor"}).json()
    assert changed["role"] == "supervisor"
    disabled = admin.patch("/v1/people/the analyst", json={"disabled": True}).json()
    assert disabled["disabled_by"] == "the admin"
    assert admin.patch("/v1/people/nobody", json={}).status_code == 404
    for role in ("local", "emperor"):
        assert admin.patch("/v1/people/the analyst", json={"role": role}).status_code == 422
    seen, cursor = [], ""
    while cursor is not None:
        page = admin.get(f"/v1/people?limit=3{cursor and f'&cursor={cursor}'}").json()
        seen += [it["name"] for it in page["items"]]
        cursor = page["next_cursor"]
    assert "the analyst" in seen
    assert seen == sorted(seen, key=str.casefold)


# --- purposes

CASE = new_id("case", datetime.now(UTC))
SECRET = new_id("case", datetime.now(UTC))
CASES = {
    CASE: CaseAccess(id=CASE, tlp=Tlp.AMBER, members={"a member": CaseRole.READER}),
    SECRET: CaseAccess(id=SECRET, tlp=Tlp.RED, members={"another": CaseRole.LEAD}),
}
PATH = "/v1/bitcoin/addresses/1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


@pytest.fixture(scope="module")
def asked(accounts: Accounts) -> Callable[[dict[str, str]], tuple[Response, object]]:
    """Ask about an address for purposes; return the answer, and what the audit log would keep."""
    routes = application(Settings(data=accounts.settings.data, accounts=True))
    routes.state.purposes = Purposes(CASES.get, is_required=True)
    scopes = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await routes(scope, receive, send)

    client = TestClient(Authentication(inner, routes.state.authenticator), base_url=BASE)
    key = accounts.key(Role.ANALYST, "a member")

    def ask(headers: dict[str, str], path: str = PATH) -> tuple[Response, object]:
        response = client.get(path, headers={"Authorization": f"Bearer {key}"} | headers)
        assert known_caller(scopes[-1]).name == "a member"
        return response, act_of(scopes[-1])

    return ask


def test_purpose__is_required_for_questions_about_the_chain_only(asked):
    refused, act = asked({})
    assert (refused.status_code, refused.json()["code"]) == (403, "purpose_required")
    assert "X-Case-ID" in refused.json()["detail"]
    assert act.operation == "read_address"
    for path in ("/v1/networks", "/v1/heuristics", "/v1/tags", "/v1/me"):
        assert asked({}, path)[0].status_code == 200


def test_purpose__is_noted_for_the_audit_log(asked):
    reason = "Antrag%20vom%203.%20M%C3%A4rz"
    answered, act = asked({"X-Case-ID": CASE, "X-Reason": reason})
    assert answered.status_code == 404  # there is no ledger here
    assert answered.json()["code"] == "not_found"
    assert (act.case_id, act.reason) == (CASE, "Antrag vom 3. März")


def test_purpose__names_a_case_that_the_caller_sees(asked):
    foreign, act = asked({"X-Case-ID": SECRET})
    absent, _ = asked({"X-Case-ID": "case_" + "0" * 26})
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json()["detail"] == absent.json()["detail"].replace("case_" + "0" * 26, SECRET)
    assert act.case_id is None


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Case-ID": "7"},
        {"X-Case-ID": "job_" + "0" * 26},
        {"X-Case-ID": CASE, "X-Reason": "a%0Ab"},
        {"X-Case-ID": CASE, "X-Reason": "%FF"},
        {"X-Case-ID": CASE, "X-Reason": "x" * 501},
    ],
)
def test_purpose__that_cannot_be_read_is_refused(asked, headers):
    refused, _ = asked(headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "input")
