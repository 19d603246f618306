"""Sizes, clocks and fee rates of a plan, and the bounds of the parameters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.simulation.economy import subsidy_sat
from arien_flows.simulation.errors import ParameterError
from arien_flows.simulation.parameters import (
    FUNDING_BLOCKS,
    LARGEST,
    SMALLEST,
    SPAN_SECONDS,
    START_TIME,
    Parameters,
)
from arien_flows.simulation.plan import FORCED, block_times, fee_rates, make_plan, quotas
from arien_flows.simulation.roles import Action, Kind, owner_count
from arien_flows.simulation.vendors import vendor_name
from chains.bitcoin.networks import REGTEST


@given(st.integers(SMALLEST, 50_000), st.integers(0, 2**64 - 1))
def test_quotas__add_up_to_the_wanted_transactions(transactions: int, seed: int) -> None:
    parameters = Parameters(transactions=transactions, seed=seed)
    sizes = quotas(parameters)
    assert sizes[1:].sum() == transactions
    assert (sizes[1:] >= 1).all()
    assert (sizes[1 : FUNDING_BLOCKS + 1] == 1).all()


@pytest.mark.slow
def test_quotas__grow_slowly_and_fit_blocks_in_the_largest_chain() -> None:
    parameters = Parameters(transactions=LARGEST)
    sizes = quotas(parameters)
    assert sizes[1:].sum() == LARGEST
    assert sizes[FUNDING_BLOCKS + 1] < 20
    assert sizes.max() < 2 * LARGEST / parameters.economy_blocks


def test_block_times__rise_and_span_the_same_calendar_at_every_size() -> None:
    times = block_times(Parameters(transactions=SMALLEST, seed=3))
    assert times[0] == START_TIME
    assert (np.diff(times) > 0).all()
    assert 0.8 * SPAN_SECONDS < times[-1] - times[0] < 1.2 * SPAN_SECONDS


def test_fee_rates__vary_within_reason() -> None:
    rates = fee_rates(Parameters(transactions=SMALLEST, seed=3))
    assert rates.min() >= 1_000
    assert rates.max() <= 60_000
    assert rates.max() > 3 * rates.min()


@given(st.integers(0, 20_000))
def test_subsidy__is_the_network_s(height: int) -> None:
    assert subsidy_sat(height) == REGTEST.subsidy(height)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"transactions": SMALLEST - 1}, "between 2,000 and 20,000,000"),
        ({"transactions": LARGEST + 1}, "between 2,000 and 20,000,000"),
        ({"transactions": SMALLEST, "seed": -1}, "seed"),
        ({"transactions": SMALLEST, "seed": 2**64}, "seed"),
        ({"transactions": SMALLEST, "xor_key": b"seven.."}, "8 bytes"),
    ],
)
def test_parameters__say_what_is_allowed(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Parameters(**arguments)  # type: ignore[arg-type]


def test_forced__holds_every_action_that_is_rare() -> None:
    assert set(Action) - set(FORCED) == {Action.PAY, Action.CONSOLIDATE, Action.DEPOSIT}


def test_vendor_names__are_all_different() -> None:
    names = [vendor_name(rank) for rank in range(1_000)]
    assert len(set(names)) == 1_000


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_plan__has_every_kind_with_any_seed(seed: int) -> None:
    plan = make_plan(Parameters(transactions=SMALLEST, seed=seed))
    assert set(plan.transactions["kind"][:-1]) == set(Kind)
    assert plan.transaction_count == SMALLEST


@pytest.mark.slow
def test_plan__grows_its_tables_and_keeps_its_promises_when_large() -> None:
    parameters = Parameters(transactions=100_000, seed=5)
    plan = make_plan(parameters)
    assert plan.transaction_count == 100_000
    assert len(plan.owners) == owner_count(parameters)
    spent = plan.coins["is_spent"] == 1
    assert spent.sum() == len(plan.inputs) == len(set(plan.inputs.tolist()))
    assert (plan.coins["value_sat"] >= 0).all()
    unspent = int(plan.coins["value_sat"][~spent].sum())
    assert unspent == sum(REGTEST.subsidy(h) for h in range(1, parameters.tip_height + 1))
