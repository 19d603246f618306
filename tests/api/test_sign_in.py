"""Signing in with a browser, and tokens of programs, with a real sign-in service."""

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from fastapi.testclient import TestClient
from httpx2 import Response
from joserfc.jwk import ECKey, RSAKey
from starlette.types import ASGIApp

from api.main import service
from arien_flows.access.roles import Role
from arien_flows.access.secrets import digest
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.access_records import NewPerson
from arien_flows.casebook.book import Casebook
from arien_flows.settings import Settings
from arien_flows.workspace import Workspace
from chains.access import Secret
from tests.api.conftest import BASE
from tests.oidc_issuer import AUDIENCE, CLIENT, SECRET, OidcIssuer, oidc_issuer

NOW = datetime.now(UTC)
COOKIE = "arien-session"
SELF = {"Origin": BASE}


_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def served() -> Iterator[OidcIssuer]:
    with oidc_issuer() as running:
        yield running


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, served: OidcIssuer) -> Settings:
    return Settings(
        data=tmp_path_factory.mktemp("sign-in"),
        accounts=True,
        case_required=False,
        public_url=BASE,
        oidc_issuer=served.name,
        oidc_client_id=CLIENT,
        oidc_client_secret=Secret(SECRET),
        oidc_audience=AUDIENCE,
        oidc_role_claim="roles",
    )


@pytest.fixture(scope="module")
def app(settings: Settings) -> Iterator[ASGIApp]:
    made = service(settings)
    with TestClient(made, base_url=BASE):
        yield made


@pytest.fixture(scope="module")
def casebook(settings: Settings) -> Iterator[Casebook]:
    book = Workspace(settings).casebook
    yield book
    book.close()


@pytest.fixture
def issuer(served: OidcIssuer) -> OidcIssuer:
    """Return the service, where another person signs in for each test."""
    name = f"ann {next(_NUMBERS)}"
    served.person = {"sub": f"the {name}", "preferred_username": name, "roles": ["analyst"]}
    served.id_token_changes.clear()
    served.is_away = False
    return served


@pytest.fixture
def ann(issuer: OidcIssuer) -> str:
    """Return the name of whoever signs in."""
    return str(issuer.person["preferred_username"])


@pytest.fixture
def browser(app: ASGIApp, issuer: OidcIssuer) -> TestClient:  # noqa: ARG001 another person each
    return browser_of(app)


def browser_of(app: ASGIApp) -> TestClient:
    """Return a browser at an address of its own, which has made no mistakes yet."""
    return TestClient(
        app,
        base_url=BASE,
        raise_server_exceptions=False,
        follow_redirects=False,
        client=(f"192.0.2.{next(_NUMBERS)}", 50_000),
    )


def at_the_service(browser: TestClient) -> str:
    """Begin a sign-in, and return where the service sends the browser back to."""
    begun = browser.get("/v1/sign-in")
    assert begun.status_code == 303
    sent = requests.get(begun.headers["location"], allow_redirects=False, timeout=10)
    assert sent.headers["location"].startswith(f"{BASE}/v1/sign-in/return?")
    return sent.headers["location"]


def sign_in(browser: TestClient) -> Response:
    return browser.get(at_the_service(browser))


def refused(answer: Response, detail: str, status: int = 401) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert detail in answer.json()["detail"]


def test_sign_in__leads_to_a_session_with_the_role_of_the_claim(browser: TestClient, ann: str):
    finished = sign_in(browser)
    assert (finished.status_code, finished.headers["location"]) == (303, "/")
    (cookie,) = [it for it in finished.headers.get_list("set-cookie") if it.startswith(COOKIE)]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    me = browser.get("/v1/me").json()
    assert (me["name"], me["role"], me["clearance"], me["means"], me["key_id"]) == (
        ann, "analyst", "amber", "session", None,
    )  # fmt: skip
    assert browser.get("/v1/people").status_code == 403


def test_sign_in__sends_pkce_and_keeps_digests_only(browser: TestClient, casebook: Casebook):
    begun = browser.get("/v1/sign-in")
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    state = browser.cookies["arien-sign-in"]
    assert asked["state"] == [state]
    stored = (Path(casebook.name).parent / "casebook.sqlite-wal").read_bytes()
    assert state.encode() not in stored
    taken = casebook.sessions.take_sign_in(state, datetime.now(UTC))
    assert taken is not None
    challenge = base64.urlsafe_b64encode(hashlib.sha256(taken.verifier.encode()).digest())
    assert asked["code_challenge"] == [challenge.decode().rstrip("=")]
    assert taken.verifier not in begun.headers["location"]
    assert taken.verifier not in repr(taken)


def test_sign_out__ends_the_session_at_once(browser: TestClient):
    sign_in(browser)
    stolen = browser.cookies[COOKIE]
    assert browser.post("/v1/sign-out", headers=SELF).status_code == 204
    assert COOKIE not in browser.cookies
    browser.cookies.set(COOKIE, stolen)
    assert browser.get("/v1/me").status_code == 401


def test_session__changes_something_for_the_service_s_own_page_only(browser: TestClient, ann: str):
    sign_in(browser)
    refused(browser.post("/v1/keys", json={}), "own page", 403)
    foreign = browser.post("/v1/keys", json={}, headers={"Origin": "http://evil.example"})
    refused(foreign, "another origin", 403)
    made = browser.post("/v1/keys", json={}, headers=SELF)
    assert made.status_code == 201
    key = made.json()["key"]
    browser.cookies.clear()
    me = browser.get("/v1/me", headers={"Authorization": f"Bearer {key}"}).json()
    assert (me["name"], me["means"]) == (ann, "key")


def test_session__that_was_idle_or_is_old_counts_no_more(browser: TestClient, casebook: Casebook):
    casebook.people.add(
        NewPerson(name="zoe", role=Role.ANALYST, clearance=Tlp.RED), now=NOW, by="tests"
    )
    for began in (timedelta(minutes=61), timedelta(hours=12, minutes=1)):
        token = casebook.sessions.open("zoe", datetime.now(UTC) - began)
        if began > timedelta(hours=12):
            casebook.sessions.note_use(digest(token), datetime.now(UTC))
        browser.cookies.set(COOKIE, token)
        assert browser.get("/v1/me").status_code == 401
        assert browser.get("/").status_code == 200  # so that one can sign in again
    browser.cookies.set(COOKIE, casebook.sessions.open("zoe", datetime.now(UTC)))
    assert browser.get("/v1/me").json()["name"] == "zoe"


def test_return__with_a_state_that_was_used_is_refused(browser: TestClient):
    back = at_the_service(browser)
    state = browser.cookies["arien-sign-in"]
    assert browser.get(back).status_code == 303
    browser.cookies.set("arien-sign-in", state)
    refused(browser.get(back), "finished before")


def test_return__with_a_code_that_was_used_is_refused(browser: TestClient):
    back = at_the_service(browser)
    code = parse_qs(urlsplit(back).query)["code"][0]
    assert browser.get(back).status_code == 303
    other = at_the_service(browser)
    replayed = other.replace(parse_qs(urlsplit(other).query)["code"][0], code)
    refused(browser.get(replayed), "has seen it before")


def test_return__to_another_browser_is_refused(browser: TestClient, app: ASGIApp):
    """Nobody is led into somebody else's session by a link."""
    back = at_the_service(browser)
    victim = browser_of(app)
    refused(victim.get(back), "begun elsewhere")
    assert COOKIE not in victim.cookies


def test_return__with_another_verifier_is_refused(browser: TestClient, issuer: OidcIssuer):
    back = at_the_service(browser)
    for begun in issuer.codes.values():
        begun["code_challenge"] = "A" * 43
    refused(browser.get(back), "does not accept the return")


def test_return__from_another_service_or_with_an_error_is_refused(browser: TestClient):
    back = at_the_service(browser)
    refused(browser.get(back.partition("&iss=")[0] + "&iss=https://evil.example"), "another")
    refused(browser.get("/v1/sign-in/return?error=access_denied&state=x"), "signed nobody in")
    assert browser.get(back).status_code == 303


def test_return__that_comes_too_late_is_refused(browser: TestClient, casebook: Casebook):
    back = at_the_service(browser)
    state = browser.cookies["arien-sign-in"]
    assert casebook.sessions.take_sign_in(state, NOW + timedelta(minutes=20)) is None
    refused(browser.get(back), "took too long")


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"nonce": "another"}, "another sign-in"),
        ({"nonce": None}, "another sign-in"),
        ({"aud": "another"}, "invalid claim"),
        ({"aud": [CLIENT, "another"]}, "another program"),
        ({"azp": "another"}, "another program"),
        ({"iss": "https://evil.example"}, "invalid claim"),
        ({"exp": 1}, "expired"),
        ({"sub": None}, "missing claim"),
        ({"roles": ["analyst", "admin"]}, "several roles"),
        ({"roles": "guest", "sub": "new"}, "no account here"),
        ({"roles": ["local"], "sub": "new"}, "no account here"),
        ({"preferred_username": "service", "sub": "service"}, "no name that can be used"),
    ],
)
def test_id_token__that_is_wrong_signs_nobody_in(
    browser: TestClient, issuer: OidcIssuer, changes: dict[str, object], detail: str
):
    issuer.id_token_changes.update(changes)
    refused(sign_in(browser), detail)
    assert COOKIE not in browser.cookies


def test_person__is_known_by_the_subject_and_never_by_a_name(
    browser: TestClient, issuer: OidcIssuer, ann: str, casebook: Casebook
):
    admin = NewPerson(name=ann.upper(), role=Role.ADMIN, clearance=Tlp.RED)
    casebook.people.add(admin, now=NOW, by="tests")
    refused(sign_in(browser), f"somebody else is called {ann}")
    second = NewPerson(
        name=f"{ann} the second",
        role=Role.SUPERVISOR,
        clearance=Tlp.RED,
        issuer=issuer.name,
        subject=f"the {ann}",
    )
    casebook.people.add(second, now=NOW, by="tests")
    assert sign_in(browser).status_code == 303
    me = browser.get("/v1/me").json()
    assert (me["name"], me["role"]) == (f"{ann} the second", "supervisor")


def test_person__loses_what_the_service_takes_away(
    browser: TestClient, issuer: OidcIssuer, ann: str, casebook: Casebook
):
    sign_in(browser)
    issuer.person["roles"] = ["investigator"]
    sign_in(browser)
    assert casebook.people.read(ann).role is Role.INVESTIGATOR
    issuer.person["roles"] = []
    refused(sign_in(browser), f"names no role for {ann} any more")
    casebook.people.change(ann, role=Role.ANALYST, now=NOW, by="an admin")
    assert sign_in(browser).status_code == 303
    casebook.people.change(ann, is_disabled=True, now=NOW, by="an admin")
    refused(sign_in(browser), f"{ann} is disabled")


def test_sign_in__says_that_the_service_is_away(settings: Settings, issuer: OidcIssuer):
    issuer.is_away = True
    away = browser_of(service(settings)).get("/v1/sign-in")
    refused(away, "the sign-in service cannot be used", 502)


# --- tokens of programs


def none_signed(issuer: OidcIssuer) -> str:
    header = {"alg": "none", "kid": issuer.keys[0].kid}
    return f"{_part(header)}.{issuer.token().split('.')[1]}."


def with_the_public_key_as_secret(issuer: OidcIssuer) -> str:
    header = {"alg": "HS256", "kid": issuer.keys[0].kid}
    signed = f"{_part(header)}.{issuer.token().split('.')[1]}"
    secret = issuer.keys[0].as_pem(private=False)
    seal = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(seal).decode().rstrip('=')}"


def altered(issuer: OidcIssuer) -> str:
    header, claims, seal = issuer.token().split(".")
    other = json.loads(base64.urlsafe_b64decode(claims + "=="))
    return f"{header}.{_part(other | {'roles': ['admin']})}.{seal}"


def without_key_id(issuer: OidcIssuer) -> str:
    return f"{_part({'alg': 'RS256'})}.{issuer.token().split('.', 1)[1]}"


def _part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


WRONG: dict[str, tuple[Callable[[OidcIssuer], str], str]] = {
    "alg none": (none_signed, "not signed in a way that counts"),
    "HS256 with the public key": (with_the_public_key_as_secret, "not signed in a way"),
    "altered": (altered, "bad signature"),
    "key of another": (
        lambda it: it.token(key=RSAKey.generate_key(2048)),
        "bad signature",
    ),
    "key of another kind": (
        lambda it: it.token(key=ECKey.generate_key("P-256")),
        "invalid key type",
    ),
    "unknown kid": (lambda it: it.token(header={"kid": "zz"}), "the service disowns"),
    "no kid": (without_key_id, "does not say which key"),
    "wrong audience": (lambda it: it.token({"aud": "another"}), "invalid claim"),
    "audience of people": (lambda it: it.token({"aud": CLIENT}), "invalid claim"),
    "no audience": (lambda it: it.token({"aud": None}), "missing claim"),
    "wrong issuer": (lambda it: it.token({"iss": "https://evil.example"}), "invalid claim"),
    "expired": (lambda it: it.token({"exp": int(time.time()) - 60}), "expired"),
    "no expiry": (lambda it: it.token({"exp": None}), "missing claim"),
    "expiry that is none": (lambda it: it.token({"exp": "soon"}), "invalid claim"),
    "not yet valid": (lambda it: it.token({"nbf": int(time.time()) + 120}), "token"),
    "made for signing in": (lambda it: it.token({"nonce": "n"}), "made for signing in"),
    "subject that is none": (lambda it: it.token({"sub": ""}), "token"),
    "not a token": (lambda _: "x.y.z", "no signed JWT"),
    "nested deeply": (lambda _: _part({"alg": "RS256"}) + "." + "a" * 6000 + ".b", "token"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_token__that_is_wrong_is_refused(browser: TestClient, issuer: OidcIssuer, wrong: str):
    make, detail = WRONG[wrong]
    answer = browser.get("/v1/me", headers={"Authorization": f"Bearer {make(issuer)}"})
    refused(answer, detail)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_token__of_a_program_names_its_account(
    browser: TestClient, issuer: OidcIssuer, casebook: Casebook
):
    header = {"Authorization": f"Bearer {issuer.token()}"}
    me = browser.get("/v1/me", headers=header).json()
    assert (me["name"], me["role"], me["means"]) == ("case-system", "service", "token")
    refused(browser.post("/v1/keys", json={}, headers=header), "sign in", 403)
    casebook.people.change("case-system", is_disabled=True, now=NOW, by="an admin")
    deadline = time.monotonic() + 5
    while browser.get("/v1/me", headers=header).status_code != 401:
        assert time.monotonic() < deadline


def test_token__is_not_taken_where_no_audience_is_set(settings: Settings, issuer: OidcIssuer):
    bare = Settings(
        data=settings.data,
        accounts=True,
        public_url=BASE,
        oidc_issuer=issuer.name,
        oidc_client_id=CLIENT,
        oidc_role_claim="roles",
    )
    client = TestClient(service(bare), base_url=BASE)
    header = {"Authorization": f"Bearer {issuer.token()}"}
    refused(client.get("/v1/me", headers=header), "ARIEN_OIDC_AUDIENCE")
