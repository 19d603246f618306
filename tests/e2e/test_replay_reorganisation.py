"""A real node drops the block that an answer stands on: the answer is reported stale."""

import json
from pathlib import Path
from typing import Any

import pytest

from arien_flows.cli.main import run
from chains.bitcoin.networks import REGTEST
from tests.nodes import Node, bitcoind

pytestmark = pytest.mark.slow


def test_replay__of_an_answer_whose_blocks_were_reorganised_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    data = tmp_path / "data"

    def told(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        command = ["--data", str(data), "--network", REGTEST.name, "--progress", "none"]
        assert run([*command, *arguments]) == code
        return capsys.readouterr().out

    def follow(node: Node) -> None:
        told("ledger", "ingest", "--source", node.source)
        told("cluster", "run")

    def traced(name: str, source: str) -> Path:
        told("trace", source, "--min-value", "1", "-o", str(tmp_path / name))
        return tmp_path / name / "manifest.json"

    def replayed(file: Path, code: int = 0) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(told("replay", str(file), "--json", code=code))
        return answer

    with bitcoind(tmp_path / "node", "-fallbackfee=0.0001") as node:
        node.rpc.createwallet("w")
        wallet = node.rpc.wallet("w")
        miner, paid = wallet.getnewaddress(), wallet.getnewaddress()
        node.rpc.generatetoaddress(110, miner)
        source = f"{node.rpc.getblock(node.rpc.getblockhash(1))['tx'][0]}:0"
        follow(node)
        below = traced("below", source)
        wallet.sendtoaddress(paid, "3")
        node.rpc.generatetoaddress(3, miner)
        follow(node)
        above = traced("above", source)
        assert [replayed(file)["outcome"] for file in (below, above)] == ["same", "same"]

        node.rpc.invalidateblock(node.rpc.getblockhash(112))
        # A block to the same miner within the same second would be the removed one again.
        other = wallet.getnewaddress()
        for _ in range(4):
            node.rpc.generateblock(other, [])
        follow(node)

        # What ended below the fork stands; what stood on a removed block does not.
        assert replayed(below)["outcome"] == "same"
        stale = replayed(above, code=1)
        assert stale["outcome"] == "stale"
        assert (stale["parts_after"], stale["parts_by"]) == (111, 112)
        assert stale["found_sha256"] is None
        text = told("replay", str(above), code=1)
        assert "is not in the ledger's chain: they part at block 112. Ask again." in text
        again = traced("again", source)
        assert replayed(again)["outcome"] == "same"
