"""Looking into balances round by round says what the accounting of the whole ledger says."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.account_tracing.trace import AccountTraceResult
from heuristics.account_events import FeeMode, GasOrder
from heuristics.account_taint import AccountFlow, AccountQuestion, trace_accounts
from heuristics.stops import Direction
from heuristics.taint import Policy
from heuristics.wide import to_ints
from tests.account_chains import AccountChain, text_of
from tests.account_readings import SmallReading, reading_of
from tests.arien_flows.account_tracing.stories import CONSERVING, asked

UNLIMITED = {
    "min_value": 1,
    "max_hops": 10_000,
    "fan_out": 2**31,
    "find_nothing": True,
    "dormant_days": 36_500,
}
PEOPLE = ("alice", "bob", "carol", "dave", "null")
TOKENS = ("usd", "eur", "gold", "dog")

policies = st.sampled_from((*CONSERVING, "poison"))


@st.composite
def chains(draw: st.DrawFn) -> AccountChain:
    """Draw a small chain in which alice received something of everything."""
    chain = AccountChain()
    chain.genesis(**{name: draw(st.integers(0, 30)) for name in PEOPLE[1:4]}, alice=20)
    for token in TOKENS:
        with chain.transaction("maker", token) as tx:
            tx.token(token, "null", "alice", draw(st.integers(1, 30)))
    people = st.sampled_from(PEOPLE)
    for _ in range(draw(st.integers(1, 12))):
        chain.block()
        sender = draw(st.sampled_from(PEOPLE[:4]))
        gas = {"burnt": draw(st.integers(0, 2)), "tip": draw(st.integers(0, 2))}
        with chain.transaction(sender, draw(people), **gas) as tx:
            if draw(st.booleans()):
                tx.move(sender, draw(people), draw(st.integers(0, 12)))
            for _ in range(draw(st.integers(0, 3))):
                token, giver = draw(st.sampled_from(TOKENS)), draw(st.sampled_from(PEOPLE[:4]))
                tx.token(token, giver, draw(people), draw(st.integers(0, 12)))
    return chain


def whole_run(
    reading: SmallReading, result: AccountTraceResult, policy: str, gas_order: str
) -> AccountFlow:
    """Return what the kernels say of all movements of the ledger."""
    sources = result.traced.sources.rows
    question = AccountQuestion(
        direction=Direction[result.answer.request.direction.upper()],
        policy=Policy[policy.upper()],
        declared=sources,
        colours=np.ones(len(sources), np.int64),
        gas_order=GasOrder[gas_order.upper()],
        fee_mode=FeeMode.TRACK,
        infer_opening=True,
    )
    return trace_accounts(reading.view.movement_columns(), question)


def held(result: AccountTraceResult) -> Counter[tuple[int, int]]:
    return Counter(
        {
            (end.account, end.asset): end.traced
            for end in result.traced.ends
            if end.reason in ("unspent", "dormant")
        }
    )


@given(chains(), policies, st.sampled_from((None, *TOKENS)), st.sampled_from(["last", "first"]))
def test_exploration__without_limits_is_the_accounting_of_the_whole_ledger(
    chain, policy, asset, gas_order
):
    reading = reading_of(chain)
    text = None if asset is None else text_of(asset)
    result = asked(
        reading, "alice", asset=text, policy=policy, gas_order=gas_order, **UNLIMITED
    )  # fmt: skip
    flow = whole_run(reading, result, policy, gas_order)
    pots = zip(flow.pots.account.tolist(), flow.pots.asset.tolist(), strict=True)
    expected = dict(zip(pots, to_ints(flow.tainted), strict=True))
    assert held(result) == +Counter(expected)
    totals = result.answer.totals
    (whole,) = flow.totals
    assert int(totals.fees) == whole.fees
    assert int(totals.destroyed) == whole.destroyed
    if policy != "poison":
        assert int(totals.by_reason.get("retainted", 0)) == whole.retainted
        ended = sum(map(int, totals.by_reason.values()))
        assert int(totals.source) == ended + whole.fees + whole.destroyed


@given(chains(), st.sampled_from(CONSERVING), st.sampled_from(TOKENS))
def test_exploration__backward_without_limits_is_that_of_the_whole_ledger(chain, policy, asset):
    with chain.transaction("alice", asset) as tx:
        tx.token(asset, "alice", "bob", 5)
    reading = reading_of(chain)
    limits = UNLIMITED | {"direction": "backward", "policy": policy, "horizon_days": 36_500}
    result = asked(reading, "bob", asset=text_of(asset), **limits)
    (whole,) = whole_run(reading, result, policy, "last").totals
    found = {name: int(amount) for name, amount in result.answer.totals.by_reason.items()}
    assert found.get("newly_mined", 0) == whole.newly_issued
    assert found.get("before_ledger", 0) == whole.before_first
    assert found.get("retainted", 0) == whole.retainted
    assert sum(found.values()) == whole.source


@given(chains(), policies, st.integers(1, 60), st.integers(1, 4))
def test_exploration__with_limits_accounts_for_every_unit(chain, policy, budget, max_hops):
    # The sums are checked on every run; here that none is made under any limit.
    reading = reading_of(chain)
    limits = {"min_value": 2, "budget": budget, "max_hops": max_hops, "policy": policy}
    result = asked(reading, "alice", **limits)
    assert result.traced.search.looked_at <= budget
    assert all(end.hops <= max_hops + 1 for end in result.traced.ends)


@given(chains(), st.sampled_from(CONSERVING))
def test_exploration__a_larger_budget_never_finds_less(chain, policy):
    reading = reading_of(chain)
    found = [
        sum(end.traced for end in asked(reading, "alice", policy=policy, budget=budget,
                                        **(UNLIMITED | {"min_value": 1})).traced.ends
            if end.reason != "budget")
        for budget in (5, 20, 1_000)
    ]  # fmt: skip
    if policy != "haircut":
        assert found == sorted(found)
