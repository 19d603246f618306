"""Answers from a server that is asked, and from a ledger of all blocks: they are the same.

A real node makes the chain. Its block files become a ledger on disk; a real Electrum server and
the stand-in of an explorer are asked about the same chain, through the command line.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arien_flows.cli.inquiring import inquired
from arien_flows.cli.main import run
from arien_flows.cli.session import Session
from arien_flows.inquiry.trace import TraceQuestion
from arien_flows.settings import Settings
from arien_flows.tracing.manifest import NOT_HASHED
from arien_flows.tracing.request import DirectionName, PolicyName, TraceRequest
from arien_flows.tracing.trace import trace
from arien_flows.workspace import Reading, Workspace
from tests.arien_flows.inquiry.asking import told
from tests.contract.lookups import LOOKUP_SERVERS
from tests.regtest_chain import RegtestChain

pytestmark = pytest.mark.slow

NETWORK = "bitcoin-regtest"
KINDS = ("fund", "pay", "batch", "multi_input", "consolidation", "coinjoin", "taproot_script")
ENOUGH = ("--requests", "100000")

FETCHING_ONLY = ("provisional", "unconfirmed")
"""What only answers of a server leave out: entities may lack members, and servers know of
transactions that are in no block yet."""

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ledger(regtest_chain: RegtestChain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with the ledger of the whole chain, clustered."""
    data = tmp_path_factory.mktemp("bulk")
    common = ["--data", str(data), "--network", NETWORK, "--progress", "none"]
    source = f"blockfiles:{regtest_chain.datadir}"
    assert run([*common, "ledger", "ingest", "--source", source]) == 0
    assert run([*common, "cluster", "run"]) == 0
    return data


@pytest.fixture(scope="module", params=LOOKUP_SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    """Return the URI of a server that knows the chain."""
    return str(request.getfixturevalue(request.param).uri)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a command on a data folder and return its JSON; or what it complains of."""

    def asked(data: Path, *arguments: str, code: int = 0) -> Any:
        capsys.readouterr()
        command = ["--data", str(data), "--network", NETWORK, "--json", *arguments]
        assert run(command) == code
        captured = capsys.readouterr()
        return captured.err if code else json.loads(captured.out)

    return asked


def same(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what both ways of asking must agree on, entities aside."""
    cuts = [cut for cut in answer["truncations"] if cut["reason"] not in FETCHING_ONLY]
    # A clustering's name holds the transactions that it saw.
    left_out = (*NOT_HASHED, "clustering", "entity", "graph")
    kept = {name: part for name, part in answer.items() if name not in left_out}
    if "leaves" in kept:
        kept["leaves"] = [leaf | {"entity": None} for leaf in kept["leaves"]]
    return kept | {"truncations": cuts, "complete": not cuts}


def by_address(reading: Reading, request: TraceRequest) -> dict[str, Any]:
    """Trace with every address for itself, which makes graphs comparable, too."""
    return told(
        trace(
            reading.view,
            request,
            coinjoin_marks=reading.coinjoin_marks,
            fetched=reading.fetched,
        )
    )


def source_of(chain: RegtestChain, kind: str, direction: str) -> str:
    """Return a coin from which a transaction of a kind is reached."""
    txid = chain.transactions[kind][0]
    if direction == "backward":
        return f"{txid}:0"
    spent = chain.rpc.getrawtransaction(txid, 1)["vin"][0]
    return f"{spent['txid']}:{spent['vout']}"


def address_of(chain: RegtestChain, txid: str, vout: int = 0) -> str:
    """Return who a transaction pays."""
    output = chain.rpc.getrawtransaction(txid, 1)["vout"][vout]
    return str(output["scriptPubKey"]["address"])


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("policy", ["fifo", "haircut", "poison"])
def test_trace__is_the_same_from_a_server_and_from_a_ledger(
    ledger: Path,
    server: str,
    ask: Ask,
    tmp_path: Path,
    regtest_chain: RegtestChain,
    direction: str,
    policy: str,
):
    explored = 0
    for kind in KINDS:
        source = source_of(regtest_chain, kind, direction)
        for min_value in ("1", "0.01BTC"):
            limits = ("--min-value", min_value, "--max-hops", "20")
            question = ("trace", source, "--direction", direction, "--policy", policy, *limits)
            fetched = ask(tmp_path, *question, "--settle", "--source", server, *ENOUGH)
            assert same(fetched) == same(ask(ledger, *question))
            explored += fetched["manifest"]["transactions_explored"]
    assert explored > 2 * len(KINDS)


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("policy", ["fifo", "haircut", "poison"])
def test_trace__has_the_same_graph(
    ledger: Path,
    server: str,
    tmp_path: Path,
    regtest_chain: RegtestChain,
    direction: DirectionName,
    policy: PolicyName,
):
    bulk = Workspace(Settings(data=ledger, network=NETWORK)).open(NETWORK)
    session = Session(
        settings=Settings(data=tmp_path, network=NETWORK, source=server),
        as_json=True,
        progress="none",
        requests=100_000,
    )
    for kind in KINDS:
        request = TraceRequest(
            sources=(source_of(regtest_chain, kind, direction),),
            direction=direction,
            policy=policy,
            min_value_sat=1,
            max_hops=20,
        )
        question = TraceQuestion(requests=(request,), settle=True)
        found = inquired(session, lambda it, asked=request: by_address(it, asked), question)
        assert found == bulk.ask(lambda it, asked=request: by_address(it, asked))


def test_trace__of_an_address_is_the_same(
    ledger: Path, server: str, ask: Ask, tmp_path: Path, regtest_chain: RegtestChain
):
    for kind in ("fund", "batch"):
        address = address_of(regtest_chain, regtest_chain.transactions[kind][0])
        question = ("trace", address, "--min-value", "1")
        fetched = ask(tmp_path, *question, "--settle", "--source", server)
        assert same(fetched) == same(ask(ledger, *question))


def test_address__is_the_same(
    ledger: Path, server: str, ask: Ask, tmp_path: Path, regtest_chain: RegtestChain
):
    for kind in ("fund", "deposit", "coinjoin"):
        address = address_of(regtest_chain, regtest_chain.transactions[kind][0])
        for question in (("address", address), ("address", address, "--transactions")):
            fetched = ask(tmp_path, *question, "--source", server)
            assert same(fetched) == same(ask(ledger, *question))


def test_entity__is_the_same_once_all_histories_are_here(
    ledger: Path, server: str, ask: Ask, tmp_path: Path, regtest_chain: RegtestChain
):
    txid = regtest_chain.transactions["multi_input"][0]
    spent = regtest_chain.rpc.getrawtransaction(txid, 2)["vin"][0]["prevout"]
    address = spent["scriptPubKey"]["address"]
    question = ("entity", address, "--members", "--limit", "1000")
    fetched = ask(tmp_path, *question, "--source", server, *ENOUGH)
    assert fetched["address_count"] > 1
    assert same(fetched) == same(ask(ledger, *question))


def test_why__names_the_same_transactions(
    ledger: Path, server: str, ask: Ask, tmp_path: Path, regtest_chain: RegtestChain
):
    txid = regtest_chain.transactions["multi_input"][0]
    spent = regtest_chain.rpc.getrawtransaction(txid, 2)["vin"]
    first, second = (vin["prevout"]["scriptPubKey"]["address"] for vin in spent[:2])
    fetched = ask(tmp_path, "why", first, second, "--source", server, *ENOUGH)
    assert fetched["joined"]
    assert same(fetched) == same(ask(ledger, "why", first, second))


def test_tx__is_the_same(
    ledger: Path, server: str, ask: Ask, tmp_path: Path, regtest_chain: RegtestChain
):
    coinbase = regtest_chain.blocks[120]["tx"][0]["txid"]
    txids = [regtest_chain.transactions[kind][0] for kind in ("batch", "op_return", "bumped")]
    for txid in (coinbase, *txids):
        fetched = ask(tmp_path, "tx", txid, "--source", server)
        assert same(fetched) == same(ask(ledger, "tx", txid))
        assert all(output["spender_asked"] for output in fetched["outputs"])


def test_tx__unconfirmed_is_not_found(
    server: str, ask: Ask, tmp_path: Path, regtest_chain: RegtestChain
):
    said = ask(tmp_path, "tx", regtest_chain.unconfirmed[0], "--source", server, code=2)
    assert "is not in a block up to" in said


def test_unconfirmed__is_told_and_in_no_sum(
    server: str, ask: Ask, tmp_path: Path, regtest_chain: RegtestChain
):
    waiting = regtest_chain.rpc.getrawtransaction(regtest_chain.unconfirmed[0], 1)
    spent = waiting["vin"][0]
    before = regtest_chain.rpc.getrawtransaction(spent["txid"], 1)["vout"][spent["vout"]]
    answer = ask(tmp_path, "address", before["scriptPubKey"]["address"], "--source", server)
    (cut,) = [cut for cut in answer["truncations"] if cut["reason"] == "unconfirmed"]
    assert waiting["txid"] in cut["detail"]
    assert int(answer["balance"]) >= round(before["value"] * 100_000_000)


def test_trace__goes_on_where_the_requests_ended(
    server: str, ask: Ask, tmp_path: Path, regtest_chain: RegtestChain
):
    source = f"{regtest_chain.transactions['consolidation'][0]}:0"
    question = ("trace", source, "--direction", "backward", "--min-value", "1", "--source", server)
    whole = ask(tmp_path / "whole", *question, *ENOUGH)
    needed = whole["manifest"]["fetched"]["requests"]
    assert needed > 60
    made, runs = 0, 0
    while True:
        runs += 1
        part = ask(tmp_path / "parts", *question, "--requests", "40")
        made += part["manifest"]["fetched"]["requests"]
        assert part["manifest"]["fetched"]["requests"] <= 40
        if not any(cut["reason"] == "request_budget" for cut in part["truncations"]):
            break
        assert runs < 50
    assert runs > 2
    assert same(part) == same(whole)
    assert part["manifest"]["result_sha256"] == whole["manifest"]["result_sha256"]
    # Each run opens the server anew, sees that the tip still stands, and may lose one round trip.
    assert made <= needed + 12 * runs
    again = ask(tmp_path / "parts", *question, "--requests", "40")
    assert again["manifest"]["result_sha256"] == whole["manifest"]["result_sha256"]
    assert again["manifest"]["fetched"]["requests"] <= 5


def test_source__of_another_network_is_refused(server: str, tmp_path: Path, ask: Ask):
    said = ask(
        tmp_path,
        *("address", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "--network", "bitcoin"),
        *("--source", server),
        code=4,
    )
    assert "bitcoin" in said.splitlines()[-1]
