"""Counting how often the rules that join accounts are wrong: what is stored is what comes out."""

import json
from importlib.resources import files

import pytest

from arien_flows.account_entities.links import NAME_OF_RULE, VERSION_OF_RULE
from arien_flows.account_entities.profiles import ACCOUNT_PROFILES, known_rules
from arien_flows.account_ledger.memory import account_view_of
from arien_flows.cli.main import run
from arien_flows.errors import InputError
from arien_flows.evaluation.account_rates import (
    account_rate_lines,
    evaluate_accounts,
    save_account_rates,
)
from arien_flows.evaluation.rates import clusterings_of, error_rate_text, rate_text
from arien_flows.simulation.account_people import made_up_accounts
from chains.ethereum.networks import ETHEREUM_DEV


@pytest.fixture(scope="module")
def stored():
    text = files("arien_flows.account_entities").joinpath("rates_1.json").read_text("utf-8")
    return json.loads(text)


@pytest.mark.slow
def test_rates__that_are_stored_come_out_again(stored) -> None:
    words = stored["made_by"].split()
    people, seed = (int(words[words.index(name) + 1]) for name in ("--people", "--seed"))
    assert evaluate_accounts(people, seed) == stored


def test_rates__are_of_the_rules_as_they_are_now(stored) -> None:
    versions = {NAME_OF_RULE[rule]: version for rule, version in VERSION_OF_RULE.items()}
    assert {name: row["version"] for name, row in stored["rules"].items()} == versions
    for name, profile in ACCOUNT_PROFILES.items():
        (rate,) = clusterings_of(name, known_rules(profile))
        assert rate.population.kind == "simulated"
        assert rate.agreement.precision is not None


def test_rates__show_that_stricter_profiles_are_wrong_less_often(stored) -> None:
    def wrong(row) -> float:
        return row["wrong"] / (row["right"] + row["wrong"])

    reuse = {row["population"]: wrong(row) for row in stored["rules"]["deposit-reuse"]["rates"]}
    assert reuse["made-up-strict"] < 0.1 < reuse["made-up-wide"]
    funding = {row["population"]: wrong(row) for row in stored["rules"]["gas-funding"]["rates"]}
    assert funding["made-up-standard"] < 0.1 < funding["made-up-wide"]
    # What the threshold of profile strict was chosen on.
    strict, doubtful = ({}, {})
    for row in stored["deposit_thresholds"]:
        table = strict if row["pays_exchanges_only"] else doubtful
        table[row["least_confidence_ppm"]] = row
    assert wrong(strict[500_000]) < 0.6 * wrong(doubtful[500_000])
    assert strict[500_000]["right"] > 0.95 * doubtful[500_000]["right"]
    assert strict[900_000]["right"] < 0.6 * strict[500_000]["right"]
    assert wrong(strict[900_000]) > 0.8 * wrong(strict[500_000])


def test_rates__are_called_simulated_and_never_an_error_rate() -> None:
    assert error_rate_text("deposit-reuse", 1) == "not measured"
    text = rate_text("deposit-reuse", 1)
    assert "Simulated, so no error rate" in text
    assert "the error on the real chain is not measured" in text


def test_made_up_accounts__are_the_same_for_the_same_seed() -> None:
    one, same, other = (made_up_accounts(100, seed) for seed in (3, 3, 4))
    assert one.owner == same.owner != other.owner
    assert one.batch.amount.tobytes() == same.batch.amount.tobytes()
    view = account_view_of([one.batch], ETHEREUM_DEV)
    assert view.counts.transactions == one.batch.transaction_count
    assert len(view.events.kind) > 20
    assert len(view.codes.kind) > 10
    with pytest.raises(ValueError, match="at least 100"):
        made_up_accounts(99, 3)


def test_evaluate_accounts__prints_and_saves_what_it_counted(tmp_path, capsys) -> None:
    path = tmp_path / "rates.json"
    words = ["heuristics", "evaluate-accounts", "--people", "100", "--seed", "5"]
    assert run([*words, "--save", str(path)]) == 0
    counts = json.loads(path.read_text())
    assert capsys.readouterr().out.splitlines() == account_rate_lines(counts)
    assert counts["made_by"] == "arien-flows " + " ".join(words)
    with pytest.raises(InputError, match="cannot be written"):
        save_account_rates(counts, tmp_path / "absent" / "rates.json")
