"""Servers take batches, or not, or only small ones, or not so many in a second."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.access import DIRECT
from chains.endpoint import Endpoint
from chains.errors import SourceUnavailableError
from chains.ethereum.rpc import calls
from chains.ethereum.rpc.calls import Call, NodeRpc, RpcRefusalError, Why
from chains.ethereum.rpc.provider import NodeProvider
from tests.ethereum_nodes import BRIEF
from tests.http_server import Reply, serving


class Server:
    """Answers each call with its own parameter, within the bounds that it is given."""

    def __init__(self, *, most_calls=100, most_answers=100, how="one error", busy=0):
        self.most_calls = most_calls
        self.most_answers = most_answers
        self.how = how
        self.busy = busy

    def __call__(self, asked):
        asked_for = json.loads(asked.body)
        if self.busy:
            self.busy -= 1
            return self.reply(asked_for, [self.error(call, 429, "rate limit exceeded")
                                          for call in self.many(asked_for)])  # fmt: skip
        many = self.many(asked_for)
        if isinstance(asked_for, list) and len(many) > self.most_calls:
            return self.too_many(many)
        told = [{"id": call["id"], "result": call["params"][0]} for call in many]
        for call, place in zip(many, range(len(many)), strict=True):
            if place >= self.most_answers:
                told[place] = self.error(call, -32003, "response too large")
        # A server may answer in any order.
        return self.reply(asked_for, told[::-1] if isinstance(asked_for, list) else told)

    def too_many(self, many):
        if self.how == "status":
            return Reply(status=413)
        error = {"code": -32600, "message": "batch too large"}
        if self.how == "one error":
            return Reply(body=json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode())
        if self.how == "list of one":
            return Reply(body=json.dumps([{"jsonrpc": "2.0", "id": None, "error": error}]).encode())
        shown = {"jsonrpc": "2.0", "id": many[0]["id"], "error": error}
        return Reply(status=400, body=json.dumps(shown).encode())

    @staticmethod
    def many(asked_for):
        return asked_for if isinstance(asked_for, list) else [asked_for]

    @staticmethod
    def error(call, code, words):
        return {"id": call["id"], "error": {"code": code, "message": words}}

    @staticmethod
    def reply(asked_for, told):
        return Reply(body=json.dumps(told if isinstance(asked_for, list) else told[0]).encode())


def rpc_of(server):
    endpoint = Endpoint.parse(f"eth+{server.url}")
    provider = NodeProvider(endpoint, DIRECT, BRIEF)
    return provider, NodeRpc(provider)


def asked(server, count):
    provider, rpc = rpc_of(server)
    try:
        return rpc.ask_all([Call(method="echo", parameters=(hex(at),)) for at in range(count)])
    finally:
        provider.close()


@given(
    count=st.integers(0, 120),
    most_calls=st.integers(1, 120),
    most_answers=st.integers(1, 50),
    how=st.sampled_from(["one error", "list of one", "status", "error of one under a status"]),
)
def test_ask_all__answers_in_order_whatever_batches_a_server_takes(
    count, most_calls, most_answers, how
):
    answer = Server(most_calls=most_calls, most_answers=most_answers, how=how)
    with serving(answer) as server:
        assert asked(server, count) == [hex(at) for at in range(count)]


def test_ask_all__keeps_the_size_that_a_server_took():
    with serving(Server(most_calls=10)) as server:
        provider, rpc = rpc_of(server)
        for _ in range(2):
            rpc.ask_all([Call(method="echo", parameters=("0x1",))] * 60)
        provider.close()
    sizes = [len(json.loads(one.body)) for one in server.asked]
    # 60, 30 and 15 are refused once each.
    assert sizes[:3] == [60, 30, 15]
    assert max(sizes[3:]) <= 10


def test_ask_all__waits_while_a_server_is_busy(monkeypatch):
    monkeypatch.setattr(calls, "_BUSY_PAUSES", (0.01, 0.02, 0.03))
    with serving(Server(busy=2)) as server:
        assert asked(server, 3) == ["0x0", "0x1", "0x2"]
    with serving(Server(busy=9)) as server:
        assert all(one.why is Why.BUSY for one in asked(server, 3))


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[1]", b"7", b"null", b"[" * 5000, b'[{"id":0}]', b'{"id":0}', b"\xff\xfe"],
)
def test_ask_all__refuses_what_is_no_json_rpc(body):
    with (
        serving(Reply(body=body)) as server,
        pytest.raises(SourceUnavailableError, match=r"not the JSON-RPC of a node|has no JSON-RPC"),
    ):
        asked(server, 1)


@pytest.mark.parametrize(
    ("code", "words", "why"),
    [
        (-32601, "Method not found", Why.ABSENT),
        (-32601, "the method trace_block does not exist/is not available", Why.ABSENT),
        (-32000, "missing trie node 8f8c (path ) state 0x8f8c is not available", Why.STATE_GONE),
        (-32000, "required historical state unavailable (reexec=128)", Why.STATE_GONE),
        (-32000, "distance to target block exceeds maximum proof window", Why.STATE_GONE),
        (4444, "pruned history unavailable", Why.STATE_GONE),
        (-32005, "query returned more than 10000 results", Why.TOO_MUCH),
        (-32602, "block range too large", Why.TOO_MUCH),
        (-32005, "daily request count exceeded, request rate limited", Why.BUSY),
        (429, "Your app has exceeded its compute units per second capacity", Why.BUSY),
        (3, "execution reverted", Why.OTHER),
        (-32000, "execution reverted", Why.OTHER),
    ],
)
def test_why__is_told_by_code_and_words(code, words, why):
    assert RpcRefusalError("node", "method", code, words).why is why


@pytest.mark.parametrize("code", [3, -32000])
def test_why__is_not_told_by_the_words_of_a_contract(code):
    words = "execution reverted: rate limit, too many requests, pruned"
    assert RpcRefusalError("node", "eth_call", code, words).why is Why.OTHER


def test_ask_all__reads_the_deepest_calls_that_there_are():
    """Calls nest 1,024 deep, and each is an object in a list."""
    body = "".join(('{"id":0,"result":', '{"calls":[' * 1_025, "]}" * 1_025, "}"))
    with serving(Reply(body=body.encode())) as server:
        (tree,) = asked(server, 1)
    depth = 0
    while tree.get("calls"):
        (tree,), depth = tree["calls"], depth + 1
    assert depth == 1_024
