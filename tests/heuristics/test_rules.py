import pytest

from arien_flows.entities.clustering import RULES as CLUSTERING_RULES
from heuristics.change_rates import PUBLISHED
from heuristics.change_rules import STATIC, ChangeRule, rule_name
from heuristics.coinjoin import JOINMARKET_CONFIDENCE
from heuristics.rules import RULES, rule_named


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule__says_what_it_assumes_when_it_fails_and_who_says_so(rule) -> None:
    assert rule.summary.endswith(".")
    assert len(rule.summary) < 100
    for text in (rule.assumes, rule.fails_when, rule.source):
        assert text.endswith(".")
        assert "\n" not in text
    assert "Parameters" not in rule.source
    assert rule.documentation.startswith(rule.summary)
    assert rule.version >= 1
    assert "{" not in rule.documentation


def test_rules__have_names_of_their_own() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_rules__hold_every_rule_that_a_clustering_names_in_the_same_version() -> None:
    versions = {rule.name: rule.version for rule in RULES}
    assert {name: versions[name] for name in CLUSTERING_RULES} == CLUSTERING_RULES


def test_rule__states_a_confidence_only_where_a_source_gives_one() -> None:
    stated = {rule.name: rule.confidence for rule in RULES if rule.confidence is not None}
    assert stated == {
        "coinjoin_joinmarket": JOINMARKET_CONFIDENCE,
        "change_graphsense": 50,
        "change_same_cluster": 50,
    }


def test_rule__states_an_error_rate_only_with_its_population() -> None:
    rated = {rule.name: rule.error_rate for rule in RULES if rule.error_rate is not None}
    assert set(rated) == {rule_name(rule) for rule in PUBLISHED} | {"change_vote"}
    assert all("35,257,428" in rate.source for rate in rated.values())
    assert rated["change_power_of_ten_7"].text == (
        "precision 99.5334 %, recall 10.6845 %, wrong on 0.0501 % of all"
    )
    assert "smart" in rated["change_same_version"].text
    assert "smart" in rated["change_vote"].text


def test_rule__is_dynamic_where_the_future_can_speak() -> None:
    dynamic = {rule.name for rule in RULES if rule.kind == "dynamic"}
    assert dynamic == {rule_name(rule) for rule in set(ChangeRule) - STATIC} | {
        "change_vote",
        "change_model",
    }


def test_rule_named__an_unknown_name_lists_the_known_ones() -> None:
    assert rule_named("cospend") is RULES[0]
    with pytest.raises(KeyError, match="cospend, same_key"):
        rule_named("cospent")
