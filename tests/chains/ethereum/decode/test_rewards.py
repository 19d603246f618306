import json
import tarfile

import pytest

from chains.ethereum.decode.rewards import Reward, Uncle, block_reward, rewards
from chains.ethereum.networks import ETHER_WEI

MINER = bytes.fromhex("2a65aca4d5fc5b5c859090a6c34d164135398226")


@pytest.mark.parametrize(
    ("height", "ether"),
    [
        (0, 0), (1, 5), (4_369_999, 5), (4_370_000, 3), (7_279_999, 3), (7_280_000, 2),
        (15_537_393, 2), (15_537_394, 0), (20_000_000, 0),
    ],
)  # fmt: skip
def test_block_reward__changes_at_the_forks(height, ether):
    assert block_reward(height) == ether * ETHER_WEI


def test_rewards__pays_uncles_less_the_older_they_are():
    paid = rewards(100, MINER, [Uncle(b"a" * 20, 99), Uncle(b"b" * 20, 94)])
    assert [reward.value for reward in paid] == [
        5 * ETHER_WEI + 2 * (5 * ETHER_WEI // 32),
        5 * ETHER_WEI * 7 // 8,
        5 * ETHER_WEI * 2 // 8,
    ]


def test_rewards__are_those_that_a_node_traced(shared_data):
    path = "resources/test_stream/blocks_508110_508110/web3_response.trace_block_0x7c0ce.json"
    with tarfile.open(shared_data / "eth_etl/ethereum-etl_resources.tar.gz") as archive:
        rows = json.load(archive.extractfile(path))["result"]
    traced = [
        Reward(bytes.fromhex(row["action"]["author"][2:]), int(row["action"]["value"], 16))
        for row in rows
        if row["type"] == "reward"
    ]
    # The block names one uncle, two blocks older, by the same miner.
    assert rewards(508_110, MINER, [Uncle(MINER, 508_108)]) == traced


def test_rewards__pays_nothing_after_the_merge():
    assert rewards(15_537_394, MINER, []) == []
