"""CoinJoin rules against labels: whom a rule is judged on, and what of it is told."""

import numpy as np
import pytest

from arien_flows.entities.coinjoins import mark_coinjoins
from arien_flows.evaluation.coinjoin_rates import coinjoin_rates
from arien_flows.evaluation.rates import Population, Rate
from tests.arien_flows.entities.test_coinjoins import DECOY, MIX, OPENING
from tests.ledgers import Tx, build_view

PAYMENT = Tx(name="payment", inputs=["mix:0"], outputs=[("payee", 39_000)])
LABELS = np.array(["", "equal_outputs", "whirlpool_tx0", "ordinary"])


def rates_on(labels: np.ndarray, *, picked: bool) -> dict[str, Rate]:
    view = build_view([*OPENING, MIX, DECOY, PAYMENT])
    population = Population(kind="labelled", name="a list", source="made up", picked=picked)
    found = coinjoin_rates(view, mark_coinjoins(view, None), labels, population)
    return {rate.rule: rate for rate in found}


def test_coinjoin_rates__of_a_list_say_whom_each_rule_was_judged_on() -> None:
    found = rates_on(LABELS, picked=True)
    definite = found["coinjoin_definite"]
    assert definite.population.name == (
        "a list; judged on 1 that it should name and 2 that it should not (ordinary, whirlpool_tx0)"
    )
    assert definite.tally is not None
    assert (definite.tally.right, definite.tally.wrong, definite.tally.clear) == (1, 1, 1)
    assert definite.tally.precision is not None
    assert definite.precision is None
    # Nobody knows whether a Tx0 that is listed has the shape of one.
    assert found["coinjoin_whirlpool"].population.name == (
        "a list; judged on 0 that it should name and 1 that it should not (ordinary)"
    )


def test_coinjoin_rates__elsewhere_all_rules_have_one_population() -> None:
    found = rates_on(LABELS, picked=False)
    assert {rate.population.name for rate in found.values()} == {"a list"}
    assert found["coinjoin_definite"].precision is not None


@pytest.mark.parametrize(("label", "right", "wrong"), [("ordinary", 1, 0), ("equal_outputs", 0, 1)])
def test_coinjoin_rates__a_veto_is_right_where_there_is_no_coinjoin(label, right, wrong) -> None:
    labels = LABELS.copy()
    labels[2] = label
    stonewall = rates_on(labels, picked=False)["coinjoin_stonewall"].tally
    assert stonewall is not None
    assert stonewall.unit == "vetoes"
    assert (stonewall.right, stonewall.wrong) == (right, wrong)


def test_coinjoin_rates__what_only_neighbours_can_tell_is_not_judged() -> None:
    assert "coinjoin_wasabi_2_lookalike" not in rates_on(LABELS, picked=False)
