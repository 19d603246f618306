import gzip
import logging
import socket
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from chains.access import DIRECT, Access, Secret
from chains.endpoint import Endpoint
from chains.errors import RequestBudgetError, SourceUnavailableError
from chains.exchange import NoRecorder
from chains.http import (
    USER_AGENT,
    HttpClient,
    HttpRefusalError,
    NotFoundAnswerError,
    Patience,
)
from tests.http_server import Reply, serving
from tests.nodes import free_port
from tests.socks import socks_proxy

SECRET = "hunter2"  # noqa: S105

BRIEF = Patience(
    connect=2, silence=2, answer=2, attempts=3, first_pause=0.02, longest_pause=0.2, in_all=5
)
ONCE = Patience(connect=2, silence=0.3, answer=0.5, attempts=1)


class Book:
    """A recorder that allows a number of requests and remembers all."""

    def __init__(self, budget=1_000_000):
        self.budget = budget
        self.allowed = 0
        self.kept = []

    def allow(self):
        if self.allowed == self.budget:
            raise RequestBudgetError("as many requests as may be made")
        self.allowed += 1

    def keep(self, exchange):
        self.kept.append(exchange)


@pytest.fixture
def clients():
    """Make clients that are closed after the test."""
    made = []

    def make(url, *, access=DIRECT, recorder=None, patience=BRIEF):
        client = HttpClient(
            Endpoint.parse(url), access=access, recorder=recorder or NoRecorder(), patience=patience
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


def failing(times, reply, then=Reply(body=b"done")):  # noqa: B008 (immutable)
    """Answer so for some times, then otherwise."""
    left = iter(range(times))
    return lambda _asked: reply if next(left, None) is not None else then


def test_get__brings_the_body_and_says_little_of_the_asker(clients):
    with serving(Reply(body=b"\x00\x01")) as server:
        assert clients(f"{server.url}/api/").get("/tx?x=1") == b"\x00\x01"
    (asked,) = server.asked
    assert asked.path == "/api/tx?x=1"
    assert asked.headers["User-Agent"] == USER_AGENT == "arien-flows"
    assert set(asked.headers) == {"Host", "User-Agent", "Accept-Encoding"}


def test_post__sends_the_body(clients):
    with serving(lambda asked: Reply(body=asked.body[::-1])) as server:
        assert clients(server.url).post("/", b"abc", "text/plain") == b"cba"
    assert server.asked[0].headers["Content-Type"] == "text/plain"


def test_get__undoes_compression_within_the_bound(clients):
    packed = Reply(body=gzip.compress(bytes(100_000)), headers={"Content-Encoding": "gzip"})
    with serving(packed) as server:
        client = clients(server.url)
        assert client.get("/") == bytes(100_000)
        with pytest.raises(SourceUnavailableError, match="more than 99999 bytes"):
            client.get("/", most_bytes=99_999)


def test_get__keeps_connections(clients):
    with serving(Reply(body=bytes(100_000))) as server:
        client = clients(server.url)
        for _ in range(5):
            client.get("/")
    assert len({asked.client_port for asked in server.asked}) == 1


def test_get__serves_several_threads_at_once(clients):
    with serving(lambda asked: Reply(body=asked.path.encode())) as server:
        client = clients(server.url)
        paths = [f"/{number}" for number in range(100)]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(client.get, paths)) == [path.encode() for path in paths]


def test_get__uses_no_proxy_or_password_of_the_environment(clients, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login me password {SECRET}")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with serving(Reply(body=b"here", headers={"Set-Cookie": "a=b"})) as server:
        client = clients(server.url)
        assert client.get("/") == client.get("/") == b"here"
    assert all({"Authorization", "Cookie"}.isdisjoint(asked.headers) for asked in server.asked)


def test_get__sends_credentials(clients):
    with serving(Reply()) as server:
        clients(f"http://us%40er:p%3Aw@127.0.0.1:{server.port}").get("/")
    assert server.asked[0].headers["Authorization"] == "Basic dXNAZXI6cDp3"


@pytest.mark.parametrize("status", [404, 400, 401, 403, 422, 501])
def test_get__tells_refusals_apart(clients, status):
    with serving(Reply(status=status, body=b"Transaction not\r\n found\x00")) as server:
        kind = NotFoundAnswerError if status == 404 else HttpRefusalError
        with pytest.raises(kind, match="Transaction not found") as caught:
            clients(server.url).get("/")
    assert (caught.value.status, len(server.asked)) == (status, 1)
    assert caught.value.text == "Transaction not found"
    assert caught.value.body == b"Transaction not\r\n found\x00"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 522])
def test_get__tries_again_what_may_pass(clients, status):
    book = Book()
    with serving(failing(2, Reply(status=status, body=b"busy"))) as server:
        assert clients(server.url, recorder=book).get("/a") == b"done"
    assert len(server.asked) == book.allowed == 3
    assert [kept.request for kept in book.kept] == [
        f"GET /a (answered {status})",
        f"GET /a (answered {status})",
        "GET /a",
    ]


def test_get__gives_up_with_the_servers_words(clients):
    with (
        serving(Reply(status=503, body=b"Work queue depth exceeded")) as server,
        pytest.raises(SourceUnavailableError, match="503: Work queue depth exceeded") as caught,
    ):
        clients(server.url).get("/")
    assert len(server.asked) == BRIEF.attempts
    assert f"tried {BRIEF.attempts} times" in str(caught.value)
    assert server.url in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_get__follows_no_redirect(clients, status):
    with serving(Reply(body=b"elsewhere")) as other:
        away = Reply(status=status, headers={"Location": f"{other.url}/?key={SECRET}"})
        with serving(away) as server:
            client = clients(server.url)
            with pytest.raises(SourceUnavailableError, match="redirect to another place") as caught:
                client.get("/")
    assert other.asked == []
    assert len(server.asked) == 1
    assert f"name {other.url} instead" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("place", [None, "", "/elsewhere", "http://[", f"http://{SECRET} {SECRET}"])
def test_get__takes_redirects_to_nowhere(clients, place):
    headers = {} if place is None else {"Location": place}
    with serving(Reply(status=302, headers=headers)) as server:
        client = clients(server.url)
        with pytest.raises(SourceUnavailableError, match="redirect to another place") as caught:
            client.get("/")
    assert SECRET not in str(caught.value)


def test_get__waits_as_long_as_the_server_asks(clients):
    patience = Patience(attempts=2, first_pause=0.001, longest_pause=1.5, in_all=5)
    with serving(failing(1, Reply(status=429, headers={"Retry-After": "1"}))) as server:
        started = time.monotonic()
        assert clients(server.url, patience=patience).get("/") == b"done"
        assert time.monotonic() - started >= 1


def test_get__does_not_hurry_a_server_that_asks_for_no_wait(clients):
    patience = Patience(attempts=3, first_pause=0.2, longest_pause=2, in_all=9)
    with serving(failing(2, Reply(status=429, headers={"Retry-After": "0"}))) as server:
        started = time.monotonic()
        assert clients(server.url, patience=patience).get("/") == b"done"
        assert time.monotonic() - started >= 0.3


def test_get__waits_until_the_date_that_the_server_names(clients):
    # The server's clock is an hour behind; what counts is the span between its two dates.
    now = datetime.now(UTC) - timedelta(hours=1)
    dates = {
        "Date": format_datetime(now, usegmt=True),
        "Retry-After": format_datetime(now + timedelta(seconds=1), usegmt=True),
    }
    patience = Patience(attempts=2, first_pause=0.001, longest_pause=1.5, in_all=5)
    ours = iter([Reply(status=503, headers=dates), Reply(body=b"done")])
    with serving(lambda _asked: next(ours)) as server:
        started = time.monotonic()
        assert clients(server.url, patience=patience).get("/") == b"done"
        assert time.monotonic() - started >= 1


def test_get__does_not_wait_for_hours(clients):
    with serving(Reply(status=429, headers={"Retry-After": "7200"})) as server:
        started = time.monotonic()
        with pytest.raises(SourceUnavailableError, match="asks to wait 7200 seconds"):
            clients(server.url).get("/")
        assert time.monotonic() - started < 10
    assert len(server.asked) == 1


@pytest.mark.parametrize("wish", ["soon", "-1", "", "Thu, 99 Foo", "²"])
def test_get__goes_on_after_a_wish_that_makes_no_sense(clients, wish):
    busy = Reply(status=429, headers={"Retry-After": wish.encode("latin-1").decode("latin-1")})
    with serving(failing(1, busy)) as server:
        assert clients(server.url).get("/") == b"done"


def test_get__leaves_the_server_alone_in_all_threads(clients):
    patience = Patience(attempts=2, first_pause=0.001, longest_pause=2, in_all=5)
    times = []

    def answer(asked):
        times.append((asked.path, time.monotonic()))
        first = len(times) == 1
        return Reply(status=429, headers={"Retry-After": "1"}) if first else Reply(body=b"done")

    with serving(answer) as server:
        client = clients(server.url, patience=patience)
        with ThreadPoolExecutor(2) as pool:
            early = pool.submit(client.get, "/early")
            while not times:
                time.sleep(0.01)
            time.sleep(0.1)
            late = pool.submit(client.get, "/late")
            assert early.result() == late.result() == b"done"
    assert sorted(path for path, _ in times) == ["/early", "/early", "/late"]
    assert min(at for _, at in times[1:]) - times[0][1] >= 0.95


def test_get__leaves_the_server_alone_for_the_longest_of_two_wishes(clients):
    patience = Patience(attempts=2, first_pause=0.001, longest_pause=5, in_all=9)
    times, together = {}, threading.Barrier(2, timeout=10)

    def answer(asked):
        if asked.path in ("/long", "/short") and asked.path not in times:
            times[asked.path] = time.monotonic()
            together.wait()
            if asked.path == "/short":
                time.sleep(0.3)  # so that the short wish is heard last
            wish = "2" if asked.path == "/long" else "1"
            return Reply(status=429, headers={"Retry-After": wish})
        times[f"{asked.path} again"] = time.monotonic()
        return Reply(body=b"done")

    with serving(answer) as server:
        client = clients(server.url, patience=patience)
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(client.get, path) for path in ("/long", "/short")]
            assert [answered.result() for answered in asked] == [b"done", b"done"]
    assert times["/short again"] - times["/long"] >= 1.9


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(body=bytes(100), pause=0.05), id="body"),
        pytest.param(Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"x" * 100, pause=0.05), id="headers"),
        pytest.param(Reply(raw=b"x" * 100, pause=0.05), id="status line"),
        pytest.param(Reply(raw=b"x", pause=5), id="silence"),
        pytest.param(
            Reply(
                raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 50,
                pause=0.005,
            ),
            id="chunks",
        ),
    ],
)
def test_get__gives_up_on_answers_that_drip(clients, reply):
    with serving(reply) as server:
        started = time.monotonic()
        with pytest.raises(SourceUnavailableError, match="does not answer in time"):
            clients(server.url, patience=ONCE).get("/")
        assert time.monotonic() - started < 4


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\x01\x02",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfew",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\na: " + b"b" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
    ],
)
def test_get__calls_garbage_unusable(clients, raw):
    with serving(Reply(raw=raw)) as server:
        client = clients(server.url, patience=ONCE)
        with pytest.raises(SourceUnavailableError, match=r"HTTP|breaks") as caught:
            client.get("/")
    assert server.url in str(caught.value)


def test_get__goes_on_after_a_broken_connection(clients):
    with serving(
        failing(1, Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfe"))
    ) as server:
        assert clients(server.url).get("/") == b"done"


def test_get__says_that_nobody_listens(clients):
    with pytest.raises(SourceUnavailableError, match="refuses connections: is it running"):
        clients(f"http://127.0.0.1:{free_port()}").get("/")


@pytest.mark.parametrize("host", ["*.x", "-.invalid"])
def test_get__says_that_a_name_leads_nowhere(clients, host):
    with pytest.raises(SourceUnavailableError, match="has a name that cannot be looked up"):
        clients(f"http://{host}", patience=ONCE).get("/")


def test_get__waits_for_a_server_that_comes_back(clients):
    port, patience = free_port(), Patience(attempts=20, first_pause=0.05, longest_pause=0.1)
    client = clients(f"http://127.0.0.1:{port}", patience=patience)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.get, "/")
        time.sleep(0.2)
        with socket.create_server(("127.0.0.1", port)) as listening:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
                assert waiting.result() == b"hi"


def test_close__ends_the_waiting(clients):
    with serving(Reply(status=503)) as server:
        client = clients(server.url, patience=Patience(first_pause=60, longest_pause=60))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(client.get, "/")
            while not server.asked:
                time.sleep(0.01)
            client.close()
            started = time.monotonic()
            with pytest.raises(SourceUnavailableError, match="was closed"):
                waiting.result()
            assert time.monotonic() - started < 2


def test_close__ends_what_is_under_way(clients):
    with serving(Reply(body=b"x", pause=5)) as server:
        client = clients(server.url, patience=Patience())
        with ThreadPoolExecutor(1) as pool:
            hanging = pool.submit(client.get, "/")
            while not server.asked:
                time.sleep(0.01)
            time.sleep(0.1)
            started = time.monotonic()
            client.close()
            with pytest.raises(SourceUnavailableError, match="was closed"):
                hanging.result()
            assert time.monotonic() - started < 2


def test_recorder__counts_every_attempt_to_the_last(clients):
    book = Book(budget=2)
    with serving(Reply(status=503)) as server, pytest.raises(RequestBudgetError):
        clients(server.url, recorder=book).get("/")
    assert len(server.asked) == 2


def test_recorder__keeps_answers_without_secrets(clients):
    book = Book()
    with serving(Reply(body=b"answer")) as server:
        client = clients(f"x+http://me:{SECRET}@127.0.0.1:{server.port}/api", recorder=book)
        before = datetime.now(UTC)
        client.get(f"/tx?a=1&apikey={SECRET}&b=2")
        client.post("/", b'{"method": "x"}', "application/json")
    first, second = book.kept
    assert first.request == "GET /tx?a=1&apikey=…&b=2"
    assert second.request == 'POST / {"method": "x"}'
    assert first.source == f"x+http://127.0.0.1:{server.port}/api"
    assert first.answer == b"answer"
    assert before <= first.received_at <= datetime.now(UTC)
    assert SECRET not in repr(book.kept)


@pytest.mark.parametrize("status", [200, 404, 400, 302, 429, 500, 503])
def test_secrets__are_in_no_message_and_no_log(clients, caplog, status):
    def echo(asked):
        said = f"{asked.headers['Authorization']} {SECRET} {asked.path}".encode()
        return Reply(status=status, body=said, headers={"Location": f"http://{SECRET}:x@y/"})

    caplog.set_level(logging.DEBUG)
    shown = []
    with serving(echo) as server:
        client = clients(f"http://me:{SECRET}@127.0.0.1:{server.port}")
        shown.append(repr(client))
        for path in ("/", "/?apikey=topsecret"):
            try:
                client.get(path)
            except (HttpRefusalError, SourceUnavailableError) as error:
                shown.append(f"{error} {error!r} {error.__cause__!r} {error.__context__!r}")
    text = caplog.text + "".join(shown)
    assert "urllib3" in caplog.text
    for secret in (SECRET, "topsecret", "bWU6aHVudGVyMg=="):
        assert secret not in text


def test_proxy__looks_names_up(clients):
    with (
        serving(Reply(body=b"hidden")) as server,
        socks_proxy({"hidden.onion": "127.0.0.1"}) as proxy,
    ):
        client = clients(f"http://hidden.onion:{server.port}", access=Access(proxy=proxy.url))
        assert client.get("/") == b"hidden"
    assert proxy.hosts == ["hidden.onion"]


def test_proxy__is_left_out_for_this_machine(clients):
    with serving(Reply(body=b"here")) as server, socks_proxy({}) as proxy:
        assert clients(server.url, access=Access(proxy=proxy.url)).get("/") == b"here"
    assert proxy.asked == []


def test_proxy__may_speak_http(clients):
    with serving(Reply(body=b"via")) as proxy:
        access = Access(proxy=f"http://me:{SECRET}@127.0.0.1:{proxy.port}")
        assert clients("http://explorer.example/api", access=access).get("/x") == b"via"
    assert proxy.paths == ["http://explorer.example/api/x"]
    assert "Proxy-Authorization" in proxy.asked[0].headers


@pytest.mark.parametrize("scheme", ["socks5h", "http"])
@pytest.mark.parametrize("target", ["http", "https"])
def test_proxy__that_is_not_there_is_named(clients, scheme, target):
    port = free_port()
    access = Access(proxy=f"{scheme}://me:{SECRET}@127.0.0.1:{port}")
    client = clients(f"{target}://explorer.example", access=access, patience=ONCE)
    with pytest.raises(
        SourceUnavailableError, match=f"proxy {scheme}://127.0.0.1:{port}"
    ) as caught:
        client.get("/")
    assert SECRET not in str(caught.value)


def test_proxy__that_does_not_know_the_host_is_named(clients):
    with socks_proxy({}) as proxy:
        client = clients("http://nowhere.example", access=Access(proxy=proxy.url), patience=ONCE)
        with pytest.raises(SourceUnavailableError, match=r"nowhere\.example cannot be reached"):
            client.get("/")
    assert proxy.hosts == ["nowhere.example"]


def test_tls__must_be_trusted(clients, tmp_path):
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run(
        [*make, "-keyout", key, "-out", certificate, "-days", "2"], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def greet(listening):
        try:
            connection, _ = listening.accept()
            with connection, context.wrap_socket(connection, server_side=True):
                pass
        except OSError:
            pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        greeter = threading.Thread(target=greet, args=(listening,))
        greeter.start()
        port = listening.getsockname()[1]
        with pytest.raises(SourceUnavailableError, match="certificate that is not trusted: self"):
            clients(f"https://127.0.0.1:{port}").get("/")
        greeter.join()


def test_tls__must_be_spoken(clients):
    with serving(Reply()) as server:
        client = clients(f"https://127.0.0.1:{server.port}", patience=ONCE)
        with pytest.raises(SourceUnavailableError, match="does not speak TLS"):
            client.get("/")


def test_authorize__holds_for_later_requests(clients):
    with serving(Reply()) as server:
        client = clients(server.url)
        client.get("/")
        client.authorize("me", Secret("x"))
        client.get("/")
    assert "Authorization" not in server.asked[0].headers
    assert server.asked[1].headers["Authorization"] == "Basic bWU6eA=="
