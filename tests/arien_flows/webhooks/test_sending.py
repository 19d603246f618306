"""Sending one message: to real servers, honest and hostile."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from arien_flows.webhooks.sending import MOST_ANSWER_BYTES, Sender
from arien_flows.webhooks.targets import TargetPolicy, allow_list
from tests.http_server import Reply, serving
from tests.webhook_receiver import Authority

NAME = "hive.example"
HEADERS = {"webhook-id": "evt_1"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


def sender(port: int, trust: ssl.SSLContext | None = None, seconds: float = 5) -> Sender:
    """Return a sender that may reach a port of this machine under a name."""
    return Sender(
        policy=TargetPolicy(
            allowed=allow_list(f"{NAME},127.0.0.0/8,{port};127.0.0.1,127.0.0.1/32,{port}")
        ),
        resolve=lambda _host, _port: ["127.0.0.1"],
        trust=trust,
        seconds=seconds,
    )


@pytest.fixture
def quiet() -> Iterator[socket.socket]:
    """Return a port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_send__posts_to_the_checked_address_under_the_name(authority: Authority):
    with serving(Reply(status=204), authority.server(NAME)) as served:
        sent = sender(served.port, authority.trust()).send(
            f"https://{NAME}:{served.port}/a/b?c=d", HEADERS, b"{}"
        )
    assert sent.is_delivered, sent
    (asked,) = served.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/a/b?c=d", b"{}")
    assert asked.headers["Host"] == f"{NAME}:{served.port}"
    assert asked.headers["webhook-id"] == "evt_1"


def test_send__looks_a_name_up_once_and_connects_to_that_answer():
    """A resolver that answers a public address first, and a private one when asked again."""
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    with serving(Reply(status=204)) as served:
        rebinding = Sender(
            policy=TargetPolicy(allowed=allow_list(f"{NAME},127.0.0.1/32,{served.port}")),
            resolve=lambda _host, _port: next(answers),
        )
        url = f"http://{NAME}:{served.port}/"
        assert rebinding.send(url, HEADERS, b"{}").is_delivered
        again = rebinding.send(url, HEADERS, b"{}")
    assert again.failure == "target_refused"
    assert len(served.asked) == 1


def test_send__heeds_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch):
    with serving(Reply(status=204)) as proxy, serving(Reply(status=204)) as served:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        sent = sender(served.port).send(f"http://{NAME}:{served.port}/", HEADERS, b"{}")
    assert sent.is_delivered
    assert (len(served.asked), proxy.asked) == (1, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_send__follows_no_redirect(status: int):
    with serving(Reply(status=200)) as inside:
        answer = Reply(status=status, headers={"Location": f"{inside.url}/secret"})
        with serving(answer) as served:
            sent = sender(served.port).send(f"http://{NAME}:{served.port}/", HEADERS, b"{}")
    assert (sent.failure, sent.status, sent.is_delivered) == ("redirect", status, False)
    assert inside.asked == []


@pytest.mark.parametrize("kind", ["other name", "self-signed", "expired", "unknown authority"])
def test_send__refuses_a_certificate_that_does_not_vouch_for_the_name(
    authority: Authority, tmp_path: Path, kind: str
):
    other = Authority.make(tmp_path)
    context = {
        "other name": lambda: authority.server("other.example"),
        "self-signed": lambda: authority.self_signed(NAME),
        "expired": lambda: authority.server(NAME, days=-1),
        "unknown authority": lambda: other.server(NAME),
    }[kind]()
    with serving(Reply(status=200), context) as served:
        sent = sender(served.port, authority.trust()).send(
            f"https://{NAME}:{served.port}/", HEADERS, b"{}"
        )
    assert (sent.failure, sent.is_delivered) == ("tls", False)
    assert "certificate" in sent.words
    assert served.asked == []


def test_send__trusts_by_default_whom_the_system_trusts(authority: Authority):
    with serving(Reply(status=200), authority.server(NAME)) as served:
        sent = sender(served.port).send(f"https://{NAME}:{served.port}/", HEADERS, b"{}")
    assert sent.failure == "tls"


def test_send__reads_no_more_of_an_answer_than_it_may():
    huge = Reply(status=200, body=b"x" * (8 * MOST_ANSWER_BYTES))
    with serving(huge) as served:
        sent = sender(served.port).send(f"http://{NAME}:{served.port}/", HEADERS, b"{}")
    assert sent.is_delivered
    assert sent.answer_bytes <= MOST_ANSWER_BYTES


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
    ],
)
def test_send__gives_up_on_an_answer_that_drips(raw: bytes):
    with serving(Reply(raw=raw, pause=0.1)) as served:
        began = time.monotonic()
        sent = sender(served.port, seconds=0.5).send(
            f"http://{NAME}:{served.port}/", HEADERS, b"{}"
        )
    assert (sent.failure, sent.status) == ("timed_out", None)
    assert time.monotonic() - began < 2


def test_send__does_not_wait_for_a_body_that_drips():
    body = Reply(status=200, body=b"x" * 100, pause=0.2)
    with serving(body) as served:
        began = time.monotonic()
        sent = sender(served.port).send(f"http://{NAME}:{served.port}/", HEADERS, b"{}")
        assert time.monotonic() - began < 2.5
    assert sent.is_delivered


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_send__gives_up_on_silence(quiet: socket.socket, scheme: str):
    port = quiet.getsockname()[1]
    url = f"{scheme}://{NAME}:{port}/"
    sent = sender(port, seconds=0.3).send(url, HEADERS, b"{}")
    assert sent.failure == "timed_out"


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
        b"HTTP/1.1 2e2 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
def test_send__tells_what_is_not_http(raw: bytes):
    with serving(Reply(raw=raw)) as served:
        sent = sender(served.port).send(f"http://{NAME}:{served.port}/", HEADERS, b"{}")
    assert sent.failure in ("no_http", "not_reached"), sent


def test_send__tells_a_closed_port_without_naming_an_address(quiet: socket.socket):
    port = quiet.getsockname()[1]
    quiet.close()
    sent = sender(port).send(f"http://{NAME}:{port}/", HEADERS, b"{}")
    assert sent.failure == "not_reached"
    assert "127" not in sent.words


def test_send__a_refused_target_is_not_connected_to():
    touched = threading.Event()
    with serving(lambda _asked: touched.set() or Reply()) as served:
        sent = Sender(policy=TargetPolicy()).send(f"{served.url}/", HEADERS, b"{}")
    assert sent.failure == "target_refused"
    assert not touched.is_set()


def test_send__tries_the_next_address_of_a_name():
    with serving(Reply(status=204)) as served:
        many = Sender(
            policy=TargetPolicy(allowed=allow_list(f"{NAME},127.0.0.0/8,{served.port}")),
            resolve=lambda _host, _port: ["127.9.9.9", "127.0.0.1"],
        )
        sent = many.send(f"http://{NAME}:{served.port}/", HEADERS, b"{}")
    assert sent.is_delivered


def test_send__has_no_header_injection():
    with serving(Reply(status=204)) as served:
        sent = sender(served.port).send(
            f"http://{NAME}:{served.port}/%0d%0aX-Evil:%201", HEADERS, b"{}"
        )
    assert sent.is_delivered
    assert "X-Evil" not in served.asked[0].headers
