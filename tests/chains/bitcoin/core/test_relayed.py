"""A real node behind a relay that is busy, starting, old, strange or telling secrets."""

import base64
import json
import logging
import re
from urllib.parse import urlsplit

import pytest

from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.core.place import Transport
from chains.bitcoin.networks import REGTEST
from chains.errors import (
    ChainError,
    MalformedBlockError,
    SourceUnavailableError,
)
from chains.types import shown_txid
from tests.core_nodes import connect, methods, relay, whole
from tests.http_server import Reply, serving
from tests.nodes import free_port

pytestmark = pytest.mark.slow

SECRET = "hunter2"  # noqa: S105

forms = pytest.mark.parametrize("form", list(Transport))


def test_transport__falls_back_for_what_blocks_spend(regtest_chain):
    """Nodes before version 30 have REST, but not that part of it."""

    def without(asked, _reply):
        return Reply(status=404) if "/spenttxouts/" in asked.path else None

    with connect(regtest_chain.node.source) as source:
        stop = source.tip_height() + 1
        expected = [spent.value.tolist() for _, spent in source.spending_batches(0, stop)]
    with relay(regtest_chain.node, without) as (server, uri), connect(uri) as source:
        assert source.transport is Transport.REST
        ours = [spent.value.tolist() for _, spent in source.spending_batches(0, stop)]
        assert ours == expected
        server.asked.clear()
        whole(source)
        assert sum("/rest/block/" in path for path in server.paths) == stop


def test_network__that_is_told_strangely_is_refused(small):
    def renamed(asked, reply):
        if "getblockchaininfo" in methods(asked):
            return Reply(body=reply.body.replace(b'"regtest"', b'"liquid"'))
        return None

    def replaced(asked, reply):
        if "getblockchaininfo" in methods(asked):
            genesis = shown_txid(REGTEST.genesis_hash).encode()
            return Reply(body=reply.body.replace(genesis, b"11" * 32))
        return None

    def without_work(_asked, reply):
        return Reply(body=reply.body.replace(b'"chainwork":"', b'"chainwork":"x'))

    for spoil, words in (
        (without_work, "chainwork is not hexadecimal"),
        (renamed, "a network called 'liquid', not bitcoin-regtest"),
        (replaced, "its first block is not that of bitcoin-regtest"),
    ):
        with relay(small, spoil) as (_, uri), pytest.raises(SourceUnavailableError, match=words):
            connect(uri)


@forms
def test_warm_up__is_waited_for(small, form):
    left = iter(range(3))

    def loading(asked, _reply):
        if asked.method == "POST" and next(left, None) is not None:
            error = {"code": -28, "message": "Verifying blocks…"}
            rows = [{"id": call["id"], "error": error} for call in json.loads(asked.body)]
            return Reply(body=json.dumps(rows).encode())
        return None

    with relay(small, loading) as (_, uri), connect(uri, transport=form) as source:
        assert source.tip_height() == 30


@forms
def test_busy__is_tried_again(small, form):
    expected = whole(BlockFiles(small.datadir, REGTEST))
    seen = set()

    def busy(asked, _reply):
        """Refuse every request the first time."""
        if (asked.path, asked.body) in seen:
            return None
        seen.add((asked.path, asked.body))
        return Reply(status=503, body=b"Work queue depth exceeded")

    with relay(small, busy) as (_, uri), connect(uri, transport=form) as source:
        assert whole(source) == expected


def in_block(change):
    """Spoil the answers that hold blocks."""

    def spoil(asked, reply):
        holds = "/rest/block/" in asked.path or "getblock" in methods(asked)
        return Reply(body=change(reply.body)) if holds and reply.status == 200 else None

    return spoil


@forms
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _body: b"garbage", id="garbage"),
        pytest.param(lambda _body: b"", id="nothing"),
        pytest.param(lambda body: body[: len(body) // 2], id="half"),
        pytest.param(lambda body: re.sub(rb"[0-9a-f]{64}", b"zz" * 32, body), id="no hex"),
        pytest.param(lambda body: body.replace(b"20000000", b"20000001"), id="another version"),
        pytest.param(lambda body: body.replace(b"\x00\x00\x00\x20", b"\x01\x00\x00\x20"), id="bit"),
    ],
)
def test_garbage__is_never_served(small, form, change):
    expected = whole(BlockFiles(small.datadir, REGTEST))
    with relay(small, in_block(change)) as (_, uri), connect(uri, transport=form) as source:
        try:
            served = whole(source)
        except (SourceUnavailableError, MalformedBlockError):
            served = expected
    assert served == expected


def test_garbage__of_other_blocks_is_noticed(small):
    """A relay that answers each question with the block of another one."""
    known = [small.rpc.getblockhash(height) for height in range(31)]

    def shifted(asked, _reply):
        if "/rest/block/" not in asked.path:
            return None
        shown = asked.path.split("/")[-1].removesuffix(".bin")
        return Reply(body=raw[known[(known.index(shown) + 1) % 31]])

    raw = {shown: bytes.fromhex(small.rpc.getblock(shown, 0)) for shown in known}
    with relay(small, shifted) as (_, uri), connect(uri) as source:
        batches = source.batches(0, 31)
        with pytest.raises(SourceUnavailableError, match="gives another block than"):
            list(batches)


@forms
def test_garbage__of_spent_outputs_is_noticed(regtest_chain, form):
    def change(asked, reply):
        if "/spenttxouts/" in asked.path and reply.status == 200:
            return Reply(body=reply.body[:-1] + b"\x00\x00")
        if "getblock" in methods(asked):
            return Reply(body=reply.body.replace(b'"prevout"', b'"before"'))
        return None

    with relay(regtest_chain.node, change) as (_, uri), connect(uri, transport=form) as source:
        batches = source.spending_batches(0, source.tip_height() + 1)
        with pytest.raises(SourceUnavailableError, match=r"does not fit|prevout is missing"):
            list(batches)


def test_wait__listens_to_no_other_host(small):
    def elsewhere(asked, _reply):
        if "getzmqnotifications" not in methods(asked):
            return None
        row = {"type": "pubhashblock", "address": f"tcp://192.0.2.1:{port}", "hwm": 1}
        return Reply(body=json.dumps([{"id": 0, "result": [row]}]).encode())

    with serving(Reply()) as listening:
        port = listening.port
        with relay(small, elsewhere) as (_, uri), connect(uri) as source:
            source.wait(0.3)
            announcements = source._announcements
            assert announcements is not None
            assert announcements._socket.last_endpoint == f"tcp://127.0.0.1:{port}".encode()


@pytest.mark.parametrize("answer", ["refused", "forbidden"])
def test_wait__asks_no_more_often_because_waits_are_short(small, answer):
    def refuse(asked, _reply):
        if "getzmqnotifications" not in methods(asked):
            return None
        error = {"code": -32601, "message": "Method not found"}
        body = json.dumps([{"id": 0, "error": error}]).encode()
        return Reply(body=body) if answer == "refused" else Reply(status=403)

    with relay(small, refuse) as (server, uri), connect(uri) as source:
        opened = len(server.asked)
        for _ in range(20):
            source.wait(0.02)
        called = [method for asked in server.asked[opened:] for method in methods(asked)]
    assert called.count("getzmqnotifications") == 1
    assert called.count("getbestblockhash") <= 2


def test_secrets__are_in_no_message_and_no_log(small, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    cookie = tmp_path / "cookie"
    cookie.write_text(f"__cookie__:{SECRET}cookie")
    port, shown = urlsplit(small.url).port, []

    def echo(asked, _reply):
        coded = asked.headers["Authorization"].removeprefix("Basic ")
        _, _, password = base64.b64decode(coded).decode().partition(":")
        return Reply(status=500, body=f"{coded} {password}".encode())

    with relay(small, echo) as (server, _):
        wrong = f"core+http://me:{SECRET}@127.0.0.1"
        for uri, network in (
            (f"{wrong}:{port}", REGTEST),
            (f"{wrong}:{free_port()}", REGTEST),
            (f"{wrong}:{server.port}", REGTEST),
            (f"{wrong}:{port}/{SECRET}@x", REGTEST),
            (f"{wrong}:{port}?transport={SECRET}", REGTEST),
            (f"core+http://127.0.0.1:{port}?cookie={cookie}", REGTEST),
            (f"core+http://127.0.0.1:{server.port}?cookie={cookie}", REGTEST),
        ):
            with pytest.raises(ChainError) as caught:
                connect(uri, network)
            error = caught.value
            shown.append(f"{error} {error!r} {error.__cause__!r} {error.__context__!r}")
    with connect(small.source) as source:
        whole(source)
        for value in (source, source.name, source._client, source._rpc, source._chain):
            shown.append(f"{value!r}")
    text = caplog.text + "".join(shown)
    assert "urllib3" in caplog.text
    for secret in (SECRET, "tests:tests", "dGVzdHM6dGVzdHM=", "bWU6aHVudGVyMg", "X19jb29raWVfXz"):
        assert secret not in text
