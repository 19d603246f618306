"""Orders of traces keep every word of the question."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.account_tracing.request import AccountTraceRequest
from arien_flows.jobs.trace_order import TraceOrder
from arien_flows.tracing.request import TraceRequest

moments = st.integers(1_230_000_000_000_000, 1_900_000_000_000_000).map(
    lambda micro: (
        datetime(1970, 1, 1, tzinfo=timezone(timedelta(hours=5))) + timedelta(microseconds=micro)
    )
)


@given(st.none() | moments, st.integers(1, 10**6), st.none() | st.integers(0, 10**6))
def test_order__of_coins_comes_back_as_it_was(since, budget, as_of):
    request = TraceRequest(
        sources=("a", "b:0"), since=since, budget=budget, pins=(("n", 1, -2),), expanded=("x",)
    )
    order = TraceOrder(network="bitcoin", request=request, as_of=as_of)
    assert TraceOrder.from_plain(order.to_plain()) == order


@given(st.none() | moments, st.none() | st.integers(1, 2**200))
def test_order__of_accounts_comes_back_as_it_was(until, min_value):
    request = AccountTraceRequest(sources=("0x",), until=until, min_value=min_value, asset="USDT")
    order = TraceOrder(network="ethereum", request=request)
    assert TraceOrder.from_plain(order.to_plain()) == order


def test_order__that_this_version_does_not_know_is_refused():
    order = TraceOrder(network="bitcoin", request=TraceRequest(sources=("a",))).to_plain()
    with pytest.raises(ValueError, match="surprise"):
        TraceOrder.from_plain({**order, "request": {**order["request"], "surprise": 1}})
