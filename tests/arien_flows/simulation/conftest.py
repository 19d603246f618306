"""One simulated chain of the smallest size, for all tests that only read."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from arien_flows.simulation.parameters import SMALLEST, Parameters
from arien_flows.simulation.plan import Plan, make_plan
from arien_flows.simulation.simulate import Summary, simulate
from arien_flows.simulation.theft import Theft
from arien_flows.simulation.truth import Truth
from tests.arien_flows.simulation.replay import Replay, replay


@dataclass(frozen=True)
class Simulated:
    """The files, and what plain Python makes of them."""

    directory: Path
    summary: Summary
    truth: Truth
    replay: Replay


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """Return the smallest chain of seed 1."""
    directory = tmp_path_factory.mktemp("simulated")
    summary = simulate(Parameters(transactions=SMALLEST, seed=1), directory)
    return Simulated(directory, summary, Truth(directory), replay(directory / "blocks"))


@pytest.fixture(scope="session")
def smallest_plan() -> Plan:
    """Return the plan of the smallest chain of seed 1."""
    return make_plan(Parameters(transactions=SMALLEST, seed=1))


def cut(plan: Plan, tip_height: int) -> Plan:
    """Return the beginning of a plan, as if the rest had not happened.

    The theft has not either: its coins are replaced by the first coin.
    """
    count = int(plan.first_transaction[tip_height + 1])
    transactions = plan.transactions[: count + 1]
    coins = plan.coins[: transactions[count]["first_output"]].copy()
    inputs = plan.inputs[: transactions[count]["first_input"]].copy()
    coins["is_spent"] = 0
    coins["is_spent"][inputs] = 1
    owners = plan.owners.copy()
    known = int(coins["address"].max()) + 1
    for name in ("last_address", "spare_address", "account_a", "account_b"):
        owners[name][owners[name] >= known] = -1
    nothing = Theft(
        stolen=0,
        transactions=(),
        first_deposit=0,
        second_deposit=0,
        clean=0,
        rest=0,
        peels=(),
    )
    return replace(
        plan,
        transactions=transactions,
        coins=coins,
        inputs=inputs,
        owners=owners,
        addresses=plan.addresses[:known],
        first_transaction=plan.first_transaction[: tip_height + 2],
        block_time=plan.block_time[: tip_height + 1],
        fee_rate=plan.fee_rate[: tip_height + 1],
        theft=nothing,
    )
