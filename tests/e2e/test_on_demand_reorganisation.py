"""A chain that is reorganised between two questions to a real server on a real node."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from arien_flows.cli.main import run
from tests.electrum import RunningElectrum, ask, electrum_server
from tests.nodes import Node, bitcoind
from tests.regtest_chain import RegtestChain

pytestmark = pytest.mark.slow

NETWORK = "bitcoin-regtest"
CAUGHT_UP_SECONDS = 30


def wait_for(server: RunningElectrum, node: Node) -> None:
    """Wait until the server shows the node's best block."""
    wanted = node.rpc.getblockheader(node.rpc.getbestblockhash(), False)
    deadline = time.monotonic() + CAUGHT_UP_SECONDS
    while ask(server.port, "blockchain.headers.subscribe")["hex"] != wanted:
        assert time.monotonic() < deadline, "the server does not follow its node"
        time.sleep(0.05)


def test_trace__forgets_what_a_reorganisation_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "node").mkdir()
    (tmp_path / "server").mkdir()
    with bitcoind(tmp_path / "node", "-fallbackfee=0.0001", "-txindex=1") as node:
        node.rpc.createwallet("w")
        wallet = node.rpc.wallet("w")
        miner, paid, next_one = (wallet.getnewaddress() for _ in range(3))
        node.rpc.generatetoaddress(101, miner)
        wallet.sendtoaddress(paid, "3")
        node.rpc.generatetoaddress(1, miner)
        coin = next(coin for coin in wallet.listunspent(1) if coin["address"] == paid)
        spent = {"inputs": [{"txid": coin["txid"], "vout": coin["vout"]}]}
        later = wallet.sendall([next_one], None, "unset", None, spent)["txid"]
        (removed,) = node.rpc.generatetoaddress(1, miner)
        with electrum_server(RegtestChain(node=node), tmp_path / "server") as server:

            def traced(data: str) -> dict[str, Any]:
                wait_for(server, node)
                question = ("trace", paid, "--source", server.uri, "--min-value", "1", "--json")
                assert run(["--data", str(tmp_path / data), "--network", NETWORK, *question]) == 0
                answer: dict[str, Any] = json.loads(capsys.readouterr().out)
                return answer

            def replayed(answer: dict[str, Any]) -> str:
                file = tmp_path / "answer.json"
                file.write_text(json.dumps(answer))
                code = run(["--data", str(tmp_path / "data"), "replay", str(file), "--json"])
                outcome = str(json.loads(capsys.readouterr().out)["outcome"])
                assert code == int(outcome != "same")
                return outcome

            before = traced("data")
            assert [leaf["address"] for leaf in before["leaves"]] == [next_one]
            node.rpc.invalidateblock(removed)
            other = node.rpc.wallet("w").getnewaddress()
            for _ in range(2):
                node.rpc.generateblock(other, [])
            assert replayed(before) == "same"
            after = traced("data")
            fresh = traced("fresh")
    # The server is gone: what it said is made again from the archive alone. Nobody was shown
    # another block in the place of the removed one, so the archive cannot know that it is gone.
    assert replayed(before) == replayed(after) == "same"
    assert [leaf["address"] for leaf in after["leaves"]] == [paid]
    assert after["leaves"][0]["reason"] == "unspent"
    (unconfirmed,) = (cut for cut in after["truncations"] if cut["reason"] == "unconfirmed")
    assert later in unconfirmed["detail"]
    assert after["as_of"]["height"] == before["as_of"]["height"] + 1
    del after["manifest"]["fetched"]["requests"], after["manifest"]["fetched"]["reused"]
    del fresh["manifest"]["fetched"]["requests"], fresh["manifest"]["fetched"]["reused"]
    # Their manifests' hashes cover how often the server was asked.
    assert after.pop("manifest_sha256") != fresh.pop("manifest_sha256")
    assert after == fresh
