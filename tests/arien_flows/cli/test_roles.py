"""`roles` and its route over the small ledger."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.main import service
from arien_flows.cli.main import run
from arien_flows.entities.roles import FEATURES, standard_policy
from arien_flows.settings import Settings
from tests.small_case import NETWORK, SmallCase


def say(case: SmallCase, *arguments: str, code: int = 0) -> None:
    assert run(["--data", str(case.data), *arguments]) == code


def roles_of(case: SmallCase, name: str, capsys) -> dict[str, Any]:
    say(case, "roles", case.address(name), "--json")
    return json.loads(capsys.readouterr().out)


def test_roles__shows_what_decides(small_case: SmallCase, capsys):
    say(small_case, "roles", small_case.address("p2pkh:alice-2"))
    text = capsys.readouterr().out
    assert f"Entity   {small_case.address('alice')} (inferred by profile strict)" in text
    assert f"Policy   roles-1 ({standard_policy().sha256})" in text
    answer = roles_of(small_case, "p2pkh:alice-2", capsys)
    assert {role["verdict"] for role in answer["roles"]} == {"fails"}
    assert "Roles    none holds\n" in text
    entity, _ = answer["measured"]
    assert (
        f"Read     of the entity: addresses 3, transactions {entity['transactions_read']}, "
        "CoinJoins left out 0\n"
    ) in text
    assert "addresses is 3, at least 10000 is asked" in text
    assert "hot_wallet" in text
    assert "True as of block 7 of bitcoin-regtest (" in text


def test_roles__json_holds_every_feature_and_threshold(small_case: SmallCase, capsys):
    say(small_case, "roles", small_case.address("p2pkh:alice-2"), "--json")
    answer = json.loads(capsys.readouterr().out)
    assert answer["matching"] == []
    assert answer["complete"] is True
    assert answer["certainty"] == "inference"
    rules = {rule.name: rule for rule in standard_policy().roles}
    assert {role["name"] for role in answer["roles"]} == set(rules)
    for role in answer["roles"]:
        assert role["error_rate"] == "not measured on real services"
        assert len(role["checks"]) == len(rules[role["name"]].checks)
        assert (role["subject"] == "entity") == rules[role["name"]].is_of_entity
    entity, address = answer["measured"]
    for measured in (entity, address):
        assert [each["name"] for each in measured["features"]] == list(FEATURES)
    found = {each["name"]: each["value"] for each in entity["features"]}
    assert (found["addresses"], found["receipts"], found["payments"]) == ("3", "3", "2")


def test_roles__features_are_listed_on_request(small_case: SmallCase, capsys):
    say(small_case, "roles", small_case.address("p2pkh:alice-2"), "--features")
    text = capsys.readouterr().out
    for subject in ("entity", "address"):
        assert f"Feature of the {subject}" in text
    assert "one_time_address_share" in text


@pytest.mark.parametrize(("asked", "said"), [("exchange", "never used"), ("nonsense", "address")])
def test_roles__of_no_address_is_one_clear_error(small_case: SmallCase, capsys, asked, said):
    text = small_case.address("p2pkh:nobody") if asked == "exchange" else asked
    say(small_case, "roles", text, code=2)
    assert said in capsys.readouterr().err


def test_route__answers_what_the_command_prints(small_case: SmallCase, capsys):
    address = small_case.address("alice")
    with TestClient(
        service(Settings(data=small_case.data)), base_url="http://127.0.0.1:8000"
    ) as client:
        answered = client.get(f"/v1/{NETWORK}/entities/{address}/roles").json()
    say(small_case, "roles", address, "--json")
    assert json.loads(capsys.readouterr().out) == answered
