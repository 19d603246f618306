"""The chain that tests of Ethereum stand on is what its description says."""

from tests.anvil import anvil
from tests.dev_chain import CASHED_IN, DENOMINATION, ETHER, OWN, STOLEN, make_dev_chain

FAILED = {"fail", "run out of gas", "transfer too much"}


def test_chain__holds_every_step_and_fails_only_where_it_should(ethereum_chain):
    mined = {tx["hash"] for block in ethereum_chain.blocks for tx in block["transactions"]}
    named = {tx: step for step, ids in ethereum_chain.steps.items() for tx in ids}
    assert mined == set(named)
    calls = [("eth_getTransactionReceipt", (tx,)) for tx in named]
    receipts = ethereum_chain.node.rpc.batch(calls)
    failed = {named[told["transactionHash"]] for told in receipts if told["status"] == "0x0"}
    assert failed == FAILED
    made = {told["contractAddress"] for told in receipts} - {None}
    assert made <= set(ethereum_chain.contracts.values())


def test_chain__tells_the_story_of_a_theft(ethereum_chain):
    def wei(name):
        address = ethereum_chain.names[name]
        return int(ethereum_chain.node.rpc("eth_getBalance", address, "latest"), 16)

    assert 10_000 * ETHER - STOLEN > wei("victim") > 10_000 * ETHER - STOLEN - ETHER // 1000
    assert wei("exchange") == 10_000 * ETHER + CASHED_IN + 13 * ETHER - ETHER // 100
    assert wei("deposit_thief") == 0
    # Two swaps there and back cost 0.3 % four times, and what the pools' prices moved.
    assert 0.98 < (wei("thief") - OWN) / (STOLEN - CASHED_IN) < 1
    assert wei("mixer") == DENOMINATION
    assert wei("heir") == 10_004 * ETHER


def test_chain__is_the_same_in_every_run(ethereum_chain, tmp_path):
    with anvil(tmp_path) as node:
        again = make_dev_chain(node)
        assert again.blocks[-1]["hash"] == ethereum_chain.blocks[-1]["hash"]
