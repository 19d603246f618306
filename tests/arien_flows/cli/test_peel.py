"""`peel` and its route: the same answer, in words and as JSON."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.main import service
from arien_flows.cli.main import run
from arien_flows.evaluation.rates import rate_text
from arien_flows.settings import Settings
from tests.arien_flows.entities.test_peel_chains import COIN, peeling
from tests.ledgers import Chain, Tx, text_of_name, write_block_file
from tests.small_case import NETWORK, TAGPACK

HOPS = 7


class Case:
    """A ledger with one chain of seven peels, of which `shop2` is a tagged exchange."""

    def __init__(self, folder: Path) -> None:
        # The last block of a file is looked at closely, and these lack a witness commitment.
        last = Tx(name="last", outputs=[("miner", COIN)])
        self.chain = Chain.from_genesis().add([*peeling(HOPS), last])
        write_block_file(folder / "blocks" / "blk00000.dat", self.chain.blocks)
        self.data = folder / "data"
        self.say("ledger", "ingest", "--source", f"blockfiles:{folder / 'blocks'}")
        (folder / "tags.yaml").write_text(TAGPACK.format(text_of_name("p2pkh:shop2")))
        self.say("tags", "import", str(folder / "tags.yaml"))
        self.say("cluster", "run")

    def say(self, *arguments: str) -> None:
        common = ["--data", str(self.data), "--network", NETWORK, "--progress", "none"]
        assert run([*common, *arguments]) == 0


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("peel"))


def test_peel__tells_every_payment_and_why_it_ends(case: Case, capsys):
    case.say("peel", case.chain.txid("hop0"))
    text = capsys.readouterr().out
    assert "Hops           6\n" in text
    assert f"Peeled off     {sum(range(1, 7)) / 10:.8f} tBTC\n" in text
    assert "Ends           unspent: " in text
    assert f"Ends at        {case.chain.txid('hop6')} (block 1)" in text
    assert "Reported as a peel chain.\n" in text
    assert f"{text_of_name('p2pkh:shop2')} (Exchange One)" in text
    assert f"{case.chain.txid('hop3')}:0" in text
    assert "True as of block 2 of bitcoin-regtest (" in text


def test_peel__json_adds_up(case: Case, capsys):
    case.say("peel", case.chain.txid("hop0"), "--json")
    answer = json.loads(capsys.readouterr().out)
    sums = {name: int(value) for name, value in answer["sums"].items()}
    assert sums["start"] == 50 * COIN
    assert sums["start"] + sums["joined"] == sums["peeled"] + sums["fees"] + sums["left"]
    assert answer["certainty"] == "inference"
    assert (answer["rule"], answer["rule_version"]) == ("peel_hop", 1)
    assert answer["error_rate"] == rate_text("peel_hop", 1)
    assert answer["hop_count"] == len(answer["hops"]) == HOPS - 1
    assert answer["hops"][2]["peeled"][0]["label"] == "Exchange One"
    assert answer["complete"] is True
    assert answer["is_behaviour"] is True
    assert answer["validation"]["testable"] == 0
    assert [each["value"] for each in answer["recipients"]] == [
        str(i * COIN // 10) for i in range(6, 0, -1)
    ]


def test_peel__backward_and_from_an_output(case: Case, capsys):
    last = case.chain.txid("hop6")
    case.say("peel", last, "--backward", "--json")
    backward = json.loads(capsys.readouterr().out)
    case.say("peel", case.chain.txid("hop0"), "--json")
    assert backward["hops"] == json.loads(capsys.readouterr().out)["hops"]
    assert backward["stop"]["reason"] == "chain_begins"
    case.say("peel", f"{last}:0", "--json")
    unspent = json.loads(capsys.readouterr().out)
    assert (unspent["hop_count"], unspent["stop"]["reason"]) == (0, "unspent")
    case.say("peel", f"{case.chain.txid('mined')}:0", "--json")
    assert json.loads(capsys.readouterr().out)["hops"] == backward["hops"]


def test_peel__says_where_it_was_cut_and_how_to_go_on(case: Case, capsys):
    case.say("peel", case.chain.txid("hop0"), "--max-hops", "2", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert answer["complete"] is False
    (cut,) = answer["truncations"]
    assert (cut["reason"], cut["limit"]) == ("hop_limit", 2)
    assert case.chain.txid("hop2") in cut["detail"]


def test_peel__of_no_transaction_is_one_clear_error(case: Case, capsys):
    assert run(["--data", str(case.data), "peel", "abc"]) == 2
    assert "is not a transaction id" in capsys.readouterr().err


def test_route__answers_what_the_command_prints(case: Case, capsys):
    settings = Settings(data=case.data)
    txid = case.chain.txid("hop6")
    with TestClient(service(settings), base_url="http://127.0.0.1:8000") as client:
        path = f"/v1/{NETWORK}/transactions/{txid}/peel-chain"
        answered = client.get(path, params={"direction": "backward", "max_hops": 3}).json()
        by_output = client.get(path, params={"output": 0}).json()
    case.say("peel", txid, "--backward", "--max-hops", "3", "--json")
    assert json.loads(capsys.readouterr().out) == answered
    assert by_output["start"] == f"{txid}:0"
