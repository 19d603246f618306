"""What a clustering's manifest says of the profile that made it."""

import pytest

from arien_flows.entities.change_votes import DECISION_LAG
from arien_flows.entities.clustering import run_clustering
from arien_flows.entities.profiles import STRICT, WIDE, Terms, profile_of, standard
from heuristics.change import VOTES_NEEDED
from tests.ledgers import Tx, build_view

CHAIN = [
    Tx(name="mined", outputs=[("a", 50), ("b", 40)]),
    Tx(name="pay", inputs=["mined:0", "mined:1"], outputs=[("shop", 70), ("rest", 19)]),
]


@pytest.mark.parametrize(
    ("profile", "without", "told"),
    [
        (STRICT, [], {}),
        (WIDE, [], {"votes_needed": "3"}),
        (WIDE, ["change_vote"], {}),
        (standard("vote"), [], {"change_by": "vote", "votes_needed": str(VOTES_NEEDED)}),
        (standard("vote"), ["change_vote"], {"change_by": "vote"}),
        (standard("model"), ["change_model"], {"change_by": "model"}),
    ],
)
def test_parameters__tell_of_rules_that_are_used(profile, without, told) -> None:
    parameters = profile.parameters(Terms(without=frozenset(without)))
    assert parameters.pop("without", "") == ",".join(without)
    assert parameters.pop("decision_lag", "") == ("" if profile is STRICT else str(DECISION_LAG))
    assert parameters == told


@pytest.mark.parametrize("by", ["vote", "model"])
def test_profile_of__knows_what_decided_even_without_its_rule(by) -> None:
    terms = Terms(without=frozenset({f"change_{by}"}))
    made = run_clustering(build_view(CHAIN), None, standard(by), terms)
    assert profile_of(made.derived) is standard(by)
    assert made.manifest.parameters["change_by"] == by
