import pytest

from arien_flows.entities.change_model import load_model
from arien_flows.entities.coinjoin_findings import NEIGHBOUR_RULES
from arien_flows.entities.profiles import PROFILES, profile_named
from arien_flows.entities.rule_names import rule_name
from heuristics.change_features import VOTE_COUNT, Fact
from heuristics.change_rules import STATIC, ChangeRule, vote_name
from heuristics.constrained_fields import DecidedBy
from heuristics.cospend import MergeRule
from heuristics.forest import LEAF
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
    assert rule.kind in {"static", "dynamic"}
    assert "{" not in rule.documentation


def test_rules__have_names_of_their_own() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_rules__hold_every_rule_that_a_clustering_names_in_the_same_version() -> None:
    known = {rule.name: rule.version for rule in RULES}
    for profile in PROFILES:
        assert known.items() >= profile_named(profile).known_rules.items()
    assert known.items() >= NEIGHBOUR_RULES.items()


def test_rules__hold_every_rule_that_joins_or_decides() -> None:
    known = {rule.name for rule in RULES}
    assert {rule_name(number) for number in (*MergeRule, *DecidedBy)} <= known


def test_change_model__names_as_many_facts_as_its_trees_ask_for() -> None:
    asked = set(load_model().forest.feature.tolist()) - {LEAF}
    facts = {Fact(column - VOTE_COUNT) for column in asked if column >= VOTE_COUNT}
    assert facts == {
        Fact.FEE_RATE,
        Fact.TOTAL_VALUE_CLASS,
        Fact.VERSION,
        Fact.SEGWIT,
        Fact.LOCKTIME,
        Fact.INPUTS,
    }
    said = " ".join(rule_named("change_model").documentation.split())
    assert "26 votes and six facts about the transaction: its fee rate, the class" in said


def test_rule__states_a_confidence_only_where_a_source_gives_one() -> None:
    stated = {rule.name: rule.confidence for rule in RULES if rule.confidence is not None}
    assert stated == {
        "change_graphsense": 50,
        "change_same_cluster": 50,
        "coinjoin_joinmarket": 49,
        "coinjoin_wasabi_1_0": 70,
        "coinjoin_wasabi_2_shape": 60,
        "coinjoin_whirlpool": 60,
        "coinjoin_whirlpool_tx0": 60,
        "coinjoin_whirlpool_tx0_spent": 90,
    }


def test_rule__is_dynamic_where_the_future_can_speak() -> None:
    dynamic = {rule.name for rule in RULES if rule.kind == "dynamic"}
    assert dynamic >= {vote_name(rule) for rule in set(ChangeRule) - STATIC} | {"change_vote"}
    assert not dynamic & {vote_name(rule) for rule in STATIC}


def test_rule_named__an_unknown_name_lists_the_known_ones() -> None:
    assert rule_named("cospend") is RULES[0]
    with pytest.raises(KeyError, match="cospend, same_key"):
        rule_named("cospent")
