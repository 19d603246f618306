"""Connections between two places: agreement with networkx, and what is certain when cut."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics import connect as connect_module
from heuristics.connect import TooWideError, connect
from heuristics.connect_graph import MANY
from heuristics.connect_search import (
    BROKEN_OFF,
    BY_VALUE,
    DRY_AHEAD,
    DRY_BACK,
    MET,
    Bounds,
    Place,
    Seeds,
)
from heuristics.stops import Direction
from heuristics.taint import Stop
from tests.heuristics.connect_cases import NONE, answered, dense_ends, paths_of, random_ends
from tests.heuristics.flow_cases import columns_of, rules_of
from tests.reference import connect as reference
from tests.reference.connect import Ends
from tests.reference.taint import Case, Transaction

seeds = st.integers(0, 2**32)
both = pytest.mark.parametrize("by_value", [True, False])
side_choices = st.sampled_from([(True, True), (True, False), (False, True)])


def chain_case(*transactions: Transaction, **rules: object) -> Case:
    return Case(chain=list(transactions), sources=[], labels=list(range(12)), **rules)  # type: ignore[arg-type]


def question(seed: int) -> Ends:
    random = Random(seed)
    return random_ends(random) if random.random() < 0.5 else dense_ends(random, 16, 5)


@given(seeds, st.booleans(), side_choices)
def test_connect__agrees_with_reference(seed, by_value, sides):
    asked = question(seed)
    found = answered(asked, by_value=by_value, sides=sides)
    everything = reference.connections(asked)
    assert found.is_exact
    assert found.total == len(everything)
    assert (
        found.by_hops.tolist()
        == np.bincount(
            [len(path) - 1 for path in everything], minlength=len(found.by_hops)
        ).tolist()
    )
    assert paths_of(asked, found) == reference.best(asked, by_value=by_value, limit=10**4)
    assert [it.carried for it in found.best] == [
        asked.carried(path) for path in paths_of(asked, found)
    ]
    assert found.found.outcome in (DRY_AHEAD, DRY_BACK, MET)


def agree_on(many: range, length: int, largest: int) -> int:
    joined = 0
    for seed in many:
        random = Random(seed)
        asked = dense_ends(random, length, largest)
        by_value, limit = random.random() < 0.5, random.choice((1, 2, 3, 5, 8))
        found = answered(asked, by_value=by_value, limit=limit)
        expected = reference.best(asked, by_value=by_value, limit=limit)
        assert paths_of(asked, found) == expected, seed
        joined += len(expected) == limit
    return joined


def test_connect__lists_the_best_of_many_in_order():
    # Few different amounts, so that ties are decided by hops and by chain order.
    assert agree_on(range(60), 14, 4) > 10


@pytest.mark.slow
def test_connect__lists_the_best_in_hundreds_of_cases():
    assert agree_on(range(60, 360), 18, 6) > 60
    assert agree_on(range(360, 560), 18, 1_000) > 40


@given(seeds, st.booleans(), side_choices, st.integers(1, 8))
def test_connect__is_certain_of_what_it_says_when_the_budget_ends(seed, by_value, sides, budget):
    asked = question(seed)
    found = answered(asked, by_value=by_value, sides=sides, budget=budget)
    paths = paths_of(asked, found)
    everything = reference.connections(asked)
    assert set(paths) <= set(everything)
    assert len(found.found.forward) + len(found.found.backward) <= budget
    if found.found.outcome != BROKEN_OFF:
        assert len(paths) == len(everything)
        return
    value, hops = found.found.certain_value, found.found.certain_hops
    assert by_value == (value > 0)
    certain = [path for path in everything if 0 < value <= asked.carried(path)]
    certain += [path for path in everything if len(path) - 1 <= hops]
    assert set(certain) <= set(paths)


@given(seeds, st.booleans())
def test_connect__finds_no_less_with_a_larger_budget(seed, by_value):
    asked = question(seed)
    counts = [
        answered(asked, by_value=by_value, budget=budget).total for budget in (1, 2, 4, 8, 16, 99)
    ]
    assert counts == sorted(counts)


def lattice(width: int, depth: int) -> Case:
    """Return a chain in which every coin of a level flows into every coin of the next."""
    chain = [Transaction(inputs=[], outputs=[(width, 1)] * width)]
    for level in range(depth):
        spent = [((level, j), width, 1) for j in range(width)]
        chain.append(Transaction(inputs=spent, outputs=[(width, 1)] * width))
    return chain_case(*chain)


@both
def test_connect__counts_what_it_cannot_list(by_value):
    asked = Ends(
        case=lattice(4, 12),
        starts={(0, 0)},
        ends={(12, 0), (12, 1)},
        max_hops=12,
    )
    found = answered(asked, by_value=by_value, limit=3)
    assert found.total == 2 * 4**11
    assert paths_of(asked, found) == [
        ((0, 0), *((level, 0) for level in range(1, 12)), (12, 0)),
        ((0, 0), *((level, 0) for level in range(1, 12)), (12, 1)),
        ((0, 0), *((level, 0) for level in range(1, 11)), (11, 1), (12, 0)),
    ]


@both
def test_connect__says_that_a_count_is_too_large_to_keep(by_value):
    asked = Ends(case=lattice(8, 24), starts={(0, 0)}, ends={(24, 0)}, max_hops=24)
    found = answered(asked, by_value=by_value, limit=2)
    assert found.total == MANY
    assert not found.is_exact
    assert len(found.best) == 2


@both
def test_connect__goes_through_no_service_and_no_coinjoin(by_value):
    transactions = (
        Transaction(inputs=[], outputs=[(9, 0)]),
        Transaction(inputs=[((0, 0), 9, 0)], outputs=[(4, 1), (5, 2)]),
        Transaction(inputs=[((1, 0), 4, 1)], outputs=[(4, 3)]),
        Transaction(inputs=[((1, 1), 5, 2)], outputs=[(5, 3)]),
    )
    ends = {(2, 0), (3, 0)}
    for rules, passed in (
        ({}, 2),
        ({"tags": {1: Stop.SERVICE_REACHED}}, 1),
        ({"tags": {2: Stop.MIXER}}, 1),
        ({"marks": {2}}, 1),
        ({"marks": {1}}, 0),
        ({"window": (0, 2)}, 1),
        ({"tags": {3: Stop.SERVICE_REACHED}}, 2),
    ):
        asked = Ends(case=chain_case(*transactions, **rules), starts={(0, 0)}, ends=ends,
                     max_hops=9)  # fmt: skip
        found = answered(asked, by_value=by_value)
        assert found.total == passed == len(reference.connections(asked)), rules


def test_connect__says_what_ended_the_way():
    case = chain_case(
        Transaction(inputs=[], outputs=[(9, 0)]),
        Transaction(inputs=[((0, 0), 9, 0)], outputs=[(4, 1), (5, 2)]),
        Transaction(inputs=[((1, 1), 5, 2)], outputs=[(5, 3)]),
        tags={1: Stop.BRIDGE},
        marks={2},
    )
    asked = Ends(case=case, starts={(0, 0)}, ends={(2, 0)}, max_hops=9)
    found = answered(asked, by_value=True, sides=(True, False)).found
    assert found.outcome == DRY_AHEAD
    assert list(zip(found.stopped_coin.tolist(), found.stopped_reason.tolist(), strict=True)) == [
        (1, Stop.BRIDGE),
        (2, Stop.COINJOIN),
    ]
    assert found.stopped_forward.tolist() == [1, 1]


@pytest.mark.slow
@both
def test_connect__meets_in_the_middle_of_a_wide_star(by_value):
    # A payout to 100,000 between two people: the search from the receiver finds the way at once.
    width = 100_000
    case = chain_case(
        Transaction(inputs=[], outputs=[(width, 0)]),
        Transaction(inputs=[((0, 0), width, 0)], outputs=[(1, 1)] * width),
        Transaction(inputs=[((1, width // 2), 1, 1)], outputs=[(1, 2)]),
    )
    asked = Ends(case=case, starts={(0, 0)}, ends={(2, 0)}, max_hops=12)
    found = answered(asked, by_value=by_value, budget=10)
    assert found.total == 1
    assert found.found.outcome == DRY_BACK


@both
def test_connect__ends_at_the_hop_limit_of_an_endless_peel_chain(by_value):
    length = 20_000
    chain = [Transaction(inputs=[], outputs=[(length, 0)])]
    for number in range(1, length):
        rest = length - number
        chain.append(
            Transaction(inputs=[((number - 1, 0), rest + 1, 0)], outputs=[(rest, 0), (1, 1)])
        )
    asked = Ends(case=chain_case(*chain), starts={(0, 0)}, ends={(length - 1, 1)}, max_hops=100)
    found = answered(asked, by_value=by_value)
    assert (found.total, found.found.outcome) == (0, DRY_AHEAD)
    assert found.found.cuts[Direction.FORWARD, Stop.HOP_LIMIT] == 1
    assert len(found.found.forward) + len(found.found.backward) == 100


@both
def test_connect__follows_the_largest_through_a_dust_storm(by_value):
    # 5,000 specks of dust are each paid on beside the one coin that matters.
    width = 5_000
    specks = [Transaction(inputs=[((1, j), 1, 1)], outputs=[(1, 2)]) for j in range(1, width)]
    case = chain_case(
        Transaction(inputs=[], outputs=[(2 * width, 0)]),
        Transaction(inputs=[((0, 0), 2 * width, 0)], outputs=[(width, 1), *[(1, 1)] * width]),
        *specks,
        Transaction(inputs=[((1, 0), width, 1)], outputs=[(width, 3)]),
    )
    asked = Ends(case=case, starts={(0, 0)}, ends={(width + 1, 0)}, max_hops=12)
    found = answered(asked, by_value=by_value, budget=20, sides=(True, False))
    assert found.total == 1
    assert found.found.outcome == BROKEN_OFF
    if by_value:
        assert found.found.certain_value == 2


def test_connect__refuses_to_count_what_does_not_fit(monkeypatch):
    monkeypatch.setattr(connect_module, "MAX_CELLS", 10)
    asked = Ends(case=lattice(2, 12), starts={(0, 0)}, ends={(12, 0)}, max_hops=12)
    with pytest.raises(TooWideError, match="cannot be counted"):
        answered(asked, by_value=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": 0}, "positive"),
        ({"max_hops": 0}, "positive"),
        ({"min_value": 0}, "positive"),
    ],
)
def test_connect__refuses_bounds_that_make_no_sense(change, message):
    case = chain_case(Transaction(inputs=[], outputs=[(9, 0)]))
    columns = columns_of(case.chain)
    bounds = Bounds(BY_VALUE, 1, 1, 1, 0, 0)._replace(**change)
    here = Place(np.array([0]), NONE, NONE, NONE)
    with pytest.raises(ValueError, match=message):
        connect(bounds, Seeds(here.coin, NONE), here, here, 1, columns, rules_of(case, columns))


def test_connect__refuses_places_that_make_no_sense():
    case = chain_case(Transaction(inputs=[], outputs=[(9, 0)]))
    columns = columns_of(case.chain)
    rules = rules_of(case, columns)
    bounds = Bounds(BY_VALUE, 1, 1, 1, 0, 0)
    nowhere = Place(NONE, NONE, NONE, NONE)
    twice = Place(np.array([0, 0]), NONE, NONE, NONE)
    with pytest.raises(ValueError, match="ascend"):
        connect(bounds, Seeds(twice.coin, NONE), twice, nowhere, 1, columns, rules)
    with pytest.raises(ValueError, match="no coin to search from"):
        connect(bounds, Seeds(NONE, NONE), nowhere, nowhere, 1, columns, rules)
    with pytest.raises(ValueError, match="not an output"):
        connect(bounds, Seeds(np.array([5]), NONE), nowhere, nowhere, 1, columns, rules)
