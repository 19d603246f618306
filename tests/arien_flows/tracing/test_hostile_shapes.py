"""Shapes that would bring a careless tracer to its knees end in time, in memory, with a reason.

Each shape is traced from the stolen coin forward and from its far end backward: small by every
policy, and in full size by those that differ in what they carry along, at the default limits and
with all limits raised as far as they go. That the amounts add up is checked by the program itself
on every run. What is tested here is that a run ends for exactly the reasons that it should, says
so, and takes no more time and memory than such a shape is worth.
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
    """A shape and the reasons, no more and no fewer, for which runs over it end."""

    build: Callable[[int], Shape]
    size: int
    forward: dict[str, set[str]]
    """By limits, and by limits and policy where a policy has its own."""

    backward: dict[str, set[str]]
    transactions: int
    """That poison looks at forward, with raised limits."""

    mixes: bool = False
    """Whether clean money is mixed in."""

    owners: int = 0
    """Owners of all addresses but the thief's; 0: each address has its own."""

    def reasons(self, direction: str, limits: str, policy: str) -> set[str]:
        """Return the reasons for which a run ends."""
        by_limits = self.forward if direction == "forward" else self.backward
        return by_limits.get(f"{limits} {policy}", by_limits[limits])


def everywhere(*reasons: str) -> dict[str, set[str]]:
    """Return the same reasons for all limits."""
    return {limits: set(reasons) for limits in ("small", "default", "raised")}


SHAPES = {
    "payout": Expected(
        build=payout,
        size=100_000,
        transactions=100_002,
        forward={"small": {"unspent"}, "default": {"below_min"}, "raised": {"unspent"}},
        backward={"small": {"newly_mined"}, "default": {"below_min"}, "raised": {"newly_mined"}},
    ),
    "peel_chain": Expected(
        build=peel_chain,
        size=50_000,
        transactions=MAX_HOPS,
        forward=everywhere("unspent", "hop_limit"),
        backward=everywhere("hop_limit"),
    ),
    "hot_wallet": Expected(
        build=hot_wallet,
        size=200_000,
        transactions=MAX_HOPS,
        forward=everywhere("unspent") | {"raised poison": {"unspent", "hop_limit"}},
        backward={
            "small": {"newly_mined"},
            "default": {"hop_limit", "below_min"},
            "raised": {"hop_limit"},
        },
        mixes=True,
    ),
    "dust_storm": Expected(
        build=dust_storm,
        size=100_000,
        transactions=1,
        forward=everywhere("unspent"),
        backward={
            "small": {"newly_mined"},
            "default": {"newly_mined", "below_min"},
            "raised": {"newly_mined"},
        },
        mixes=True,
    ),
    "entity_cycle": Expected(
        build=entity_cycle,
        size=20_000,
        transactions=MAX_HOPS,
        forward=everywhere("hop_limit"),
        backward=everywhere("hop_limit"),
        owners=3,
    ),
    "shredder": Expected(
        build=shredder,
        size=12_000,
        transactions=MAX_HOPS,
        forward=everywhere("hop_limit"),
        backward=everywhere("hop_limit"),
        mixes=True,
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

FULL_SIZE = [
    (name, direction, policy, limits)
    for name, expected in SHAPES.items()
    for direction in ("forward", "backward")
    for policy, limits in (
        ("fifo", "default"), ("fifo", "raised"), ("poison", "raised"), ("haircut", "raised"),
    )
    if policy == "fifo" or expected.mixes
]  # fmt: skip
"""What differs where there is much of it: runs of units (last-in-first-out lays the same runs the
other way round), and where clean money is mixed in the widest reach, and shares with remainders.
Whatever else a policy decides, it decides within one transaction."""


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
    """Check that the run ended for the reasons that the shape has, and says which limits it met."""
    assert set(result.answer.totals.by_reason) == expected
    told = {cut.reason for cut in result.answer.truncations}
    limits = {"hop_limit", "below_min", "budget", "fan_out"}
    assert told & limits == expected & limits


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
    assert_reasons(result, SHAPES[name].reasons(direction, "small", policy))
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
@pytest.mark.parametrize(("name", "direction", "policy", "limits"), FULL_SIZE)
def test_hostile_shape__ends_in_time_and_memory_for_its_reasons(name, direction, policy, limits):
    size = SHAPES[name].size
    shape_of(name, size)
    with bounded():
        result = ask(name, size, direction, policy, **LIMITS[limits])
        assert len(result.json_bytes()) < 200 * 2**20
    assert_reasons(result, SHAPES[name].reasons(direction, limits, policy))
    assert len(result.answer.graph.nodes) <= result.traced.request.graph_nodes


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize(("name", "number"), [("dust_storm", THIEF), ("hot_wallet", HOT)])
@pytest.mark.parametrize(("kind", "direction"), [("", "forward"), ("entity:", "backward")])
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
        if SHAPES[name].transactions <= budget:
            assert_reasons(result, SHAPES[name].reasons("forward", "raised", "poison"))
            continue
        assert len(result.traced.trail.transactions) == budget
        assert int(result.answer.totals.by_reason["budget"]) > 0
        assert "budget" in {cut.reason for cut in result.answer.truncations}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("budget", [1, 2, 100])
def test_budget__leaves_what_is_not_looked_at_to_the_satoshi(policy, budget):
    hops = 102
    shape = shape_of("peel_chain", hops)
    result = ask("peel_chain", hops, "forward", policy, **(RAISED | {"budget": budget}))
    assert_reasons(result, {"unspent", "budget"})
    assert len(result.traced.trail.transactions) == budget
    stolen = int(shape.view.output_value[shape.view.find_output(shape.outpoint(shape.stolen))])
    peeled = budget * (COIN // 2_000 + 7)
    by_reason = {reason: int(sat) for reason, sat in result.answer.totals.by_reason.items()}
    assert by_reason == {"unspent": peeled, "budget": stolen - peeled - budget * 200}
    # One more transaction than the chain has leaves nothing.
    assert_reasons(ask("peel_chain", hops, "forward", policy, **RAISED), {"unspent"})


def test_crowded_payout__is_not_entered_for_a_small_part():
    shape = shape_of("payout", 250)
    assert shape.view.counts.transactions > 250
    result = ask("payout", 250, "backward", "fifo", **RAISED)
    # Backward the payout is asked for whole, because all its outputs were collected again.
    assert set(result.answer.totals.by_reason) == {"newly_mined"}
    part = TraceRequest(
        sources=(shape.outpoint((2, 0)),), direction="backward", **(RAISED | {"min_value_sat": 1})
    )
    assert set(trace(shape.view, part).answer.totals.by_reason) == {"fan_out"}


def test_sketch__makes_a_ledger_whose_money_adds_up():
    for name in SHAPES:
        view = shape_of(name, SMALL).view
        mined = view.first_input[:-1] == view.first_input[1:]
        assert int(view.fee[~mined].min()) >= 0
        assert view.counts.transactions == len(view.fee)
        assert int(view.output_value.max()) < 21_000_000 * COIN
