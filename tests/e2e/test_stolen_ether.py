"""Stolen ether, from a real node to the exchange that could name the thief, by the command line.

Each amount is worked out here by hand from what the node itself says of the thief's transactions:
10 coins of the thief's own lay below the 50 stolen ones; 30 were wrapped, 20 of these swapped
there and back, 10 unwrapped, and 35 paid into a deposit address that the exchange emptied.
"""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from arien_flows.cli.main import run
from tests.dev_chain import CASHED_IN, ETHER, OWN, STOLEN, SWAPPED, WRAPPED, DevChain

Ask = Callable[..., dict[str, Any]]
NETWORK = "ethereum-dev"
STEPS = (
    *("thief wraps", "thief approves", "thief swaps"),
    *("thief approves gems", "thief swaps back", "thief unwraps"),
)
"""What the thief did between the theft and the payment to the deposit address, in order."""


def gas_of(chain: DevChain, step: str) -> int:
    receipt = chain.node.rpc("eth_getTransactionReceipt", chain.tx(step))
    return int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)


def got_back(chain: DevChain) -> int:
    """Return the coins that the swaps came back with, from the thief's balances at the node."""
    receipt = chain.node.rpc("eth_getTransactionReceipt", chain.tx("thief swaps back"))
    at = int(receipt["blockNumber"], 16)

    def balance(height: int) -> int:
        return int(chain.node.rpc("eth_getBalance", chain.people["thief"], hex(height)), 16)

    gas = sum(gas_of(chain, step) for step in STEPS[3:])
    return balance(at) - balance(at - 1) + gas - (WRAPPED - SWAPPED)


@pytest.fixture(scope="module")
def folder(ethereum_chain: DevChain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with the chain's ledger, its entities, and the exchange's name."""
    folder = tmp_path_factory.mktemp("stolen")
    data = ["--data", str(folder), "--network", NETWORK, "--progress", "none"]
    assert run([*data, "ledger", "ingest", "--source", ethereum_chain.source]) == 0
    pack = folder / "tags.yaml"
    pack.write_text(
        "title: Services\ncreator: a test\nsource: https://example.org/services\n"
        f"currency: ETH\nnetwork: {NETWORK}\nlastmod: 2026-01-01\nconfidence: ownership\ntags:\n"
        f"  - {{address: '{ethereum_chain.people['exchange']}', label: Example Exchange, "
        "concepts: [exchange]}\n"
    )
    assert run([*data, "tags", "import", str(pack)]) == 0
    assert run([*data, "cluster", "run"]) == 0
    return folder


@pytest.fixture
def ask(folder: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Return what runs a command and reads its JSON."""

    def asked(*command: str) -> dict[str, Any]:
        assert run(["--data", str(folder), "--network", NETWORK, "--json", *command]) == 0
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    return asked


def at_exchange(answer: dict[str, Any]) -> int:
    return sum(int(each["traced"]) for each in answer["services"])


def trace(ask: Ask, chain: DevChain, policy: str) -> dict[str, Any]:
    return ask("trace", f"{chain.tx('theft')}:0", "--policy", policy, "--min-value", "1")


def test_fifo__pays_the_thiefs_own_coins_first(ask: Ask, ethereum_chain: DevChain):
    gas = sum(gas_of(ethereum_chain, step) for step in STEPS)
    half_clean = got_back(ethereum_chain) // 2
    left = STOLEN - (WRAPPED - OWN) - gas
    assert left + half_clean > CASHED_IN, "the coins that came back clean pay the rest"
    answer = trace(ask, ethereum_chain, "fifo")
    assert at_exchange(answer) == left
    (service,) = answer["services"]
    assert service["label"] == "Example Exchange"


def test_lifo__pays_stolen_coins_first(ask: Ask, ethereum_chain: DevChain):
    assert at_exchange(trace(ask, ethereum_chain, "lifo")) == CASHED_IN


def test_poison__takes_all_of_it(ask: Ask, ethereum_chain: DevChain):
    assert at_exchange(trace(ask, ethereum_chain, "poison")) == CASHED_IN


def test_haircut__shares_in_proportion(ask: Ask, ethereum_chain: DevChain):
    """Exact fractions, of which the program may lose less than a unit at each step."""
    gas = [gas_of(ethereum_chain, step) for step in STEPS]
    balance, tainted = Fraction(OWN + STOLEN), Fraction(STOLEN)
    wrapped = WRAPPED * tainted / balance
    balance, tainted = balance - WRAPPED, tainted - wrapped
    for paid in gas[:5]:
        balance, tainted = balance - paid, tainted * (1 - paid / balance)
    came = got_back(ethereum_chain)
    share = wrapped / WRAPPED
    # The coins of the swap come before the gas of its transaction, those of the unwrapping too.
    balance, tainted = Fraction(OWN + STOLEN - WRAPPED), STOLEN - wrapped
    for step, paid in zip(STEPS, gas, strict=True):
        if step == "thief swaps back":
            balance, tainted = balance + came, tainted + came * share
        if step == "thief unwraps":
            more = WRAPPED - SWAPPED
            balance, tainted = balance + more, tainted + more * share
        balance, tainted = balance - paid, tainted * (1 - paid / balance)
    expected = CASHED_IN * tainted / balance
    assert abs(at_exchange(trace(ask, ethereum_chain, "haircut")) - expected) < len(STEPS) * 10


def test_trace__tells_the_way_and_accounts_for_everything(ask: Ask, ethereum_chain: DevChain):
    answer = trace(ask, ethereum_chain, "fifo")
    rules = [each["rule"] for each in answer["conversions"]]
    assert sorted(rules).count("wrap") == 1
    assert sorted(rules).count("unwrap") == 1
    assert sum(rule.startswith("swap") for rule in rules) == 2
    for asset in answer["assets"]:
        totals = asset["totals"]
        came = int(totals["source"]) + int(totals["came_by_conversion"])
        went = sum(int(amount) for amount in totals["by_reason"].values())
        went += int(totals["fees"]) + int(totals["destroyed"]) + int(totals["converted_away"])
        assert came == went
    assert sum(int(each["totals"]["source"]) for each in answer["assets"]) == STOLEN
    (point,) = answer["service_points"]
    assert point["address"].lower() == ethereum_chain.people["exchange"]
    coin = point["coins"][-1]
    assert coin["txid"] == ethereum_chain.tx("sweep thief")
    assert coin["counterparty"].lower() == ethereum_chain.contracts["deposit_thief"]
    # The deposit address and the thief are one customer, so the edge is the sweep.
    (edge,) = [
        edge
        for edge in answer["graph"]["edges"]
        if ethereum_chain.tx("sweep thief") in edge["txids"]
    ]
    assert int(edge["amount"]) == at_exchange(answer)


def test_trace__backward_from_the_exchange_comes_to_the_victim(ask: Ask, ethereum_chain: DevChain):
    source = f"{ethereum_chain.tx('sweep thief')}:0"
    answer = ask("trace", source, "--direction", "backward", "--policy", "lifo", "--min-value", "1")
    total = int(answer["totals"]["source"])
    assert total == CASHED_IN
    nodes = {node["address"].lower() for node in answer["graph"]["nodes"] if node["address"]}
    assert ethereum_chain.people["victim"] in nodes


def test_answers__repeat_to_the_byte(ask: Ask, folder: Path, ethereum_chain: DevChain, capsys):
    answer = trace(ask, ethereum_chain, "haircut")
    file = folder / "trace.json"
    file.write_text(json.dumps(answer))
    assert run(["--data", str(folder), "--network", NETWORK, "replay", str(file)]) == 0
    assert answer["manifest"]["result_sha256"] in capsys.readouterr().out


def test_people__and_entities_are_told(ask: Ask, ethereum_chain: DevChain):
    thief = ask("address", ethereum_chain.people["thief"])
    assert thief["certainty"] == "fact"
    balance = int(ethereum_chain.node.rpc("eth_getBalance", thief["address"], "latest"), 16)
    assert int(thief["balance"]) == balance
    why = ask("why", ethereum_chain.people["thief"], ethereum_chain.contracts["deposit_thief"])
    assert "deposit-reuse" in json.dumps(why)
    assert balance > 15 * ETHER
