import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chains.access import Access, Secret
from chains.endpoint import Endpoint, is_loopback, proxy_for
from chains.errors import SourceUnavailableError

SECRET = "hunter2"  # noqa: S105

secrets = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1)


def quoted(text):
    """Percent-encode everything: what a careful user's program does."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


@given(secrets, secrets, st.integers(1, 65535))
def test_parse__takes_names_and_passwords_of_any_signs(user, password, port):
    endpoint = Endpoint.parse(f"core+http://{quoted(user)}:{quoted(password)}@node:{port}/x/?a=b")
    assert (endpoint.user, endpoint.password) == (user, Secret(password))
    assert (endpoint.kind, endpoint.scheme, endpoint.host) == ("core", "http", "node")
    assert (endpoint.port, endpoint.path, endpoint.query) == (port, "/x", {"a": "b"})
    assert endpoint.name == f"core+http://node:{port}/x"


@pytest.mark.parametrize(
    ("text", "name", "host"),
    [
        ("https://example.org", "https://example.org", "example.org"),
        ("esplora+https://Example.org/api/", "esplora+https://example.org/api", "example.org"),
        ("core+http://[::1]:8332", "core+http://[::1]:8332", "::1"),
        ("http://h?apikey=k", "http://h", "h"),
    ],
)
def test_parse__names_the_place(text, name, host):
    endpoint = Endpoint.parse(text)
    assert (endpoint.name, endpoint.host, endpoint.password) == (name, host, None)


@pytest.mark.parametrize(
    "text",
    [
        f"ftp://user:{SECRET}@host",
        f"user:{SECRET}@host",
        f"http://user:{SECRET}@",
        f"http://user:{SECRET}@host:port",
        f"http://user:{SECRET}@host:99999",
        f"http://user:{SECRET}@host:0",
        f"http://user:{SECRET}@ho..st",
        f"http://user:{SECRET}@.host",
        f"http://user:{SECRET}@{'h' * 64}.org",
        f"http://user:12/{SECRET}@host",
        f"http://user:12#{SECRET}@host",
        f"http://user:{SECRET}/x@host",
        f"http://user:{SECRET} x@host",
        f"http://user:{SECRET}@[::1",
        f"http://user:{SECRET}@ho\u200bst",
        f"http://user:{SECRET}@ho\u2100st",
        SECRET,
        "",
    ],
)
def test_parse__says_what_is_wrong_and_repeats_nothing(text):
    with pytest.raises(SourceUnavailableError) as caught:
        Endpoint.parse(text)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "\n" not in str(caught.value)


@given(st.text(string.printable))
def test_parse__raises_nothing_else(text):
    try:
        endpoint = Endpoint.parse(text)
    except SourceUnavailableError:
        return
    assert endpoint.host


def test_endpoint__prints_no_secret():
    endpoint = Endpoint.parse(f"http://{SECRET}:{SECRET}@host/api?apikey={SECRET}")
    assert SECRET not in f"{endpoint!r} {endpoint} {endpoint.name} {endpoint.authority}"


@pytest.mark.parametrize(
    "host", ["localhost", "node.localhost", "127.0.0.1", "127.9.8.7", "::1", "::ffff:127.0.0.1"]
)
def test_proxy_for__is_not_for_this_machine(host):
    assert is_loopback(host)
    assert proxy_for(host, Access(proxy="socks5h://127.0.0.1:9050")) is None


@pytest.mark.parametrize("host", ["example.org", "10.0.0.1", "::2", "localhost.example.org"])
def test_proxy_for__is_for_every_other_host(host):
    proxy = proxy_for(host, Access(proxy="socks5h://127.0.0.1:9050"))
    assert proxy is not None
    assert (proxy.host, proxy.port) == ("127.0.0.1", 9050)
    assert proxy_for(host, Access()) is None


@pytest.mark.parametrize("scheme", ["socks5", "socks4", "socks4a", "SOCKS5"])
@pytest.mark.parametrize("host", ["example.org", "127.0.0.1"])
def test_proxy_for__refuses_proxies_that_leave_names_to_us(scheme, host):
    with pytest.raises(SourceUnavailableError, match="write socks5h://") as caught:
        proxy_for(host, Access(proxy=f"{scheme}://user:{SECRET}@proxy:1080"))
    assert SECRET not in str(caught.value)


@given(st.text(string.printable, max_size=20))
def test_proxy_for__refuses_what_it_does_not_understand(text):
    assume("://" not in text)
    with pytest.raises(SourceUnavailableError):
        proxy_for("example.org", Access(proxy=text))
