"""The rates that travel with inferences: complete, of their version, and never mixed."""

import json
from dataclasses import replace
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
from arien_flows.evaluation.tally import Tally, Unit
from heuristics.rules import COIN_RULES, RULES, Rule, rule_named

MAKE_AGAIN = "run `arien-flows heuristics evaluate --save` and put the file in place"


@pytest.fixture(scope="module")
def rates_file() -> dict[str, Any]:
    text = files("arien_flows.evaluation").joinpath(RATES_FILE).read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def test_rates_file__has_the_form_that_is_written(rates_file: dict[str, Any]) -> None:
    assert rates_file["format"] == FORMAT


@pytest.mark.parametrize("rule", COIN_RULES, ids=lambda rule: rule.name)
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
    names = {rule.name for rule in COIN_RULES}
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
    order = ["published", "labelled", "emulated", "simulated"]
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
        "ten payments: 0 of 5 marked, none of which could be wrong, "
        "recall 0.00 % [0.00 % to 43.45 %]"
    )
    assert not silent.speaks_of_errors


def test_text__where_there_is_nothing_to_be_wrong_about_no_precision_is_told() -> None:
    found = rate(right=90, wrong=0, missed=10)
    assert found.precision is None
    assert not found.speaks_of_errors
    assert found.text.startswith(
        "ten payments: 90 of 100 marked, none of which could be wrong, recall 90.00 %"
    )
    # One wrong mark shows that there was something to be wrong about.
    assert rate(right=90, wrong=1, missed=10, clear=0).precision is not None


@pytest.mark.parametrize(
    ("unit", "named", "speaks"),
    [
        ("changes", 0, False),
        ("changes", 1, True),
        ("vetoes", 0, False),
        ("vetoes", 1, True),
        ("transactions", 0, True),
    ],
)
def test_speaks_of_errors__a_rule_that_named_nothing_was_not_put_to_the_test(
    unit: Unit, named: int, speaks: bool
) -> None:
    tally = Tally(unit=unit, right=named, wrong=0, missed=8, clear=8)
    found = replace(rate(right=0, wrong=0), tally=tally)
    assert found.speaks_of_errors is speaks


def test_precision__of_picked_cases_is_the_choice_of_who_picked_them() -> None:
    found = rate(right=8, wrong=2, missed=0, clear=8)
    picked = replace(found, population=replace(found.population, picked=True))
    assert found.precision is not None
    assert picked.precision is None
    assert "precision" not in picked.text
    assert "recall" in picked.text
    assert "false-positive rate" in picked.text


def test_rates_of__the_threshold_vote_is_told_at_the_difference_that_was_asked() -> None:
    version = rule_named("change_vote").version
    for needed, wrong in ((3, "1.6"), (7, "0.07")):
        told = error_rate_text("change_vote", version, needed)
        assert f"{needed} votes ahead" in told
        assert f"false-positive rate {wrong}" in told
    assert error_rate_text("change_vote", version, 11) == "not measured at 11 votes"
    at_three = rates_of("change_vote", version, 3)
    counted = [rate.tally for rate in at_three if rate.tally is not None]
    assert counted
    assert not set(counted) & {rate.tally for rate in rates_of("change_vote", version)}
    assert rates_of("cospend", 1, 3) == rates_of("cospend", 1)


def test_rate_text__tells_another_rules_figure_beside_and_not_as_the_error_rate() -> None:
    version = rule_named("change_model").version
    told = rate_text("change_model", version)
    error_rate, beside = told.split(". Published of another rule than this: ")
    assert "forest" not in error_rate
    assert "15 wrong of 39 named outputs" in error_rate
    assert "authors' random forest, not ours" in beside
    assert "82 payments" not in rate_text("change_model", version + 1)


def test_rate_text__of_a_vote_names_the_form_and_the_bias_of_its_population() -> None:
    told = error_rate_text("change_same_version", rule_named("change_same_version").version)
    assert "not this one" in told
    assert "before taproot" in told
    assert "39 % of them with three inputs or more, of the rest 8 %" in told


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
