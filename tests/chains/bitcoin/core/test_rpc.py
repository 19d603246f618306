import json
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from chains.access import DIRECT, Secret
from chains.bitcoin.core.place import Credentials
from chains.bitcoin.core.rpc import Call, NodeRpc, RpcRefusalError
from chains.endpoint import Endpoint
from chains.errors import SourceUnavailableError
from chains.exchange import NoRecorder
from chains.http import HttpClient, Patience
from tests.http_server import Reply, serving

SECRET = "hunter2"  # noqa: S105
BRIEF = Patience(silence=2, answer=2, attempts=3, first_pause=0.02, longest_pause=0.1, in_all=5)
PASSWORD = Credentials(user="me", password=Secret(SECRET))
LOADING = {"code": -28, "message": "Loading block index…"}


@pytest.fixture
def connect():
    """Connect to stand-ins; connections are closed after the test."""
    clients = []

    def make(server, credentials=PASSWORD, *, warm_up=5.0):
        client = HttpClient(
            Endpoint.parse(server.url), access=DIRECT, recorder=NoRecorder(), patience=BRIEF
        )
        clients.append(client)
        return NodeRpc(client, credentials, warm_up=warm_up)

    yield make
    for client in clients:
        client.close()


def speaking(answer):
    """Answer each call of a batch by `answer(method, parameters)`: a result, or an error."""

    def reply(asked):
        rows = []
        for call in json.loads(asked.body):
            result = answer(call["method"], call["params"])
            failed = isinstance(result, dict) and "code" in result
            rows.append({"id": call["id"], "error" if failed else "result": result})
        return Reply(body=json.dumps(rows).encode())

    return reply


def test_ask_all__answers_in_the_order_of_the_calls(connect):
    def reply(asked):
        calls = json.loads(asked.body)
        rows = [{"id": call["id"], "result": call["params"], "error": None} for call in calls]
        return Reply(body=json.dumps(rows[::-1]).encode())

    with serving(reply) as server:
        calls = [Call(method="echo", parameters=(number,)) for number in range(5)]
        assert connect(server).ask_all(calls) == [[number] for number in range(5)]


def test_ask__keeps_fractions_exact(connect):
    with serving(Reply(body=b'[{"id": 0, "result": 0.29}]')) as server:
        assert connect(server).ask("x") == Decimal("0.29")


def test_ask_all__puts_refusals_in_their_place(connect):
    error = {"code": -5, "message": "Block not\nfound"}
    answering = speaking(lambda method, _: error if method == "bad" else 1)
    with serving(answering) as server:
        rpc = connect(server)
        good, bad = rpc.ask_all([Call(method="good"), Call(method="bad")])
        with pytest.raises(RpcRefusalError, match=r"refuses bad: Block not found \(-5\)"):
            rpc.ask("bad")
    assert good == 1
    assert isinstance(bad, RpcRefusalError)
    assert (bad.code, bad.words) == (-5, "Block not found")


def test_ask__waits_while_the_node_starts(connect):
    left = iter(range(2))
    answering = speaking(lambda _m, _p: LOADING if next(left, None) is not None else "ready")
    with serving(answering) as server:
        assert connect(server).ask("getblockchaininfo") == "ready"
    assert len(server.asked) == 3


def test_ask__gives_up_on_a_node_that_keeps_starting(connect):
    with serving(speaking(lambda _m, _p: LOADING)) as server:
        started = time.monotonic()
        with pytest.raises(SourceUnavailableError, match="Loading block index…") as caught:
            connect(server, warm_up=0.4).ask("getblockchaininfo")
        assert time.monotonic() - started < 2
    assert "still starting after 0 seconds" in str(caught.value)


@pytest.mark.parametrize("status", [500, 503])
def test_ask__tries_again_where_the_node_is_busy(connect, status):
    left = iter(range(2))
    answering = speaking(lambda _m, _p: "done")
    busy = Reply(status=status, body=b"Work queue depth exceeded")
    with serving(
        lambda asked: busy if next(left, None) is not None else answering(asked)
    ) as server:
        assert connect(server).ask("x") == "done"
    assert len(server.asked) == 3


def test_ask__gives_up_on_a_node_that_stays_busy(connect):
    with serving(Reply(status=503, body=b"Work queue depth exceeded")) as server:
        rpc = connect(server)
        with pytest.raises(SourceUnavailableError, match="503: Work queue depth exceeded"):
            rpc.ask("x")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b"null",
        b"{}",
        b"[]",
        b"[1]",
        b"[null]",
        b'[{"result": 1}]',
        b'[{"id": 1, "result": 1}]',
        b'[{"id": "0", "result": 1}]',
        b'[{"id": 0}]',
        b'[{"id": 0, "result": 1}, {"id": 0, "result": 1}]',
        b'[{"id": 0, "error": "no"}]',
        b'[{"id": 0, "error": {"code": "x", "message": 5}}]',
        b"[" * 100_000,
    ],
)
def test_ask__calls_other_answers_strange(connect, body):
    with serving(Reply(body=body)) as server:
        rpc = connect(server)
        with pytest.raises(SourceUnavailableError, match="not the JSON-RPC of a node") as caught:
            rpc.ask("x")
    assert server.url in str(caught.value)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "does not accept the user or the password"),
        (403, "rpcallowip"),
        (404, "has no JSON-RPC of a node there"),
        (405, "has no JSON-RPC of a node there"),
        (400, "has no JSON-RPC of a node there"),
    ],
)
def test_ask__says_why_the_node_lets_nobody_in(connect, status, words):
    with serving(Reply(status=status, body=SECRET.encode())) as server:
        rpc = connect(server)
        with pytest.raises(SourceUnavailableError, match=words) as caught:
            rpc.ask("x")
    assert SECRET not in f"{caught.value} {caught.value.__context__}"


@pytest.fixture
def cookie(tmp_path):
    file = tmp_path / "cookie"
    file.write_text("__cookie__:old")
    return file


def letting_in(password, body=b'[{"id": 0, "result": "in"}]'):
    """Let nobody in but who has the password."""
    expected = HttpClient(
        Endpoint.parse(f"http://__cookie__:{password}@x"), access=DIRECT, recorder=NoRecorder()
    )._authorization

    def answer(asked):
        known = asked.headers["Authorization"] == expected
        return Reply(body=body) if known else Reply(status=401)

    return answer


def test_cookie__is_read_again_when_the_node_has_another(connect, cookie):
    with serving(letting_in("new")) as server:
        rpc = connect(server, Credentials(cookie=cookie))
        cookie.write_text("__cookie__:new")
        assert rpc.ask("x") == "in"
        assert len(server.asked) == 2
        assert rpc.ask("x") == "in"
        assert len(server.asked) == 3


def test_cookie__of_another_node_is_told(connect, cookie):
    with serving(letting_in("new")) as server:
        rpc = connect(server, Credentials(cookie=cookie))
        with pytest.raises(SourceUnavailableError, match="does not accept the cookie") as caught:
            rpc.ask("x")
        assert len(server.asked) == 1
        # A changed one is tried once, not for ever.
        cookie.write_text("__cookie__:wrong")
        with pytest.raises(SourceUnavailableError, match="does not accept the cookie"):
            rpc.ask("x")
        assert len(server.asked) == 3
    assert str(cookie) in str(caught.value)


def test_cookie__is_renewed_for_all_threads(connect, cookie):
    with serving(letting_in("new")) as server:
        rpc = connect(server, Credentials(cookie=cookie))
        cookie.write_text("__cookie__:new")
        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(rpc.ask, ["x"] * 30)) == ["in"] * 30


def test_cookie__that_is_gone_is_told(connect, cookie):
    with serving(letting_in("new")) as server:
        rpc = connect(server, Credentials(cookie=cookie))
        cookie.unlink()
        with pytest.raises(SourceUnavailableError, match="cannot be read"):
            rpc.ask("x")
