"""The families of wallet programs: many, unlike each other, and not met elsewhere."""

from itertools import combinations
from typing import get_args

import numpy as np
import pytest

from arien_flows.simulation.errors import ParameterError
from arien_flows.simulation.parameters import SMALLEST, Parameters, WalletFamily
from arien_flows.simulation.plan import make_plan
from arien_flows.simulation.roles import Actor, Kind
from arien_flows.simulation.wallet_styles import FAMILIES, PLAIN, WALLETS, Style
from arien_flows.simulation.wallets import Column, Form, Keys, Order, Wallet


def rows_of(family: WalletFamily) -> set[int]:
    return {*FAMILIES[family].people.tolist(), *map(int, FAMILIES[family].actors.values())}


def programs_of(family: WalletFamily) -> set[tuple[int, ...]]:
    return {tuple(WALLETS[row].tolist()) for row in rows_of(family)}


def test_wallets__has_the_columns_that_are_named() -> None:
    assert WALLETS.shape[1] == len(Column) == len(Style._fields)
    assert len(PLAIN) == len(Wallet)


def test_families__have_no_program_in_common() -> None:
    for one, other in combinations(get_args(WalletFamily), 2):
        assert not rows_of(one) & rows_of(other)
        assert not programs_of(one) & programs_of(other)


@pytest.mark.parametrize("family", ["training", "evaluation"])
def test_families__have_twenty_different_programs_of_people(family: WalletFamily) -> None:
    people = {tuple(WALLETS[row].tolist()) for row in FAMILIES[family].people}
    assert len(people) >= 20
    assert set(FAMILIES[family].actors) == set(Actor)


@pytest.mark.parametrize("family", get_args(WalletFamily))
def test_families__can_do_what_every_chain_needs(family: WalletFamily) -> None:
    people = WALLETS[FAMILIES[family].people]
    native = np.isin(people[:, Column.RECEIVE_FORM], (Form.P2WPKH, Form.P2TR))
    # Rounds into denominations take only such coins.
    assert native.mean() >= 0.5
    for actor in (Actor.COORDINATOR, Actor.THIEF):
        # Their outputs stand in an order of their own, which a sorting program would upset.
        assert WALLETS[FAMILIES[family].actors[actor], Column.ORDER] != Order.SORTED


def test_wallets__write_what_nodes_heed() -> None:
    locked = WALLETS[:, Column.LOCKTIME] > 0
    assert (WALLETS[locked, Column.SEQUENCE] > 0).all()
    twins = WALLETS[:, Column.KEYS] == Keys.TWINS
    assert (WALLETS[twins, Column.RECEIVE_FORM] == Form.P2PKH).all()
    assert (WALLETS[twins, Column.CHANGE_FORM] == Form.P2WPKH).all()


def test_parameters__name_the_families() -> None:
    with pytest.raises(ParameterError, match="plain, training, evaluation"):
        Parameters(transactions=SMALLEST, wallets="fancy")  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("family", ["training", "evaluation"])
def test_plan__has_every_kind_with_any_family(family: WalletFamily, seed: int) -> None:
    plan = make_plan(Parameters(transactions=SMALLEST, seed=seed, wallets=family))
    assert set(plan.transactions["kind"][:-1]) == set(Kind)
    assert set(plan.owners["wallet"].tolist()) <= rows_of(family)


@pytest.mark.slow
def test_plan__shows_the_habits_of_its_programs() -> None:
    plan = make_plan(Parameters(transactions=20_000, seed=2, wallets="training"))
    made = plan.transactions[:-1]
    signed = made[made["sender"] >= 0]
    program = WALLETS[plan.owners["wallet"][signed["sender"]]]
    assert set(plan.owners["wallet"].tolist()) >= set(FAMILIES["training"].people.tolist())
    ordinary = ~np.isin(signed["kind"], (Kind.THEFT, Kind.THIEF_MOVE, Kind.COINBASE))
    assert (signed["version"] == program[:, Column.VERSION])[ordinary].all()
    assert ((signed["locktime"] > 0) <= (program[:, Column.LOCKTIME] > 0))[ordinary].all()
    assert _mimicking_changes(plan.coins, made, plan.owners["wallet"]) > 20


def _mimicking_changes(coins: np.ndarray, made: np.ndarray, wallet: np.ndarray) -> int:
    """Return how many round payments of mimicking programs come with change as round."""
    found = 0
    for number in np.flatnonzero((made["kind"] == Kind.PAYMENT) & (made["sender"] >= 0))[:-1]:
        if WALLETS[wallet[made["sender"][number]], Column.CHANGE_MIMICS]:
            outputs = coins[made["first_output"][number] : made["first_output"][number + 1]]
            change = outputs["value_sat"][outputs["is_change"] == 1]
            payment = outputs["value_sat"][outputs["is_change"] == 0]
            if len(change) == len(payment) == 1 and payment[0] % 100 == 0:
                assert change[0] % 100 == 0 or payment[0] - change[0] <= 1
                found += 1
    return found
