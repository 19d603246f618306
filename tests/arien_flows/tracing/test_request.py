from datetime import UTC, datetime
from typing import Any

import pytest

from arien_flows.errors import InputError
from arien_flows.tracing.request import TraceRequest

A = ("bcrt1q",)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sources": ()}, "1 to 1,000 sources"),
        ({"sources": ("a",) * 1001}, "not 1,001"),
        ({"direction": "sideways"}, "neither forward nor backward"),
        ({"policy": "lilo"}, "one of fifo, lifo, haircut, poison"),
        ({"policy": "tiho", "direction": "backward"}, "decide by sums over all outputs"),
        ({"max_hops": 0}, "max_hops must be between 1 and 10,000, not 0"),
        ({"max_hops": True}, "whole number"),
        ({"min_value_sat": 0}, "min_value"),
        ({"horizon_days": 36_501}, "horizon"),
        ({"budget": 0}, "budget"),
        ({"fan_out_percent": 101}, "fan_out_percent"),
        ({"fan_out_outputs": 0}, "fan_out_outputs"),
        ({"dormant_days": 0}, "dormant_days"),
        ({"graph_nodes": 9}, "graph_nodes"),
        ({"since": datetime(2026, 1, 1)}, "since needs a time zone"),  # noqa: DTZ001
        (
            {"since": datetime(2026, 2, 1, tzinfo=UTC), "until": datetime(2026, 1, 1, tzinfo=UTC)},
            "since lies after until",
        ),
    ],
)
def test_request__says_what_is_wrong(fields: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        TraceRequest(**({"sources": A} | fields))


def test_request__fills_in_the_documented_defaults():
    request = TraceRequest(sources=A)
    assert (request.max_hops, request.budget, request.policy) == (12, 200_000, "fifo")
    assert request.horizon is None
    backward = TraceRequest(sources=A, direction="backward")
    assert backward.horizon is not None
    assert backward.horizon.days == 365


def test_smallest_followed__is_a_thousandth_but_not_less_than_100_000_sat():
    request = TraceRequest(sources=A)
    assert request.smallest_followed_sat(10**8) == 100_000
    assert request.smallest_followed_sat(10**10) == 10**7
    assert TraceRequest(sources=A, min_value_sat=1).smallest_followed_sat(10**10) == 1
