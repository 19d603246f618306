"""Traces that a server is asked for: several questions at once, nothing twice, and all again."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from arien_flows.cli.main import run
from tests.esplora import EsploraServer, Snapshot, esplora
from tests.regtest_chain import RegtestChain

pytestmark = pytest.mark.slow

NETWORK = "bitcoin-regtest"

Say = Callable[..., str]


@pytest.fixture
def server(regtest_chain: RegtestChain) -> Iterator[EsploraServer]:
    with esplora(Snapshot.of_node(regtest_chain.rpc)) as running:
        yield running


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    def said(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        command = ["--data", str(tmp_path / "data"), "--network", NETWORK, "--progress", "none"]
        assert run([*command, *arguments]) == code
        return capsys.readouterr().out

    return said


@pytest.fixture
def question(regtest_chain: RegtestChain, server: EsploraServer) -> tuple[str, ...]:
    """Ask where a coin came from that many others went into."""
    source = f"{regtest_chain.transactions['consolidation'][0]}:0"
    limits = ("--direction", "backward", "--min-value", "1")
    return "trace", source, *limits, "--source", server.uri


class Counting:
    """Notes how many requests are with the server at once; each takes a while."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._guard = threading.Lock()

    def __call__(self, _route: str) -> None:
        with self._guard:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.05)
        with self._guard:
            self._now -= 1


def test_trace__asks_a_slow_server_several_things_at_once(
    say: Say, server: EsploraServer, question: tuple[str, ...]
):
    counting = server.before = Counting()
    answer = json.loads(say(*question, "--json"))
    assert answer["manifest"]["fetched"]["requests"] > 60
    assert 3 <= counting.most <= 16


def test_trace__runs_that_go_on_ask_nothing_twice(
    say: Say, server: EsploraServer, question: tuple[str, ...]
):
    runs, told = 0, "request_budget"
    while "request_budget" in told:
        runs += 1
        assert runs < 50
        told = say(*question, "--requests", "40")
        assert "of 40 requests now" in told
        if "request_budget" in told:
            assert "transactions that are known to be needed" in told
    assert runs > 2
    asked = Counter(route for route in server.requests if "tip" not in route)
    again = sum(asked.values()) - len(asked)
    # Where the requests of a run end within one answer (a header takes three), that is asked anew;
    # and each run sees at its end that the tip still stands.
    assert again <= 6 * runs
    assert len(asked) > 10 * runs
    transactions = {route: times for route, times in asked.items() if route.endswith("/raw")}
    assert set(transactions.values()) <= {1}


def test_replay__asks_no_server(
    say: Say, server: EsploraServer, question: tuple[str, ...], tmp_path: Path
):
    say(*question, "--requests", "60", "-o", str(tmp_path / "part"))
    whole = say(*question, "-o", str(tmp_path / "whole"), "--json")
    asked = len(server.requests)
    server.before = _refuse
    outcomes: list[dict[str, Any]] = [
        json.loads(say("replay", str(tmp_path / name / "manifest.json"), "--json"))
        for name in ("part", "whole")
    ]
    assert [each["outcome"] for each in outcomes] == ["same", "same"]
    assert outcomes[0]["found_sha256"] != outcomes[1]["found_sha256"]
    expected = json.loads(whole)["manifest"]["result_sha256"]
    assert outcomes[1]["found_sha256"] == expected
    assert len(server.requests) == asked


def _refuse(route: str) -> None:
    raise AssertionError(f"{route} was asked")
