import json

import pytest

from arien_flows.answers.listing_rules import listing_rules
from arien_flows.cli.main import run
from arien_flows.extraction.role_rules import RULES


def test_listing_rules__are_told_in_the_order_in_which_they_are_asked() -> None:
    rules = listing_rules().roles
    assert [rule.name for rule in rules] == list(RULES)
    assert {rule.role for rule in rules if rule.may_attribute} == {"pay_to", "proof"}
    assert not next(rule for rule in rules if rule.name == "price").may_attribute


def test_listings_rules__prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["listings", "rules"]) == 0
    text = capsys.readouterr().out
    assert all(f"{name}: {rule.purpose}" in text for name, rule in RULES.items())
    assert run(["listings", "rules", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["roles"]) == len(RULES)
    assert told["writing"][0] == {"name": "joined", "factor": "19/20"}
