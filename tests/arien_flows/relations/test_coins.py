"""Relations on a chain of coins: exact, the same from both ends, and summing to what was moved."""

from collections import defaultdict
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from arien_flows.relations.coins import Subject, _proportion, coin_relations
from arien_flows.relations.found import Direction, Relations, Rest
from heuristics.conservation import ConservationError
from tests.arien_flows.entities.random_chains import random_chain, view_at
from tests.ledgers import Tx, build_view, text_of_name

COIN = 100_000_000


class Halves:
    """Entities of two addresses each: numbers 0 and 1, 2 and 3, and so on."""

    identity = "halves"

    def __init__(self, count: int) -> None:
        self.labels = (np.arange(count, dtype=np.uint32) // 2) * 2

    def root_of(self, address: int) -> int:
        return int(self.labels[address])

    def members(self, root: int) -> np.ndarray:
        return np.flatnonzero(self.labels == root).astype(np.uint32)


def asked(view: View, members: list[int], direction: Direction, **terms: object) -> Relations:
    told = {"entities": None, "coinjoins": None} | terms
    return coin_relations(view, Subject(members=np.array(members, np.int64)), direction, **told)


def slow(view: View, members: set[int], direction: Direction) -> dict[int, tuple[int, int]]:
    """Return value and transactions of each neighbour, one transaction after the other."""
    found: dict[int, list[int]] = defaultdict(list)
    for tx in range(view.counts.transactions):
        inputs: dict[int, int] = defaultdict(int)
        outputs: dict[int, int] = defaultdict(int)
        for row in range(view.first_input[tx], view.first_input[tx + 1]):
            inputs[int(view.input_address[row])] += int(view.input_value[row])
        for row in range(view.first_output[tx], view.first_output[tx + 1]):
            outputs[int(view.output_address[row])] += int(view.output_value[row])
        own, far = (inputs, outputs) if direction == "out" else (outputs, inputs)
        mine = sum(value for each, value in own.items() if each in members)
        if mine:
            for each, value in far.items():
                if each not in members and each != NO_ADDRESS:
                    found[each].append(mine * value // sum(inputs.values()))
    return {each: (sum(values), len(values)) for each, values in found.items()}


@pytest.mark.parametrize("direction", ["in", "out"])
@given(seed=st.integers(0, 2**20))
def test_relations__agree_with_the_slow_way(direction: Direction, seed: int):
    view = view_at(random_chain(seed, 5))
    random = Random(seed)
    members = sorted(random.sample(range(view.counts.addresses), 3))
    found = asked(view, members, direction)
    told = dict(zip(found.holders, zip(found.values, found.transactions, strict=True), strict=True))
    assert told == slow(view, set(members), direction)
    assert list(found.values) == sorted(found.values, reverse=True)
    moved = [view.totals(each) for each in members]
    assert found.total == sum(
        each.sent_sat if direction == "out" else each.received_sat for each in moved
    )


@given(seed=st.integers(0, 2**20))
def test_relations__are_the_same_from_both_ends(seed: int):
    view = view_at(random_chain(seed, 5))
    for payer in range(min(view.counts.addresses, 8)):
        paid = asked(view, [payer], "out")
        for each, value, first in zip(paid.holders, paid.values, paid.first, strict=True):
            back = asked(view, [each], "in")
            place = list(back.holders).index(payer)
            assert (back.values[place], back.first[place]) == (value, first)


@given(seed=st.integers(0, 2**20))
def test_relations__of_entities_sum_what_their_addresses_moved(seed: int):
    view = view_at(random_chain(seed, 5))
    halves = Halves(view.counts.addresses)
    found = asked(view, [0, 1], "out", entities=halves)
    assert set(found.holders) <= {int(root) for root in halves.labels} - {0}
    alone = asked(view, [0, 1], "out")
    assert sum(alone.values) <= sum(found.values)
    assert sum(found.values) - sum(alone.values) <= alone.rest[Rest.ROUNDING]


def number(view: View, name: str) -> int:
    return view.find_address(text_of_name(name))


def three_payers() -> View:
    return build_view(
        [
            Tx(name="a", outputs=[("alice", 10)]),
            Tx(name="b", outputs=[("bob", 20)]),
            Tx(name="c", outputs=[("carol", 3)]),
            Tx(
                name="pay",
                inputs=["a:0", "b:0", "c:0"],
                outputs=[("shop", 16), ("alice", 8), ("data:x", 0), ("tip", 2)],
            ),
        ]
    )


def test_rest__says_where_everything_else_went():
    view = three_payers()
    found = asked(view, [number(view, "alice")], "out")
    # 10 of 33 units: 160/33, 80/33, 20/33 and 70/33, each rounded down.
    shop, tip = number(view, "shop"), number(view, "tip")
    assert dict(zip(found.holders, found.values, strict=True)) == {shop: 4, tip: 0}
    assert not any(found.facts)
    rest = {reason: value for reason, value in found.rest.items() if value}
    assert rest == {Rest.OWN: 2, Rest.FEES: 2, Rest.ROUNDING: 2}
    assert found.total == 10


def test_new_money__comes_from_nobody():
    view = three_payers()
    found = asked(view, [number(view, "bob")], "in")
    assert (found.holders, found.rest[Rest.NEWLY_MINED], found.total) == ([], 20, 20)


def test_sole_payer__is_a_fact():
    view = build_view(
        [
            Tx(name="a", outputs=[("alice", 10), ("alice", 5)]),
            Tx(name="pay", inputs=["a:0", "a:1"], outputs=[("shop", 14)]),
        ]
    )
    for name, far, direction in (("alice", "shop", "out"), ("shop", "alice", "in")):
        found = asked(view, [number(view, name)], direction)
        assert (found.holders, found.values, found.facts) == ([number(view, far)], [14], [True])


def test_coinjoins__are_told_in_one_sum():
    view = three_payers()
    marks = np.zeros(view.counts.transactions, np.uint8)
    marks[-1] = 1
    found = asked(view, [number(view, "alice")], "out", coinjoins=marks)
    assert (found.holders, found.rest[Rest.COINJOIN]) == ([], 10)


def test_bounds__are_said(monkeypatch: pytest.MonkeyPatch):
    view = three_payers()
    monkeypatch.setattr("arien_flows.relations.coins.MOST_TRANSACTIONS", 1)
    found = asked(view, [number(view, "alice")], "in")
    assert [cut.reason for cut in found.truncations] == ["too_many_transactions"]
    assert found.total == 8
    monkeypatch.setattr("arien_flows.relations.coins.MOST_ROWS", 2)
    assert {cut.reason for cut in asked(view, [number(view, "alice")], "in").truncations} == {
        "too_many_transactions",
        "too_many_rows",
    }


@given(
    st.lists(
        st.tuples(st.integers(1, 21 * 10**14), st.integers(1, 21 * 10**14)), min_size=1, max_size=20
    )
)
def test_proportion__is_exact_past_64_bits(pairs: list[tuple[int, int]]):
    own, other = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    whole = np.maximum(own, other) + 1
    shared = _proportion(own, other, whole)
    exact = [int(a) * int(b) // int(c) for a, b, c in zip(own, other, whole, strict=True)]
    assert shared.tolist() == exact


def test_relations__that_do_not_add_up_are_a_bug():
    with pytest.raises(ConservationError):
        Relations(
            holders=[1], values=[2], transactions=[1], first=[0], last=[0], facts=[True],
            rest={}, total=3, looked_at=1, truncations=(),
        )  # fmt: skip
