"""Who may ask, request ids and protective headers."""

import ipaddress

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from api.envelope import LOOPBACK_NAMES, PROTECTION, client_address, refusal


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "LocalHost:9", "[::1]:8000"])
def test_host__of_this_machine_is_served_on_any_port(client: TestClient, host: str):
    assert client.get("/livez", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8000",
        "192.168.0.7:8000",
        "evil.example@127.0.0.1.evil.example",
        "[::1",
        "",
    ],
)
def test_host__of_somebody_else_is_refused(client: TestClient, host: str):
    """A name re-bound to 127.0.0.1 reaches the port, but the browser tells the name."""
    response = client.get("/livez", headers={"Host": host})
    assert response.status_code == 403
    assert response.json()["code"] == "foreign_caller"
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://localhost:9", "file://"]
)
def test_origin__another_page_is_refused(client: TestClient, origin: str):
    assert client.get("/livez", headers={"Origin": origin}).status_code == 403


def test_origin__our_own_page_is_served(client: TestClient):
    headers = {"Host": "localhost:8000", "Origin": "http://localhost:8000"}
    assert client.get("/livez", headers=headers).status_code == 200


def test_site__a_foreign_image_is_refused_and_a_link_followed(client: TestClient):
    image = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/livez", headers=image).status_code == 403
    assert client.get("/", headers=link).status_code == 200


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=40))
def test_refusal__names_that_are_not_loopback_never_pass(host: str):
    name = host.rsplit("@", 1)[-1].split(":")[0].split("/")[0].lower()
    if refusal(Headers({"host": host})) is None:
        assert name in LOOPBACK_NAMES or host.rsplit("@", 1)[-1].startswith("[::1]")


def test_request_id__is_taken_over_or_made(client: TestClient):
    assert client.get("/livez", headers={"X-Request-ID": "case-7"}).headers["x-request-id"] == (
        "case-7"
    )
    made = client.get("/livez", headers={"X-Request-ID": "no spaces"}).headers["x-request-id"]
    assert len(made) == 32


@pytest.mark.parametrize("path", ["/livez", "/", "/nothing", "/web/app.js"])
def test_headers__protect_every_response_and_open_nothing(client: TestClient, path: str):
    headers = client.get(path).headers
    assert all(headers[name] == value for name, value in PROTECTION.items())
    assert "access-control-allow-origin" not in headers


PUBLIC = "https://flows.example:8443"


@pytest.mark.parametrize(
    ("headers", "is_refused"),
    [
        ({"host": "flows.example:8443"}, False),
        ({"host": "FLOWS.example:8443", "origin": PUBLIC}, False),
        ({"host": "localhost:8000", "origin": "http://localhost:8000"}, False),
        ({"host": "flows.example"}, True),
        ({"host": "flows.example:9999"}, True),
        ({"host": "evil.example"}, True),
        ({"host": "flows.example.evil.example:8443"}, True),
        ({"host": "flows.example:8443", "origin": "http://flows.example:8443"}, True),
        ({"host": "flows.example:8443", "origin": "https://flows.example"}, True),
        ({"host": "flows.example:8443", "origin": "null"}, True),
        ({"host": "localhost:8000", "origin": PUBLIC}, True),
    ],
)
def test_refusal__a_service_with_accounts_answers_to_its_public_name(headers, is_refused):
    assert (refusal(Headers(headers), PUBLIC) is not None) == is_refused


PROXIES = (ipaddress.ip_network("10.0.0.0/24"), ipaddress.ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "told"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.5", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.5", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.5", "6.6.6.6, 198.51.100.1, 10.0.0.7", "198.51.100.1"),
        ("10.0.0.5", "10.0.0.9, 10.0.0.7", "10.0.0.9"),
        ("10.0.0.5", "nonsense", "10.0.0.5"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
    ],
)
def test_client_address__believes_the_proxies_that_are_named(peer: str, forwarded: str, told: str):
    headers = Headers({"x-forwarded-for": forwarded})
    assert client_address({"client": (peer, 1)}, headers, PROXIES) == told
    assert client_address({"client": (peer, 1)}, headers, ()) == peer
