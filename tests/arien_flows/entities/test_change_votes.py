from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.entities import change_votes
from arien_flows.entities.change_votes import (
    BlockVotes,
    VoteSources,
    decided_blocks,
    horizons,
    newest_address,
    votes_of,
    votes_on,
)
from arien_flows.ledger.view import View
from heuristics.columns import NO_ADDRESS
from tests.arien_flows.entities.random_chains import grow, random_chain, view_at

seeds = st.integers(0, 1_000)


def none_excluded(start: int, stop: int) -> np.ndarray:
    return np.zeros(stop - start, dtype=np.uint8)


def third_excluded(start: int, stop: int) -> np.ndarray:
    return (np.arange(start, stop) % 3 == 0).astype(np.uint8)


def joined(portions: list[BlockVotes]) -> list[list[int]]:
    return [row for portion in portions for row in portion.votes.tolist()]


def whole(view: View, lag: int, **choice) -> list[list[int]]:
    return joined(list(votes_of(VoteSources.of(view), third_excluded, lag=lag, **choice)))


@pytest.mark.slow
@given(seeds, st.integers(0, 5), st.integers(1, 20))
def test_votes_of__portions_change_nothing(seed, lag, size) -> None:
    view = view_at(random_chain(seed, blocks=12))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(change_votes, "VOTE_TRANSACTIONS", size)
        patch.setattr(change_votes, "FEW_TRANSACTIONS", 0)
        portions = list(votes_of(VoteSources.of(view), third_excluded, lag=lag))
    assert joined(portions) == whole(view, lag)
    edges = [portion.first_block for portion in portions] + [portions[-1].last_block]
    assert edges[0] == 0
    assert edges[-1] == decided_blocks(view, lag) == max(12 - lag, 0)
    for portion, end in zip(portions, edges[1:], strict=True):
        assert portion.last_block == end
        assert portion.stop == view.first_transaction[end]
        assert portion.first_row[-1] == len(portion.votes)
        assert len(portion.first_row) == portion.stop - portion.start + 1


@pytest.mark.slow
@given(seeds, st.integers(1, 12), st.integers(1, 12), st.integers(0, 4))
def test_votes_of__looking_up_a_few_blocks_gives_what_passing_over_all_does(
    seed, one, other, lag
) -> None:
    view = view_at(random_chain(seed, blocks=12))
    first, last = sorted((one, other))
    sources = VoteSources.of(view)
    rows = view.first_output[view.first_transaction[[first, last]]]
    everything = whole(view, lag, last_block=12)
    looked_up = votes_of(sources, third_excluded, lag=lag, first_block=first, last_block=last)
    assert joined(list(looked_up)) == everything[rows[0] : rows[1]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(change_votes, "FEW_TRANSACTIONS", 0)
        passed = votes_of(sources, third_excluded, lag=lag, first_block=first, last_block=last)
        assert joined(list(passed)) == everything[rows[0] : rows[1]]


@pytest.mark.slow
@given(seeds, st.integers(4, 12), st.integers(0, 4))
def test_votes_of__decided_votes_are_the_same_on_every_longer_chain(seed, blocks, lag) -> None:
    """Cut the chain, or grow it another way: what was decided stays."""
    chain = random_chain(seed, blocks=blocks)
    before = view_at(chain)
    later = view_at(grow(chain.copy(), Random(seed + 1), 6, salt=1))
    decided = whole(before, lag)
    assert whole(later, lag)[: len(decided)] == decided


@pytest.mark.slow
@given(seeds, st.integers(0, 3))
def test_votes_on__gives_the_row_of_the_matrix(seed, lag) -> None:
    view = view_at(random_chain(seed, blocks=8))
    sources = VoteSources.of(view)
    matrix = joined(list(votes_of(sources, none_excluded, lag=lag, last_block=8)))
    for transaction in range(view.counts.transactions):
        begin, end = view.first_output[transaction : transaction + 2]
        assert votes_on(sources, transaction, lag).tolist() == matrix[begin:end]


@pytest.mark.slow
@given(seeds)
def test_newest_address__is_the_largest_number_that_earlier_transactions_mention(seed) -> None:
    view = view_at(random_chain(seed, blocks=6))
    for transaction in range(view.counts.transactions + 1):
        earlier = view.output_address[: view.first_output[transaction]]
        known = earlier[earlier != NO_ADDRESS]
        assert newest_address(view, transaction) == (int(known.max()) if len(known) else -1)


def test_votes_of__either_way_gives_the_same(monkeypatch) -> None:
    view = view_at(random_chain(7, blocks=5))
    everything = whole(view, 1, last_block=5)
    rows = view.first_output[view.first_transaction[[2, 4]]]
    assert whole(view, 1, first_block=2, last_block=4) == everything[rows[0] : rows[1]]
    monkeypatch.setattr(change_votes, "FEW_TRANSACTIONS", 0)
    monkeypatch.setattr(change_votes, "VOTE_TRANSACTIONS", 3)
    assert whole(view, 1, first_block=2, last_block=4) == everything[rows[0] : rows[1]]
    assert whole(view, 1) == everything[: view.first_output[view.first_transaction[4]]]


def test_horizons__follow_heights_and_end_with_the_view() -> None:
    view = view_at(random_chain(1, blocks=5))
    assert horizons(view, 0, 5, 2).tolist() == view.first_transaction[[3, 4, 5, 5, 5]].tolist()
    assert decided_blocks(view, 2) == 3
    assert decided_blocks(view, 0) == 5
    assert decided_blocks(view, 9) == 0


def test_votes_of__refuses_blocks_that_do_not_exist() -> None:
    sources = VoteSources.of(view_at(random_chain(1, blocks=2)))
    for first, last in ((0, 3), (2, 1), (-1, 1)):
        with pytest.raises(ValueError, match="not all in the view"):
            list(votes_of(sources, none_excluded, first_block=first, last_block=last))
