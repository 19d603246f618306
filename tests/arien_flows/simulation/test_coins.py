"""Lists and buckets of coins behave as Python lists do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.simulation.coins import (
    begin,
    delist,
    enlist,
    first_choice,
    gather,
    has_picked,
    next_choice,
    pick,
    picked_sat,
    schedule,
)
from arien_flows.simulation.economy import next_coin
from arien_flows.simulation.errors import EconomyError
from arien_flows.simulation.parameters import Parameters
from arien_flows.simulation.plan import run_block
from arien_flows.simulation.roles import Purpose
from arien_flows.simulation.state import (
    Counter,
    Request,
    Setting,
    State,
    new_state,
    with_room,
)

COINS = 12
LISTS = 3


@pytest.fixture(scope="module")
def state() -> State:
    """Return an economy without blocks; the tests make their own coins."""
    parameters = Parameters(transactions=2_000)
    none = np.zeros(parameters.tip_height + 1, dtype=np.int64)
    return new_state(parameters, fee_rate=none, forced=none[:0])


def emptied(state: State) -> State:
    """Return the state with some worthless coins on no list."""
    state.coins["list"][:COINS] = -1
    state.coins["value_sat"][:COINS] = 1 + np.arange(COINS)
    state.lists["head"] = state.lists["tail"] = -1
    state.lists["count"] = 0
    state.buckets[:] = -1
    begin(state)
    return state


def walked(state: State, source: int) -> list[int]:
    """Return a list's coins in the order in which its owner would spend them."""
    found = []
    coin = first_choice(state, source)
    while coin >= 0:
        found.append(int(coin))
        coin = next_choice(state, source, coin)
    return found


moves = st.lists(
    st.tuples(st.integers(0, COINS - 1), st.integers(-1, LISTS - 1)), min_size=1, max_size=60
)


@given(moves)
def test_lists__are_spent_oldest_first_but_for_every_third_owner(
    state: State, steps: list[tuple[int, int]]
) -> None:
    emptied(state)
    model: list[list[int]] = [[] for _ in range(LISTS)]
    for coin, target in steps:
        delist(state, coin)
        for members in model:
            if coin in members:
                members.remove(coin)
        if target >= 0:
            enlist(state, coin, target)
            model[target].append(coin)
    for source, members in enumerate(model):
        assert walked(state, source) == (members[::-1] if source % 3 == 0 else members)
        assert state.lists[source]["count"] == len(members)


@given(st.permutations(range(COINS)), st.integers(1, 90), st.integers(1, COINS), st.integers(0, 2))
def test_gather__picks_until_the_coins_suffice(
    state: State, order: list[int], wanted: int, most: int, source: int
) -> None:
    emptied(state)
    for coin in order:
        enlist(state, coin, source)
    first = order[0]
    gather(state, source, first, wanted, most)
    picked = [int(coin) for coin in state.picked[: state.request[Request.INPUTS]]]
    rest = [coin for coin in walked(state, source) if coin != first]
    assert picked == [first, *rest][: len(picked)]
    worth = sum(1 + coin for coin in picked)
    assert picked_sat(state) == worth
    assert len(picked) == most or worth >= wanted or len(picked) == COINS
    assert len(picked) == 1 or worth - (1 + picked[-1]) < wanted
    assert all(has_picked(state, coin) == (coin in picked) for coin in range(COINS))


def test_pick__adds_to_the_proposal_that_begin_empties(state: State) -> None:
    emptied(state)
    pick(state, 3)
    pick(state, 5)
    assert list(state.picked[:2]) == [3, 5]
    begin(state)
    assert picked_sat(state) == 0


def test_schedule__forgets_what_lies_past_the_tip(state: State) -> None:
    emptied(state)
    tip = int(state.settings[Setting.TIP_HEIGHT])
    schedule(state, 1, tip)
    schedule(state, 2, tip + 1)
    schedule(state, 3, tip)
    assert state.buckets[tip] == 3
    assert state.coins[3]["bucket_next"] == 1
    assert 2 not in state.buckets


def test_with_room__keeps_rows_and_grows_what_is_full(state: State) -> None:
    emptied(state)
    full = len(state.coins) - 10
    state.counters[Counter.COINS] = full
    grown = with_room(state)
    assert len(grown.coins) > len(state.coins)
    assert (grown.coins["value_sat"][:full] == state.coins["value_sat"][:full]).all()
    assert grown.inputs is state.inputs
    state.counters[Counter.COINS] = 0
    assert with_room(state).coins is state.coins


def test_next_coin__comes_early_only_if_it_is_no_block_reward(state: State) -> None:
    emptied(state)
    state.coins["is_spent"][:COINS] = 0
    state.coins["purpose"][:COINS] = Purpose.ORDINARY
    state.coins["purpose"][[4, 6]] = Purpose.COINBASE
    state.coins["is_spent"][[3, 7]] = 1
    for coin, height in ((1, 10), (2, 10), (3, 10), (4, 12), (5, 12), (6, 12), (7, 12)):
        schedule(state, coin, height)
    assert [next_coin(state, 10) for _ in range(4)] == [2, 1, 5, -1]
    assert [next_coin(state, 12) for _ in range(3)] == [6, 4, -1]


def test_run_block__says_that_the_economy_is_dry(state: State) -> None:
    emptied(state)
    state.counters[Counter.BLOCK_TRANSACTIONS] = 1
    assert run_block(state, 130, 1) is state
    with pytest.raises(EconomyError, match="height 130"):
        run_block(state, 130, 2)
