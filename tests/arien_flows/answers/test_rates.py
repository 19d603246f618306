"""How often rules were wrong, as answers tell it of a run."""

from arien_flows.answers.rates import error_rates
from arien_flows.entities.profiles import Terms, profile_named
from arien_flows.evaluation.rates import rate_text


def test_error_rates__of_the_votes_are_those_of_the_difference_that_the_run_asked_for() -> None:
    told = {}
    for name in ("standard", "wide"):
        profile = profile_named(name)
        rules = profile.rules(Terms())
        told[name] = error_rates(rules, profile.parameters(Terms()))
        assert set(told[name]) == set(rules)
        assert told[name]["cospend"] == rate_text("cospend", rules["cospend"])
    assert ", 7 votes ahead: " in told["standard"]["change_vote"]
    assert ", 3 votes ahead: " in told["wide"]["change_vote"]
    assert "7 votes" not in told["wide"]["change_vote"]
