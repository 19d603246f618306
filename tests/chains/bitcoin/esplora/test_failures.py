"""Servers that are slow, busy, gone, broken or hostile, and what must never leave this machine."""

import base64
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from chains.access import Access
from chains.bitcoin.esplora.source import Esplora
from chains.bitcoin.networks import REGTEST
from chains.endpoint import Endpoint
from chains.errors import LookupFailedError, RequestBudgetError, SourceUnavailableError
from chains.http import Patience
from chains.lookups import OutputQuestion
from chains.registry import open_lookups
from tests.contract.lookups import Notebook
from tests.esplora import PATH, EsploraServer, Fault, esplora
from tests.explorer import Snapshot
from tests.socks import socks_proxy

TINY = Patience(
    connect=2, silence=0.3, answer=0.6, attempts=4, first_pause=0.01, longest_pause=1.5, in_all=5
)
SCRIPT = b"\x51\x52\x53"
"""Nobody's."""


@pytest.fixture(scope="module")
def snapshot(esplora_server) -> Snapshot:
    return esplora_server.explorer.snapshot


@pytest.fixture
def server(snapshot) -> Iterator[EsploraServer]:
    with esplora(snapshot) as running:
        yield running


@contextmanager
def opened(server: EsploraServer, notebook: Notebook | None = None) -> Iterator[Esplora]:
    """Open a source without much patience; what opening asked for is forgotten."""
    endpoint = Endpoint.parse(server.uri)
    with Esplora(endpoint, REGTEST, recorder=notebook or Notebook(), patience=TINY) as source:
        server.requests.clear()
        yield source


def test_busy_server__is_left_alone_as_long_as_it_asks(server):
    notebook = Notebook()
    with opened(server, notebook) as source:
        allowed = notebook.allowed
        server.faults.append(
            Fault(times=1, status=429, headers={"Retry-After": "1"}, body=b"Too Many Requests")
        )
        begin = time.monotonic()
        assert source.histories([SCRIPT], most=1) == [()]
        assert time.monotonic() - begin >= 1
        assert len(server.requests) == notebook.allowed - allowed == 2


def test_busy_server__that_asks_for_too_long_a_wait_ends_the_run(server):
    with opened(server) as source:
        server.faults.append(Fault(status=429, headers={"Retry-After": "3600"}, body=b""))
        with pytest.raises(SourceUnavailableError, match="asks to wait 3600 seconds"):
            source.histories([SCRIPT], most=1)
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_busy_server__is_asked_again(server, status):
    with opened(server) as source:
        server.faults.append(Fault(times=2, status=status, body=b"Service Unavailable"))
        assert source.histories([SCRIPT], most=1) == [()]
        assert len(server.requests) == 3


def test_busy_server__that_stays_so_ends_the_run_after_some_attempts(server):
    with opened(server) as source:
        server.faults.append(Fault(status=503, body=b"Service Unavailable"))
        with pytest.raises(SourceUnavailableError, match="503") as caught:
            source.histories([SCRIPT], most=1)
        assert server.uri in str(caught.value)
        assert len(server.requests) == TINY.attempts


def test_server__that_hangs_up_is_asked_again(server):
    with opened(server) as source:
        server.faults.append(Fault(times=2, hang_up=True))
        assert source.histories([SCRIPT], most=1) == [()]
        server.hang_up()  # between two requests
        assert source.histories([SCRIPT], most=1) == [()]


def test_server__that_is_gone_and_back_goes_on_being_asked(snapshot):
    with ExitStack() as first:
        server = first.enter_context(esplora(snapshot))
        with opened(server) as source:
            assert source.histories([SCRIPT], most=1) == [()]
            first.close()
            with pytest.raises(SourceUnavailableError, match="refuses connections"):
                source.histories([SCRIPT], most=1)
            with esplora(snapshot, port=server.port):
                assert source.histories([SCRIPT], most=1) == [()]


@pytest.mark.slow
def test_server__that_drips_its_answer_is_given_up(server):
    with opened(server) as source:
        server.faults.append(Fault(drip_seconds=0.2))
        begin = time.monotonic()
        with pytest.raises(SourceUnavailableError, match="does not answer in time"):
            source.branches([(b"\1" * 32, 1)])
        assert time.monotonic() - begin < TINY.attempts * (TINY.answer + 0.5) + 1


ASKED = {
    "/block-height/7": lambda source: source.block_hash(7),
    "/blocks/7": lambda source: source.headers([7]),
    "/txs": lambda source: source.histories([SCRIPT], most=1),
    "/outspend/": lambda source: source.candidates([question(0)], most=1),
    "/outspends": lambda source: source.candidates([question(0), question(1)], most=1),
    "/tx/": lambda source: source.transactions([b"\1" * 32]),
    "/merkle-proof": lambda source: source.branches([(b"\1" * 32, 1)]),
    "/blocks/tip/hash": lambda source: source.refresh(),
}
"""A question for each route."""


def question(vout: int) -> OutputQuestion:
    return OutputQuestion(txid=b"\1" * 32, vout=vout, script=b"", height=1)


@pytest.mark.parametrize("route", ASKED)
@pytest.mark.parametrize(
    "body",
    [b"<!doctype html><title>Hello</title>", b"", b"null", b'{"error": "?"}', b"\xff\xfe", b"[[]]"],
)
def test_garbage__ends_the_run_and_is_named(server, route, body):
    with opened(server) as source:
        server.faults.append(Fault(route=route, body=body))
        with pytest.raises(SourceUnavailableError) as caught:
            ASKED[route](source)
        assert route in str(caught.value)
        assert server.uri in str(caught.value)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400


@pytest.mark.parametrize("status", [400, 404, 410, 422, 500])
@pytest.mark.parametrize("route", [r for r in ASKED if "block" not in r])
def test_refusals_of_an_item__are_answers_beside_others(server, route, status):
    with opened(server) as source:
        server.faults.append(Fault(route=route, status=status, body=b"Not\nthis one"))
        answers = ASKED[route](source)
        for answer in answers:
            assert isinstance(answer, LookupFailedError)
            assert "Not this one" in str(answer)
            assert str(status) in str(answer)
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [401, 402, 403, 405, 451])
def test_refusals_of_everything__end_the_run(server, status):
    with opened(server) as source:
        server.faults.append(Fault(status=status, body=b"Forbidden"))
        with pytest.raises(SourceUnavailableError, match=f"{status}.*Forbidden"):
            source.histories([SCRIPT], most=1)


def test_one_error__that_concerns_all_stops_the_rest(server):
    with opened(server) as source:
        server.faults.append(Fault(status=403, body=b""))
        with pytest.raises(SourceUnavailableError):
            source.transactions([bytes([number]) * 32 for number in range(200)])
        assert len(server.requests) < 50


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects__are_not_followed(server, snapshot, status):
    with esplora(snapshot) as other, opened(server) as source:
        elsewhere = {"Location": f"http://127.0.0.1:{other.port}{PATH}/blocks/tip/hash"}
        server.faults.append(Fault(status=status, headers=elsewhere, body=b""))
        with pytest.raises(SourceUnavailableError, match="redirect"):
            source.refresh()
        assert other.requests == []


def test_proxy__looks_the_name_up_and_nothing_else_is_contacted(server, snapshot):
    name = "explorer.example"
    with socks_proxy({name: "127.0.0.1"}) as proxy:
        uri = f"esplora+http://{name}:{server.port}{PATH}"
        with open_lookups(uri, "bitcoin-regtest", Access(proxy=proxy.url)) as source:
            assert source.tip_height() == len(snapshot.blocks) - 1
            source.headers(range(30))
            assert source.histories([SCRIPT], most=1) == [()]
        assert set(proxy.asked) == {(name, server.port)}
    hosts = {headers["Host"] for headers in server.headers}
    assert hosts == {f"{name}:{server.port}"}


def test_proxy__of_the_environment_is_not_used(server, monkeypatch):
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with opened(server) as source:
        assert source.histories([SCRIPT], most=1) == [()]


def test_requests__say_nothing_of_who_asks(server):
    with opened(server) as source:
        source.histories([SCRIPT], most=1)
    for headers in server.headers:
        assert headers["User-Agent"] == "arien-flows"
        assert set(headers) <= {"Host", "User-Agent", "Accept-Encoding", "Accept", "Connection"}


@pytest.mark.parametrize("faulty", [False, True])
def test_budget__ends_exactly_where_it_should(server, faulty):
    txids = [bytes([number]) * 32 for number in range(40)]
    if faulty:
        server.faults.append(Fault(route="/tx/", times=7, status=503, body=b""))
    with opened(server, Notebook(most=3 + 20)) as source:
        with pytest.raises(RequestBudgetError):
            source.transactions(txids)
        assert len(server.requests) == 20


def test_secrets__are_sent_and_never_shown(server, caplog):
    caplog.set_level(logging.DEBUG)
    user, secret = "inspector", "sEcr3t-of-the-case"
    uri = server.uri.replace("://", f"://{user}:{secret}@")
    coded = base64.b64encode(f"{user}:{secret}".encode()).decode()
    notebook, told = Notebook(), []
    with open_lookups(uri, "bitcoin-regtest", recorder=notebook) as source:
        told += [source.name, repr(source)]
        assert source.name == server.uri
        assert server.headers[0]["Authorization"] == f"Basic {coded}"
        # A server that repeats what it was sent, in each of its refusals.
        echo = f"wrong password {secret}: Basic {coded}".encode()
        for status, body in ((403, echo), (404, echo), (200, echo)):
            server.faults[:] = [Fault(route="/tx/", status=status, body=body)]
            try:
                told += map(str, source.transactions([b"\1" * 32]))
            except SourceUnavailableError as error:
                told += [str(error), repr(error)]
    server.faults[:] = []
    for wrong in (uri.replace(PATH, "/nowhere"), uri.replace(PATH, f"{PATH}?key={secret}")):
        with pytest.raises(SourceUnavailableError) as caught:
            open_lookups(wrong, "bitcoin-regtest")
        told += [str(caught.value), repr(caught.value)]
    told += [f"{kept.source} {kept.request}" for kept in notebook.kept]
    told += [record.getMessage() for record in caplog.records]
    assert len(told) > 8
    for text in told:
        assert secret not in text
        assert coded not in text


def test_open__at_another_place_than_the_api_says_how_to_name_it(server):
    with pytest.raises(SourceUnavailableError, match=r"esplora\+https://HOST/api") as caught:
        open_lookups(server.uri.removesuffix(PATH), "bitcoin-regtest")
    assert "404" in str(caught.value)
    server.faults.append(Fault(body=b"<html>An explorer for people</html>"))
    with pytest.raises(SourceUnavailableError, match=r"esplora\+https://HOST/api"):
        open_lookups(server.uri.removesuffix(PATH), "bitcoin-regtest")


def test_open__that_fails_leaves_nothing_behind(server):
    server.faults.append(Fault(route="/block/", body=b"garbage"))
    with pytest.raises(SourceUnavailableError, match="not JSON"):
        open_lookups(server.uri, "bitcoin-regtest")
