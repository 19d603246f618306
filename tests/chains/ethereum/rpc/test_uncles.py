"""Before the merge a block could name others that were not on its chain, whose miners were paid."""

import json

import pytest

from chains.errors import ChainChangedError
from chains.ethereum.address import keccak256
from chains.ethereum.header import header_hash
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.tables import MovementKind
from tests.dev_chain import ETHER
from tests.ethereum_nodes import connect, relay

OLD = EthereumNetwork(name="ethereum", coin="ETH", chain_id=1)


def with_uncle(chain, uncle):
    """Return what makes a node's last block one of the main net that names an uncle."""
    tip = chain.blocks[-1]
    changed = {
        **tip,
        "sha3Uncles": "0x" + keccak256(b"a list of one header").hex(),
        "uncles": [uncle["hash"]],
    }
    old_hash, new_hash = tip["hash"], "0x" + header_hash(changed).hex()

    def spoil(call, answer):
        if call["method"] == "eth_chainId":
            return {**answer, "result": "0x1"}
        if call["method"] == "eth_getUncleByBlockNumberAndIndex":
            assert call["params"] == [tip["number"], "0x0"]
            return {"jsonrpc": "2.0", "id": answer["id"], "result": uncle}
        told = answer.get("result")
        if isinstance(told, dict) and told.get("hash") == old_hash:
            told.update(sha3Uncles=changed["sha3Uncles"], uncles=changed["uncles"])
        return json.loads(json.dumps(answer).replace(old_hash, new_hash))

    return spoil


def rewards(batch):
    return [
        ("0x" + batch.address[batch.gets[row]].tobytes().hex(), int(batch.amount[row, 0]))
        for row in range(len(batch.kind))
        if batch.kind[row] == MovementKind.REWARD
    ]


def test_uncles__are_asked_for_and_their_miners_paid(ethereum_chain):
    uncle = ethereum_chain.blocks[-2]
    height = ethereum_chain.height
    with (
        relay(ethereum_chain.node, with_uncle(ethereum_chain, uncle)) as (_, uri),
        connect(f"{uri}?traces=none", OLD) as source,
    ):
        (batch,) = source.batches(height, height + 1)
    miner = ethereum_chain.blocks[-1]["miner"]
    # Frontier: 5 coins and a thirty-second for the uncle, whose miner got seven eighths.
    assert rewards(batch) == [
        (miner, 5 * ETHER + 5 * ETHER // 32),
        (uncle["miner"], 5 * ETHER * 7 // 8),
    ]


def test_uncles__other_than_those_that_the_block_names_are_noticed(ethereum_chain):
    named, told = ethereum_chain.blocks[-2], ethereum_chain.blocks[-3]
    spoil = with_uncle(ethereum_chain, named)

    def other(call, answer):
        if call["method"] == "eth_getUncleByBlockNumberAndIndex":
            return {"jsonrpc": "2.0", "id": answer["id"], "result": told}
        return spoil(call, answer)

    height = ethereum_chain.height
    with (
        relay(ethereum_chain.node, other) as (_, uri),
        connect(f"{uri}?traces=none", OLD) as source,
        pytest.raises(ChainChangedError, match=f"block {height}"),
    ):
        list(source.batches(height, height + 1))
