"""A real node: gone and back, pruned, reorganised, announcing blocks."""

import hashlib
import hmac
import re
import threading
import time
from urllib.parse import urlsplit

import pytest

from chains.access import Access
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.core import source as core_source
from chains.bitcoin.core.place import Transport
from chains.bitcoin.core.source import CoreNode
from chains.bitcoin.networks import BITCOIN, REGTEST, SIGNET
from chains.endpoint import Endpoint
from chains.errors import (
    ChainChangedError,
    SourceUnavailableError,
)
from chains.http import Patience
from chains.registry import open_blocks
from chains.types import shown_txid
from tests.contract.batches import facts
from tests.core_nodes import connect, mine, reorganise, whole
from tests.nodes import bitcoind, free_port
from tests.socks import socks_proxy

pytestmark = pytest.mark.slow

SECRET = "hunter2"  # noqa: S105

forms = pytest.mark.parametrize("form", list(Transport))


def test_open_blocks__opens_a_node(small):
    with open_blocks(small.source, "bitcoin-regtest") as source:
        assert source.tip_height() == 30
        assert source.name == f"core+http://127.0.0.1:{urlsplit(small.url).port}"
        assert isinstance(source, CoreNode)
        assert source.transport is Transport.REST


def test_transport__is_found_out_or_named(small, tmp_path):
    for form in Transport:
        with connect(f"{small.source}?transport={form}") as source:
            assert source.transport is form
        with connect(small.source, transport=form) as source:
            assert source.transport is form
    with bitcoind(tmp_path, "-rest=0") as node:
        with connect(node.source) as source:
            assert source.transport is Transport.RPC
        with pytest.raises(SourceUnavailableError, match="offers no REST: start the node with"):
            connect(node.source, transport=Transport.REST)


def test_cookie__of_a_real_node_lets_in(tmp_path):
    # The test's own user stays, by another option than the one that replaces the cookie.
    salt = "00112233445566778899aabbccddeeff"
    keyed = hmac.new(salt.encode(), b"tests", hashlib.sha256).hexdigest()
    options = ("-rpcuser=", "-rpcpassword=", f"-rpcauth=tests:{salt}${keyed}")
    cookie, port = tmp_path / "regtest" / ".cookie", free_port()
    uri = f"core+http://127.0.0.1:{port}?cookie={cookie}"
    with bitcoind(tmp_path, *options, port=port) as node:
        mine(node, 5)
        written = cookie.read_text()
        source = connect(uri, patience=Patience(attempts=100, first_pause=0.1, longest_pause=0.5))
        assert source.tip_height() == 5
    with source, bitcoind(tmp_path, *options, port=port):
        # The node has written another cookie when it was started again.
        assert cookie.read_text() != written
        source.refresh()
        assert [batch.block_count for batch in source.batches(0, 6)] == [6]


def test_user__needs_the_methods_of_the_documentation_only(tmp_path):
    named = re.findall(r"`(get\w+)`", core_source.__doc__)
    allowed = [method for method in named if method != "getzmqnotifications"]
    assert len(allowed) == 5
    with bitcoind(tmp_path, f"-rpcwhitelist=tests:{','.join(allowed)},getblockcount") as node:
        for form in Transport:
            with connect(node.source, transport=form) as source:
                source.wait(0.1)
                assert source.work_above(0) == 0
                assert len(list(source.spending_batches(0, 1))) == 1


@forms
def test_batches__go_on_when_the_node_is_back(form, tmp_path):
    port, patience = free_port(), Patience(attempts=200, first_pause=0.05, longest_pause=0.2)
    with bitcoind(tmp_path, port=port) as node:
        mine(node, 40)
        expected = whole(BlockFiles(tmp_path, REGTEST, batch_bytes=1))
        source = connect(node.source, transport=form, patience=patience, batch_bytes=1)
        batches = source.batches(0, 41)
        found = [facts(next(batches))]
    rest = []
    reader = threading.Thread(target=lambda: rest.extend(facts(batch) for batch in batches))
    with source:
        reader.start()
        time.sleep(0.5)
        with bitcoind(tmp_path, port=port):
            reader.join(30)
    assert not reader.is_alive()
    assert found + rest == expected


def test_node__that_is_gone_is_told_soon(tmp_path):
    with bitcoind(tmp_path) as node:
        mine(node, 3)
        source = connect(node.source)
    with source:
        started = time.monotonic()
        with pytest.raises(SourceUnavailableError, match="refuses connections"):
            source.refresh()
        with pytest.raises(SourceUnavailableError, match="refuses connections"):
            source.wait(60)
        with pytest.raises(SourceUnavailableError, match="refuses connections"):
            list(source.batches(0, 4))
        assert time.monotonic() - started < 10
        # What was seen stays known.
        assert source.tip_height() == 3


def test_node__that_never_was_there_is_told_soon():
    started = time.monotonic()
    with pytest.raises(SourceUnavailableError, match="refuses connections: is it running"):
        CoreNode(Endpoint.parse(f"core+http://me:{SECRET}@127.0.0.1:{free_port()}"), REGTEST)
    assert time.monotonic() - started < 5


def test_password__that_is_wrong_is_told(small):
    with pytest.raises(SourceUnavailableError, match="does not accept the user or the password"):
        connect(f"core+http://tests:{SECRET}@127.0.0.1:{urlsplit(small.url).port}")


def test_network__that_is_another_names_the_one_to_use(small):
    with pytest.raises(SourceUnavailableError, match="use --network bitcoin-regtest"):
        connect(small.source, BITCOIN)


def test_network__of_ones_own_signet_is_refused(tmp_path):
    own = bitcoind(tmp_path / "own", "-signetchallenge=51", chain="signet")
    with own as node, pytest.raises(SourceUnavailableError, match="a signet of its own"):
        connect(node.source, SIGNET)
    public = bitcoind(tmp_path / "public", chain="signet")
    with public as node, connect(node.source, SIGNET) as source:
        assert source.tip_height() == 0
        assert [batch.block_count for batch in source.batches(0, 1)] == [1]
        (note,) = source.notes()
        assert "still catching up with the network: it has block 0 of 0" in str(note)


@pytest.fixture(scope="module")
def pruned(tmp_path_factory):
    """A node that has deleted its older blocks."""
    with bitcoind(tmp_path_factory.mktemp("pruned"), "-prune=1", "-fastprune=1") as node:
        mine(node, 1200)
        node.rpc.pruneblockchain(800)
        yield node


@forms
def test_pruned__serves_what_it_has(pruned, form):
    with connect(pruned.source, transport=form) as source:
        lowest = source.first_height()
        assert lowest == pruned.rpc.getblockchaininfo()["pruneheight"] > 0
        heights = 0
        for batch, spent in source.spending_batches(lowest, 1201):
            heights += batch.block_count
            assert len(spent.value) == len(batch.spent_txid) == 0
        assert heights == 1201 - lowest
        # Headers are kept, so the chain as such is known from its beginning.
        assert source.block_hash(0) == REGTEST.genesis_hash
        assert source.work_above(-1) == 2 * 1201


@forms
def test_pruned__says_what_to_do_about_the_rest(pruned, form):
    with connect(pruned.source, transport=form) as source:
        lowest = source.first_height()
        for read in (source.batches, source.spending_batches):
            with pytest.raises(
                SourceUnavailableError,
                match=rf"blocks below {lowest} .* `arien-flows ledger ingest --from {lowest}`",
            ):
                read(lowest - 1, lowest + 1)
        assert list(source.batches(0, 0)) == []


@forms
def test_pruned__since_it_was_seen_is_told(form, tmp_path):
    with bitcoind(tmp_path, "-prune=1", "-fastprune=1") as node:
        mine(node, 1000)
        with connect(node.source, transport=form) as source:
            assert source.first_height() == 0
            mine(node, 200)
            node.rpc.pruneblockchain(600)
            with pytest.raises(SourceUnavailableError, match=r"not available .*keeps all of them"):
                list(source.batches(0, 10))
            source.refresh()
            assert source.first_height() > 0


@forms
def test_reorganisation__while_blocks_are_read_is_noticed(form, tmp_path):
    with bitcoind(tmp_path) as node:
        mine(node, 300)
        with connect(node.source, transport=form, batch_bytes=1) as source:
            batches = source.batches(0, 301)
            read = [next(batches) for _ in range(5)]
            reorganise(node, 3, 2)
            with pytest.raises(ChainChangedError, match="read its chain again"):
                read.extend(batches)
            for question in (lambda: source.block_hash(4), lambda: source.work_above(4)):
                with pytest.raises(ChainChangedError):
                    question()
            hashes = [batch.block_hash[0].tobytes() for batch in read]
            assert all(
                batch.header[0, 4:36].tobytes() == before
                for batch, before in zip(read[1:], hashes, strict=False)
            )
            source.refresh()
            assert source.tip_height() == 4
            assert sum(batch.block_count for batch in source.batches(0, 5)) == 5


def test_reorganisation__above_what_is_read_is_one_too(tmp_path):
    """The chain that was seen is gone, even where the blocks in question are in both."""
    with bitcoind(tmp_path) as node:
        mine(node, 20)
        with connect(node.source) as source:
            reorganise(node, 20, 3)
            with pytest.raises(ChainChangedError):
                list(source.batches(0, 5))


def test_reorganisation__by_another_node_in_its_place_is_one_too(tmp_path):
    port = free_port()
    with bitcoind(tmp_path / "first", port=port) as node:
        mine(node, 20)
        source = connect(node.source)
    with source, bitcoind(tmp_path / "second", port=port) as node:
        mine(node, 25, "52")
        for question in (
            lambda: source.block_hash(4),
            lambda: source.work_above(4),
            lambda: list(source.batches(0, 5)),
        ):
            with pytest.raises(
                ChainChangedError, match="has left the chain that ended in block 20"
            ):
                question()
        source.refresh()
        assert source.tip_height() == 25


def test_growth__of_the_chain_that_was_seen_is_no_reorganisation(tmp_path):
    with bitcoind(tmp_path) as node:
        mine(node, 20)
        with connect(node.source) as source:
            mine(node, 5)
            assert sum(batch.block_count for batch in source.batches(0, 21)) == 21
            assert shown_txid(source.block_hash(7)) == node.rpc.getblockhash(7)


@pytest.mark.parametrize("announced", [True, False])
def test_wait__ends_when_a_block_is_mined(announced, tmp_path):
    port = free_port()
    options = (f"-zmqpubhashblock=tcp://127.0.0.1:{port}",) if announced else ()
    with bitcoind(tmp_path, *options) as node:
        mine(node, 2)
        with connect(node.source) as source:
            source.wait(0.3)  # subscribes
            mined = []

            def soon():
                time.sleep(0.5)
                mine(node, 1)
                mined.append(time.monotonic())

            miner = threading.Thread(target=soon)
            miner.start()
            source.wait(30)
            ended = time.monotonic()
            miner.join()
            assert ended - mined[0] < (1 if announced else 5)
            # Until it is refreshed there is something new to be seen.
            started = time.monotonic()
            source.wait(30)
            assert time.monotonic() - started < 1
            source.refresh()
            assert source.tip_height() == 3


def test_proxy__leads_to_a_node_elsewhere_and_past_no_announcements(small):
    port = urlsplit(small.url).port
    with socks_proxy({"node.onion": "127.0.0.1"}) as proxy:
        uri = f"core+http://tests:tests@node.onion:{port}"
        with connect(uri, access=Access(proxy=proxy.url)) as source:
            assert len(whole(source)) == 1
            source.wait(0.2)
            assert source._announcements is None
    assert set(proxy.hosts) == {"node.onion"}
