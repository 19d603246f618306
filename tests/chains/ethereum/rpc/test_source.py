import copy
import re

import pytest

from chains.access import Access, Secret
from chains.errors import (
    ChainChangedError,
    LookupFailedError,
    MalformedBlockError,
    SourceUnavailableError,
)
from chains.ethereum.networks import ETHEREUM
from chains.ethereum.rpc.tracing import Tracing
from chains.ethereum.tables import CallCoverage
from tests.anvil import anvil
from tests.ethereum_nodes import connect, methods_asked, refused, refusing, relay
from tests.http_server import Reply, serving

TRACING = ("debug_traceBlockByNumber", "trace_block")


@pytest.fixture
def own_node(tmp_path):
    """Return a node for the test alone, with three blocks."""
    with anvil(tmp_path) as node:
        rich, other = node.rpc("eth_accounts")[:2]
        for wei in (1, 2, 3):
            node.rpc("eth_sendTransaction", {"from": rich, "to": other, "value": hex(wei)})
            node.mine()
        yield node


def whole(source):
    return [*source.batches(0, source.tip().height + 1)]


# --- which chain it is


def test_node__of_a_public_chain_is_no_development_chain(tmp_path):
    with (
        anvil(tmp_path, chain_id=137) as node,
        pytest.raises(SourceUnavailableError, match="id 137, Polygon") as caught,
    ):
        connect(node.source)
    assert "--network" in str(caught.value)


def test_node__that_says_it_is_the_main_net_must_have_its_first_block(tmp_path):
    with (
        anvil(tmp_path, chain_id=1) as node,
        pytest.raises(SourceUnavailableError, match="its first block is another"),
    ):
        connect(node.source, ETHEREUM)


def test_node__that_is_catching_up_says_so(ethereum_chain):
    def spoil(call, answer):
        if call["method"] == "eth_syncing":
            progress = {"currentBlock": "0x5", "highestBlock": "0x64", "startingBlock": "0x0"}
            return {**answer, "result": progress}
        return None

    with relay(ethereum_chain.node, spoil) as (_, uri), connect(uri) as source:
        (note,) = source.notes()
    assert "block 5 of 100" in note


# --- how it traces


def test_node__is_asked_for_traces_in_the_best_way_that_it_offers(ethereum_chain):
    for refused_methods, tracing in (
        ((), Tracing.DEBUG),
        (TRACING[:1], Tracing.TRACE),
        (TRACING[1:], Tracing.DEBUG),
        (TRACING, Tracing.NONE),
    ):
        with (
            relay(ethereum_chain.node, refusing(*refused_methods)) as (_, uri),
            connect(uri) as source,
        ):
            assert source.tracing is tracing
            assert (len(source.notes()) == 0) == (tracing is not Tracing.NONE)


@pytest.mark.parametrize(
    "words",
    [
        "the method debug_traceBlockByNumber does not exist/is not available",
        "Method not found",
        "Unsupported method: debug_traceBlockByNumber on ETH_MAINNET",
        "rpc method is not whitelisted",
        "This method is not available on the free plan, upgrade to a paid plan",
        "debug namespace is disabled",
    ],
)
def test_node__that_refuses_to_trace_does_so_in_many_words(ethereum_chain, words):
    spoil = refusing(*TRACING, error={"code": -32600, "message": words})
    with relay(ethereum_chain.node, spoil) as (_, uri), connect(uri) as source:
        assert source.tracing is Tracing.NONE
        (batch,) = source.batches(5, 8)
        assert batch.calls is CallCoverage.MISSING


def test_node__that_answers_with_steps_of_the_machine_does_not_trace_calls(ethereum_chain):
    def spoil(call, answer):
        if call["method"] == TRACING[0]:
            return {**answer, "result": [{"result": {"gas": 1, "structLogs": []}}]}
        return None

    with relay(ethereum_chain.node, spoil) as (_, uri), connect(uri) as source:
        assert source.tracing is Tracing.TRACE


def test_node__without_the_state_to_trace_says_what_to_do(ethereum_chain):
    def spoil(call, answer):
        if call["method"] == TRACING[0] and call["params"][0] == "0x3":
            return refused(answer, {"code": -32000, "message": "missing trie node 0xabcd (path )"})
        return None

    with (
        relay(ethereum_chain.node, spoil) as (_, uri),
        connect(uri) as source,
        pytest.raises(SourceUnavailableError, match="tracing block 3") as caught,
    ):
        whole(source)
    assert "archive node" in str(caught.value)
    assert "traces=none" in str(caught.value)


def test_traces__may_be_forced_and_left_away(ethereum_chain):
    with relay(ethereum_chain.node, lambda *_: None) as (server, uri):
        with connect(f"{uri}?traces=none") as source:
            (note,) = source.notes()
            assert "?traces=none" in note
            whole(source)
        assert not methods_asked(server) & set(TRACING)
    with pytest.raises(SourceUnavailableError, match="debug, trace, none"):
        connect(f"{ethereum_chain.source}?traces=all")


# --- what it has not got


def test_receipts__are_asked_for_one_by_one_where_a_node_has_no_other_way(ethereum_chain):
    with connect(ethereum_chain.source) as source:
        expected = whole(source)
    with (
        relay(ethereum_chain.node, refusing("eth_getBlockReceipts")) as (_, uri),
        connect(uri) as source,
    ):
        found = whole(source)
    assert (found[0].amount == expected[0].amount).all()
    assert (found[0].gas_used == expected[0].gas_used).all()


def test_blocks__that_a_node_has_deleted_are_not_its_first(ethereum_chain):
    def spoil(call, answer):
        is_whole = call["method"] == "eth_getBlockByNumber" and call["params"][1]
        if is_whole and 0 < int(call["params"][0], 16) < 17:
            return refused(answer, {"code": 4444, "message": "pruned history unavailable"})
        return None

    with relay(ethereum_chain.node, spoil) as (_, uri), connect(uri) as source:
        assert source.first_height() == 17
        with pytest.raises(SourceUnavailableError, match="--from 17"):
            source.batches(16, 20)
        assert sum(batch.block_count for batch in source.batches(17, 20)) == 3


def test_balances__of_a_state_that_is_gone_fail_one_by_one(ethereum_chain):
    spoil = refusing("eth_getBalance", error={"code": -32000, "message": "missing trie node ab"})
    with relay(ethereum_chain.node, spoil) as (_, uri), connect(uri) as source:
        (failure,) = source.balances(1, [bytes(20)], None)
    assert isinstance(failure, LookupFailedError)
    assert "archive node" in str(failure)


def test_balances__of_what_is_no_token_fail_one_by_one(ethereum_chain):
    alice = bytes.fromhex(ethereum_chain.people["alice"][2:])
    with connect(ethereum_chain.source) as source:
        for name in ("liar", "splitter"):
            contract = bytes.fromhex(ethereum_chain.names[name][2:])
            (failure,) = source.balances(source.tip().height, [alice], contract)
            assert isinstance(failure, LookupFailedError), name
            assert "\n" not in str(failure)


def test_balances__of_a_token_that_is_not_there_yet_are_none(ethereum_chain):
    alice, usd = (bytes.fromhex(ethereum_chain.names[name][2:]) for name in ("alice", "usd"))
    with connect(ethereum_chain.source) as source:
        assert source.balances(0, [alice, usd], usd) == [0, 0]
        assert source.balances(9, [alice], usd) == [10**9]


def test_codes__are_those_at_the_accounts(ethereum_chain):
    names = ("deposit_alice", "delegator", "alice")
    accounts = [bytes.fromhex(ethereum_chain.names[name][2:]) for name in names]
    with connect(ethereum_chain.source) as source:
        proxy, delegation, none = source.codes(source.tip().height, accounts)
    forwarder = bytes.fromhex(ethereum_chain.contracts["forwarder"][2:])
    assert proxy == bytes.fromhex("363d3d373d3d3d363d73") + forwarder + bytes.fromhex(
        "5af43d82803e903d91602b57fd5bf3"
    )
    assert delegation == bytes.fromhex("ef0100") + forwarder
    assert none == b""


# --- when its chain changes


def test_reorganisation__is_noticed_and_followed(own_node):
    with connect(own_node.source) as source:
        (before,) = whole(source)
        parent = source.place(1).block_hash
        own_node.rpc("anvil_reorg", 2, [])
        with pytest.raises(ChainChangedError):
            source.place(1)
        with pytest.raises(ChainChangedError):
            whole(source)
        with pytest.raises(ChainChangedError):
            source.balances(1, [bytes(20)], None)
        source.refresh()
        (after,) = whole(source)
        assert source.tip().height == 3
        assert source.place(1).block_hash == parent
    assert (before.block_hash[:2] == after.block_hash[:2]).all()
    assert (before.block_hash[2:] != after.block_hash[2:]).any(axis=1).all()
    assert after.first_transaction[-1] < before.first_transaction[-1]


@pytest.mark.parametrize("part", ["eth_getBlockReceipts", *TRACING])
def test_parts__of_another_block_are_not_mixed_in(ethereum_chain, part):
    def spoil(call, answer):
        if call["method"] != part or call["params"][0] != "0x6":
            return None
        other = copy.deepcopy(answer)
        for row in other["result"]:
            for key in ("blockHash", "txHash", "transactionHash"):
                if key in row:
                    row[key] = "0x" + "ab" * 32
        return other

    forced = {"trace_block": "trace", "debug_traceBlockByNumber": "debug"}.get(part, "none")
    with (
        relay(ethereum_chain.node, spoil) as (_, uri),
        connect(f"{uri}?traces={forced}") as source,
        pytest.raises(ChainChangedError, match="block 6"),
    ):
        whole(source)


def test_block__that_is_not_what_it_says_it_is_ends_the_reading(ethereum_chain):
    def spoil(call, answer):
        if call["method"] == "eth_getBlockByNumber" and call["params"] == ["0x6", True]:
            return {**answer, "result": {**answer["result"], "gasUsed": "0x1"}}
        return None

    with (
        relay(ethereum_chain.node, spoil) as (_, uri),
        connect(uri) as source,
        pytest.raises(MalformedBlockError, match="block 6") as caught,
    ):
        whole(source)
    assert "name another node" in str(caught.value)


def test_wait__returns_when_there_is_a_block_or_the_time_is_over(own_node):
    with connect(own_node.source) as source:
        source.wait(0.05)
        own_node.mine()
        source.refresh()
        own_node.mine()
        source.wait(30)
        source.refresh()
        assert source.tip().height == 5


# --- secrets


SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105
PASSWORD = "s3cret-pass"  # noqa: S105


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_refusals__say_what_to_do_and_show_no_secret(status, caplog):
    caplog.set_level("DEBUG")
    words = f"no: {SECRET} {PASSWORD}".encode()
    with serving(Reply(status=status, body=words)) as server:
        place = f"eth+http://me:{PASSWORD}@127.0.0.1:{server.port}/v3/{SECRET}?token={SECRET}"
        with pytest.raises(SourceUnavailableError, match=re.escape(f"{server.port} ")) as caught:
            connect(place)
    shown = f"{caught.value} {caught.value!r} {caplog.text}"
    assert SECRET not in shown
    assert PASSWORD not in shown
    assert "\n" not in str(caught.value)


def test_keys__in_path_and_query_are_sent_and_not_shown(ethereum_chain, caplog):
    caplog.set_level("DEBUG")
    with relay(ethereum_chain.node, lambda *_: None) as (server, uri):
        with connect(f"{uri}/v3/{SECRET}?token={SECRET}&traces=debug") as source:
            assert source.name == uri
            assert SECRET not in repr(source)
        assert set(server.paths) == {f"/v3/{SECRET}?token={SECRET}"}
    assert SECRET not in caplog.text


def test_password__comes_from_the_uri_or_from_the_settings(ethereum_chain):
    access = Access(rpc_user="me", rpc_password=Secret(PASSWORD))
    with relay(ethereum_chain.node, lambda *_: None) as (server, uri):
        connect(uri, access=access).close()
        assert all(asked.headers["Authorization"].startswith("Basic ") for asked in server.asked)


def test_redirects__are_not_followed():
    with serving(Reply()) as elsewhere:
        moved = Reply(status=307, headers={"Location": f"{elsewhere.url}/"})
        with (
            serving(moved) as server,
            pytest.raises(SourceUnavailableError, match="redirect"),
        ):
            connect(f"eth+{server.url}")
        assert elsewhere.asked == []


def test_refusal__of_everything_names_the_method():
    closed = b'{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"closed"}}'
    with (
        serving(Reply(body=closed)) as server,
        pytest.raises(SourceUnavailableError, match=r"refuses eth_chainId: closed \(-1\)"),
    ):
        connect(f"eth+{server.url}")
