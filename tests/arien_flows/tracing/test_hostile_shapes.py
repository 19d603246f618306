"""Shapes that would bring a careless tracer to its knees end in time, in memory, with a reason.

Each shape is traced from the stolen coin forward and from its far end backward, by every policy, at
the default limits and with all limits raised as far as they go. That the amounts add up is
checked by the program itself on every run. What is tested here is that a run ends for the reason
that it should, says so, and takes no more time and memory than such a shape is worth.
"""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from arien_flows.attribution.ownership import EntityMap, SingleAddresses
from arien_flows.tracing.request import (
    BACKWARD_POLICIES,
    MAX_BUDGET,
    MAX_DAYS,
    MAX_HOPS,
    POLICIES,
    TraceRequest,
)
from arien_flows.tracing.trace import TraceResult, trace
from tests.arien_flows.tracing.shapes import (
    COIN,
    HOT,
    THIEF,
    Owners,
    Shape,
    dust_storm,
    entity_cycle,
    hot_wallet,
    payout,
    peel_chain,
    shredder,
)
from tests.arien_flows.tracing.sketch import address_of

SECONDS = 60
"""Of processor time, for one answer. The slowest takes a fifth of it on an idle machine."""

MEMORY = 3 * 2**30
"""What one answer may add to the memory that the process holds."""

RAISED: dict[str, Any] = {
    "max_hops": MAX_HOPS, "min_value_sat": 1, "budget": MAX_BUDGET, "horizon_days": MAX_DAYS,
}  # fmt: skip
LIMITS: dict[str, dict[str, Any]] = {"default": {}, "raised": RAISED}


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A shape and the reasons for which runs over it end, whatever the policy."""

    build: Callable[[int], Shape]
    size: int
    forward: dict[str, set[str]]
    """By limits. The first policy's run has at least one of them; no run has others."""

    backward: dict[str, set[str]]
    owners: int = 0
    """Owners of all addresses but the thief's; 0: each address has its own."""


SHAPES = {
    "payout": Expected(
        build=payout,
        size=100_000,
        forward={"default": {"below_min"}, "raised": {"unspent"}},
        backward={"default": {"below_min"}, "raised": {"newly_mined"}},
    ),
    "peel_chain": Expected(
        build=peel_chain,
        size=50_000,
        forward={"default": {"unspent", "hop_limit"}, "raised": {"unspent", "hop_limit"}},
        backward={"default": {"hop_limit"}, "raised": {"hop_limit"}},
    ),
    "hot_wallet": Expected(
        build=hot_wallet,
        size=200_000,
        forward={
            "default": {"unspent", "hop_limit", "below_min"},
            "raised": {"unspent", "hop_limit"},
        },
        backward={"default": {"hop_limit", "below_min"}, "raised": {"hop_limit", "newly_mined"}},
    ),
    "dust_storm": Expected(
        build=dust_storm,
        size=100_000,
        forward={"default": {"unspent"}, "raised": {"unspent"}},
        backward={"default": {"newly_mined", "below_min"}, "raised": {"newly_mined"}},
    ),
    "entity_cycle": Expected(
        build=entity_cycle,
        size=20_000,
        forward={"default": {"hop_limit"}, "raised": {"hop_limit"}},
        backward={"default": {"hop_limit"}, "raised": {"hop_limit"}},
        owners=3,
    ),
    "shredder": Expected(
        build=shredder,
        size=12_000,
        forward={"default": {"hop_limit", "below_min"}, "raised": {"hop_limit"}},
        backward={"default": {"hop_limit", "below_min"}, "raised": {"hop_limit", "newly_mined"}},
    ),
}
"""Sizes are those of the full test; a small one with the JIT off runs the same code."""

SMALL = 24

cases = pytest.mark.parametrize(
    ("name", "direction", "policy"),
    [
        (name, direction, policy)
        for name in SHAPES
        for direction, policies in (("forward", tuple(POLICIES)), ("backward", BACKWARD_POLICIES))
        for policy in policies
    ],
)


@cache
def shape_of(name: str, size: int) -> Shape:
    return SHAPES[name].build(size)


def ask(name: str, size: int, direction: str, policy: str, **limits: Any) -> TraceResult:
    shape, expected = shape_of(name, size), SHAPES[name]
    entities: EntityMap = (
        Owners(shape.view, expected.owners) if expected.owners else SingleAddresses()
    )
    coin = shape.stolen if direction == "forward" else shape.end
    request = TraceRequest(
        sources=(shape.outpoint(coin),), direction=direction, policy=policy, **limits
    )  # type: ignore[arg-type]  # names of the tables above
    return trace(shape.view, request, entities=entities)


def assert_reasons(result: TraceResult, expected: set[str]) -> None:
    """Check that the run ended for reasons that the shape has, and says which limits it met."""
    found = set(result.answer.totals.by_reason)
    assert found
    assert found <= expected
    limits = {"hop_limit", "below_min", "budget", "fan_out"} & found
    assert limits <= {cut.reason for cut in result.answer.truncations}


@contextmanager
def bounded() -> Iterator[None]:
    """Fail where the work inside takes too long, or more memory than it may."""
    status = Path("/proc/self/status")
    held = 0
    if status.exists():
        held = next(
            int(line.split()[1]) * 1024
            for line in status.read_text().splitlines()
            if line.startswith("VmData:")
        )
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if held:
        resource.setrlimit(resource.RLIMIT_DATA, (held + MEMORY, hard))
    started = time.process_time()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    assert time.process_time() - started < SECONDS


@cases
def test_small_shape__ends_for_its_reasons(name, direction, policy):
    # With so few transactions the limits have to be lower, too.
    limits = {"max_hops": 20, "min_value_sat": 1, "horizon_days": MAX_DAYS}
    result = ask(name, SMALL, direction, policy, **limits)
    expected = getattr(SHAPES[name], direction)["raised"]
    assert_reasons(result, expected | {"newly_mined" if direction == "backward" else "unspent"})
    again = ask(name, SMALL, direction, policy, **limits)
    assert again.json_bytes() == result.json_bytes()


@pytest.fixture(scope="module")
def compiled() -> None:
    """Let the kernels be compiled before anything is timed."""
    for name in ("peel_chain", "entity_cycle"):
        for direction, policies in (("forward", POLICIES), ("backward", BACKWARD_POLICIES)):
            for policy in policies:
                ask(name, SMALL, direction, policy)


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("limits", LIMITS)
@cases
def test_hostile_shape__ends_in_time_and_memory_for_its_reasons(name, direction, policy, limits):
    size = SHAPES[name].size
    shape_of(name, size)
    with bounded():
        result = ask(name, size, direction, policy, **LIMITS[limits])
        assert len(result.json_bytes()) < 200 * 2**20
    assert_reasons(result, getattr(SHAPES[name], direction)[limits])
    assert len(result.answer.graph.nodes) <= result.traced.request.graph_nodes


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize(("name", "number"), [("dust_storm", THIEF), ("hot_wallet", HOT)])
@pytest.mark.parametrize("kind", ["", "entity:"])
def test_address_with_very_many_coins__is_a_source_like_any_other(name, number, kind, direction):
    shape = shape_of(name, SHAPES[name].size)
    request = TraceRequest(sources=(kind + address_of(number),), direction=direction)
    with bounded():
        result = trace(shape.view, request)
    assert int(result.answer.totals.source) > SHAPES[name].size * 500
    assert len(result.traced.trail.arrays.source_value) > SHAPES[name].size // 2


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("name", SHAPES)
def test_hostile_shape__stays_within_a_budget(name):
    for budget in (1, 100, 5_000):
        result = ask(name, SHAPES[name].size, "forward", "poison", **(RAISED | {"budget": budget}))
        found = len(result.traced.trail.transactions)
        assert found <= budget
        if found == budget:
            assert "budget" in {cut.reason for cut in result.answer.truncations} or (
                set(result.answer.totals.by_reason) <= {"unspent", "hop_limit"}
            )


def test_crowded_payout__is_not_entered_for_a_small_part():
    shape = shape_of("payout", 250)
    assert shape.view.counts.transactions > 250
    result = ask("payout", 250, "backward", "fifo", **RAISED)
    # Backward the payout is asked for whole, because all its outputs were collected again.
    assert set(result.answer.totals.by_reason) == {"newly_mined"}
    part = TraceRequest(
        sources=(shape.outpoint((1, 0)),), direction="backward", **(RAISED | {"min_value_sat": 1})
    )
    assert set(trace(shape.view, part).answer.totals.by_reason) == {"fan_out"}


def test_sketch__makes_a_ledger_whose_money_adds_up():
    for name in SHAPES:
        view = shape_of(name, SMALL).view
        mined = view.first_input[:-1] == view.first_input[1:]
        assert int(view.fee[~mined].min()) >= 0
        assert view.counts.transactions == len(view.fee)
        assert int(view.output_value.max()) < 21_000_000 * COIN
