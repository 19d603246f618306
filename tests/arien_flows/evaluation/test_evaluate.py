"""A whole evaluation of a small simulated chain, through the command line and back."""

import json
from pathlib import Path

import pytest

from arien_flows.answers.evaluation import EvaluationAnswer, evaluation_answer
from arien_flows.cli.main import run
from arien_flows.entities.profiles import Terms, all_profiles
from arien_flows.evaluation.evaluate import Evaluation, evaluate
from arien_flows.evaluation.rates import rate_from
from arien_flows.evaluation.storing import save, stored
from arien_flows.reports.evaluation import evaluation_lines
from arien_flows.simulation.parameters import SMALLEST, Parameters
from heuristics.rules import COIN_RULES

COMMAND = "arien-flows heuristics evaluate --transactions 2000"


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate(Parameters(transactions=SMALLEST, seed=3, wallets="evaluation"), None)


@pytest.fixture(scope="module")
def answer(evaluation: Evaluation) -> EvaluationAnswer:
    return evaluation_answer(evaluation, COMMAND)


@pytest.mark.slow
def test_evaluate__judges_by_what_the_simulation_knows(evaluation: Evaluation) -> None:
    rates = {rate.rule: rate for rate in evaluation.rates}
    assert rates["same_key"].tally is not None
    assert rates["same_key"].tally.wrong == 0
    assert rates["cospend"].tally is not None
    assert rates["cospend"].tally.right > 100
    assert {rate.population.kind for rate in evaluation.rates} == {"simulated"}
    whirlpool = rates["coinjoin_whirlpool"].tally
    assert whirlpool is not None
    assert (whirlpool.wrong, whirlpool.missed) == (0, 0)
    assert whirlpool.right > 0


@pytest.mark.slow
def test_evaluate__finds_wrong_merges_only_where_truth_has_several_owners(
    evaluation: Evaluation,
) -> None:
    strict, *others = evaluation.clusterings
    assert strict.profile == "strict"
    assert set(strict.wrong_merges) <= {"payjoin", "joint_payment"}
    assert strict.agreement.addresses > 1_000
    # Whatever guesses beside what strict joins finds more of what belongs together, and never
    # knows fewer addresses.
    for each in others:
        assert each.agreement.addresses == strict.agreement.addresses
        assert each.agreement.owners == strict.agreement.owners
        assert each.agreement.right_pairs > strict.agreement.right_pairs


@pytest.mark.slow
def test_evaluate__runs_every_form_of_every_profile(evaluation: Evaluation) -> None:
    ran = [(each.profile, dict(each.rules)) for each in evaluation.clusterings]
    assert ran == [(profile.name, profile.rules(Terms())) for profile in all_profiles()]
    standard = [rules for name, rules in ran if name == "standard"]
    assert ["change_vote" in rules for rules in standard] == [True, False]
    assert ["change_model" in rules for rules in standard] == [False, True]


@pytest.mark.slow
def test_stored__gives_the_counts_back(evaluation: Evaluation, tmp_path: Path) -> None:
    path = tmp_path / "rates.json"
    save(evaluation, COMMAND, path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content == stored(evaluation, COMMAND)
    assert content["made_by"] == COMMAND
    assert set(content["rules"]) == {rule.name for rule in COIN_RULES}
    again = [
        rate_from(name, entry["version"], row, content["populations"])
        for name, entry in content["rules"].items()
        for row in entry["rates"]
    ]
    assert again == list(evaluation.rates)


@pytest.mark.slow
def test_lines__name_the_population_of_every_rate(answer: EvaluationAnswer) -> None:
    text = "\n".join(evaluation_lines(answer))
    for rate in answer.rates:
        assert rate.population in text
    rows = [line for line in text.split("\n") if line.startswith("| cospend")]
    assert any("published" in row for row in rows)
    assert any("simulated" in row for row in rows)
    assert "not** the rule's error rate" in text
    silent = {rate.rule for rate in answer.rates if rate.kind != "published"}
    assert set(answer.not_measured) == {rule.name for rule in COIN_RULES} - silent


@pytest.mark.slow
def test_command__writes_the_counts_and_prints_the_same_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rates.json"
    options = ["heuristics", "evaluate", "--transactions", "2000", "--seed", "3"]
    assert run([*options, "--save", str(path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["command"].endswith("--seed 3 --wallets evaluation")
    content = json.loads(path.read_text(encoding="utf-8"))
    counted = {
        (name, row["unit"], row["right"], row["wrong"])
        for name, entry in content["rules"].items()
        for row in entry["rates"]
    }
    shown = {
        (rate["rule"], rate["unit"], rate["right"], rate["wrong"])
        for rate in printed["rates"]
        if rate["kind"] != "published"
    }
    assert shown == counted


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--transactions", "10"], "2000"),
        (["--labelled", "/nonexistent/folder"], "is no folder"),
        (["--wallets", "fancy"], "fancy"),
    ],
)
def test_command__says_what_is_wrong_with_its_input(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["heuristics", "evaluate", *options]) == 2
    assert message in capsys.readouterr().err
