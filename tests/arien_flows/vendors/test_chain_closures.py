"""Closures of markets, and who pays a wallet afterwards."""

from functools import cache
from importlib.resources import files

import numpy as np
import pytest

from arien_flows.answers.vendor_parts import migrations_of
from arien_flows.attribution.ownership import SingleAddresses
from arien_flows.attribution.snapshot import no_attribution
from arien_flows.entities.activity import Bounds
from arien_flows.ledger.view import View
from arien_flows.vendors.chain_case import AliasFacts, Case
from arien_flows.vendors.chain_closures import closures
from arien_flows.vendors.chain_evidence import consolidation_habits
from arien_flows.vendors.chain_ground import VendorGround
from arien_flows.vendors.chain_policy import POLICY, VendorPolicy, read_policy
from arien_flows.vendors.chain_wallet import wallet_of
from tests.arien_flows.vendors.wallets import money_of
from tests.ledgers import Tx, build_view

pytestmark = pytest.mark.slow

BLOCKS = 300
"""Two days of ten minutes each, and a little."""


def policy_with(**thresholds: int) -> VendorPolicy:
    raw = (files("arien_flows.vendors") / POLICY).read_text()
    lines = []
    for line in raw.splitlines():
        name = line.split(" = ")[0]
        lines.append(f"{name} = {thresholds[name]}" if name in thresholds else line)
    return read_policy("\n".join(lines).encode())


@cache
def quiet_chain() -> View:
    return build_view([Tx(name=f"c{n}", outputs=[("seller", 50)]) for n in range(BLOCKS)])


def case_of(rows: list[tuple[int, int]], policy: VendorPolicy) -> Case:
    view = quiet_chain()
    ground = VendorGround(
        view=view,
        entities=SingleAddresses(),
        attribution=no_attribution(view),
        marks=np.zeros(view.counts.transactions, np.uint8),
    )
    seller = int(view.output_address[5])
    money = money_of(rows, seller)
    return Case(
        ground=ground,
        money=money,
        wallet=wallet_of(ground, money, seller, policy, Bounds()),
        policy=policy,
        coin="tBTC",
        books={},
        alias=AliasFacts(),
        roles={},
    )


def test_closures__are_of_markets_that_paid_much_and_then_nothing():
    rows = [(10, 0), (20, 0), (30, 0), (200, 1), (280, 1), (290, 1)]
    policy = policy_with(closure_days=1, closure_payouts=3)
    case = case_of(rows, policy)
    (closure,) = closures(case.ground, case.money, policy)
    assert (closure.market, closure.last_transaction, closure.days_silent) == (0, 30, 1)
    assert closures(case.ground, case.money, policy_with(closure_days=1, closure_payouts=4)) == []
    assert closures(case.ground, case.money, policy_with(closure_days=9, closure_payouts=3)) == []


def test_migrations_of__are_markets_that_pay_first_after_the_closure():
    policy = policy_with(closure_days=1, closure_payouts=3)
    rows = [(10, 0), (20, 0), (30, 0), (200, 1), (280, 1), (290, 1)]
    (moved,) = migrations_of(case_of(rows, policy))
    assert (moved.left, moved.joined, moved.days) == ("old", "new", 1)
    both = [(5, 1), *rows]
    assert migrations_of(case_of(both, policy)) == ()


def test_consolidation_habits__are_undecided_where_nothing_was_gathered():
    policy = policy_with(closure_days=1, closure_payouts=3)
    found = consolidation_habits(case_of([(10, 0), (20, 0), (30, 0)], policy))
    assert found.verdict.value == "undecided"
    assert "too few gatherings around the closure of old" in found.measured
