import pytest

from arien_flows.entities.clustering import RULES as CLUSTERING_RULES
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
    assert rule.kind in ("static", "dynamic")


def test_rules__have_names_of_their_own() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_rules__hold_every_rule_that_a_clustering_names_in_the_same_version() -> None:
    assert CLUSTERING_RULES.items() <= {rule.name: rule.version for rule in RULES}.items()


def test_rule__states_a_confidence_only_where_a_source_gives_one() -> None:
    stated = {rule.name: rule.confidence for rule in RULES if rule.confidence is not None}
    assert stated == {"coinjoin_joinmarket": JOINMARKET_CONFIDENCE}
    assert all(rule.error_rate is None for rule in RULES)


def test_rule_named__an_unknown_name_lists_the_known_ones() -> None:
    assert rule_named("cospend") is RULES[0]
    with pytest.raises(KeyError, match="cospend, same_key"):
        rule_named("cospent")
