import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.errors import SourceUnavailableError
from chains.ethereum.rpc.calls import RpcRefusalError, Why
from tests.dev_contracts import topic
from tests.ethereum_nodes import connect
from tests.http_server import Reply, serving

TIP = 300
REFUSALS = (
    {"code": -32005, "message": "query returned more than 10000 results"},
    {"code": -32602, "message": "query exceeds max block range 100000"},
    {"code": -32000, "message": "block range is too wide"},
    {"code": -32600, "message": "Log response size exceeded. You can make eth_getLogs requests "
     "with up to a 2K block range"},
    {"code": -32603, "message": "query timeout exceeded. Consider reducing your block range."},
    {"code": -32701, "message": "Please specify an address in your request or limit the range"},
    {"code": 35, "message": "ranges over 10000 blocks are not supported on freetier"},
    {"code": -32000, "message": "exceed maximum block range: 5000"},
    {"code": -32614, "message": "eth_getLogs is limited to a 10,000 range"},
    {"code": -32001, "message": "request timed out"},
)  # fmt: skip


def header(height):
    return {"number": hex(height), "hash": f"0x{height + 1:064x}", "parentHash": f"0x{height:064x}"}


def stand_in(heights, most_blocks, most_rows, refusal, *, slow=False):
    """Answer like a node with one event at each of `heights`, within bounds of its own."""

    def result(call):
        method, parameters = call["method"], call["params"]
        if method == "eth_chainId":
            return {"result": hex(1337)}
        if method == "eth_syncing":
            return {"result": False}
        if method == "eth_getBlockByNumber":
            at = TIP if parameters[0] == "latest" else int(parameters[0], 16)
            return {"result": header(at)}
        if method != "eth_getLogs":
            return {"error": {"code": -32601, "message": "Method not found"}}
        wanted = parameters[0]
        first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        found = [(at, n) for n, at in enumerate(heights) if first <= at <= last]
        if last - first + 1 > most_blocks or len(found) > most_rows:
            return {"error": refusal}
        rows = [
            {"blockNumber": hex(at), "logIndex": hex(n), "blockHash": header(at)["hash"]}
            for at, n in found
        ]
        return {"result": rows}

    def answer(asked):
        calls = json.loads(asked.body)
        many = calls if isinstance(calls, list) else [calls]
        told = [{"jsonrpc": "2.0", "id": call["id"], **result(call)} for call in many]
        if slow and any(one.get("error") is refusal for one in told):
            return Reply(status=504)
        return Reply(body=json.dumps(told if isinstance(calls, list) else told[0]).encode())

    return answer


@given(
    heights=st.lists(st.integers(0, TIP), max_size=30).map(sorted),
    bounds=st.tuples(st.integers(TIP // 20, 2 * TIP), st.integers(1, 40)),
    ends=st.tuples(st.integers(0, TIP + 1), st.integers(0, TIP + 1)).map(sorted),
    refusal=st.sampled_from(REFUSALS),
)
def test_logs__are_the_same_however_a_node_makes_us_cut(heights, bounds, ends, refusal):
    start, stop = ends
    most = max((heights.count(at) for at in heights), default=0)
    answer = stand_in(heights, bounds[0], max(bounds[1], most), refusal)
    with serving(answer) as server, connect(f"eth+{server.url}?traces=none") as source:
        found = [int(row["blockNumber"], 16) for row in source.logs([], [], start, stop)]
    assert found == [at for at in heights if start <= at < stop]


def test_logs__of_a_block_that_is_refused_alone_end_the_reading():
    answer = stand_in([5, 7, 7, 7], TIP, 2, REFUSALS[0])
    with serving(answer) as server, connect(f"eth+{server.url}?traces=none") as source:
        rows = source.logs([], [], 0, TIP)
        assert int(next(rows)["blockNumber"], 16) == 5
        with pytest.raises(SourceUnavailableError, match="block 7 even alone") as caught:
            next(rows)
    assert "name another node" in str(caught.value)


def test_logs__halve_what_takes_a_node_too_long():
    answer = stand_in([1, 250], 70, 9, REFUSALS[0], slow=True)
    with serving(answer) as server, connect(f"eth+{server.url}?traces=none") as source:
        assert len(list(source.logs([], [], 0, TIP + 1))) == 2


def test_logs__that_are_not_offered_are_not_halved():
    answer = stand_in([], 0, 0, {"code": -32601, "message": "Method not found"})
    with serving(answer) as server, connect(f"eth+{server.url}?traces=none") as source:
        before = len(server.asked)
        with pytest.raises(SourceUnavailableError, match="Method not found"):
            list(source.logs([], [], 0, TIP))
        assert len(server.asked) == before + 1


@pytest.mark.parametrize("rows", [[9], [3, 2], [2, 2]], ids=["outside", "disorder", "twice"])
def test_logs__that_are_not_what_was_asked_for_are_refused(rows):
    def answer(asked):
        told = json.loads(stand_in([], TIP, 9, REFUSALS[0])(asked).body)
        for one in told if isinstance(told, list) else [told]:
            if one.get("result") == []:
                one["result"] = [
                    {"blockNumber": hex(at), "logIndex": "0x0", "blockHash": header(at)["hash"]}
                    for at in rows
                ]
        return Reply(body=json.dumps(told).encode())

    with (
        serving(answer) as server,
        connect(f"eth+{server.url}?traces=none") as source,
        pytest.raises(SourceUnavailableError, match="events of other blocks"),
    ):
        list(source.logs([], [], 0, 6))


def test_logs__of_a_real_node_are_those_of_its_receipts(ethereum_chain):
    transfer = bytes.fromhex(topic("Transfer(address,address,uint256)")[2:])
    contracts = [bytes.fromhex(ethereum_chain.contracts[name][2:]) for name in ("usd", "gem")]
    calls = [("eth_getBlockReceipts", (hex(at),)) for at in range(ethereum_chain.height + 1)]
    expected = [
        (log["transactionHash"], log["logIndex"])
        for receipts in ethereum_chain.node.rpc.batch(calls)
        for receipt in receipts
        for log in receipt["logs"]
        if bytes.fromhex(log["address"][2:]) in contracts
        and log["topics"][0] == "0x" + transfer.hex()
    ]
    with connect(ethereum_chain.source) as source:
        found = source.logs(contracts, [transfer], 0, ethereum_chain.height + 1)
        assert [(log["transactionHash"], log["logIndex"]) for log in found] == expected
        assert len(expected) > 15
        sent_by = bytes(12) + bytes.fromhex(ethereum_chain.people["alice"][2:])
        own = list(source.logs(contracts, [None, [sent_by]], 0, ethereum_chain.height + 1))
        assert {log["topics"][1] for log in own} == {"0x" + sent_by.hex()}
        with pytest.raises(ValueError, match=re.escape(f"[0, {ethereum_chain.height + 2})")):
            next(source.logs([], [], 0, ethereum_chain.height + 2))


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refusal__of_a_range_is_none_of_the_method(refusal):
    told = RpcRefusalError("node", "eth_getLogs", refusal["code"], refusal["message"])
    assert told.why not in (Why.ABSENT, Why.STATE_GONE)
