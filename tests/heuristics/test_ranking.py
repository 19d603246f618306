"""The ranking, against its vector, an oracle, and what has to hold of sums."""

import json
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.ranking import (
    NO_ASSET,
    THRESHOLD,
    Chip,
    Move,
    Ranking,
    Variant,
    rank,
)
from tests.reference.ranking import push_in_time

VECTOR = json.loads((Path(__file__).parents[1] / "vectors" / "ttr_weight.json").read_text())

Transfer = tuple[int, int, int, int]


def moves_by_account(transfers: list[Transfer]) -> dict[int, list[Move]]:
    """Return movements (giver, receiver, amount, asset) in chain order, as accounts see them."""
    moves: dict[int, list[Move]] = defaultdict(list)
    for order, (giver, receiver, amount, asset) in enumerate(transfers):
        moves[giver].append(Move(order, receiver, asset, amount, True))
        moves[receiver].append(Move(order, giver, asset, amount, False))
    return moves


def test_push__of_the_vector():
    names = sorted({name for edge in VECTOR["edges"] for name in edge[:2]})
    number = {name: place for place, name in enumerate(names)}
    moves = moves_by_account([(number[a], number[b], value, 0) for a, b, value in VECTOR["edges"]])
    walk = Ranking(Variant.WEIGHT)
    walk.put(number["s"], Chip(), 1.0)
    for name in VECTOR["pushed"]:
        walk.push(number[name], moves[number[name]])
        assert sum(walk.score.values()) + sum(map(walk.waiting, walk.rest)) == pytest.approx(1)
    assert {it: walk.score[number[it]] for it in VECTOR["score"]} == pytest.approx(VECTOR["score"])
    assert {it: walk.waiting(number[it]) for it in VECTOR["rest"]} == pytest.approx(VECTOR["rest"])


transfers = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 10**20), st.integers(0, 1)),
    min_size=1,
    max_size=15,
).map(lambda rows: [row for row in rows if row[0] != row[1]])


@given(transfers, st.sampled_from(Variant), st.integers(1, 60))
def test_rank__shares_out_exactly_one(rows, variant, most):
    moves = moves_by_account(rows)
    found = rank(0, [0, 1], variant, lambda account: moves[account], most)
    assert sum(found.score.values()) == pytest.approx(1)
    assert min(found.score.values()) >= 0
    assert found.pushes <= most


@given(transfers, st.lists(st.booleans(), min_size=15, max_size=15))
def test_push__in_time_agrees_with_reference(rows, converts):
    """Some of the first account's movements are conversions into the other asset."""
    moves = [
        move._replace(into=1 - move.asset) if converts[move.order] else move
        for move in moves_by_account(rows)[0]
    ]
    for chip in (Chip(0), Chip(1, 4), Chip(0, 9)):
        walk = Ranking(Variant.REDIRECT)
        walk.put(0, chip, 1.0)
        walk.push(0, moves)
        found = {
            (account, it): held for account, bag in walk.rest.items() for it, held in bag.items()
        }
        expected = push_in_time(0, chip, 1.0, moves)
        # What is too small beside the rest may be rounded away on either side.
        for where in found.keys() | expected.keys():
            assert found.get(where, 0.0) == pytest.approx(expected.get(where, 0.0), abs=1e-12)


def test_rank__by_time_goes_only_where_money_can_have_gone():
    rows = [(1, 9, 5, 0), (0, 1, 5, 0), (1, 2, 5, 0), (7, 0, 5, 0), (7, 8, 5, 0), (6, 7, 5, 0)]
    moves = moves_by_account(rows)
    by_time = rank(0, [0], Variant.TIME, lambda account: moves[account], 1_000)
    # 9 was paid before 1 had the money, and 7 was paid by 6 after it had paid 0.
    assert 9 not in by_time.score
    assert 6 not in by_time.score
    assert by_time.score[2] > by_time.score[7]
    by_weight = rank(0, [0], Variant.WEIGHT, lambda account: moves[account], 1_000)
    assert by_weight.score[9] > 0


def test_rank__redirects_over_a_conversion():
    swap = [Move(2, 5, 0, 10, True, 1), Move(2, 5, 1, 99, False, 0)]
    moves = {
        0: [Move(1, 4, 0, 10, False), *swap, Move(3, 6, 1, 99, True), Move(0, 7, 1, 50, True)],
        4: [Move(1, 0, 0, 10, True)],
        6: [Move(3, 0, 1, 99, False)],
    }
    found = rank(0, [0], Variant.REDIRECT, lambda account: moves.get(account, ()), 1_000)
    # Nothing goes to the pool, nor to what was paid in the other asset before.
    assert set(found.score) == {0, 4, 6}
    assert found.score[6] > found.score[4]


def test_rank__does_not_pass_some_and_says_which():
    moves = moves_by_account([(0, 1, 5, 0), (1, 2, 5, 0), (1, 3, 5, 0)])
    found = rank(0, [0], Variant.WEIGHT, lambda it: None if it == 1 else moves[it], 1_000)
    assert found.not_passed == (1,)
    assert set(found.score) == {0, 1}
    assert found.unexplored == 0


def test_rank__says_what_it_had_no_pushes_for():
    moves = moves_by_account([(0, 1, 5, 0), (1, 2, 5, 0)])
    found = rank(0, [0], Variant.BASE, lambda account: moves[account], 1)
    assert found.pushes == 1
    # What could go nowhere back has returned to the start.
    assert found.unexplored == 2
    assert all(held > THRESHOLD for held in found.score.values())


def test_rank__needs_something_to_begin_with():
    with pytest.raises(ValueError, match="an asset"):
        rank(0, [], Variant.REDIRECT, lambda _: (), 1)
    with pytest.raises(ValueError, match="push"):
        rank(0, [NO_ASSET], Variant.BASE, lambda _: (), 0)
