"""Payouts and splits of groups against their slow version, and each rule by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heuristics.market_flows import MOST_SPLIT_OUTPUTS, GroupFlows, group_flows
from tests.heuristics.transaction_cases import columns_of
from tests.reference import vendors as reference
from tests.reference.vendors import NOBODY, Transaction

ADDRESSES = 12
COIN = st.tuples(st.sampled_from([*range(ADDRESSES), NOBODY]), st.sampled_from([0, 1, 40, 1000]))


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Transaction], list[int], list[int], list[int]]:
    transactions = [
        (
            draw(st.lists(COIN, max_size=3)),
            draw(st.lists(COIN, min_size=1, max_size=20 if draw(st.integers(0, 5)) == 0 else 4)),
        )
        for _ in range(draw(st.integers(1, 8)))
    ]
    labels = [draw(st.integers(0, address)) for address in range(ADDRESSES)]
    labels = [labels[labels[root]] if labels[root] != root else root for root in labels]
    while any(labels[root] != root for root in labels):
        labels = [labels[root] for root in labels]
    of_root = [draw(st.sampled_from([0, 0, 1, 2])) for _ in range(ADDRESSES)]
    left_out = [draw(st.sampled_from([0, 0, 0, 1])) for _ in transactions]
    return transactions, labels, [of_root[root] for root in labels], left_out


def flows(transactions, labels, group, left_out) -> GroupFlows:
    return group_flows(
        columns_of(transactions),
        np.array(labels, dtype=np.uint32),
        np.array(group, dtype=np.uint16),
        np.array(left_out, dtype=np.uint8),
    )


@given(case=cases())
def test_group_flows__are_those_of_the_slow_version(case):
    found = flows(*case)
    payouts, splits, mixed, wide = reference.group_flows(*case, MOST_SPLIT_OUTPUTS)
    assert [tuple(row) for row in found.payouts.tolist()] == payouts
    assert [tuple(row) for row in found.splits.tolist()] == splits
    assert (found.mixed, found.wide) == (mixed, wide)


@given(case=cases(), swap=st.permutations([1, 2]))
def test_group_flows__do_not_depend_on_the_numbers_of_groups(case, swap):
    transactions, labels, group, left_out = case
    other = flows(transactions, labels, [[0, *swap][it] for it in group], left_out)
    found = flows(*case)
    assert found.payouts[:, :2].tolist() == other.payouts[:, :2].tolist()
    assert found.splits[:, :3].tolist() == other.splits[:, :3].tolist()


def test_group_flows__take_what_comes_back_for_no_payout():
    market, hot, seller = 0, 1, 2
    found = flows([([(market, 100)], [(hot, 40), (seller, 60)])], [0, 0, 2], [1, 1, 0], [0])
    assert found.payouts.tolist() == [[0, 1, 1]]


def test_group_flows__take_change_of_the_payer_for_no_part_of_a_split():
    buyer, change, market, seller = 0, 1, 2, 3
    case = [([(buyer, 100)], [(market, 4), (seller, 60), (change, 36)])]
    found = flows(case, [0, 0, 2, 3], [0, 0, 1, 0], [0])
    assert found.splits.tolist() == [[0, 0, 1, 1]]


def test_group_flows__refuse_labels_of_other_addresses():
    with pytest.raises(ValueError, match="different addresses"):
        flows([([(0, 1)], [(0, 1)])], [0], [0, 0], [0])
    with pytest.raises(ValueError, match="one mark"):
        flows([([(0, 1)], [(0, 1)])], [0], [0], [0, 0])
