"""`path` and `next` on a ledger of accounts on disk, as they are typed."""

import json
import re

import pytest

from arien_flows.cli.main import run
from tests.account_chains import text_of
from tests.small_accounts import NETWORK, make_small_accounts

ON = ["--network", NETWORK]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_small_accounts(tmp_path_factory.mktemp("data")).data


def test_path__goes_over_a_swap_to_a_tagged_exchange(data, capsys, tmp_path):
    ends = [text_of("alice"), text_of("exchange")]
    assert run(["path", *ends, *ON, "--data", str(data), "--json", "-o", str(tmp_path)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["connections"][0]["hops"] == 1
    assert json.loads((tmp_path / "paths.json").read_text())["connections"]
    assert run(["path", *ends, *ON, "--data", str(data), "--min-value", "1ETH"]) == 2
    assert "--min-value needs the asset" in capsys.readouterr().err
    assert run(["path", *ends, *ON, "--data", str(data), "--through", "coinjoins"]) == 2
    assert "means nothing between accounts" in capsys.readouterr().err
    asked = ["--asset", "ETH", "--min-value", "0.5ETH", "--since", "2023-01-01"]
    assert run(["path", *ends, *ON, "--data", str(data), *asked]) == 0
    assert "at least 0.500000000000000000 ETH" in capsys.readouterr().out


def test_path__to_another_chain_needs_its_ledger(data, capsys):
    ends = [text_of("alice"), "bitcoin:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]
    assert run(["path", *ends, *ON, "--data", str(data)]) != 0
    assert re.search("bitcoin", capsys.readouterr().err)
    assert run(["path", *ends, *ON, "--data", str(data), "--by", "hops"]) == 2
    assert "--by means nothing between two chains" in capsys.readouterr().err


def test_next__ranks_and_says_that_it_states_no_amounts(data, capsys):
    assert run(["next", text_of("alice"), *ON, "--data", str(data)]) == 0
    text = capsys.readouterr().out
    assert "nothing about amounts" in text
    assert run(["next", text_of("alice"), *ON, "--data", str(data), "--json", "-n", "1"]) == 0
    assert len(json.loads(capsys.readouterr().out)["ranked"]) == 1
    assert run(["next", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "--network", "bitcoin"]) == 2
    assert "networks that keep accounts" in capsys.readouterr().err


def test_heuristics__name_the_rules_about_passages(capsys):
    assert run(["heuristics", "list"]) == 0
    listed = capsys.readouterr().out
    assert "TRacer" in listed
    for name in ("swap-eulerian", "swap-net", "wrap", "bridge-candidate", "mixer_counts"):
        assert name in listed
