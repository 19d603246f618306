"""`arien-flows neighbours`."""

import json

from arien_flows.cli.main import run
from tests.small_case import NETWORK, SmallCase


def asked(case: SmallCase, capsys, *options: str) -> str:
    arguments = ["neighbours", case.address("alice"), *options]
    assert run([*arguments, "--network", NETWORK, "--data", str(case.data)]) == 0
    return capsys.readouterr().out


def test_neighbours__as_text(small_case: SmallCase, capsys):
    told = asked(small_case, capsys, "--entity", "-n", "1")
    assert f"The entity of {small_case.address('alice')} paid 2 neighbours" in told
    assert "Exchange One" in told
    assert "Own: 39.99990000 tBTC" in told or "Own: 39.9999 tBTC" in told
    cursor = told.split("--cursor ")[1].split()[0]
    following = asked(small_case, capsys, "--entity", "-n", "1", "--cursor", cursor)
    assert small_case.address("p2sh:alice-4") in following


def test_neighbours__as_json_is_what_the_service_says(small_case: SmallCase, capsys):
    page = json.loads(asked(small_case, capsys, "--direction", "in", "--json"))
    assert (page["direction"], page["level"], page["of_entity"]) == ("in", "address", False)
