import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.entities.change_votes import VoteSources, votes_on
from arien_flows.entities.counted_votes import counted_votes
from heuristics.change_rules import ChangeRule, vote_name
from tests.arien_flows.entities.random_chains import random_chain, view_at
from tests.ledgers import Tx, build_view

PAYMENT = [
    Tx(name="c0", outputs=[("alice", 500_000_000), ("p2pkh:shop", 1)]),
    Tx(name="c1", outputs=[("m", 1)]),
    Tx(
        name="pay",
        inputs=["c0:0"],
        outputs=[("p2pkh:shop", 300_000_000), ("alice-change", 199_998_123)],
    ),
    Tx(name="c2", outputs=[("m", 1)]),
    Tx(name="on", inputs=["pay:1"], outputs=[("x", 199_000_000), ("y", 900_001)]),
]


POWERS = tuple(f"change_power_of_ten_{digits}" for digits in range(2, 8))


def test_counted_votes__of_a_plain_payment() -> None:
    found = counted_votes(build_view(PAYMENT), 2, 1_008)
    assert found == (7, ("change_address_type", *POWERS), ())


def test_counted_votes__know_no_more_than_the_lag_allows() -> None:
    """Once its spender is known, a habit speaks against the change: the payee keeps to it."""
    chain = [
        *PAYMENT[:4],
        Tx(name="on", inputs=["pay:1"], locktime=1, outputs=[("x", 199_000_000)]),
        Tx(name="shop", inputs=["pay:0"], outputs=[("y", 299_000_000)]),
    ]
    view = build_view(chain)
    at_once, later = counted_votes(view, 2, 0), counted_votes(view, 2, 1)
    assert at_once == (7, ("change_address_type", *POWERS), ())
    assert later is not None
    assert later.against == ("change_same_locktime",)
    assert len(later.in_favour) - len(later.against) == later.lead


def test_counted_votes__of_a_payment_without_a_leader() -> None:
    assert counted_votes(build_view(PAYMENT), 0, 1_008) is None


@pytest.mark.slow
@given(st.integers(0, 1_000), st.integers(0, 3))
def test_counted_votes__are_those_of_the_whole_matrix(seed: int, lag: int) -> None:
    view = view_at(random_chain(seed, blocks=8))
    sources = VoteSources.of(view)
    for transaction in range(view.counts.transactions):
        votes = votes_on(sources, transaction, lag)[:, :26]
        most = sorted(((votes > 0).sum(axis=1)).tolist(), reverse=True)
        found = counted_votes(view, transaction, lag)
        if len(most) < 2 or most[0] == most[1]:
            assert found is None
            continue
        assert found is not None
        row = votes[(votes > 0).sum(axis=1).argmax()]
        assert found.lead == most[0] - most[1]
        assert found.in_favour == tuple(vote_name(ChangeRule(i)) for i in (row > 0).nonzero()[0])
        assert found.against == tuple(vote_name(ChangeRule(i)) for i in (row < 0).nonzero()[0])
