"""`path` on the small ledger: blocks of coins, files, no path as an answer, bad input."""

import json
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import pytest

from arien_flows.cli.main import run
from arien_flows.cli.path_texts import path_lines
from arien_flows.tracing.paths import find_paths
from arien_flows.tracing.paths_request import PathRequest
from tests.arien_flows.tracing.chains import attribution_of
from tests.ledgers import Tx, build_view, text_of_name
from tests.small_case import COIN, FEE, SmallCase

Say = Callable[..., str]


@pytest.fixture
def say(small_case: SmallCase, capsys: pytest.CaptureFixture[str]) -> Say:
    """Ask for paths on the small ledger and return what is printed."""

    def said(*arguments: str, code: int = 0) -> str:
        assert run(["--data", str(small_case.data), "path", *arguments]) == code
        captured = capsys.readouterr()
        return captured.err if code else captured.out

    return said


def test_path__prints_a_block_for_each(say: Say, small_case: SmallCase):
    text = say(small_case.address("alice"), "category:exchange")
    assert text.startswith(f"1 path from {small_case.address('alice')} to category:exchange")
    assert "1. 1 transaction, carries at most 50.00000000 tBTC" in text
    assert f"{small_case.txid('mined-1')}:0" in text
    assert f"{small_case.txid('pay')}:0" in text
    assert "Exchange One" in text
    assert "over the connection found, between 10.00000000 tBTC and 50.00000000 tBTC\n" in text
    assert "arrived of the 50.00000000 tBTC that the origin's coins hold\n" in text
    assert "left the origin" not in text
    assert "Not spent" in text
    assert "fifo" in text
    assert "True as of block" in text


def test_path__none_is_an_answer(say: Say, small_case: SmallCase):
    text = say(small_case.address("bob"), small_case.address("p2tr:fund"))
    assert text.startswith("No path from")
    assert "not through a service or a CoinJoin" in text
    assert "at a CoinJoin" in text
    through = say(
        small_case.address("bob"), small_case.address("p2tr:fund"), "--through", "coinjoins"
    )
    assert through.startswith("2 paths from")


def test_path__says_that_the_destination_is_older(say: Say, small_case: SmallCase):
    text = say(small_case.address("exchange"), small_case.address("alice"))
    assert "money goes one way" in text


def test_path__says_over_what_it_sums_up(say: Say, small_case: SmallCase):
    ends = (small_case.address("bob"), small_case.address("p2tr:fund"), "--through", "coinjoins")
    text = say(*ends, "-k", "1")
    assert "the 2 connections found, between" in text
    assert "is not in it" not in text
    text = say(*ends, "--max-hops", "2", "--by", "hops", "--min-value", "35BTC")
    assert "the connection found, between" in text
    assert "What came past the limits, or beyond where the search ended, is not in it." in text


def test_path__sums_up_only_the_coins_that_the_search_met():
    chain = [
        Tx(name="mined", outputs=[("shop", 50 * COIN)]),
        Tx(name="other", outputs=[("shop", 50 * COIN)]),
        Tx(name="pay", inputs=["mined:0"], outputs=[("end", 50 * COIN)]),
    ]
    view = build_view(chain)
    request = PathRequest(origin="category:shop", destination=text_of_name("end"))
    answer = find_paths(view, request, attribution=attribution_of(view, {"shop": "shop"}))
    text = "\n".join(path_lines(answer))
    assert "found, 50.00000000 tBTC\n" in text
    assert "arrived of the 50.00000000 tBTC that the origin's coins on them hold" in text


def test_path__says_that_other_connections_may_have_brought_more(say: Say, small_case: SmallCase):
    ends = (small_case.address("p2pkh:alice-2"), small_case.address("p2sh:alice-4"))
    assert "may come on top" not in say(*ends)
    text = say(*ends, "--budget", "1")
    assert "1 transaction looked at" in text
    assert "the connection found, between" in text
    assert "Not everything was looked at: what other connections brought may come on top." in text


def test_path__answers_as_of_an_earlier_block(say: Say, small_case: SmallCase):
    ends = (small_case.address("bob"), small_case.address("p2tr:fund"), "--through", "coinjoins")
    answer = json.loads(say(*ends, "--json"))
    height = answer["connections"][0]["coins"][-1]["height"]
    earlier = json.loads(say(*ends, "--json", "--as-of", str(height)))
    assert earlier["as_of"]["height"] == height
    assert [cut["where"] for cut in earlier["truncations"] if cut["reason"] == "as_of"] == ["tags"]
    assert all(cut["reason"] != "as_of" for cut in answer["truncations"])
    assert "was never used" in say(*ends, "--as-of", str(height - 1), code=2)
    assert "holds blocks 0 to" in say(*ends, "--as-of", "999", code=2)


def test_path__writes_the_answer_and_its_graph(say: Say, small_case: SmallCase, tmp_path: Path):
    ends = (small_case.address("alice"), small_case.address("p2sh:alice-4"))
    answer = json.loads(say(*ends, "--json", "-o", str(tmp_path / "out")))
    assert json.loads((tmp_path / "out" / "paths.json").read_bytes()) == answer
    graph = nx.read_graphml(tmp_path / "out" / "paths.graphml")
    assert graph.graph["result_sha256"] == answer["manifest"]["result_sha256"]
    last = answer["connections"][0]["coins"][-1]
    assert last["value"] == str(60 * COIN - 2 * FEE)
    assert graph.nodes[last["outpoint"]]["value_sat"] == 60 * COIN - 2 * FEE
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (3, 2)


def test_path__lists_as_many_as_asked(say: Say, small_case: SmallCase):
    ends = (small_case.address("bob"), small_case.address("p2tr:fund"), "--through", "coinjoins")
    answer = json.loads(say(*ends, "-k", "1", "--by", "hops", "--json"))
    assert (answer["count"], len(answer["connections"])) == ("2", 1)
    assert "limit" in {cut["reason"] for cut in answer["truncations"]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("alice", "alice"), "both ends are the same"),
        (("alice", "category:bank"), "no tag names a category 'bank' here: there are exchange"),
        (("alice", "nobody"), "was never used"),
        (("alice", "exchange", "--min-value", "x"), "is not an amount"),
    ],
)
def test_path__bad_input_is_one_line(say: Say, small_case: SmallCase, arguments, message):
    ends = [text if ":" in text else small_case.address(text) for text in arguments[:2]]
    error = say(*ends, *arguments[2:], code=2)
    assert message in error
    assert len(error.splitlines()) == 1


def test_path__asks_no_server(say: Say, small_case: SmallCase, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ARIEN_SOURCE", "esplora+http://127.0.0.1:1/api")
    ends = small_case.address("alice"), small_case.address("exchange")
    assert "paths are looked for in a ledger only" in say(*ends, code=2)


def test_path__can_be_replayed(
    say: Say, small_case: SmallCase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    ends = (small_case.address("alice"), "category:exchange")
    say(*ends, "-k", "3", "--by", "hops", "-o", str(tmp_path))
    file = tmp_path / "paths.json"
    assert run(["--data", str(small_case.data), "replay", str(file)]) == 0
    assert "its result hash is the same" in capsys.readouterr().out
    file.write_text(file.read_text().replace("5000000000", "5000000001", 1))
    assert run(["--data", str(small_case.data), "replay", str(file)]) == 2
    assert "was changed or damaged" in capsys.readouterr().err
