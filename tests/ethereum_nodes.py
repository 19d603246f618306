"""What tests of Ethereum nodes as sources share: connecting, and a relay that misbehaves."""

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from chains.access import DIRECT
from chains.endpoint import Endpoint
from chains.ethereum.networks import ETHEREUM_DEV
from chains.ethereum.rpc.source import EthereumNode
from chains.http import Patience
from tests.anvil import EthereumNode as RunningNode
from tests.http_server import Asked, Reply, Served, serving

BRIEF = Patience(
    connect=2, silence=5, answer=5, attempts=2, first_pause=0.02, longest_pause=0.2, in_all=5
)

Call = dict[str, Any]
Spoil = Callable[[Call, Call], Call | None]
"""Gets a call and its answer, and returns another answer in its place, or nothing."""

ABSENT = {"code": -32601, "message": "the method does not exist/is not available"}


def connect(uri: str, network=ETHEREUM_DEV, access=DIRECT, **options) -> EthereumNode:
    """Open a node as a source, with little patience."""
    return EthereumNode(Endpoint.parse(uri), network, access, **({"patience": BRIEF} | options))


@contextmanager
def relay(node: RunningNode, spoil: Spoil) -> Iterator[tuple[Served, str]]:
    """Pass calls on to a node, but where `spoil` says something else; gives the source's URI."""

    def answer(asked: Asked) -> Reply:
        told = forwarded(node, asked)
        if isinstance(told, list):
            calls = {call["id"]: call for call in json.loads(asked.body)}
            told = [spoil(calls[one["id"]], one) or one for one in told]
        else:
            told = spoil(json.loads(asked.body), told) or told
        return Reply(body=json.dumps(told).encode())

    with serving(answer) as server:
        yield server, f"eth+{server.url}"


def forwarded(node: RunningNode, asked: Asked) -> Any:
    """Ask the node what was asked, and return its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
    try:
        connection.request("POST", "/", asked.body, {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def refusing(*methods: str, error: Call = ABSENT) -> Spoil:
    """Return what refuses these methods."""

    def spoil(call: Call, answer: Call) -> Call | None:
        return refused(answer, error) if call["method"] in methods else None

    return spoil


def refused(answer: Call, error: Call) -> Call:
    """Return an answer that is an error."""
    return {"jsonrpc": "2.0", "id": answer["id"], "error": error}


def methods_asked(server: Served) -> set[str]:
    """Return the methods that were called so far."""
    found = set()
    for asked in server.asked:
        calls = json.loads(asked.body)
        found |= {call["method"] for call in (calls if isinstance(calls, list) else [calls])}
    return found
