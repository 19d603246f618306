"""The rates that travel with inferences: complete, of their version, and never mixed."""

import json
from importlib.resources import files
from typing import Any

import pytest

from arien_flows.entities.profiles import (
    STRICT,
    TAG_RULE,
    Profile,
    all_profiles,
)
from arien_flows.evaluation.published import PUBLISHED
from arien_flows.evaluation.rates import (
    NOT_MEASURED,
    RATES_FILE,
    Population,
    Rate,
    clusterings_of,
    error_rate_text,
    rate_text,
    rates_of,
)
from arien_flows.evaluation.storing import FORMAT
from arien_flows.evaluation.tally import Tally
from heuristics.rules import RULES, Rule, rule_named

MAKE_AGAIN = "run `arien-flows heuristics evaluate --save` and put the file in place"


@pytest.fixture(scope="module")
def rates_file() -> dict[str, Any]:
    text = files("arien_flows.evaluation").joinpath(RATES_FILE).read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def test_rates_file__has_the_form_that_is_written(rates_file: dict[str, Any]) -> None:
    assert rates_file["format"] == FORMAT


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rates_file__speaks_of_every_rule_in_its_version(
    rates_file: dict[str, Any], rule: Rule
) -> None:
    assert rates_file["rules"][rule.name]["version"] == rule.version, MAKE_AGAIN


@pytest.mark.parametrize("profile", all_profiles(), ids=lambda profile: profile.name)
def test_rates_file__speaks_of_the_rules_of_every_profile(profile: Profile) -> None:
    rules = profile.known_rules
    assert clusterings_of(profile.name, rules), MAKE_AGAIN
    untagged = {name: version for name, version in rules.items() if name != TAG_RULE}
    assert clusterings_of(profile.name, untagged) == clusterings_of(profile.name, rules)


def test_clusterings_of__other_rules_give_none() -> None:
    strict = STRICT.known_rules
    assert clusterings_of("strict", {**strict, "cospend": strict["cospend"] + 1}) == ()
    assert clusterings_of("strict", {"cospend": strict["cospend"]}) == ()


def test_rates_file__names_no_rule_that_there_is_not(rates_file: dict[str, Any]) -> None:
    names = {rule.name for rule in RULES}
    assert set(rates_file["rules"]) == names
    assert set(PUBLISHED) <= names


def test_rates_file__was_not_made_on_wallets_that_train(rates_file: dict[str, Any]) -> None:
    assert "--wallets evaluation" in rates_file["made_by"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rate_text__never_calls_a_simulated_rate_an_error_rate(rule: Rule) -> None:
    real = error_rate_text(rule.name, rule.version)
    assert "simulated" not in real
    whole = rate_text(rule.name, rule.version)
    assert whole.startswith(f"error rate: {real}")
    if any(rate.population.kind == "simulated" for rate in rates_of(rule.name, rule.version)):
        assert ". Simulated, so no error rate: " in whole
    if not rates_of(rule.name, rule.version):
        assert whole == f"error rate: {NOT_MEASURED}"


def test_rates_of__another_version_gives_no_measured_rate() -> None:
    version = rule_named("cospend").version
    now, later = rates_of("cospend", version), rates_of("cospend", version + 1)
    assert {rate.population.kind for rate in later} == {"published"}
    assert len(now) > len(later)
    assert rates_of("no such rule", 1) == ()


def test_rates_of__puts_what_weighs_most_first() -> None:
    order = ["published", "labelled", "simulated"]
    for rule in RULES:
        kinds = [rate.population.kind for rate in rates_of(rule.name, rule.version)]
        assert kinds == sorted(kinds, key=order.index)


def rate(**counts: int | None) -> Rate:
    population = Population(kind="labelled", name="ten payments", source="made up")
    return Rate(
        rule="some_rule",
        version=1,
        population=population,
        tally=Tally(unit="transactions", **counts),  # type: ignore[arg-type]
    )


def test_text__tells_counts_shares_and_population() -> None:
    found = rate(right=8, wrong=2, missed=0, clear=8)
    assert found.text == (
        "ten payments: 2 wrong of 10 marked transactions, "
        "precision 80.00 % [49.02 % to 94.33 %], "
        "recall 100.00 % [67.56 % to 100.00 %], "
        "false-positive rate 20.00 % [5.67 % to 50.98 %]"
    )
    assert found.speaks_of_errors


def test_text__where_there_is_nothing_to_find_every_mark_is_wrong() -> None:
    found = rate(right=0, wrong=2, clear=398)
    assert found.text == (
        "ten payments: 2 of 400 marked, none of them rightly, "
        "false-positive rate 0.50 % [0.14 % to 1.80 %]"
    )
    assert found.speaks_of_errors
    assert rate(right=0, wrong=1).text == "ten payments: 1 of 1 marked, none of them rightly"


def test_text__of_a_rule_that_found_nothing_says_so() -> None:
    silent = rate(right=0, wrong=0, missed=5)
    assert silent.text == (
        "ten payments: 0 wrong of 0 marked transactions, recall 0.00 % [0.00 % to 43.45 %]"
    )
    assert not silent.speaks_of_errors


def test_published__figures_are_shares_as_printed() -> None:
    for rows in PUBLISHED.values():
        for stated in rows:
            figures = (stated.precision, stated.recall, stated.false_positive_rate)
            assert any(figures)
            for figure in filter(None, figures):
                assert 0 < float(figure) < 1
            assert stated.source
            assert stated.population


def test_published__votes_add_up() -> None:
    """Of what the source names, `precision` is right: recall / (recall + wrong)."""
    for name, rows in PUBLISHED.items():
        for stated in rows:
            if stated.precision and stated.recall and stated.false_positive_rate:
                right, wrong = float(stated.recall), float(stated.false_positive_rate)
                assert right / (right + wrong) == pytest.approx(
                    float(stated.precision), abs=2e-4
                ), name
