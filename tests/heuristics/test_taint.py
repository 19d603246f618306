"""One transaction: shares, segments and the worked example."""

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.propagate import NO_DEADLINE, FlowArrays, FlowLimits, propagate
from heuristics.shares import share_pro_rata
from heuristics.stops import Direction
from heuristics.taint import Policy, Stop, stop_reason
from tests.heuristics.flow_cases import answer_of, expected_of, run, seeded
from tests.reference import taint as reference
from tests.reference.taint import Case, Coin, Transaction

VECTOR: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "taint_3tx.json").read_text()
)


def worked_example(transactions: int = 3) -> tuple[list[Transaction], dict[str, Coin]]:
    """Return the example's chain, cut after so many transactions, and its coins by name."""
    chain: list[Transaction] = []
    coins: dict[str, Coin] = {}
    for name, coin in VECTOR["utxos"].items():
        coins[name] = (len(chain), 0)
        chain.append(Transaction(inputs=[], outputs=[(coin["value"], 0)]))
    for tx in VECTOR["txs"][:transactions]:
        number = len(chain)
        inputs = [
            (coins[name], chain[coins[name][0]].outputs[coins[name][1]][0], 0) for name in tx["in"]
        ]
        coins |= {f"{tx['id']}:{j}": (number, j) for j in range(len(tx["out"]))}
        chain.append(Transaction(inputs=inputs, outputs=[(value, 0) for value in tx["out"]]))
        assert chain[-1].fee == tx["fee"]
    return chain, coins


@pytest.mark.parametrize("policy", Policy)
def test_policy__gives_the_worked_example(policy):
    chain, coins = worked_example()
    case = Case(chain=chain, sources=[coins["A"]], labels=[0])
    answer = answer_of(case, run(case, Direction.FORWARD, policy), Direction.FORWARD)
    for tx in VECTOR["txs"]:
        *shares, fee = VECTOR["expect"][policy.name.lower()][tx["id"]]
        here = [answer.coins.get(coins[f"{tx['id']}:{j}"]) for j in range(len(shares))]
        found = [end.amount if end else 0 for end in here]
        assert [*found, answer.fees.get(coins[f"{tx['id']}:0"][0], 0)] == [*shares, fee]


@pytest.mark.parametrize("policy", [Policy.FIFO, Policy.LIFO])
@pytest.mark.parametrize("transactions", [1, 2, 3])
def test_policy__gives_the_segments_of_the_worked_example(transactions, policy):
    chain, coins = worked_example(transactions)
    case = Case(chain=chain, sources=[coins["A"]], labels=[0])
    trail = run(case, Direction.FORWARD, policy)
    last = VECTOR["txs"][transactions - 1]
    base = len(trail.coins) - len(last["out"])
    for j in range(len(last["out"])):
        expected = VECTOR["segments"][policy.name.lower()][f"{last['id']}:{j}"]
        found = trail.flow.segments(base + j)
        assert found == [tuple(piece) for piece in expected if [1] in [p[1:] for p in expected]]


def test_fifo_backward__gives_the_intervals_of_the_worked_example():
    chain, coins = worked_example()
    for name, expected in VECTOR["fifo_backward"].items():
        case = Case(chain=chain, sources=[coins[name]], labels=[0])
        trail = run(case, Direction.BACKWARD, Policy.FIFO)
        found = []
        for slot in np.flatnonzero(trail.flow.reason == Stop.NEWLY_MINED).tolist():
            # The three coins are mined by transactions 0, 1 and 2, one output each.
            coin = "ABC"[int(trail.coins[slot])]
            start = 0
            for length, colour in trail.flow.segments(slot):
                if colour:
                    found.append([coin, start, start + length])
                start += length
        assert sorted(found) == expected


def test_haircut__stays_within_rounding_of_the_exact_fractions():
    chain, coins = worked_example()
    case = Case(chain=chain, sources=[coins["A"]], labels=[0])
    answer = answer_of(case, run(case, Direction.FORWARD, Policy.HAIRCUT), Direction.FORWARD)
    for name, text in VECTOR["haircut_exact"].items():
        tx, _, place = name.partition(":")
        number = coins[f"{tx}:0"][0]
        found = answer.fees[number] if place == "fee" else answer.coins[coins[name]].amount
        assert abs(found - Fraction(text)) < 3


big_values = st.lists(st.integers(0, 2 * 10**14), min_size=1, max_size=9)


@given(big_values, st.integers(0, 10**13), st.data())
def test_share_pro_rata__agrees_with_fractions(values, remainder, data):
    total = sum(values) + remainder
    tainted = data.draw(st.integers(0, total))
    if total == 0:
        return
    shares = np.zeros(len(values), np.int64)
    share_pro_rata(np.array(values, np.int64), total, tainted, remainder, shares)
    expected, fee = reference.pro_rata(values, total, tainted, remainder)
    assert shares.tolist() == expected
    assert tainted - int(shares.sum()) == fee


@given(st.integers(1, 6), st.integers(1, 400), st.data())
def test_share_pro_rata__gives_odd_units_to_earlier_outputs_on_ties(value, count, data):
    tainted = data.draw(st.integers(0, value * count))
    shares = np.zeros(count, np.int64)
    share_pro_rata(np.full(count, value), value * count, tainted, 0, shares)
    assert shares.tolist() == sorted(shares.tolist(), reverse=True)
    assert max(shares) - min(shares) <= 1
    assert int(shares.sum()) == tainted


def test_stop_reason__gives_the_first_rule_in_order():
    followed = int(Stop.FOLLOWED)
    assert stop_reason(followed, 10, 10, 0, 1, 5, 5) == Stop.FOLLOWED
    assert stop_reason(followed, 9, 10, 1, 1, 6, 5) == Stop.BELOW_MIN
    assert stop_reason(followed, 10, 10, 1, 1, 6, 5) == Stop.TIME_WINDOW
    assert stop_reason(followed, 10, 10, 1, 1, 5, 5) == Stop.HOP_LIMIT
    assert stop_reason(int(Stop.SERVICE_REACHED), 9, 10, 1, 1, 6, 5) == Stop.SERVICE_REACHED


def shuffled_chain(random: Random, steps: int) -> Case:
    """Return coins that are cut and joined over and over, so that segments pile up and die."""
    chain = [Transaction(inputs=[], outputs=[(400, 0)]) for _ in range(4)]
    unspent: list[Coin] = [(number, 0) for number in range(4)]
    for number in range(4, 4 + steps):
        random.shuffle(unspent)
        taken, unspent = unspent[:3], unspent[3:]
        inputs = [(coin, chain[coin[0]].outputs[coin[1]][0], 0) for coin in taken]
        total = sum(value for _, value, _ in inputs)
        cuts = sorted(random.randint(0, total) for _ in range(2))
        values = [cuts[0], cuts[1] - cuts[0], total - cuts[1]]
        chain.append(Transaction(inputs=list(inputs), outputs=[(value, 0) for value in values]))
        unspent += [(number, j) for j in range(3)]
    return Case(chain=chain, sources=[(0, 0), (2, 0)], labels=[0])


@given(st.integers(0, 2**32))
def test_order__segments_survive_the_clearing_of_dead_ones(seed):
    case = shuffled_chain(seeded(seed), 60)
    policy = seeded(seed).choice([Policy.FIFO, Policy.LIFO])
    for direction in Direction:
        if direction == Direction.BACKWARD:
            last = len(case.chain) - 1
            case = Case(chain=case.chain, sources=[(last, 0), (last, 2)], labels=[0])
        trail = run(case, direction, policy)
        answer = answer_of(case, trail, direction)
        assert answer == expected_of(case, direction, policy)
        flow = trail.flow
        for slot in np.flatnonzero((flow.amount > 0) & (flow.reason != Stop.FOLLOWED)).tolist():
            by_colour: Counter[int] = Counter()
            for length, colour in flow.segments(slot):
                by_colour[colour] += length
            assert by_colour[1] == flow.amount[slot]
        assert len(flow.pool_length) <= 4 * len(flow.amount)


def arrays(**changes: Any) -> FlowArrays:
    good = FlowArrays(
        taken_first=np.array([0, 1]),
        taken_slot=np.array([0]),
        taken_value=np.array([5]),
        given_first=np.array([0, 1]),
        given_value=np.array([4]),
        reward_first=np.array([0, 0]),
        reward_value=np.array([], np.int64),
        remainder=np.array([1]),
        remainder_slot=np.array([2]),
        crowded=np.array([False]),
        source_value=np.array([5]),
        source_deadline=np.array([NO_DEADLINE]),
        source_colour=np.array([1]),
        slot_stop=np.array([Stop.FOLLOWED, Stop.UNSPENT, Stop.FEE], np.uint8),
        slot_rank=np.array([0, -1, -1]),
        returns_to=np.array([-1]),
    )
    return good._replace(**{name: np.array(value) for name, value in changes.items()})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"taken_slot": [1]}, "no earlier one gives"),
        ({"taken_slot": [-2]}, "no earlier one gives"),
        ({"taken_slot": [3]}, "no earlier one gives"),
        ({"source_colour": [0]}, "without a colour"),
        ({"remainder_slot": [1]}, "remainders"),
        ({"returns_to": [1]}, "returns to no source"),
        ({"taken_value": [6]}, "takes more than it gives"),
        ({"given_value": [-1]}, "outside 0 to"),
        ({"given_value": [2**51]}, "outside 0 to"),
        ({"taken_first": [0, 2]}, "taken_first"),
        ({"given_first": [1, 1]}, "given_first"),
        ({"slot_rank": [0]}, "slot_rank"),
        ({"taken_first": [0, 2], "taken_slot": [0, 0], "taken_value": [2, 2]}, "taken twice"),
    ],
)
def test_propagate__rejects_arrays_that_contradict_each_other(changes, message):
    limits = FlowLimits(0, 10, 1)
    assert propagate(arrays(), Policy.FIFO, limits).amount.tolist() == [5, 4, 1]
    with pytest.raises(ValueError, match=message):
        propagate(arrays(**changes), Policy.FIFO, limits)
