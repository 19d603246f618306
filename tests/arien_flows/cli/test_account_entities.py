"""Entities of accounts from the command line: cluster, ask, check, and what is refused."""

import json

import pytest

from arien_flows.cli.main import run
from chains.ethereum.networks import ETHEREUM
from chains.ethereum.tables import CodeKind
from tests.account_chains import ETHER, AccountChain, text_of
from tests.arien_flows.account_entities.stories import deposit
from tests.small_accounts import write_account_ledger

PACK = """\
title: Exchanges
creator: the tests
source: https://exchange.example/reserves
currency: ETH
confidence: service_data
lastmod: 2026-01-31
tags:
  - address: "{}"
    label: Binance
    category: exchange
"""


SAFE = b"s" * 32


def story() -> AccountChain:
    chain = AccountChain(ETHEREUM)
    chain.genesis(
        **{"binance hot": 100 * ETHER, "alice": 9 * ETHER, "alice too": 9 * ETHER, "bob": ETHER}
    )
    chain.block()
    deposit(chain, "alice", "d1")
    deposit(chain, "alice too", "d1", 3 * ETHER)
    for maker in ("alice", "bob"):
        with chain.transaction(maker, "factory") as tx:
            tx.code(f"safe of {maker}", "factory", CodeKind.SAFE_PROXY, SAFE)
    chain.send("0xdac17f958d2ee523a2206206994597c13d831ec7", "alice", "bob", 7)
    return chain


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("accounts")
    write_account_ledger(folder / "data", story())
    (folder / "pack.yaml").write_text(PACK.format(text_of("binance hot")))
    return folder


def ask(data, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert run(["--data", str(data / "data"), "--progress", "none", *words]) == code
    out = capsys.readouterr()
    return out.out if code == 0 else out.out + out.err


def test_cluster_entity_and_why__tell_one_story(data, capsys) -> None:
    assert "were not joined" not in ask(data, capsys, "cluster", "run")
    text = ask(data, capsys, "cluster", "status")
    assert "no tag names an account of an exchange" in text
    ask(data, capsys, "tags", "import", str(data / "pack.yaml"))
    assert "tags_changed" in ask(data, capsys, "cluster", "status")
    text = ask(data, capsys, "cluster", "run")
    assert "1 address of 1 tagged account of exchanges" in text
    assert "tags_changed" not in text

    found = json.loads(ask(data, capsys, "entity", text_of("alice too"), "--json"))
    assert found["address_count"] == 3
    assert found["merges"] == {"deposit-reuse": 2}
    (held,) = found["deposits"]
    assert (held["exchange_name"], held["exchange_certainty"]) == ("binance", "attribution")
    assert held["matches"] == 2
    coin = found["amounts"][0]
    assert coin["balance"] == str(13 * ETHER)
    assert coin["received"] == str(18 * ETHER)
    assert coin["sent"] == str(5 * ETHER)
    assert found["amounts"][1]["asset"]["symbol"] == "USDT"
    assert found["certainty"] == "inference"
    assert all(tag["label"] != "Binance" for tag in found["tags"])

    text = ask(data, capsys, "entity", text_of("alice"), "--members")
    assert "Deposit addresses, which an exchange holds and this customer uses:" in text
    assert "of binance (by tags)" in text
    assert text.lower().count(text_of("d1")) == 2

    text = ask(data, capsys, "why", text_of("alice"), text_of("alice too"))
    assert "by 2 steps" in text
    assert story().tx_hash(1, 0) in text
    assert story().tx_hash(2, 0) in text
    assert "by deposit-reuse 1, confidence 0.9" in text
    text = ask(data, capsys, "why", text_of("alice"), text_of("binance hot"))
    assert "No rule of profile strict joins these accounts" in text

    safe = json.loads(ask(data, capsys, "entity", text_of("safe of bob"), "--json"))
    assert (safe["address_count"], safe["software"]["contracts"]) == (1, 2)
    assert (safe["software"]["deployers"], safe["software"]["certainty"]) == (2, "fact")
    assert "2 contracts with this code" in ask(data, capsys, "entity", text_of("safe of bob"))

    assert "nothing is wrong" in ask(data, capsys, "cluster", "verify")


def test_entity__pages_through_its_accounts(data, capsys) -> None:
    ask(data, capsys, "tags", "import", str(data / "pack.yaml"))
    ask(data, capsys, "cluster", "run", "--profile", "wide")
    words = ["entity", text_of("alice"), "--profile", "wide", "--limit", "2", "--json"]
    first = json.loads(ask(data, capsys, *words))
    cursor = first["addresses"]["next_cursor"]
    rest = json.loads(ask(data, capsys, *words, "--cursor", cursor))
    items = first["addresses"]["items"] + rest["addresses"]["items"]
    assert [item.lower() for item in items] == [text_of(it) for it in ("alice", "alice too", "d1")]
    assert rest["addresses"]["next_cursor"] is None
    assert any(cut["reason"] == "exploration" for cut in first["truncations"])
    assert "damaged" in ask(data, capsys, *words, "--cursor", "?", code=2)


def test_why__tells_what_kept_two_accounts_apart(tmp_path, capsys) -> None:
    write_account_ledger(tmp_path / "data", story())
    actor = '  - address: "{}"\n    label: {}\n    confidence: ownership\n'
    pack = PACK.format(text_of("binance hot")) + "".join(
        actor.format(text_of(name), name) for name in ("alice", "alice too")
    )
    (tmp_path / "pack.yaml").write_text(pack)
    ask(tmp_path, capsys, "tags", "import", str(tmp_path / "pack.yaml"))
    ask(tmp_path, capsys, "cluster", "run")
    words = ["why", text_of("alice"), text_of("alice too")]
    found = json.loads(ask(tmp_path, capsys, *words, "--json"))
    assert not found["joined"]
    (refused,) = found["refused"]
    assert (refused["rule"], refused["reason"]) == ("deposit-reuse", "owners")
    assert "tags name different owners" in ask(tmp_path, capsys, *words)
    text = ask(tmp_path, capsys, "entity", text_of("alice"))
    assert "1 link to others not made" in text


def test_cluster__refuses_what_means_nothing_for_accounts(data, capsys) -> None:
    text = ask(data, capsys, "cluster", "run", "--decision-lag", "5", code=2)
    assert "--decision-lag means nothing on ethereum" in text
    assert "for Bitcoin" in ask(data, capsys, "cluster", "review", code=2)
    assert "no rule 'cospend'" in ask(
        data, capsys, "cluster", "run", "--without", "cospend", code=2
    )
    assert "standard" in ask(data, capsys, "entity", text_of("bob"), "--profile", "x", code=2)


def test_heuristics_list__documents_the_rules_of_accounts(capsys) -> None:
    assert run(["heuristics", "list"]) == 0
    text = capsys.readouterr().out
    for name in ("deposit-reuse", "same-creator", "airdrop", "gas-funding", "self-authorisation"):
        assert f"\n{name} 1: " in text
