"""Commands against a small ledger: what they print, and what they answer to bad input."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from arien_flows import health
from arien_flows.attribution.categories import standard_categories
from arien_flows.cli.main import run
from tests.ledgers import Chain, Tx, write_block_file
from tests.small_case import COIN, FEE, NETWORK, SUBSIDY, SmallCase, make_small_case

Say = Callable[..., str]


@pytest.fixture
def say(small_case: SmallCase, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command on the small ledger and return what it prints."""

    def said(*arguments: str, code: int = 0) -> str:
        assert run(["--data", str(small_case.data), *arguments]) == code
        captured = capsys.readouterr()
        return captured.err if code else captured.out

    return said


def test_address__tells_totals_entity_and_state(say: Say, small_case: SmallCase):
    text = say("address", small_case.address("p2pkh:alice-2"))
    assert "Received      70.00000000 tBTC\n" in text
    assert "Sent          70.00000000 tBTC\n" in text
    assert "Balance       0.00000000 tBTC\n" in text
    assert f"{small_case.address('alice')}: 3 addresses (inferred by profile strict)" in text
    assert "True as of block 7 of bitcoin-regtest (" in text


def test_address__json_says_the_same(say: Say, small_case: SmallCase):
    answer = json.loads(say("address", small_case.address("p2pkh:alice-2"), "--json"))
    assert answer["received"] == answer["sent"] == str(70 * COIN)
    assert answer["balance"] == "0"
    assert answer["entity"]["id"] == small_case.address("alice")
    assert answer["entity"]["certainty"] == "inference"
    assert answer["first_seen"]["txid"] == small_case.txid("mined-2")
    assert answer["last_seen"]["txid"] == small_case.txid("merge")
    assert answer["as_of"]["time"].endswith("Z")
    assert answer["complete"] is True


def test_address__tags_name_their_source(say: Say, small_case: SmallCase):
    (tag,) = json.loads(say("address", small_case.address("exchange"), "--json"))["tags"]
    assert tag == {
        "label": "Exchange One",
        "address": small_case.address("exchange"),
        "inherited": False,
        "concepts": ["exchange"],
        "actor": None,
        "confidence": "service_data",
        "confidence_level": 50,
        "source": "https://exchange.example/reserves",
        "creator": "the tests",
        "licence": None,
        "state": "proposed",
        "last_modified": "2026-01-31",
        "document": {
            "name": "services.yaml",
            "sha256": hashlib.sha256(small_case.pack.read_bytes()).hexdigest(),
            "row": 1,
            "read_from": hashlib.sha256(small_case.pack.read_bytes()).hexdigest(),
        },
        "certainty": "attribution",
    }


def test_address__transactions_come_in_pages_from_either_end(say: Say, small_case: SmallCase):
    address = small_case.address("p2pkh:alice-2")
    names = ["mined-2", "mined-4", "pay", "merge"]
    wanted = {"oldest": [small_case.txid(name) for name in names]}
    wanted["newest"] = wanted["oldest"][::-1]
    for order, txids in wanted.items():
        seen, cursor = [], []
        for _ in names:
            page = json.loads(
                say(
                    *("address", address, "--transactions", "--limit", "1", "--order", order),
                    *cursor,
                    "--json",
                )
            )
            seen += [row["txid"] for row in page["items"]]
            cursor = ["--cursor", page["next_cursor"]]
        assert seen == txids
        assert page["next_cursor"] is None


def test_address__a_page_leads_to_the_next(say: Say, small_case: SmallCase):
    address = small_case.address("p2pkh:alice-2")
    text = say("address", address, "--transactions", "--limit", "3")
    assert "There are more: add --cursor " in text
    assert "60.00000000" not in text


def test_tx__tells_every_input_output_and_flag(say: Say, small_case: SmallCase):
    text = say("tx", small_case.txid("pay"))
    assert f"{small_case.txid('mined-1')}:0" in text
    assert "60.00000000 tBTC" in text
    assert "data: " + b"\x06case 7".hex() in text
    assert "Fee            0.00010000 tBTC" in text
    assert "signals_replacement (fact)" in text


def test_tx__what_a_rule_infers_is_marked_as_inference(say: Say, small_case: SmallCase):
    answer = json.loads(say("tx", small_case.txid("join"), "--json"))
    (flag,) = [flag for flag in answer["flags"] if flag["certainty"] == "inference"]
    assert flag["name"] == "coinjoin_shape"
    assert "coinjoin_definite 1" in flag["rule"]
    assert "3 equal outputs of 10.00000000 tBTC" in flag["detail"]


def test_tx__long_ones_are_cut_and_say_so(say: Say, small_case: SmallCase):
    answer = json.loads(
        say("tx", small_case.txid("join"), "--limit", "2", "--offset", "2", "--json")
    )
    assert [row["position"] for row in answer["inputs"]] == [2]
    assert [row["position"] for row in answer["outputs"]] == [2, 3]
    assert answer["complete"] is False
    assert {cut["where"]: cut["detail"] for cut in answer["truncations"]} == {
        "inputs": "positions shown: 2 to 2, of 3; ask again with another offset",
        "outputs": "positions shown: 2 to 3, of 6; ask again with another offset",
    }


def test_entity__lists_members_page_by_page(say: Say, small_case: SmallCase):
    alice = [small_case.address(name) for name in ("alice", "p2pkh:alice-2", "alice-3")]
    command = ("entity", alice[2], "--members", "--limit", "2", "--json")
    first = json.loads(say(*command))
    second = json.loads(say(*command, "--cursor", first["addresses"]["next_cursor"]))
    assert first["addresses"]["items"] + second["addresses"]["items"] == alice
    assert second["addresses"]["next_cursor"] is None
    assert first["address_count"] == 3
    assert first["received_net"] == str(120 * COIN)
    assert first["balance"] == "0"


def test_why__shows_the_transactions_that_join(say: Say, small_case: SmallCase):
    command = ("why", small_case.address("alice"), small_case.address("alice-3"))
    answer = json.loads(say(*command, "--json"))
    assert [step["txid"] for step in answer["steps"]] == [
        small_case.txid("pay"),
        small_case.txid("merge"),
    ]
    assert {step["rule"] for step in answer["steps"]} == {"cospend"}
    assert answer["shortest"] is True
    assert f"2. {small_case.address('p2pkh:alice-2')}" in say(*command)


def test_why__a_coinjoin_joins_nobody(say: Say, small_case: SmallCase):
    command = ("why", small_case.address("bob"), small_case.address("carol"))
    answer = json.loads(say(*command, "--json"))
    assert answer["joined"] is False
    assert answer["steps"] == []
    assert "No rule of profile strict joins these addresses; they may still have one" in say(
        *command
    )


def test_why__inputs_that_others_may_add_join_nobody(say: Say, small_case: SmallCase):
    answer = json.loads(
        say(
            *("why", small_case.address("bob-change"), small_case.address("carol-change")),
            "--json",
        )
    )
    assert answer["joined"] is False


def test_ledger_status__counts_everything(say: Say, small_case: SmallCase):
    (answer,) = json.loads(say("ledger", "status", "--json"))
    assert answer["network"] == NETWORK
    assert answer["tip"]["height"] == 7
    assert answer["transactions"] == len(small_case.chain.transactions) + 1
    assert answer["complete_from"] == 0
    assert answer["bytes_on_disk"] > 0
    lost_fees = 6 * FEE
    assert answer["unspent_value"] == str(8 * SUBSIDY - lost_fees)


def test_cluster_status__names_rules_and_versions(say: Say):
    answer = json.loads(say("cluster", "status", "--json"))
    assert answer["rules"]["cospend"] == 1
    assert answer["entities"] == answer["addresses"] - 2


def test_heuristics_list__says_when_each_rule_fails(say: Say):
    answer = json.loads(say("heuristics", "list", "--json"))
    rules = {rule["name"]: rule for rule in answer["items"]}
    assert "coinjoin_definite" in rules
    assert all(rule["assumes"] and rule["fails_when"] and rule["source"] for rule in rules.values())
    assert "error rate" in say("heuristics", "list")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["address", "bcrt1qqqqq"], 2, "Error: "),
        (["address", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"], 2, "bitcoin"),
        (
            ["address", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"],
            2,
            "was never used on bitcoin-regtest up to block 7",
        ),
        (["tx", "00" * 32], 2, "no transaction"),
        (["tx", "xyz"], 2, "is not a transaction id"),
        (["address", "x", "--network", "bitcoin"], 2, "there is no ledger in"),
        (["address", "x", "--network", "bitcoin-regtset"], 2, "did you mean 'bitcoin-regtest'?"),
        (["cluster", "run", "--profile", "loose"], 2, "no clustering profile 'loose'"),
        (["cluster", "run", "--without", "luck"], 2, "has no rule 'luck'"),
        (["cluster", "conflicts", "--profile", "wide"], 2, "no clustering 'wide'"),
        (["ledger", "ingest", "--source", "blockfiles:/nowhere"], 4, "/nowhere does not exist"),
        (["ledger", "ingest", "--source", "floppy:/dev/fd0"], 4, "no source is called"),
        (["ledger", "rollback", "99"], 2, "there is no height 99"),
        (
            ["ledger", "ingest", "--source", "blockfiles:x", "--follow", "--until", "3"],
            2,
            "exclude",
        ),
    ],
)
def test_bad_input__is_one_line_that_says_what_is_wrong(say: Say, arguments, code, message):
    text = say(*arguments, code=code)
    assert message in text
    assert "Traceback" not in text
    if not text.startswith("Usage:"):
        assert text.count("\n") == 1


def test_network__is_asked_for_where_several_have_a_ledger(tmp_path: Path, capsys):
    for name in (NETWORK, "bitcoin"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text("{}")
    assert run(["--data", str(tmp_path), "address", "x"]) == 2
    assert "add --network bitcoin or bitcoin-regtest" in capsys.readouterr().err


def test_network__without_any_ledger_the_way_to_one_is_named(tmp_path: Path, capsys):
    assert run(["--data", str(tmp_path), "address", "x"]) == 2
    assert "make one with `arien-flows ledger ingest`" in capsys.readouterr().err


def test_ledger__of_a_newer_version_is_left_alone(tmp_path: Path, capsys):
    (tmp_path / NETWORK).mkdir()
    (tmp_path / NETWORK / "manifest.json").write_text('{"format": 999}')
    assert run(["--data", str(tmp_path), "address", "x"]) == 1
    assert "use the version of arien-flows that wrote it" in capsys.readouterr().err


def test_ingest__a_second_writer_is_refused(tmp_path: Path, small_case: SmallCase):
    """The lock is the operating system's, so the second writer is a process of its own."""
    from arien_flows.ledger.writer import LedgerWriter
    from chains.bitcoin.networks import REGTEST

    with LedgerWriter(tmp_path / NETWORK, REGTEST):
        done = subprocess.run(
            [
                *(sys.executable, "-c", "from arien_flows.cli.main import main; main()"),
                *("ledger", "ingest", "--data", str(tmp_path), "--network", NETWORK),
                *("--source", f"blockfiles:{small_case.block_file}"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")


def test_ingest__goes_on_where_it_stopped(tmp_path: Path, capsys):
    case = make_small_case(tmp_path, cluster=False, tags=False)
    common = ["--data", str(case.data), "--json"]
    assert run([*common, "ledger", "rollback", "3"]) == 0
    capsys.readouterr()
    assert run([*common, "ledger", "status"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["tip"]["height"] == 3
    source = ["ledger", "ingest", "--source", f"blockfiles:{case.block_file}"]
    assert run([*common, *source, "--until", "4"]) == 0
    assert "1 block with 2 transactions added" in capsys.readouterr().err
    assert run([*common, *source]) == 0
    assert "the ledger ends at block 7" in capsys.readouterr().err


def test_ingest__follows_the_branch_with_more_work(tmp_path: Path, capsys):
    case = make_small_case(tmp_path, cluster=False, tags=False)
    blocks = [Tx(name=f"other-{number}", outputs=[("zoe", COIN)]) for number in range(9)]
    other = Chain.from_genesis().add(blocks, salt=1)
    write_block_file(case.block_file, case.chain.blocks + other.blocks[1:])
    capsys.readouterr()
    common = ["--data", str(case.data)]
    assert run([*common, "ledger", "ingest", "--source", f"blockfiles:{case.block_file}"]) == 0
    told = capsys.readouterr().err
    assert "7 blocks removed, 9 blocks with 9 transactions added" in told
    assert run([*common, "address", case.address("alice")]) == 2


def test_progress__json_writes_a_line_a_step(tmp_path: Path, capsys):
    case = make_small_case(tmp_path, cluster=False, tags=False)
    capsys.readouterr()
    assert run(["--data", str(case.data), "--progress", "json", "cluster", "run"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines[-1] == {"step": "cluster", "done": 12, "total": 12, "unit": "transactions"}


def test_answers__without_clustering_and_tags_say_what_is_missing(tmp_path: Path, capsys):
    case = make_small_case(tmp_path, cluster=False, tags=False)
    capsys.readouterr()
    assert run(["--data", str(case.data), "--json", "address", case.address("alice")]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["complete"] is False
    assert [cut["reason"] for cut in answer["truncations"]] == ["no_clustering", "no_tags"]
    assert answer["entity"] is None
    assert run(["--data", str(case.data), "entity", case.address("alice")]) == 2
    assert "run `arien-flows cluster run`" in capsys.readouterr().err


def test_answers__a_clustering_that_lags_behind_is_named(tmp_path: Path, capsys):
    case = make_small_case(tmp_path, tags=False)
    case.chain.add([Tx(name="later", outputs=[("frank", COIN)])])
    write_block_file(case.block_file, case.chain.blocks)
    common = ["--data", str(case.data), "--json"]
    assert run([*common, "cluster", "run", "--profile", "wide"]) == 0
    assert run([*common, "ledger", "ingest", "--source", f"blockfiles:{case.block_file}"]) == 0
    capsys.readouterr()
    assert run([*common, "address", case.address("frank")]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["entity"]["address_count"] == 1
    assert answer["truncations"][0]["reason"] == "clustering_behind"
    assert answer["truncations"][0]["limit"] == 7
    assert "`arien-flows cluster run` brings it up to date" in answer["truncations"][0]["detail"]
    assert run([*common, "address", case.address("frank"), "--profile", "wide"]) == 0
    behind = json.loads(capsys.readouterr().out)["truncations"][1]
    assert "`arien-flows cluster run --profile wide` brings it up" in behind["detail"]


def test_doctor__finds_everything_in_order(say: Say):
    findings = {item["check"]: item for item in json.loads(say("doctor", "--json"))}
    assert findings[f"ledger {NETWORK}"]["verdict"] == "good"
    assert findings["python"]["verdict"] == "good"
    assert findings["libraries"]["verdict"] == "good"


def test_doctor__does_not_miss_what_only_an_extra_asks_for(say: Say, monkeypatch):
    wanted = [*health.requires("arien-flows"), 'not-installed>=1; extra == "other"']
    monkeypatch.setattr(health, "requires", lambda _name: wanted)
    (found,) = (
        item for item in json.loads(say("doctor", "--json")) if item["check"] == "libraries"
    )
    assert found["verdict"] == "good"
    assert "not-installed" not in found["detail"]


def test_doctor__tells_whether_letters_in_pictures_are_read(say: Say, tmp_path, monkeypatch):
    def finding() -> dict[str, str]:
        (found,) = (
            item
            for item in json.loads(say("doctor", "--json"))
            if item["check"] == "letters in pictures"
        )
        return found

    monkeypatch.setenv("PATH", str(tmp_path))
    assert finding()["verdict"] == "warning"
    assert "tesseract is not installed" in finding()["detail"]
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    assert (finding()["verdict"], finding()["detail"]) == ("good", f"read by {program}")


def test_doctor__a_broken_ledger_is_wrong_and_has_a_remedy(tmp_path: Path, capsys):
    (tmp_path / NETWORK).mkdir()
    (tmp_path / NETWORK / "manifest.json").write_text("no json")
    assert run(["--data", str(tmp_path), "doctor"]) == 1
    text = capsys.readouterr().out
    assert f"WRONG  ledger {NETWORK}" in text
    assert "→ `arien-flows ledger verify" in text


def test_heuristics__lists_the_categories_with_the_names_of_others(say: Say):
    text = say("heuristics", "categories")
    assert "darknet_market: " in text
    assert "  Elliptic     Dark Market-Centralized, Dark Market-Decentralized\n" in text
    assert "  Chainalysis  darknet market\n" in text
    told = json.loads(say("heuristics", "categories", "--json"))
    assert told["name"] == standard_categories().name
    assert tuple(item["name"] for item in told["items"]) == standard_categories().names
